//! What an administrator decides about a facility, and what a day is in its time zone.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::clock::{Zone, day_bounds, local_day};
use crate::facilities::FacilityKind;
use crate::ids::FacilityId;
use crate::text_enum::text_enum;
use crate::words::Counted;

/// Everything about a facility that a person sets.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Facts {
    pub name: String,
    pub kind: FacilityKind,
    pub region: String,
    /// degrees, WGS 84
    pub latitude: f64,
    pub longitude: f64,
    pub zone: Zone,
    /// local hour at which the daily stock is counted
    pub count_hour: i16,
    pub shares_availability: bool,
    /// whom it belongs to
    pub parent: Option<FacilityId>,
}

text_enum! {
    /// Which facilities a list means.
    pub enum State {
        Active = "active" / "Active",
        Inactive = "inactive" / "Inactive",
        All = "all" / "All",
    }
}

/// What a facility still has to do before it can be shut down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    pub requests_raised: i64,
    pub requests_to_answer: i64,
    pub deliveries_out: i64,
    pub deliveries_in: i64,
    /// units in the house: quarantined, available, reserved, issued, expired
    pub units: i64,
    /// active facilities that belong to it
    pub below: i64,
}

impl Unfinished {
    /// One line for each kind of thing that is left; empty when the facility may close.
    pub fn lines(&self) -> Vec<String> {
        let counted = |count: i64, words: Counted| (count > 0).then(|| words.of(count).to_string());
        [
            counted(
                self.requests_raised,
                n!("{n} open request of its own", "{n} open requests of its own"),
            ),
            counted(
                self.requests_to_answer,
                n!(
                    "{n} request of others to answer or fulfil",
                    "{n} requests of others to answer or fulfil"
                ),
            ),
            counted(
                self.deliveries_out,
                n!("{n} delivery on its way from it", "{n} deliveries on their way from it"),
            ),
            counted(
                self.deliveries_in,
                n!("{n} delivery on its way to it", "{n} deliveries on their way to it"),
            ),
            counted(
                self.units,
                n!(
                    "{n} unit of stock, issued units included",
                    "{n} units of stock, issued units included"
                ),
            ),
            counted(
                self.below,
                n!("{n} active facility below it", "{n} active facilities below it"),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Today in a zone, and when the length of its days next differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneDay {
    pub date: NaiveDate,
    pub starts: DateTime<Utc>,
    pub ends: DateTime<Utc>,
    /// the next day that is not 24 hours long, and its length; none within 400 days
    pub change: Option<(NaiveDate, TimeDelta)>,
}

impl ZoneDay {
    pub fn of(zone: Zone, now: DateTime<Utc>) -> Self {
        let date = local_day(zone, now);
        let (starts, ends) = day_bounds(zone, date);
        let length = |day: NaiveDate| {
            let (starts, ends) = day_bounds(zone, day);
            ends - starts
        };
        let change = (1..400)
            .map(|days| date + Days::new(days))
            .map(|day| (day, length(day)))
            .find(|(_, length)| *length != TimeDelta::hours(24));
        ZoneDay {
            date,
            starts,
            ends,
            change,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_change_of_the_clocks_is_the_next_day_of_another_length() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();

        let berlin = ZoneDay::of("Europe/Berlin".parse().unwrap(), now);
        let kathmandu = ZoneDay::of("Asia/Kathmandu".parse().unwrap(), now);

        assert_eq!(
            berlin.change,
            Some(("2027-03-28".parse().unwrap(), TimeDelta::hours(23)))
        );
        assert_eq!(berlin.starts, "2026-11-20T23:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(berlin.ends - berlin.starts, TimeDelta::hours(24));
        assert_eq!(kathmandu.change, None);
    }

    #[test]
    fn what_is_unfinished_is_said_in_words_and_nothing_else() {
        let unfinished = Unfinished {
            requests_raised: 1,
            units: 12,
            ..Unfinished::default()
        };

        assert_eq!(
            unfinished.lines(),
            ["1 open request of its own", "12 units of stock, issued units included"]
        );
        assert!(Unfinished::default().lines().is_empty());
    }
}
