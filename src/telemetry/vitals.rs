//! What one instance counts about itself for its own System page: the same events as the Prometheus metrics, in numbers
//! that can be read back, and a ring of samples over the last quarter of an hour.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{Counter, Histogram};

use super::SECONDS;

/// Buckets of a histogram of seconds; the last is all beyond the longest bound.
const BUCKETS: usize = SECONDS.len() + 1;

/// Counters since the start. Cheap to clone.
#[derive(Clone, Default)]
pub struct Vitals(Arc<Counters>);

#[derive(Default)]
struct Counters {
    boards: BoardMetrics,
    hits: AtomicU64,
    stale: AtomicU64,
    misses: AtomicU64,
    queries: [AtomicU64; BUCKETS],
    /// the largest id of the outbox that reached this instance
    heard: AtomicI64,
}

/// The metrics of boards, by hand: looking one up by its name took longer than counting.
struct BoardMetrics {
    requests: [(&'static str, Counter); 4],
    age: Histogram,
}

impl Default for BoardMetrics {
    fn default() -> Self {
        let counter = |cache| {
            (
                cache,
                metrics::counter!("pulseboard_board_requests_total", "cache" => cache),
            )
        };
        BoardMetrics {
            requests: ["hit", "stale", "kept", "miss"].map(counter),
            age: metrics::histogram!("pulseboard_board_cache_age_seconds"),
        }
    }
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// boards answered from memory, fresh
    pub hits: u64,
    /// from memory, past their freshness
    pub stale: u64,
    /// looked up while somebody waited
    pub misses: u64,
    queries: [u64; BUCKETS],
}

impl Vitals {
    /// A board of this age was answered; `cache` is the label of the metric.
    pub fn board(&self, cache: &str, age: Duration) {
        let metrics = &self.0.boards;
        if let Some((_, requests)) = metrics.requests.iter().find(|(label, _)| *label == cache) {
            requests.increment(1);
        }
        metrics.age.record(age);
        let counter = match cache {
            "hit" => &self.0.hits,
            "stale" => &self.0.stale,
            _ => &self.0.misses,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// A query that somebody waited for took this long.
    pub fn query(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = SECONDS.partition_point(|&bound| bound < seconds);
        self.0.queries[bucket].fetch_add(1, Relaxed);
    }

    /// Rows of the outbox up to this id have reached this instance.
    pub fn heard(&self, id: i64) {
        self.0.heard.fetch_max(id, Relaxed);
    }

    pub fn heard_up_to(&self) -> i64 {
        self.0.heard.load(Relaxed)
    }

    pub fn counts(&self) -> Counts {
        Counts {
            hits: self.0.hits.load(Relaxed),
            stale: self.0.stale.load(Relaxed),
            misses: self.0.misses.load(Relaxed),
            queries: std::array::from_fn(|bucket| self.0.queries[bucket].load(Relaxed)),
        }
    }
}

impl Counts {
    /// What was counted since an earlier moment.
    pub fn since(&self, earlier: &Counts) -> Counts {
        Counts {
            hits: self.hits.saturating_sub(earlier.hits),
            stale: self.stale.saturating_sub(earlier.stale),
            misses: self.misses.saturating_sub(earlier.misses),
            queries: std::array::from_fn(|bucket| self.queries[bucket].saturating_sub(earlier.queries[bucket])),
        }
    }

    pub fn boards(&self) -> u64 {
        self.hits + self.stale + self.misses
    }

    /// Share of boards answered from memory, 0 to 1; none when nobody asked.
    pub fn hit_rate(&self) -> Option<f64> {
        (self.boards() > 0).then(|| (self.hits + self.stale) as f64 / self.boards() as f64)
    }

    pub fn queries(&self) -> u64 {
        self.queries.iter().sum()
    }

    /// Seconds that this share of the queries stayed under, interpolated within its bucket as Prometheus'
    /// `histogram_quantile` does; none when there was no query.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let rank = share * self.queries() as f64;
        let mut below = 0u64;
        for (bucket, &count) in self.queries.iter().enumerate().filter(|(_, count)| **count > 0) {
            let upper = SECONDS.get(bucket).copied();
            let lower = if bucket == 0 { 0.0 } else { SECONDS[bucket - 1] };
            if (below + count) as f64 >= rank {
                let within = (rank - below as f64) / count as f64;
                return Some(upper.map_or(lower, |upper| lower + (upper - lower) * within));
            }
            below += count;
        }
        None
    }
}

/// Time between samples, and how many are kept: a quarter of an hour.
pub const EVERY: Duration = Duration::from_secs(10);
const KEPT: usize = 91;

/// Samples of anything, the newest last. Cheap to clone.
#[derive(Clone)]
pub struct Ring<T>(Arc<Mutex<VecDeque<T>>>);

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Ring(Arc::default())
    }
}

impl<T: Clone> Ring<T> {
    pub fn push(&self, sample: T) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == KEPT {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// All of them, the oldest first.
    pub fn all(&self) -> Vec<T> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_quantiles_are_of_what_was_counted_between_two_moments() {
        let vitals = Vitals::default();
        vitals.board("miss", Duration::ZERO);
        vitals.query(Duration::from_secs(9));
        let before = vitals.counts();
        for _ in 0..9 {
            vitals.board("hit", Duration::ZERO);
            vitals.query(Duration::from_millis(2));
        }
        vitals.board("miss", Duration::ZERO);
        vitals.query(Duration::from_millis(700));

        let between = vitals.counts().since(&before);

        assert_eq!(between.hit_rate(), Some(0.9));
        // nine in the bucket up to 2.5 ms, one in that up to 1 s
        assert!(between.quantile(0.5).unwrap() < 0.0025);
        assert!((between.quantile(0.95).unwrap() - 0.75).abs() < 0.001);
        assert_eq!(Counts::default().quantile(0.5), None);
        assert_eq!(Counts::default().hit_rate(), None);
    }

    #[test]
    fn a_ring_forgets_the_oldest() {
        let ring = Ring::default();
        (0..200).for_each(|number| ring.push(number));

        assert_eq!((ring.all().len(), ring.all()[0]), (KEPT, 200 - KEPT));
    }
}
