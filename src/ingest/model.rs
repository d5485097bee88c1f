//! What comes in, from whom, and what became of it.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use crate::auth::Key;
use crate::ids::FacilityId;
use crate::metrics::Tags;

/// An event as CloudEvents 1.0 describes it; known by source and id within its facility.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub source: String,
    pub id: String,
    pub kind: String,
    /// when it happened; none: when it is received
    pub time: Option<DateTime<Utc>>,
    pub subject: Option<String>,
    /// JSON as it came
    pub data: Option<Box<RawValue>>,
    /// the extension attribute `facility`
    pub facility: Option<FacilityId>,
}

/// A value of a metric.
#[derive(Clone, Debug)]
pub struct Point {
    pub metric: String,
    pub value: f64,
    /// none: when it is received
    pub time: Option<DateTime<Utc>>,
    pub tags: Tags,
    pub facility: Option<FacilityId>,
}

/// One of a batch.
#[derive(Clone, Debug)]
pub enum Item {
    Event(Box<Incoming>),
    Point(Point),
    /// Could not be read; why. It keeps its place, so that numbers in answers are those of the sender.
    Unreadable(String),
}

/// What somebody sends at once.
pub type Batch = Vec<Item>;

/// Who sends, and for which facilities they may.
#[derive(Clone, Debug)]
pub struct Origin {
    /// as dead letters show it: `key pb_ab12cd34`, `rabbitmq orders`
    pub name: String,
    /// none: every facility, and the installation itself
    pub facilities: Option<Vec<FacilityId>>,
}

impl Origin {
    /// A program with a key.
    pub fn key(key: &Key) -> Self {
        Origin {
            name: format!("key pb_{}", key.prefix),
            facilities: key.facilities.clone(),
        }
    }

    /// The facility of something that names this one or none: of a sender for exactly one it is that one, otherwise what
    /// names none belongs to the installation, number 0.
    pub fn facility(&self, named: Option<FacilityId>) -> Result<i64, &'static str> {
        match (named, self.facilities.as_deref()) {
            (Some(named), Some(some)) if !some.contains(&named) => Err("There is no such facility."),
            (Some(named), _) => Ok(named.0),
            (None, Some([one])) => Ok(one.0),
            (None, _) => Ok(0),
        }
    }
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Stored and counted. The note says what was put right.
    Accepted { note: Option<&'static str> },
    /// The same event was here before: nothing changed.
    Duplicate,
    /// Another event has this source and id; this one is kept aside among the dead letters.
    Conflict,
    /// It cannot be taken as it is, and is not kept. Sending it again is of no use.
    Rejected(String),
    /// It came too late and is kept among the dead letters.
    Late(String),
}

impl Verdict {
    pub const ACCEPTED: Verdict = Verdict::Accepted { note: None };

    /// Stored, now or before.
    pub fn is_good(&self) -> bool {
        matches!(self, Verdict::Accepted { .. } | Verdict::Duplicate)
    }
}
