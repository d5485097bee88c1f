//! Work on a schedule: a slot runs once however many schedulers tick, and a run that was thought dead commits nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use pulseboard::jobs::{self, Claim, Schedule, slot_of};
use pulseboard::summary;

use crate::support::{TestApp, eventually};

fn slot(app: &TestApp) -> DateTime<Utc> {
    slot_of(app.db.clock.now(), Duration::from_secs(300))
}

#[tokio::test]
async fn of_many_who_claim_a_slot_one_gets_it() {
    let app = TestApp::new().await;
    let slot = slot(&app);

    let claims = join_all((0..20).map(|_| Claim::take(&app.db, "refresh", slot))).await;

    let won = claims
        .into_iter()
        .filter(|claim| claim.as_ref().unwrap().is_some())
        .count();
    let next = Claim::take(&app.db, "refresh", slot + TimeDelta::minutes(5))
        .await
        .unwrap();
    let other = Claim::take(&app.db, "expire", slot).await.unwrap();
    assert_eq!(won, 1);
    assert!(next.is_some() && other.is_some());
}

#[tokio::test]
async fn two_schedulers_run_each_slot_once() {
    let app = TestApp::new().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let mut schedules = Vec::new();
    for _ in 0..2 {
        let schedule = Schedule::new(app.db.clone()).await.unwrap();
        let runs = runs.clone();
        let count = move |_| {
            let runs = runs.clone();
            async move {
                runs.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        };
        schedule.every("count", Duration::from_secs(1), count).await.unwrap();
        schedule.start().await.unwrap();
        schedules.push(schedule);
    }

    let done = "select count(*) from job_runs where job = 'count' and finished_at is not null and outcome = 'done'";
    let finished: i64 = eventually("two slots have run", || async {
        let finished: i64 = sqlx::query_scalar(done).fetch_one(app.db.background()).await.unwrap();
        (finished >= 2).then_some(finished)
    })
    .await;
    for schedule in schedules {
        schedule.stop().await;
    }

    assert!(runs.load(Ordering::SeqCst) as i64 - finished <= 1, "a slot ran twice");
}

#[tokio::test]
async fn a_run_whose_slot_was_taken_over_commits_nothing() {
    let app = TestApp::new().await;
    app.facility("Lakeside").await;
    let (slot, old) = (slot(&app), refreshed_at(&app).await);
    let dead = Claim::take(&app.db, "refresh", slot).await.unwrap().unwrap();
    sqlx::query("update job_runs set heartbeat_at = heartbeat_at - interval '31 seconds'")
        .execute(&mut app.owner().await)
        .await
        .unwrap();

    let successor = Claim::take(&app.db, "refresh", slot).await.unwrap().unwrap();
    let ghost = summary::refresh_all(&app.db, Some(&dead)).await;
    let before = refreshed_at(&app).await;
    let real = summary::refresh_all(&app.db, Some(&successor)).await;
    dead.finish(&app.db, &Ok(())).await.unwrap();

    assert!(ghost.is_err());
    assert_eq!(before, old, "nothing of the ghost's work was kept");
    real.unwrap();
    assert!(refreshed_at(&app).await > old);
    let open: i64 = sqlx::query_scalar("select count(*) from job_runs where finished_at is null")
        .fetch_one(app.db.background())
        .await
        .unwrap();
    assert_eq!(open, 1, "the ghost cannot end the slot of its successor");
}

async fn refreshed_at(app: &TestApp) -> DateTime<Utc> {
    sqlx::query_scalar("select max(updated_at) from dashboard_daily_summary")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_holder_that_still_breathes_keeps_its_slot() {
    let app = TestApp::new().await;
    let slot = slot(&app);
    let holder = Claim::take(&app.db, "refresh", slot).await.unwrap().unwrap();
    sqlx::query("update job_runs set heartbeat_at = heartbeat_at - interval '29 seconds'")
        .execute(&mut app.owner().await)
        .await
        .unwrap();

    let thief = Claim::take(&app.db, "refresh", slot).await.unwrap();
    let mut tx = app.db.unscoped().begin().await.unwrap();

    assert!(thief.is_none());
    jobs::confirm(&mut tx, &holder).await.unwrap();
}

#[tokio::test]
async fn a_slot_that_is_done_is_never_run_again() {
    let app = TestApp::new().await;
    let slot = slot(&app);
    let claim = Claim::take(&app.db, "refresh", slot).await.unwrap().unwrap();
    claim.finish(&app.db, &Ok(())).await.unwrap();
    sqlx::query("update job_runs set heartbeat_at = heartbeat_at - interval '1 day'")
        .execute(&mut app.owner().await)
        .await
        .unwrap();

    let again = Claim::take(&app.db, "refresh", slot).await.unwrap();

    assert!(again.is_none());
}

#[tokio::test]
async fn the_scheduled_refresh_renews_every_facility_and_moves_its_age() {
    let app = TestApp::new().await;
    for name in ["Lakeside", "Hilltop", "Riverbank"] {
        let facility = app.facility(name).await;
        app.stock(&facility).add().await;
    }
    app.travel(TimeDelta::minutes(7));

    summary::refresh_all(&app.db, None).await.unwrap();

    let oldest: DateTime<Utc> = sqlx::query_scalar("select min(updated_at) from dashboard_daily_summary")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert!(app.db.clock.now() - oldest < TimeDelta::minutes(1));
    app.verify().await;
}
