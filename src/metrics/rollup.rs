//! Sums over points, and the minutes, hours and days they are kept by. Adding is exact: values are rounded to a
//! thousand-millionth and added as whole numbers, so no order of adding and no batching makes another sum.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};

use super::sketch::Sketch;
use crate::clock::{Zone, day_bounds, local_day};
use crate::db::Db;
use crate::error::Result;

/// Larger values (either sign) cannot be summed exactly and are refused.
pub const LARGEST: f64 = 1e21;

/// Microseconds in a minute.
pub const MINUTE: i64 = 60_000_000;

/// What is kept of the values of a series in a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    pub count: i64,
    /// thousand-millionths
    pub nanos: i128,
    pub min: f64,
    pub max: f64,
    pub sketch: Sketch,
}

impl Sum {
    pub fn of(values: &[f64]) -> Self {
        Sum {
            count: values.len() as i64,
            nanos: values.iter().copied().map(nanos).sum(),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            sketch: Sketch::of(values.iter().copied()),
        }
    }

    pub fn merge(&mut self, other: &Sum) {
        self.count += other.count;
        self.nanos += other.nanos;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sketch.merge(&other.sketch);
    }

    /// The sum as a decimal.
    pub fn decimal(&self) -> String {
        let (sign, size) = if self.nanos < 0 {
            ("-", -self.nanos)
        } else {
            ("", self.nanos)
        };
        format!("{sign}{}.{:09}", size / NANOS, size % NANOS)
    }
}

const NANOS: i128 = 1_000_000_000;

/// A value in thousand-millionths, rounded; the whole part is never.
pub fn nanos(value: f64) -> i128 {
    value.trunc() as i128 * NANOS + (value.fract() * NANOS as f64).round() as i128
}

/// The zones of all facilities, from memory; the installation's is UTC.
#[derive(Clone)]
pub struct Zones {
    db: Db,
    known: Arc<ArcSwapOption<(Instant, Calendar)>>,
}

/// Which zone each facility keeps its days in.
pub type Calendar = Arc<HashMap<i64, Zone>>;

const LONGEST_MEMORY: Duration = Duration::from_secs(30);

impl Zones {
    pub fn new(db: Db) -> Self {
        Zones {
            db,
            known: Arc::default(),
        }
    }

    /// Every facility with its zone; number 0 is the installation.
    pub async fn current(&self) -> Result<Calendar> {
        if let Some(known) = &*self.known.load()
            && known.0.elapsed() < LONGEST_MEMORY
        {
            return Ok(known.1.clone());
        }
        let asked = Instant::now();
        let rows = sqlx::query!(r#"select id, time_zone as "zone: Zone" from facilities where active"#)
            .fetch_all(self.db.unscoped())
            .await?;
        let mut zones: HashMap<i64, Zone> = rows.into_iter().map(|row| (row.id, row.zone)).collect();
        zones.insert(0, Zone::UTC);
        let zones = Arc::new(zones);
        self.known.store(Some(Arc::new((asked, zones.clone()))));
        Ok(zones)
    }

    /// A facility was added or moved to another zone.
    pub fn forget(&self) {
        self.known.store(None);
    }
}

/// The first instants of the hour and of the day that hold this minute, on the wall of the zone.
pub fn hour_and_day(zone: Zone, minute: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let offset = (zone.wall(minute) - minute.naive_utc()).num_seconds();
    let into = (minute.timestamp() + offset).rem_euclid(3600);
    let hour = minute - TimeDelta::seconds(into);
    (hour, day_bounds(zone, local_day(zone, minute)).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_the_same_in_whatever_order_and_parts_it_was_added() {
        let values: Vec<f64> = (0..1000).map(|n| f64::from(n * 7919 % 1000) / 10.0 + 0.1).collect();
        let whole = Sum::of(&values);

        for size in [1, 7, 333] {
            let mut parts = values.chunks(size).map(Sum::of);
            let mut first = parts.next().unwrap();
            parts.for_each(|part| first.merge(&part));

            assert_eq!(first, whole);
        }
        assert_eq!(whole.decimal(), "50050.000000000");
        assert_eq!(Sum::of(&[-0.25, -1.5]).decimal(), "-1.750000000");
        assert_eq!(nanos(12_345_678_901_234.5), 12_345_678_901_234_500_000_000);
    }

    #[test]
    fn hours_and_days_are_those_of_the_wall() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let kathmandu: Zone = "Asia/Kathmandu".parse().unwrap();
        let berlin: Zone = "Europe/Berlin".parse().unwrap();

        let (hour, day) = hour_and_day(kathmandu, at("2026-11-30T18:14:00Z"));
        let (second_two, long_day) = hour_and_day(berlin, at("2026-10-25T01:30:00Z"));

        assert_eq!((hour, day), (at("2026-11-30T17:15:00Z"), at("2026-11-29T18:15:00Z")));
        assert_eq!(
            (second_two, long_day),
            (at("2026-10-25T01:00:00Z"), at("2026-10-24T22:00:00Z"))
        );
    }
}
