//! What is going to happen, by time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};
use serde_json::Value;

#[derive(Default)]
pub(super) struct Agenda {
    planned: BinaryHeap<Planned>,
    added: u64,
}

pub(super) struct Planned {
    pub at: DateTime<Utc>,
    order: u64,
    pub kind: &'static str,
    pub data: Value,
}

impl Agenda {
    pub fn add(&mut self, at: DateTime<Utc>, kind: &'static str, data: Value) {
        self.added += 1;
        self.planned.push(Planned {
            at,
            order: self.added,
            kind,
            data,
        });
    }

    pub fn next_before(&mut self, end: DateTime<Utc>) -> Option<Planned> {
        match self.planned.peek() {
            Some(first) if first.at < end => self.planned.pop(),
            _ => None,
        }
    }
}

/// The earliest is the greatest, as the heap wants it; of one instant, what was planned first.
impl Ord for Planned {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Planned {}
