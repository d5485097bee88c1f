//! Windows of time and what is computed over them, pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::MetricKind;
use super::rollup::nanos;
use super::sketch::Sketch;
use crate::text_enum::text_enum;

text_enum! {
    /// How a window lies.
    pub enum WindowKind {
        /// (end - span, end]: an instant on the boundary belongs to the older window
        Sliding = "sliding" / "Sliding",
        /// [start, start + span), starts counted from 1970: an instant on the boundary belongs to the newer window
        Tumbling = "tumbling" / "Tumbling",
    }
}

/// A span of time with its bounds. To whole microseconds both kinds are half-open ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub kind: WindowKind,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// Longer windows are refused.
pub const LONGEST: TimeDelta = TimeDelta::days(400);

impl Window {
    /// The sliding window that ends at this instant, or the tumbling one that holds it.
    pub fn at(kind: WindowKind, span: TimeDelta, at: DateTime<Utc>) -> Self {
        let from = match kind {
            WindowKind::Sliding => at - span,
            WindowKind::Tumbling => {
                let micros = span.num_microseconds().unwrap_or(1).max(1);
                let start = at.timestamp_micros().div_euclid(micros) * micros;
                DateTime::from_timestamp_micros(start).unwrap_or(at)
            }
        };
        Window {
            kind,
            from,
            to: from + span,
        }
    }

    /// Microseconds since 1970: the first within, and the first after.
    pub fn range(&self) -> (i64, i64) {
        let shift = i64::from(self.kind == WindowKind::Sliding);
        (self.from.timestamp_micros() + shift, self.to.timestamp_micros() + shift)
    }

    /// Whether nothing that happens from now on can fall into it.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.range().1 <= now.timestamp_micros() + 1
    }

    pub fn seconds(&self) -> f64 {
        (self.to - self.from).num_microseconds().unwrap_or(0) as f64 / 1e6
    }
}

/// `90s`, `5m`, `2h`, `7d`, `2w`, at least a second and at most 400 days.
pub fn span(text: &str) -> Option<TimeDelta> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    let number: i64 = digits
        .parse()
        .ok()
        .filter(|number| (1..=100_000_000).contains(number))?;
    let span = TimeDelta::seconds(number.checked_mul(seconds)?);
    (span <= LONGEST).then_some(span)
}

/// What is computed over the values of a window. Without any value everything but the count is none.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Aggregates {
    pub count: i64,
    pub sum: Option<f64>,
    pub avg: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    /// a second: of the sum for a metric that adds up a value, else of the count
    pub rate: Option<f64>,
    /// different values; none when only sums are left
    pub distinct: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

impl Aggregates {
    /// The one number that the metric is about.
    pub fn value(&self, kind: MetricKind) -> Option<f64> {
        match kind {
            MetricKind::Gauge | MetricKind::Avg => self.avg,
            MetricKind::Count => (self.count > 0).then_some(self.count as f64),
            MetricKind::Sum => self.sum,
            MetricKind::Distinct => self.distinct.map(|distinct| distinct as f64),
            MetricKind::Ratio => self.ratio,
        }
    }
}

/// Values of a window while they are gathered: single ones, and sums of whole minutes.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    pub values: Vec<f64>,
    count: i64,
    nanos: i128,
    min: Option<f64>,
    max: Option<f64>,
    sketch: Sketch,
}

impl Gathered {
    /// The sum of a whole span; its single values are not known.
    pub fn add_sum(&mut self, count: i64, nanos: i128, min: f64, max: f64, sketch: &Sketch) {
        self.count += count;
        self.nanos += nanos;
        self.min = Some(self.min.map_or(min, |known| known.min(min)));
        self.max = Some(self.max.map_or(max, |known| known.max(max)));
        self.sketch.merge(sketch);
    }

    /// Takes in all of another.
    pub fn absorb(&mut self, part: &Gathered) {
        self.values.extend_from_slice(&part.values);
        self.absorb_sums(part);
    }

    /// The sums of another; its single values are taken apart.
    fn absorb_sums(&mut self, other: &Gathered) {
        if let (Some(min), Some(max)) = (other.min, other.max) {
            self.add_sum(other.count, other.nanos, min, max, &other.sketch);
        }
    }

    /// Values and how many of each there are, the smallest first.
    pub fn spread(&self) -> Vec<(f64, u64)> {
        if self.count > 0 {
            let mut sketch = self.sketch.clone();
            sketch.merge(&Sketch::of(self.values.iter().copied()));
            return sketch.spread().collect();
        }
        let mut values = self.values.clone();
        values.sort_unstable_by(f64::total_cmp);
        values.into_iter().map(|value| (value, 1)).collect()
    }

    /// Quantiles are exact when all values are known, else within half a percent.
    pub fn finish(mut self, kind: MetricKind, seconds: f64) -> Aggregates {
        let exact = self.count == 0;
        let mut values = std::mem::take(&mut self.values);
        self.nanos += values.iter().copied().map(nanos).sum::<i128>();
        self.count += values.len() as i64;
        if self.count == 0 {
            return Aggregates::default();
        }
        values.sort_unstable_by(f64::total_cmp);
        let ends = values.first().zip(values.last());
        let least = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (one, other) => one.or(other),
        };
        let min = least(self.min, ends.map(|ends| *ends.0), f64::min);
        let max = least(self.max, ends.map(|ends| *ends.1), f64::max);
        if !exact && !values.is_empty() {
            self.sketch.merge(&Sketch::of(values.iter().copied()));
        }
        let quantile = |q: f64| match exact {
            true => interpolated(&values, q),
            false => {
                let (min, max) = (min.unwrap_or(f64::MIN), max.unwrap_or(f64::MAX));
                self.sketch.quantile(q).map(|value| value.clamp(min, max))
            }
        };
        let sum = self.nanos as f64 / 1e9;
        let flow = if kind == MetricKind::Sum {
            sum
        } else {
            self.count as f64
        };
        let distinct = exact.then(|| 1 + values.windows(2).filter(|pair| pair[0] != pair[1]).count() as i64);
        Aggregates {
            count: self.count,
            sum: Some(sum),
            avg: Some(sum / self.count as f64),
            min,
            max,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p95: quantile(0.95),
            p99: quantile(0.99),
            rate: (seconds > 0.0).then(|| flow / seconds),
            distinct,
            ratio: None,
        }
    }
}

/// The value at rank q (n - 1) of sorted values, interpolated between its neighbours.
fn interpolated(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = q * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
    Some(low + (high - low) * rank.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_instant_on_a_boundary_belongs_to_the_older_sliding_and_the_newer_tumbling_window() {
        let boundary = at("2026-11-30T12:05:00Z");
        let span = TimeDelta::minutes(5);
        let holds = |window: Window| {
            let (from, until) = window.range();
            (from..until).contains(&boundary.timestamp_micros())
        };

        assert!(holds(Window::at(WindowKind::Sliding, span, boundary)));
        assert!(!holds(Window::at(WindowKind::Sliding, span, boundary + span)));
        assert!(holds(Window::at(WindowKind::Tumbling, span, boundary)));
        assert!(!holds(Window::at(
            WindowKind::Tumbling,
            span,
            boundary - TimeDelta::microseconds(1)
        )));
        assert_eq!(Window::at(WindowKind::Tumbling, span, boundary).from, boundary);
    }

    #[test]
    fn spans_are_written_with_a_unit() {
        assert_eq!(span("90s"), Some(TimeDelta::seconds(90)));
        assert_eq!(span("15m"), Some(TimeDelta::minutes(15)));
        assert_eq!(span("7d"), Some(TimeDelta::days(7)));
        for wrong in ["", "5", "m", "0m", "-5m", "401d", "5 m", "5y", "99999999999999999999s"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_empty_window_has_a_count_of_zero_and_no_values() {
        let empty = Gathered::default().finish(MetricKind::Gauge, 300.0);

        assert_eq!(empty, Aggregates::default());
        assert_eq!(empty.value(MetricKind::Gauge), None);
    }

    #[test]
    fn single_values_and_sums_of_minutes_add_up() {
        let whole: Vec<f64> = (1..=100).map(f64::from).collect();
        let mut mixed = Gathered {
            values: whole[..30].to_vec(),
            ..Gathered::default()
        };
        let sum = super::super::rollup::Sum::of(&whole[30..]);
        mixed.add_sum(sum.count, sum.nanos, sum.min, sum.max, &sum.sketch);
        let exact = Gathered {
            values: whole,
            ..Gathered::default()
        }
        .finish(MetricKind::Sum, 100.0);
        let mixed = mixed.finish(MetricKind::Sum, 100.0);

        assert_eq!(
            (exact.p50, exact.p95, exact.distinct),
            (Some(50.5), Some(95.05), Some(100))
        );
        assert_eq!(
            (mixed.count, mixed.sum, mixed.avg, mixed.min, mixed.max, mixed.rate),
            (exact.count, exact.sum, exact.avg, exact.min, exact.max, Some(50.5))
        );
        assert!((mixed.p95.unwrap() - 95.05).abs() < 0.96 && mixed.distinct.is_none());
    }
}
