//! Finds what is unusual in a series, row by row: no training, about 12 kB for each series however long it is, and each verdict
//! depends only on the rows up to it.
//!
//! Several signals look at a row: against the rows before, against all there was, levels over two windows, the time of day and the
//! hour of the week once they are known, moves, and how often large deviations come. Each is ranked among its own past with an estimated
//! tail; the least likely one counts, ranked once more among what was least likely before; and an event is news only once.

mod events;
mod level;
mod reason;
mod season;
mod signals;
mod tail;
#[cfg(test)]
mod tests;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use events::Events;
pub use reason::Reason;
use signals::{Found, Signals};
use tail::Tail;

/// The surprise that has a score of one half: a row such as one in a hundred is the start of an event.
const HALF: f64 = 2.1;
/// A detector that has seen so many rows believes half of what surprises it.
const YOUNG: f64 = 100.0;
/// Until then it says nothing.
const SILENT: u32 = 14;
/// Rows until a surprise counts half among those that a new one is ranked with.
const HALF_LIFE: f64 = 8000.0;
/// Values beyond are taken as this large, so that nothing overflows.
const LARGEST: f64 = 1e150;

/// What a person may set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// From 0, never an alert, to 1: a row is an alert when its score is at least `1 - sensitivity`.
    pub sensitivity: f64,
}

impl Default for Settings {
    /// About one false alert in two thousand rows of an ordinary series.
    fn default() -> Self {
        Settings { sensitivity: 0.5 }
    }
}

/// What was found about a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// From 0, ordinary, to 1; comparable across series.
    pub score: f64,
    pub alert: bool,
    /// Between which values it would have been ordinary for its time; `None` until that is known.
    pub expected: Option<(f64, f64)>,
    reason: Reason,
}

impl Verdict {
    /// What is most unusual about the row, in words that fit into a sentence: `4.1 x above the usual Tuesday 14:00 (about 250)`.
    pub fn explanation(&self) -> String {
        self.reason.words()
    }

    /// The same, to be kept and said later, in the language of whoever reads it then.
    pub fn reason(&self) -> Reason {
        self.reason
    }
}

/// The state of one series; serialise it to go on later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    settings: Settings,
    rows: u32,
    signals: Signals,
    surprises: Tail,
    events: Events,
}

impl Detector {
    pub fn new(settings: Settings) -> Self {
        Detector {
            settings,
            rows: 0,
            signals: Signals::new(),
            surprises: Tail::new(),
            events: Events::default(),
        }
    }

    /// Judges the next row and learns from it. `time` is that of the place, whose days and weeks the series follows; rows may be
    /// missing, late or of one time. A value that is not finite is missing: it has score 0 and teaches nothing.
    pub fn observe(&mut self, time: NaiveDateTime, value: f64) -> Verdict {
        if !value.is_finite() {
            return Verdict {
                score: 0.0,
                alert: false,
                expected: None,
                reason: Reason::Nothing,
            };
        }
        self.rows = self.rows.saturating_add(1);
        let Found {
            surprise,
            reason,
            expected,
        } = self.signals.observe(time, value.clamp(-LARGEST, LARGEST));
        // the least likely of several is unlikely more often than each of them
        let ranked = self.surprises.observe(surprise.exp2(), HALF_LIFE).min(surprise);
        let rows = f64::from(self.rows);
        let shown = self.events.observe(ranked * rows / (rows + YOUNG));
        let score = shown / (shown + HALF);
        Verdict {
            score,
            alert: score >= 1.0 - self.settings.sensitivity && self.rows > SILENT,
            expected,
            reason,
        }
    }
}
