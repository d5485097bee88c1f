//! Work on a schedule. The scheduler only ticks; a slot (a job's name and a time) is claimed in the database, so that a
//! schedule runs once however many instances there are, and each claim has a number that its effect can check.

mod claim;

pub use claim::{Claim, confirm};

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::db::Db;
use crate::error::Result;

/// Ticks jobs until it is stopped.
pub struct Schedule {
    db: Db,
    scheduler: JobScheduler,
    runs: TaskTracker,
    stopping: CancellationToken,
}

/// Between two looks at the clock, at most: a job that is due daily must not wait for a process that lives a day.
const LONGEST_TICK: Duration = Duration::from_secs(60);

impl Schedule {
    pub async fn new(db: Db) -> anyhow::Result<Self> {
        Ok(Schedule {
            db,
            scheduler: JobScheduler::new().await?,
            runs: TaskTracker::new(),
            stopping: CancellationToken::new(),
        })
    }

    /// Runs `work` once in every slot of `period` over all instances. Slots are counted in UTC from the epoch, so they
    /// know neither daylight saving nor when a process started: whoever ticks first in a slot that nobody has run runs
    /// it. A failed run is logged and its slot is not tried again; one whose process died is.
    pub async fn every<F, W>(&self, job: &'static str, period: Duration, work: W) -> anyhow::Result<()>
    where
        W: Fn(Claim) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let db = self.db.clone();
        let work = Arc::new(work);
        let (runs, stopping) = (self.runs.clone(), self.stopping.clone());
        let ticker = Job::new_repeated_async(period.min(LONGEST_TICK), move |_, _| {
            let (db, work, stopping) = (db.clone(), work.clone(), stopping.clone());
            let run = async move { stopping.run_until_cancelled(run(&db, job, period, &*work)).await };
            Box::pin(runs.track_future(run).map(drop))
        })?;
        self.scheduler.add(ticker).await?;
        Ok(())
    }

    pub async fn start(&self) -> anyhow::Result<()> {
        Ok(self.scheduler.start().await?)
    }

    /// Ends the ticking and what runs: a slot that is left unfinished is taken over by whoever ticks next.
    pub async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::warn!(%error, "the scheduler did not stop");
        }
        self.stopping.cancel();
        self.runs.close();
        self.runs.wait().await;
    }
}

async fn run<F: Future<Output = Result<()>> + Send>(
    db: &Db,
    job: &'static str,
    period: Duration,
    work: &(impl Fn(Claim) -> F + Sync),
) {
    let claim = match Claim::take(db, job, slot_of(db.clock.now(), period)).await {
        Ok(Some(claim)) => claim,
        Ok(None) => return,
        Err(error) => return tracing::warn!(job, %error, "a slot could not be claimed"),
    };
    let begun = Instant::now();
    let span = tracing::info_span!("job", job);
    let outcome = claim.keep_alive(db, work(claim.clone())).instrument(span).await;
    let duration = begun.elapsed();
    metrics::histogram!("pulseboard_job_seconds", "job" => job).record(duration);
    match &outcome {
        Ok(()) => {
            metrics::gauge!("pulseboard_job_last_success_timestamp_seconds", "job" => job)
                .set(Utc::now().timestamp() as f64);
            tracing::debug!(job, duration_ms = duration.as_millis() as u64, "job done");
        }
        Err(error) => tracing::error!(job, %error, "job failed"),
    }
    if let Err(error) = claim.finish(db, &outcome).await {
        tracing::warn!(job, %error, "the outcome of a job could not be noted");
    }
}

/// The start of the slot that holds this instant.
pub fn slot_of(now: DateTime<Utc>, period: Duration) -> DateTime<Utc> {
    let period = period.as_secs().max(1) as i64;
    let start = now.timestamp().div_euclid(period) * period;
    DateTime::from_timestamp(start, 0).unwrap_or(now)
}

/// How a job went lately, on whatever instance.
#[derive(Clone, Debug)]
pub struct LastRun {
    pub job: String,
    /// the last run that ended
    pub claimed_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    /// `done`, or what went wrong
    pub outcome: String,
    /// another is under way
    pub running: bool,
}

/// The last run of every job that ever ran, by name. Steps from name to name in the index: a job that runs every five
/// seconds has half a million rows a month.
pub async fn last_runs(db: &Db) -> Result<Vec<LastRun>> {
    let runs = sqlx::query_as!(
        LastRun,
        r#"with recursive names as (
             (select job from job_runs order by job limit 1)
             union all
             select (select r.job from job_runs r where r.job > n.job order by r.job limit 1) from names n where n.job is not null
           )
           select n.job as "job!", ended.claimed_at as "claimed_at!", ended.finished_at as "finished_at!",
                  coalesce(ended.outcome, '') as "outcome!",
                  (select r.finished_at is null and r.heartbeat_at > clock_timestamp() - interval '30 s'
                   from job_runs r where r.job = n.job order by r.slot desc limit 1) as "running!"
           from names n
           cross join lateral (select claimed_at, finished_at, outcome from job_runs r
                               where r.job = n.job and r.finished_at is not null order by r.slot desc limit 1) ended
           where n.job is not null order by 1"#
    )
    .fetch_all(db.background())
    .await?;
    Ok(runs)
}

/// Removes the record of runs older than a month.
pub async fn prune(db: &Db) -> Result<u64> {
    let done = sqlx::query!("delete from job_runs where slot < clock_now() - interval '30 days'")
        .execute(db.background())
        .await?;
    Ok(done.rows_affected())
}
