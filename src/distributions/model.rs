//! What a distribution is: its states, the units it carries, and the filter that both counts and lists distributions.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Deserializer};

use crate::blood::{BloodGroup, Component, DonationNumber, UnitStatus};
use crate::ids::{DistributionId, FacilityId, RequestId, UnitId};
use crate::requests::Side;
use crate::text_enum::text_enum;
use crate::web::query_string;

text_enum! {
    /// How far a distribution has come.
    pub enum Status {
        InTransit = "in_transit" / "In transit",
        Delivered = "delivered" / "Delivered",
        /// fewer units arrived than were sent
        DeliveredShort = "delivered_short" / "Delivered short",
    }
}

text_enum! {
    /// What the receiver found of a line.
    pub enum Outcome {
        Received = "received" / "Arrived",
        /// arrived, and is in quarantine there
        Damaged = "damaged" / "Damaged",
        Missing = "missing" / "Missing",
    }
}

/// Units on their way, or that have been.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    pub id: DistributionId,
    pub from: FacilityId,
    pub from_name: String,
    pub to: FacilityId,
    pub to_name: String,
    pub request: Option<RequestId>,
    /// set on a return: the distribution whose units come back
    pub return_of: Option<DistributionId>,
    pub sent: i32,
    /// what it is worth to the receiver: as sent while under way, what arrived once it is delivered
    pub quantity: i32,
    pub status: Status,
    pub note: String,
    /// °C at which the units of a return were held
    pub temperature: Option<f32>,
    pub dispatched_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
    /// `red_cells O-` for each kind of unit in it
    pub kinds: Vec<String>,
}

impl Distribution {
    /// Its page, as seen from one of its two facilities.
    pub fn href(&self, seen_from: FacilityId) -> String {
        href(seen_from, self.id)
    }

    /// What is in it, in words: `red cells O−, O+`.
    pub fn contents(&self) -> String {
        let mut words = String::new();
        let mut last = None;
        for kind in &self.kinds {
            let Some((component, group)) = kind.split_once(' ') else {
                continue;
            };
            let (Ok(component), Ok(group)) = (component.parse::<Component>(), group.parse::<BloodGroup>()) else {
                continue;
            };
            if !words.is_empty() {
                words.push_str(", ");
            }
            if last != Some(component) {
                words.push_str(&component.label().to_lowercase());
                words.push(' ');
                last = Some(component);
            }
            words.push_str(group.label());
        }
        words
    }
}

/// The page of a distribution, as seen from one of its two facilities.
pub fn href(seen_from: FacilityId, id: DistributionId) -> String {
    format!("/facilities/{seen_from}/distributions/{id}")
}

/// One row of stock in a distribution, with what the receiver must know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// the sender's row
    pub unit: UnitId,
    pub component: Component,
    pub group: BloodGroup,
    pub quantity: i32,
    pub donation_number: Option<DonationNumber>,
    pub lot: Option<String>,
    pub collected_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub expired: bool,
    pub outcome: Option<Outcome>,
    /// the row that it became at the receiver
    pub received: Option<UnitId>,
    /// that row's status now, for whoever may see it
    pub status: Option<UnitStatus>,
}

impl Line {
    /// As people call it: its donation number in printed groups, or its lot.
    pub fn name(&self) -> String {
        match (&self.donation_number, &self.lot) {
            (Some(number), _) => number.with_check(),
            (None, Some(lot)) => t!("Lot {lot}", lot),
            (None, None) => t!("Unit {unit}", unit = self.unit),
        }
    }

    /// Whether the receiver still has it and could send it back.
    pub fn on_shelf(&self) -> bool {
        matches!(self.status, Some(UnitStatus::Available | UnitStatus::Quarantined)) && !self.expired
    }
}

/// What a filter means, in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    pub units: i64,
    pub rows: i64,
}

/// Which distributions are meant. The same filter counts them and lists them, so that a number and the list behind it
/// agree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    #[serde(deserialize_with = "side")]
    pub side: Side,
    #[serde(deserialize_with = "lenient")]
    pub status: Option<Status>,
    /// delivered on this local day of the looking facility
    #[serde(deserialize_with = "lenient")]
    pub delivered_on: Option<NaiveDate>,
    /// dispatched on this local day of the looking facility; the figures are then units sent
    #[serde(deserialize_with = "lenient")]
    pub dispatched_on: Option<NaiveDate>,
    /// or from that day to this one, both included
    #[serde(deserialize_with = "lenient")]
    pub until: Option<NaiveDate>,
}

impl Default for Filter {
    fn default() -> Self {
        Filter {
            side: Side::All,
            status: None,
            delivered_on: None,
            dispatched_on: None,
            until: None,
        }
    }
}

impl Filter {
    /// Delivered to this facility on these days, both included.
    pub fn delivered(first: NaiveDate, last: NaiveDate) -> Self {
        Filter {
            side: Side::Incoming,
            delivered_on: Some(first),
            until: (last != first).then_some(last),
            ..Filter::default()
        }
    }

    /// Sent by this facility on these days, both included.
    pub fn dispatched(first: NaiveDate, last: NaiveDate) -> Self {
        Filter {
            side: Side::Outgoing,
            dispatched_on: Some(first),
            until: (last != first).then_some(last),
            ..Filter::default()
        }
    }

    /// On their way to this facility.
    pub fn arriving() -> Self {
        Filter {
            side: Side::Incoming,
            status: Some(Status::InTransit),
            ..Filter::default()
        }
    }

    /// Whether it leaves anything of its side out.
    pub fn narrows(&self) -> bool {
        *self
            != Filter {
                side: self.side,
                ..Filter::default()
            }
    }

    /// The address of the list.
    pub fn href(&self, facility: FacilityId) -> String {
        let text = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        let query = query_string(&[
            ("side", if self.side == Side::All { "" } else { self.side.as_str() }),
            ("status", self.status.map_or("", Status::as_str)),
            ("delivered_on", &text(self.delivered_on)),
            ("dispatched_on", &text(self.dispatched_on)),
            ("until", &text(self.until)),
        ]);
        format!("/facilities/{facility}/distributions{query}")
    }
}

/// An empty or unknown text is no wish at all: a filter refuses nothing.
fn lenient<'de, D: Deserializer<'de>, T: std::str::FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(String::deserialize(deserializer)?.trim().parse().ok())
}

fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Side, D::Error> {
    Ok(lenient(deserializer)?.unwrap_or(Side::All))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_its_own_address() {
        let day = "2026-11-21".parse().unwrap();
        for filter in [
            Filter::default(),
            Filter::delivered(day, day),
            Filter::dispatched(day, day),
            Filter::delivered("2026-10-21".parse().unwrap(), day),
            Filter::arriving(),
        ] {
            let uri: http::Uri = filter.href(FacilityId(7)).parse().unwrap();
            let axum::extract::Query(read) = axum::extract::Query::<Filter>::try_from_uri(&uri).unwrap();
            assert_eq!(read, filter, "{uri}");
        }
    }
}
