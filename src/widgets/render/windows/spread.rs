//! How the values of the last window lie: bins with their counts, and where the quantiles are among them.

use sqlx::PgConnection;

use super::{Look, last, source};
use crate::charts::{Chart, Kind, Label, Series, Upright};
use crate::error::Result;
use crate::metrics::{Window, WindowKind, queries};

/// Bins of a histogram, about.
const BINS: f64 = 20.0;
/// Values whose largest is so many times the smallest are spread by their logarithms.
const WIDE: f64 = 50.0;

pub async fn html(tx: &mut PgConnection, look: &Look<'_>) -> Result<String> {
    let asking = &look.asking;
    let now = look.plain.context.now;
    let of = last(asking.window);
    let window = Window::at(WindowKind::Sliding, asking.window, now);
    let spread = queries::spread(tx, &asking.metric, window, &asking.selection, now).await?;
    let Some(bins) = Bins::over(&spread.values) else {
        return look.nothing(&of);
    };
    let quantiles = [
        ("p50", spread.total.p50),
        ("p90", spread.total.p90),
        ("p99", spread.total.p99),
    ];
    let uprights = quantiles.into_iter().filter_map(|(name, value)| {
        Some(Upright {
            name: name.into(),
            place: bins.place(value?) - 0.5,
            value: value?,
        })
    });
    let chart = Chart {
        id: look.drawing(),
        title: look.title(),
        unit: look.plain.widget.options.unit.as_deref().unwrap_or(&asking.metric.unit),
        kind: Kind::Bars,
        labels: bins.edges.windows(2).map(|edge| Label::Bin(edge[0], edge[1])).collect(),
        series: vec![Series {
            name: t!("Number of values").into(),
            values: bins
                .counts(&spread.values)
                .into_iter()
                .map(|count| Some(count as f64))
                .collect(),
        }],
        last_is_partial: false,
        target: None,
        marks: vec![],
        uprights: uprights.collect(),
    };
    let mut frame = look.frame(&of);
    let count = n!("{n} value", "{n} values", spread.total.count);
    frame.note = [frame.note.as_str(), &count, source(spread.basis)].join(", ");
    look.drawn(frame, chart.render().to_string())
}

/// Where bins begin and end: equally wide, or each so many times the one before.
struct Bins {
    edges: Vec<f64>,
    by_logarithm: bool,
}

impl Bins {
    /// None without a value. The values come in order.
    fn over(values: &[(f64, u64)]) -> Option<Bins> {
        let (low, high) = (values.first()?.0, values.last()?.0);
        let by_logarithm = low > 0.0 && high / low > WIDE;
        let edges = if by_logarithm {
            let (from, to) = (low.ln(), high.ln());
            let step = (to - from) / BINS;
            (0..=BINS as i32)
                .map(|at| (from + step * f64::from(at)).exp())
                .collect()
        } else {
            let step = match high - low {
                0.0 => low.abs().max(1.0) / 10.0,
                range => round_up(range / BINS),
            };
            let first = (low / step).floor();
            let count = ((high / step).floor() - first) as i32 + 1;
            (0..=count).map(|at| (first + f64::from(at)) * step).collect()
        };
        Some(Bins { edges, by_logarithm })
    }

    /// Where a value lies, counted in bins.
    fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.by_logarithm { value.ln() } else { value };
        let (from, to) = (scale(self.edges[0]), scale(self.edges[self.edges.len() - 1]));
        let bins = (self.edges.len() - 1) as f64;
        ((scale(value) - from) / (to - from) * bins).clamp(0.0, bins)
    }

    fn counts(&self, values: &[(f64, u64)]) -> Vec<u64> {
        let mut counts = vec![0; self.edges.len() - 1];
        let last = counts.len() - 1;
        for (value, count) in values {
            // rounding must not lift a value on an edge into the bin below
            let at = (self.place(*value) + 1e-9).floor() as usize;
            counts[at.min(last)] += count;
        }
        counts
    }
}

/// To 1, 2 or 5 times a power of ten.
fn round_up(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    power
        * steps
            .into_iter()
            .find(|step| *step * power >= rough * 0.9999)
            .unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_one_bin() {
        let near: Vec<(f64, u64)> = (0..=40).map(|value| (f64::from(value), 1)).collect();
        let far: Vec<(f64, u64)> = (0..6).map(|power| (10f64.powi(power), 2)).collect();

        for (values, by_logarithm, total) in [(near, false, 41), (far, true, 12), (vec![(7.0, 3)], false, 3)] {
            let bins = Bins::over(&values).unwrap();
            let counts = bins.counts(&values);

            assert_eq!(bins.by_logarithm, by_logarithm);
            assert_eq!(counts.iter().sum::<u64>(), total);
            assert!(counts.len() <= 25 && counts.len() + 1 == bins.edges.len());
        }
        let bins = Bins::over(&[(0.0, 1), (40.0, 1)]).unwrap();
        assert_eq!(bins.edges[..3], [0.0, 2.0, 4.0]);
        assert_eq!(
            bins.counts(&[(2.0, 1)])[..2],
            [0, 1],
            "an edge belongs to the bin above"
        );
    }
}
