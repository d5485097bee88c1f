//! The thirty-day charts: the level of stock, requests with what was fulfilled, transfers in and out.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::builtin::{DAYS, Look};
use super::view::ChartView;
use crate::charts::{Chart, Kind, Label, Series, unusual};
use crate::clock::local_day;
use crate::error::{Error, Result};
use crate::summary::Day;
use crate::web::Markup;
use crate::{distributions, requests};

pub async fn all(tx: &mut PgConnection, look: &Look<'_>) -> Result<Vec<ChartView>> {
    let (first, last) = (look.today - chrono::Days::new(DAYS as u64 - 1), look.today);
    let fulfilled = requests::queries::fulfilled_by_day(tx, look.facility.id, first, last).await?;
    let sent = distributions::queries::sent_by_day(tx, look.facility.id, first, last).await?;
    let id = look.facility.id;
    Ok(vec![
        chart(
            look,
            "chart-stock",
            t!("Issuable stock"),
            t!("units"),
            Kind::Line,
            vec![kept(look, t!("Issuable stock"), |day| day.total_stock)],
            None,
        ),
        chart(
            look,
            "chart-requests",
            t!("Requests"),
            t!("requests"),
            Kind::Bars,
            vec![
                kept(look, t!("Raised"), |day| day.total_requests),
                counted(look, t!("Fulfilled"), &fulfilled),
            ],
            Some(requests::Filter::default().href(id)),
        ),
        chart(
            look,
            "chart-transfers",
            t!("Transfers"),
            t!("units"),
            Kind::Bars,
            vec![
                kept(look, t!("In"), |day| day.total_transferred),
                counted(look, t!("Out"), &sent),
            ],
            Some(distributions::Filter::default().href(id)),
        ),
    ])
}

/// A figure of the summary by day; a day that was not kept has none.
fn kept(look: &Look<'_>, name: &str, of: impl Fn(&Day) -> i64) -> Series {
    let values = days(look)
        .map(|date| look.days.iter().find(|day| day.date == date).map(|day| of(day) as f64))
        .collect();
    Series {
        name: name.into(),
        values,
    }
}

/// A count by day beside the kept figures: nothing happened is zero on a day that was kept, unknown on any other.
fn counted(look: &Look<'_>, name: &str, counts: &BTreeMap<NaiveDate, i64>) -> Series {
    let values = days(look)
        .map(|date| {
            let was_kept = look.days.iter().any(|day| day.date == date);
            was_kept.then(|| counts.get(&date).copied().unwrap_or(0) as f64)
        })
        .collect();
    Series {
        name: name.into(),
        values,
    }
}

fn days(look: &Look<'_>) -> impl Iterator<Item = NaiveDate> {
    (look.today - chrono::Days::new(DAYS as u64 - 1))
        .iter_days()
        .take(DAYS as usize)
}

fn chart(
    look: &Look<'_>,
    name: &str,
    title: &str,
    unit: &'static str,
    kind: Kind,
    series: Vec<Series>,
    href: Option<String>,
) -> ChartView {
    let last_is_partial = look.today == local_day(look.facility.zone, look.now);
    let labels: Vec<Label> = days(look).map(Label::Day).collect();
    let chart = Chart {
        id: name.into(),
        title: t!("{title}, last 30 days", title),
        unit,
        kind,
        marks: unusual(&series, &labels, last_is_partial),
        labels,
        series,
        last_is_partial,
        target: None,
        uprights: vec![],
    };
    ChartView {
        frame: look.frame(name, &t!("{title}, 30 days", title), href),
        body: Markup(chart.render().to_string()),
    }
}

pub fn failed(look: &Look<'_>, error: &Error) -> Vec<ChartView> {
    let names = [
        ("chart-stock", t!("Issuable stock")),
        ("chart-requests", t!("Requests")),
        ("chart-transfers", t!("Transfers")),
    ];
    names
        .map(|(name, title)| ChartView {
            frame: look.failed(name, title, error),
            body: Markup::default(),
        })
        .into()
}
