//! The drawing itself: places marks with plotters in one coordinate system, bottom layer first.
//! Two sizes of the same chart share everything but the number of labels, so that text stays readable on a phone.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::theme::{self, Role, SCALE};
use super::{Chart, Drawing, Kind, marks, number, path, scale};

pub(super) type Root<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
pub(super) type Plot<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
pub(super) type Drawn<'a> = DrawResult<(), SVGBackend<'a>>;

/// A drawing's size in pixels and how many labels fit its axes.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub width: u32,
    pub height: u32,
    class: &'static str,
    day_labels: usize,
    value_labels: usize,
    /// Up to this many days every point gets a marker.
    pub markers: usize,
}

impl Size {
    pub const WIDE: Size = Size {
        width: 460,
        height: 200,
        class: "wide",
        day_labels: 6,
        value_labels: 4,
        markers: 16,
    };
    pub const NARROW: Size = Size {
        width: 320,
        height: 200,
        class: "narrow",
        day_labels: 5,
        value_labels: 3,
        markers: 8,
    };
}

/// Room above the plot for the unit and the word "incomplete", below it for the days, right of it for markers and half a label.
const TOP: u32 = 24;
const BOTTOM: u32 = 24;
const RIGHT: u32 = 22;

/// Draws a chart that has at least one day and one value.
pub(super) fn drawing(chart: &Chart, size: Size) -> Drawing {
    let mut svg = String::new();
    let axis = scale::values(chart, size.value_labels);
    // a digit of the label font is about 7.5 px wide
    let longest = axis
        .ticks
        .iter()
        .map(|tick| number::tick(*tick).chars().count())
        .max()
        .unwrap_or(1);
    let left = 12 + longest as u32 * 15 / 2;
    // writing to a string cannot fail, and an empty drawing is still a chart with a table
    let _ = draw(chart, size, &axis, left, &mut svg);
    let day_width = f64::from(size.width - left - RIGHT) / chart.labels.len() as f64;
    let x = |day: f64| path::tenths(((f64::from(left) + (day + 0.5) * day_width) * 10.0).round() as i32);
    Drawing {
        class: size.class,
        size,
        first_x: x(0.0),
        last_x: x(chart.labels.len() as f64 - 1.0),
        top: TOP,
        bottom: size.height - BOTTOM,
        shapes: theme::themed(&svg),
    }
}

fn draw<'a>(chart: &Chart, size: Size, axis: &scale::Values, left: u32, svg: &'a mut String) -> Drawn<'a> {
    let root = SVGBackend::with_string(svg, (size.width * SCALE, size.height * SCALE)).into_drawing_area();
    let mut plot = ChartBuilder::on(&root)
        .margin_top(TOP * SCALE)
        .margin_bottom(BOTTOM * SCALE)
        .margin_left(left * SCALE)
        .margin_right(RIGHT * SCALE)
        .build_cartesian_2d(-0.5..chart.labels.len() as f64 - 0.5, axis.from..axis.to)?;

    gaps(chart, axis, &mut plot)?;
    rules(chart, axis, &mut plot)?;
    if chart.kind.is_bars() {
        marks::bars(chart, &root, &mut plot)?;
    } else if chart.kind == Kind::StackedArea {
        marks::stack(chart, &root, &mut plot)?;
    } else {
        marks::lines(chart, size, axis, &mut plot)?;
    }
    marks::unusual(chart, &root, &mut plot)?;
    if let Some((_, target)) = chart.drawable_target() {
        rule(*target, chart, Role::Target, &mut plot)?;
    }

    for upright in chart.uprights.iter().filter(|one| one.place.is_finite()) {
        let ends = [(upright.place, axis.from), (upright.place, axis.to)];
        plot.draw_series(LineSeries::new(ends, Role::Target.ink()))?;
    }

    let write = |text: &str, (x, y): (i32, i32), role: Role| {
        root.draw(&Text::new(
            text,
            (x, y),
            ("sans-serif", 13).into_font().color(&role.ink()),
        ))
    };
    let tenth = SCALE as i32;
    for tick in &axis.ticks {
        let (x, y) = plot.backend_coord(&(-0.5, *tick));
        write(&number::tick(*tick), (x - 7 * tenth, y + 4 * tenth), Role::ValueLabel)?;
    }
    for day in scale::days(&chart.labels, size.day_labels) {
        let (x, y) = plot.backend_coord(&(day as f64, axis.from));
        write(&chart.tick_day(day), (x, y + 18 * tenth), Role::DayLabel)?;
    }
    let mut taken = i32::MAX;
    for upright in chart.uprights.iter().rev().filter(|one| one.place.is_finite()) {
        let (x, y) = plot.backend_coord(&(upright.place, axis.to));
        // one that stands too near to the one on its right is named in the legend only
        if x + 30 * tenth <= taken {
            write(&upright.name, (x, y - 4 * tenth), Role::DayLabel)?;
            taken = x;
        }
    }
    if let Some(day) = chart.partial_day() {
        let (x, y) = plot.backend_coord(&(day as f64 + 0.5, axis.to));
        write(
            "incomplete",
            (x + (RIGHT as i32 - 4) * tenth, y - 10 * tenth),
            Role::Note,
        )?;
    }
    if !chart.unit.is_empty() {
        write(chart.unit, (2 * tenth, (TOP as i32 - 10) * tenth), Role::Unit)?;
    }
    drop(plot);
    root.present()
}

/// A band over each day on which nothing is known: nothing was recorded, which is not zero.
fn gaps<'a>(chart: &Chart, axis: &scale::Values, plot: &mut Plot<'a>) -> Drawn<'a> {
    let band = |day: usize| {
        let x = day as f64;
        Rectangle::new([(x - 0.5, axis.from), (x + 0.5, axis.to)], Role::Gap.ink().filled())
    };
    plot.draw_series((0..chart.labels.len()).filter(|day| chart.is_gap(*day)).map(band))?;
    Ok(())
}

fn rules<'a>(chart: &Chart, axis: &scale::Values, plot: &mut Plot<'a>) -> Drawn<'a> {
    // the line that bars stand on is stronger than the grid
    let base = 0f64.clamp(axis.from, axis.to);
    for tick in axis.ticks.iter().filter(|tick| **tick != base) {
        rule(*tick, chart, Role::Grid, plot)?;
    }
    rule(base, chart, Role::Axis, plot)
}

fn rule<'a>(value: f64, chart: &Chart, role: Role, plot: &mut Plot<'a>) -> Drawn<'a> {
    let ends = [(-0.5, value), (chart.labels.len() as f64 - 0.5, value)];
    plot.draw_series(LineSeries::new(ends, role.ink()))?;
    Ok(())
}
