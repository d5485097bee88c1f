//! From plotters' SVG to ours: every colour is a sentinel that names a role, and comes out as a class for the style sheet.
//! Neighbours of one role become one path with relative, tenth-of-a-pixel coordinates, which makes a drawing a few hundred bytes.

use std::fmt::Write;

use plotters::style::RGBColor;

use super::LOOKS;
use super::path::{marker, path, tenths, wedge};

/// Plotters works in whole pixels; drawing ten times too large keeps a tenth.
pub(super) const SCALE: u32 = 10;

/// What a mark is, which decides its class; the number is the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Gap,
    Grid,
    Axis,
    Target,
    DayLabel,
    ValueLabel,
    Note,
    Unit,
    Unusual,
    Area(usize),
    AreaPartial(usize),
    Line(usize),
    LinePartial(usize),
    Marker(usize),
    MarkerPartial(usize),
    Bar(usize),
    BarPartial(usize),
    Band(usize),
    BandPartial(usize),
}

/// Class names in the order of the sentinel's red part; those from `OF_SERIES` on are followed by their series.
const CLASSES: [&str; 19] = [
    "gap",
    "grid",
    "axis",
    "target",
    "label day",
    "label value",
    "label note",
    "label unit",
    "unusual",
    "area",
    "area partial",
    "line",
    "line partial",
    "point",
    "point partial",
    "bar",
    "bar partial",
    "band",
    "band partial",
];
const OF_SERIES: u8 = 9;
const UNUSUAL: u8 = 8;

impl Role {
    /// The colour that plotters draws this role in: the role in red, the series in green.
    pub fn ink(self) -> RGBColor {
        let (role, series) = match self {
            Role::Gap => (0, 0),
            Role::Grid => (1, 0),
            Role::Axis => (2, 0),
            Role::Target => (3, 0),
            Role::DayLabel => (4, 0),
            Role::ValueLabel => (5, 0),
            Role::Note => (6, 0),
            Role::Unit => (7, 0),
            Role::Unusual => (UNUSUAL, 0),
            Role::Area(s) => (9, s),
            Role::AreaPartial(s) => (10, s),
            Role::Line(s) => (11, s),
            Role::LinePartial(s) => (12, s),
            Role::Marker(s) => (13, s),
            Role::MarkerPartial(s) => (14, s),
            Role::Bar(s) => (15, s),
            Role::BarPartial(s) => (16, s),
            Role::Band(s) => (17, s),
            Role::BandPartial(s) => (18, s),
        };
        RGBColor(role, (series % LOOKS) as u8, 0)
    }
}

/// Replaces colours by classes and merges what belongs together; `svg` is plotters' output at `SCALE`, one element a line.
pub(super) fn themed(svg: &str) -> String {
    let mut shapes = Shapes::default();
    let mut lines = svg.lines();
    while let Some(line) = lines.next() {
        let Some((role, series)) = sentinel(line) else {
            continue;
        };
        let at = |name| attribute(line, name).and_then(|value| value.parse().ok()).unwrap_or(0);
        match line.split(' ').next() {
            Some("<line") => shapes.path(
                role,
                series,
                &path(&[(at("x1"), at("y1")), (at("x2"), at("y2"))], false),
            ),
            Some("<polyline") => shapes.path(role, series, &path(&points(line), false)),
            Some("<polygon") => shapes.path(role, series, &path(&points(line), true)),
            Some("<circle") if role == UNUSUAL => shapes.path(role, series, &wedge((at("cx"), at("cy")))),
            Some("<circle") => shapes.path(role, series, &marker(series.into(), (at("cx"), at("cy")), at("r"))),
            Some("<rect") => {
                let (x, y, w, h): (i32, i32, i32, i32) = (at("x"), at("y"), at("width"), at("height"));
                // whole pixels keep the edges of bars sharp; a zero is a thin line on the axis,
                // so that it differs from a day without data
                let foot = (y + h + 5) / 10;
                let top = ((y + 5) / 10).min(foot - 2);
                // bars of one width, not of two that differ by a tenth
                let w = if w >= 40 && role >= OF_SERIES { w / 10 * 10 } else { w };
                let (x, w, h) = (tenths(x), tenths(w), foot - top);
                shapes.path(role, series, &format!("M{x} {top}h{w}v{h}h-{w}z"));
            }
            // plotters has escaped the text
            Some("<text") => shapes.text(role, (at("x"), at("y")), lines.next().unwrap_or("")),
            _ => {}
        }
    }
    shapes.close();
    shapes.svg
}

/// Finished elements and the one path that still grows.
#[derive(Default)]
struct Shapes {
    svg: String,
    open: Option<(u8, u8)>,
}

impl Shapes {
    fn path(&mut self, role: u8, series: u8, data: &str) {
        if self.open != Some((role, series)) {
            self.close();
            let class = CLASSES[usize::from(role)];
            let _ = match role {
                OF_SERIES.. => write!(self.svg, "<path class=\"{class} series-{}\" d=\"", series + 1),
                _ => write!(self.svg, "<path class=\"{class}\" d=\""),
            };
            self.open = Some((role, series));
        }
        self.svg.push_str(data);
    }

    fn text(&mut self, role: u8, (x, y): (i32, i32), escaped: &str) {
        self.close();
        let _ = write!(
            self.svg,
            "<text class=\"{}\" x=\"{}\" y=\"{}\">{escaped}</text>",
            CLASSES[usize::from(role)],
            tenths(x),
            tenths(y)
        );
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.svg.push_str("\"/>");
        }
    }
}

/// Role and series of an element, read from whichever of its colours is one.
fn sentinel(line: &str) -> Option<(u8, u8)> {
    let hex = ["fill", "stroke"]
        .into_iter()
        .filter_map(|name| attribute(line, name))
        .find_map(|value| value.strip_prefix('#'))?;
    let part = |range| u8::from_str_radix(hex.get(range)?, 16).ok();
    let (role, series) = (part(0..2)?, part(2..4)?);
    (usize::from(role) < CLASSES.len()).then_some((role, series))
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let start = line.find(&format!(" {name}=\""))? + name.len() + 3;
    line[start..].split('"').next()
}

fn points(line: &str) -> Vec<(i32, i32)> {
    let pairs = attribute(line, "points")
        .unwrap_or("")
        .split_whitespace()
        .filter_map(|pair| pair.split_once(','));
    pairs
        .filter_map(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)))
        .collect()
}
