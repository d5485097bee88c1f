//! Alerts over live metrics: what is measured raises and resolves them, and the last week can be tried before saving.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use pulseboard::alerts;
use pulseboard::auth::Role;
use pulseboard::ingest::{Item, Origin, Point};

use crate::support::{Facility, TestApp};

async fn round(app: &TestApp) {
    app.travel(TimeDelta::seconds(61));
    alerts::round(&app.db, None).await.expect("a look");
}

/// Points of `cpu_usage` and others, so many minutes ago.
async fn send(app: &TestApp, facility: &Facility, points: &[(&str, f64, i64, &str)]) {
    let now = app.db.clock.now();
    let origin = Origin {
        name: "a test".into(),
        facilities: Some(vec![facility.id]),
    };
    for some in points.chunks(5_000) {
        let items = some.iter().map(|(metric, value, minutes, host)| {
            Item::Point(Point {
                metric: (*metric).into(),
                value: *value,
                time: Some(now - TimeDelta::minutes(*minutes)),
                tags: vec![("host".into(), (*host).into())],
                facility: Some(facility.id),
            })
        });
        app.ingest.submit(&origin, items.collect()).await.unwrap();
    }
}

async fn rule(app: &TestApp, facility: &Facility, watch: &str, extra: &str) -> i64 {
    sqlx::query_scalar(
        "insert into alert_rules (facility_id, name, severity, condition, extra)
         values ($1, 'Watched', 'warning', jsonb_build_object('kind', 'live', 'watch', $2::jsonb), $3::jsonb) returning id",
    )
    .bind(facility.id.0)
    .bind(watch)
    .bind(extra)
    .fetch_one(&mut app.owner().await)
    .await
    .unwrap()
}

/// Labels, phase and whether it is stale, of every alert of a rule.
async fn up(app: &TestApp, rule: i64) -> Vec<(String, String, bool)> {
    sqlx::query_as(
        "select labels::text, phase, stale_at is not null from alerts where rule_id = $1 and phase <> 'resolved' order by 1",
    )
    .bind(rule)
    .fetch_all(&mut app.owner().await)
    .await
    .unwrap()
}

fn firing(labels: &str) -> (String, String, bool) {
    (labels.into(), "firing".into(), false)
}

#[tokio::test]
async fn a_host_above_the_limit_is_an_alert_of_its_own_in_the_words_of_its_rule() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let watch = r#"{"test": "level", "of": {"metric": "cpu_usage", "aggregate": "max", "minutes": 5, "by": "host"}, "crosses": "above", "value": 90}"#;
    let id = rule(
        &app,
        &lakeside,
        watch,
        r#"{"labels": {"team": "night"}, "message": "{host} at {value} of {limit}, {team}"}"#,
    )
    .await;
    send(
        &app,
        &lakeside,
        &[("cpu_usage", 95.5, 0, "web-01"), ("cpu_usage", 60.0, 0, "web-02")],
    )
    .await;
    send(&app, &hilltop, &[("cpu_usage", 99.0, 0, "web-09")]).await;

    round(&app).await;

    assert_eq!(up(&app, id).await, [firing(r#"{"host": "web-01", "team": "night"}"#)]);
    let page = app
        .log_in(Role::Viewer, &[&lakeside])
        .await
        .get(&lakeside.path("/alerts"))
        .await
        .ok();
    assert_eq!(page.text(".alert .what a"), "web-01 at 95.5 of 90, night");

    app.travel(TimeDelta::minutes(6));
    send(
        &app,
        &lakeside,
        &[("cpu_usage", 50.0, 0, "web-01"), ("cpu_usage", 60.0, 0, "web-02")],
    )
    .await;
    round(&app).await;
    assert_eq!(up(&app, id).await, []);
    app.verify().await;
}

#[tokio::test]
async fn without_any_data_an_alert_stays_and_says_so_and_a_lost_series_goes_after_two_looks() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let watch = r#"{"test": "level", "of": {"metric": "cpu_usage", "aggregate": "avg", "minutes": 5, "by": "host"}, "crosses": "above", "value": 90}"#;
    let id = rule(&app, &lakeside, watch, "{}").await;
    send(
        &app,
        &lakeside,
        &[("cpu_usage", 95.0, 0, "web-01"), ("cpu_usage", 60.0, 0, "web-02")],
    )
    .await;
    round(&app).await;
    assert_eq!(up(&app, id).await, [firing(r#"{"host": "web-01"}"#)]);

    app.travel(TimeDelta::minutes(30));
    round(&app).await;
    round(&app).await;
    round(&app).await;
    assert_eq!(
        up(&app, id).await,
        [(r#"{"host": "web-01"}"#.into(), "firing".into(), true)]
    );
    let page = app
        .log_in(Role::Viewer, &[&lakeside])
        .await
        .get(&lakeside.path("/alerts"))
        .await
        .ok();
    assert!(page.text(".alert").contains("No data"));

    for still in [true, true, false] {
        send(&app, &lakeside, &[("cpu_usage", 60.0, 0, "web-02")]).await;
        round(&app).await;
        assert_eq!(!up(&app, id).await.is_empty(), still);
    }
}

#[tokio::test]
async fn silence_change_and_a_share_of_two_metrics_are_found() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let absent = rule(
        &app,
        &lakeside,
        r#"{"test": "absent", "metric": "beat", "minutes": 10}"#,
        "{}",
    )
    .await;
    let change = rule(
        &app,
        &lakeside,
        r#"{"test": "change", "of": {"metric": "sales", "aggregate": "sum", "minutes": 60}, "usual": "weeks", "back": 1, "unit": "percent", "crosses": "below", "value": 50}"#,
        "{}",
    )
    .await;
    let pair = rule(
        &app,
        &lakeside,
        r#"{"test": "pair", "of": {"metric": "errors", "aggregate": "sum", "minutes": 5, "by": "host"}, "operation": "/", "other": "requests", "other_aggregate": "sum", "crosses": "above", "value": 0.05}"#,
        "{}",
    )
    .await;
    let week = 7 * 24 * 60;
    let mut points = vec![
        ("beat", 1.0, 20, "a"),
        ("beat", 1.0, 1, "b"),
        ("errors", 6.0, 1, "a"),
        ("requests", 100.0, 1, "a"),
        ("requests", 100.0, 1, "b"),
    ];
    points.extend((0..50).map(|minute| ("sales", 10.0, week + minute, "a")));
    points.extend((0..50).map(|minute| ("sales", 4.0, minute, "a")));
    send(&app, &lakeside, &points).await;

    round(&app).await;

    assert_eq!(up(&app, absent).await, [firing(r#"{"host": "a"}"#)]);
    assert_eq!(up(&app, change).await, [firing("{}")]);
    assert_eq!(up(&app, pair).await, [firing(r#"{"host": "a"}"#)]);
    let page = app
        .log_in(Role::Viewer, &[&lakeside])
        .await
        .get(&lakeside.path("/alerts"))
        .await
        .ok();
    let words = page.texts(".alert .what a").join("\n");
    assert!(words.contains("a: no point of beat for 21 min"), "{words}");
    assert!(words.contains("usually 500"), "{words}");
    assert!(words.contains("a: errors divided by requests is 0.06"), "{words}");
}

#[tokio::test]
async fn a_correlation_that_was_found_is_an_alert_of_its_key_for_a_while() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let id = rule(
        &app,
        &lakeside,
        r#"{"test": "case", "emits": "till.spree", "minutes": 30}"#,
        "{}",
    )
    .await;
    sqlx::query("insert into correlation_cases (facility_id, emits, key, ended_at, started_at, events, told) values ($1, 'till.spree', 'ada', now(), now(), array['1'], true)")
        .bind(lakeside.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();

    round(&app).await;
    assert_eq!(up(&app, id).await, [firing(r#"{"key": "ada"}"#)]);

    app.travel(TimeDelta::minutes(31));
    round(&app).await;
    assert_eq!(up(&app, id).await, []);
}

/// A week of five-minute values with a daily wave.
fn wave(now: DateTime<Utc>) -> Vec<(&'static str, f64, i64, &'static str)> {
    let minutes = 7 * 24 * 60 - 10;
    (0..minutes / 5)
        .map(|step| {
            let ago = step * 5;
            let at = (now - TimeDelta::minutes(ago)).timestamp() as f64 / 86_400.0;
            let noise = ((step * 7919) % 13) as f64 / 13.0;
            (
                "visits",
                100.0 + 40.0 * (at * std::f64::consts::TAU).sin() + noise,
                ago,
                "a",
            )
        })
        .collect()
}

#[tokio::test]
async fn what_the_detector_finds_unusual_is_an_alert_with_its_reason_and_its_state_is_kept() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let watch = r#"{"test": "unusual", "of": {"metric": "visits", "aggregate": "avg", "minutes": 5, "by": "host"}, "sensitivity": 0.5}"#;
    let id = rule(&app, &lakeside, watch, "{}").await;
    sqlx::query("update alert_rules set keep_seconds = 3600 where id = $1")
        .bind(id)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    send(&app, &lakeside, &wave(app.db.clock.now())).await;
    round(&app).await;
    assert_eq!(up(&app, id).await, []);

    for _ in 0..2 {
        app.travel(TimeDelta::minutes(5));
        send(&app, &lakeside, &[("visits", 500.0, 0, "a")]).await;
        app.travel(TimeDelta::minutes(5));
        round(&app).await;
    }

    let turns: Vec<(String, f64, String)> = sqlx::query_as(
        "select labels::text, (detail->>'score')::float8, detail->>'reason' from alert_history where rule_id = $1 and turn = 'fired'",
    )
    .bind(id)
    .fetch_all(&mut app.owner().await)
    .await
    .unwrap();
    let kept: i64 = sqlx::query_scalar("select count(*) from alert_detectors where rule_id = $1")
        .bind(id)
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(kept, 1);
    assert_eq!(turns.len(), 1, "{turns:?}");
    assert!(turns[0].1 > 0.5, "{turns:?}");
}

#[tokio::test]
async fn a_rule_is_tried_on_the_last_week_before_it_is_saved() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let day = 24 * 60;
    let mut points: Vec<_> = (0..6 * day / 10)
        .map(|step| ("cpu_usage", 50.0, step * 10, "web-01"))
        .collect();
    // two hours above the limit two days ago, and ten minutes three days ago
    points.extend((0..120).map(|minute| ("cpu_usage", 99.0, 2 * day + minute, "web-01")));
    points.extend((0..10).map(|minute| ("cpu_usage", 99.0, 3 * day + minute, "web-01")));
    send(&app, &lakeside, &points).await;
    let facility = lakeside.id.to_string();
    let fields = |hold: &'static str, preview: &'static str| {
        [
            ("facility", facility.clone()),
            ("name", "Busy".to_owned()),
            ("severity", "warning".into()),
            ("kind", "level".into()),
            ("metric", "cpu_usage".into()),
            ("aggregate", "max".into()),
            ("minutes", "5".into()),
            ("tag", "host".into()),
            ("crosses", "above".into()),
            ("value", "90".into()),
            ("hold", hold.into()),
            ("keep", "0".into()),
            ("preview", preview.into()),
        ]
    };
    let send = async |hold, preview| {
        let fields = fields(hold, preview);
        let pairs: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        admin.post("/admin/alerts", &pairs).await
    };

    let both = send("0", "true").await.ok();
    let long = send("30", "true").await.ok();

    assert!(
        both.text(".notice").contains("fired 2 times"),
        "{}",
        both.text(".notice")
    );
    assert!(
        long.text(".notice").contains("fired 1 time"),
        "{}",
        long.text(".notice")
    );
    assert!(long.has("svg.week rect"));
    assert!(long.text(".notice tbody").contains("host=web-01"));
    let rules: i64 = sqlx::query_scalar("select count(*) from alert_rules where name = 'Busy'")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(rules, 0);
    assert_eq!(send("30", "").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_is_wrong_with_a_condition_stands_beside_its_field() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let facility = lakeside.id.to_string();

    for (kind, field, value) in [
        ("level", "metric", ""),
        ("level", "value", "many"),
        ("level", "minutes", "0"),
        ("level", "tags", "prod"),
        ("level", "message", "{host"),
        ("absent", "minutes", "5000"),
        ("change", "back", "99"),
        ("unusual", "sensitivity", "2"),
        ("pair", "other", ""),
        ("case", "emits", ""),
    ] {
        let mut fields = vec![
            ("facility", facility.as_str()),
            ("name", "Busy"),
            ("severity", "warning"),
            ("kind", kind),
            ("metric", "cpu_usage"),
            ("aggregate", "max"),
            ("other", "requests"),
            ("minutes", "5"),
            ("usual", "weeks"),
            ("back", "1"),
            ("sensitivity", "0.5"),
            ("emits", "till.spree"),
            ("crosses", "above"),
            ("value", "90"),
        ];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let answer = admin.post("/admin/alerts", &fields).await;
        assert!(answer.problem(field).is_some(), "{kind} {field}: {}", answer.status);
    }
    for kind in ["figure", "level", "absent", "change", "unusual", "pair", "case"] {
        assert!(
            admin
                .get(&format!("/admin/alerts/new?kind={kind}"))
                .await
                .ok()
                .has("form")
        );
    }
}

#[tokio::test]
async fn the_rules_of_a_catalog_are_there_while_it_is_imported() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let before = admin.get("/admin/alerts").await.ok().texts("tbody th");

    sqlx::query(
        "insert into catalogs (name, version, title, content, imported_by)
         select name, 1, name, 'x', 'x' from unnest(array['servers', 'payments', 'shop']) name",
    )
    .execute(&mut app.owner().await)
    .await
    .unwrap();

    let after = admin.get("/admin/alerts").await.ok().texts("tbody th");
    assert_eq!((before.len(), after.len()), (7, 14), "{after:?}");
    alerts::round(&app.db, None)
        .await
        .expect("a look at metrics that nobody sent");
}
