//! Land and borders of the world (Natural Earth 1:50m, public domain), as `scripts/map-outline.mjs` wrote them.
//! Read once, on the first map that is drawn.

use std::sync::LazyLock;

use super::projection::mercator;

/// A coast (closed) or a border (open): longitudes in degrees, latitudes in Mercator degrees.
pub(super) struct Line {
    pub land: bool,
    pub places: Vec<(f64, f64)>,
    /// west, south, east, north
    pub bounds: (f64, f64, f64, f64),
}

pub(super) fn lines() -> &'static [Line] {
    static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| include_str!("world.txt").lines().filter_map(read).collect());
    &LINES
}

/// `land 1645 -2862 -56 47`: the first place, then steps, in hundredths of a degree.
fn read(line: &str) -> Option<Line> {
    let mut words = line.split(' ');
    let land = words.next()? == "land";
    let (mut east, mut north) = (0, 0);
    let mut places = Vec::new();
    while let (Some(x), Some(y)) = (words.next(), words.next()) {
        east += x.parse::<i32>().ok()?;
        north += y.parse::<i32>().ok()?;
        places.push((f64::from(east) / 100.0, mercator(f64::from(north) / 100.0)));
    }
    let none = (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
    let bounds = places.iter().fold(none, |(west, south, east, north), &(x, y)| {
        (west.min(x), south.min(y), east.max(x), north.max(y))
    });
    Some(Line { land, places, bounds })
}
