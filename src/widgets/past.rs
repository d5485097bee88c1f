//! Days that are over, kept in memory: what was counted on them does not change any more, so a year of it is read once
//! and only the last days again and again. Kept for minutes, because a repair may still reach back.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Days;
use sqlx::PgConnection;

use super::source::{Frame, Measure, Nature, Query, Source};
use crate::db::Scope;
use crate::error::Result;
use crate::figures::{Dimension, Row};

/// How long an answer about days that are over is believed.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// Answers kept at most; the oldest go first.
const KEPT: usize = 400;
/// The last days are always read: what happens about midnight, in zones ahead and behind, is not over everywhere.
const OPEN_DAYS: u64 = 3;
/// A shorter past is as quickly read as remembered.
const WORTH_IT: i64 = 14;

type Key = (Scope, Query);
type Kept = HashMap<Key, (Instant, Arc<Frame>)>;

/// What was read of the past, shared by all boards of one database. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Past(Arc<Mutex<Kept>>);

impl Past {
    /// The answer to a question: its open days just read, its closed ones perhaps remembered. The scope is part of what is
    /// remembered, because it is part of what may be counted.
    pub(super) async fn load(
        &self,
        tx: &mut PgConnection,
        source: &dyn Source,
        measure: &Measure,
        query: &Query,
        scope: &Scope,
    ) -> Result<Frame> {
        // the sums of closed days are over the network, and asking them once is less than asking twice
        let whole = *scope == Scope::All;
        let Some((closed, open)) = split(measure, query).filter(|_| !whole) else {
            return source.load(tx, query).await;
        };
        let recent = source.load(tx, &open).await?;
        let key = (scope.clone(), closed);
        let past = match self.kept(&key) {
            Some(frame) => frame,
            None => {
                let frame = Arc::new(source.load(tx, &key.1).await?);
                self.keep(key, frame.clone());
                frame
            }
        };
        Ok(joined(&past, recent))
    }

    fn kept(&self, key: &Key) -> Option<Arc<Frame>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, frame) = kept.get(key)?;
        (since.elapsed() < KEPT_FOR).then(|| frame.clone())
    }

    fn keep(&self, key: Key, frame: Arc<Frame>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, (since, _)| since.elapsed() < KEPT_FOR);
        }
        if kept.len() >= KEPT
            && let Some(oldest) = kept
                .iter()
                .min_by_key(|(_, (since, _))| *since)
                .map(|(key, _)| key.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(key, (Instant::now(), frame));
    }

    /// Forgets everything: after a repair or an import of the past.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A question in two, about days that are over and days that may not be; none where the two answers do not add up.
fn split(measure: &Measure, query: &Query) -> Option<(Query, Query)> {
    let by_day = query.cut.by.first() == Some(&Dimension::Day);
    let adds = match measure.nature {
        Nature::Count | Nature::Ratio => measure.past,
        Nature::Level | Nature::Worst => measure.past && by_day,
    };
    if !adds || !query.live || (query.cut.last - query.cut.first).num_days() < WORTH_IT {
        return None;
    }
    let (mut closed, mut open) = (query.clone(), query.clone());
    closed.cut.last = query.cut.last - Days::new(OPEN_DAYS);
    closed.live = false;
    open.cut.first = closed.cut.last + Days::new(1);
    Some((closed, open))
}

fn joined(past: &Frame, recent: Frame) -> Frame {
    let mut rows: BTreeMap<(&str, &str), (f64, Option<f64>)> = BTreeMap::new();
    for row in past.rows.iter().chain(&recent.rows) {
        let sum = rows.entry((&row.first, &row.second)).or_insert((0.0, None));
        sum.0 += row.value;
        sum.1 = match (sum.1, row.over) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or_default() + b.unwrap_or_default()),
        };
    }
    let rows = rows
        .into_iter()
        .map(|((first, second), (value, over))| Row {
            first: first.into(),
            second: second.into(),
            value,
            over,
        })
        .collect();
    let mut known = past.known.clone();
    known.extend(&recent.known);
    Frame {
        rows,
        known,
        by: recent.by,
        as_of: recent.as_of,
        last_is_partial: recent.last_is_partial,
    }
}
