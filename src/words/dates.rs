//! Dates and days of the week in words.

use std::fmt::Write;

use chrono::format::{Fixed, Item, StrftimeItems};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};

use super::{t, tc};

const MONTHS: [&str; 12] = [
    mark!("January"),
    mark!("February"),
    mark!("March"),
    mark!("April"),
    mark!("May"),
    mark!("June"),
    mark!("July"),
    mark!("August"),
    mark!("September"),
    mark!("October"),
    mark!("November"),
    mark!("December"),
];

const SHORT_MONTHS: [&str; 12] = [
    mark!("Jan"),
    mark!("Feb"),
    mark!("Mar"),
    mark!("Apr"),
    mark!("May"),
    mark!("Jun"),
    mark!("Jul"),
    mark!("Aug"),
    mark!("Sep"),
    mark!("Oct"),
    mark!("Nov"),
    mark!("Dec"),
];

/// From Monday on.
const DAYS: [&str; 7] = [
    mark!("Monday"),
    mark!("Tuesday"),
    mark!("Wednesday"),
    mark!("Thursday"),
    mark!("Friday"),
    mark!("Saturday"),
    mark!("Sunday"),
];

const SHORT_DAYS: [&str; 7] = [
    mark!("Mon"),
    mark!("Tue"),
    mark!("Wed"),
    mark!("Thu"),
    mark!("Fri"),
    mark!("Sat"),
    mark!("Sun"),
];

/// The days of the week from Monday on.
pub fn weekdays() -> [&'static str; 7] {
    DAYS.map(t)
}

/// A day, or a day with its time, that is written with its names in the language of the task.
pub trait Dated {
    /// As it stands on a calendar and a clock.
    fn when(&self) -> NaiveDateTime;

    /// Writes it as `pattern` says, in the manner of `strftime`. A language may order the parts otherwise: the pattern is
    /// itself a message, of the context `date`.
    fn dated(&self, pattern: &'static str) -> String {
        written(self.when(), tc("date", pattern))
    }
}

impl Dated for NaiveDate {
    fn when(&self) -> NaiveDateTime {
        self.and_time(NaiveTime::MIN)
    }
}

impl Dated for NaiveDateTime {
    fn when(&self) -> NaiveDateTime {
        *self
    }
}

impl<Z: TimeZone> Dated for DateTime<Z> {
    fn when(&self) -> NaiveDateTime {
        self.naive_local()
    }
}

fn written(when: NaiveDateTime, pattern: &str) -> String {
    let mut text = String::new();
    for item in StrftimeItems::new(pattern) {
        let name = match &item {
            Item::Fixed(Fixed::LongMonthName) => MONTHS[when.month0() as usize],
            Item::Fixed(Fixed::ShortMonthName) => SHORT_MONTHS[when.month0() as usize],
            Item::Fixed(Fixed::LongWeekdayName) => DAYS[when.weekday().num_days_from_monday() as usize],
            Item::Fixed(Fixed::ShortWeekdayName) => SHORT_DAYS[when.weekday().num_days_from_monday() as usize],
            _ => {
                // writing into a text fails only for a pattern that is none
                let _ = write!(text, "{}", when.format_with_items(std::iter::once(&item)));
                continue;
            }
        };
        text.push_str(t(name));
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::super::{Language, Locale, under};
    use super::Dated;

    #[test]
    fn a_date_has_its_names_in_the_language_and_their_order() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
        let said = |language| under(Locale::of(language), || day.dated("%A %-d %B %Y"));

        assert_eq!(said(Language::En), "Thursday 5 March 2026");
        assert_eq!(said(Language::Fr), "jeudi 5 mars 2026");
        assert_eq!(said(Language::Es), "jueves, 5 de marzo de 2026");
        assert_eq!(said(Language::Ar), "الخميس 5 مارس 2026");
    }
}
