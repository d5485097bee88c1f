//! Windows of a metric: one number of the last one, many side by side, the largest values of a tag, how values lie.

mod live;
mod series;
mod spread;
mod top;

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::{Plain, rendered};
use crate::error::{Error, Result};
use crate::metrics::Basis;
use crate::web::{EmptyView, Markup};
use crate::widgets::Kind;
use crate::widgets::view::{ChartFragment, ChartView, WidgetFrame};
use crate::widgets::windowed::Asking;
use crate::words;

pub async fn html(tx: &mut PgConnection, plain: &Plain<'_>) -> Result<String> {
    let asking = match Asking::of(tx, plain.widget, plain.context).await {
        Ok(asking) => asking,
        Err(Error::NotFound) => {
            return plain.empty(EmptyView::new(
                "never",
                t!("There is no such metric yet"),
                t!("As soon as it is sent, it appears here by itself."),
                "",
                String::new(),
            ));
        }
        Err(error) => return Err(error),
    };
    let look = Look { plain, asking };
    match plain.widget.kind {
        Kind::Live => live::html(tx, &look).await,
        Kind::Windows => series::html(tx, &look).await,
        Kind::Top => top::html(tx, &look).await,
        _ => spread::html(tx, &look).await,
    }
}

/// Everything that these are drawn with.
struct Look<'a> {
    plain: &'a Plain<'a>,
    asking: Asking<'a>,
}

impl Look<'_> {
    fn name(&self) -> String {
        let metric = &self.asking.metric;
        match metric.label.as_str() {
            "" => metric.name.replace(['_', '.'], " "),
            label => words::ours(label).to_owned(),
        }
    }

    fn title(&self) -> String {
        match self.plain.widget.title.as_str() {
            "" => self.name(),
            title => words::ours(title).to_owned(),
        }
    }

    /// The person's, or the metric's; a count and a rate are of no unit.
    fn unit(&self) -> &str {
        use crate::metrics::figures::Aggregate::*;
        match (&self.plain.widget.options.unit, self.asking.named.aggregate) {
            (Some(unit), _) => unit,
            (None, Ratio) => "%",
            (None, Rate) => t!("a second"),
            (None, Count | Distinct) => "",
            (None, _) => &self.asking.metric.unit,
        }
    }

    /// `p95, last 5 min, host=web-01`
    fn frame(&self, of: &str) -> WidgetFrame {
        let mut frame = self.plain.frame(&self.name(), self.plain.context.now);
        let tags = self.plain.widget.options.tags.clone().unwrap_or_default();
        let words = [self.number(), of, &tags];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        frame.note = words.join(", ");
        frame
    }

    /// The aggregation in words.
    fn number(&self) -> &'static str {
        match self.plain.widget.kind {
            Kind::Spread => "",
            _ => self.asking.named.aggregate.label(),
        }
    }

    fn drawing(&self) -> String {
        format!("chart-{}", self.plain.widget.id)
    }

    fn nothing(&self, of: &str) -> Result<String> {
        let empty = EmptyView::new(
            "range",
            t!("Nothing in this time"),
            &t!("{name} has no values in the {window}.", name = self.name(), window = of),
            "",
            String::new(),
        );
        let frame = WidgetFrame {
            empty: Some(empty),
            ..self.frame(of)
        };
        rendered(&super::FrameFragment {
            frame: &frame,
            class: super::class(self.plain.widget.kind),
        })
    }

    fn drawn(&self, frame: WidgetFrame, body: String) -> Result<String> {
        let chart = ChartView {
            frame,
            body: Markup(body),
        };
        rendered(&ChartFragment { chart: &chart })
    }
}

/// `last 5 min`
fn last(span: TimeDelta) -> String {
    t!("last {window}", window = length(span))
}

fn length(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    match seconds {
        s if s % 86_400 == 0 => t!("{n} d", n = s / 86_400),
        s if s % 3_600 == 0 => t!("{n} h", n = s / 3_600),
        s if s % 60 == 0 => t!("{n} min", n = s / 60),
        s => t!("{n} s", n = s),
    }
}

/// What an answer was computed from.
fn source(basis: Basis) -> &'static str {
    match basis {
        Basis::Raw => t!("from the points"),
        Basis::Sketch => t!("from sums"),
    }
}
