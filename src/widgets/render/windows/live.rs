//! One number of the last window, beside the window before it and the course of those before that.

use sqlx::PgConnection;

use super::{Look, last, length, source};
use crate::charts::{full, number as short, rounded, sparkline};
use crate::error::Result;
use crate::metrics::along::{Windows, along};
use crate::metrics::{Window, WindowKind, queries};
use crate::web::Markup;
use crate::widgets::State;
use crate::widgets::render::rendered;
use crate::widgets::view::{LiveFragment, LiveView, NumberView};
use crate::widgets::windowed::FURTHEST;

/// Windows of the small curve.
const SPARK: i32 = 20;

pub async fn html(tx: &mut PgConnection, look: &Look<'_>) -> Result<String> {
    let (asking, context) = (&look.asking, look.plain.context);
    let (aggregate, span, factor) = (asking.named.aggregate, asking.window, asking.factor());
    let sliding = |end| Window::at(WindowKind::Sliding, span, end);
    let (definitions, metric, selection) = (&asking.definitions, &asking.metric, &asking.selection);
    let now = context.now;
    let answer = queries::window(tx, definitions, metric, sliding(now), selection, now).await?;
    let before = queries::window(tx, definitions, metric, sliding(now - span), selection, now).await?;
    let value = aggregate.of(&answer.total).map(|value| value * factor);
    let then = aggregate.of(&before.total).map(|value| value * factor);
    let options = &look.plain.widget.options;
    let state = value.map_or(State::Unknown, |value| look.plain.widget.thresholds.state(value));
    let known = state != State::Unknown;
    let (direction, change) = words(value, then, &length(span), options.decimals);
    let unit = look.unit();
    let view = LiveView {
        number: NumberView {
            frame: look.frame(&last(span)),
            value: match (value, options.decimals) {
                (None, _) => "–".into(),
                (Some(value), Some(_)) => rounded(value, options.decimals),
                (Some(value), None) => short(value),
            },
            exact: value.map_or_else(
                || t!("nothing to measure").into(),
                |value| format!("{} {unit}", rounded(value, options.decimals)),
            ),
            unit: unit.into(),
            href: String::new(),
            phase: if known { state.as_str() } else { "" },
            word: if known { state.label() } else { "" },
            direction,
            change,
            spark: spark(tx, look).await?,
        },
        count: n!("{n} value", "{n} values", answer.total.count),
        source: source(answer.basis),
        complete: if answer.complete {
            t!("complete")
        } else {
            t!("not over yet")
        },
    };
    rendered(&LiveFragment { live: &view })
}

/// The course of the windows that are over; none where that would be more than can be read at a glance.
async fn spark(tx: &mut PgConnection, look: &Look<'_>) -> Result<Option<Markup>> {
    let asking = &look.asking;
    let over = look.plain.context.now - asking.window;
    let count = (FURTHEST.num_seconds() / asking.window.num_seconds().max(60)).min(i64::from(SPARK));
    if count < 2 {
        return Ok(None);
    }
    let windows = Windows::until(over, asking.window, count as usize);
    let aggregate = asking.named.aggregate;
    let (definitions, selection) = (&asking.definitions, &asking.selection);
    let along = along(tx, definitions, &asking.metric, aggregate, windows, selection, 1).await?;
    let values: Vec<Option<f64>> = along
        .lines
        .first()
        .map(|line| line.windows.iter().map(|window| aggregate.of(window)).collect())
        .unwrap_or_default();
    Ok(values.iter().any(Option::is_some).then(|| Markup(sparkline(&values))))
}

/// How it stands beside the window before: growth from nothing has no percentage.
fn words(value: Option<f64>, then: Option<f64>, window: &str, decimals: Option<u8>) -> (&'static str, String) {
    let (Some(value), Some(then)) = (value, then) else {
        return match value {
            None => ("", t!("no values in the last {window}", window)),
            Some(_) => ("", t!("no values in the {window} before", window)),
        };
    };
    let shown = rounded(then, decimals);
    let size = match then {
        0.0 => full((value - then).abs()),
        _ => format!("{:.0} %", (value - then).abs() * 100.0 / then.abs()),
    };
    match value - then {
        0.0 => ("same", t!("same as in the {window} before", window)),
        up if up > 0.0 => (
            "up",
            t!("{size} up on the {window} before ({shown})", size, window, shown),
        ),
        _ => (
            "down",
            t!("{size} down on the {window} before ({shown})", size, window, shown),
        ),
    }
}
