//! From when to when a board looks: moments such as `now-7d/d` or `2026-11-21`, resolved in a zone by its calendar.
//! Days, weeks, months and years are calendar steps and truncation, never multiples of 24 hours; a week begins on Monday.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};

use crate::clock::{Zone, day_bounds, local_day};
use crate::error::{Problems, Result};
use crate::words::Dated;

/// Local days that a range covers at most.
pub const LONGEST_DAYS: i64 = 400;
/// Steps in one moment, and how far a step goes.
const STEPS: usize = 4;
const FARTHEST: i32 = 100_000;

/// Ranges to choose from: `from`, `to`, words.
pub const QUICK: [(&str, &str, &str); 12] = [
    ("now/d", "now", mark!("Today")),
    ("now-1d/d", "now-1d/d", mark!("Yesterday")),
    ("now-6d/d", "now", mark!("Last 7 days")),
    ("now-13d/d", "now", mark!("Last 14 days")),
    ("now-29d/d", "now", mark!("Last 30 days")),
    ("now-89d/d", "now", mark!("Last 90 days")),
    ("now-364d/d", "now", mark!("Last 365 days")),
    ("now/w", "now", mark!("This week")),
    ("now-1w/w", "now-1w/w", mark!("Last week")),
    ("now/M", "now", mark!("This month")),
    ("now-1M/M", "now-1M/M", mark!("Last month")),
    ("now/y", "now", mark!("This year")),
];

/// A unit of a step: minutes and hours are lengths, the others are of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    const ALL: [(char, Unit); 6] = [
        ('m', Unit::Minute),
        ('h', Unit::Hour),
        ('d', Unit::Day),
        ('w', Unit::Week),
        ('M', Unit::Month),
        ('y', Unit::Year),
    ];

    fn letter(self) -> char {
        Unit::ALL
            .iter()
            .find(|(_, unit)| *unit == self)
            .map_or('d', |(letter, _)| *letter)
    }

    fn of(letter: char) -> Option<Unit> {
        Unit::ALL.iter().find(|(own, _)| *own == letter).map(|(_, unit)| *unit)
    }
}

/// A step from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// `-7d`, `+8h`
    Add(i32, Unit),
    /// `/d`: the beginning of the day; as the last step of a range's end, the end of it
    Floor(Unit),
}

/// A moment as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// `now-1w/w`: the steps are taken one after the other
    Now(Vec<Step>),
    /// `2026-11-21`: as an end it is part of the range
    Date(NaiveDate),
    /// `2026-11-21T08:30`, by the wall
    Wall(NaiveDateTime),
}

/// A text that is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Write a date such as 2026-11-21, or an expression such as now-7d, now/d or now-1w/w.")]
pub struct NotAMoment;

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let year = |date: NaiveDate| (1900..=9998).contains(&date.year());
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return if year(date) {
                Ok(Moment::Date(date))
            } else {
                Err(NotAMoment)
            };
        }
        if let Ok(wall) = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M") {
            return if year(wall.date()) {
                Ok(Moment::Wall(wall))
            } else {
                Err(NotAMoment)
            };
        }
        let mut rest = text.strip_prefix("now").ok_or(NotAMoment)?;
        let mut steps = Vec::new();
        while let Some(sign) = rest.chars().next() {
            rest = &rest[sign.len_utf8()..];
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (count, after) = rest.split_at(digits);
            let letter = after.chars().next().ok_or(NotAMoment)?;
            let unit = Unit::of(letter).ok_or(NotAMoment)?;
            rest = &after[1..];
            steps.push(match (sign, count.is_empty()) {
                ('/', true) => Step::Floor(unit),
                ('+' | '-', false) => {
                    let count: i32 = count
                        .parse()
                        .ok()
                        .filter(|count| *count <= FARTHEST)
                        .ok_or(NotAMoment)?;
                    Step::Add(if sign == '-' { -count } else { count }, unit)
                }
                _ => return Err(NotAMoment),
            });
            if steps.len() > STEPS {
                return Err(NotAMoment);
            }
        }
        Ok(Moment::Now(steps))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Date(date) => write!(f, "{date}"),
            Moment::Wall(wall) => write!(f, "{}", wall.format("%Y-%m-%dT%H:%M")),
            Moment::Now(steps) => {
                f.write_str("now")?;
                steps.iter().try_for_each(|step| match step {
                    Step::Add(count, unit) => write!(f, "{count:+}{}", unit.letter()),
                    Step::Floor(unit) => write!(f, "/{}", unit.letter()),
                })
            }
        }
    }
}

impl Moment {
    /// The instant in a zone; `end` rounds up where the last step or the text itself means a whole unit. None beyond
    /// the calendar.
    fn instant(&self, now: DateTime<Utc>, zone: Zone, end: bool) -> Option<DateTime<Utc>> {
        match self {
            Moment::Wall(wall) => Some(zone.instant(*wall)),
            Moment::Date(date) => {
                let (start, next) = day_bounds(zone, *date);
                Some(if end { next } else { start })
            }
            Moment::Now(steps) => {
                let mut at = now;
                for (index, step) in steps.iter().enumerate() {
                    at = match *step {
                        Step::Add(count, unit) => added(at, zone, count, unit)?,
                        Step::Floor(unit) if end && index + 1 == steps.len() => ceiling(at, zone, unit)?,
                        Step::Floor(unit) => floored(at, zone, unit),
                    };
                }
                Some(at)
            }
        }
    }
}

/// Minutes and hours by length; the others keep the time on the wall (a month's last day where there is no such day).
fn added(at: DateTime<Utc>, zone: Zone, count: i32, unit: Unit) -> Option<DateTime<Utc>> {
    let wall = zone.wall(at);
    let size = u64::from(count.unsigned_abs());
    let days = |days: u64| match count < 0 {
        true => wall.checked_sub_days(Days::new(days)),
        false => wall.checked_add_days(Days::new(days)),
    };
    let months = |months: u32| match count < 0 {
        true => wall.checked_sub_months(Months::new(months)),
        false => wall.checked_add_months(Months::new(months)),
    };
    let moved = match unit {
        Unit::Minute => return at.checked_add_signed(TimeDelta::minutes(count.into())),
        Unit::Hour => return at.checked_add_signed(TimeDelta::hours(count.into())),
        Unit::Day => days(size),
        Unit::Week => days(size * 7),
        Unit::Month => months(size as u32),
        Unit::Year => months(size as u32 * 12),
    }?;
    (1..=9998).contains(&moved.year()).then(|| zone.instant(moved))
}

fn floored(at: DateTime<Utc>, zone: Zone, unit: Unit) -> DateTime<Utc> {
    let wall = zone.wall(at);
    let past = match unit {
        Unit::Minute => TimeDelta::seconds(wall.second().into()),
        Unit::Hour => TimeDelta::seconds((wall.minute() * 60 + wall.second()).into()),
        _ => return day_bounds(zone, first_day(local_day(zone, at), unit)).0,
    };
    at - past - TimeDelta::nanoseconds(wall.nanosecond().into())
}

/// The beginning of the next unit.
fn ceiling(at: DateTime<Utc>, zone: Zone, unit: Unit) -> Option<DateTime<Utc>> {
    let first = first_day(local_day(zone, at), unit);
    let next = match unit {
        Unit::Minute => return Some(floored(at, zone, unit) + TimeDelta::minutes(1)),
        Unit::Hour => return Some(floored(at, zone, unit) + TimeDelta::hours(1)),
        Unit::Day => first.checked_add_days(Days::new(1)),
        Unit::Week => first.checked_add_days(Days::new(7)),
        Unit::Month => first.checked_add_months(Months::new(1)),
        Unit::Year => first.checked_add_months(Months::new(12)),
    }?;
    Some(day_bounds(zone, next).0)
}

/// The first day of the unit that holds this day.
fn first_day(day: NaiveDate, unit: Unit) -> NaiveDate {
    match unit {
        Unit::Week => day - Days::new(day.weekday().num_days_from_monday().into()),
        Unit::Month => day.with_day(1).unwrap_or(day),
        Unit::Year => day.with_ordinal(1).unwrap_or(day),
        _ => day,
    }
}

/// From when to when, as asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    pub from: Moment,
    pub to: Moment,
}

impl Default for Range {
    /// The last thirty days, today included.
    fn default() -> Self {
        Range::days(30)
    }
}

/// A range that was resolved: a half-open span of time and the local days that it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: DateTime<Utc>,
    /// not part of it
    pub end: DateTime<Utc>,
    /// figures by day are of whole days: the first and the last that the span touches
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl Span {
    /// Local days, at least 1.
    pub fn days(&self) -> i64 {
        (self.last - self.first).num_days() + 1
    }

    /// As many days just before it.
    pub fn before(&self) -> (NaiveDate, NaiveDate) {
        let last = self.first - Days::new(1);
        (last - TimeDelta::days(self.days() - 1), last)
    }
}

impl Range {
    /// So many days, today included.
    pub fn days(days: u16) -> Self {
        let back = i32::from(days.max(1)) - 1;
        let steps = match back {
            0 => vec![Step::Floor(Unit::Day)],
            _ => vec![Step::Add(-back, Unit::Day), Step::Floor(Unit::Day)],
        };
        Range {
            from: Moment::Now(steps),
            to: Moment::Now(vec![]),
        }
    }

    /// Two texts; `Invalid`, by `from` and `to`, when one is no moment.
    pub fn read(from: &str, to: &str) -> Result<Self> {
        let mut problems = Problems::default();
        let mut read = |name: &str, text: &str| {
            text.trim().parse::<Moment>().unwrap_or_else(|wrong| {
                problems.add(name, wrong.to_string());
                Moment::Now(vec![])
            })
        };
        let range = Range {
            from: read("from", from),
            to: read("to", to),
        };
        problems.check()?;
        Ok(range)
    }

    /// What it means now in a zone. `Invalid` when it ends before it begins, begins in the future, or covers more than
    /// [`LONGEST_DAYS`] days; an end in the future is taken for the end of today, since nothing is known beyond.
    pub fn resolve(&self, now: DateTime<Utc>, zone: Zone) -> Result<Span> {
        let mut problems = Problems::default();
        let far = t!("This lies beyond the calendar.");
        let (Some(start), Some(end)) = (self.from.instant(now, zone, false), self.to.instant(now, zone, true)) else {
            problems.add("from", far);
            return problems.check().map(|()| unreachable!("a problem was added"));
        };
        let tonight = day_bounds(zone, local_day(zone, now)).1;
        let end = end.min(tonight);
        if start > now {
            problems.add(
                "from",
                t!("The range begins in the future: nothing is known of it yet."),
            );
        } else if end <= start {
            problems.add("to", t!("The range ends before it begins."));
        }
        let first = local_day(zone, start);
        // the last instant of the range, not the first after it
        let last = local_day(zone, end - TimeDelta::microseconds(1)).max(first);
        let span = Span {
            start,
            end,
            first,
            last,
        };
        if problems.is_empty() && span.days() > LONGEST_DAYS {
            problems.add(
                "from",
                t!(
                    "The range covers {days} days; {LONGEST_DAYS} are the most that can be shown.",
                    days = span.days(),
                    LONGEST_DAYS
                ),
            );
        }
        problems.check()?;
        Ok(span)
    }

    /// In words: `Last 30 days`, or the expression itself, or `1 Nov 2026 to 21 Nov 2026`.
    pub fn words(&self) -> String {
        let (from, to) = (self.from.to_string(), self.to.to_string());
        if let Some((_, _, words)) = QUICK.iter().find(|(a, b, _)| *a == from && *b == to) {
            return crate::words::t(words).into();
        }
        if let (Moment::Now(steps), "now") = (&self.from, to.as_str())
            && let [Step::Add(back, Unit::Day), Step::Floor(Unit::Day)] = steps[..]
        {
            return t!("Last {back} days", back = 1 - back);
        }
        let word = |moment: &Moment| match moment {
            Moment::Date(date) => date.dated("%-d %b %Y"),
            Moment::Wall(wall) => wall.dated("%-d %b %Y %H:%M"),
            Moment::Now(_) => moment.to_string(),
        };
        match self.from == self.to {
            true => word(&self.from),
            false => t!("{from} to {to}", from = word(&self.from), to = word(&self.to)),
        }
    }
}

impl serde::Serialize for Range {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Texts {
            from: self.from.to_string(),
            to: self.to.to_string(),
        }
        .serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Range {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Texts::deserialize(deserializer)?;
        Range::read(&texts.from, &texts.to).map_err(serde::de::Error::custom)
    }
}

/// How a range is kept.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    from: String,
    to: String,
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
