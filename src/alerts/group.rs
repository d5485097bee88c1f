//! When people are told: news of many alerts of one rule and facility comes as one message. Waits and intervals are those
//! of Prometheus' Alertmanager.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono::{Datelike, NaiveTime};
use serde::{Deserialize, Serialize};

use super::model::Labels;

/// From the first alert to the first message: more often comes along.
pub const WAIT: TimeDelta = TimeDelta::seconds(30);
/// Between messages with news.
pub const INTERVAL: TimeDelta = TimeDelta::minutes(5);
/// Until the same is said again.
pub const REPEAT: TimeDelta = TimeDelta::hours(4);

/// What is known of one group.
#[derive(Clone, Debug)]
pub struct Group {
    /// first alert
    pub begun_at: DateTime<Utc>,
    /// last message
    pub told_at: Option<DateTime<Utc>>,
    /// firing at the last message
    pub told: BTreeSet<Labels>,
}

/// What to do about it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    Wait,
    Tell,
    /// nothing is up and nobody waits for word of it
    Forget,
}

/// `up`: alerts that fire; `telling`: those of them that nobody has silenced or taken on.
pub fn due(group: &Group, up: &BTreeSet<Labels>, telling: &BTreeSet<Labels>, now: DateTime<Utc>) -> Telling {
    let after = |wait, since| {
        if now - since >= wait {
            Telling::Tell
        } else {
            Telling::Wait
        }
    };
    let Some(told_at) = group.told_at else {
        // in order again within the wait: no message
        return match telling.is_empty() {
            true if up.is_empty() => Telling::Forget,
            true => Telling::Wait,
            false => after(WAIT, group.begun_at),
        };
    };
    let begun = telling.iter().any(|one| !group.told.contains(one));
    let ended = group.told.iter().any(|one| !up.contains(one));
    if begun || ended {
        after(INTERVAL, told_at)
    } else if up.is_empty() {
        Telling::Forget
    } else if telling.is_empty() {
        Telling::Wait
    } else {
        after(REPEAT, told_at)
    }
}

/// Hours of the facility's clock in which a channel is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Muted {
    pub from: NaiveTime,
    /// earlier than `from`: of the next day
    pub to: NaiveTime,
    /// 1 Monday to 7 Sunday, on which it begins; empty for all
    #[serde(default)]
    pub weekdays: Vec<u32>,
}

impl Muted {
    /// Whether it holds at this local time.
    pub fn holds(&self, local: chrono::NaiveDateTime) -> bool {
        let on = |date: chrono::NaiveDate| {
            self.weekdays.is_empty() || self.weekdays.contains(&date.weekday().number_from_monday())
        };
        let (date, time) = (local.date(), local.time());
        if self.from <= self.to {
            return on(date) && self.from <= time && time < self.to;
        }
        on(date) && time >= self.from || date.pred_opt().is_some_and(on) && time < self.to
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
