//! The form of a facility as it was typed, and the facts in it.

use super::model::Facts;
use crate::clock::Zone;
use crate::error::{Error, Problems, Result};
use crate::facilities::{FacilityKind, Hours};
use crate::ids::FacilityId;
use crate::text;

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FacilityForm {
    pub name: String,
    pub kind: String,
    pub region: String,
    pub latitude: String,
    pub longitude: String,
    pub zone: String,
    pub count_hour: String,
    pub shares: String,
    pub parent: String,
    /// first blood bank of a new facility
    pub bank: String,
    /// set by the buttons that only show the map and the day again: `near`, `all`
    pub show: String,
}

impl FacilityForm {
    /// The form as it is when nothing was typed yet.
    pub fn of(facts: &Facts) -> Self {
        FacilityForm {
            name: facts.name.clone(),
            kind: facts.kind.as_str().into(),
            region: facts.region.clone(),
            latitude: facts.latitude.to_string(),
            longitude: facts.longitude.to_string(),
            zone: facts.zone.as_str().into(),
            count_hour: facts.count_hour.to_string(),
            shares: facts.shares_availability.to_string(),
            parent: facts.parent.map(|id| id.to_string()).unwrap_or_default(),
            bank: String::new(),
            show: String::new(),
        }
    }

    /// Latitude and longitude, where both can be read.
    pub fn position(&self) -> Option<(f64, f64)> {
        Some((degrees(&self.latitude, 90.0)?, degrees(&self.longitude, 180.0)?))
    }

    pub fn facts(&self) -> Result<Facts> {
        let mut problems = Problems::default();
        short(&mut problems, "name", &self.name, 120, t!("Give the name."));
        short(&mut problems, "region", &self.region, 80, t!("Give the region."));
        let kind = self.kind.parse::<FacilityKind>();
        if kind.is_err() {
            problems.add("kind", t!("Choose the kind."));
        }
        let latitude = degrees(&self.latitude, 90.0);
        if latitude.is_none() {
            problems.add("latitude", t!("Degrees from -90 to 90, south is negative."));
        }
        let longitude = degrees(&self.longitude, 180.0);
        if longitude.is_none() {
            problems.add("longitude", t!("Degrees from -180 to 180, west is negative."));
        }
        let zone = self.zone.trim().parse::<Zone>();
        if zone.is_err() {
            problems.add("zone", t!("Choose a zone of the list, such as Europe/Berlin."));
        }
        let count_hour = self
            .count_hour
            .trim()
            .parse::<i16>()
            .ok()
            .filter(|hour| (0..24).contains(hour));
        if count_hour.is_none() {
            problems.add("count_hour", t!("Choose an hour."));
        }
        let parent = match self.parent.trim() {
            "" => Some(None),
            text => text.parse::<FacilityId>().ok().map(Some),
        };
        if parent.is_none() {
            problems.add("parent", t!("Choose a facility of the list."));
        }
        problems.clone().check()?;
        match (kind, latitude, longitude, zone, count_hour, parent) {
            (Ok(kind), Some(latitude), Some(longitude), Ok(zone), Some(count_hour), Some(parent)) => Ok(Facts {
                name: self.name.trim().into(),
                kind,
                region: self.region.trim().into(),
                latitude,
                longitude,
                zone,
                count_hour,
                shares_availability: self.shares == "true",
                parent,
            }),
            _ => Err(Error::Invalid(problems)),
        }
    }

    /// The name of the first blood bank.
    pub fn first_bank(&self) -> Result<String> {
        let mut problems = Problems::default();
        short(
            &mut problems,
            "bank",
            &self.bank,
            120,
            t!("Every facility has at least one blood bank."),
        );
        problems.check()?;
        Ok(self.bank.trim().into())
    }
}

/// A required text of one line.
pub fn short(problems: &mut Problems, field: &str, text: &str, longest: usize, missing: &str) {
    if text.trim().is_empty() {
        problems.add(field, missing);
    } else if let Some(problem) = text::problem(text.trim(), longest) {
        problems.add(field, problem);
    } else if text.contains(['\n', '\r', '\t']) {
        problems.add(field, t!("Write it on one line."));
    }
}

fn degrees(text: &str, most: f64) -> Option<f64> {
    let degrees: f64 = text.trim().replace(',', ".").replace('\u{2212}', "-").parse().ok()?;
    (degrees.is_finite() && degrees.abs() <= most).then_some(degrees)
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BankForm {
    /// empty: a new one
    pub bank: String,
    pub name: String,
    pub remove: String,
}

/// `08:00` and `18:00` of each weekday from Monday; both empty is closed.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeekForm {
    pub opens: Vec<String>,
    pub closes: Vec<String>,
}

impl WeekForm {
    pub fn of(week: &[Option<Hours>; 7]) -> Self {
        let clock = |minutes: Option<i16>| minutes.map(crate::facilities::clock_label).unwrap_or_default();
        WeekForm {
            opens: week.iter().map(|day| clock(day.map(|hours| hours.opens))).collect(),
            closes: week.iter().map(|day| clock(day.map(|hours| hours.closes))).collect(),
        }
    }

    /// Problems stand at `day-1` to `day-7`.
    pub fn week(&self) -> Result<[Option<Hours>; 7]> {
        if (self.opens.len(), self.closes.len()) != (7, 7) {
            return Err(Error::invalid(
                "day-1",
                t!("Give the hours of all seven days; empty is closed."),
            ));
        }
        let mut problems = Problems::default();
        let mut week = [None; 7];
        for (index, day) in week.iter_mut().enumerate() {
            match hours(&self.opens[index], &self.closes[index]) {
                Ok(hours) => *day = hours,
                Err(problem) => problems.add(format!("day-{}", index + 1), problem),
            }
        }
        problems.check()?;
        Ok(week)
    }
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExceptionForm {
    pub day: String,
    pub opens: String,
    pub closes: String,
    pub note: String,
    pub remove: String,
}

/// Opening hours as typed: none when both are empty.
pub fn hours(opens: &str, closes: &str) -> Result<Option<Hours>, String> {
    match (opens.trim(), closes.trim()) {
        ("", "") => Ok(None),
        (opens, closes) => {
            let (Some(opens), Some(closes)) = (minutes(opens), minutes(closes)) else {
                return Err(t!("Write both times as 08:00; 24:00 is the end of the day.").into());
            };
            // a browser's time field knows no 24:00
            let closes = if closes == 0 { 1440 } else { closes };
            if opens >= closes {
                return Err(t!("It must close after it opens, on the same day.").into());
            }
            Ok(Some(Hours { opens, closes }))
        }
    }
}

fn minutes(text: &str) -> Option<i16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.get(..2)?.parse().ok()?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    ((0..60).contains(&minutes) && (0..=1440).contains(&total)).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_two_times_of_one_day_or_none() {
        let typed = |opens, closes| hours(opens, closes).map(|hours| hours.map(|hours| (hours.opens, hours.closes)));

        assert_eq!(typed("", " "), Ok(None));
        assert_eq!(typed("08:00", "18:30"), Ok(Some((480, 1110))));
        assert_eq!(typed("00:00", "24:00"), Ok(Some((0, 1440))));
        assert_eq!(typed("06:00", "00:00"), Ok(Some((360, 1440))));
        for (opens, closes) in [
            ("08:00", ""),
            ("18:00", "08:00"),
            ("8", "9"),
            ("08:61", "09:00"),
            ("99999:00", "1:00"),
        ] {
            assert!(typed(opens, closes).is_err(), "{opens} {closes}");
        }
    }

    #[test]
    fn every_wrong_field_has_its_own_problem() {
        let form = FacilityForm {
            latitude: "91".into(),
            longitude: "NaN".into(),
            zone: "Mars/Olympus".into(),
            count_hour: "24".into(),
            parent: "x".into(),
            ..FacilityForm::default()
        };

        let Err(Error::Invalid(problems)) = form.facts() else {
            panic!("taken")
        };

        for field in [
            "name",
            "kind",
            "region",
            "latitude",
            "longitude",
            "zone",
            "count_hour",
            "parent",
        ] {
            assert!(problems.of(field).is_some(), "{field}");
        }
    }
}
