//! A claimed slot: kept by a heartbeat, lost when its holder falls silent, and known by a number that only grows.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::db::Db;
use crate::error::{Error, Result};

/// The right to run one job in one slot.
#[derive(Clone, Debug)]
pub struct Claim {
    pub job: &'static str,
    pub slot: DateTime<Utc>,
    fence: i64,
}

const HEARTBEAT: Duration = Duration::from_secs(5);

impl Claim {
    /// Claims the slot unless somebody has it. A holder silent for 30 s has lost it.
    pub async fn take(db: &Db, job: &'static str, slot: DateTime<Utc>) -> Result<Option<Claim>> {
        let fence = sqlx::query_scalar!(
            "insert into job_runs (job, slot) values ($1, $2)
             on conflict (job, slot) do update
                set fence = nextval('job_fence'), claimed_at = clock_timestamp(), heartbeat_at = clock_timestamp()
                where job_runs.finished_at is null and job_runs.heartbeat_at < clock_timestamp() - interval '30 s'
             returning fence",
            job,
            slot
        )
        .fetch_optional(db.background())
        .await?;
        Ok(fence.map(|fence| Claim { job, slot, fence }))
    }

    /// Runs the work and says every few seconds that it still goes on.
    pub async fn keep_alive<T>(&self, db: &Db, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(HEARTBEAT) => {
                    let beat = sqlx::query!(
                        "update job_runs set heartbeat_at = clock_timestamp() where job = $1 and slot = $2 and fence = $3",
                        self.job, self.slot, self.fence
                    );
                    if let Err(error) = beat.execute(db.background()).await {
                        tracing::warn!(job = self.job, %error, "heartbeat failed");
                    }
                }
            }
        }
    }

    /// Notes how it ended.
    pub async fn finish(&self, db: &Db, outcome: &Result<()>) -> Result<()> {
        let outcome = outcome.as_ref().map_or_else(ToString::to_string, |()| "done".into());
        sqlx::query!(
            "update job_runs set finished_at = clock_timestamp(), outcome = $4 where job = $1 and slot = $2 and fence = $3",
            self.job,
            self.slot,
            self.fence,
            outcome
        )
        .execute(db.background())
        .await?;
        Ok(())
    }
}

/// Inside the transaction of the effect: fails when somebody else has taken the slot meanwhile, so that the effect of
/// a run that was thought dead never commits beside that of its successor.
pub async fn confirm(tx: &mut PgConnection, claim: &Claim) -> Result<()> {
    let held = sqlx::query_scalar!(
        "select 1 as held from job_runs where job = $1 and slot = $2 and fence = $3 for update",
        claim.job,
        claim.slot,
        claim.fence
    )
    .fetch_optional(tx)
    .await?;
    if held.is_some() {
        Ok(())
    } else {
        Err(Error::Conflict(format!("the slot of {} was taken over", claim.job)))
    }
}
