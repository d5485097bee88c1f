//! One figure: as a number with its change and its course, or as a gauge against its target.

use chrono::{Days, NaiveDate};
use sqlx::PgConnection;

use super::{Look, rendered};
use crate::charts::{Gauge, number as short, rounded, sparkline};
use crate::error::Result;
use crate::figures::{Dimension, Row};
use crate::web::Markup;
use crate::widgets::compose::Loads;
use crate::widgets::source::{Frame, Query, total};
use crate::widgets::view::{ChartFragment, ChartView, NumberFragment, NumberView};
use crate::widgets::{Compare, Nature, Span, State};
use crate::words::Dated;

/// Days of the small curve.
const SPARK_DAYS: u64 = 14;

pub async fn html(tx: &mut PgConnection, look: &Look<'_>, loads: &mut Loads<'_>) -> Result<String> {
    let query = look.query();
    let frame = loads.frame(tx, look, &query).await?;
    let value = frame.total(look.measure.nature).or(zero(look));
    let (direction, change, spark) = match look.measure.past && look.widget.options.compare != Compare::None {
        true => course(tx, look, &query, value, loads).await?,
        false => ("", String::new(), None),
    };
    let unit = look.unit();
    let decimals = look.widget.options.decimals;
    let state = value.map_or(State::Unknown, |value| look.widget.thresholds.state(value));
    let view = NumberView {
        frame: look.frame(frame.as_of),
        value: match (value, decimals) {
            (None, _) => "–".into(),
            (Some(value), Some(_)) => rounded(value, decimals),
            (Some(value), None) => short(value),
        },
        exact: value.map_or_else(
            || t!("nothing to measure").into(),
            |value| format!("{} {unit}", rounded(value, decimals)),
        ),
        unit: unit.into(),
        href: look.href(&query, &[]).unwrap_or_default(),
        phase: if state == State::Unknown { "" } else { state.as_str() },
        word: if state == State::Unknown { "" } else { state.label() },
        direction,
        change: if value.is_none() {
            t!("nothing to measure").into()
        } else {
            change
        },
        spark,
    };
    rendered(&NumberFragment { number: &view })
}

pub async fn gauge(tx: &mut PgConnection, look: &Look<'_>, loads: &mut Loads<'_>) -> Result<String> {
    let query = look.query();
    let frame = loads.frame(tx, look, &query).await?;
    let Some(value) = frame.total(look.measure.nature).or(zero(look)) else {
        return look.nothing(frame.as_of);
    };
    let thresholds = &look.widget.thresholds;
    let state = thresholds.state(value);
    let (phase, word) = match (state, thresholds.target) {
        (State::Unknown, Some(target)) if value >= target => ("good", t!("On target")),
        (State::Unknown, Some(_)) => ("watch", t!("Under target")),
        _ => (state.as_str(), state.label()),
    };
    let marks: Vec<(&'static str, f64)> = [(t!("Warning"), thresholds.warn), (t!("Critical"), thresholds.critical)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let (id, title, href) = (look.drawing(), look.title(), look.href(&query, &[]));
    let gauge = Gauge {
        id: &id,
        title: &title,
        unit: look.unit(),
        value,
        text: rounded(value, look.widget.options.decimals),
        href: href.as_deref(),
        phase,
        word,
        target: thresholds.target,
        marks: &marks,
    };
    let view = ChartView {
        frame: look.frame(frame.as_of),
        body: Markup(gauge.render().to_string()),
    };
    rendered(&ChartFragment { chart: &view })
}

/// Nothing counted is zero; nothing measured is not.
fn zero(look: &Look<'_>) -> Option<f64> {
    matches!(look.measure.nature, Nature::Level | Nature::Count).then_some(0.0)
}

/// How it stands beside the time that it is compared with, and its last days.
async fn course(
    tx: &mut PgConnection,
    look: &Look<'_>,
    query: &Query,
    value: Option<f64>,
    loads: &mut Loads<'_>,
) -> Result<(&'static str, String, Option<Markup>)> {
    let span = &look.span;
    let (from, to) = compared_with(look);
    let first = from.min(span.last - Days::new(SPARK_DAYS - 1));
    let mut by_day = query.clone();
    by_day.cut.first = first;
    by_day.cut.by = vec![Dimension::Day];
    let days = loads.frame(tx, look, &by_day).await?;
    let nature = look.measure.nature;
    let on = |day: NaiveDate| -> Vec<&Row> { days.rows.iter().filter(|row| row.first == day.to_string()).collect() };
    let known = |day: NaiveDate| days.known.binary_search(&day).is_ok();
    let spark: Vec<Option<f64>> = (span.last - Days::new(SPARK_DAYS - 1))
        .iter_days()
        .take(SPARK_DAYS as usize)
        .map(|day| total(on(day).into_iter(), nature).or((known(day) && nature == Nature::Count).then_some(0.0)))
        .collect();
    let then = then(look, &days, from, to, &on, &known);
    let (direction, change) = words(look, value, then, from, to);
    Ok((direction, change, Some(Markup(sparkline(&spark)))))
}

/// The days that the figure is compared with.
fn compared_with(look: &Look<'_>) -> (NaiveDate, NaiveDate) {
    let span: &Span = &look.span;
    let level = look.measure.nature == Nature::Level;
    match look.widget.options.compare {
        Compare::Week if level || span.days() == 1 => (span.last - Days::new(7), span.last - Days::new(7)),
        _ if level => (span.first - Days::new(1), span.first - Days::new(1)),
        _ => span.before(),
    }
}

/// The figure of those days; none unless all of them are known.
fn then<'a>(
    look: &Look<'_>,
    days: &'a Frame,
    from: NaiveDate,
    to: NaiveDate,
    on: &impl Fn(NaiveDate) -> Vec<&'a Row>,
    known: &impl Fn(NaiveDate) -> bool,
) -> Option<f64> {
    let nature = look.measure.nature;
    if nature == Nature::Level {
        return total(on(to).into_iter(), nature);
    }
    let length = (to - from).num_days() as usize + 1;
    if !from.iter_days().take(length).all(known) {
        return None;
    }
    let within = days
        .rows
        .iter()
        .filter(|row| row.first.parse().is_ok_and(|day: NaiveDate| from <= day && day <= to));
    total(within, nature).or((nature == Nature::Count).then_some(0.0))
}

/// Growth from nothing has no percentage, a day that was not kept is not zero, and half a day less than a whole one is no
/// fall: of what is not over only what is already reached is said.
fn words(
    look: &Look<'_>,
    value: Option<f64>,
    then: Option<f64>,
    from: NaiveDate,
    to: NaiveDate,
) -> (&'static str, String) {
    let one = from == to;
    let name = match (one, look.widget.options.compare) {
        (true, Compare::Week) => t!("last {day}", day = from.dated("%A")),
        (true, _) => from.dated("%-d %b"),
        (false, _) => t!("the {num_days} days before", num_days = (to - from).num_days() + 1),
    };
    let (Some(value), Some(then)) = (value, then) else {
        return ("", t!("no figure for {name}", name));
    };
    let decimals = look.widget.options.decimals;
    let shown = rounded(then, decimals);
    let so_far = one && look.measure.nature == Nature::Count && look.span.last == look.context.today;
    let difference = value - then;
    if so_far {
        return match difference {
            d if d < 0.0 => ("", t!("{shown} on all of {name}", shown, name)),
            d if d > 0.0 => ("up", t!("already more than on all of {name} ({shown})", name, shown)),
            _ => ("same", t!("already as many as on all of {name}", name)),
        };
    }
    if difference == 0.0 {
        return ("same", t!("same as {name}", name));
    }
    let size = match look.measure.nature {
        // points of a rate and amounts that grew from nothing are said as they are
        Nature::Ratio | Nature::Worst => rounded(difference.abs(), decimals),
        _ if then == 0.0 => rounded(difference.abs(), decimals),
        _ => format!("{:.0} %", difference.abs() * 100.0 / then.abs()),
    };
    match difference > 0.0 {
        true => ("up", t!("{size} up on {name} ({shown})", size, name, shown)),
        false => ("down", t!("{size} down on {name} ({shown})", size, name, shown)),
    }
}
