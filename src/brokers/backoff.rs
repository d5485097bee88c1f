//! Waiting before the next try: a random time below a ceiling that doubles, so that many instances do not come back to a
//! broker at the same moment.

use std::time::Duration;

use rand::RngExt;

const BASE: Duration = Duration::from_millis(100);
/// A broker that is back has its consumers within this time and that of a connection.
const CAP: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// How long to wait now.
    pub fn next(&mut self) -> Duration {
        let ceiling = self.ceiling();
        self.tries = self.tries.saturating_add(1);
        ceiling.mul_f64(rand::rng().random::<f64>())
    }

    pub fn reset(&mut self) {
        self.tries = 0;
    }

    fn ceiling(self) -> Duration {
        BASE.saturating_mul(1 << self.tries.min(16)).min(CAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_its_cap_and_every_wait_lies_below_it() {
        let mut backoff = Backoff::default();
        let mut ceilings = Vec::new();
        for _ in 0..40 {
            let ceiling = backoff.ceiling();
            assert!(backoff.next() <= ceiling);
            ceilings.push(ceiling.as_millis());
        }
        backoff.reset();

        assert_eq!(ceilings[..9], [100, 200, 400, 800, 1600, 3200, 6400, 12800, 15000]);
        assert_eq!(ceilings[39], 15000);
        assert_eq!(backoff.ceiling(), BASE);
    }
}
