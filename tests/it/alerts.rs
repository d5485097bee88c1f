//! Alerts: raised and resolved by what happens, told once, and nobody else's.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderMap, StatusCode};
use pulseboard::alerts::{self, Reach, signature};
use pulseboard::auth::Role;
use pulseboard::blood::{BloodGroup, Component};
use serde_json::Value;

use crate::support::{Facility, TestApp, eventually, options};

async fn round(app: &TestApp) {
    alerts::round(&app.db, None).await.expect("a look");
}

/// A shelf of O− red cells that should hold between 5 and 30 units.
async fn with_levels(app: &TestApp, facility: &Facility) {
    sqlx::query("insert into stock_thresholds values ($1, 'red_cells', 'O-', 5, 10, 30)")
        .bind(facility.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
}

/// What is up: rule and phase.
async fn up(app: &TestApp) -> Vec<(String, String)> {
    sqlx::query_as("select r.slug, a.phase from alerts a join alert_rules r on r.id = a.rule_id order by 1, 2")
        .fetch_all(&mut app.owner().await)
        .await
        .unwrap()
}

fn pair(rule: &str, phase: &str) -> (String, String) {
    (rule.into(), phase.into())
}

#[tokio::test]
async fn a_shelf_under_its_minimum_is_an_alert_until_stock_arrives() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    with_levels(&app, &lakeside).await;
    round(&app).await;
    let client = app.log_in(Role::Staff, &[&lakeside]).await;

    let before = client.get(&lakeside.path("/alerts")).await.ok();
    assert_eq!(
        up(&app).await,
        [pair("stock-critical", "firing"), pair("stock-low", "pending")]
    );
    assert!(
        before
            .text(".alert .what")
            .contains("O− red cells: 0 issuable, under its minimum")
    );

    app.stock(&lakeside).quantity(40).add().await;
    round(&app).await;
    assert_eq!(up(&app).await, [pair("stock-critical", "recovering")]);
    app.travel(TimeDelta::seconds(301));
    round(&app).await;

    assert_eq!(up(&app).await, [pair("stock-critical", "resolved")]);
    let after = client.get(&lakeside.path("/alerts")).await.ok();
    let turns = after.texts("tbody td[data-label='What happened']");
    assert_eq!(
        turns,
        [
            "Resolved",
            "Ended before it fired",
            "In order, kept firing for now",
            "Began",
            "Fired"
        ]
    );
}

#[tokio::test]
async fn an_urgent_request_is_up_where_it_is_to_be_answered_and_nowhere_else() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let third = app.facility("Riverbank").await;
    round(&app).await;
    let request = app.request(&lakeside, &[&hilltop]).await;

    round(&app).await;

    let asked = app.log_in(Role::Staff, &[&hilltop]).await;
    let page = asked.get(&hilltop.path("/alerts")).await.ok();
    let link = page.attr(".alert .what a", "href").unwrap();
    assert_eq!(
        page.text(".alert .what a"),
        "Lakeside waits for 4 × O− red cells, urgent"
    );
    assert_eq!(link, hilltop.path(&format!("/requests/{request}")));
    assert_eq!(asked.get("/alerts/bell").await.ok().text(".count"), "1");
    for other in [&lakeside, &third] {
        let client = app.log_in(Role::Staff, &[other]).await;
        assert_eq!(client.get(&other.path("/alerts")).await.ok().count(".alert"), 0);
        assert!(!client.get("/alerts/bell").await.ok().has(".count"));
    }
}

#[tokio::test]
async fn whoever_takes_an_alert_on_silences_the_bell_for_all_and_is_named() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    with_levels(&app, &lakeside).await;
    round(&app).await;
    let client = app.log_in(Role::Staff, &[&lakeside]).await;
    let page = client.get(&lakeside.path("/alerts")).await.ok();
    let action = page.attr(".alert form", "action").unwrap();

    client.post(&action, &[("note", "Ordered")]).await;

    let page = client.get(&lakeside.path("/alerts")).await.ok();
    assert!(page.text(".alert").contains("Ordered"));
    assert!(!client.get("/alerts/bell").await.ok().has(".count"));
    let viewer = app.log_in(Role::Viewer, &[&lakeside]).await;
    assert_eq!(viewer.post(&action, &[]).await.status, StatusCode::FORBIDDEN);
    app.verify().await;
}

#[tokio::test]
async fn the_bell_of_an_open_page_is_told_when_an_alert_fires() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let mut watch = client.watch(lakeside.id).await;
    with_levels(&app, &lakeside).await;

    round(&app).await;

    watch
        .until(|frame| frame.event == "nudge" && frame.data.contains("alerts"))
        .await;
}

#[tokio::test]
async fn a_rule_of_ones_own_is_checked_and_shows_what_it_would_find() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside)
        .of(Component::Plasma, BloodGroup::AbPositive)
        .quantity(3)
        .add()
        .await;
    let client = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let id = lakeside.id.to_string();
    let fields = |value: &'static str, more: &'static str| {
        vec![
            ("facility", id.as_str()),
            ("name", "Little plasma"),
            ("severity", "warning"),
            ("measure", "inventory.issuable"),
            ("by", "component"),
            ("crosses", "below"),
            ("value", value),
            ("days", "1"),
            ("hours", "24"),
            ("hold", "0"),
            ("keep", "0"),
            ("enabled", "true"),
            ("preview", more),
        ]
    };

    let wrong = client.post("/admin/alerts", &fields("many", "")).await;
    let shown = client.post("/admin/alerts", &fields("4", "true")).await.ok();
    let everywhere = client
        .post(
            "/admin/alerts",
            &[
                ("facility", ""),
                ("name", "X"),
                ("severity", "info"),
                ("value", "1"),
                ("measure", "inventory.issuable"),
                ("days", "1"),
                ("crosses", "above"),
            ],
        )
        .await;
    client.post("/admin/alerts", &fields("4", "")).await;
    round(&app).await;

    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.problem("value").as_deref(), Some("Type a number."));
    assert!(shown.text("form .notice").contains("1 would be up now"));
    assert_eq!(everywhere.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = client.get(&lakeside.path("/alerts")).await.ok();
    assert_eq!(page.text(".alert .what a"), "Fresh frozen plasma: 3 issuable units");
}

/// What a receiver got.
type Taken = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver on this machine that answers with these, then with 200.
async fn receiver(answers: &[StatusCode]) -> (String, Taken) {
    let taken: Taken = Arc::default();
    let answers = Arc::new(Mutex::new(answers.to_vec()));
    let take = |State((taken, answers)): State<(Taken, Arc<Mutex<Vec<StatusCode>>>)>,
                headers: HeaderMap,
                body: Bytes| async move {
        taken.lock().unwrap().push((headers, body));
        let mut answers = answers.lock().unwrap();
        if answers.is_empty() {
            StatusCode::OK
        } else {
            answers.remove(0)
        }
    };
    let router = Router::new()
        .route("/hook", post(take))
        .with_state((taken.clone(), answers));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}/hook"), taken)
}

async fn app_with_receiver(answers: &[StatusCode]) -> (TestApp, Facility, Taken, String) {
    let (url, taken) = receiver(answers).await;
    let app = TestApp::with(pulseboard::app::Options {
        reach: Reach::new(["127.0.0.1".to_owned()]),
        ..options()
    })
    .await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let id = lakeside.id.to_string();
    let made = admin
        .post(
            "/admin/channels",
            &[
                ("facility", &id),
                ("name", "Night"),
                ("kind", "webhook"),
                ("to", &url),
                ("least", "critical"),
            ],
        )
        .await
        .ok();
    let secret = made.attr("#f-made", "value").expect("its secret");
    with_levels(&app, &lakeside).await;
    (app, lakeside, taken, secret)
}

async fn deliver(app: &TestApp) -> usize {
    alerts::deliver(&app.db, &app.outlets).await.expect("a delivery")
}

#[tokio::test]
async fn a_webhook_is_told_once_signed_and_again_when_it_is_over() {
    let (app, lakeside, taken, secret) = app_with_receiver(&[]).await;
    round(&app).await;
    assert_eq!(deliver(&app).await, 0, "others may come along");
    app.travel(TimeDelta::seconds(31));
    round(&app).await;
    round(&app).await;
    deliver(&app).await;
    deliver(&app).await;
    app.stock(&lakeside).quantity(40).add().await;
    round(&app).await;
    app.travel(TimeDelta::seconds(400));
    round(&app).await;
    deliver(&app).await;

    let taken = taken.lock().unwrap();
    let bodies: Vec<Value> = taken
        .iter()
        .map(|(_, body)| serde_json::from_slice(body).unwrap())
        .collect();
    let states: Vec<_> = bodies.iter().map(|body| body["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["firing", "resolved"]);
    assert_eq!(bodies[0]["firing"][0]["labels"]["blood_group"], "O-");
    assert_eq!(bodies[0]["severity"], "critical");
    let (headers, body) = &taken[0];
    let given = headers["pulseboard-signature"].to_str().unwrap();
    let time: i64 = given.split(['=', ',']).nth(1).unwrap().parse().unwrap();
    let at = chrono::DateTime::from_timestamp(time, 0).unwrap();
    assert_eq!(given, signature(secret.as_bytes(), at, body));
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_and_the_failure_is_seen() {
    let (app, lakeside, taken, _) = app_with_receiver(&[StatusCode::BAD_GATEWAY]).await;
    round(&app).await;
    app.travel(TimeDelta::seconds(31));
    round(&app).await;

    assert_eq!(deliver(&app).await, 0);
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let page = admin.get("/admin/channels").await.ok();
    assert!(page.text("td[data-label=State]").contains("The receiver answered 502."));
    app.travel(TimeDelta::seconds(11));

    assert_eq!(deliver(&app).await, 1);
    let taken = taken.lock().unwrap();
    assert_eq!(taken[0].0["idempotency-key"], taken[1].0["idempotency-key"]);
}

#[tokio::test]
async fn what_is_silenced_is_shown_and_nobody_is_told() {
    let (app, lakeside, taken, _) = app_with_receiver(&[]).await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let fields = [
        ("rule", ""),
        ("labels", "blood_group=O-"),
        ("hours", "4"),
        ("reason", "Delivery at noon"),
    ];
    assert_eq!(
        staff.post(&lakeside.path("/silences"), &fields).await.status,
        StatusCode::SEE_OTHER
    );
    round(&app).await;
    app.travel(TimeDelta::seconds(31));
    round(&app).await;
    deliver(&app).await;

    let page = staff.get(&lakeside.path("/alerts")).await.ok();
    let nothing = staff.post(&lakeside.path("/silences"), &[("hours", "4")]).await;

    assert!(page.text(".alert").contains("silenced"));
    assert!(!staff.get("/alerts/bell").await.ok().has(".count"));
    assert!(taken.lock().unwrap().is_empty());
    assert_eq!(
        nothing.problem("reason").as_deref(),
        Some("Say why, for those who wonder.")
    );
}

#[tokio::test]
async fn a_channel_never_leads_inside_our_own_network() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    for inner in [
        "http://127.0.0.1:9/x",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/",
        "ftp://x/",
    ] {
        let answer = admin
            .post(
                "/admin/channels",
                &[("name", "X"), ("kind", "slack"), ("to", inner), ("least", "info")],
            )
            .await;
        assert!(answer.problem("to").is_some(), "{inner}: {}", answer.status);
    }
    let rows: i64 = sqlx::query_scalar("select count(*) from alert_channels")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn an_alert_is_raised_within_seconds_by_the_schedule_itself() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    round(&app).await;
    let schedule = pulseboard::jobs::Schedule::new(app.db.clone()).await.unwrap();
    let db = app.db.clone();
    let every = std::time::Duration::from_secs(alerts::EVERY);
    let look = move |claim| {
        let db = db.clone();
        async move { alerts::round(&db, Some(&claim)).await.map(|_| ()) }
    };
    schedule.every("alerts", every, look).await.unwrap();
    schedule.start().await.unwrap();

    app.request(&lakeside, &[&hilltop]).await;
    let begun: f64 = eventually("the alert fires", || async {
        sqlx::query_scalar(
            "select extract(epoch from a.fired_at - r.created_at)::float8 from alerts a, blood_requests r
             where a.labels->>'request' = r.id::text",
        )
        .fetch_optional(&mut app.owner().await)
        .await
        .unwrap()
    })
    .await;

    schedule.stop().await;
    assert!(begun < 5.0, "{begun} s after the request");
}
