//! Writing the invented network: one transaction for all of it, so that an interrupted seeding leaves nothing. The
//! history is made on a thread of its own while the rows before are being written.

mod places;
mod rows;

use chrono::TimeDelta;
use sqlx::PgConnection;
use tokio::sync::mpsc;

use crate::blood::{Component, ComponentLife};
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::summary;
use crate::synthetic::calendar::Calendars;
use crate::synthetic::dice::Dice;
use crate::synthetic::history::World;
use crate::synthetic::ledger::Ledger;
use crate::synthetic::network::{self, FirstIds};
use crate::synthetic::{Plan, Progress, Seeded};

/// The log of the invented past goes back this far.
const LOGGED: TimeDelta = TimeDelta::days(3);

/// Fills an empty database with the network of the plan and its past up to now, and marks the installation as
/// synthetic. [`Error::Conflict`] when there are facilities already: invented blood is never mixed with real blood.
pub async fn seed(db: &Db, plan: &Plan, mut progress: impl FnMut(Progress)) -> Result<Seeded> {
    let mut tx = db.write_in_background(&Scope::All).await?;
    let known = sqlx::query_scalar!(r#"select exists (select from facilities) as "known!""#)
        .fetch_one(&mut *tx)
        .await?;
    if known {
        return Err(Error::Conflict(
            "This database has facilities already; a synthetic network needs an empty one.".into(),
        ));
    }
    let days = plan.days.max(1);
    let now = sqlx::query_scalar!(r#"select clock_now() as "now!""#)
        .fetch_one(&mut *tx)
        .await?;
    let lives = lives(&mut tx).await?;
    let first = first_ids(&mut tx).await?;

    let mut dice = Dice::new(plan.seed);
    let ids = FirstIds {
        facility: first.facility,
        bank: first.bank,
    };
    let places = network::invent(plan.facilities, ids, &mut dice)?;
    let mut calendars = Calendars::new(now, days);
    let sites = network::settle(places, &mut calendars);
    let facilities: Vec<FacilityId> = sites.iter().map(|site| FacilityId(site.place.id)).collect();
    let banks = places::add(&mut tx, &sites, now - TimeDelta::days(days.into())).await?;
    places::add_levels(&mut tx, &sites).await?;

    let world = World {
        sites,
        dice,
        ledger: Ledger::new(first.lot, first.request, first.distribution, now - LOGGED),
        now,
        days: days as usize,
        lives,
    };
    let (sink, mut batches) = mpsc::channel(2);
    let history = tokio::task::spawn_blocking(move || world.run(&sink));
    let mut seeded = Seeded {
        facilities: facilities.len() as u64,
        ..Seeded::default()
    };
    while let Some(batch) = batches.recv().await {
        rows::write(&mut tx, &batch, &mut seeded).await?;
        progress(Progress {
            day: batch.day,
            days,
            rows: seeded.inventory + seeded.movements + seeded.requests + seeded.distributions,
        });
    }
    let used = history
        .await
        .map_err(anyhow::Error::from)?
        .ok_or_else(|| anyhow::anyhow!("the history broke off"))?;

    for (sequence, used) in [
        ("facilities_id_seq", facilities.len() as i64),
        ("blood_banks_id_seq", banks),
        ("blood_inventory_id_seq", used.lots),
        ("blood_requests_id_seq", used.requests),
        ("blood_distributions_id_seq", used.distributions),
    ] {
        // the program may take numbers but not set the counter; one was taken at the beginning
        sqlx::query!(
            "select count(nextval($1::text::regclass)) from generate_series(2, $2::bigint)",
            sequence,
            used
        )
        .fetch_one(&mut *tx)
        .await?;
    }
    seeded.summaries = summarise(&mut tx, days).await?;
    summary::lock(&mut tx, &facilities).await?;
    summary::refresh(&mut tx, &facilities, summary::Trigger::Schedule).await?;
    sqlx::query!("update installation set synthetic = true")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(seeded)
}

struct First {
    facility: i64,
    bank: i64,
    lot: i64,
    request: i64,
    distribution: i64,
}

async fn first_ids(tx: &mut PgConnection) -> Result<First> {
    Ok(sqlx::query_as!(
        First,
        r#"select nextval('facilities_id_seq') as "facility!", nextval('blood_banks_id_seq') as "bank!",
                  nextval('blood_inventory_id_seq') as "lot!", nextval('blood_requests_id_seq') as "request!",
                  nextval('blood_distributions_id_seq') as "distribution!""#
    )
    .fetch_one(tx)
    .await?)
}

/// How long each component lives, in the order of `Component::ALL`.
async fn lives(tx: &mut PgConnection) -> Result<Vec<ComponentLife>> {
    let rows =
        sqlx::query!(r#"select component as "component: Component", life_days, life_hours from component_lives"#)
            .fetch_all(tx)
            .await?;
    Component::ALL
        .iter()
        .map(|component| {
            let row = rows.iter().find(|row| row.component == *component);
            match row.map(|row| (row.life_days, row.life_hours)) {
                Some((Some(days), _)) => Ok(ComponentLife::Days(days.clamp(1, 20_000) as u16)),
                Some((_, Some(hours))) => Ok(ComponentLife::Hours(hours.clamp(1, 20_000) as u16)),
                _ => Err(anyhow::anyhow!("{component} has no shelf life").into()),
            }
        })
        .collect()
}

/// The kept days before today: flows as `daily_figures` counts them, the level as the movements leave it at the day's end.
async fn summarise(tx: &mut PgConnection, days: u32) -> Result<u64> {
    let done = sqlx::query!(
        "with days as (
             select f.id as facility_id, f.time_zone, local_day(clock_now(), f.time_zone) - back as date
             from facilities f cross join generate_series(0, $1::int - 1) back
         ), levels as (
             select m.facility_id, local_day(m.at, f.time_zone) as date,
                    sum(case when m.to_status = 'available' then m.quantity
                             when m.from_status = 'available' then -m.quantity else 0 end) as change
             from inventory_movements m join facilities f on f.id = m.facility_id
             group by 1, 2
         ), deliveries as (
             select d.dispatched_to_id as facility_id, local_day(d.date_delivered, f.time_zone) as date, sum(d.quantity) as units
             from blood_distributions d join facilities f on f.id = d.dispatched_to_id
             where d.date_delivered is not null group by 1, 2
         ), raised as (
             select r.facility_id, local_day(r.created_at, f.time_zone) as date, count(*) as requests
             from blood_requests r join facilities f on f.id = r.facility_id group by 1, 2
         )
         insert into dashboard_daily_summary (facility_id, date, total_stock, total_transferred, total_requests, updated_at)
         select facility_id, date,
                sum(coalesce(l.change, 0)) over (partition by facility_id order by date)::bigint,
                coalesce(d.units, 0), coalesce(r.requests, 0),
                least(day_start(date + 1, time_zone) - interval '1 minute', clock_now())
         from days
         left join levels l using (facility_id, date)
         left join deliveries d using (facility_id, date)
         left join raised r using (facility_id, date)",
        days as i32
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// One column of some rows, as Postgres arrays want it.
fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
