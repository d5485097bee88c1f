//! Figures of distributions over many facilities: what they sent, what reached them, what was short.

use sqlx::PgConnection;

use crate::error::Result;
use crate::figures::{Cut, Row, figures};

/// Units that the facilities sent, by the day of dispatch.
pub async fn sent(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    let found = figures!(
        "sum(x.amount)",
        "null",
        "select d.facility_id, f.region, f.time_zone, d.dispatched_at as at,
                local_day(d.dispatched_at, f.time_zone) as day, null::text as component, null::text as blood_group,
                null::text as urgency, null::text as reason, d.sent as amount
         from here f
         join blood_distributions d on d.facility_id = f.id and d.dispatched_at >= f.starts and d.dispatched_at < f.ends",
        cut
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Units that reached the facilities, by the day of delivery.
pub async fn delivered(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    let found = figures!(
        "sum(x.amount)",
        "null",
        "select d.dispatched_to_id as facility_id, f.region, f.time_zone, d.date_delivered as at,
                local_day(d.date_delivered, f.time_zone) as day, null::text as component, null::text as blood_group,
                null::text as urgency, null::text as reason, d.quantity as amount
         from here f
         join blood_distributions d on d.dispatched_to_id = f.id
           and d.date_delivered >= f.starts and d.date_delivered < f.ends",
        cut
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Units that were sent to the facilities and did not arrive fit for use, by the day of delivery.
pub async fn short(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    let found = figures!(
        "sum(x.amount)",
        "null",
        "select d.dispatched_to_id as facility_id, f.region, f.time_zone, d.date_delivered as at,
                local_day(d.date_delivered, f.time_zone) as day, null::text as component, null::text as blood_group,
                null::text as urgency, null::text as reason, d.sent - d.quantity as amount
         from here f
         join blood_distributions d on d.dispatched_to_id = f.id
           and d.date_delivered >= f.starts and d.date_delivered < f.ends
         where d.status = 'delivered_short'",
        cut
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
