//! The trial of the detector: labelled series that are made here, rules to judge by, and simple detectors to beat.

#[path = "baselines.rs"]
pub mod baselines;
#[path = "dice.rs"]
pub mod dice;
#[path = "families.rs"]
pub mod families;
#[path = "held_out.rs"]
pub mod held_out;
#[path = "score.rs"]
pub mod score;
#[path = "series.rs"]
pub mod series;

use baselines::BASELINES;
use pulseboard::detect::{Detector, Settings};
use score::{Tally, judge};
use series::Series;

/// One series of each kind for each seed.
pub fn made(kinds: &[fn(u64) -> Series], seeds: std::ops::Range<u64>) -> Vec<Series> {
    let each = kinds.iter().flat_map(|kind| seeds.clone().map(kind));
    each.collect()
}

/// What the detector says of each row: scores, and 1 for alerts.
pub fn detected(series: &[Series]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let one = |series: &Series| -> (Vec<f64>, Vec<f64>) {
        let mut detector = Detector::new(Settings::default());
        let verdicts = series.rows.iter().map(|(time, value)| detector.observe(*time, *value));
        verdicts
            .map(|verdict| (verdict.score, f64::from(u8::from(verdict.alert))))
            .unzip()
    };
    series.iter().map(one).unzip()
}

/// The sums over all series where a row is an alert when its score reaches the threshold.
pub fn at(series: &[Series], scores: &[Vec<f64>], threshold: f64) -> Tally {
    let mut sum = Tally::default();
    for (one, scores) in series.iter().zip(scores) {
        sum.add(judge(one, scores, threshold));
    }
    sum
}

/// The sums of each kind, in words.
pub fn by_kind(series: &[Series], alerts: &[Vec<f64>]) -> Vec<(&'static str, String)> {
    let kinds = series.chunk_by(|a, b| a.family == b.family);
    let mut begin = 0;
    let told = kinds.map(|kind| {
        let sum = at(kind, &alerts[begin..begin + kind.len()], 0.5);
        begin += kind.len();
        (kind[0].family, sum.told())
    });
    told.collect()
}

/// The sums at the one threshold that gives the most points.
pub fn best(series: &[Series], scores: &[Vec<f64>]) -> Tally {
    (1..=200)
        .map(|step| at(series, scores, f64::from(step) / 199.0))
        .max_by(|a, b| a.points().total_cmp(&b.points()))
        .expect("thresholds")
}

/// Each simple detector with the sums at its best threshold.
pub fn simple(series: &[Series]) -> Vec<(&'static str, Tally)> {
    let tried = BASELINES.iter().map(|(name, baseline)| {
        let scores: Vec<_> = series.iter().map(baseline).collect();
        (*name, best(series, &scores))
    });
    tried.collect()
}
