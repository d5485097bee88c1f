//! What is unusual about a row, in words.

use chrono::{Datelike, NaiveDateTime};
use serde::{Deserialize, Serialize};

/// What a row deviates from most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum Reason {
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
pub(super) enum Part {
    Time,
    WeekdayAndTime,
    Weekday,
}

impl Part {
    fn words(self, at: NaiveDateTime) -> String {
        const DAYS: [&str; 7] = [
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
        ];
        let day = DAYS[at.weekday().num_days_from_monday() as usize];
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
            Reason::Nothing => "nothing to compare with yet".into(),
            Reason::Near { value, usual } => {
                format!(
                    "{} the values just before (about {})",
                    against(value, usual),
                    short(usual)
                )
            }
            Reason::Ever { value, usual } => {
                format!("{} its usual level (about {})", against(value, usual), short(usual))
            }
            Reason::Level { value, usual, rows } => format!(
                "the last {rows} values are {} the level before (about {} instead of {})",
                against(value, usual),
                short(value),
                short(usual)
            ),
            Reason::Season { value, usual, at, part } => format!(
                "{} the usual {} (about {})",
                against(value, usual),
                part.words(at),
                short(usual)
            ),
            Reason::While {
                excess,
                usual,
                at,
                part,
                rows,
            } => format!(
                "the last {rows} values were {} the usual up to {} on average",
                against(usual + excess, usual),
                part.words(at)
            ),
            Reason::Moves { times } if times < 1.0 => "stiller than it usually is".into(),
            Reason::Moves { times } => format!("it moves {} x as much as usual", short(times)),
            Reason::Often { times } => format!("large deviations come {} x as often as usual", short(times)),
        }
    }
}

/// `4.1 x above`, `35 % below`, `12.5 above` where a ratio says nothing.
fn against(value: f64, usual: f64) -> String {
    let side = if value >= usual { "above" } else { "below" };
    let ratio = value / usual;
    if usual <= 0.0 || value < 0.0 || !ratio.is_finite() || (ratio - 1.0).abs() < 0.05 {
        return format!("{} {side}", short((value - usual).abs()));
    }
    match ratio {
        2.0.. => format!("{} x {side}", short(ratio)),
        _ => format!("{:.0} % {side}", (ratio - 1.0).abs() * 100.0),
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
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let part = part.trim_end_matches('0');
    let sign = if value < 0.0 { "-" } else { "" };
    if part.is_empty() {
        format!("{sign}{grouped}")
    } else {
        format!("{sign}{grouped}.{part}")
    }
}
