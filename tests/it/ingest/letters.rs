//! Dead letters: seen, put right, sent again, removed.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::ingest::{Incoming, Item};

use super::exactness::shop;
use super::{event, origin};
use crate::support::TestApp;

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut app.owner().await).await.unwrap()
}

#[tokio::test]
async fn a_letter_is_put_right_and_sent_again() {
    let app = TestApp::new().await;
    shop(&app).await;
    app.ingest
        .submit(
            &origin(None),
            vec![event("1", r#"{"price":1}"#), event("1", r#"{"price":2}"#)],
        )
        .await
        .unwrap();
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let list = admin.get("/admin/dead-letters").await.ok();
    let path = list.attr("tbody a", "href").expect("a letter");

    let stubborn = admin.post(&format!("{path}/replay"), &[]).await;
    let broken = admin.post(&path, &[("body", "{")]).await;
    let body = r#"{"specversion":"1.0","source":"shop","id":"2","type":"shop.order","data":{"price":2}}"#;
    let saved = admin.post(&path, &[("body", body)]).await;
    let sent = admin.post(&format!("{path}/replay"), &[]).await;

    assert!(list.text("tbody").contains("Conflict") && list.text("tbody").contains("shop"));
    assert_eq!(
        (stubborn.status, broken.status),
        (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY)
    );
    assert_eq!(
        (saved.status, sent.status),
        (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER)
    );
    assert_eq!(count(&app, "select count(*) from events").await, 2);
    assert_eq!(count(&app, "select count(*) from dead_letters").await, 0);
    assert_eq!(
        count(
            &app,
            "select count(*) from audit_log where thing = 'dead_letter' and action = 'replayed'"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn what_came_too_late_is_taken_when_somebody_says_so() {
    let app = TestApp::new().await;
    shop(&app).await;
    let Item::Event(order) = event("1", r#"{"price":1}"#) else {
        panic!("an event")
    };
    let time = Some(app.db.clock.now() - TimeDelta::days(3));
    app.ingest
        .submit(&origin(None), vec![Item::Event(Box::new(Incoming { time, ..*order }))])
        .await
        .unwrap();
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let path = admin
        .get("/admin/dead-letters?cause=late")
        .await
        .ok()
        .attr("tbody a", "href")
        .expect("a letter");

    let sent = admin.post(&format!("{path}/replay"), &[]).await;

    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert_eq!(
        count(&app, "select count(*) from events where at < now() - interval '2 days'").await,
        1
    );
}

#[tokio::test]
async fn all_letters_go_when_somebody_is_sure() {
    let app = TestApp::new().await;
    app.ingest
        .submit(&origin(None), vec![event("1", "1"), event("1", "2"), event("1", "3")])
        .await
        .unwrap();
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    let unsure = admin
        .post("/admin/dead-letters/removal", &[("cause", "conflict")])
        .await;
    let before = count(&app, "select count(*) from dead_letters").await;
    let sure = admin
        .post(
            "/admin/dead-letters/removal",
            &[("cause", "conflict"), ("sure", "true")],
        )
        .await;

    assert_eq!((unsure.status, before), (StatusCode::UNPROCESSABLE_ENTITY, 2));
    assert_eq!(
        (sure.status, count(&app, "select count(*) from dead_letters").await),
        (StatusCode::SEE_OTHER, 0)
    );
}
