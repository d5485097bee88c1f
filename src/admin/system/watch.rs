//! The state of this instance, sampled every ten seconds and judged by the rules.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::rules::{RULES, Readings, State};
use crate::app::App;
use crate::error::Result;
use crate::jobs::{self, LastRun};
use crate::outbox;
use crate::telemetry::{Counts, Ring};

/// Rates and quantiles are over this time.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// The counters at a moment, and what they meant then.
#[derive(Clone, Debug)]
struct Sample {
    at: DateTime<Utc>,
    counts: Counts,
    readings: Readings,
}

/// Everything that can be said of this instance now.
#[derive(Clone, Debug)]
pub struct Look {
    pub at: DateTime<Utc>,
    pub readings: Readings,
    /// as [`RULES`], with the time since when each is broken
    pub states: Vec<(State, Option<DateTime<Utc>>)>,
    /// boards asked for and queries made within the window
    pub boards: u64,
    pub queries: u64,
    pub outbox_depth: i64,
    pub jobs: Vec<LastRun>,
    /// hit rates and 95th percentiles of the samples, the oldest first
    pub hit_rates: Vec<Option<f64>>,
    pub p95s: Vec<Option<f64>>,
}

/// Keeps samples and since when which threshold is broken. Cheap to clone.
#[derive(Clone, Default)]
pub struct Watch {
    samples: Ring<Sample>,
    broken: Arc<Mutex<[Option<DateTime<Utc>>; RULES.len()]>>,
}

impl Watch {
    /// Takes a sample, judges it, and sets the gauges of the metrics.
    pub async fn tick(&self, app: &App) -> Result<()> {
        let look = self.look(app).await?;
        self.samples.push(Sample {
            at: look.at,
            counts: app.db.vitals.counts(),
            readings: look.readings,
        });
        for (rule, (state, _)) in RULES.iter().zip(&look.states) {
            metrics::gauge!("pulseboard_threshold_state", "rule" => rule.name).set(*state as u8);
        }
        metrics::gauge!("pulseboard_outbox_depth").set(look.outbox_depth as f64);
        if let Some(rate) = look.readings.hit_rate {
            metrics::gauge!("pulseboard_board_hit_ratio").set(rate);
        }
        Ok(())
    }

    /// The state now.
    pub async fn look(&self, app: &App) -> Result<Look> {
        let at = app.db.clock.now();
        let counts = app.db.vitals.counts();
        let samples = self.samples.all();
        let earlier = samples
            .iter()
            .rfind(|sample| at - sample.at >= WINDOW)
            .or(samples.first());
        let window = counts.since(&earlier.map_or_else(Counts::default, |sample| sample.counts));
        let jobs = jobs::last_runs(&app.db).await?;
        let refresh = jobs.iter().find(|run| run.job == "refresh");
        let (boards, stale) = app.boards.stale_share();
        let readings = Readings {
            hit_rate: window.hit_rate(),
            p50: window.quantile(0.5),
            p95: window.quantile(0.95),
            p99: window.quantile(0.99),
            refresh: refresh.map(|run| seconds(run.finished_at - run.claimed_at)),
            stale: (boards > 0).then(|| stale as f64 / boards as f64),
        };
        Ok(Look {
            at,
            readings,
            states: self.judge(&readings, at),
            boards: window.boards(),
            queries: window.queries(),
            outbox_depth: outbox::depth(&app.db).await?,
            jobs,
            hit_rates: samples.iter().map(|sample| sample.readings.hit_rate).collect(),
            p95s: samples.iter().map(|sample| sample.readings.p95).collect(),
        })
    }

    fn judge(&self, readings: &Readings, now: DateTime<Utc>) -> Vec<(State, Option<DateTime<Utc>>)> {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        let judged = RULES.iter().zip(broken.iter_mut()).map(|(rule, since)| {
            let (state, still) = rule.judge(readings, *since, now);
            *since = still;
            (state, still)
        });
        judged.collect()
    }
}

pub fn seconds(time: TimeDelta) -> f64 {
    time.num_microseconds().unwrap_or(i64::MAX) as f64 / 1e6
}
