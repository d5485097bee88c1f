//! A sparkline: the shape of a row of values beside its number, without axes.
//! It is decoration, hidden from assistive technology; the number next to it carries the meaning.

use std::fmt::Write;

use super::path::{path, tenths};

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 32.0;
/// Room for the last dot and the stroke.
const PAD: f64 = 3.0;

/// A 120x32 SVG of class `spark`: a polyline that breaks at missing values, and a dot on the last known one.
/// Without values it is an empty drawing of the same size, so that rows keep their height.
pub fn sparkline(values: &[Option<f64>]) -> String {
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    let place = |i: usize, value: f64| {
        let across = if values.len() > 1 {
            i as f64 / (values.len() - 1) as f64
        } else {
            1.0
        };
        let up = if high > low { (value - low) / (high - low) } else { 0.5 };
        let x = PAD + across * (WIDTH - 2.0 * PAD);
        let y = HEIGHT - PAD - up * (HEIGHT - 2.0 * PAD);
        ((x * 10.0).round() as i32, (y * 10.0).round() as i32)
    };
    let mut line = String::new();
    let mut run = Vec::new();
    let mut last = None;
    for (i, value) in values.iter().enumerate() {
        match value.filter(|value| value.is_finite()) {
            Some(value) => {
                run.push(place(i, value));
                last = run.last().copied();
            }
            None => line.push_str(&path(&std::mem::take(&mut run), false)),
        }
    }
    line.push_str(&path(&run, false));
    let mut svg = format!(
        "<svg class=\"spark\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" aria-hidden=\"true\">"
    );
    if let Some((x, y)) = last {
        let _ = write!(
            svg,
            "<path d=\"{line}\"/><circle cx=\"{}\" cy=\"{}\" r=\"2.5\"/>",
            tenths(x),
            tenths(y)
        );
    }
    svg.push_str("</svg>");
    svg
}
