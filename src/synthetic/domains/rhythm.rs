//! Days, weeks and bad hours. They follow from the clock and the seed alone, so that taking events in other pieces
//! changes nothing.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

use super::super::dice::Dice;

/// How much goes on at each hour of a day, one on average.
const HOURS: [f64; 24] = [
    0.30, 0.20, 0.15, 0.12, 0.13, 0.20, 0.42, 0.75, 1.05, 1.30, 1.42, 1.45, 1.48, 1.40, 1.35, 1.32, 1.38, 1.50, 1.70,
    1.85, 1.75, 1.42, 0.95, 0.56,
];
/// And on each day of a week, from Monday.
const DAYS: [f64; 7] = [0.96, 0.93, 0.95, 1.00, 1.12, 1.10, 0.94];

pub(super) struct Rhythm {
    seed: u64,
}

impl Rhythm {
    pub fn new(seed: u64) -> Self {
        Rhythm { seed }
    }

    /// How much goes on, one on average.
    pub fn activity(&self, at: DateTime<Utc>) -> f64 {
        let (hour, part) = (at.hour() as usize, f64::from(at.minute()) / 60.0);
        let day = DAYS[at.weekday().num_days_from_monday() as usize];
        day * (HOURS[hour] * (1.0 - part) + HOURS[(hour + 1) % 24] * part)
    }

    /// How bad things are, from 0 to 1. About every third day has one bad time of half an hour to two hours, which comes
    /// quickly and fades.
    pub fn incident(&self, at: DateTime<Utc>) -> f64 {
        let day = at.date_naive();
        let mut dice = Dice::new(self.seed.rotate_left(17) ^ day.num_days_from_ce() as u64);
        if !dice.chance(0.35) {
            return 0.0;
        }
        let begins = day.and_time(chrono::NaiveTime::MIN).and_utc() + dice.minutes(0.0, 21.0 * 60.0);
        let lasts = dice.minutes(30.0, 120.0);
        let since = at - begins;
        if since < TimeDelta::zero() || since > lasts {
            return 0.0;
        }
        1.0 - since.num_seconds() as f64 / lasts.num_seconds() as f64
    }
}
