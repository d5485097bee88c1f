//! The features that have figures today, each as a source; what a figure means is decided in the feature, not here.

mod distributions;
mod inventory;
mod metrics;
mod requests;
mod summary;

pub use metrics::Named;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::Measure;
use super::source::{Frame, Nature, Query, Source};
use crate::error::Result;
use crate::figures::{Dimension, Row};

pub fn all() -> Vec<Box<dyn Source>> {
    vec![
        Box::new(summary::Summary),
        Box::new(inventory::Inventory),
        Box::new(requests::Requests),
        Box::new(distributions::Distributions),
        Box::new(metrics::Metrics),
    ]
}

/// What is the same for most measures: counted units with a past and without rows to list.
fn measure(
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    nature: Nature,
    by: &'static [Dimension],
) -> Measure {
    Measure {
        name: name.into(),
        title: title.into(),
        unit: unit.into(),
        nature,
        by,
        past: by.contains(&Dimension::Day),
        items: false,
        hours: false,
    }
}

/// The answer out of its rows: read just now, and for a split by day with the days of which anything is known.
async fn frame(tx: &mut PgConnection, query: &Query, rows: Vec<Row>) -> Result<Frame> {
    let cut = &query.cut;
    let known = match cut.by.first() {
        // the kept figures say so themselves
        Some(Dimension::Day) if query.measure.starts_with("summary.") => {
            let days: BTreeSet<NaiveDate> = rows.iter().filter_map(|row| row.first.parse().ok()).collect();
            days.into_iter().collect()
        }
        Some(Dimension::Day) => crate::summary::known_days(tx, &cut.facilities, cut.first, cut.last).await?,
        _ => vec![],
    };
    Ok(Frame {
        by: cut.by.clone(),
        rows,
        as_of: now(tx).await?,
        last_is_partial: query.live,
        known,
    })
}

/// The database's clock.
async fn now(tx: &mut PgConnection) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(r#"select clock_now() as "now!""#)
        .fetch_one(tx)
        .await?)
}

/// The days that a link is about, both included: that of the row, or those of the question.
fn days(query: &Query, day: Option<NaiveDate>) -> (NaiveDate, NaiveDate) {
    (day.unwrap_or(query.cut.first), day.unwrap_or(query.cut.last))
}
