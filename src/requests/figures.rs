//! Figures of requests over many facilities, by the day on which they were raised or closed. What they count is said in
//! `counted` (migrations/0014_closed_days.sql).

use sqlx::PgConnection;

use crate::error::Result;
use crate::figures::{Cut, Row};
use crate::summary;

/// Requests that the facilities raised.
pub async fn raised(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    summary::counted(tx, cut, "requests.raised").await
}

/// Requests of the facilities that were fulfilled, by the day on which the last unit arrived.
pub async fn fulfilled(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    summary::counted(tx, cut, "requests.fulfilled").await
}

/// Units that arrived over units that were asked for, of the requests that were closed on these days and not cancelled
/// by who asked. More than asked counts as all of it.
pub async fn fill_rate(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    summary::counted(tx, cut, "requests.fill_rate").await
}
