//! Questions about days that were kept.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::ids::FacilityId;

/// A kept day. Its stock is the level at its last refresh: never add it up over days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub date: NaiveDate,
    pub total_stock: i64,
    pub total_transferred: i64,
    pub total_requests: i64,
    pub updated_at: DateTime<Utc>,
}

/// The kept days from `first` to `last`, both included, the oldest first. A day that is missing was not kept.
pub async fn days(tx: &mut PgConnection, facility: FacilityId, first: NaiveDate, last: NaiveDate) -> Result<Vec<Day>> {
    let found = sqlx::query_as!(
        Day,
        "select date, total_stock, total_transferred, total_requests, updated_at from dashboard_daily_summary
         where facility_id = $1 and date between $2 and $3 order by date",
        facility.0,
        first,
        last
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The latest kept day before `before`.
pub async fn last_kept(tx: &mut PgConnection, facility: FacilityId, before: NaiveDate) -> Result<Option<NaiveDate>> {
    let found = sqlx::query_scalar!(
        "select date from dashboard_daily_summary where facility_id = $1 and date < $2 order by date desc limit 1",
        facility.0,
        before
    )
    .fetch_optional(tx)
    .await?;
    Ok(found)
}
