//! What a widget is: kind, data, options, thresholds and place, as a board keeps them in JSON and a file carries them.
//! `check` says per field of the editor's form what is wrong with one; nothing here touches the database.

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::error::Problems;
use crate::figures::Dimension;
use crate::text;
use crate::text_enum::text_enum;

/// Columns of a board.
pub const COLUMNS: u8 = 12;
/// Rows of a board at most, and of one widget.
const ROWS: u16 = 500;
const TALLEST: u8 = 40;
const LONGEST_TITLE: usize = 120;
const LONGEST_TEXT: usize = 20_000;

/// One thing on a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Widget {
    /// short slug, unique on its board; its element is `#w-<id>`
    pub id: String,
    pub kind: Kind,
    /// the measure's own title when empty
    #[serde(default)]
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: Options,
    #[serde(default, skip_serializing_if = "is_default")]
    pub thresholds: Thresholds,
    /// a path of this site where a click on the title leads; none for the list behind the measure
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
    pub place: Place,
    /// only administrators of the board may change or remove it
    #[serde(default, skip_serializing_if = "is_default")]
    pub locked: bool,
}

/// Which figures a widget shows, and what they are split by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRef {
    /// name of a measure: `inventory.issuable`
    pub measure: String,
    /// at most two; the first makes the axis, the rows or the days, the second the series or the columns
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Dimension>,
}

/// How a widget shows its figures. Which of these a kind takes, `Kind::describe` says; the others stay empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// rows of a list or table, bars of a chart; the rest is summed as "Other"
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// words after the number instead of the measure's own
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// digits after the point
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// looks back so many days, today included, whatever range the board shows
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
    /// how far a measure looks ahead, such as units that expire within so many hours
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<u32>,
    /// length of a window of a metric: `5m`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// how far back windows are shown: `3h`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<String>,
    /// which points of a metric count: `host=web-01, env=prod`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub compare: Compare,
    /// Markdown of a text widget
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markdown: Option<String>,
}

text_enum! {
    /// What a number is set beside.
    #[derive(Default)]
    pub enum Compare {
        /// the same weekday a week before, or the same length of time before the range
        #[default]
        Week = "week" / "The week before",
        Previous = "previous" / "The time before of the same length",
        None = "none" / "Nothing",
    }
}

/// From where on a value is worth a look, and what it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<f64>,
    #[serde(skip_serializing_if = "is_default")]
    pub direction: Direction,
    /// what a gauge fills up to and a chart draws as a line
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
}

text_enum! {
    /// On which side of a threshold a value is bad.
    #[derive(Default)]
    pub enum Direction {
        #[default]
        Above = "above" / "High values are bad",
        Below = "below" / "Low values are bad",
    }
}

text_enum! {
    /// What thresholds say about a value; shown by colour and by word.
    pub enum State {
        Good = "good" / "Good",
        Warn = "low" / "Warning",
        Critical = "critical" / "Critical",
        Unknown = "unknown" / "No threshold",
    }
}

impl Thresholds {
    /// A value on a threshold has crossed it.
    pub fn state(&self, value: f64) -> State {
        let crossed = |line: Option<f64>| {
            line.is_some_and(|line| match self.direction {
                Direction::Above => value >= line,
                Direction::Below => value <= line,
            })
        };
        match (self.warn, self.critical) {
            (None, None) => State::Unknown,
            _ if crossed(self.critical) => State::Critical,
            _ if crossed(self.warn) => State::Warn,
            _ => State::Good,
        }
    }

    fn check(&self, problems: &mut Problems) {
        for (name, value) in [
            ("warn", self.warn),
            ("critical", self.critical),
            ("target", self.target),
        ] {
            if value.is_some_and(|value| !value.is_finite() || value.abs() > 1e12) {
                problems.add(name, t!("Give a number of at most twelve digits."));
            }
        }
        let (Some(warn), Some(critical)) = (self.warn, self.critical) else {
            return;
        };
        match self.direction {
            Direction::Above if critical < warn => {
                problems.add(
                    "critical",
                    t!("High values are bad, so critical lies at the warning or above it."),
                );
            }
            Direction::Below if critical > warn => {
                problems.add(
                    "critical",
                    t!("Low values are bad, so critical lies at the warning or below it."),
                );
            }
            _ => {}
        }
    }
}

/// Where a widget stands on the grid of twelve columns; a phone shows all in one column, by `y` and then `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// first column, 0 to 11
    pub x: u8,
    /// first row
    pub y: u16,
    /// columns, 1 to 12
    pub w: u8,
    /// rows, one is 40 px
    pub h: u8,
}

impl Place {
    /// Whether two places share a cell.
    pub fn overlaps(&self, other: &Place) -> bool {
        let (left, right) = (self.x.max(other.x), (self.x + self.w).min(other.x + other.w));
        let bottom = |place: &Place| place.y + u16::from(place.h);
        left < right && self.y.max(other.y) < bottom(self).min(bottom(other))
    }

    fn check(&self, kind: Kind, problems: &mut Problems) {
        let smallest = kind.describe().smallest;
        if !(smallest.w..=COLUMNS).contains(&self.w) {
            problems.add(
                "w",
                t!("{kind} takes {w} to 12 columns.", kind = kind.label(), w = smallest.w),
            );
        } else if self.x > COLUMNS - self.w {
            problems.add(
                "x",
                t!(
                    "With {w} columns it begins at column {w2} at most.",
                    w = self.w,
                    w2 = COLUMNS - self.w + 1
                ),
            );
        }
        if !(smallest.h..=TALLEST).contains(&self.h) {
            problems.add(
                "h",
                t!(
                    "{kind} takes {h} to {TALLEST} rows.",
                    kind = kind.label(),
                    h = smallest.h,
                    TALLEST
                ),
            );
        }
        if self.y > ROWS {
            problems.add("y", t!("A board has at most {ROWS} rows.", ROWS));
        }
    }
}

impl Widget {
    /// A widget of this kind as the gallery offers it, at the top left.
    pub fn new(kind: Kind, id: &str) -> Self {
        let size = kind.describe().default_size;
        Widget {
            id: id.into(),
            kind,
            title: String::new(),
            source: None,
            options: Options::default(),
            thresholds: Thresholds::default(),
            drill: None,
            place: Place {
                x: 0,
                y: 0,
                w: size.w,
                h: size.h,
            },
            locked: false,
        }
    }

    /// Whether its figures are of a metric.
    pub fn shows_metrics(&self) -> bool {
        self.named().is_some()
    }

    /// What is wrong with it, by the names of the form's fields; whether its measure exists, `Sources::check` says.
    pub fn check(&self) -> Problems {
        let mut problems = Problems::default();
        if !is_slug(&self.id) {
            problems.add(
                "id",
                t!("Use 1 to 32 small letters, digits and hyphens, a letter first."),
            );
        }
        if let Some(problem) = text::problem(&self.title, LONGEST_TITLE) {
            problems.add("title", problem);
        }
        self.check_source(&mut problems);
        self.check_options(&mut problems);
        self.thresholds.check(&mut problems);
        if self.drill.as_deref().is_some_and(|path| !is_local(path)) {
            problems.add(
                "drill",
                t!("Give a path of this site, such as /facilities/7/inventory."),
            );
        }
        self.place.check(self.kind, &mut problems);
        problems
    }

    fn check_source(&self, problems: &mut Problems) {
        let description = self.kind.describe();
        match &self.source {
            None if self.kind.is_windowed() => problems.add("metric", t!("Choose what it shows.")),
            None if description.needs_source() => problems.add("measure", t!("Choose what it shows.")),
            Some(_) if !description.needs_source() => problems.add("measure", t!("This kind shows no measure.")),
            Some(source) if !self.kind.accepts(&source.by) => problems.add("by", description.by_help),
            _ => {}
        }
    }

    fn check_options(&self, problems: &mut Problems) {
        let options = &self.options;
        let names: Vec<&str> = self.kind.describe().fields.iter().map(|field| field.name).collect();
        let mut number = |name: &'static str, value: Option<u32>, from: u32, to: u32| match value {
            Some(_) if !names.contains(&name) => problems.add(name, t!("This kind does not take it.")),
            Some(value) if !(from..=to).contains(&value) => problems.add(name, t!("From {from} to {to}.", from, to)),
            _ => {}
        };
        number("limit", options.limit.map(u32::from), 1, 100);
        number("decimals", options.decimals.map(u32::from), 0, 4);
        number("days", options.days.map(u32::from), 1, super::LONGEST_DAYS as u32);
        number("hours", options.hours, 1, 24 * 366);
        for (name, given) in [
            ("window", &options.window),
            ("reach", &options.reach),
            ("tags", &options.tags),
        ] {
            if given.is_some() && !names.contains(&name) {
                problems.add(name, t!("This kind does not take it."));
            }
        }
        if self.kind.is_windowed() {
            super::windowed::check(self, problems);
        }
        if let Some(problem) = options.unit.as_deref().and_then(|unit| text::problem(unit, 20)) {
            problems.add("unit", problem);
        }
        match options.markdown.as_deref() {
            Some(_) if self.kind != Kind::Text => problems.add("markdown", t!("This kind does not take it.")),
            Some(words) => {
                if let Some(problem) = text::problem(words, LONGEST_TEXT) {
                    problems.add("markdown", problem);
                }
            }
            None if self.kind == Kind::Text => problems.add("markdown", t!("Write something.")),
            None => {}
        }
    }
}

/// Small letters, digits and hyphens, a letter first, 32 at most: fit for an element's id and an address.
pub fn is_slug(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// A path of this site and nothing that a browser could take for another one.
fn is_local(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 300
        && path
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '\\' | '"' | '<' | '>'))
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
