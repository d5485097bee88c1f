//! How rare a deviation is among those seen before. Tails are estimated, not assumed: spikes that recur make further
//! spikes ordinary, and a series without them needs little to be surprised.

use std::f64::consts::{LN_2, LN_10};

use serde::{Deserialize, Serialize};

/// Bins for each doubling of the deviation, the exponent of the first bin's lower edge, and how many there are.
const PER_DOUBLING: f64 = 3.0;
const LOWEST: f64 = -4.0;
const BINS: usize = 72;
/// The share of deviations, and the least number of them, that the shape of the tail is read from.
const SHARE: f64 = 0.03;
const LEAST: f64 = 8.0;
/// What is believed of a tail before it was seen: an index of 1/5, worth ten deviations; and the lightest believed at all.
const PRIOR_INDEX: f64 = 0.2;
const PRIOR_WEIGHT: f64 = 10.0;
const LIGHTEST: f64 = 0.06;
/// Rows between two fadings.
const FADE_EVERY: u8 = 32;
/// A row as surprising as this continues a run; rows of a run count the less, the longer it is: after so many, half.
const RUN: f64 = 1.3;
const RUN_HALF: f32 = 8.0;

/// The largest deviation that is told apart from larger ones.
pub(super) const LARGEST: f64 = 1e6;
/// The most surprise there is: once in a million million rows.
const MOST: f64 = 12.0;

/// A histogram of deviations with logarithmic bins; old ones fade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tail {
    bins: Vec<f32>,
    total: f32,
    run: f32,
    since_fading: u8,
}

impl Tail {
    pub fn new() -> Self {
        Tail {
            bins: vec![0.0; BINS],
            total: 0.0,
            run: 0.0,
            since_fading: 0,
        }
    }

    /// `-log10` of the chance of a deviation at least this large, as known before this one, which is remembered: after `half_life`
    /// further rows it counts half.
    pub fn observe(&mut self, deviation: f64, half_life: f64) -> f64 {
        let surprise = self.surprise(deviation);
        self.since_fading += 1;
        if self.since_fading == FADE_EVERY {
            self.since_fading = 0;
            let kept = 0.5f64.powf(f64::from(FADE_EVERY) / half_life) as f32;
            self.bins.iter_mut().for_each(|weight| *weight *= kept);
            self.total *= kept;
        }
        // an event of two hundred rows is not two hundred events, or the next of its kind would be ordinary
        let weight = if surprise > RUN {
            self.run += 1.0;
            1.0 / (1.0 + (self.run - 1.0) / RUN_HALF)
        } else {
            self.run *= 0.9;
            1.0
        };
        self.bins[place(deviation) as usize] += weight;
        self.total += weight;
        surprise
    }

    /// Above the bulk by Hill's estimator (*A simple general approach to inference about the tail of a distribution*, 1975), shrunk
    /// towards a prior; below by counting.
    fn surprise(&self, deviation: f64) -> f64 {
        let total = f64::from(self.total);
        if total < LEAST || deviation <= LOWEST.exp2() {
            return 0.0;
        }
        let wanted = (total * SHARE).max(LEAST);
        let own = place(deviation);
        let (mut edge, mut above, mut excess) = (BINS, 0.0, 0.0);
        // the first bin holds what is no deviation, and belongs to no tail
        while edge > 1 && above < wanted {
            edge -= 1;
            let weight = f64::from(self.bins[edge]);
            above += weight;
            excess += weight * (edge as f64 + 0.5);
        }
        let surprise = if (own as usize) < edge {
            let between: f32 = self.bins[own as usize..edge].iter().sum();
            (total / (above + f64::from(between)).max(0.5)).log10()
        } else {
            let per_bin = LN_2 / PER_DOUBLING;
            let excess = (excess - edge as f64 * above) * per_bin;
            let index = (PRIOR_INDEX * PRIOR_WEIGHT + excess) / (PRIOR_WEIGHT + above);
            let beyond = (own - edge as f64) * per_bin;
            (total / above.max(0.5)).log10() + beyond / index.max(LIGHTEST) / LN_10
        };
        surprise.clamp(0.0, MOST)
    }
}

/// Where a deviation lies among the bins, with its fraction.
fn place(deviation: f64) -> f64 {
    let exponent = deviation.clamp(LOWEST.exp2(), LARGEST).log2();
    ((exponent - LOWEST) * PER_DOUBLING).clamp(0.0, BINS as f64 - 0.01)
}
