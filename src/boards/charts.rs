//! The thirty-day charts: the level of stock, requests with what was fulfilled, transfers in and out.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::builtin::{DAYS, Look};
use super::view::ChartView;
use crate::charts::{Chart, ChartDay, Kind, Series, unusual};
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
            "Issuable stock",
            "units",
            Kind::Line,
            vec![kept(look, "Issuable stock", |day| day.total_stock)],
            None,
        ),
        chart(
            look,
            "chart-requests",
            "Requests",
            "requests",
            Kind::Bars,
            vec![
                kept(look, "Raised", |day| day.total_requests),
                counted(look, "Fulfilled", &fulfilled),
            ],
            Some(requests::Filter::default().href(id)),
        ),
        chart(
            look,
            "chart-transfers",
            "Transfers",
            "units",
            Kind::Bars,
            vec![
                kept(look, "In", |day| day.total_transferred),
                counted(look, "Out", &sent),
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
    let labels: Vec<ChartDay> = days(look).map(|date| ChartDay { date }).collect();
    let chart = Chart {
        id: name.into(),
        title: format!("{title}, last 30 days"),
        unit,
        kind,
        marks: unusual(&series, &labels, last_is_partial),
        labels,
        series,
        last_is_partial,
        target: None,
    };
    ChartView {
        frame: look.frame(name, &format!("{title}, 30 days"), href),
        body: Markup(chart.render().to_string()),
    }
}

pub fn failed(look: &Look<'_>, error: &Error) -> Vec<ChartView> {
    let names = [
        ("chart-stock", "Issuable stock"),
        ("chart-requests", "Requests"),
        ("chart-transfers", "Transfers"),
    ];
    names
        .map(|(name, title)| ChartView {
            frame: look.failed(name, title, error),
            body: Markup::default(),
        })
        .into()
}
