//! The kinds of widgets, and what the gallery and the editor must know of each: words, sizes, shapes of data, fields.
//! A kind that is not described here does not exist: rendering and checking both begin with this table.

use super::Dimension;
use super::fields::{self, Field};
use crate::text_enum::text_enum;

text_enum! {
    /// How a widget looks.
    pub enum Kind {
        Number = "number" / "Number",
        Line = "line" / "Line chart",
        Bar = "bar" / "Bar chart",
        Area = "area" / "Stacked area",
        Table = "table" / "Table",
        List = "list" / "List",
        Matrix = "matrix" / "Stock matrix",
        Gauge = "gauge" / "Gauge",
        Map = "map" / "Map",
        Heatmap = "heatmap" / "Heat map",
        Live = "live" / "Live metric",
        Windows = "windows" / "Windowed series",
        Top = "top" / "Top list",
        Spread = "distribution" / "Distribution",
        Activity = "activity" / "Activity",
        Text = "text" / "Text",
        Alert = "alert" / "Alert state",
    }
}

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub w: u8,
    pub h: u8,
}

text_enum! {
    /// A shape of data, which follows from what a measure is split by.
    pub enum Shape {
        /// one number
        Single = "single" / "One number",
        /// a number for each day
        Series = "series" / "By day",
        /// a number for each day and each of something else
        SplitSeries = "split_series" / "By day and something else",
        /// a number for each of something
        Categories = "categories" / "By one thing",
        /// a number for each facility, which lies somewhere
        Places = "places" / "By facility",
        /// a number for each pair
        Grid = "grid" / "By two things",
        /// the rows behind the number
        Items = "items" / "The rows themselves",
    }
}

impl Shape {
    /// What splitting by these gives.
    pub fn of(by: &[Dimension]) -> Option<Shape> {
        match by {
            [] => Some(Shape::Single),
            [Dimension::Day] => Some(Shape::Series),
            [Dimension::Facility] => Some(Shape::Places),
            [_] => Some(Shape::Categories),
            [a, b] if a == b || *b == Dimension::Day => None,
            [Dimension::Day, _] => Some(Shape::SplitSeries),
            [_, _] => Some(Shape::Grid),
            _ => None,
        }
    }
}

/// What people and the editor must know of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    pub kind: Kind,
    /// one sentence for the gallery
    pub words: &'static str,
    /// a name of `_icons.html`
    pub icon: &'static str,
    pub smallest: Size,
    pub default_size: Size,
    /// shapes of data it can show; empty when it shows no measure
    pub shapes: &'static [Shape],
    /// what to say when it is split by something that it cannot show
    pub by_help: &'static str,
    /// fields of the editor's form beside title, place and lock, in their order
    pub fields: &'static [Field],
}

impl Description {
    pub fn needs_source(&self) -> bool {
        !self.shapes.is_empty()
    }
}

const fn size(w: u8, h: u8) -> Size {
    Size { w, h }
}

impl Kind {
    /// Whether it can show a measure that is split by these.
    pub fn accepts(self, by: &[Dimension]) -> bool {
        let shapes = self.describe().shapes;
        match Shape::of(by) {
            Some(Shape::Single) if shapes.contains(&Shape::Items) => true,
            Some(Shape::Places) => shapes.contains(&Shape::Places) || shapes.contains(&Shape::Categories),
            Some(shape) => shapes.contains(&shape),
            None => false,
        }
    }

    /// Whether it shows windows of a metric that slide with the time, rather than figures by day.
    pub fn is_windowed(self) -> bool {
        matches!(self, Kind::Live | Kind::Windows | Kind::Top | Kind::Spread)
    }

    /// What a new widget of this kind splits a measure by, out of what that can be split by.
    pub fn default_by(self, possible: &[Dimension]) -> Vec<Dimension> {
        use Dimension::*;
        let first = |wanted: &[Dimension]| wanted.iter().copied().find(|one| possible.contains(one));
        match self {
            Kind::Line => first(&[Day]).into_iter().collect(),
            Kind::Area => [first(&[Day]), first(&[Component, Group, Facility, Urgency, Reason])]
                .into_iter()
                .flatten()
                .collect(),
            Kind::Bar | Kind::Table => first(&[Component, Group, Facility, Urgency, Reason, Day])
                .into_iter()
                .collect(),
            Kind::Map => first(&[Facility]).into_iter().collect(),
            Kind::Heatmap if possible.contains(&Weekday) && possible.contains(&Hour) => vec![Weekday, Hour],
            Kind::Heatmap => [first(&[Group]), first(&[Component])].into_iter().flatten().collect(),
            _ => vec![],
        }
    }

    /// The table of the kinds.
    pub fn describe(self) -> Description {
        use Shape::*;
        let make = |words, icon, smallest, default_size, shapes, by_help, fields| Description {
            kind: self,
            words,
            icon,
            smallest,
            default_size,
            shapes,
            by_help,
            fields,
        };
        match self {
            Kind::Number => make(
                t!("One figure with its change and its course."),
                "gauge",
                size(2, 2),
                size(3, 3),
                &[Single],
                t!("A number is not split."),
                fields::NUMBER,
            ),
            Kind::Line => make(
                t!("How something went, day by day."),
                "chart-line",
                size(3, 5),
                size(6, 7),
                &[Series, SplitSeries],
                t!("A line chart is split by day, and by one more thing if you like."),
                fields::CHART,
            ),
            Kind::Bar => make(
                t!("Counts by day, or one bar for each of something."),
                "chart-column",
                size(3, 4),
                size(6, 7),
                &[Series, SplitSeries, Categories],
                t!("A bar chart is split by day, by one other thing, or by day and one other thing."),
                fields::BARS,
            ),
            Kind::Area => make(
                t!("Parts of a whole on top of each other, day by day."),
                "chart-area",
                size(3, 5),
                size(6, 7),
                &[Series, SplitSeries],
                t!("A stacked area is split by day, and by one more thing if you like."),
                fields::CHART,
            ),
            Kind::Table => make(
                t!("Figures in rows, and columns too when split by two things."),
                "table",
                size(3, 4),
                size(6, 7),
                &[Series, SplitSeries, Categories, Grid],
                t!("A table is split by one or two things."),
                fields::TABLE,
            ),
            Kind::List => make(
                t!("The rows behind a number, the most pressing first."),
                "list",
                size(4, 4),
                size(6, 8),
                &[Items],
                t!("A list shows whole rows and is not split."),
                fields::LIST,
            ),
            Kind::Matrix => make(
                t!("Issuable units by group and component, with days of stock and phase."),
                "layout-grid",
                size(6, 8),
                size(8, 12),
                &[],
                "",
                &[],
            ),
            Kind::Gauge => make(
                t!("A figure against its target."),
                "target",
                size(2, 3),
                size(3, 5),
                &[Single],
                t!("A gauge is not split."),
                fields::GAUGE,
            ),
            Kind::Map => make(
                t!("A figure for each facility where it lies."),
                "map",
                size(4, 6),
                size(6, 10),
                &[Places],
                t!("A map is split by facility."),
                fields::MAP,
            ),
            Kind::Heatmap => make(
                t!("When things happen: weekday by hour, or any two things."),
                "grid-3x3",
                size(4, 5),
                size(6, 7),
                &[Grid],
                t!("A heat map is split by two things, such as weekday and hour."),
                fields::HEATMAP,
            ),
            Kind::Live => make(
                t!("One number of a metric over the last minutes, as it comes in."),
                "gauge",
                size(2, 3),
                size(3, 4),
                &[Single],
                t!("A window of a metric is not split."),
                fields::LIVE,
            ),
            Kind::Windows => make(
                t!("A metric window by window over the last hours, a line for each value of a tag."),
                "chart-line",
                size(3, 5),
                size(6, 7),
                &[Single],
                t!("A window of a metric is not split."),
                fields::WINDOWS,
            ),
            Kind::Top => make(
                t!("The largest values of a tag over the last minutes, with bars and shares."),
                "list",
                size(3, 4),
                size(6, 7),
                &[Single],
                t!("A window of a metric is not split."),
                fields::TOP,
            ),
            Kind::Spread => make(
                t!("How the values of a metric lie, with their median and the slowest ones."),
                "chart-column",
                size(3, 5),
                size(6, 7),
                &[Single],
                t!("A window of a metric is not split."),
                fields::SPREAD,
            ),
            Kind::Activity => make(
                t!("What happened lately, newest first."),
                "clock",
                size(3, 4),
                size(4, 10),
                &[],
                "",
                fields::ACTIVITY,
            ),
            Kind::Text => make(
                t!("Words of your own: headings, instructions, links."),
                "text",
                size(2, 1),
                size(4, 4),
                &[],
                "",
                fields::TEXT,
            ),
            Kind::Alert => make(
                t!("Which shelves are below their level, the worst first."),
                "siren",
                size(3, 3),
                size(4, 7),
                &[],
                "",
                fields::ALERT,
            ),
        }
    }
}
