//! The marks that carry the values: lines with their areas, bars, and the markers that tell series apart without colour.
//! A missing day ends a run, an unfinished one is a step of its own that the style sheet dashes.

use plotters::prelude::*;

use super::draw::{Drawn, Plot, Root, Size};
use super::theme::{Role, SCALE};
use super::{Chart, Kind, scale};

/// Neighbouring days with values, as day and value.
type Run = Vec<(f64, f64)>;

/// Part of a day's width that its bars fill.
const FILLED: f64 = 0.8;

/// Lines and areas, series by series, each with its markers on top.
pub(super) fn lines<'a>(chart: &Chart, size: Size, axis: &scale::Values, plot: &mut Plot<'a>) -> Drawn<'a> {
    let base = 0f64.clamp(axis.from, axis.to);
    for s in 0..chart.series.len() {
        let (runs, open) = runs(chart, s);
        if chart.kind == Kind::Area {
            for run in runs.iter().filter(|run| run.len() > 1) {
                plot.draw_series(AreaSeries::new(run.clone(), base, Role::Area(s).ink()))?;
            }
            if open.len() > 1 {
                plot.draw_series(AreaSeries::new(open.clone(), base, Role::AreaPartial(s).ink()))?;
            }
        }
        for run in runs.iter().filter(|run| run.len() > 1) {
            plot.draw_series(LineSeries::new(run.clone(), Role::Line(s).ink()))?;
        }
        if open.len() > 1 {
            plot.draw_series(LineSeries::new(open.clone(), Role::LinePartial(s).ink()))?;
        }
        let every = chart.labels.len() <= size.markers;
        let lone = runs.iter().filter(|run| every || run.len() == 1).flatten();
        let ends = if every {
            vec![]
        } else {
            [runs.first().and_then(|r| r.first()), runs.last().and_then(|r| r.last())].into()
        };
        let mut marked: Vec<_> = lone.chain(ends.into_iter().flatten()).copied().collect();
        marked.sort_by(|a, b| a.0.total_cmp(&b.0));
        marked.dedup();
        plot.draw_series(
            marked
                .into_iter()
                .map(|at| Circle::new(at, 4 * SCALE, Role::Marker(s).ink().filled())),
        )?;
        plot.draw_series(
            open.last()
                .map(|at| Circle::new(*at, 4 * SCALE, Role::MarkerPartial(s).ink().filled())),
        )?;
    }
    Ok(())
}

/// Series on top of each other, each a band. A series without a value on a day that others
/// have one adds nothing to it; a day that none has is a gap.
pub(super) fn stack<'a>(chart: &Chart, root: &Root<'a>, plot: &mut Plot<'a>) -> Drawn<'a> {
    let days = 0..chart.labels.len();
    let mut floor = vec![0.0; chart.labels.len()];
    let partial = chart.partial_day();
    for s in 0..chart.series.len() {
        let top: Vec<f64> = days
            .clone()
            .map(|day| floor[day] + chart.value(s, day).unwrap_or(0.0).max(0.0))
            .collect();
        let known: Vec<usize> = days.clone().filter(|day| !chart.is_gap(*day)).collect();
        for run in known.chunk_by(|a, b| a + 1 == *b) {
            let complete: Vec<usize> = run.iter().copied().filter(|day| Some(*day) != partial).collect();
            // the step into the unfinished day is a piece of its own
            let open: Vec<usize> = match partial {
                Some(day) if run.last() == Some(&day) => run[run.len().saturating_sub(2)..].to_vec(),
                _ => vec![],
            };
            for (piece, role) in [(complete, Role::Band(s)), (open, Role::BandPartial(s))] {
                if piece.len() < 2 {
                    continue;
                }
                let upper = piece.iter().map(|day| (*day as f64, top[*day]));
                let lower = piece.iter().rev().map(|day| (*day as f64, floor[*day]));
                let band: Vec<(f64, f64)> = upper.chain(lower).collect();
                plot.draw_series([Polygon::new(band, role.ink())])?;
            }
        }
        // in the middle of its band where that is thick enough at the end
        if let Some(day) = known.last() {
            let (x, high) = plot.backend_coord(&(*day as f64, top[*day]));
            let (_, low) = plot.backend_coord(&(*day as f64, floor[*day]));
            if low - high >= 9 * SCALE as i32 {
                let place = (x + 9 * SCALE as i32, (low + high) / 2);
                root.draw(&Circle::new(place, 4 * SCALE, Role::Marker(s).ink().filled()))?;
            }
        }
        floor = top;
    }
    Ok(())
}

/// A wedge over every value that is not as usual. It goes to the root, since plotters pushes what lies outside the plot back
/// to its edge.
pub(super) fn unusual<'a>(chart: &Chart, root: &Root<'a>, plot: &mut Plot<'a>) -> Drawn<'a> {
    for mark in chart.marked() {
        let value = |s: usize| chart.value(s, mark.day).unwrap_or(0.0);
        let top = match chart.kind {
            // beside each other, or one
            Kind::Line | Kind::Area | Kind::Bars => value(mark.series),
            Kind::StackedBars | Kind::StackedArea => (0..=mark.series).map(|s| value(s).max(0.0)).sum(),
        };
        let beside = match chart.kind {
            Kind::Bars => FILLED * ((mark.series as f64 + 0.5) / chart.series.len() as f64 - 0.5),
            _ => 0.0,
        };
        let (x, y) = plot.backend_coord(&(mark.day as f64 + beside, top));
        root.draw(&Circle::new((x, y), 4 * SCALE, Role::Unusual.ink().filled()))?;
    }
    Ok(())
}

/// The unbroken runs of complete days, and the step into the unfinished one (empty if there is none).
fn runs(chart: &Chart, s: usize) -> (Vec<Run>, Run) {
    let partial = chart.partial_day();
    let known: Vec<_> = (0..chart.labels.len())
        .map(|day| Some((day as f64, chart.value(s, day)?)))
        .collect();
    let complete = &known[..partial.unwrap_or(known.len())];
    let runs = complete
        .split(|point| point.is_none())
        .filter(|run| !run.is_empty())
        .map(|run| run.iter().copied().flatten().collect());
    let open = match partial {
        Some(day) if known[day].is_some() => known[day.saturating_sub(1)..].iter().copied().flatten().collect(),
        _ => vec![],
    };
    (runs.collect(), open)
}

/// Bars per day, side by side or stacked; positive and negative parts of a stack grow apart.
pub(super) fn bars<'a>(chart: &Chart, root: &Root<'a>, plot: &mut Plot<'a>) -> Drawn<'a> {
    let count = chart.labels.len();
    let stacked = chart.kind == Kind::StackedBars;
    let width = if stacked {
        FILLED
    } else {
        FILLED / chart.series.len() as f64
    };
    let mut tops = vec![(0.0, 0.0); count];
    for s in 0..chart.series.len() {
        let start = if stacked {
            -FILLED / 2.0
        } else {
            -FILLED / 2.0 + s as f64 * width
        };
        let mut last = None;
        for (day, top) in tops.iter_mut().enumerate() {
            let Some(value) = chart.value(s, day) else {
                continue;
            };
            let end = match (stacked, value >= 0.0) {
                (false, _) => &mut 0.0,
                (true, true) => &mut top.0,
                (true, false) => &mut top.1,
            };
            let (from, to) = (*end, *end + value);
            *end = to;
            let role = if chart.partial_day() == Some(day) {
                Role::BarPartial(s)
            } else {
                Role::Bar(s)
            };
            let x = day as f64 + start;
            plot.draw_series([Rectangle::new([(x, from), (x + width, to)], role.ink().filled())])?;
            last = (day + 1 == count).then_some((x + width / 2.0, from, to));
        }
        if let Some(place) = last.filter(|_| chart.series.len() > 1) {
            end_marker(s, stacked, place, width, root, plot)?;
        }
    }
    Ok(())
}

/// The series' marker beside its part of the last stack, or over the last bar of a group, where there is room for it.
/// It goes to the root, since plotters pushes what lies outside the plot back to its edge.
fn end_marker<'a>(
    s: usize,
    stacked: bool,
    (x, from, to): (f64, f64, f64),
    width: f64,
    root: &Root<'a>,
    plot: &Plot<'a>,
) -> Drawn<'a> {
    let (middle, high) = plot.backend_coord(&(x, to));
    let (right, low) = plot.backend_coord(&(x + width / 2.0, from));
    let tenth = SCALE as i32;
    let at = if stacked {
        ((low - high).abs() >= 9 * tenth).then_some((right + 9 * tenth, (low + high) / 2))
    } else {
        (right - middle >= 4 * tenth).then_some((middle, high.min(low) - 8 * tenth))
    };
    match at {
        Some(place) => root.draw(&Circle::new(place, 4 * SCALE, Role::Marker(s).ink().filled())),
        None => Ok(()),
    }
}
