//! Figures of requests over many facilities, by the day on which they were raised or closed.

use sqlx::PgConnection;

use crate::error::Result;
use crate::figures::{Cut, Row, figures};

/// Requests that the facilities raised.
pub async fn raised(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    let found = figures!(
        "count(*)",
        "null",
        "select r.facility_id, f.region, f.time_zone, r.created_at as at, local_day(r.created_at, f.time_zone) as day,
                r.component, r.blood_group, r.urgency, null::text as reason
         from here f
         join blood_requests r on r.facility_id = f.id and r.created_at >= f.starts and r.created_at < f.ends",
        cut
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Requests of the facilities that were fulfilled, by the day on which the last unit arrived.
pub async fn fulfilled(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    let found = figures!(
        "count(*)",
        "null",
        "select r.facility_id, f.region, f.time_zone, r.closed_at as at, local_day(r.closed_at, f.time_zone) as day,
                r.component, r.blood_group, r.urgency, null::text as reason
         from here f
         join blood_requests r on r.facility_id = f.id and r.closed_at >= f.starts and r.closed_at < f.ends
         where r.status = 'fulfilled'",
        cut
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Units that arrived over units that were asked for, of the requests that were closed on these days and not cancelled
/// by who asked. More than asked counts as all of it.
pub async fn fill_rate(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    let found = figures!(
        "sum(least(x.fulfilled, x.quantity))",
        "sum(x.quantity)",
        "select r.facility_id, f.region, f.time_zone, r.closed_at as at, local_day(r.closed_at, f.time_zone) as day,
                r.component, r.blood_group, r.urgency, null::text as reason, r.fulfilled, r.quantity
         from here f
         join blood_requests r on r.facility_id = f.id and r.closed_at >= f.starts and r.closed_at < f.ends
         where r.status <> 'cancelled'",
        cut
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
