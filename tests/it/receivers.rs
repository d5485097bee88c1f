//! Metrics that Prometheus and OpenTelemetry push: what is stored, and answers by which a sender knows whether to try again.

use axum::body::Body;
use http::{Method, StatusCode};
use prost::Message;
use pulseboard::auth::{KeyScope, Role};
use pulseboard::keys::{self, NewKey};
use serde_json::{Value, json};

use crate::support::{Answer, Client, Facility, TestApp};

#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

fn series(name: &str, values: &[f64]) -> TimeSeries {
    let label = |name: &str, value: &str| Label {
        name: name.into(),
        value: value.into(),
    };
    let now = chrono::Utc::now().timestamp_millis();
    let samples = values.iter().zip(0..).map(|(value, step)| Sample {
        value: *value,
        timestamp: now - 1_000 * step,
    });
    TimeSeries {
        labels: vec![label("__name__", name), label("host", "web-01")],
        samples: samples.collect(),
    }
}

fn packed(timeseries: Vec<TimeSeries>) -> Vec<u8> {
    let request = WriteRequest { timeseries }.encode_to_vec();
    snap::raw::Encoder::new().compress_vec(&request).unwrap()
}

/// A program that may send for this facility.
async fn sender(app: &TestApp, facility: &Facility) -> Client {
    let manager = app.manager(Role::FacilityAdmin, &[facility]).await;
    let new = NewKey {
        name: "Prometheus".into(),
        scopes: vec![KeyScope::SendMetrics],
        facilities: Some(vec![facility.id]),
        days: 30,
    };
    let key = keys::create(&app.db, &manager, &new).await.expect("a key");
    app.client()
        .with("authorization", &format!("Bearer {key}"))
        .with("accept", "*/*")
        .with("sec-fetch-site", "")
}

async fn push(client: &Client, body: Vec<u8>) -> Answer {
    let request = client
        .request(Method::POST, "/api/v1/write")
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", "snappy");
    client.send(request, Body::from(body)).await
}

/// Name, sum and facility of everything stored.
async fn sums(app: &TestApp) -> Vec<(String, f64, i64)> {
    sqlx::query_as(
        "select d.name, sum(r.sum)::float8, r.facility_id from rollups r join series s on s.id = r.series_id
         join metric_definitions d on d.id = s.metric_id where r.step = 'day' group by 1, 3 order by 1",
    )
    .fetch_all(&mut app.owner().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn prometheus_is_told_what_to_send_again_and_what_not() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = sender(&app, &lakeside).await;

    let body = packed(vec![series("cpu", &[1.0, 2.0, f64::NAN])]);
    let good = push(&client, body.clone()).await;
    let again = push(&client, body).await;
    let partly = push(&client, packed(vec![series("load", &[f64::INFINITY, 4.0])])).await;
    let broken = push(&client, b"not snappy".to_vec()).await;
    let json = client.post_body("/api/v1/write", "application/json", "{}").await;
    let stranger = push(&app.client().with("sec-fetch-site", ""), packed(vec![])).await;

    for answer in [&good, &again] {
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.header("x-prometheus-remote-write-samples-written"), Some("2"));
    }
    assert_eq!(partly.status, StatusCode::BAD_REQUEST);
    assert_eq!(partly.header("x-prometheus-remote-write-samples-written"), Some("1"));
    assert_eq!(
        (broken.status, json.status, stranger.status),
        (
            StatusCode::BAD_REQUEST,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNAUTHORIZED
        )
    );
    let id = lakeside.id.0;
    assert_eq!(sums(&app).await, [("cpu".into(), 3.0, id), ("load".into(), 4.0, id)]);
}

#[tokio::test]
async fn open_telemetry_is_told_how_much_of_its_request_was_taken() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = sender(&app, &lakeside).await;
    let now = chrono::Utc::now().timestamp_nanos_opt().unwrap().to_string();
    let body = |points: Value| {
        let metrics = json!([{ "name": "orders", "sum": { "dataPoints": points } }]);
        json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": metrics }] }] }).to_string()
    };
    let path = "/v1/metrics";

    let whole = client
        .post_body(
            path,
            "application/json",
            body(json!([{ "timeUnixNano": now, "asInt": "7" }])),
        )
        .await;
    let points = json!([{ "timeUnixNano": now, "asDouble": 2.5 }, { "asInt": 1 }]);
    let partly = client.post_body(path, "application/json", body(points)).await;
    let broken = client.post_body(path, "application/x-protobuf", vec![0xff_u8]).await;

    assert_eq!((whole.status, whole.body()), (StatusCode::OK, "{}"));
    let told: Value = serde_json::from_str(partly.body()).unwrap();
    assert_eq!(partly.status, StatusCode::OK);
    assert_eq!(told["partialSuccess"]["rejectedDataPoints"], "1");
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert_eq!(broken.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(sums(&app).await, [("orders".into(), 9.5, lakeside.id.0)]);
}

#[tokio::test]
async fn a_key_that_pushes_too_often_is_told_when_to_come_again() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = sender(&app, &lakeside).await;

    let mut refused = Vec::new();
    for path in ["/api/v1/write", "/v1/metrics"] {
        // a pause of the machine may let some more in
        for _ in 0..2_000 {
            let answer = client.post_body(path, "text/plain", "").await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                refused.push((path, answer.header("retry-after").map(str::to_owned)));
                break;
            }
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
        }
    }

    let soon = Some("1".to_owned());
    assert_eq!(refused, [("/api/v1/write", soon.clone()), ("/v1/metrics", soon)]);
}
