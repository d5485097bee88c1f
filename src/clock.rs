//! The time of day: a clock that tests can move, and the calendar of a zone.
//! A day is the calendar day of an IANA zone, 23, 24 or 25 hours long and half-open; it is never 24 hour steps.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::text_enum::text_column;

/// Real time plus an offset; clones share the offset, so that a test moves the whole application at once.
#[derive(Clone, Debug)]
pub struct Clock {
    offset_micros: Arc<AtomicI64>,
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self {
            offset_micros: Arc::default(),
        }
    }

    /// The present instant, in whole microseconds as Postgres keeps it, so that it comes back from there unchanged.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6) + self.offset()
    }

    /// Moves this clock and all its clones, forward or (with a negative duration) back.
    pub fn advance(&self, by: TimeDelta) {
        let micros = by.num_microseconds().expect("an offset below 292,000 years");
        self.offset_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How far this clock is ahead of the machine's.
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::microseconds(self.offset_micros.load(Ordering::Relaxed))
    }

    /// The value of `app.clock_offset`, by which the database's `clock_now()` is as far ahead.
    pub fn setting(&self) -> String {
        format!("{} ms", self.offset().num_milliseconds())
    }
}

/// A time zone of the IANA database, such as `Europe/Berlin`; stored and sent by that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

/// A name that the IANA database does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time zone: expected a name of the IANA database, such as Europe/Berlin or Asia/Kathmandu")]
pub struct UnknownZone(String);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Every zone by name, for a list to choose from.
    pub fn all() -> impl Iterator<Item = Self> {
        chrono_tz::TZ_VARIANTS.iter().copied().map(Self)
    }

    /// The IANA name.
    pub fn as_str(&self) -> &'static str {
        self.0.name()
    }

    /// The clock on the wall at this instant.
    pub fn wall(self, instant: DateTime<Utc>) -> NaiveDateTime {
        self.0.from_utc_datetime(&instant.naive_utc()).naive_local()
    }

    /// The instant at which the wall shows this time, such as a form sends: the first of the two when the hour is
    /// repeated, and the end of the gap when it is skipped.
    pub fn instant(self, wall: NaiveDateTime) -> DateTime<Utc> {
        let wall = wall.clamp(FIRST_DAY.and_time(NaiveTime::MIN), LAST_DAY.and_time(NaiveTime::MIN));
        let shown = self.0.from_local_datetime(&wall);
        match (shown.earliest(), shown.latest()) {
            (Some(one), Some(other)) => one.min(other).to_utc(),
            _ => self.end_of_gap(wall),
        }
    }

    /// Halves the span in which the jump must lie (no offset is beyond 16 h), because no API gives the jump itself.
    fn end_of_gap(self, skipped: NaiveDateTime) -> DateTime<Utc> {
        let (mut before, mut after) = (
            skipped.and_utc() - TimeDelta::hours(16),
            skipped.and_utc() + TimeDelta::hours(16),
        );
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            if self.wall(middle) < skipped {
                before = middle
            } else {
                after = middle
            }
        }
        after.trunc_subsecs(0)
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        name.parse()
            .map(Self)
            .map_err(|_| UnknownZone(name.chars().take(60).collect()))
    }
}

text_column!(Zone);

/// The calendar is held to these days: events carry any date they like, and arithmetic at chrono's own ends panics.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();

/// The day that an instant belongs to: the one whose [`day_bounds`] hold it.
///
/// That is the date on the wall, except where a clock was once set back over midnight (St John's until 2011: from
/// 00:01 to 23:01) and the wall returned to a day that had ended; a day does not begin twice. Years before 1 and
/// after 9999 count as the first and the last day.
pub fn local_day(zone: Zone, instant: DateTime<Utc>) -> NaiveDate {
    let instant = instant.clamp(
        FIRST_DAY.and_time(NaiveTime::MIN).and_utc(),
        LAST_DAY.and_time(NaiveTime::MIN).and_utc(),
    );
    let shown = zone.wall(instant).date();
    let next = shown + Days::new(1);
    if day_start(zone, next) <= instant { next } else { shown }
}

/// When a day begins and when the next begins: `start <= instant < end`.
///
/// Correct where midnight is skipped (Cairo: the day begins at 01:00) or repeated (Havana: at the first midnight),
/// which `at time zone` in Postgres is not: give these bounds to a query rather than computing them there. A day that
/// a zone skipped whole (Apia, 30 December 2011) has an end equal to its start.
pub fn day_bounds(zone: Zone, date: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let date = date.clamp(FIRST_DAY, LAST_DAY);
    (day_start(zone, date), day_start(zone, date + Days::new(1)))
}

fn day_start(zone: Zone, date: NaiveDate) -> DateTime<Utc> {
    zone.instant(date.and_time(NaiveTime::MIN))
}

/// The time by the clock on the wall: `12:03:05`.
pub fn time_label(zone: Zone, instant: DateTime<Utc>) -> String {
    zone.wall(instant).format("%H:%M:%S").to_string()
}

/// An age in its largest whole unit: `42 s`, `3 min`, `47 h`, `2 days`.
///
/// A negative age (another machine's clock is ahead) is `0 s`.
pub fn age_label(age: TimeDelta) -> String {
    match age.num_seconds().max(0) {
        seconds @ 0..60 => t!("{n} s", n = seconds),
        seconds @ 60..3_600 => t!("{n} min", n = seconds / 60),
        seconds @ 3_600..172_800 => t!("{n} h", n = seconds / 3_600),
        seconds => n!("{n} day", "{n} days", seconds / 86_400),
    }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
