//! The System page: figures that come from what really happened.

use chrono::TimeDelta;
use pulseboard::auth::Role;
use pulseboard::db::Scope;

use crate::support::{Page, TestApp, eventually};

/// Number, state and since-when of the threshold with this title.
fn rule(page: &Page, title: &str) -> (String, String) {
    let figure = page.text(&format!("section[aria-label='{title}'] .figure"));
    let state = page.text(&format!("section[aria-label='{title}'] .figure .phase"));
    (figure.replace(&state, "").trim().to_owned(), state)
}

#[tokio::test]
async fn the_hit_rate_and_the_query_times_are_of_boards_that_were_asked_for() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let before = admin.get("/admin/system").await.ok();
    for _ in 0..4 {
        admin.get(&lakeside.path("")).await.ok();
    }

    let page = admin.get("/admin/system").await.ok();

    assert_eq!(rule(&before, "Boards answered from memory").0, "–");
    assert_eq!(
        rule(&page, "Boards answered from memory"),
        ("75.0 %".into(), "Pending".into())
    );
    assert!(rule(&page, "Query time, 95th percentile").0.ends_with("ms"));
    assert!(
        page.text("section[aria-label='Boards answered from memory']")
            .contains("4 boards in the last minute")
    );
}

#[tokio::test]
async fn a_threshold_that_stays_broken_fires_and_ends_when_all_is_well_again() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    admin.get(&lakeside.path("")).await.ok();
    app.watch.tick(&app).await.unwrap();
    // past the freshness of its board, and the ten minutes that a stale share may last
    app.travel(TimeDelta::minutes(6));
    app.watch.tick(&app).await.unwrap();
    let title = "Boards past their freshness";
    let pending = admin.get("/admin/system").await.ok();
    app.travel(TimeDelta::minutes(10));
    app.auth.forget_all();
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let firing = admin.get("/admin/system").await.ok();
    pulseboard::summary::refresh_all(&app.db, None).await.unwrap();
    admin.get(&lakeside.path("")).await.ok();
    eventually("the board is fresh", async || {
        (app.boards.stale_share().1 == 0).then_some(())
    })
    .await;
    let well = admin.get("/admin/system").await.ok();

    assert_eq!(rule(&pending, title), ("100.0 %".into(), "Pending".into()));
    assert_eq!(rule(&firing, title), ("100.0 %".into(), "Firing".into()));
    assert!(firing.text(&format!("section[aria-label='{title}']")).contains("since"));
    assert_eq!(rule(&well, title), ("0.0 %".into(), "OK".into()));
}

#[tokio::test]
async fn a_slow_refresh_fires_and_every_job_is_listed_with_its_last_run() {
    let app = TestApp::new().await;
    sqlx::query(
        "insert into job_runs (job, slot, claimed_at, finished_at, outcome) values
         ('refresh', now() - interval '1 hour', now() - interval '1 hour', now() - interval '1 hour' + interval '0.4 s', 'done'),
         ('refresh', now(), now() - interval '3 s', now(), 'done'),
         ('expire', now(), now(), now(), 'the disk is full')",
    )
    .execute(app.db.background())
    .await
    .unwrap();
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    let page = admin.get("/admin/system").await.ok();

    assert_eq!(
        rule(&page, "Last refresh of all summaries"),
        ("3.0 s".into(), "Firing".into())
    );
    assert_eq!(page.texts("table.jobs tbody th"), ["expire", "refresh"]);
    assert!(page.text("table.jobs").contains("the disk is full"));
}

#[tokio::test]
async fn streams_pools_and_the_outbox_are_counted() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let _watching = admin.watch(lakeside.id).await;
    app.stock(&lakeside).add().await;
    eventually("the fact arrived", async || {
        (app.watch.look(&app).await.unwrap().outbox_depth == 0).then_some(())
    })
    .await;
    // a fact that nobody is told of stays behind
    let mut tx = app.db.write(&Scope::All).await.unwrap();
    sqlx::query("insert into outbox (event) values ('{}')")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let page = admin.get("/admin/system").await.ok();
    let now = page.text("section[aria-labelledby=now-title]");

    assert!(now.contains("Streams open 1") || now.contains("Streams open1"), "{now}");
    assert!(now.contains("of 4 in use"), "{now}");
    assert!(now.contains("Outbox depth 1") || now.contains("Outbox depth1"), "{now}");
    assert!(
        page.text("section[aria-labelledby=statements-title]")
            .contains("pg_stat_statements")
    );
}
