//! Instances and connections that die in the middle of a batch: what was acknowledged is in, once, and nothing by half.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pulseboard::db::{Db, PoolSizes};
use pulseboard::ingest::{Item, Pipeline, Verdict, WRITERS};

use super::exactness::{rollups_are_the_sums_of_their_points, shop};
use super::{event, origin};
use crate::support::TestApp;

const BATCHES: usize = 30;
const EACH: usize = 50;

fn batch(number: usize) -> Vec<Item> {
    let one = |n: usize| {
        let data = format!(
            r#"{{"price": {}.25, "category": "c{}", "customer": "p{n}"}}"#,
            number * EACH + n,
            n % 3
        );
        event(&format!("{number}-{n}"), &data)
    };
    (0..EACH).map(one).collect()
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut app.owner().await).await.unwrap()
}

#[tokio::test]
async fn nothing_is_lost_or_counted_twice_when_instances_and_connections_die() {
    let app = TestApp::new().await;
    shop(&app).await;
    let acknowledged: Arc<Mutex<BTreeSet<usize>>> = Arc::default();

    for round in 0..8_u64 {
        // another instance, of which only the way in matters
        let sizes = PoolSizes {
            web: 2,
            ingest: 2,
            jobs: 2,
        };
        let db = Db::open(app.database.owner(), sizes, app.db.clock.clone())
            .await
            .unwrap();
        let instance = Pipeline::new(db);
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let pipeline = instance.clone();
                tokio::spawn(async move { pipeline.write().await })
            })
            .collect();
        let open: Vec<usize> = (0..BATCHES)
            .filter(|n| !acknowledged.lock().unwrap().contains(n))
            .collect();
        let sending: Vec<_> = open
            .into_iter()
            .map(|number| {
                let (pipeline, acknowledged) = (instance.clone(), acknowledged.clone());
                tokio::spawn(async move {
                    if pipeline.submit(&origin(None), batch(number)).await.is_ok() {
                        acknowledged.lock().unwrap().insert(number);
                    }
                })
            })
            .collect();
        let aborting: Vec<_> = sending.iter().map(|task| task.abort_handle()).collect();
        // some get their answers, others are cut off wherever they are
        let patience = Duration::from_millis(2 + rand::random_range(0..6 * (round + 1)));
        let _ = tokio::time::timeout(patience, futures_util::future::join_all(sending)).await;
        if round % 2 == 0 {
            count(
                &app,
                "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = current_database() and application_name = 'pulseboard' and state <> 'idle' and pid <> pg_backend_pid()",
            )
            .await;
        }
        writers.iter().for_each(tokio::task::JoinHandle::abort);
        aborting.iter().for_each(|task| task.abort());
    }
    let before = acknowledged.lock().unwrap().clone();
    for number in 0..BATCHES {
        let verdicts = app.ingest.submit(&origin(None), batch(number)).await.unwrap();
        let same = verdicts.iter().all(|verdict| *verdict == verdicts[0]);
        assert!(
            same && verdicts[0].is_good(),
            "a batch is in or it is not: {verdicts:?}"
        );
        assert!(
            !before.contains(&number) || verdicts[0] == Verdict::Duplicate,
            "{number} was acknowledged and lost"
        );
    }

    let all = (BATCHES * EACH) as i64;
    assert_eq!(count(&app, "select count(*) from events").await, all);
    assert_eq!(count(&app, "select count(*) from event_ids").await, all);
    let orders = "select sum(r.count)::bigint from rollups r join series s on s.id = r.series_id
                  join metric_definitions m on m.id = s.metric_id where m.name = 'orders' and r.step = 'day'";
    assert_eq!(count(&app, orders).await, all);
    rollups_are_the_sums_of_their_points(&app).await;
}
