//! API keys: how they are made and ended, what they open, and what a wrong one is told.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::auth::Role;
use serde_json::Value;

use crate::support::{Answer, Client, TestApp};

fn program(app: &TestApp, key: &str) -> Client {
    app.client()
        .with("authorization", &format!("Bearer {key}"))
        .with("accept", "application/json")
        .with("sec-fetch-site", "")
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(answer.body()).unwrap_or_else(|_| panic!("no JSON: {}", answer.body()))
}

#[tokio::test]
async fn a_key_is_shown_once_and_reads_the_figures_of_its_facility() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.stock(&lakeside).quantity(7).add().await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let id = lakeside.id.to_string();
    let form = [
        ("name", "Spreadsheet"),
        ("scopes", "read"),
        ("facilities", &id),
        ("days", "90"),
    ];

    let made = admin.post("/admin/keys", &form).await.ok();
    let key = made.value("made").or_else(|| made.attr("#f-made", "value")).unwrap();
    let again = admin.get("/admin/keys").await.ok();
    let program = program(&app, &key);
    let list = json(&program.get("/api/v1/facilities").await.ok());
    let summary = json(&program.get(&format!("/api/v1/facilities/{id}/summary")).await.ok());
    let used = admin.get("/admin/keys").await.ok();

    assert!(!again.body().contains(&key) && again.text("table").contains(&key[..11]));
    assert_eq!(list["facilities"][0]["name"], "Lakeside");
    assert_eq!(list["facilities"].as_array().unwrap().len(), 1);
    assert_eq!(summary["days"][0]["total_stock"], 7);
    assert_eq!(summary["as_of"], summary["days"][0]["updated_at"]);
    assert!(
        summary["age_seconds"]
            .as_i64()
            .is_some_and(|age| (0..60).contains(&age))
    );
    assert!(again.text("table").contains("Never") && used.text("table").contains("127.0.0.1"));
    drop(hilltop);
}

#[tokio::test]
async fn the_age_of_a_figure_is_told_and_ranges_are_checked() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).add().await;
    let (key, _) = app.key_of(&lakeside).await;
    app.travel(TimeDelta::minutes(20));
    let program = program(&app, &key);
    let path = |query: &str| format!("/api/v1/facilities/{}/summary{query}", lakeside.id);

    let summary = json(&program.get(&path("")).await.ok());
    let none = json(&program.get(&path("?from=2001-01-01&to=2001-01-02")).await.ok());

    assert!(summary["age_seconds"].as_i64().unwrap() >= 1200);
    assert_eq!(
        (&none["as_of"], none["days"].as_array().unwrap().len()),
        (&Value::Null, 0)
    );
    for wrong in [
        "?from=2026-02-01&to=2026-01-01",
        "?from=1926-01-01&to=2026-01-01",
        "?from=soon",
        "?until=2026-01-01",
    ] {
        let answer = program.get(&path(wrong)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert_eq!(json(&answer)["error"], "unprocessable_entity", "{wrong}");
    }
}

#[tokio::test]
async fn whoever_has_no_good_key_is_told_how_to_send_one_and_nothing_else() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let (key, _) = app.key_of(&lakeside).await;
    let mut wrong = key.clone();
    wrong.replace_range(key.len() - 4.., if key.ends_with("AAAA") { "BBBB" } else { "AAAA" });
    let session = app.log_in(Role::NetworkAdmin, &[]).await;

    for client in [
        app.client(),
        session,
        program(&app, &wrong),
        program(&app, "pb_zzzzzzzz_0123456789012345678901234567890123456789abc"),
        program(&app, "nonsense"),
        app.client().with("authorization", &format!("Basic {key}")),
    ] {
        let answer = client.get("/api/v1/facilities").await;
        let body = json(&answer);

        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"Pulseboard\""));
        assert_eq!(body["error"], "unauthorized");
        assert_eq!(body["request_id"].as_str(), answer.header("x-request-id"));
    }
}

#[tokio::test]
async fn a_key_in_the_address_is_refused_even_beside_a_good_one() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let (key, _) = app.key_of(&lakeside).await;

    for path in [
        format!("/api/v1/facilities?api_key={key}"),
        format!("/api/v1/facilities?x={key}"),
        "/api/v1/facilities?access_token=1".into(),
    ] {
        let answer = program(&app, &key).get(&path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(
            json(&answer)["message"].as_str().unwrap().contains("Authorization"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_revoked_key_is_dead_at_once_here_and_soon_elsewhere() {
    let app = TestApp::new().await;
    let second = app.second_instance().await;
    let lakeside = app.facility("Lakeside").await;
    let (key, id) = app.key_of(&lakeside).await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let elsewhere = program(&second, &key);
    elsewhere.get("/api/v1/facilities").await.ok();
    program(&app, &key).get("/api/v1/facilities").await.ok();

    let revoked = admin.post(&format!("/admin/keys/{id}/revocation"), &[]).await;
    let begun = std::time::Instant::now();
    let here = program(&app, &key).get("/api/v1/facilities").await;
    let there = loop {
        let answer = elsewhere.get("/api/v1/facilities").await;
        if answer.status == StatusCode::UNAUTHORIZED || begun.elapsed().as_secs() > 6 {
            break answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };

    assert_eq!(revoked.status, StatusCode::SEE_OTHER);
    assert_eq!(here.status, StatusCode::UNAUTHORIZED);
    assert_eq!(there.status, StatusCode::UNAUTHORIZED);
    assert!(begun.elapsed().as_secs_f64() < 5.0, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn nobody_makes_or_revokes_keys_for_facilities_of_others() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let (_, foreign) = app.key_of(&hilltop).await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let there = hilltop.id.to_string();

    let made = admin
        .post(
            "/admin/keys",
            &[
                ("name", "x"),
                ("scopes", "read"),
                ("facilities", &there),
                ("days", "30"),
            ],
        )
        .await;
    let everywhere = admin
        .post(
            "/admin/keys",
            &[
                ("name", "x"),
                ("scopes", "read"),
                ("everywhere", "true"),
                ("days", "30"),
            ],
        )
        .await;
    let revoked = admin.post(&format!("/admin/keys/{foreign}/revocation"), &[]).await;
    let listed = admin.get("/admin/keys").await.ok();

    assert_eq!(made.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(everywhere.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(revoked.status, StatusCode::NOT_FOUND);
    assert!(!listed.has("table"));
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_how_long_to_wait() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let (key, _) = app.key_of(&lakeside).await;
    let (other, _) = app.key_of(&lakeside).await;
    let program = program(&app, &key);

    let asked = (0..300).map(|_| program.get("/api/v1/facilities"));
    let answers = futures_util::future::join_all(asked).await;
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS)
        .collect();

    assert!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count() >= 60);
    assert!(!refused.is_empty());
    let wait: u64 = refused[0].header("retry-after").unwrap().parse().unwrap();
    assert!((1..=5).contains(&wait));
    assert_eq!(json(refused[0])["error"], "too_many_requests");
    self::program(&app, &other).get("/api/v1/facilities").await.ok();
}

#[tokio::test]
async fn a_program_is_not_taken_for_a_foreign_form() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let (key, _) = app.key_of(&lakeside).await;

    let answer = program(&app, &key).post("/api/v1/facilities", &[]).await;

    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(json(&answer)["error"], "method_not_allowed");
}
