//! Path data of SVG in tenths of a pixel, and the marker shapes that are made of it.
//! Relative steps keep drawings small.

use std::fmt::Write;

use super::LOOKS;

/// The outline of a series' marker around a centre; every look has a shape of its own. All lengths in tenths of a pixel.
pub(super) fn marker(series: usize, (x, y): (i32, i32), radius: i32) -> String {
    const SHAPES: [&[(i32, i32)]; LOOKS] = [
        &[
            (-42, -90),
            (42, -90),
            (90, -42),
            (90, 42),
            (42, 90),
            (-42, 90),
            (-90, 42),
            (-90, -42),
        ],
        &[(-85, -85), (85, -85), (85, 85), (-85, 85)],
        &[(0, -115), (110, 85), (-110, 85)],
        &[(0, -120), (120, 0), (0, 120), (-120, 0)],
        &[(0, 115), (-110, -85), (110, -85)],
        &[
            (-38, -110),
            (38, -110),
            (38, -38),
            (110, -38),
            (110, 38),
            (38, 38),
            (38, 110),
            (-38, 110),
            (-38, 38),
            (-110, 38),
            (-110, -38),
            (-38, -38),
        ],
        &[(-120, -60), (120, -60), (120, 60), (-120, 60)],
        &[
            (-105, -60),
            (-60, -105),
            (0, -45),
            (60, -105),
            (105, -60),
            (45, 0),
            (105, 60),
            (60, 105),
            (0, 45),
            (-60, 105),
            (-105, 60),
            (-45, 0),
        ],
    ];
    let place = |(dx, dy): &(i32, i32)| (x + dx * radius / 100, y + dy * radius / 100);
    path(&SHAPES[series % LOOKS].iter().map(place).collect::<Vec<_>>(), true)
}

/// A hollow wedge whose tip points down at a place, the sign of an unusual value; no series has it as its marker.
pub(super) fn wedge((x, y): (i32, i32)) -> String {
    path(&[(x, y - 60), (x - 50, y - 150), (x + 50, y - 150)], true)
}

/// Path data through points given in tenths of a pixel: one absolute move, then relative steps.
pub(super) fn path(points: &[(i32, i32)], closed: bool) -> String {
    let Some((first, rest)) = points.split_first() else {
        return String::new();
    };
    let mut data = String::from("M");
    number(&mut data, first.0, false);
    number(&mut data, first.1, true);
    let mut here = *first;
    for (i, point) in rest.iter().enumerate() {
        if i == 0 {
            data.push('l');
        }
        number(&mut data, point.0 - here.0, i > 0);
        number(&mut data, point.1 - here.1, true);
        here = *point;
    }
    if closed {
        data.push('z');
    }
    data
}

/// A length in tenths as decimal text.
pub(super) fn tenths(value: i32) -> String {
    let mut text = String::new();
    number(&mut text, value, false);
    text
}

fn number(text: &mut String, tenths: i32, separated: bool) {
    if separated && tenths >= 0 {
        text.push(' ');
    }
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, part) = (tenths.abs() / 10, tenths.abs() % 10);
    let _ = if part == 0 {
        write!(text, "{sign}{whole}")
    } else {
        write!(text, "{sign}{whole}.{part}")
    };
}
