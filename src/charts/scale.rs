//! Where an axis begins, ends and carries its labels: round steps of 1, 2 or 5 for values, calendar-like steps for days.
//! Bars and areas always contain zero, since their length is their meaning.

use super::{Chart, Kind, Label};

/// The value axis: `from <= every value <= to`, with a label at each of `ticks`.
pub(super) struct Values {
    pub from: f64,
    pub to: f64,
    pub ticks: Vec<f64>,
}

/// The value axis of a chart with about `wanted` labels.
pub(super) fn values(chart: &Chart, wanted: usize) -> Values {
    let (mut low, mut high) = extent(chart);
    let from_zero = chart.kind != Kind::Line || (low >= 0.0 && low < high * 0.5) || (high <= 0.0 && high > low * 0.5);
    if from_zero {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    if high - low < f64::EPSILON * high.abs().max(1.0) {
        // one flat value: room around it, and never below zero for what cannot be negative
        (low, high) = if low == 0.0 {
            (0.0, 1.0)
        } else {
            (low - low.abs() * 0.1, high + high.abs() * 0.1)
        };
    }
    let step = round_step((high - low) / wanted as f64);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let ticks = (0..=(last - first) as usize)
        .map(|i| (first + i as f64) * step)
        .collect();
    Values {
        from: first * step,
        to: last * step,
        ticks,
    }
}

/// The days that carry a label: at most `most`, equally far apart, and always the last one, which is what people look for.
pub(super) fn days(labels: &[Label], most: usize) -> Vec<usize> {
    const STEPS: [usize; 12] = [1, 2, 3, 5, 7, 10, 14, 28, 56, 91, 182, 364];
    /// windows of one, two or five minutes make quarters, half-hours and hours
    const WINDOWS: [usize; 11] = [1, 2, 3, 5, 6, 10, 12, 15, 30, 60, 120];
    let count = labels.len();
    let steps: &[usize] = match labels.first() {
        Some(Label::Time(_)) => &WINDOWS,
        _ => &STEPS,
    };
    let step = steps
        .iter()
        .copied()
        .find(|step| count.div_ceil(*step) <= most)
        .unwrap_or_else(|| count.div_ceil(most));
    let mut days: Vec<_> = (0..count).rev().step_by(step).collect();
    days.reverse();
    days
}

/// The lowest and highest place a mark of this chart reaches, target included.
fn extent(chart: &Chart) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut reach = |value: f64| (low, high) = (low.min(value), high.max(value));
    for day in 0..chart.labels.len() {
        let values = (0..chart.series.len()).filter_map(|s| chart.value(s, day));
        if chart.kind.is_stacked() {
            let (up, down): (Vec<_>, Vec<_>) = values.partition(|value| *value >= 0.0);
            reach(up.iter().sum());
            reach(down.iter().sum());
        } else {
            values.for_each(&mut reach);
        }
    }
    if let Some((_, target)) = chart.drawable_target() {
        reach(*target);
    }
    (low, high)
}

fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let lead = rough / power;
    power
        * [1.0, 2.0, 5.0]
            .into_iter()
            .find(|step| lead <= *step * 1.0001)
            .unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{Label, round_step};

    fn days(count: usize, most: usize) -> Vec<usize> {
        let labels = vec![Label::Day(NaiveDate::MIN); count];
        super::days(&labels, most)
    }

    #[test]
    fn steps_are_one_two_or_five() {
        assert_eq!(
            [0.9, 1.5, 3.0, 7.0, 230.0].map(round_step),
            [1.0, 2.0, 5.0, 10.0, 500.0]
        );
    }

    #[test]
    fn the_last_day_is_always_labelled() {
        assert_eq!(days(30, 8), [4, 9, 14, 19, 24, 29]);
        assert_eq!(days(30, 5), [1, 8, 15, 22, 29]);
        assert_eq!(days(1, 5), [0]);
        assert_eq!(days(5000, 8).last(), Some(&4999));
    }
}
