//! Each event once, and sums that are exactly the sums over the points, whatever was sent twice, late or wrong.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use pulseboard::ingest::{Incoming, Item, Point, Verdict};
use pulseboard::metrics::{MetricKind, NewEventType, NewMetric, define_event_type, define_metric};
use serde_json::value::RawValue;
use sqlx::Row;

use super::{event, origin, point};
use crate::support::TestApp;

/// A shop whose orders feed their number, their revenue and the revenue of each category; a day late is too late.
pub async fn shop(app: &TestApp) {
    let mut tx = app.db.ingest().await.unwrap();
    let order = NewEventType {
        name: "shop.order".into(),
        catalog: "shop".into(),
        allowed_lateness: Some(TimeDelta::days(1)),
        data_schema: None,
        actor_path: Some("/data/customer".into()),
        subject_path: None,
        retention_days: 90,
    };
    define_event_type(&mut tx, &order).await.unwrap();
    for (name, kind, path, tag) in [
        ("orders", MetricKind::Count, None, None),
        ("revenue", MetricKind::Sum, Some("/data/price"), Some("category")),
        ("customers", MetricKind::Distinct, Some("/data/customer"), None),
    ] {
        let metric = NewMetric {
            name: name.into(),
            catalog: "shop".into(),
            kind,
            label: name.into(),
            unit: String::new(),
            event_type: Some("shop.order".into()),
            value_path: path.map(Into::into),
            conditions: Vec::new(),
            dimensions: tag
                .map(|tag| (tag.to_owned(), format!("/data/{tag}")))
                .into_iter()
                .collect(),
            parts: None,
            allowed_lateness: None,
            points_days: 35,
        };
        define_metric(&mut tx, &metric).await.unwrap();
    }
    tx.commit().await.unwrap();
    app.ingest.registry().forget();
}

/// Every rollup against the points it is made of, by SQL and decimal arithmetic; answers how many there are.
pub async fn rollups_are_the_sums_of_their_points(app: &TestApp) -> usize {
    let rows = sqlx::query(
        "with single as (
           select p.facility_id, p.series_id, p.minute + offset_us * interval '1 microsecond' as at, v
           from points p, unnest(p.offsets, p.values) as u(offset_us, v)
         ), steps as (
           select facility_id, series_id, step, v, case step
                    when 'day' then date_trunc('day', at, coalesce(f.time_zone, 'UTC'))
                    when 'hour' then date_trunc('hour', at, coalesce(f.time_zone, 'UTC'))
                    else date_trunc('minute', at) end as start
           from single s left join facilities f on f.id = s.facility_id cross join (values ('minute'), ('hour'), ('day')) w(step)
         ), again as (
           select facility_id, series_id, step, start, count(*) as n, sum(round(v::text::numeric, 9)) as total, min(v) as low, max(v) as high
           from steps group by 1, 2, 3, 4
         )
         select r.count = a.n and r.sum = a.total and r.min = a.low and r.max = a.high as same, to_jsonb(r) - 'sketch' as kept, to_jsonb(a) as again
         from rollups r full join again a using (facility_id, series_id, step, start)",
    )
    .fetch_all(&mut app.owner().await)
    .await
    .unwrap();
    for row in &rows {
        let (kept, again): (Option<serde_json::Value>, Option<serde_json::Value>) = (row.get("kept"), row.get("again"));
        assert_eq!(
            row.get::<Option<bool>, _>("same"),
            Some(true),
            "{kept:?} is not {again:?}"
        );
    }
    rows.len()
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut app.owner().await).await.unwrap()
}

#[tokio::test]
async fn an_event_is_counted_once_however_often_it_comes() {
    let app = TestApp::new().await;
    shop(&app).await;
    let (sender, order) = (origin(None), || {
        event("1", r#"{"price": 19.99, "category": "books", "customer": "ada"}"#)
    });

    let first = app.ingest.submit(&sender, vec![order(), order()]).await.unwrap();
    let again = app.ingest.submit(&sender, vec![order()]).await.unwrap();
    let other = app
        .ingest
        .submit(&sender, vec![event("1", r#"{"price": 20}"#)])
        .await
        .unwrap();

    assert_eq!(first, [Verdict::ACCEPTED, Verdict::Duplicate]);
    assert_eq!(
        (&again[..], &other[..]),
        (&[Verdict::Duplicate][..], &[Verdict::Conflict][..])
    );
    assert_eq!(count(&app, "select count(*) from events where actor = 'ada'").await, 1);
    assert_eq!(
        count(
            &app,
            "select count(*) from dead_letters where cause = 'conflict' and event_id = '1'"
        )
        .await,
        1
    );
    assert_eq!(rollups_are_the_sums_of_their_points(&app).await, 9);
}

#[tokio::test]
async fn the_good_part_of_a_batch_is_kept_and_each_bad_one_is_told_by_its_place() {
    let app = TestApp::new().await;
    shop(&app).await;
    let batch = vec![
        point("cpu_usage", 92.5),
        Item::Unreadable("no JSON".into()),
        point("cpu_usage", f64::NAN),
        event("1", r#"{"note": "a\u0000b"}"#),
        event("2", "{}"),
    ];

    let verdicts = app.ingest.submit(&origin(None), batch).await.unwrap();

    assert!(
        matches!(
            &verdicts[..],
            [
                Verdict::Accepted { .. },
                Verdict::Rejected(_),
                Verdict::Rejected(_),
                Verdict::Rejected(_),
                Verdict::Accepted { .. }
            ]
        ),
        "{verdicts:?}"
    );
    assert_eq!(count(&app, "select count(*) from events").await, 1);
    assert_eq!(
        count(&app, "select sum(count)::bigint from rollups where step = 'day'").await,
        2
    );
}

#[tokio::test]
async fn what_comes_too_late_is_kept_aside_and_what_is_ahead_counts_from_now() {
    let app = TestApp::new().await;
    shop(&app).await;
    let now = app.db.clock.now();
    let at = |id: &str, time: DateTime<Utc>| match event(id, "{}") {
        Item::Event(event) => Item::Event(Box::new(Incoming {
            time: Some(time),
            ..*event
        })),
        other => other,
    };
    let batch = vec![
        at("late", now - TimeDelta::hours(25)),
        at("old", now - TimeDelta::hours(23)),
        at("ahead", now + TimeDelta::days(400)),
    ];

    let verdicts = app.ingest.submit(&origin(None), batch).await.unwrap();

    assert_eq!(
        verdicts[0],
        Verdict::Late("It is 25 h old, and at most 24 h are allowed.".into())
    );
    assert_eq!(verdicts[1], Verdict::ACCEPTED);
    assert!(matches!(verdicts[2], Verdict::Accepted { note: Some(_) }));
    assert_eq!(
        count(
            &app,
            "select count(*) from dead_letters where cause = 'late' and event_id = 'late'"
        )
        .await,
        1
    );
    assert_eq!(
        count(&app, "select count(*) from events where at > now() + interval '1 hour'").await,
        0
    );
}

#[tokio::test]
async fn a_point_of_any_age_is_taken() {
    let app = TestApp::new().await;
    let time = DateTime::from_timestamp(1_721_199_945, 0);
    let old = Item::Point(Point {
        metric: "cpu_usage".into(),
        value: 92.5,
        time,
        tags: Vec::new(),
        facility: None,
    });

    let verdicts = app
        .ingest
        .submit(&origin(None), vec![old, point("cpu_usage", 1.0)])
        .await
        .unwrap();

    assert_eq!(verdicts, [Verdict::ACCEPTED, Verdict::ACCEPTED]);
    assert_eq!(count(&app, "select count(*) from parts.points_old").await, 1);
    assert_eq!(rollups_are_the_sums_of_their_points(&app).await, 6);
}

#[tokio::test]
async fn what_one_writes_beside_a_batch_is_committed_with_it_or_not_at_all() {
    let app = TestApp::new().await;
    let note = |fails: bool| -> pulseboard::ingest::Effect {
        Box::new(move |tx, _| {
            Box::pin(async move {
                sqlx::query("insert into login_failures (subject) values ('offset')")
                    .execute(&mut *tx)
                    .await?;
                if fails {
                    Err(pulseboard::error::Error::NotFound)
                } else {
                    Ok(())
                }
            })
        })
    };

    let failed = app
        .ingest
        .submit_with(&origin(None), vec![event("1", "{}")], note(true))
        .await;
    let before =
        count(&app, "select count(*) from events").await + count(&app, "select count(*) from login_failures").await;
    let done = app
        .ingest
        .submit_with(&origin(None), vec![event("1", "{}")], note(false))
        .await
        .unwrap();

    // what the rules refuse is known in the transaction
    let refused: pulseboard::ingest::Effect = Box::new(move |tx, refused| {
        Box::pin(async move {
            let told: Vec<String> = refused
                .iter()
                .map(|one| format!("{} {}", one.index, one.reason))
                .collect();
            sqlx::query("insert into login_failures (subject) values ($1)")
                .bind(told.join("; "))
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
    });
    let batch = vec![event("2", "{}"), Item::Unreadable("It is torn.".into())];
    app.ingest.submit_with(&origin(None), batch, refused).await.unwrap();
    let told = count(
        &app,
        "select count(*) from login_failures where subject = '1 It is torn.'",
    )
    .await;

    assert!(failed.is_err());
    assert_eq!(told, 1);
    assert_eq!((before, &done[..]), (0, &[Verdict::ACCEPTED][..]));
    assert_eq!(count(&app, "select count(*) from login_failures").await, 2);
}

/// What is sent: number of the event, its price in cents, minutes ago, whether it goes to a facility.
fn history() -> impl Strategy<Value = Vec<Vec<(u8, i32, u16, bool)>>> {
    let one = (0..40_u8, 0..500_000_i32, 0..4000_u16, any::<bool>());
    prop::collection::vec(prop::collection::vec(one, 1..30), 1..8)
}

#[test]
fn sums_are_exact_after_whatever_was_sent_in_whatever_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 6,
        ..ProptestConfig::default()
    });
    runner
        .run(&history(), |batches| {
            runtime.block_on(sent_at_once_and_again(batches));
            Ok(())
        })
        .unwrap();
}

async fn sent_at_once_and_again(batches: Vec<Vec<(u8, i32, u16, bool)>>) {
    let app = TestApp::new().await;
    let kathmandu = app.facility_in("Kathmandu", "Asia/Kathmandu").await;
    shop(&app).await;
    let now = app.db.clock.now();
    let make = |&(id, cents, ago, own): &(u8, i32, u16, bool)| {
        let price = f64::from(cents) / 100.0;
        let data = format!(
            r#"{{"price": {price}, "category": "c{}", "customer": "{}"}}"#,
            id % 3,
            id % 7
        );
        Item::Event(Box::new(Incoming {
            source: "shop".into(),
            id: id.to_string(),
            kind: "shop.order".into(),
            time: Some(now - TimeDelta::minutes(ago.into())),
            subject: None,
            data: Some(RawValue::from_string(data).unwrap()),
            facility: own.then_some(kathmandu.id),
        }))
    };
    let sender = origin(None);

    for _ in 0..2 {
        let sending = batches
            .iter()
            .map(|batch| app.ingest.submit(&sender, batch.iter().map(make).collect()));
        let answers = futures_util::future::join_all(sending).await;

        // of each id at most one body is in, and everybody was told the same
        let mut accepted: BTreeMap<(bool, u8), usize> = BTreeMap::new();
        for (batch, answer) in batches.iter().zip(answers) {
            for (sent, verdict) in batch.iter().zip(answer.unwrap()) {
                *accepted.entry((sent.3, sent.0)).or_default() += usize::from(verdict == Verdict::ACCEPTED);
            }
        }
        assert!(accepted.values().all(|times| *times <= 1), "{accepted:?}");
    }

    rollups_are_the_sums_of_their_points(&app).await;
    let events = count(&app, "select count(*) from events").await;
    assert_eq!(count(&app, "select count(*) from event_ids").await, events);
    let counted = "select coalesce(sum(r.count), 0)::bigint from rollups r join series s on s.id = r.series_id
                   join metric_definitions m on m.id = s.metric_id where m.name = 'orders' and r.step = 'day'";
    assert_eq!(count(&app, counted).await, events);
}
