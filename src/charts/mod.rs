//! Charts drawn on the server: plotters computes the drawing, `theme` turns it into class-only SVG that follows the page's theme.
//! Every chart carries the table of its own numbers, and `static/js/chart.js` reads hover and arrow-key values out of that table.

mod draw;
mod gauge;
mod heat;
mod map;
mod marks;
mod number;
mod path;
mod rank;
mod scale;
mod spark;
mod summary;
#[cfg(test)]
mod tests;
mod theme;
mod unusual;

use askama::Template;
use chrono::{Datelike, NaiveDate, NaiveDateTime};

pub use gauge::Gauge;
/// Where pressing a bar or a cell leads: to the same page with only that, or with all again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowing {
    pub href: String,
    /// it is pressed: only that is shown
    pub on: bool,
}

pub use heat::Heat;
pub use map::{Map, MapFragment, Pin, Position, Tone, View};
pub use number::{full, number, rounded, units};
pub use rank::{Rank, Ranks};
pub use spark::sparkline;
pub use unusual::{Mark, unusual};

use crate::words::Dated;
use draw::Size;

/// Different looks (colour, dash, marker) before they repeat; more series than this belong into several charts.
pub const LOOKS: usize = 8;

/// How the values of a chart are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Levels, such as a stock; the axis may start above zero when the values are far from it.
    Line,
    /// Levels whose size matters; the axis contains zero.
    Area,
    /// Counts per day, side by side; the axis contains zero.
    Bars,
    /// Parts of a count per day, on top of each other; the axis contains zero.
    StackedBars,
    /// Parts of a level, on top of each other; the axis contains zero.
    StackedArea,
}

impl Kind {
    /// Whether a series is a surface, which a marker at its end tells apart.
    fn fills(self) -> bool {
        self.is_bars() || self == Kind::StackedArea
    }

    fn is_stacked(self) -> bool {
        matches!(self, Kind::StackedBars | Kind::StackedArea)
    }

    fn is_bars(self) -> bool {
        matches!(self, Kind::Bars | Kind::StackedBars)
    }
}

/// One place on the horizontal axis, called a day below; all of a chart are of one kind and equally far apart, so give
/// every one of the range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Label {
    /// a facility's day
    Day(NaiveDate),
    /// where a window begins, by the board's wall
    Time(NaiveDateTime),
    /// a bin of a histogram, from and up to these values
    Bin(f64, f64),
}

/// A named line across the plot at a place on the horizontal axis, such as a quantile among bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Upright {
    pub name: String,
    /// in days: 1.5 lies between the second and the third
    pub place: f64,
    pub value: f64,
}

/// One named row of values, as long as the chart's `labels`; `None` is a day without data, which is not zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

/// A chart over days. Missing values at the end of a series count as `None`, values beyond the last day are ignored.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart<'a> {
    /// Unique on the page, a valid HTML id; swaps replace the figure of this id.
    pub id: String,
    pub title: String,
    /// What is counted, as it stands after a number: `units`, `ms`, `%`, or empty.
    pub unit: &'a str,
    pub kind: Kind,
    pub labels: Vec<Label>,
    pub series: Vec<Series>,
    /// The last day is not over: it is drawn dashed, called incomplete and left out of the summary sentence.
    pub last_is_partial: bool,
    /// A named horizontal line, such as a safety stock, in the chart's unit.
    pub target: Option<(String, f64)>,
    /// Values that are not as usual, in the order of their days.
    pub marks: Vec<Mark>,
    pub uprights: Vec<Upright>,
}

/// The `<figure>` of a chart; shows without `|safe` in other templates, since everything in it is escaped already.
#[derive(Template)]
#[template(path = "charts/_chart.html")]
pub struct ChartFragment {
    id: String,
    title: String,
    unit: String,
    summary: String,
    /// Wide, then narrow; style sheets show the one that fits. Empty when there is nothing to draw.
    drawings: Vec<Drawing>,
    bars: bool,
    legend: Vec<Key>,
    targets: Vec<(String, String)>,
    heading: &'static str,
    partial: Option<String>,
    has_gaps: bool,
    unusual: Vec<String>,
    names: Vec<String>,
    rows: Vec<Row>,
}

impl askama::filters::HtmlSafe for ChartFragment {}

/// One drawing and where its points lie, in its own pixels: the script computes the place of point i from these.
struct Drawing {
    class: &'static str,
    size: Size,
    first_x: String,
    last_x: String,
    top: u32,
    bottom: u32,
    shapes: String,
}

struct Key {
    look: usize,
    name: String,
    marker: String,
}

struct Row {
    day: String,
    partial: bool,
    /// what is unusual there, or empty
    unusual: String,
    values: Vec<Option<String>>,
}

impl Chart<'_> {
    /// Draws the chart; never fails. Without a single finite value the fragment is an empty state that says so.
    pub fn render(&self) -> ChartFragment {
        let has_data = (0..self.series.len()).any(|s| (0..self.labels.len()).any(|day| self.value(s, day).is_some()));
        let days = 0..self.labels.len();
        ChartFragment {
            id: self.id.clone(),
            title: self.title.clone(),
            unit: self.unit.into(),
            summary: summary::sentence(self, has_data),
            drawings: if has_data {
                vec![draw::drawing(self, Size::WIDE), draw::drawing(self, Size::NARROW)]
            } else {
                vec![]
            },
            bars: self.kind.fills(),
            legend: self
                .series
                .iter()
                .enumerate()
                .map(|(s, series)| self.key(s, &series.name))
                .collect(),
            targets: self
                .drawable_target()
                .map(|(name, value)| (name.clone(), self.with_unit(*value)))
                .into_iter()
                .chain(
                    self.uprights
                        .iter()
                        .map(|one| (one.name.clone(), self.with_unit(one.value))),
                )
                .collect(),
            heading: summary::heading(self),
            partial: self.partial_day().map(|day| self.named_day(day)),
            unusual: self.marked().map(|mark| self.told(mark)).collect(),
            has_gaps: days.clone().any(|day| self.is_gap(day)),
            names: self.series.iter().map(|series| series.name.clone()).collect(),
            rows: days.map(|day| self.row(day)).collect(),
        }
    }

    /// The value of a series on a day; what cannot be drawn (NaN, beyond 1e15) counts as missing.
    fn value(&self, series: usize, day: usize) -> Option<f64> {
        self.series[series]
            .values
            .get(day)
            .copied()
            .flatten()
            .filter(|value| drawable(*value))
    }

    fn drawable_target(&self) -> Option<&(String, f64)> {
        self.target.as_ref().filter(|target| drawable(target.1))
    }

    fn is_gap(&self, day: usize) -> bool {
        (0..self.series.len()).all(|s| self.value(s, day).is_none())
    }

    /// The unfinished last day, if the chart has one.
    fn partial_day(&self) -> Option<usize> {
        self.labels.len().checked_sub(1).filter(|_| self.last_is_partial)
    }

    fn with_unit(&self, value: f64) -> String {
        match self.unit {
            "" => full(value),
            "%" => format!("{}\u{202f}%", full(value)),
            unit => format!("{}\u{a0}{unit}", full(value)),
        }
    }

    /// A day as tables and sentences write it: `3 Nov`, with the year only when the chart covers more than one; a time with
    /// its day only when it covers more than one.
    fn named_day(&self, day: usize) -> String {
        let (first, last) = (self.labels.first(), self.labels.last());
        match self.labels[day] {
            Label::Day(date) => {
                let year = |label: Option<&Label>| match label {
                    Some(Label::Day(date)) => date.year(),
                    _ => 0,
                };
                match year(first) == year(last) {
                    true => date.dated("%-d %b"),
                    false => date.dated("%-d %b %y"),
                }
            }
            Label::Time(time) => {
                let date = |label: Option<&Label>| match label {
                    Some(Label::Time(time)) => Some(time.date()),
                    _ => None,
                };
                match date(first) == date(last) {
                    true => time.format("%H:%M").to_string(),
                    false => time.dated("%-d %b %H:%M"),
                }
            }
            Label::Bin(from, to) => format!("{}–{}", number(from), number(to)),
        }
    }

    /// Bars are told apart by the marker at their end, which a single series does not need.
    fn key(&self, series: usize, name: &str) -> Key {
        let marker = match self.kind.fills() {
            false => path::marker(series, (160, 60), 42),
            true if self.series.len() > 1 => path::marker(series, (260, 60), 42),
            true => String::new(),
        };
        Key {
            look: series % LOOKS + 1,
            name: name.to_owned(),
            marker,
        }
    }

    /// A day as the axis writes it, never longer than `20 Nov`: over more than four months the year matters more than the day.
    fn tick_day(&self, day: usize) -> String {
        match self.labels[day] {
            Label::Day(date) if self.labels.len() > 120 => date.dated("%b \u{2019}%y"),
            Label::Day(date) => date.dated("%-d %b"),
            Label::Time(time) => time.format("%H:%M").to_string(),
            Label::Bin(from, _) => number(from),
        }
    }

    fn row(&self, day: usize) -> Row {
        Row {
            day: match self.labels[day] {
                Label::Day(date) => format!("{} {}", date.dated("%a"), self.named_day(day)),
                _ => self.named_day(day),
            },
            partial: self.partial_day() == Some(day),
            unusual: self
                .marked()
                .filter(|mark| mark.day == day)
                .map(|mark| self.named(mark))
                .collect::<Vec<_>>()
                .join("; "),
            values: (0..self.series.len()).map(|s| self.value(s, day).map(full)).collect(),
        }
    }
}

/// A range of larger numbers overflows, or has steps that a float cannot tell apart.
fn drawable(value: f64) -> bool {
    value.abs() <= 1e15
}
