//! The local days of each zone, computed once, since every facility of a zone shares them.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};

use super::dice::Dice;
use crate::clock::{Zone, day_bounds, local_day};

/// The days of a history in one zone, the last one being today.
pub(super) struct Calendar {
    first: NaiveDate,
    /// the start of each day, and of the one after the last
    starts: Vec<DateTime<Utc>>,
}

impl Calendar {
    pub fn start(&self, day: usize) -> DateTime<Utc> {
        self.starts[day]
    }

    pub fn end(&self, day: usize) -> DateTime<Utc> {
        self.starts[day + 1]
    }

    /// 0 is Monday.
    pub fn weekday(&self, day: usize) -> usize {
        (self.first + Days::new(day as u64)).weekday().num_days_from_monday() as usize
    }

    /// Some instant of the day between two hours by its clock.
    pub fn sometime(&self, dice: &mut Dice, day: usize, from_hour: f64, to_hour: f64) -> DateTime<Utc> {
        self.starts[day] + TimeDelta::seconds((dice.between(from_hour, to_hour) * 3600.0) as i64)
    }
}

/// The calendars of a history of `days` days up to `now`.
pub(super) struct Calendars {
    now: DateTime<Utc>,
    days: u32,
    known: HashMap<Zone, Arc<Calendar>>,
}

impl Calendars {
    pub fn new(now: DateTime<Utc>, days: u32) -> Self {
        Calendars {
            now,
            days,
            known: HashMap::new(),
        }
    }

    pub fn of(&mut self, zone: Zone) -> Arc<Calendar> {
        let (now, days) = (self.now, u64::from(self.days));
        let calendar = self.known.entry(zone).or_insert_with(|| {
            let first = local_day(zone, now) - Days::new(days - 1);
            let starts = (0..=days)
                .map(|day| day_bounds(zone, first + Days::new(day)).0)
                .collect();
            Arc::new(Calendar { first, starts })
        });
        calendar.clone()
    }
}
