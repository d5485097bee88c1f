//! Refreshing the summary of one facility and of a thousand, with a million rows (ten with `BENCH_LARGE=1`), against a
//! hand-written statement on the same tables: no row level security, no function, the day's bounds given.

use std::time::Instant;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use pulseboard::clock::Clock;
use pulseboard::db::embedded::SUPERUSER;
use pulseboard::db::{self, Db, PoolSizes, Scope};
use pulseboard::ids::FacilityId;
use pulseboard::summary::{self, Trigger};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::place::Place;
use super::table::{Spread, Table};

const FACILITIES: i64 = 1_000;
const ZONE: &str = "Europe/Berlin";

/// The statement that a person would write for just this: `$1` facilities, `$2` day, `$3` to `$4` its bounds.
const BY_FACILITY: &str = "
    insert into dashboard_daily_summary (facility_id, date, total_stock, total_transferred, total_requests, updated_at)
    select f.id, $2,
           (select coalesce(sum(quantity), 0) from blood_inventory
            where facility_id = f.id and status = 'available' and expires_at > now()),
           (select coalesce(sum(quantity), 0) from blood_distributions
            where dispatched_to_id = f.id and date_delivered >= $3 and date_delivered < $4),
           (select count(*) from blood_requests where facility_id = f.id and created_at >= $3 and created_at < $4),
           now()
    from facilities f where f.id = any ($1)
    on conflict (facility_id, date) do update
       set total_stock = excluded.total_stock, total_transferred = excluded.total_transferred,
           total_requests = excluded.total_requests, updated_at = excluded.updated_at";

/// The same by one pass over each table; which is quicker depends on the size.
const BY_TABLE: &str = "
    insert into dashboard_daily_summary (facility_id, date, total_stock, total_transferred, total_requests, updated_at)
    select f.id, $2, coalesce(s.units, 0), coalesce(d.units, 0), coalesce(r.raised, 0), now()
    from facilities f
    left join (select facility_id as id, sum(quantity) as units from blood_inventory
               where status = 'available' and expires_at > now() group by 1) s using (id)
    left join (select dispatched_to_id as id, sum(quantity) as units from blood_distributions
               where date_delivered >= $3 and date_delivered < $4 group by 1) d using (id)
    left join (select facility_id as id, count(*) as raised from blood_requests
               where created_at >= $3 and created_at < $4 group by 1) r using (id)
    where f.id = any ($1)
    on conflict (facility_id, date) do update
       set total_stock = excluded.total_stock, total_transferred = excluded.total_transferred,
           total_requests = excluded.total_requests, updated_at = excluded.updated_at";

pub async fn measure(place: &Place, table: &mut Table) -> Result<()> {
    at(place, table, 1_000_000, 110.0).await?;
    if std::env::var_os("BENCH_LARGE").is_some_and(|value| value == "1") {
        at(place, table, 10_000_000, 500.0).await?;
    }
    Ok(())
}

struct Bench {
    owner: PgConnection,
    db: Db,
    day: NaiveDate,
    bounds: (DateTime<Utc>, DateTime<Utc>),
}

async fn at(place: &Place, table: &mut Table, rows: i64, longest_ms: f64) -> Result<()> {
    let name = format!("{} M rows", rows / 1_000_000);
    let begun = Instant::now();
    let mut bench = fill(place, rows).await?;
    table.note(
        &format!("{name}: generated"),
        format!("{:.0} s", begun.elapsed().as_secs_f64()),
    );

    let one = vec![FACILITIES / 2];
    let (mut ours, mut bare, mut button) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..200 {
        ours.push(bench.ours(&one).await?);
        bare.push(bench.bare(BY_FACILITY, &one).await?);
        button.push(bench.button(one[0]).await?);
    }
    compare(
        table,
        &format!("{name}, refresh of one facility"),
        &ours,
        &bare,
        2.0,
        0.4,
    );
    table.note(
        &format!("{name}, the button's whole transaction (lock, refresh, outbox, commit)"),
        format!("{} ms", Spread::of(button).text(2)),
    );

    let all: Vec<i64> = (1..=FACILITIES).collect();
    let (mut ours, mut by_facility, mut by_table) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..9 {
        ours.push(bench.ours(&all).await?);
        by_facility.push(bench.bare(BY_FACILITY, &all).await?);
        by_table.push(bench.bare(BY_TABLE, &all).await?);
    }
    let median = |values: &[f64]| Spread::of(values.iter().copied()).median;
    table.note(
        &format!("{name}, the bare statement by facility, by table"),
        format!("{:.1}, {:.1} ms", median(&by_facility), median(&by_table)),
    );
    let bare = if median(&by_facility) < median(&by_table) {
        by_facility
    } else {
        by_table
    };
    compare(
        table,
        &format!("{name}, refresh of 1,000 facilities"),
        &ours,
        &bare,
        1.5,
        longest_ms,
    );
    bench.db.close().await;
    bench.owner.close().await?;
    Ok(())
}

fn compare(table: &mut Table, what: &str, ours: &[f64], bare: &[f64], most: f64, longest_ms: f64) {
    let (spread, other) = (Spread::of(ours.iter().copied()), Spread::of(bare.iter().copied()));
    let ratio = spread.median / other.median;
    table.goal(
        what,
        format!("{} ms, bare {} ms: {ratio:.2} x", spread.text(2), other.text(2)),
        &format!("<= {most} x, <= {longest_ms} ms"),
        ratio <= most && spread.median <= longest_ms,
    );
}

impl Bench {
    /// Milliseconds of the product's statement, as the product's role, in a transaction that is then undone.
    async fn ours(&self, facilities: &[i64]) -> Result<f64> {
        let ids: Vec<FacilityId> = facilities.iter().copied().map(FacilityId).collect();
        let scope = match ids.len() {
            1 => Scope::of(ids[0]),
            _ => Scope::All,
        };
        let mut tx = self.db.write_in_background(&scope).await?;
        summary::lock(&mut tx, &ids).await?;
        let begun = Instant::now();
        summary::refresh(&mut tx, &ids, Trigger::Schedule).await?;
        let spent = begun.elapsed();
        tx.rollback().await?;
        Ok(spent.as_secs_f64() * 1000.0)
    }

    /// Milliseconds of a bare statement, as the owner, likewise undone.
    async fn bare(&mut self, statement: &'static str, facilities: &[i64]) -> Result<f64> {
        let mut tx = self.owner.begin().await?;
        let query = sqlx::query(statement)
            .bind(facilities)
            .bind(self.day)
            .bind(self.bounds.0)
            .bind(self.bounds.1);
        let begun = Instant::now();
        query.execute(&mut *tx).await?;
        let spent = begun.elapsed();
        tx.rollback().await?;
        Ok(spent.as_secs_f64() * 1000.0)
    }

    async fn button(&self, facility: i64) -> Result<f64> {
        let begun = Instant::now();
        summary::refresh_now(&self.db, FacilityId(facility)).await?;
        Ok(begun.elapsed().as_secs_f64() * 1000.0)
    }
}

/// A database of its own: half the rows distributions, four tenths requests, one tenth stock, over 90 days.
async fn fill(place: &Place, rows: i64) -> Result<Bench> {
    let name = format!("rows_{rows}");
    let mut owner = Place::owner(&place.cluster, SUPERUSER).await?;
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut owner)
        .await?;
    owner.close().await?;
    let options = place.cluster.options(SUPERUSER, &name);
    db::migrate(&options).await?;
    let mut owner = Place::owner(&place.cluster, &name).await?;
    for statement in [
        // foreign keys are not what is measured; the rows below keep them
        "set session_replication_role = replica".to_owned(),
        format!(
            "insert into facilities (name, kind, region, latitude, longitude, time_zone)
             select 'Facility ' || n, 'hospital', 'North', 0, 0, '{ZONE}' from generate_series(1, {FACILITIES}) n"
        ),
        "insert into blood_banks (facility_id, name) select id, 'Bank' from facilities order by id".to_owned(),
        format!(
            "insert into blood_inventory (facility_id, blood_bank_id, component, blood_group, quantity, lot,
                                          collected_at, expires_at, status, received_at)
             select 1 + n % {FACILITIES}, 1 + n % {FACILITIES}, 'red_cells', 'O-', 1 + n % 9, 'L' || n,
                    now() - interval '1 day', now() + (1 + n % 40) * interval '1 day',
                    case when n / {FACILITIES} % 5 < 3 then 'available' else 'issued' end, now() - interval '1 day'
             from generate_series(1, {} / 10) n",
            rows
        ),
        format!(
            "insert into blood_requests (facility_id, component, blood_group, quantity, urgency, created_at)
             select 1 + n % {FACILITIES}, 'red_cells', 'O-', 1 + n % 9, 'routine',
                    now() - n / {FACILITIES} * (interval '90 days' * {FACILITIES} / ({rows}::float8 * 0.4))
             from generate_series(1, {rows} / 10 * 4) n"
        ),
        format!(
            "insert into blood_distributions (facility_id, blood_bank_id, dispatched_to_id, sent, quantity, status,
                                              dispatched_at, date_delivered)
             select 1 + n % {FACILITIES}, 1 + n % {FACILITIES}, 1 + (n + 7) % {FACILITIES}, 1 + n % 9, 1 + n % 9,
                    'delivered', at - interval '1 hour', at
             from (select n, now() - n / {FACILITIES} * (interval '90 days' * {FACILITIES} / ({rows}::float8 * 0.5)) as at
                   from generate_series(1, {rows} / 2) n) d"
        ),
        "reset session_replication_role".to_owned(),
        "vacuum analyze".to_owned(),
        "checkpoint".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut owner).await?;
    }
    let (day, from, until): (NaiveDate, DateTime<Utc>, DateTime<Utc>) = sqlx::query_as(AssertSqlSafe(format!(
        "select day, day_start(day, '{ZONE}'), day_start(day + 1, '{ZONE}') from local_day(now(), '{ZONE}') day"
    )))
    .fetch_one(&mut owner)
    .await?;
    Ok(Bench {
        db: Db::open(
            options,
            PoolSizes {
                web: 2,
                ingest: 2,
                jobs: 2,
            },
            Clock::system(),
        )
        .await?,
        owner,
        day,
        bounds: (from, until),
    })
}
