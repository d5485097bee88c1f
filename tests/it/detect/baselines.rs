//! Simple detectors to beat. Each gives a score per row from the rows up to it; the trial gives each the threshold that suits it best.

use std::collections::VecDeque;

use super::dice::Dice;
use super::series::Series;

pub type Baseline = fn(&Series) -> Vec<f64>;

pub const BASELINES: [(&str, Baseline); 8] = [
    ("three sigma", three_sigma),
    ("windowed Gaussian", windowed_gaussian),
    ("EWMA chart", ewma),
    ("median and MAD", median_mad),
    ("seasonal naive", seasonal),
    ("last value", last_value),
    ("always", always),
    ("random", random),
];

fn values(series: &Series) -> impl Iterator<Item = f64> + '_ {
    series.rows.iter().map(|row| row.1)
}

/// Distance in sigmas as a number below 1, so that thresholds mean the same for all.
fn squash(z: f64) -> f64 {
    if z.is_finite() {
        z.abs() / (z.abs() + 4.0)
    } else {
        0.9999
    }
}

#[derive(Default)]
struct Moments {
    n: f64,
    mean: f64,
    m2: f64,
}

impl Moments {
    fn add(&mut self, x: f64) {
        self.n += 1.0;
        let delta = x - self.mean;
        self.mean += delta / self.n;
        self.m2 += delta * (x - self.mean);
    }

    fn z(&self, x: f64) -> f64 {
        if self.n < 10.0 {
            0.0
        } else {
            (x - self.mean) / (self.m2 / self.n).sqrt().max(1e-9)
        }
    }
}

fn three_sigma(series: &Series) -> Vec<f64> {
    let mut all = Moments::default();
    values(series)
        .map(|x| {
            let z = all.z(x);
            all.add(x);
            squash(z)
        })
        .collect()
}

/// Mean and deviation of the last 500.
fn windowed_gaussian(series: &Series) -> Vec<f64> {
    let mut window: VecDeque<f64> = VecDeque::new();
    let (mut sum, mut squares) = (0.0, 0.0);
    values(series)
        .map(|x| {
            let n = window.len() as f64;
            let mean = sum / n.max(1.0);
            let deviation = (squares / n.max(1.0) - mean * mean).max(0.0).sqrt();
            let z = if n < 20.0 {
                0.0
            } else {
                (x - mean) / deviation.max(1e-9)
            };
            window.push_back(x);
            sum += x;
            squares += x * x;
            if window.len() > 500
                && let Some(old) = window.pop_front()
            {
                sum -= old;
                squares -= old * old;
            }
            squash(z)
        })
        .collect()
}

fn ewma(series: &Series) -> Vec<f64> {
    let (mut mean, mut variance, mut n) = (0.0, 0.0, 0.0f64);
    values(series)
        .map(|x| {
            n += 1.0;
            let share = (1.0 / n).max(0.02);
            let delta = x - mean;
            let z = if n < 20.0 {
                0.0
            } else {
                delta / f64::sqrt(variance).max(1e-9)
            };
            mean += share * delta;
            variance = (1.0 - share) * (variance + share * delta * delta);
            squash(z)
        })
        .collect()
}

/// The last 100.
fn median_mad(series: &Series) -> Vec<f64> {
    let mut window: VecDeque<f64> = VecDeque::new();
    values(series)
        .map(|x| {
            let mut sorted: Vec<f64> = window.iter().copied().collect();
            sorted.sort_by(f64::total_cmp);
            let z = if sorted.len() < 20 {
                0.0
            } else {
                let middle = sorted[sorted.len() / 2];
                let mut off: Vec<f64> = sorted.iter().map(|v| (v - middle).abs()).collect();
                off.sort_by(f64::total_cmp);
                (x - middle) / (1.48 * off[off.len() / 2]).max(1e-9)
            };
            window.push_back(x);
            if window.len() > 100 {
                window.pop_front();
            }
            squash(z)
        })
        .collect()
}

/// Against the same row a day before (a week before, for daily rows).
fn seasonal(series: &Series) -> Vec<f64> {
    let step = (series.rows[1].0 - series.rows[0].0).num_seconds().max(1);
    let lag = if step >= 86_400 { 7 } else { (86_400 / step) as usize };
    let all: Vec<f64> = values(series).collect();
    let mut off = Moments::default();
    (0..all.len())
        .map(|row| {
            if row < lag {
                return 0.0;
            }
            let delta = all[row] - all[row - lag];
            let z = off.z(delta);
            off.add(delta);
            squash(z)
        })
        .collect()
}

fn last_value(series: &Series) -> Vec<f64> {
    let all: Vec<f64> = values(series).collect();
    let mut off = Moments::default();
    (0..all.len())
        .map(|row| {
            let delta = all[row] - all[row.saturating_sub(1)];
            let z = off.z(delta);
            off.add(delta);
            squash(z)
        })
        .collect()
}

fn always(series: &Series) -> Vec<f64> {
    vec![0.5; series.rows.len()]
}

fn random(series: &Series) -> Vec<f64> {
    let mut dice = Dice::new(series.rows.len() as u64);
    series.rows.iter().map(|_| dice.uniform()).collect()
}
