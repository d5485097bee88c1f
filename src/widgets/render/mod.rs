//! From figures to HTML: one file for each family of kinds. What they share is here: the frame around a widget, the
//! words of keys, and why there may be nothing to show.

mod activity;
mod alert;
mod chart;
mod heat;
mod map;
mod matrix;
mod number;
mod table;
mod windows;

use std::cmp::Reverse;
use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::compose::Loads;
use super::source::{Frame, Query, Source, Spot, total};
use super::view::{FrameFragment, TextFragment, TextView, WidgetFrame};
use super::{Context, Kind, Measure, Nature, SourceRef, Span, Widget, markdown};
use crate::blood::unit_state::DiscardReason;
use crate::blood::{BloodGroup, Component};
use crate::error::{Error, Result};
use crate::figures::{Dimension, Row};
use crate::ids::FacilityId;
use crate::requests::Urgency;
use crate::web::{EmptyView, Markup};
use crate::words::{self, Dated};

/// Everything that a widget is drawn with.
pub(super) struct Look<'a> {
    pub widget: &'a Widget,
    pub context: &'a Context,
    pub source: &'a dyn Source,
    pub measure: &'a Measure,
    pub by: &'a [Dimension],
    pub span: Span,
    pub version: i64,
}

/// The HTML of a widget. `loads` keeps what other widgets of the board have read before.
pub(super) async fn html(
    tx: &mut PgConnection,
    widget: &Widget,
    context: &Context,
    loads: &mut Loads<'_>,
) -> Result<String> {
    let plain = Plain {
        widget,
        context,
        version: loads.version,
    };
    if context.facilities.is_empty() && widget.kind != Kind::Text {
        return plain.empty(context.nothing_left());
    }
    match widget.kind {
        Kind::Text => return text(&plain),
        Kind::Matrix => return matrix::html(tx, &plain, loads).await,
        Kind::Activity => {
            return match context.rows {
                Some(rows) => activity::html(tx, &plain, rows).await,
                None => plain.sums_only(),
            };
        }
        Kind::Alert => return alert::html(tx, &plain).await,
        _ => {}
    }
    if widget.kind.is_windowed() {
        return windows::html(tx, &plain).await;
    }
    let reference: &SourceRef = widget.source.as_ref().ok_or(Error::NotFound)?;
    let (source, measure) = loads.sources.find(&reference.measure).ok_or(Error::NotFound)?;
    let span = context.span_of(widget)?;
    let look = Look {
        widget,
        context,
        source,
        measure: &measure,
        by: &reference.by,
        span,
        version: loads.version,
    };
    match widget.kind {
        Kind::Number => number::html(tx, &look, loads).await,
        Kind::Gauge => number::gauge(tx, &look, loads).await,
        Kind::Line | Kind::Area => chart::html(tx, &look, loads).await,
        Kind::Bar if reference.by.first() == Some(&Dimension::Day) => chart::html(tx, &look, loads).await,
        Kind::Bar => chart::ranks(tx, &look, loads).await,
        Kind::Table => table::html(tx, &look, loads).await,
        Kind::List => table::list(tx, &look, loads).await,
        Kind::Map => map::html(tx, &look, loads).await,
        Kind::Heatmap => heat::html(tx, &look, loads).await,
        _ => Err(Error::NotFound),
    }
}

/// A widget in whose place stands that it could not be made, and which perhaps fetches itself once it is on a page.
pub(super) fn failed(widget: &Widget, context: &Context, version: i64, sentence: &str, fetches_itself: bool) -> String {
    let plain = Plain {
        widget,
        context,
        version,
    };
    let frame = WidgetFrame {
        problem: Some(sentence.into()),
        fetches_itself,
        ..plain.frame(plain.title(), context.now)
    };
    FrameFragment {
        frame: &frame,
        class: class(widget.kind),
    }
    .render()
    .unwrap_or_default()
}

/// The class of the element, which the style sheet knows.
fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Number | Kind::Live => "tile",
        Kind::Matrix => "matrix",
        Kind::Activity => "activity",
        Kind::Table | Kind::List => "grid-table",
        Kind::Text => "prose",
        Kind::Alert => "alert-state",
        Kind::Line
        | Kind::Bar
        | Kind::Area
        | Kind::Gauge
        | Kind::Map
        | Kind::Heatmap
        | Kind::Windows
        | Kind::Top
        | Kind::Spread => "plot",
    }
}

/// A widget that shows no measure.
struct Plain<'a> {
    widget: &'a Widget,
    context: &'a Context,
    version: i64,
}

impl Plain<'_> {
    fn frame(&self, title: &str, as_of: DateTime<Utc>) -> WidgetFrame {
        WidgetFrame {
            name: self.widget.id.clone(),
            title: if self.widget.title.is_empty() {
                title
            } else {
                words::ours(&self.widget.title)
            }
            .into(),
            href: self.context.rows.and(self.widget.drill.clone()),
            note: String::new(),
            version: self.version,
            as_of_iso: as_of.to_rfc3339(),
            as_of: self.context.time(as_of),
            empty: None,
            problem: None,
            fetches_itself: false,
            retry_href: self.context.href_of(&self.widget.id),
        }
    }

    /// Its title where the person gave none.
    fn title(&self) -> &'static str {
        match self.widget.kind {
            Kind::Matrix => t!("Stock by group and component"),
            Kind::Activity => t!("Activity"),
            Kind::Alert => t!("Shelves below their level"),
            kind => kind.label(),
        }
    }

    /// In the place of rows where only sums may be shown.
    fn sums_only(&self) -> Result<String> {
        self.empty(EmptyView::new(
            "sums",
            t!("Not shown here"),
            t!("This part lists single things, and a link shows sums only."),
            "",
            String::new(),
        ))
    }

    fn empty(&self, empty: EmptyView) -> Result<String> {
        let frame = WidgetFrame {
            empty: Some(empty),
            ..self.frame(self.title(), self.context.now)
        };
        rendered(&FrameFragment {
            frame: &frame,
            class: class(self.widget.kind),
        })
    }
}

fn text(plain: &Plain<'_>) -> Result<String> {
    let written = plain.widget.options.markdown.as_deref().unwrap_or_default();
    let links = plain.context.rows.is_some();
    rendered(&TextFragment {
        text: &TextView {
            frame: plain.frame(t!("Text"), plain.context.now),
            body: Markup(markdown::to_html(written, links)),
            bare: plain.widget.title.is_empty(),
        },
    })
}

fn rendered(fragment: &impl Template) -> Result<String> {
    Ok(fragment.render().map_err(anyhow::Error::from)?)
}

impl Look<'_> {
    /// The question of the widget as it stands.
    fn query(&self) -> Query {
        Query::new(self.measure, self.widget, self.by, &self.span, self.context)
    }

    fn plain(&self) -> Plain<'_> {
        Plain {
            widget: self.widget,
            context: self.context,
            version: self.version,
        }
    }

    fn frame(&self, as_of: DateTime<Utc>) -> WidgetFrame {
        let mut frame = self.plain().frame(self.measure.title(), as_of);
        frame.href = frame.href.or_else(|| self.href(&self.query(), &[]));
        frame.note = self.note();
        frame
    }

    /// What a reader must know to understand the number: its days where they are the widget's own, and what does not
    /// follow the filter of the board.
    fn note(&self) -> String {
        let mut words = vec![];
        if self.measure.hours {
            words.push(t!("within {hours} h", hours = self.query().hours));
        }
        match self.widget.options.days {
            Some(1) if self.measure.past => words.push(t!("today").into()),
            Some(days) if self.measure.past => words.push(t!("last {days} days", days)),
            None if self.measure.nature != Nature::Level && self.measure.past => {
                words.push(self.context.range.words().to_lowercase());
            }
            _ => {}
        }
        if !self.measure.past && self.span.last < self.context.today {
            words.push(t!("now").into());
        }
        let filter = &self.context.filter;
        if filter.group.is_some() && !self.measure.by.contains(&Dimension::Group) {
            words.push(t!("all groups").into());
        }
        if filter.component.is_some() && !self.measure.by.contains(&Dimension::Component) {
            words.push(t!("all components").into());
        }
        words.join(", ")
    }

    fn unit(&self) -> &str {
        self.widget.options.unit.as_deref().unwrap_or(self.measure.unit())
    }

    /// What stands over the keys of a dimension: of a tag its name.
    fn heading(&self, dimension: Dimension) -> String {
        match (dimension, self.widget.named()) {
            (Dimension::Tag, Some(named)) if !named.tag.is_empty() => named.tag.into(),
            _ => dimension.label().into(),
        }
    }

    /// The id of a drawing inside the widget.
    fn drawing(&self) -> String {
        format!("chart-{}", self.widget.id)
    }

    fn title(&self) -> String {
        match self.widget.title.is_empty() {
            true => self.measure.title().to_string(),
            false => words::ours(&self.widget.title).to_owned(),
        }
    }

    /// The page behind one key, or none.
    fn href(&self, query: &Query, keys: &[(Dimension, &str)]) -> Option<String> {
        self.context.rows?;
        let mut spot = Spot {
            facility: self.context.only(),
            ..Spot::default()
        };
        for (dimension, key) in keys {
            match dimension {
                Dimension::Facility => spot.facility = key.parse::<FacilityId>().ok(),
                Dimension::Day => spot.day = key.parse().ok(),
                Dimension::Group => spot.group = key.parse().ok(),
                Dimension::Component => spot.component = key.parse().ok(),
                // no list is narrowed by these: a link to more than the number counts would be wrong
                _ => return None,
            }
        }
        self.source.href(query, &spot).map(|href| self.context.down(href))
    }

    /// Nothing came of the question, though facilities were left over.
    fn nothing(&self, as_of: DateTime<Utc>) -> Result<String> {
        let context = self.context;
        let ever = self.version > 0;
        let empty = match (context.filter.is_empty(), ever) {
            (false, true) => EmptyView {
                kind: "filter".into(),
                title: t!("Nothing matches the filter").into(),
                text: t!(
                    "{title} has nothing for it {days}.",
                    title = self.measure.title(),
                    days = self.days()
                ),
                label: t!("Show all").into(),
                href: context.unfiltered.clone(),
            },
            (_, true) => EmptyView {
                kind: "range".into(),
                title: t!("Nothing in this time").into(),
                text: t!(
                    "{title}: none {days}.",
                    title = self.measure.title(),
                    days = self.days()
                ),
                label: String::new(),
                href: String::new(),
            },
            (_, false) => EmptyView {
                kind: "never".into(),
                title: t!("Nothing has been recorded yet").into(),
                text: t!("As soon as something is, it appears here by itself.").into(),
                label: String::new(),
                href: String::new(),
            },
        };
        let frame = WidgetFrame {
            empty: Some(empty),
            ..self.frame(as_of)
        };
        rendered(&FrameFragment {
            frame: &frame,
            class: class(self.widget.kind),
        })
    }

    fn days(&self) -> String {
        let word = |day: NaiveDate| day.dated("%-d %b %Y");
        match (self.measure.past, self.span.first == self.span.last) {
            (false, _) => t!("at this moment").into(),
            (true, true) => t!("on {day}", day = word(self.span.first)),
            (true, false) => t!(
                "from {word} to {word2}",
                word = word(self.span.first),
                word2 = word(self.span.last)
            ),
        }
    }
}

/// A key in words.
fn label(dimension: Dimension, key: &str, context: &Context) -> String {
    match dimension {
        Dimension::Component => key.parse::<Component>().map_or(key, |one| one.label()).into(),
        Dimension::Group => key.parse::<BloodGroup>().map_or(key, |one| one.label()).into(),
        Dimension::Urgency => key.parse::<Urgency>().map_or(key, |one| one.label()).into(),
        Dimension::Reason if key.is_empty() => t!("No reason given").into(),
        Dimension::Reason => key.parse::<DiscardReason>().map_or(key, |one| one.label()).into(),
        Dimension::Facility => context
            .facilities
            .iter()
            .find(|facility| facility.id.to_string() == key)
            .map_or_else(|| key.into(), |facility| facility.name.clone()),
        Dimension::Weekday => {
            let names = [
                t!("Monday"),
                t!("Tuesday"),
                t!("Wednesday"),
                t!("Thursday"),
                t!("Friday"),
                t!("Saturday"),
                t!("Sunday"),
            ];
            key.parse::<usize>()
                .ok()
                .and_then(|day| names.get(day.wrapping_sub(1)))
                .map_or(key, |name| *name)
                .into()
        }
        Dimension::Hour => format!("{key:0>2}"),
        Dimension::Day => key
            .parse::<NaiveDate>()
            .map_or_else(|_| key.into(), |day| day.dated("%a %-d %b")),
        Dimension::Tag if key.is_empty() => t!("Without").into(),
        Dimension::Region | Dimension::Tag => key.into(),
    }
}

/// The keys of a dimension in the order in which they are shown: what has an order of its own in that, all else the
/// largest first.
fn ordered(
    dimension: Dimension,
    rows: &[Row],
    key: impl Fn(&Row) -> &str,
    measure: &Measure,
    span: &Span,
) -> Vec<String> {
    match dimension {
        Dimension::Day => span
            .first
            .iter_days()
            .take(span.days() as usize)
            .map(|day| day.to_string())
            .collect(),
        Dimension::Hour => (0..24).map(|hour| hour.to_string()).collect(),
        Dimension::Weekday => (1..8).map(|day| day.to_string()).collect(),
        _ => {
            let mut by_key: HashMap<&str, Vec<&Row>> = HashMap::new();
            for row in rows {
                by_key.entry(key(row)).or_default().push(row);
            }
            let mut keys: Vec<(f64, String)> = by_key
                .into_iter()
                .map(|(key, rows)| {
                    (
                        total(rows.into_iter(), measure.nature).unwrap_or(f64::NEG_INFINITY),
                        key.into(),
                    )
                })
                .collect();
            match dimension {
                Dimension::Component => keys.sort_by_key(|(_, key)| key.parse::<Component>().ok()),
                Dimension::Group => keys.sort_by_key(|(_, key)| key.parse::<BloodGroup>().ok()),
                Dimension::Urgency => keys.sort_by_key(|(_, key)| Reverse(key.parse::<Urgency>().ok())),
                _ => keys.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1))),
            }
            keys.into_iter().map(|(_, key)| key).collect()
        }
    }
}

/// Whether a missing number at this key is zero: nothing happened where something would have been known.
fn missing_is_zero(frame: &Frame, measure: &Measure, first: Dimension, key: &str) -> bool {
    match (measure.nature, first) {
        (Nature::Ratio | Nature::Worst, _) => false,
        // a level that was not kept is not zero
        (Nature::Level, Dimension::Day) => false,
        (_, Dimension::Day) => key
            .parse()
            .is_ok_and(|day: NaiveDate| frame.known.binary_search(&day).is_ok()),
        _ => true,
    }
}
