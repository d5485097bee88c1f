//! How units are put in words on every page: times by the facility's clock, life left, badges; and how a page says that
//! somebody was faster.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use http::StatusCode;

use crate::blood::{BloodGroup, Component, UnitStatus};
use crate::clock::{Zone, age_label};
use crate::error::Result;
use crate::inventory::Unit;
use crate::web::{OptionView, options, rejected};
use crate::words::Dated;

/// The facility's clock, and the instant for which a page is written.
#[derive(Clone, Copy, Debug)]
pub struct When {
    pub zone: Zone,
    pub now: DateTime<Utc>,
}

impl When {
    /// `21 Nov 15:30`, with the year when it is another one.
    pub fn label(&self, at: DateTime<Utc>) -> String {
        let wall = self.zone.wall(at);
        let this_year = wall.year() == self.zone.wall(self.now).year();
        match this_year {
            true => wall.dated("%-d %b %H:%M"),
            false => wall.dated("%-d %b %Y %H:%M"),
        }
    }

    /// Reads a control of the type `datetime-local`: date and time by the facility's clock, or a date alone for its first minute.
    pub fn parse(&self, text: &str) -> Option<DateTime<Utc>> {
        let text = text.trim();
        let wall = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"))
            .or_else(|_| NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|day| day.and_time(NaiveTime::MIN)))
            .ok()?;
        (1900..=2200).contains(&wall.year()).then(|| self.zone.instant(wall))
    }

    /// `in 5 h`, `2 days ago`.
    pub fn until(&self, at: DateTime<Utc>) -> String {
        if at > self.now {
            t!("in {age}", age = age_label(at - self.now))
        } else {
            t!("{age} ago", age = age_label(self.now - at))
        }
    }
}

/// When a unit expires, in words and as a phase.
#[derive(Clone, Debug)]
pub struct ExpiryView {
    pub iso: String,
    pub at: String,
    /// `in 5 h`
    pub until: String,
    /// of the design's phases; empty when the end is neither near nor of interest any more
    pub phase: &'static str,
    pub word: &'static str,
}

/// A unit that has left has no expiry to watch, and one that has expired says so by its status.
pub fn expiry(when: &When, unit: &Unit) -> ExpiryView {
    use UnitStatus::{Available, InTransit, Issued, Quarantined, Reserved};
    let watched = matches!(unit.status, Quarantined | Available | Reserved | InTransit | Issued);
    let left = unit.life_left(when.now);
    let (phase, word) = match left {
        _ if !watched => ("", ""),
        left if left <= TimeDelta::zero() => ("critical", t!("Expired")),
        left if left <= TimeDelta::hours(24) => ("low", t!("Within a day")),
        left if left <= TimeDelta::hours(72) => ("watch", t!("Within 3 days")),
        _ => ("", ""),
    };
    ExpiryView {
        iso: unit.expires_at.to_rfc3339(),
        at: when.label(unit.expires_at),
        until: when.until(unit.expires_at),
        phase,
        word,
    }
}

/// The badge of a status: tone and word.
#[derive(Clone, Debug)]
pub struct BadgeView {
    pub tone: &'static str,
    pub word: &'static str,
}

pub fn badge(status: UnitStatus) -> BadgeView {
    let tone = match status {
        UnitStatus::Available => "good",
        UnitStatus::Quarantined => "watch",
        UnitStatus::Reserved | UnitStatus::InTransit => "accent",
        UnitStatus::Expired => "low",
        UnitStatus::Transferred | UnitStatus::Issued | UnitStatus::Transfused | UnitStatus::Discarded => "",
    };
    BadgeView {
        tone,
        word: status.label(),
    }
}

/// The components to choose from, below a first line for none of them.
pub fn components(none: &str, chosen: &str) -> Vec<OptionView> {
    let all = Component::ALL
        .iter()
        .map(|component| (component.as_str(), component.label()));
    options(std::iter::once(("", none)).chain(all), chosen)
}

/// The groups to choose from, below a first line for none of them.
pub fn groups(none: &str, chosen: &str) -> Vec<OptionView> {
    let all = BloodGroup::ALL.iter().map(|group| (group.as_str(), group.label()));
    options(std::iter::once(("", none)).chain(all), chosen)
}

/// A whole number as typed, spaces aside.
pub fn whole(text: &str) -> Option<i32> {
    text.trim().parse().ok()
}

/// With a capital first letter: the sentence of an error as it stands beside a field.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        let dot = if text.ends_with('.') { "" } else { "." };
        format!("{}{}{dot}", first.to_uppercase(), letters.as_str())
    })
}

/// Somebody was faster: the same page again with the sentence that says so.
pub fn conflicted(page: &impl Template) -> Result<Response> {
    let mut response = rejected(page)?;
    *response.status_mut() = StatusCode::CONFLICT;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_is_read_by_the_clock_of_the_facility() {
        let when = When {
            zone: "Europe/Berlin".parse().unwrap(),
            now: "2026-11-21T12:00:00Z".parse().unwrap(),
        };

        let read = when.parse("2026-11-24T23:59").unwrap();

        assert_eq!(read, "2026-11-24T22:59:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(when.label(read), "24 Nov 23:59");
        assert_eq!(when.until(read), "in 3 days");
        assert_eq!(when.parse("2026-11-24"), when.parse("2026-11-24T00:00:00"));
        assert!(
            ["", "soon", "2026-13-01T00:00", "99999-01-01"]
                .iter()
                .all(|text| when.parse(text).is_none())
        );
    }

    #[test]
    fn an_error_becomes_a_sentence() {
        assert_eq!(sentence("a number has 13 characters"), "A number has 13 characters.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), "");
    }
}
