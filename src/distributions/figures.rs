//! Figures of distributions over many facilities: what they sent, what reached them, what was short. What they count is
//! said in `counted` (migrations/0014_closed_days.sql).

use sqlx::PgConnection;

use crate::error::Result;
use crate::figures::{Cut, Row};
use crate::summary;

/// Units that the facilities sent, by the day of dispatch.
pub async fn sent(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    summary::counted(tx, cut, "distributions.sent").await
}

/// Units that reached the facilities, by the day of delivery.
pub async fn delivered(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    summary::counted(tx, cut, "distributions.delivered").await
}

/// Units that were sent to the facilities and did not arrive fit for use, by the day of delivery.
pub async fn short(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    summary::counted(tx, cut, "distributions.short").await
}
