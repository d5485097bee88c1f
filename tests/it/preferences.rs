//! What each person prefers, and that pages heed it.

use http::StatusCode;
use pulseboard::auth::Role;

use crate::support::TestApp;

#[tokio::test]
async fn preferences_are_kept_and_pages_heed_them() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let form = [
        ("zone", "Asia/Kathmandu"),
        ("dates", "iso"),
        ("refresh", "minute"),
        ("start", "network"),
        ("theme", "dark"),
    ];

    let saved = client.post("/account/preferences", &form).await;
    let page = client.get("/account/preferences").await.ok();
    let board = client.get(&lakeside.path("")).await.ok();
    let wall = client.get(&lakeside.path("?wall=1")).await.ok();

    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(page.value("zone").as_deref(), Some("Asia/Kathmandu"));
    assert!(!page.has("input[name=mail_access][checked]"));
    assert_eq!(client.get("/").await.location(), Some("/network"));
    assert_eq!(
        board.attr("body", "data-reading-zone").as_deref(),
        Some("Asia/Kathmandu")
    );
    assert_eq!(board.attr("body", "data-dates").as_deref(), Some("iso"));
    assert_eq!(board.attr("html", "data-theme").as_deref(), Some("dark"));
    assert!(board.has("#refresh-status") && !board.has("#live"));
    assert!(
        !wall.has("body[data-reading-zone]") && wall.has("#live"),
        "a wall is everybody's"
    );
}

#[tokio::test]
async fn a_zone_that_does_not_exist_is_refused_and_a_start_that_is_not_theirs_ignored() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let foreign = hilltop.id.to_string();
    let form = |zone: &'static str| {
        [
            ("zone", zone),
            ("dates", "words"),
            ("refresh", "live"),
            ("start", &*foreign),
        ]
    };

    let wrong = client.post("/account/preferences", &form("Europe/Atlantis")).await;
    let right = client.post("/account/preferences", &form("")).await;

    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.problem("zone").is_some());
    assert_eq!(wrong.value("zone").as_deref(), Some("Europe/Atlantis"));
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    assert_eq!(client.get("/").await.location(), Some(&*lakeside.path("")));
}
