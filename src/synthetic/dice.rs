//! Chance that repeats itself: the same seed throws the same numbers.

use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub(super) struct Dice(StdRng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(StdRng::seed_from_u64(seed))
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.random::<f64>()
    }

    /// A whole number in `[0, end)`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }

    pub fn minutes(&mut self, low: f64, high: f64) -> TimeDelta {
        TimeDelta::seconds((self.between(low, high) * 60.0) as i64)
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// An index, each as likely as its weight.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut rest = self.between(0.0, weights.clone().sum());
        for (index, weight) in weights.enumerate() {
            rest -= weight;
            if rest < 0.0 {
                return index;
            }
        }
        0
    }

    /// A count of independent happenings (Knuth's product of uniforms; beyond 30 the normal approximation).
    pub fn poisson(&mut self, mean: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            return (mean + self.normal() * mean.sqrt()).round().max(0.0) as u32;
        }
        let limit = (-mean).exp();
        let mut count = 0;
        let mut product: f64 = self.0.random();
        while product > limit {
            count += 1;
            product *= self.0.random::<f64>();
        }
        count
    }

    /// Close to the standard normal: the sum of twelve uniforms less six.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.0.random::<f64>()).sum::<f64>() - 6.0
    }

    /// Half of them below the median, and a tail the heavier the larger `spread` is (log-normal).
    pub fn heavy(&mut self, median: f64, spread: f64) -> f64 {
        median * (self.normal() * spread).exp()
    }

    /// One of `[0, end)`, the first ones by far the most often: like the popularity of things (about Zipf's law).
    pub fn popular(&mut self, end: usize) -> usize {
        let most = (end.max(1) as f64).ln();
        let index = (self.between(0.0, most).exp() - 1.0) as usize;
        index.min(end.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_out_at_their_mean() {
        let mut dice = Dice::new(3);
        for mean in [0.05, 1.3, 12.0, 80.0] {
            let sum: u32 = (0..4000).map(|_| dice.poisson(mean)).sum();
            let found = f64::from(sum) / 4000.0;
            assert!((found - mean).abs() < 0.1 * mean + 0.02, "{mean}: {found}");
        }
    }

    #[test]
    fn weights_are_respected() {
        let mut dice = Dice::new(4);
        let hits = (0..4000).filter(|_| dice.weighted([1.0, 3.0].into_iter()) == 1).count();
        assert!((2850..3150).contains(&hits), "{hits}");
    }
}
