//! Windows of metrics on boards: that they say what `/dashboard` says, live, to those who may see it and nobody else.

use std::fmt::Write;
use std::time::{Duration, Instant};

use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::db::Scope;
use pulseboard::widgets::{Filter, Kind, Range, Widget};
use serde_json::Value;

use super::{context, drawn, widget};
use crate::ingest::http::program;
use crate::support::{Client, Facility, Page, TestApp};

/// A board of this person's with one widget of windows, made by plain forms.
async fn board_with(client: &Client, kind: &'static str, fields: &[(&str, &str)]) -> String {
    let board = crate::boards::make(client, "person", "empty").await;
    let added = client.post(&format!("{board}/edit/widgets"), &[("kind", kind)]).await;
    let form = added.location().expect("its form").to_owned();
    let mut all = vec![("kind", kind), ("do", "keep")];
    all.extend_from_slice(fields);
    let kept = client.post(&form, &all).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{:?}", kept.find("main"));
    client.post(&format!("{board}/version"), &[("do", "save")]).await;
    board
}

async fn send(program: &Client, points: &[(&str, f64, &str, i64)]) {
    let mut body = String::new();
    for (metric, value, host, at) in points {
        let _ = writeln!(
            body,
            r#"{{"metric_name":"{metric}","value":{value},"timestamp":{at},"tags":{{"host":"{host}"}}}}"#
        );
    }
    program.post_body("/metrics", "application/x-ndjson", body).await.ok();
}

async fn dashboard(program: &Client, query: &str) -> Value {
    let answer = program.get(&format!("/dashboard?{query}")).await.ok();
    serde_json::from_str(answer.body()).expect("JSON")
}

fn now(app: &TestApp) -> i64 {
    app.db.clock.now().timestamp()
}

fn of_metric(kind: Kind, measure: &str, change: impl FnOnce(&mut Widget)) -> Widget {
    let mut widget = widget(kind, measure, &[]);
    change(&mut widget);
    widget
}

async fn page(app: &TestApp, of: &Facility, widget: &Widget) -> Page {
    let context = context(app, &Scope::of(of.id), &[of], Filter::default(), Range::days(1)).await;
    let composed = drawn(app, &context, widget).await;
    assert!(!composed.failed, "{}", composed.html);
    Page(composed.html)
}

#[tokio::test]
async fn a_point_is_on_an_open_screen_within_a_second_and_is_what_the_dashboard_says() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let program = program(&app, Some(&[lakeside.id])).await;
    send(&program, &[("cpu_usage", 40.0, "web-01", now(&app) - 100)]).await;
    let fields = [
        ("metric", "cpu_usage"),
        ("aggregate", "max"),
        ("window", "5m"),
        ("warn", "60"),
        ("critical", "80"),
    ];
    let board = board_with(&client, "live", &fields).await;
    let shown = client.get(&board).await.ok();
    let stream = shown.attr("[hx-sse\\:connect]", "hx-sse:connect").expect("a stream");
    let mut watch = client.watch_path(&stream).await;

    send(&program, &[("cpu_usage", 92.5, "web-02", now(&app) - 1)]).await;
    let committed = Instant::now();
    let swapped = watch
        .until(|frame| frame.replaces("w-live") && frame.data.contains("92.5"))
        .await
        .page();
    let waited = committed.elapsed();
    let said = dashboard(&program, "metric=cpu_usage&window=5m").await;

    assert!(
        shown.text("#w-live .figure").starts_with("40"),
        "{:?}",
        shown.find("#w-live")
    );
    assert!(
        swapped.text(".figure").starts_with("92.5"),
        "{}",
        swapped.text("section")
    );
    assert_eq!(said["aggregations"]["max"], 92.5);
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    assert!(swapped.has(".figure.critical") && swapped.text(".change").contains("Critical"));
    assert!(
        swapped
            .text(".of-window")
            .contains("2 values, from the points, complete")
    );
}

#[tokio::test]
async fn points_of_a_facility_are_on_no_screen_of_another() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let inside = program(&app, Some(&[lakeside.id])).await;
    send(&inside, &[("beds", 7.0, "ward-1", now(&app) - 20)]).await;

    for kind in [Kind::Live, Kind::Windows, Kind::Top, Kind::Spread] {
        let widget = of_metric(kind, "metrics.count.beds/host", |_| {});
        let here = page(&app, &lakeside, &widget).await;
        let there = page(&app, &hilltop, &widget).await;

        assert!(!here.has(".empty"), "{kind}: {}", here.text("section"));
        match kind {
            Kind::Live => assert!(there.text(".figure").starts_with('0'), "{}", there.text("section")),
            _ => assert!(there.has(".empty"), "{kind}: {}", there.text("section")),
        }
    }
    let stranger = app.log_in(Role::Viewer, &[&hilltop]).await;
    let board = crate::boards::make(&stranger, "person", "empty").await;
    let added = stranger
        .post(&format!("{board}/edit/widgets"), &[("kind", "live")])
        .await;
    let form = stranger.get(added.location().expect("a form")).await.ok();
    assert_eq!(form.count("#f-known option"), 0, "not even its name is offered");
}

#[tokio::test]
async fn windows_side_by_side_are_those_of_the_dashboard() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let program = program(&app, Some(&[lakeside.id])).await;
    let minute = now(&app) / 60 * 60;
    let mut points = vec![];
    for back in 1..=20 {
        for (at, host) in ["web-01", "web-02", "web-03", "web-04"].into_iter().enumerate() {
            let value = (back * 7 + at as i64 * 100) as f64;
            points.push(("latency", value, host, minute - back * 60));
            points.push(("latency", value + 3.0, host, minute - back * 60 + 20));
        }
    }
    send(&program, &points).await;
    let widget = of_metric(Kind::Windows, "metrics.p95.latency/host", |widget| {
        widget.options.window = Some("1m".into());
        widget.options.reach = Some("20m".into());
        widget.options.limit = Some(3);
    });

    let page = page(&app, &lakeside, &widget).await;

    assert_eq!(
        page.texts("thead th"),
        ["Time", "web-04", "web-03", "2 others"],
        "the largest first"
    );
    let rows = page.texts("tbody tr");
    assert_eq!(rows.len(), 20);
    let end = chrono::DateTime::from_timestamp(minute - 60, 0).unwrap().to_rfc3339();
    let query = format!("metric=latency&window=1m&kind=tumbling&end={end}&tags.host=web-04");
    let said = dashboard(&program, &query).await["aggregations"]["p95"]
        .as_f64()
        .unwrap();
    assert!(
        rows.iter().any(|row| row.contains(&format!("{said:.1}"))),
        "{rows:?} have no {said}"
    );
    assert_eq!(page.count("svg.wide .line"), 3, "{}", page.text("section"));
    assert!(page.text(".note").contains("from the points"));
}

#[tokio::test]
async fn the_top_of_a_tag_has_shares_and_a_distribution_its_quantiles() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let program = program(&app, Some(&[lakeside.id])).await;
    let recent = now(&app) - 60;
    let mut points = vec![];
    for (host, many) in [("web-01", 50), ("web-02", 30), ("web-03", 15), ("web-04", 5)] {
        points.extend((0..many).map(|at| ("hits", f64::from(at + 1), host, recent - i64::from(at % 20))));
    }
    send(&program, &points).await;
    let top = of_metric(Kind::Top, "metrics.count.hits/host", |widget| {
        widget.options.limit = Some(2)
    });
    let spread = of_metric(Kind::Spread, "metrics.avg.hits", |_| {});

    let top = page(&app, &lakeside, &top).await;
    let spread = page(&app, &lakeside, &spread).await;
    let said = dashboard(&program, "metric=hits&window=5m").await;

    assert_eq!(
        top.texts("thead th"),
        ["host", "Value", "Share"],
        "headed by the tag's name"
    );
    assert_eq!(top.texts("tbody th"), ["web-01", "web-02", "2 others"]);
    assert_eq!(top.texts("tbody td.num"), ["50", "50 %", "30", "30 %", "20", "20 %"]);
    let counted: f64 = spread
        .texts("tbody td")
        .iter()
        .map(|count| count.parse::<f64>().unwrap())
        .sum();
    assert_eq!(counted, 100.0);
    let p50 = said["aggregations"]["p50"].as_f64().unwrap();
    assert!(
        spread.text(".chart-legend").contains(&format!("p50 {p50}")),
        "{} has no {p50}",
        spread.text(".chart-legend")
    );
    assert_eq!(spread.count("svg.wide .target"), 1, "drawn as one path");
}

#[tokio::test]
async fn what_is_not_as_usual_is_marked_and_explained() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let program = program(&app, Some(&[lakeside.id])).await;
    let minute = now(&app) / 60 * 60;
    let points: Vec<_> = (1..=360)
        .map(|back| {
            let usual = 50.0 + (back as f64 * 0.7).sin() * 2.0 + (back * 7919 % 100) as f64 / 50.0;
            let value = if back == 5 { 900.0 } else { usual };
            ("load", value, "web-01", minute - back * 60)
        })
        .collect();
    send(&program, &points).await;
    let widget = of_metric(Kind::Windows, "metrics.avg.load", |widget| {
        widget.options.window = Some("1m".into());
    });

    let page = page(&app, &lakeside, &widget).await;

    assert_eq!(page.count("svg.wide .unusual"), 1, "{}", page.text(".chart-legend"));
    let unusual: Vec<String> = page
        .texts("tbody tr")
        .into_iter()
        .filter(|row| row.contains("unusual"))
        .collect();
    assert!(
        unusual.iter().any(|row| row.contains("900") && row.contains("above")),
        "{unusual:?}"
    );
}

#[tokio::test]
async fn a_window_that_cannot_be_shown_is_refused_beside_its_field() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let program = program(&app, Some(&[lakeside.id])).await;
    send(&program, &[("cpu_usage", 40.0, "web-01", now(&app))]).await;
    let board = crate::boards::make(&client, "person", "empty").await;

    for (kind, field, value) in [
        ("live", "window", "soon"),
        ("live", "metric", "no_such_metric"),
        ("live", "metric", "two words"),
        ("live", "aggregate", "ratio"),
        ("live", "tags", "host"),
        ("windows", "window", "90s"),
        ("windows", "reach", "9d"),
        ("top", "tag", ""),
        ("distribution", "window", "500d"),
    ] {
        let added = client.post(&format!("{board}/edit/widgets"), &[("kind", kind)]).await;
        let form = added.location().expect("its form").to_owned();
        let mut fields = vec![("kind", kind), ("do", "keep"), (field, value)];
        for usual in [("metric", "cpu_usage"), ("tag", "host")] {
            if usual.0 != field {
                fields.push(usual);
            }
        }

        let answer = client.post(&form, &fields).await;

        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{kind} {field}={value}"
        );
        assert!(
            answer.problem(field).is_some(),
            "{kind} {field}={value}: {:?}",
            answer.find("form")
        );
        if field != "aggregate" {
            assert_eq!(answer.value(field).unwrap_or_default(), value, "kept as typed");
        }
    }
    let gallery = client.get(&format!("{board}/edit/gallery")).await.ok();
    assert!(
        gallery.text("#w-sample-live .figure").starts_with("40"),
        "{:?}",
        gallery.find("#w-sample-live")
    );
}

#[tokio::test]
async fn older_windows_are_answered_from_sketches_and_say_so() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let program = program(&app, Some(&[lakeside.id])).await;
    let points: Vec<_> = (0..50)
        .map(|at| ("latency", f64::from(at + 1), "web-01", now(&app) - 120 - i64::from(at)))
        .collect();
    send(&program, &points).await;
    sqlx::query("delete from points")
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    let live = of_metric(Kind::Live, "metrics.p95.latency", |_| {});
    let spread = of_metric(Kind::Spread, "metrics.avg.latency", |_| {});

    let live = page(&app, &lakeside, &live).await;
    let spread = page(&app, &lakeside, &spread).await;
    let said = dashboard(&program, "metric=latency&window=5m").await;

    assert_eq!(said["source"], "sketch");
    let p95 = said["aggregations"]["p95"].as_f64().unwrap();
    let shown: f64 = live.text(".figure [data-mark]").parse().unwrap();
    assert!((shown - p95).abs() < 0.06, "{shown} is not {p95}");
    assert!(live.text(".of-window").contains("from sums"));
    assert!(
        spread.text(".note").contains("50 values, from sums"),
        "{}",
        spread.text(".note")
    );
}
