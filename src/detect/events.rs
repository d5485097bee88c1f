//! One event, one alert: for about a day of five-minute rows only what is clearly more surprising than its peak is news.

use serde::{Deserialize, Serialize};

/// What is news surpasses the peak of the event so many times; the demand halves in so many rows.
const OVER: f64 = 1.5;
const HALF_LIFE: f64 = 300.0;
/// What is left of the surprise of a row that is no news, and the most of it.
const KNOWN: f64 = 0.3;
const MOST_KNOWN: f64 = 0.8;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Events {
    demand: f64,
}

impl Events {
    /// The surprise that is shown of a row.
    pub fn observe(&mut self, surprise: f64) -> f64 {
        self.demand *= 0.5f64.powf(1.0 / HALF_LIFE);
        if surprise <= self.demand {
            return (KNOWN * surprise).min(MOST_KNOWN);
        }
        self.demand = OVER * surprise;
        surprise
    }
}
