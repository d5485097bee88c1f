//! The five figures on top: three of the summary with their course, and what presses now.

use sqlx::PgConnection;

use super::builtin::Look;
use super::view::*;
use crate::charts::{full, number, sparkline};
use crate::error::{Error, Result};
use crate::summary::Day;
use crate::web::Markup;
use crate::words::{Counted, Dated};
use crate::{distributions, inventory, requests};

/// Units that expire within this many hours are worth a look.
pub const SOON_HOURS: u32 = 72;
/// Days of the small curve.
const SPARK_DAYS: u64 = 14;

pub async fn all(tx: &mut PgConnection, look: &Look<'_>) -> Result<Vec<TileView>> {
    let id = look.facility.id;
    let today = look.figures;
    let stock = today.map_or(0, |figures| figures.total_stock);
    let transferred = today.map_or(0, |figures| figures.total_transferred);
    let raised = today.map_or(0, |figures| figures.total_requests);
    let delivered = summed(
        look,
        "transferred",
        t!("Delivered today"),
        n!("unit", "units"),
        transferred,
        distributions::Filter::delivered(look.today, look.today).href(id),
        |day| day.total_transferred,
    );
    let raised_today = summed(
        look,
        "requests",
        t!("Requests raised today"),
        n!("request", "requests"),
        raised,
        requests::Filter::raised(look.today, look.today).href(id),
        |day| day.total_requests,
    );
    Ok(vec![
        summed(
            look,
            "stock",
            t!("Issuable stock"),
            n!("unit", "units"),
            stock,
            inventory::Filter::issuable().href(id),
            |day| day.total_stock,
        ),
        so_far(look, delivered, transferred, |day| day.total_transferred),
        so_far(look, raised_today, raised, |day| day.total_requests),
        urgent(tx, look).await?,
        expiring(tx, look).await?,
    ])
}

/// The tiles when their figures cannot be read.
pub fn failed(look: &Look<'_>, error: &Error) -> Vec<TileView> {
    let names = [
        ("stock", t!("Issuable stock")),
        ("transferred", t!("Delivered today")),
        ("requests", t!("Requests raised today")),
        ("urgent", t!("Open urgent requests")),
        ("expiring", t!("Expiring within 72 h")),
    ];
    names
        .map(|(name, title)| TileView {
            frame: look.failed(name, title, error),
            ..TileView::default()
        })
        .into()
}

/// A count of a day that is not over: half a day less than a whole one is no fall, so only what is already reached is said.
fn so_far(look: &Look<'_>, tile: TileView, value: i64, of: impl Fn(&Day) -> i64) -> TileView {
    let before = look.today - chrono::Days::new(7);
    let weekday = before.dated("%A");
    let Some(then) = look.days.iter().find(|kept| kept.date == before).map(of) else {
        return tile;
    };
    let (direction, change) = match value.cmp(&then) {
        std::cmp::Ordering::Less => (
            "",
            t!("{value} on all of last {weekday}", value = full(then as f64), weekday),
        ),
        std::cmp::Ordering::Equal => ("same", t!("already as many as on all of last {weekday}", weekday)),
        std::cmp::Ordering::Greater => (
            "up",
            t!(
                "already more than on all of last {weekday} ({value})",
                weekday,
                value = full(then as f64)
            ),
        ),
    };
    TileView {
        direction: direction.into(),
        change,
        ..tile
    }
}

/// A figure of the summary, as kept for any day.
pub fn summed(
    look: &Look<'_>,
    name: &str,
    title: &str,
    unit: Counted,
    value: i64,
    href: String,
    of: impl Fn(&Day) -> i64,
) -> TileView {
    let (direction, change) = compared(look, value, &of);
    let first = look.today - chrono::Days::new(SPARK_DAYS - 1);
    let course: Vec<Option<f64>> = first
        .iter_days()
        .take(SPARK_DAYS as usize)
        .map(|date| look.days.iter().find(|day| day.date == date).map(|day| of(day) as f64))
        .collect();
    TileView {
        frame: look.frame(name, title, Some(href.clone())),
        value: number(value as f64),
        exact: format!("{} {}", full(value as f64), unit.of(value)),
        unit: unit.of(value).to_string(),
        href,
        tone: String::new(),
        direction,
        change,
        spark: Some(Markup(sparkline(&course))),
    }
}

/// Against the same weekday a week before; growth from nothing has no percentage, and a day that was not kept is not zero.
fn compared(look: &Look<'_>, value: i64, of: &impl Fn(&Day) -> i64) -> (String, String) {
    let before = look.today - chrono::Days::new(7);
    let weekday = before.dated("%A");
    let Some(then) = look.days.iter().find(|kept| kept.date == before).map(of) else {
        return (String::new(), t!("no figure for last {weekday}", weekday));
    };
    let (direction, word) = match value.cmp(&then) {
        std::cmp::Ordering::Less => ("down", t!("down on")),
        std::cmp::Ordering::Equal => return ("same".into(), t!("same as last {weekday}", weekday)),
        std::cmp::Ordering::Greater => ("up", t!("up on")),
    };
    let size = match then {
        0 => full((value - then).abs() as f64),
        _ => format!("{:.0} %", (value - then).abs() as f64 * 100.0 / then as f64),
    };
    (
        direction.into(),
        t!(
            "{size} {word} last {weekday} ({value})",
            size,
            word,
            weekday,
            value = full(then as f64)
        ),
    )
}

async fn urgent(tx: &mut PgConnection, look: &Look<'_>) -> Result<TileView> {
    let filter = requests::Filter::open_urgent();
    let count = requests::queries::total(tx, look.facility.id, &filter).await?;
    let href = filter.href(look.facility.id);
    let here = requests::Filter {
        side: requests::Side::Incoming,
        ..filter.clone()
    };
    let to_answer = requests::queries::total(tx, look.facility.id, &here).await?;
    let waited_for = count - to_answer;
    Ok(TileView {
        frame: look.frame("urgent", t!("Open urgent requests"), Some(href.clone())),
        value: number(count as f64),
        exact: t!(
            "{count} urgent or emergency requests wait for an answer, raised here or put to this facility",
            count
        ),
        unit: n!("request", "requests", count),
        href,
        tone: match (to_answer, waited_for) {
            (0, 0) => "",
            (0, _) => "serious",
            _ => "critical",
        }
        .into(),
        direction: String::new(),
        change: match (to_answer, waited_for) {
            (0, 0) => t!("none waits for an answer").into(),
            (0, ours) => t!("{ours} of ours not answered yet", ours),
            (theirs, 0) => t!("{theirs} to answer here", theirs),
            (theirs, ours) => t!("{theirs} to answer here, {ours} of ours", theirs, ours),
        },
        spark: None,
    })
}

async fn expiring(tx: &mut PgConnection, look: &Look<'_>) -> Result<TileView> {
    let filter = inventory::Filter::expiring_within(SOON_HOURS);
    let units = inventory::queries::total(tx, look.facility.id, &filter).await?;
    let href = filter.href(look.facility.id);
    let stock = look.figures.map_or(0, |figures| figures.total_stock);
    let share = if stock > 0 {
        t!(
            "{share} % of the stock",
            share = format!("{:.0}", units as f64 * 100.0 / stock as f64)
        )
    } else {
        String::new()
    };
    Ok(TileView {
        frame: look.frame("expiring", t!("Expiring within 72 h"), Some(href.clone())),
        value: number(units as f64),
        exact: t!(
            "{value} issuable units expire within {SOON_HOURS} hours",
            value = full(units as f64),
            SOON_HOURS
        ),
        unit: n!("unit", "units", units),
        href,
        tone: if units > 0 { "serious" } else { "" }.into(),
        direction: String::new(),
        change: share,
        spark: None,
    })
}
