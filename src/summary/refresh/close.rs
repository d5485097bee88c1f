//! Closing days: once a day is over everywhere, its sums are written from `counted` (migrations/0014_closed_days.sql), the
//! definition by which today is counted. A day whose past was changed is closed again.

use chrono::NaiveDate;

use super::lock;
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::facilities;
use crate::jobs::{self, Claim};

/// Days that one run of the job closes at most: it holds all facilities for each of them.
const DAYS_A_RUN: usize = 60;

/// Closes days that are over and those that were reopened, the latest first, each in a transaction of its own; answers
/// how many. With a claim, only while it is still held.
pub async fn close_days(db: &Db, claim: Option<&Claim>) -> Result<usize> {
    let mut closed = 0;
    while closed < DAYS_A_RUN && close_next(db, claim).await? {
        closed += 1;
    }
    Ok(closed)
}

async fn close_next(db: &Db, claim: Option<&Claim>) -> Result<bool> {
    let all = facilities::all(db.background()).await?;
    let mut tx = db.write_in_background(&Scope::All).await?;
    if let Some(claim) = claim {
        jobs::confirm(&mut tx, claim).await?;
    }
    let Some(day) = next(&mut tx).await? else {
        return Ok(false);
    };
    // whoever began before midnight has written and committed after this
    lock(&mut tx, &all).await?;
    sqlx::query!("delete from area_sums where day = $1", day)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "insert into area_sums (area, measure, grain, day, component, blood_group, detail, hour, value, over)
         select area, measure, grain, $1, component, blood_group, detail, hour, value, over from area_sums_of($1)",
        day
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into closed_days (day) values ($1) on conflict (day) do update set closed_at = excluded.closed_at",
        day
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("delete from reopened_days where day = $1", day)
        .execute(&mut *tx)
        .await?;
    sum_week(&mut tx, day).await?;
    tx.commit().await?;
    Ok(true)
}

/// A day to close: one that was reopened, or else the latest that is over everywhere and was never closed. Nothing was
/// counted before the first summary.
async fn next(tx: &mut sqlx::PgConnection) -> Result<Option<NaiveDate>> {
    Ok(sqlx::query_scalar!(
        "with days as materialized (
           select min(kept.first) as first, min(local_day(clock_now(), f.time_zone)) - 1 as last
           from facilities f
           left join lateral (
             select date as first from dashboard_daily_summary s where s.facility_id = f.id order by date limit 1
           ) kept on true
         )
         select coalesce(
           (select max(day) from reopened_days),
           (select max(d.day::date) from days, generate_series(days.first, days.last, interval '1 day') as d (day)
            where not exists (select from closed_days c where c.day = d.day::date)))"
    )
    .fetch_one(tx)
    .await?)
}

/// The sums by facility of the week that a day lies in, once all of it is closed.
async fn sum_week(tx: &mut sqlx::PgConnection, day: NaiveDate) -> Result<()> {
    let week = day.week(chrono::Weekday::Mon);
    let (first, last) = (week.first_day(), week.last_day());
    sqlx::query!("delete from facility_weeks where week = $1", first)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "insert into facility_weeks (facility_id, measure, week, value, over)
         select w.facility_id, w.measure, $1, w.value, w.over from facility_weeks_of($1) w
         where (select count(*) from closed_days where day between $1 and $2) = 7
           and not exists (select from reopened_days where day between $1 and $2)",
        first,
        last
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}
