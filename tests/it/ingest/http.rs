//! What programs send over HTTP, and what they are answered.

use std::io::Write;

use chrono::{DateTime, TimeDelta};
use http::{Method, StatusCode};
use pulseboard::auth::{KeyScope, Role};
use pulseboard::ids::FacilityId;
use pulseboard::keys::{self, NewKey};
use serde_json::{Value, json};

use super::exactness::rollups_are_the_sums_of_their_points;
use crate::support::{Answer, Client, TestApp};

const EXAMPLE: &str =
    r#"{"metric_name":"cpu_usage","value":92.5,"timestamp":1721199945,"tags":{"host":"web-01","env":"prod"}}"#;

/// A program whose key may send everything and read metrics; none: of every facility.
pub async fn program(app: &TestApp, facilities: Option<&[FacilityId]>) -> Client {
    program_with(
        app,
        facilities,
        &[KeyScope::SendEvents, KeyScope::SendMetrics, KeyScope::ReadMetrics],
    )
    .await
}

async fn program_with(app: &TestApp, facilities: Option<&[FacilityId]>, scopes: &[KeyScope]) -> Client {
    let manager = app.manager(Role::NetworkAdmin, &[]).await;
    let new = NewKey {
        name: "Sender".into(),
        scopes: scopes.to_vec(),
        facilities: facilities.map(<[FacilityId]>::to_vec),
        days: 30,
    };
    let key = keys::create(&app.db, &manager, &new).await.expect("a key");
    app.client()
        .with("authorization", &format!("Bearer {key}"))
        .with("accept", "*/*")
        .with("sec-fetch-site", "")
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(answer.body()).unwrap_or_else(|_| panic!("no JSON: {} {}", answer.status, answer.body()))
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut app.owner().await).await.unwrap()
}

#[tokio::test]
async fn the_example_of_the_manual_is_taken_and_read_back() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;

    let sent = program.post_body("/metrics", "application/json", EXAMPLE).await.ok();
    let read = program
        .get("/dashboard?metric=cpu_usage&window=5m&end=2024-07-17T07:06:00Z")
        .await
        .ok();
    let now = program.get("/dashboard?metric=cpu_usage&window=5m").await.ok();

    assert_eq!(json_of(&sent)["accepted"], 1);
    let read = json_of(&read);
    assert_eq!(
        (&read["metric_name"], &read["window"]),
        (&json!("cpu_usage"), &json!("5m"))
    );
    assert_eq!(read["aggregations"]["avg"], 92.5);
    assert_eq!(read["aggregations"]["max"], 92.5);
    assert_eq!(read["aggregations"]["p95"], 92.5);
    assert_eq!(
        (&read["count"], &read["complete"], &read["source"]),
        (&json!(1), &json!(true), &json!("raw"))
    );
    let now = json_of(&now);
    assert_eq!((&now["count"], &now["aggregations"]["avg"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn points_come_one_by_one_in_arrays_by_lines_and_packed() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(EXAMPLE.as_bytes()).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(EXAMPLE.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);

    let array = program
        .post_body("/api/v1/metrics", "application/json", format!("[{EXAMPLE},{EXAMPLE}]"))
        .await
        .ok();
    let lines = program
        .post_body("/metrics", "application/x-ndjson", format!("{EXAMPLE}\n{EXAMPLE}\n"))
        .await
        .ok();
    let gzip = program
        .with("content-encoding", "gzip")
        .post_body("/metrics", "application/json", gzip.finish().unwrap())
        .await
        .ok();
    let zstd = program
        .with("content-encoding", "zstd")
        .post_body("/metrics", "application/json; charset=utf-8", zstd)
        .await
        .ok();

    let accepted = [array, lines, gzip, zstd].map(|answer| json_of(&answer)["accepted"].clone());
    assert_eq!(accepted, [json!(2), json!(2), json!(1), json!(1)]);
    assert_eq!(count(&app, "select sum(cardinality(offsets)) from points").await, 6);
    assert_eq!(rollups_are_the_sums_of_their_points(&app).await, 3);
}

#[tokio::test]
async fn cloud_events_come_in_all_three_modes() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;
    let event = |id: &str| {
        format!(
            r#"{{"specversion":"1.0","source":"shop","id":"{id}","type":"shop.order","time":"2026-11-30T10:00:00Z","data":{{"price":5}}}}"#
        )
    };
    let binary = program
        .with("ce-specversion", "1.0")
        .with("ce-source", "shop")
        .with("ce-id", "1")
        .with("ce-type", "shop.order")
        .with("ce-time", "2026-11-30T10:00:00Z");

    let one = binary
        .post_body("/api/v1/events", "application/json", r#"{ "price": 5 }"#)
        .await
        .ok();
    let same = program
        .post_body("/api/v1/events", "application/cloudevents+json", event("1"))
        .await
        .ok();
    let batch = format!("[{},{}]", event("2"), event("3"));
    let batch = program
        .post_body("/api/v1/events", "application/cloudevents-batch+json", batch)
        .await
        .ok();
    let other = program
        .post_body(
            "/api/v1/events",
            "application/cloudevents+json",
            event("2").replace('5', "6"),
        )
        .await;

    assert_eq!(json_of(&one)["accepted"], 1);
    assert_eq!(
        json_of(&same)["duplicates"],
        1,
        "binary and structured are the same event"
    );
    assert_eq!(json_of(&batch)["accepted"], 2);
    assert_eq!(
        (other.status, &json_of(&other)["conflicts"]),
        (StatusCode::CONFLICT, &json!(1))
    );
    assert_eq!(count(&app, "select count(*) from events").await, 3);
}

#[tokio::test]
async fn each_bad_one_is_told_by_its_place_and_the_good_ones_are_kept() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;
    let batch = format!(r#"[{EXAMPLE},{{"metric_name":"a"}},{EXAMPLE},{{"metric_name":"","value":1}}]"#);

    let answer = program.post_body("/metrics", "application/json", batch).await;

    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let body = json_of(&answer);
    assert_eq!((&body["accepted"], &body["rejected"]), (&json!(2), &json!(2)));
    assert_eq!(
        (&body["errors"][0]["index"], &body["errors"][1]["index"]),
        (&json!(1), &json!(3))
    );
    assert!(body["errors"][0]["reason"].as_str().unwrap().contains("value"));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_as_a_whole_and_nothing_is_kept() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 64 * 1024 * 1024]).unwrap();
    let bomb = bomb.finish().unwrap();
    let reading = program_with(&app, None, &[KeyScope::Read, KeyScope::ReadMetrics]).await;
    let too_many = vec!["1"; 10_001].join("\n");

    let asked = [
        (
            program.post_body("/metrics", "text/plain", EXAMPLE).await,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            program
                .with("content-encoding", "br")
                .post_body("/metrics", "application/json", EXAMPLE)
                .await,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            program.post_body("/metrics", "application/json", "[1,").await,
            StatusCode::BAD_REQUEST,
        ),
        (
            program
                .with("content-encoding", "gzip")
                .post_body("/metrics", "application/json", EXAMPLE)
                .await,
            StatusCode::BAD_REQUEST,
        ),
        (
            program
                .with("content-encoding", "gzip")
                .post_body("/metrics", "application/json", bomb)
                .await,
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (
            program
                .post_body("/metrics", "application/json", vec![b' '; 5 * 1024 * 1024])
                .await,
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (
            program.post_body("/metrics", "application/x-ndjson", too_many).await,
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (
            reading.post_body("/metrics", "application/json", EXAMPLE).await,
            StatusCode::FORBIDDEN,
        ),
        (
            app.client().post_body("/metrics", "application/json", EXAMPLE).await,
            StatusCode::UNAUTHORIZED,
        ),
        (
            program.get("/dashboard?metric=cpu_usage&window=soon").await,
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (program.get("/dashboard?metric=nothing").await, StatusCode::NOT_FOUND),
    ];

    for (place, (answer, wanted)) in asked.iter().enumerate() {
        assert_eq!(answer.status, *wanted, "number {place}: {}", answer.body());
        assert!(json_of(answer)["error"].is_string());
    }
    assert_eq!(count(&app, "select count(*) from rollups").await, 0);
}

#[tokio::test]
async fn a_batch_with_an_idempotency_key_counts_once() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;
    let keyed = program.with("idempotency-key", "batch-1");

    let first = keyed.post_body("/metrics", "application/json", EXAMPLE).await.ok();
    let again = keyed.post_body("/metrics", "application/json", EXAMPLE).await.ok();
    let other = keyed
        .post_body("/metrics", "application/json", EXAMPLE.replace("92.5", "1"))
        .await;

    assert_eq!(
        (first.body(), first.header("idempotency-replayed")),
        (again.body(), None)
    );
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        count(&app, "select sum(count)::bigint from rollups where step = 'day'").await,
        1
    );
}

#[tokio::test]
async fn a_key_sends_and_reads_for_its_facilities_alone() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let ours = program(&app, Some(&[lakeside.id])).await;
    let theirs = program(&app, Some(&[hilltop.id])).await;
    let both = program(&app, Some(&[lakeside.id, hilltop.id])).await;
    let all = program(&app, None).await;
    let named = |id: FacilityId, value: u8| format!(r#"{{"metric_name":"beds","value":{value},"facility":{id}}}"#);

    ours.post_body("/metrics", "application/json", r#"{"metric_name":"beds","value":1}"#)
        .await
        .ok();
    both.post_body("/metrics", "application/json", named(lakeside.id, 2))
        .await
        .ok();
    all.post_body("/metrics", "application/json", r#"{"metric_name":"beds","value":4}"#)
        .await
        .ok();
    let foreign = theirs
        .post_body("/metrics", "application/json", named(lakeside.id, 8))
        .await;
    let nowhere = all
        .post_body("/metrics", "application/json", named(FacilityId(987_654), 8))
        .await;
    let sum = async |program: &Client| {
        json_of(&program.get("/dashboard?metric=beds&window=5m").await)["aggregations"]["sum"].clone()
    };

    assert_eq!(
        (foreign.status, nowhere.status),
        (StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST)
    );
    assert_eq!(
        json_of(&foreign)["errors"],
        json_of(&nowhere)["errors"],
        "another's looks like none"
    );
    assert_eq!(
        (sum(&ours).await, sum(&both).await, sum(&all).await),
        (json!(3.0), json!(3.0), json!(7.0))
    );
    assert_eq!(
        theirs.get("/dashboard?metric=beds&window=5m").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        theirs.get("/api/v1/analytics/metrics/beds/hour").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_window_is_computed_by_groups_and_by_tags() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;
    let now = app.db.clock.now();
    let start = DateTime::from_timestamp(now.timestamp().div_euclid(300) * 300 - 600, 0).unwrap();
    let lines: Vec<String> = (1..=100)
        .map(|n| json!({ "metric_name": "latency", "value": n, "timestamp": (start + TimeDelta::milliseconds(i64::from(n) * 2_500)).to_rfc3339(),
                         "tags": { "host": format!("web-{}", n % 2), "tags.x": "y" } }).to_string())
        .collect();
    let boundary = json!({ "metric_name": "latency", "value": 1000, "timestamp": start.timestamp() + 300 }).to_string();
    program
        .post_body(
            "/metrics",
            "application/x-ndjson",
            format!("{}\n{boundary}", lines.join("\n")),
        )
        .await
        .ok();
    let end = (start + TimeDelta::minutes(5)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let ask = async |query: &str| {
        json_of(
            &program
                .get(&format!("/api/v1/dashboard?metric=latency&window=5m{query}"))
                .await
                .ok(),
        )
    };

    let sliding = ask(&format!("&end={end}")).await;
    let tumbling = ask(&format!("&kind=tumbling&end={}", start.timestamp() + 1)).await;
    let host = ask(&format!("&kind=tumbling&end={}&tags.host=web-0", start.timestamp())).await;
    let prefixed = ask(&format!("&kind=tumbling&end={}&tags.tags.x=y", start.timestamp())).await;
    let groups = ask(&format!("&end={end}&group_by=host")).await;
    let along = json_of(&program.get("/api/v1/analytics/metrics/latency/hour").await.ok());
    let realtime = json_of(&program.get("/api/v1/analytics/metrics/realtime?window=1h").await.ok());

    assert_eq!(
        (&sliding["count"], &sliding["aggregations"]["max"]),
        (&json!(101), &json!(1000.0))
    );
    assert_eq!(
        (&tumbling["count"], &tumbling["aggregations"]["p95"]),
        (&json!(100), &json!(95.05))
    );
    assert_eq!(tumbling["aggregations"]["p50"], 50.5);
    assert_eq!(
        (&host["count"], &host["aggregations"]["avg"]),
        (&json!(50), &json!(51.0))
    );
    assert_eq!(prefixed["count"], 100, "a tag may be named like the parameter of a tag");
    assert_eq!(groups["groups"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&groups["groups"][1]["tags"]["host"], &groups["groups"][1]["count"]),
        (&json!("web-0"), &json!(50))
    );
    let counted: i64 = along["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| bucket["count"].as_i64().unwrap())
        .sum();
    assert_eq!((counted, &realtime["metrics"][0]["count"]), (101, &json!(101)));
}

#[tokio::test]
async fn when_the_points_are_gone_sums_stay_exact_and_quantiles_are_near() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;
    let start = app.db.clock.now().timestamp().div_euclid(300) * 300 - 600;
    let lines: Vec<String> = (1..=1000)
        .map(|n| json!({ "metric_name": "size", "value": n * n, "timestamp": start * 1000 + n * 299 }).to_string())
        .collect();
    program
        .post_body("/metrics", "application/x-ndjson", lines.join("\n"))
        .await
        .ok();
    let path = format!("/dashboard?metric=size&window=5m&kind=tumbling&end={start}");
    let raw = json_of(&program.get(&path).await.ok());

    sqlx::query("delete from points")
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    let sketch = json_of(&program.get(&path).await.ok());

    assert_eq!((&raw["source"], &sketch["source"]), (&json!("raw"), &json!("sketch")));
    for exact in ["count", "sum", "avg", "min", "max", "rate"] {
        assert_eq!(sketch["aggregations"][exact], raw["aggregations"][exact], "{exact}");
    }
    for near in ["p50", "p90", "p95", "p99"] {
        let (found, wanted) = (
            sketch["aggregations"][near].as_f64().unwrap(),
            raw["aggregations"][near].as_f64().unwrap(),
        );
        assert!((found - wanted).abs() <= wanted * 0.01, "{near}: {found} for {wanted}");
    }
}

#[tokio::test]
async fn a_key_that_sends_too_often_is_told_to_wait() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;

    let mut refused = None;
    for _ in 0..2_000 {
        let answer = program
            .send(
                program
                    .request(Method::POST, "/metrics")
                    .header("content-type", "text/plain"),
                axum::body::Body::empty(),
            )
            .await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }

    assert!(refused.expect("a limit").header("retry-after").is_some());
}
