//! Refreshing the summary. The numbers come from `daily_figures` (migrations/0007_summary.sql), their only definition.

mod close;

pub use close::close_days;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::db::{Db, Scope};
use crate::error::Result;
use crate::ids::{FacilityId, numbers};
use crate::outbox::{self, Event};

/// One facility's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub date: NaiveDate,
    /// issuable units at the last refresh
    pub total_stock: i64,
    /// units delivered to the facility on this local day
    pub total_transferred: i64,
    /// requests raised by the facility on this local day
    pub total_requests: i64,
    pub updated_at: DateTime<Utc>,
}

/// What made a refresh happen; a label of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Write,
    Schedule,
    Page,
    Button,
}

impl Trigger {
    fn as_str(self) -> &'static str {
        match self {
            Trigger::Write => "write",
            Trigger::Schedule => "schedule",
            Trigger::Page => "page",
            Trigger::Button => "button",
        }
    }
}

/// Takes the facilities for this transaction, in the order of their ids: whoever changes one of them waits here and
/// nowhere else, so no two writers can block each other, and the numbers are computed after the wait.
pub async fn lock(tx: &mut PgConnection, facilities: &[FacilityId]) -> Result<()> {
    sqlx::query!(
        "select id from facilities where id = any ($1) order by id for no key update",
        &numbers(facilities)
    )
    .fetch_all(tx)
    .await?;
    Ok(())
}

/// Counts the kept days of a facility again, after its zone moved their bounds. Their stock stays as it was seen.
pub async fn recount(tx: &mut PgConnection, facility: FacilityId) -> Result<()> {
    sqlx::query!(
        "update dashboard_daily_summary s
         set total_transferred = f.total_transferred, total_requests = f.total_requests, updated_at = clock_now()
         from dashboard_daily_summary kept
         cross join lateral daily_figures(array[kept.facility_id], kept.date) f
         where kept.facility_id = $1 and s.facility_id = kept.facility_id and s.date = kept.date",
        facility.0
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Recomputes today's row of each facility in one statement. The caller holds their [`lock`]. `updated_at` moves even
/// when no number does: it says when somebody last looked.
pub async fn refresh(tx: &mut PgConnection, facilities: &[FacilityId], trigger: Trigger) -> Result<()> {
    let begun = Instant::now();
    let days = sqlx::query!(
        r#"insert into dashboard_daily_summary (facility_id, date, total_stock, total_transferred, total_requests, updated_at)
           select facility_id, date, total_stock, total_transferred, total_requests, clock_now() from daily_figures($1)
           on conflict (facility_id, date) do update
              set total_stock = excluded.total_stock,
                  total_transferred = excluded.total_transferred,
                  total_requests = excluded.total_requests,
                  updated_at = excluded.updated_at
           returning date > local_day(now() + (clock_now() - statement_timestamp()),
                                      (select time_zone from facilities where id = facility_id)) as "ended!""#,
        &numbers(facilities)
    )
    .fetch_all(&mut *tx)
    .await?;
    if days.iter().any(|day| day.ended) {
        refresh_ended(tx, facilities).await?;
    }
    metrics::histogram!("pulseboard_summary_refresh_seconds", "trigger" => trigger.as_str()).record(begun.elapsed());
    Ok(())
}

/// A transaction that lasted over a local midnight has something of the day before, whose row is then brought up to
/// date, all but its stock.
async fn refresh_ended(tx: &mut PgConnection, facilities: &[FacilityId]) -> Result<()> {
    sqlx::query!(
        "update dashboard_daily_summary s
         set total_transferred = f.total_transferred, total_requests = f.total_requests, updated_at = clock_now()
         from facilities here
         cross join lateral local_day(now() + (clock_now() - statement_timestamp()), here.time_zone) as began
         cross join lateral daily_figures(array[here.id], began) f
         where here.id = any ($1) and began < local_day(clock_now(), here.time_zone)
           and s.facility_id = here.id and s.date = began",
        &numbers(facilities)
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Today's row of a facility, if it was ever computed today.
pub async fn today(tx: &mut PgConnection, facility: FacilityId) -> Result<Option<Figures>> {
    let found = sqlx::query_as!(
        Figures,
        "select s.date, s.total_stock, s.total_transferred, s.total_requests, s.updated_at
         from dashboard_daily_summary s
         join facilities f on f.id = s.facility_id
         where s.facility_id = $1 and s.date = local_day(clock_now(), f.time_zone)",
        facility.0
    )
    .fetch_optional(tx)
    .await?;
    Ok(found)
}

/// When each of these facilities was last refreshed.
pub async fn newest(db: &Db, facilities: &[FacilityId]) -> Result<HashMap<FacilityId, DateTime<Utc>>> {
    let mut tx = db.read_in_background(&Scope::Facilities(facilities.to_vec())).await?;
    let rows = sqlx::query!(
        r#"select f.id as "facility_id!: FacilityId", kept.newest as "updated_at!"
           from unnest($1::bigint[]) as f (id)
           cross join lateral (
             -- the day before is touched once more by who began on it
             select max(updated_at) as newest
             from (select updated_at from dashboard_daily_summary d where d.facility_id = f.id order by d.date desc limit 2) d
           ) kept
           where kept.newest is not null"#,
        &numbers(facilities)
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.facility_id, row.updated_at)).collect())
}

/// Refreshes one facility because somebody pressed the button.
pub async fn refresh_now(db: &Db, facility: FacilityId) -> Result<()> {
    let mut tx = db.write(&Scope::of(facility)).await?;
    lock(&mut tx, &[facility]).await?;
    refresh(&mut tx, &[facility], Trigger::Button).await?;
    outbox::push(
        &mut tx,
        &[facility],
        &Event::SummaryRefreshed {
            facilities: vec![facility],
        },
    )
    .await?;
    tx.commit().await?;
    db.committed(&[facility]);
    Ok(())
}

/// Refreshes one facility if its row is older than `freshness` or missing, unless another instance is just doing so.
/// Answers whether it did.
pub async fn refresh_if_older(db: &Db, facility: FacilityId, freshness: Duration) -> Result<bool> {
    /// First key of the advisory lock; the second is the facility.
    const SINGLE_FLIGHT: i32 = 0x5055;
    let mut tx = db.write_in_background(&Scope::of(facility)).await?;
    let mine = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock($1, $2) as "mine!""#,
        SINGLE_FLIGHT,
        (facility.0 % i64::from(i32::MAX)) as i32
    )
    .fetch_one(&mut *tx)
    .await?;
    if !mine {
        return Ok(false);
    }
    let age = match today(&mut tx, facility).await? {
        Some(figures) => (db.clock.now() - figures.updated_at).to_std().unwrap_or_default(),
        None => Duration::MAX,
    };
    if age <= freshness {
        return Ok(false);
    }
    lock(&mut tx, &[facility]).await?;
    refresh(&mut tx, &[facility], Trigger::Page).await?;
    outbox::push(
        &mut tx,
        &[facility],
        &Event::SummaryRefreshed {
            facilities: vec![facility],
        },
    )
    .await?;
    tx.commit().await?;
    Ok(true)
}
