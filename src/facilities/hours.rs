//! When a facility works: its week and the dates that differ. Times are minutes after local midnight.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Datelike, Days, NaiveDate, Timelike, Utc};
use sqlx::PgConnection;

use crate::clock::Zone;
use crate::error::Result;
use crate::ids::FacilityId;
use crate::words::Dated;

/// From opening to closing, minutes after midnight; 1440 is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hours {
    pub opens: i16,
    pub closes: i16,
}

impl Hours {
    /// `08:00 to 18:00`, `all day`
    pub fn label(self) -> String {
        if (self.opens, self.closes) == (0, 1440) {
            return t!("all day").into();
        }
        t!(
            "{from} to {to}",
            from = clock_label(self.opens),
            to = clock_label(self.closes)
        )
    }
}

/// `08:00`; `24:00` is the end of a day.
pub fn clock_label(minutes: i16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A date on which the week does not hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Exception {
    /// none: closed
    pub hours: Option<Hours>,
    pub note: String,
}

/// The working calendar of a facility.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct WorkingCalendar {
    /// from Monday; none: closed
    pub week: [Option<Hours>; 7],
    pub exceptions: BTreeMap<NaiveDate, Exception>,
}

/// Whether somebody is there, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub open: bool,
    /// `until 18:00`, `opens Monday 08:00`
    pub detail: String,
}

impl WorkingCalendar {
    /// Whether the facility has said anything.
    pub fn is_known(&self) -> bool {
        self.week.iter().any(Option::is_some) || !self.exceptions.is_empty()
    }

    /// The hours of a date; none when it is closed.
    pub fn on(&self, day: NaiveDate) -> Option<Hours> {
        match self.exceptions.get(&day) {
            Some(exception) => exception.hours,
            None => self.week[day.weekday().num_days_from_monday() as usize],
        }
    }

    /// What holds on a date: `Open 08:00 to 18:00`, `Closed today (Christmas)`; none while nothing is known.
    pub fn label(&self, day: NaiveDate) -> Option<String> {
        if !self.is_known() {
            return None;
        }
        let mut words = self.on(day).map_or_else(
            || t!("Closed today").into(),
            |hours| t!("Open {hours}", hours = hours.label()),
        );
        if let Some(exception) = self.exceptions.get(&day).filter(|exception| !exception.note.is_empty()) {
            words.push_str(&format!(" ({})", exception.note));
        }
        Some(words)
    }

    /// Open or closed at an instant; none while nothing is known.
    pub fn at(&self, zone: Zone, now: DateTime<Utc>) -> Option<Opening> {
        if !self.is_known() {
            return None;
        }
        let wall = zone.wall(now);
        let (today, minute) = (wall.date(), (wall.hour() * 60 + wall.minute()) as i16);
        let hours = self.on(today);
        if let Some(hours) = hours.filter(|hours| hours.opens <= minute && minute < hours.closes) {
            let detail = match hours.closes {
                1440 => t!("until midnight or later").into(),
                closes => t!("until {clock_label}", clock_label = clock_label(closes)),
            };
            return Some(Opening { open: true, detail });
        }
        let later = hours.filter(|hours| minute < hours.opens).map(|hours| (today, hours));
        let next = later.or_else(|| {
            let days = (1..=14).map(|days| today + Days::new(days));
            days.filter_map(|day| Some((day, self.on(day)?))).next()
        });
        let detail = match next {
            Some((day, hours)) if day == today => t!("opens {clock_label}", clock_label = clock_label(hours.opens)),
            Some((day, hours)) if day == today + Days::new(1) => {
                t!("opens tomorrow {clock_label}", clock_label = clock_label(hours.opens))
            }
            Some((day, hours)) => t!(
                "opens {day} {clock_label}",
                day = day.dated("%A %-d %b"),
                clock_label = clock_label(hours.opens)
            ),
            None => t!("does not open within two weeks").into(),
        };
        Some(Opening { open: false, detail })
    }
}

/// The calendars of these facilities, or of all. Exceptions of the past are left out.
pub async fn calendars(db: &mut PgConnection, of: Option<FacilityId>) -> Result<HashMap<FacilityId, WorkingCalendar>> {
    let mut all: HashMap<FacilityId, WorkingCalendar> = HashMap::new();
    let week = sqlx::query!(
        r#"select facility_id as "facility: FacilityId", weekday, opens, closes from facility_hours
           where $1::bigint is null or facility_id = $1"#,
        of.map(|id| id.0)
    )
    .fetch_all(&mut *db)
    .await?;
    for row in week {
        let hours = Hours {
            opens: row.opens,
            closes: row.closes,
        };
        all.entry(row.facility).or_default().week[(row.weekday - 1).clamp(0, 6) as usize] = Some(hours);
    }
    let exceptions = sqlx::query!(
        r#"select facility_id as "facility: FacilityId", day, opens, closes, note from facility_exceptions
           where ($1::bigint is null or facility_id = $1) and day >= (clock_now() - interval '2 days')::date"#,
        of.map(|id| id.0)
    )
    .fetch_all(db)
    .await?;
    for row in exceptions {
        let hours = row.opens.zip(row.closes).map(|(opens, closes)| Hours { opens, closes });
        let exception = Exception { hours, note: row.note };
        all.entry(row.facility)
            .or_default()
            .exceptions
            .insert(row.day, exception);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> WorkingCalendar {
        let weekday = Some(Hours {
            opens: 8 * 60,
            closes: 18 * 60,
        });
        let christmas = Exception {
            hours: None,
            note: "Christmas".into(),
        };
        WorkingCalendar {
            week: [weekday, weekday, weekday, weekday, weekday, None, None],
            exceptions: BTreeMap::from([("2026-12-25".parse().unwrap(), christmas)]),
        }
    }

    fn at(instant: &str) -> (bool, String) {
        let zone = "Europe/Berlin".parse().unwrap();
        let opening = calendar().at(zone, instant.parse().unwrap()).unwrap();
        (opening.open, opening.detail)
    }

    #[test]
    fn a_facility_is_open_by_its_own_clock_and_not_on_its_exceptions() {
        // Berlin is an hour ahead of UTC in winter; 24 December 2026 is a Thursday
        assert_eq!(at("2026-12-24T06:59:00Z"), (false, "opens 08:00".into()));
        assert_eq!(at("2026-12-24T07:00:00Z"), (true, "until 18:00".into()));
        assert_eq!(at("2026-12-24T16:59:59Z"), (true, "until 18:00".into()));
        assert_eq!(at("2026-12-24T17:00:00Z"), (false, "opens Monday 28 Dec 08:00".into()));
        assert_eq!(at("2026-12-25T10:00:00Z"), (false, "opens Monday 28 Dec 08:00".into()));
        assert_eq!(at("2026-12-27T23:30:00Z"), (false, "opens 08:00".into()));
    }

    #[test]
    fn who_has_said_nothing_is_neither_open_nor_closed() {
        let unknown = WorkingCalendar::default();

        assert_eq!(unknown.at(Zone::UTC, Utc::now()), None);
        assert_eq!(unknown.label("2026-12-25".parse().unwrap()), None);
        assert_eq!(
            calendar().label("2026-12-25".parse().unwrap()).as_deref(),
            Some("Closed today (Christmas)")
        );
    }
}
