//! Finding the cases of a correlation among the events of one key: so many of the first step, then so many of the second,
//! and so on, all within a time.
//!
//! A case *covers* the window that ends with it: the events in there belong to it and to no other, also those that come
//! later. So each case is found once, in whatever order and however often its events arrive.

use chrono::{DateTime, TimeDelta, Utc};

/// How many of each step, and within which time, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub counts: Vec<usize>,
    pub within: TimeDelta,
}

/// An event that can fill steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub at: DateTime<Utc>,
    /// a bit for each step that it can fill
    pub steps: u8,
}

impl Candidate {
    fn fills(&self, step: usize) -> bool {
        self.steps & (1 << step) != 0
    }
}

/// A case: the places of its events, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub events: Vec<usize>,
}

impl Pattern {
    /// The cases among `candidates`, which are in order of time, those of one instant in the order of their steps.
    /// `ended` are the instants at which known cases ended.
    pub fn cases(&self, candidates: &[Candidate], ended: &[DateTime<Utc>]) -> Vec<Case> {
        let Some(last) = self.counts.len().checked_sub(1) else {
            return vec![];
        };
        let mut ended = ended.to_vec();
        let mut cases = Vec::new();
        for end in 0..candidates.len() {
            let at = candidates[end].at;
            if !candidates[end].fills(last) || self.is_covered(at, &ended) {
                continue;
            }
            let free = |event: &Candidate| at - event.at <= self.within && !self.is_covered(event.at, &ended);
            if let Some(events) = self.ending_with(&candidates[..=end], free) {
                cases.push(Case { events });
                ended.push(at);
            }
        }
        cases
    }

    fn is_covered(&self, at: DateTime<Utc>, ended: &[DateTime<Utc>]) -> bool {
        ended.iter().any(|end| *end - self.within <= at && at <= *end)
    }

    /// From the last event backwards, each step filled by the latest events that can: if there is a case at all that ends
    /// here, this finds the shortest.
    fn ending_with(&self, candidates: &[Candidate], free: impl Fn(&Candidate) -> bool) -> Option<Vec<usize>> {
        let mut wanted = self
            .counts
            .iter()
            .enumerate()
            .rev()
            .flat_map(|(step, count)| std::iter::repeat_n(step, *count));
        let mut next = wanted.next();
        let mut events = Vec::new();
        for (place, event) in candidates.iter().enumerate().rev() {
            match next {
                Some(step) if event.fills(step) && free(event) => {
                    events.push(place);
                    next = wanted.next();
                }
                Some(_) => {}
                None => break,
            }
        }
        events.reverse();
        next.is_none().then_some(events)
    }
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
