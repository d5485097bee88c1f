//! What stands in the books: units and lots, their movements, the filter of the list and the level of a shelf.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer};

use crate::blood::unit_state::is_issuable;
use crate::blood::{BloodGroup, Component, DonationNumber, MovementKind, UnitStatus};
use crate::ids::{DistributionId, FacilityId, RequestId, UnitId};
use crate::text_enum::text_enum;
use crate::web::query_string;

/// A row of stock: one unit with its donation number, or a lot of alike units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    pub id: UnitId,
    pub blood_bank: i64,
    pub component: Component,
    pub group: BloodGroup,
    /// 1 for a unit with a donation number
    pub quantity: i32,
    pub donation_number: Option<DonationNumber>,
    pub lot: Option<String>,
    pub collected_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub status: UnitStatus,
    /// had a positive test
    pub is_unsafe: bool,
    pub reserved_for: Option<RequestId>,
    /// set while it is reserved
    pub reserved_until: Option<DateTime<Utc>>,
    pub received_at: DateTime<Utc>,
}

impl Unit {
    /// As people call it: its donation number in printed groups, or `Lot 4711`.
    pub fn name(&self) -> String {
        match (&self.donation_number, &self.lot) {
            (Some(number), _) => number.with_check(),
            (None, Some(lot)) => t!("Lot {lot}", lot),
            (None, None) => t!("Unit {id}", id = self.id),
        }
    }

    /// Whether it could be issued at this instant.
    pub fn is_issuable(&self, now: DateTime<Utc>) -> bool {
        is_issuable(self.status, self.is_unsafe, self.expires_at, now)
    }

    /// Time left to live; negative once it has expired.
    pub fn life_left(&self, now: DateTime<Utc>) -> TimeDelta {
        self.expires_at - now
    }

    /// Its page.
    pub fn href(&self, facility: FacilityId) -> String {
        format!("/facilities/{facility}/inventory/{}", self.id)
    }
}

/// What is to be entered in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUnit {
    /// a blood bank of the facility
    pub blood_bank: i64,
    pub component: Component,
    pub group: BloodGroup,
    /// 1 with a donation number
    pub quantity: i32,
    /// either this or `lot`
    pub donation_number: Option<DonationNumber>,
    pub lot: Option<String>,
    pub collected_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// A line of a unit's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Movement {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor_name: String,
    pub kind: MovementKind,
    pub from: Option<UnitStatus>,
    pub to: Option<UnitStatus>,
    pub quantity: i32,
    pub reason: Option<String>,
    /// °C
    pub temperature: Option<f32>,
    pub request: Option<RequestId>,
    pub distribution: Option<DistributionId>,
}

/// Which rows of stock are meant. The same filter counts them and lists them, so that a number and the list behind it
/// agree. Without a status and without a search it means what lies in the facility: quarantined, available, reserved
/// and expired units; a search also finds those that have left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    #[serde(deserialize_with = "lenient")]
    pub component: Option<Component>,
    #[serde(deserialize_with = "lenient")]
    pub group: Option<BloodGroup>,
    #[serde(deserialize_with = "lenient")]
    pub status: Option<UnitStatus>,
    /// only units that could be issued now
    #[serde(deserialize_with = "switch")]
    pub issuable: bool,
    /// only units that will expire within so many hours and have not yet
    #[serde(deserialize_with = "lenient")]
    pub expiring_hours: Option<u32>,
    /// beginning of a donation number (also as scanned) or part of a lot
    pub search: String,
}

impl Filter {
    /// Units that could be issued now.
    pub fn issuable() -> Self {
        Filter {
            issuable: true,
            ..Filter::default()
        }
    }

    /// Units that could be issued now and will expire within so many hours.
    pub fn expiring_within(hours: u32) -> Self {
        Filter {
            expiring_hours: Some(hours),
            ..Filter::issuable()
        }
    }

    /// Whether it leaves anything out.
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// The address of the list.
    pub fn href(&self, facility: FacilityId) -> String {
        let pairs = self.pairs();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        format!("/facilities/{facility}/inventory{}", query_string(&pairs))
    }

    /// What is set, as names and values of the query string; empty ones are not.
    fn pairs(&self) -> [(&'static str, String); 6] {
        [
            (
                "component",
                self.component
                    .map_or_else(String::new, |component| component.to_string()),
            ),
            ("group", self.group.map_or_else(String::new, |group| group.to_string())),
            (
                "status",
                self.status.map_or_else(String::new, |status| status.to_string()),
            ),
            ("issuable", if self.issuable { "true".into() } else { String::new() }),
            (
                "expiring_hours",
                self.expiring_hours.map_or_else(String::new, |hours| hours.to_string()),
            ),
            ("search", self.search.clone()),
        ]
    }

    /// The search as donation numbers are stored: 13 characters of a whole number however it was typed or scanned,
    /// else what was typed, without separators. Never empty, since every number begins with the empty text.
    pub fn number_prefix(&self) -> String {
        if let Ok(number) = self.search.parse::<DonationNumber>() {
            return number.as_str().into();
        }
        let prefix: String = self.search.chars().filter(|c| c.is_alphanumeric()).collect();
        if prefix.is_empty() {
            "-".into()
        } else {
            prefix.to_ascii_uppercase()
        }
    }
}

/// An empty or unknown text is no wish at all: a filter refuses nothing.
fn lenient<'de, D: Deserializer<'de>, T: std::str::FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(String::deserialize(deserializer)?.trim().parse().ok())
}

fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(matches!(
        String::deserialize(deserializer)?.as_str(),
        "true" | "on" | "1"
    ))
}

/// The last row of a page of the list; the next page begins after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub expires_at: DateTime<Utc>,
    pub id: UnitId,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.expires_at.timestamp_micros(), self.id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, id) = text.split_once('.').ok_or(())?;
        let micros = micros.parse().map_err(|_| ())?;
        Ok(Cursor {
            expires_at: DateTime::from_timestamp_micros(micros).ok_or(())?,
            id: id.parse().map_err(|_| ())?,
        })
    }
}

text_enum! {
    /// How a shelf stands against its levels.
    pub enum Phase {
        Good = "good" / "Good",
        Watch = "watch" / "Watch",
        Low = "low" / "Low",
        Critical = "critical" / "Critical",
        Unknown = "unknown" / "No target",
    }
}

/// The levels of a shelf, in units: `minimum <= reorder <= target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Thresholds {
    pub minimum: i32,
    pub reorder: i32,
    pub target: i32,
}

impl Thresholds {
    /// From three fields of a form; none when all are empty. The error is what stands beside them.
    pub fn typed(minimum: &str, reorder: &str, target: &str) -> Result<Option<Self>, &'static str> {
        let texts = [minimum.trim(), reorder.trim(), target.trim()];
        if texts.iter().all(|text| text.is_empty()) {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<i32>().ok().filter(|number| (0..=100_000).contains(number));
        let [Some(minimum), Some(reorder), Some(target)] = texts.map(number) else {
            return Err(t!("Give three whole numbers, or leave all three empty."));
        };
        if minimum > reorder {
            return Err(t!("The minimum is above the reorder level."));
        }
        if reorder > target {
            return Err(t!("The reorder level is above the target."));
        }
        Ok(Some(Thresholds {
            minimum,
            reorder,
            target,
        }))
    }

    /// `4 / 8 / 12`
    pub fn words(&self) -> String {
        format!("{} / {} / {}", self.minimum, self.reorder, self.target)
    }
}

/// One shelf: the issuable units of a component and group, and what should be there.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    pub component: Component,
    pub group: BloodGroup,
    pub issuable: i64,
    pub minimum: Option<i32>,
    pub reorder: Option<i32>,
    pub target: Option<i32>,
    /// units that left the shelf a day, mean of the last 28 complete local days; `None` when nothing moved
    pub daily_demand: Option<f64>,
}

impl Level {
    /// Days that the stock lasts at the mean demand (the inventory index of Canadian Blood Services); `None` without
    /// any demand, which is unknown rather than for ever.
    pub fn days(&self) -> Option<f64> {
        let demand = self.daily_demand.filter(|&demand| demand > 0.0)?;
        Some(self.issuable as f64 / demand)
    }

    /// Under minimum critical, under reorder low, under target watch. A shelf that may be empty, is empty and of which
    /// nothing was wanted lately is no cause for a warning.
    pub fn phase(&self) -> Phase {
        let (Some(minimum), Some(reorder), Some(target)) = (self.minimum, self.reorder, self.target) else {
            return Phase::Unknown;
        };
        if (self.issuable, minimum) == (0, 0) && self.daily_demand.is_none() {
            return Phase::Unknown;
        }
        match self.issuable {
            units if units < minimum.into() => Phase::Critical,
            units if units < reorder.into() => Phase::Low,
            units if units < target.into() => Phase::Watch,
            _ => Phase::Good,
        }
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
