//! Points into their parts, and their sums into the rollups, in the transaction of whoever brought them.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::clock::Zone;
use crate::db::copy::Rows;
use crate::error::Result;
use crate::metrics::parts::Days;
use crate::metrics::rollup::{Calendar, MINUTE, Sum, hour_and_day};
use crate::metrics::sketch::Sketch;

/// Points of one transaction by series and minute.
#[derive(Debug, Default)]
pub struct Chunks {
    points: HashMap<(i64, i32, i64), Vec<(i32, f64)>>,
}

impl Chunks {
    /// `micros`: since 1970.
    pub fn add(&mut self, facility: i64, series: i32, micros: i64, value: f64) {
        let minute = micros.div_euclid(MINUTE);
        let offset = micros.rem_euclid(MINUTE) as i32;
        self.points
            .entry((facility, series, minute))
            .or_default()
            .push((offset, value));
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Facilities that have points among these, in order.
    pub fn facilities(&self) -> Vec<i64> {
        let mut facilities: Vec<i64> = self.points.keys().map(|key| key.0).collect();
        facilities.sort_unstable();
        facilities.dedup();
        facilities
    }
}

type Key = (i64, i32, &'static str, DateTime<Utc>);

/// Writes the points and adds them to the sums of their minutes, hours and days. The locks that this takes are held until
/// the transaction ends: call it last.
pub async fn write(
    tx: &mut PgConnection,
    mut chunks: Chunks,
    received: i64,
    days: &Days,
    zones: &Calendar,
) -> Result<()> {
    if chunks.is_empty() {
        return Ok(());
    }
    let mut parts: BTreeMap<String, Rows> = BTreeMap::new();
    let mut sums: BTreeMap<Key, Sum> = BTreeMap::new();
    let mut starts: HashMap<(i64, i64), (DateTime<Utc>, DateTime<Utc>)> = HashMap::new();
    for (&(facility, series, minute), points) in &mut chunks.points {
        points.sort_by_key(|point| point.0);
        let start = minute * MINUTE;
        parts
            .entry(days.part("points", start))
            .or_insert_with(|| Rows::new(6))
            .row()
            .int8(facility)
            .int4(series)
            .instant(start)
            .int4s(points.iter().map(|point| point.0))
            .float8s(points.iter().map(|point| point.1))
            .instant(received);
        let values: Vec<f64> = points.iter().map(|point| point.1).collect();
        let sum = Sum::of(&values);
        let at = DateTime::from_timestamp_micros(start).unwrap_or_default();
        let (hour, day) = *starts.entry((facility, minute)).or_insert_with(|| {
            let zone = zones.get(&facility).copied().unwrap_or(Zone::UTC);
            hour_and_day(zone, at)
        });
        for key in [(facility, series, "day", day), (facility, series, "hour", hour)] {
            match sums.get_mut(&key) {
                Some(known) => known.merge(&sum),
                None => drop(sums.insert(key, sum.clone())),
            }
        }
        sums.insert((facility, series, "minute", at), sum);
    }
    for (part, rows) in parts {
        let statement = format!(
            r#"copy parts.{part} (facility_id, series_id, minute, offsets, "values", received_at) from stdin (format binary)"#
        );
        rows.send(tx, &statement).await?;
    }
    add(tx, sums, &chunks.facilities(), received).await
}

/// Adds sums to those that are kept. Sketches are merged here, so whoever reads one to add to it must be the only one:
/// a lock of the facility stands for its sums.
async fn add(tx: &mut PgConnection, mut sums: BTreeMap<Key, Sum>, facilities: &[i64], received: i64) -> Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtext('rollups'), (f % 1000000)::int) from unnest($1::bigint[]) f order by f",
        facilities
    )
    .execute(&mut *tx)
    .await?;
    let mut columns = Columns::default();
    for key in sums.keys() {
        columns.key(key);
    }
    let kept = sqlx::query!(
        r#"select k.place as "place!", r.sketch
           from unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[]) with ordinality
                as k(facility_id, series_id, step, start, place)
           join rollups r using (facility_id, series_id, step, start)"#,
        &columns.facilities,
        &columns.series,
        &columns.steps as &[&str],
        &columns.starts
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut all: Vec<&mut Sum> = sums.values_mut().collect();
    for row in kept {
        all[row.place as usize - 1].sketch.merge(&Sketch::decode(&row.sketch));
    }
    for sum in &all {
        columns.counts.push(sum.count);
        columns.sums.push(sum.decimal());
        columns.mins.push(sum.min);
        columns.maxs.push(sum.max);
        columns.sketches.push(sum.sketch.encode());
    }
    sqlx::query!(
        "insert into rollups (facility_id, series_id, step, start, count, sum, min, max, sketch, updated_at)
         select f, s, step, start, n, total::numeric, low, high, sketch, $10
         from unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[], $5::bigint[], $6::text[], $7::float8[],
                     $8::float8[], $9::bytea[]) as u(f, s, step, start, n, total, low, high, sketch)
         on conflict (facility_id, series_id, step, start) do update
           set count = rollups.count + excluded.count, sum = rollups.sum + excluded.sum,
               min = least(rollups.min, excluded.min), max = greatest(rollups.max, excluded.max),
               sketch = excluded.sketch, updated_at = excluded.updated_at",
        &columns.facilities,
        &columns.series,
        &columns.steps as &[&str],
        &columns.starts,
        &columns.counts,
        &columns.sums,
        &columns.mins,
        &columns.maxs,
        &columns.sketches,
        DateTime::from_timestamp_micros(received).unwrap_or_default()
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Sums as the arrays of a statement.
#[derive(Default)]
struct Columns {
    facilities: Vec<i64>,
    series: Vec<i32>,
    steps: Vec<&'static str>,
    starts: Vec<DateTime<Utc>>,
    counts: Vec<i64>,
    sums: Vec<String>,
    mins: Vec<f64>,
    maxs: Vec<f64>,
    sketches: Vec<Vec<u8>>,
}

impl Columns {
    fn key(&mut self, (facility, series, step, start): &Key) {
        self.facilities.push(*facility);
        self.series.push(*series);
        self.steps.push(step);
        self.starts.push(*start);
    }
}
