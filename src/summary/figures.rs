//! The kept figures over many facilities, and how old they are.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::figures::{Cut, Row, figures};
use crate::text_enum::text_enum;

text_enum! {
    /// A figure of the summary.
    pub enum Figure {
        Stock = "stock" / "Issuable stock",
        Transferred = "transferred" / "Units delivered",
        Requests = "requests" / "Requests raised",
    }
}

impl Figure {
    /// Its name among all that is counted.
    pub(super) fn measure(self) -> &'static str {
        match self {
            Figure::Stock => "summary.stock",
            Figure::Transferred => "summary.transferred",
            Figure::Requests => "summary.requests",
        }
    }
}

/// A figure by day (and more) out of the kept rows, summed over the facilities. Days are those of each facility.
pub(super) async fn kept_rows(tx: &mut PgConnection, cut: &Cut, figure: Figure) -> Result<Vec<Row>> {
    let found = figures!(
        "sum(x.amount)",
        "null",
        "select s.facility_id, f.region, f.time_zone, null::timestamptz as at, s.date as day, null::text as component,
                null::text as blood_group, null::text as urgency, null::text as reason,
                case $8::text when 'stock' then s.total_stock when 'transferred' then s.total_transferred
                              else s.total_requests end as amount
         from here f
         cross join lateral (
           -- by the key of each facility, however many there are: the table has all the others and all the years too
           select * from dashboard_daily_summary s where s.facility_id = f.id and s.date between $2 and $3 offset 0
         ) s",
        cut,
        figure.as_str()
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The stock at the end of the cut's last day, or as last refreshed: the latest kept level of each facility, summed.
pub async fn latest_stock(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    let found = figures!(
        "sum(x.amount)",
        "null",
        "select s.facility_id, f.region, f.time_zone, null::timestamptz as at, s.date as day, null::text as component,
                null::text as blood_group, null::text as urgency, null::text as reason, s.total_stock as amount
         from here f join lateral (
           select * from dashboard_daily_summary d
           where d.facility_id = f.id and d.date between $2 and $3 order by d.date desc limit 1
         ) s on true",
        cut
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Whole minutes since the summary was refreshed, the oldest of each.
pub async fn age(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    let found = figures!(
        "max(floor(extract(epoch from clock_now() - x.updated_at) / 60))",
        "null",
        "select s.facility_id, f.region, f.time_zone, null::timestamptz as at, s.date as day, null::text as component,
                null::text as blood_group, null::text as urgency, null::text as reason, s.updated_at
         from here f join lateral (
           select * from dashboard_daily_summary d where d.facility_id = f.id order by d.date desc limit 1
         ) s on true",
        cut
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// When the summaries of some facilities were refreshed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// the one that was refreshed longest ago; none before the very first
    pub oldest: Option<DateTime<Utc>>,
    pub newest: Option<DateTime<Utc>>,
    /// facilities that were ever refreshed
    pub facilities: i64,
}

/// The ages of the summaries of some facilities.
pub async fn refreshed(tx: &mut PgConnection, facilities: &[i64]) -> Result<Refreshed> {
    let found = sqlx::query_as!(
        Refreshed,
        r#"select min(s.updated_at) as oldest, max(s.updated_at) as newest, count(*) as "facilities!"
           from unnest($1::bigint[]) as f (id)
           join lateral (
             select updated_at from dashboard_daily_summary d where d.facility_id = f.id order by d.date desc limit 1
           ) s on true"#,
        facilities
    )
    .fetch_one(tx)
    .await?;
    Ok(found)
}
