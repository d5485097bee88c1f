//! What is unusual about a row, in words.

use chrono::{Datelike, NaiveDateTime};
use serde::{Deserialize, Serialize};

use crate::words::{grouped, weekdays};

/// What a row deviates from most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Reason {
    /// there is nothing to compare with yet, or no value
    Nothing,
    /// the rows just before it
    Near { value: f64, usual: f64 },
    /// all that was seen
    Ever { value: f64, usual: f64 },
    /// the level has moved
    Level { value: f64, usual: f64, rows: usize },
    /// its time of day, or hour of the week
    Season {
        value: f64,
        usual: f64,
        at: NaiveDateTime,
        part: Part,
    },
    /// the season, for a while
    While {
        excess: f64,
        usual: f64,
        at: NaiveDateTime,
        part: Part,
        rows: usize,
    },
    /// moves are so many times as large as usual
    Moves { times: f64 },
    /// large deviations come so many times as often as usual
    Often { times: f64 },
}

/// What of a time the season goes by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Part {
    Time,
    WeekdayAndTime,
    Weekday,
}

impl Part {
    fn words(self, at: NaiveDateTime) -> String {
        let day = weekdays()[at.weekday().num_days_from_monday() as usize];
        match self {
            Part::Time => at.format("%H:%M").to_string(),
            Part::WeekdayAndTime => format!("{day} {}", at.format("%H:%M")),
            Part::Weekday => day.into(),
        }
    }
}

impl Reason {
    /// Without a capital or a full stop, to stand inside a sentence.
    pub fn words(&self) -> String {
        match *self {
            Reason::Nothing => t!("nothing to compare with yet").into(),
            Reason::Near { value, usual } => t!(
                "{against} the values just before (about {usual})",
                against = against(value, usual),
                usual = short(usual)
            ),
            Reason::Ever { value, usual } => t!(
                "{against} its usual level (about {usual})",
                against = against(value, usual),
                usual = short(usual)
            ),
            Reason::Level { value, usual, rows } => t!(
                "the last {rows} values are {against} the level before (about {value} instead of {usual})",
                rows,
                against = against(value, usual),
                value = short(value),
                usual = short(usual)
            ),
            Reason::Season { value, usual, at, part } => t!(
                "{against} the usual {time} (about {usual})",
                against = against(value, usual),
                time = part.words(at),
                usual = short(usual)
            ),
            Reason::While {
                excess,
                usual,
                at,
                part,
                rows,
            } => t!(
                "the last {rows} values were {against} the usual up to {time} on average",
                rows,
                against = against(usual + excess, usual),
                time = part.words(at)
            ),
            Reason::Moves { times } if times < 1.0 => t!("stiller than it usually is").into(),
            Reason::Moves { times } => t!("it moves {times} x as much as usual", times = short(times)),
            Reason::Often { times } => t!(
                "large deviations come {times} x as often as usual",
                times = short(times)
            ),
        }
    }
}

/// `4.1 x above`, `35 % below`, `12.5 above` where a ratio says nothing.
fn against(value: f64, usual: f64) -> String {
    let above = value >= usual;
    let ratio = value / usual;
    if usual <= 0.0 || value < 0.0 || !ratio.is_finite() || (ratio - 1.0).abs() < 0.05 {
        let n = short((value - usual).abs());
        return if above { t!("{n} above", n) } else { t!("{n} below", n) };
    }
    let percent = format!("{:.0}", (ratio - 1.0).abs() * 100.0);
    match ratio {
        2.0.. => t!("{n} x above", n = short(ratio)),
        _ if above => t!("{n} % above", n = percent),
        _ => t!("{n} % below", n = percent),
    }
}

/// Three digits that matter, thousands grouped.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.2e}");
    }
    let places = match size {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    };
    let text = format!("{size:.places$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", grouped(text))
}
