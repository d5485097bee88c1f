//! Levels and sizes that follow a series.

use serde::{Deserialize, Serialize};

/// A mean that forgets: the first values count alike, later ones by `1 / memory`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mean {
    pub mean: f64,
    pub count: u32,
}

impl Mean {
    pub fn observe(&mut self, value: f64, memory: f64) {
        self.count = self.count.saturating_add(1);
        self.mean += (value - self.mean) / f64::from(self.count).min(memory);
    }
}

/// How large deviations usually are: the square of the mean of their roots, which a spike hardly moves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Size(Mean);

impl Size {
    pub fn observe(&mut self, deviation: f64, memory: f64) {
        self.0.observe(deviation.abs().sqrt(), memory);
    }

    pub fn value(&self) -> f64 {
        self.0.mean * self.0.mean
    }
}

/// The latest values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent {
    values: Vec<f64>,
    room: usize,
    next: usize,
}

impl Recent {
    pub fn new(room: usize) -> Self {
        Recent {
            values: Vec::with_capacity(room),
            room,
            next: 0,
        }
    }

    pub fn push(&mut self, value: f64) {
        match self.values.get_mut(self.next) {
            Some(oldest) => *oldest = value,
            None => self.values.push(value),
        }
        self.next = (self.next + 1) % self.room;
    }

    /// The value so many rows before the newest.
    pub fn back(&self, rows: usize) -> Option<f64> {
        let len = self.values.len();
        (rows < len).then(|| self.values[(self.next + 2 * len - 1 - rows) % len])
    }

    /// At most so many of the latest, newest first.
    pub fn latest(&self, count: usize) -> impl Iterator<Item = f64> + '_ {
        (0..count).map_while(|rows| self.back(rows))
    }
}

/// The middle one; of an even number the upper of the two. At most 32 values.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted = [0.0; 32];
    let mut count = 0;
    for value in values.take(sorted.len()) {
        sorted[count] = value;
        count += 1;
    }
    sorted[..count].sort_by(f64::total_cmp);
    sorted[..count].get(count / 2).copied()
}
