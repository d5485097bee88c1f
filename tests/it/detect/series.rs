//! A labelled series under construction.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

use super::dice::Dice;

/// Rows with the half-open ranges of rows in which something happens.
pub struct Series {
    pub family: &'static str,
    pub rows: Vec<(NaiveDateTime, f64)>,
    pub windows: Vec<(usize, usize)>,
}

/// The clock of a series, its chance, and the rows where its anomalies begin.
pub struct Draft {
    pub dice: Dice,
    pub times: Vec<NaiveDateTime>,
    pub starts: Vec<usize>,
}

impl Draft {
    /// `rows` of `step` seconds; `events` anomalies between a quarter and nine tenths, at a distance from each other.
    pub fn new(seed: u64, rows: usize, step: i64, events: usize) -> Draft {
        let mut dice = Dice::new(seed);
        let begin = NaiveDate::from_ymd_opt(2014, 2, 14)
            .and_then(|day| day.and_hms_opt(0, 2, 0))
            .expect("a date")
            + TimeDelta::days(dice.between(0.0, 300.0) as i64);
        let times = (0..rows as i64)
            .map(|row| begin + TimeDelta::seconds(row * step))
            .collect();
        let starts = (0..events)
            .map(|event| {
                let (low, share) = (0.25, 0.65 / events as f64);
                let from = low + share * event as f64;
                (rows as f64 * dice.between(from + 0.15 * share, from + 0.85 * share)) as usize
            })
            .collect();
        Draft { dice, times, starts }
    }

    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Steps become irregular: shorter, longer, with holes of hours.
    pub fn irregular(mut self, step: f64) -> Draft {
        let mut at = self.times[0];
        for time in &mut self.times {
            *time = at;
            let seconds = match self.dice.uniform() {
                x if x < 0.01 => step * self.dice.between(6.0, 40.0),
                x if x < 0.3 => step * self.dice.between(1.0, 3.0),
                _ => step * self.dice.between(0.8, 1.2),
            };
            at += TimeDelta::seconds(seconds as i64);
        }
        self
    }

    /// How far row `row` is into an anomaly of `length` rows.
    pub fn within(&self, row: usize, length: usize) -> Option<(usize, usize)> {
        self.starts
            .iter()
            .enumerate()
            .find(|(_, start)| row >= **start && row < **start + length)
            .map(|(event, start)| (event, row - start))
    }

    /// Hours since midnight, and whether it is Saturday or Sunday.
    pub fn hour(&self, row: usize) -> (f64, bool) {
        let time = self.times[row];
        (
            f64::from(time.num_seconds_from_midnight()) / 3600.0,
            time.weekday().num_days_from_monday() > 4,
        )
    }

    /// Values with two decimals, or what the family gave; windows cover a tenth of the rows, centred on the anomalies. About one
    /// row in 300 of series marked so is missing.
    pub fn finish(mut self, family: &'static str, values: Vec<f64>, missing: bool) -> Series {
        let count = self.starts.len();
        let half = self.len() / 20 / count.max(1);
        let windows: Vec<(usize, usize)> = self
            .starts
            .iter()
            .map(|start| (start.saturating_sub(half), (start + half).min(self.len())))
            .collect();
        let rows = self
            .times
            .iter()
            .copied()
            .zip(values)
            .map(|(t, v)| (t, (v * 1000.0).round() / 1000.0));
        let rows: Vec<_> = rows.collect();
        if !missing {
            return Series { family, rows, windows };
        }
        let kept: Vec<bool> = rows.iter().map(|_| !self.dice.chance(1.0 / 300.0)).collect();
        let place = |row: usize| kept[..row].iter().filter(|kept| **kept).count();
        Series {
            family,
            windows: windows.iter().map(|(from, to)| (place(*from), place(*to))).collect(),
            rows: rows
                .iter()
                .zip(&kept)
                .filter(|(_, kept)| **kept)
                .map(|(row, _)| *row)
                .collect(),
        }
    }
}

/// 0 at night, 1 at the height of a working day.
pub fn daytime(hour: f64) -> f64 {
    let main = (-((hour - 14.0) / 5.0).powi(2)).exp();
    let evening = 0.5 * (-((hour - 20.0) / 2.0).powi(2)).exp();
    (main + evening).min(1.2)
}
