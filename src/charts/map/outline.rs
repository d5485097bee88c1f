//! The ground of a map: land, borders and a graticule, cut to what the drawing shows.

use super::projection::{Projection, latitude};
use super::world::{self, Line};
use crate::charts::path;

/// Shapes are cut this far outside the drawing, so that no cut shows.
const OUTSIDE: f64 = 4.0;
/// Steps shorter than this many pixels are not drawn.
const FINEST: f64 = 0.6;

/// Path data of the land and of the borders.
pub(super) fn ground(view: &Projection) -> (String, String) {
    let (mut land, mut borders) = (String::new(), String::new());
    for line in world::lines() {
        for turn in [-360.0, 0.0, 360.0] {
            if !near(view, line, turn) {
                continue;
            }
            let pixels = line
                .places
                .iter()
                .map(|&(x, y)| view.project(x - view.centre + turn, y));
            if line.land {
                let cut = thinned(&cut_area(pixels.collect(), view));
                if cut.len() > 2 {
                    land.push_str(&path::path(&cut, true));
                }
            } else {
                for part in cut_line(&pixels.collect::<Vec<_>>(), view) {
                    borders.push_str(&path::path(&thinned(&part), false));
                }
            }
        }
    }
    (land, borders)
}

fn near(view: &Projection, line: &Line, turn: f64) -> bool {
    let (across, along) = view.reach();
    let (west, south, east, north) = line.bounds;
    let shift = turn - view.centre;
    west + shift < across && east + shift > -across && south < view.middle + along && north > view.middle - along
}

/// Sutherland and Hodgman 1974: what of an area lies within the drawing, one side after the other.
pub(super) fn cut_area(area: Vec<(f64, f64)>, view: &Projection) -> Vec<(f64, f64)> {
    type Distance = Box<dyn Fn((f64, f64)) -> f64>;
    let (width, height) = (view.width, view.height);
    let sides: [Distance; 4] = [
        Box::new(|(x, _)| x + OUTSIDE),
        Box::new(move |(x, _)| width + OUTSIDE - x),
        Box::new(|(_, y)| y + OUTSIDE),
        Box::new(move |(_, y)| height + OUTSIDE - y),
    ];
    sides.iter().fold(area, |area, inside| {
        let mut kept = Vec::with_capacity(area.len());
        let Some(mut before) = area.last().copied() else {
            return kept;
        };
        for here in area {
            let (a, b) = (inside(before), inside(here));
            if (a < 0.0) != (b < 0.0) {
                kept.push(between(before, here, a / (a - b)));
            }
            if b >= 0.0 {
                kept.push(here);
            }
            before = here;
        }
        kept
    })
}

/// The parts of a line within the drawing (Liang and Barsky 1984 for each of its steps).
pub(super) fn cut_line(line: &[(f64, f64)], view: &Projection) -> Vec<Vec<(f64, f64)>> {
    let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut open = false;
    for pair in line.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
        for (step, room) in [
            (-dx, a.0 + OUTSIDE),
            (dx, view.width + OUTSIDE - a.0),
            (-dy, a.1 + OUTSIDE),
            (dy, view.height + OUTSIDE - a.1),
        ] {
            if step < 0.0 {
                enters = enters.max(room / step);
            } else if step > 0.0 {
                leaves = leaves.min(room / step);
            } else if room < 0.0 {
                leaves = -1.0;
            }
        }
        if enters > leaves {
            open = false;
            continue;
        }
        if !open || enters > 0.0 {
            parts.push(vec![between(a, b, enters)]);
        }
        if let Some(part) = parts.last_mut() {
            part.push(between(a, b, leaves));
        }
        open = leaves >= 1.0;
    }
    parts
}

fn between(a: (f64, f64), b: (f64, f64), part: f64) -> (f64, f64) {
    (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part)
}

/// Tenths of a pixel, without steps too short to see.
fn thinned(line: &[(f64, f64)]) -> Vec<(i32, i32)> {
    let mut kept: Vec<(f64, f64)> = Vec::with_capacity(line.len());
    for (index, &here) in line.iter().enumerate() {
        let far = kept
            .last()
            .is_none_or(|last| (here.0 - last.0).hypot(here.1 - last.1) >= FINEST);
        if far || index + 1 == line.len() {
            kept.push(here);
        }
    }
    kept.into_iter().map(tenths).collect()
}

pub(super) fn tenths((x, y): (f64, f64)) -> (i32, i32) {
    ((x * 10.0).round() as i32, (y * 10.0).round() as i32)
}

/// The lines of the graticule as path data, and what is written at their ends: words, x, y in pixels.
pub(super) fn graticule(view: &Projection) -> (String, Vec<(String, f64, f64)>) {
    const STEPS: [f64; 11] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0, 90.0];
    let (across, along) = view.reach();
    let fits = |step: &f64| step * view.scale >= 70.0;
    let step = STEPS.into_iter().find(fits).unwrap_or(90.0);
    let (mut lines, mut words) = (String::new(), Vec::new());
    let digits = usize::from(step < 1.0);
    let mut east = ((view.centre - across) / step).ceil() * step;
    while east <= view.centre + across {
        let (x, _) = view.project(east - view.centre, view.middle);
        lines.push_str(&path::path(&[tenths((x, 0.0)), tenths((x, view.height))], false));
        let degrees = super::projection::around(east);
        words.push((named(degrees, digits, ["E", "W"]), x, view.height - 5.0));
        east += step;
    }
    let (south, north) = (latitude(view.middle - along), latitude(view.middle + along));
    let mut height = (south / step).ceil() * step;
    while height <= north {
        let (_, y) = view.project(0.0, super::projection::mercator(height));
        lines.push_str(&path::path(&[tenths((0.0, y)), tenths((view.width, y))], false));
        words.push((named(height, digits, ["N", "S"]), 4.0, y - 3.0));
        height += step;
    }
    // where two would touch in the lower left corner, the longitude stays
    words.retain(|(_, x, y)| *x != 4.0 || *y < view.height - 20.0);
    words.retain(|(_, x, _)| (*x == 4.0 || *x > 20.0) && *x < view.width - 20.0);
    (lines, words)
}

fn named(degrees: f64, digits: usize, sides: [&str; 2]) -> String {
    let side = if degrees.abs() < 1e-9 || degrees.abs() > 180.0 - 1e-9 {
        ""
    } else if degrees > 0.0 {
        sides[0]
    } else {
        sides[1]
    };
    format!("{:.digits$}°{side}", degrees.abs())
}
