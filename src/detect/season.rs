//! What is usual at a time of day and at an hour of the week, learned as the days pass.

use chrono::{Datelike, NaiveDateTime, Timelike};
use serde::{Deserialize, Serialize};

use super::level::Size;
use super::reason::Part;

/// Quarters of an hour in a day, hours in a week.
const DAY: usize = 96;
const WEEK: usize = 168;
/// The share of what a cell knew that a visit replaces, once there were a few.
const SHARE: f64 = 0.2;
/// Visits of a cell before it foretells.
const LEAST: u8 = 2;
/// A season is believed while its error is at most this share of the error without one; a week, of the day's.
const SKILL: f64 = 0.8;
const WEEKLY_SKILL: f64 = 0.9;
const MEMORY: f64 = 2000.0;
/// Above this step, in seconds, rows have no time of day, only a weekday.
const DAILY: f64 = 40_000.0;

/// What the season expects of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    pub low: f64,
    pub high: f64,
    /// how far rows stray from it
    pub size: f64,
    /// how often this time was seen
    pub visits: f64,
    pub part: Part,
}

impl Usual {
    /// How far outside a value lies, with its sign.
    pub fn outside(&self, value: f64) -> f64 {
        value - value.clamp(self.low, self.high)
    }

    pub fn middle(&self) -> f64 {
        self.low.midpoint(self.high)
    }
}

/// The day and the week of a series, and how well they and a level alone foretell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    day: Circle,
    week: Circle,
    plain: Size,
}

impl Season {
    pub fn new() -> Self {
        Season {
            day: Circle::new(DAY),
            week: Circle::new(WEEK),
            plain: Size::default(),
        }
    }

    /// By the circle that foretold better until now, where it foretells better than a level. `step` is in seconds.
    pub fn expected(&self, time: NaiveDateTime, step: f64) -> Option<Usual> {
        let (quarter, hour) = cells(time);
        let day = step < DAILY && self.day.known(quarter);
        let week = self.week.known(hour);
        if !day && !week {
            return None;
        }
        let by_week = week && (!day || self.week.error.value() < WEEKLY_SKILL * self.day.error.value());
        let (circle, cell, sharp, part) = match by_week {
            true if step < DAILY => (&self.week, hour, 1800.0, Part::WeekdayAndTime),
            true => (&self.week, hour, 1800.0, Part::Weekday),
            false => (&self.day, quarter, 3600.0, Part::Time),
        };
        if circle.error.value() >= SKILL * self.plain.value() {
            return None;
        }
        let (low, high) = circle.around(cell, step < sharp);
        Some(Usual {
            low,
            high,
            size: circle.size[cell],
            visits: f64::from(circle.visits[cell]),
            part,
        })
    }

    /// Learns from a row; `level` is what would be expected without a season.
    pub fn observe(&mut self, time: NaiveDateTime, value: f64, level: f64) {
        let (quarter, hour) = cells(time);
        let day = self.day.observe(quarter, value);
        let week = self.week.observe(hour, value);
        if day || week {
            self.plain.observe(value - level, MEMORY);
        }
    }
}

fn cells(time: NaiveDateTime) -> (usize, usize) {
    let quarter = time.hour() as usize * 4 + time.minute() as usize / 15;
    let hour = time.weekday().num_days_from_monday() as usize * 24 + time.hour() as usize;
    (quarter, hour)
}

/// A circle of cells, each with what is usual there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Circle {
    usual: Vec<f64>,
    size: Vec<f64>,
    visits: Vec<u8>,
    /// the visit that goes on
    now: Visit,
    /// how far rows were from what was usual in their cell
    error: Size,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visit {
    cell: usize,
    sum: f64,
    count: u32,
}

impl Circle {
    fn new(cells: usize) -> Self {
        Circle {
            usual: vec![0.0; cells],
            size: vec![0.0; cells],
            visits: vec![0; cells],
            now: Visit::default(),
            error: Size::default(),
        }
    }

    fn known(&self, cell: usize) -> bool {
        self.visits[cell] >= LEAST
    }

    /// The least and the most that is usual in a cell, or also in those beside it: a sharp edge may come a little early or late.
    fn around(&self, cell: usize, beside: bool) -> (f64, f64) {
        let cells = self.usual.len();
        let near = [(cell + 1) % cells, (cell + cells - 1) % cells];
        near.into_iter()
            .filter(|other| beside && self.visits[*other] > 0)
            .map(|other| self.usual[other])
            .fold((self.usual[cell], self.usual[cell]), |(low, high), usual| {
                (low.min(usual), high.max(usual))
            })
    }

    /// Learns from a row and answers whether it was known what is usual. A cell takes over the mean of a visit when the series leaves it.
    fn observe(&mut self, cell: usize, value: f64) -> bool {
        let known = self.visits[cell] > 0;
        if known {
            let strays = value - self.usual[cell];
            self.error.observe(strays, MEMORY);
            let share = if self.visits[cell] < 3 { 0.3 } else { 0.1 };
            self.size[cell] += (strays.abs() - self.size[cell]) * share;
        }
        if cell != self.now.cell && self.now.count > 0 {
            let Visit { cell, sum, count } = std::mem::take(&mut self.now);
            self.visits[cell] = self.visits[cell].saturating_add(1);
            let share = (1.0 / f64::from(self.visits[cell])).max(SHARE);
            self.usual[cell] += (sum / f64::from(count) - self.usual[cell]) * share;
        }
        self.now.cell = cell;
        self.now.sum += value;
        self.now.count += 1;
        known
    }
}
