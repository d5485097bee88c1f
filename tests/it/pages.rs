//! What every answer has in common: the headers that keep browsers safe, a designed page for whatever went wrong, and
//! nothing half written by input that is half sent.

use axum::body::{Body, Bytes};
use http::{Method, StatusCode, header};
use pulseboard::auth::Role;

use crate::support::{Answer, Client, TestApp};

const FORM: &str = "application/x-www-form-urlencoded";

#[track_caller]
fn is_a_designed_page(answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status);
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8"),
        "{status}"
    );
    assert_eq!(answer.text(".fault .code"), status.as_str());
    assert!(answer.has(".fault .actions a"), "{status} leads on");
}

#[tokio::test]
async fn every_kind_of_answer_carries_the_headers_that_keep_browsers_safe() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Staff, &[&lakeside]).await;
    let asset = pulseboard::web::assets::address("app.js");
    let answers = [
        client.get(&lakeside.path("")).await,
        client.htmx().get(&lakeside.path("/widgets/stock")).await,
        client.get(&lakeside.path("/events")).await,
        client.get("/nowhere").await,
        client.get("/").await,
        client.post("/login", &[]).await,
        client.post(&lakeside.path(""), &[]).await,
        app.client().get("/account").await,
        client.get(asset).await,
        client.get("/livez").await,
    ];

    for answer in &answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'; script-src 'self'; script-src-attr 'none'"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} of {}", answer.status);
        }
        assert_eq!(answer.header("x-request-id").map(str::len), Some(16));
        assert_eq!(answer.header("strict-transport-security"), None, "not over plain http");
        assert_eq!(answer.header("server"), None);
    }
    for page in answers
        .iter()
        .filter(|answer| !answer.status.is_success() || answer.has("main"))
    {
        assert_eq!(page.header("cache-control"), Some("no-store"), "{}", page.status);
        let mut vary = page.headers.get_all("vary").iter();
        assert!(vary.any(|names| names == "hx-request"), "{}", page.status);
    }
    let files = [&answers[8]];
    assert!(
        files
            .iter()
            .all(|file| file.header("cache-control").unwrap().contains("immutable"))
    );
}

#[tokio::test]
async fn over_https_browsers_are_told_to_stay_there() {
    let mut options = crate::support::options();
    options.frame.secure = true;
    let app = TestApp::with(options).await;

    let page = app.client().get("/login").await.ok();

    assert_eq!(
        page.header("strict-transport-security"),
        Some("max-age=63072000; includeSubDomains")
    );
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .ends_with("upgrade-insecure-requests")
    );
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_page_that_leads_on() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let huge = format!("theme={}", "x".repeat(70_000));

    is_a_designed_page(&client.get("/nowhere").await, StatusCode::NOT_FOUND);
    is_a_designed_page(&client.get("/facilities/none").await, StatusCode::NOT_FOUND);
    is_a_designed_page(
        &client.get(&lakeside.path("/requests/new")).await,
        StatusCode::FORBIDDEN,
    );
    is_a_designed_page(
        &client.post(&lakeside.path(""), &[]).await,
        StatusCode::METHOD_NOT_ALLOWED,
    );
    is_a_designed_page(
        &client.post_body("/account/theme", FORM, huge).await,
        StatusCode::PAYLOAD_TOO_LARGE,
    );
    let as_json = client.post_body("/account/theme", "application/json", "{}").await;
    is_a_designed_page(&as_json, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let strange = client
        .post("/account/theme", &[("theme", "dark"), ("facility_id", "7")])
        .await;
    is_a_designed_page(&strange, StatusCode::UNPROCESSABLE_ENTITY);
    let no_day = client.get(&lakeside.path("?day=yesterday")).await;
    is_a_designed_page(&no_day, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_method_that_is_not_taken_names_those_that_are() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;

    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = client
            .send(client.request(method.clone(), "/login"), Body::empty())
            .await;

        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"), "{method}");
    }
}

#[tokio::test]
async fn a_problem_reaches_htmx_as_a_notice() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await.htmx();

    let answer = client.get("/nowhere").await;

    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("hx-retarget"), Some("#notice"));
    assert!(answer.has("p.notice.critical") && !answer.has("main"));
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_the_askers_mistake() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Staff, &[&lakeside]).await;
    let lists = [
        "/inventory",
        "/requests",
        "/requests/new",
        "/issues/new",
        "",
        "/events",
        "/widgets/none",
    ];
    let queries = [
        "page=x",
        "page=-1",
        "component=unobtainium",
        "group=Z",
        "day=2026-13-45",
        "day=9999999-01-01",
        "day=0000-00-00",
        "after=x",
        "seen=x",
        "x=%ff%fe",
        "a=1&a=2",
        "q=%00",
        "%",
    ];

    for path in lists
        .iter()
        .map(|path| lakeside.path(path))
        .chain(["/network".into(), "/network/find".into()])
    {
        for query in queries {
            let answer = client.get(&format!("{path}?{query}")).await;

            assert!(!answer.status.is_server_error(), "{path}?{query}: {}", answer.status);
            if answer.status.is_client_error() {
                let says = answer.has(".fault .code") || answer.has(".problem");
                assert!(says, "{path}?{query}: {} {:?}", answer.status, answer.find("main"));
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_or_is_no_form_changes_nothing() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;
    let broken = Body::from_stream(futures_util::stream::iter([
        Ok(Bytes::from_static(b"theme=da")),
        Err(std::io::Error::other("the cable was cut")),
    ]));

    let half = client.post_body("/account/theme", FORM, broken).await;
    let bad = [
        "theme=%ff%fe",
        "theme=dark&theme=light",
        "=&=&=",
        "theme=dark%00",
        "\0\0\0",
        "theme=DARK",
    ];

    assert!(half.status.is_client_error(), "{}", half.status);
    for body in bad {
        let answer = client.post_body("/account/theme", FORM, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body:?}");
    }
    assert_eq!(theme(&app).await, "system");
}

async fn theme(app: &TestApp) -> String {
    sqlx::query_scalar("select theme from users")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_body_whose_end_is_far_away_is_refused_before_it_is_read() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;
    let request = client
        .request(Method::POST, "/account/theme")
        .header(header::CONTENT_TYPE, FORM)
        .header(header::CONTENT_LENGTH, "1099511627776");

    let answer = client.send(request, Body::from("theme=dark")).await;

    is_a_designed_page(&answer, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_a_page_shows_is_the_same_packed_and_unpacked() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).add().await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let get = async |client: Client| client.get(&lakeside.path("")).await.ok();

    let (plain, packed) = (
        get(client.clone()).await,
        get(client.with("accept-encoding", "gzip")).await,
    );

    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(packed.body(), plain.body());
}

#[tokio::test]
async fn what_people_type_is_text_and_never_markup() {
    let app = TestApp::new().await;
    let lakeside = app.facility("<script>alert(1)</script>").await;
    let hostile = "\"><img src=x onerror=alert(1)><p hx-get=/logout>";
    let client = app.log_in(Role::NetworkAdmin, &[&lakeside]).await;
    let pages = [
        client.get(&lakeside.path("")).await,
        client.get("/network").await,
        client
            .get(&format!("/network?q={}", pulseboard::web::percent_encoded(hostile)))
            .await,
        app.client().try_log_in(hostile, hostile).await,
        app.client()
            .get(&format!("/login?next=/{}", pulseboard::web::percent_encoded(hostile)))
            .await,
    ];

    for page in pages {
        assert!(
            !page.has("img[onerror]") && !page.has("[hx-get='/logout']"),
            "{}",
            page.heading()
        );
        assert!(
            page.texts("script").iter().all(|script| script.is_empty()),
            "{}",
            page.heading()
        );
    }
}

#[tokio::test]
async fn a_page_that_is_sent_again_is_still_that_of_whoever_asks() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let (one, other) = (
        app.person(Role::Staff, &[&lakeside]).await,
        app.person(Role::Viewer, &[&lakeside]).await,
    );
    sqlx::query("update users set name = 'Robin' where email = $1")
        .bind(&other.email)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    let packed = |client: Client| client.with("accept-encoding", "gzip");
    let staff = packed(app.client().log_in(&one.email).await);
    let viewer = packed(app.client().log_in(&other.email).await);
    let board = lakeside.path("");

    for _ in 0..3 {
        let (mine, theirs) = (staff.get(&board).await.ok(), viewer.get(&board).await.ok());
        assert_eq!(mine.text(".menu.user .who small"), "Staff");
        assert_eq!(theirs.text(".menu.user .who small"), "Viewer");
        assert_ne!(mine.text(".menu.user .who strong"), "Robin");
        assert_eq!(theirs.text(".menu.user .who strong"), "Robin");
    }
    let again = (staff.get(&board).await, staff.get(&board).await);
    assert_eq!(again.0.body(), again.1.body());
    assert_eq!(again.1.header("cache-control"), Some("no-store"));

    // what was done is said once; a wall is no ordinary page; another address is another page
    assert!(staff.get(&format!("{board}?done=refreshed")).await.notice().is_some());
    assert!(staff.get(&format!("{board}?wall=1")).await.has("body.wall"));
    let after = staff.get(&board).await;
    assert!(after.notice().is_none() && !after.has("body.wall"));
    let elsewhere = staff.get(&format!("{board}?x=1")).await;
    assert_eq!(elsewhere.value("next").as_deref(), Some(&*format!("{board}?x=1")));

    // a change of the person, and of the board, is on the very next page
    staff
        .post("/account/theme", &[("theme", "dark"), ("next", &board)])
        .await;
    assert_eq!(
        staff.get(&board).await.attr("html", "data-theme").as_deref(),
        Some("dark")
    );
    assert_eq!(viewer.get(&board).await.attr("html", "data-theme"), None);
    app.stock(&lakeside).quantity(7).add().await;
    assert!(staff.get(&board).await.text("#w-stock").contains('7'));

    // and whoever is shut out sees no page, kept or not
    staff.post("/logout", &[]).await;
    assert!(crate::support::is_stranger(&staff.get(&board).await));
}

#[tokio::test]
async fn a_process_answers_what_its_role_is_for_and_nothing_else() {
    use pulseboard::config::Role::{All, Ingest, Jobs, Web};
    use tower::ServiceExt;
    let app = TestApp::new().await;
    let page = (Method::GET, "/login", StatusCode::OK);
    let events = (Method::POST, "/api/v1/events", StatusCode::UNAUTHORIZED);
    let pushed = (Method::POST, "/v1/metrics", StatusCode::UNAUTHORIZED);

    for (role, answers) in [
        (All, vec![&page, &events, &pushed]),
        (Web, vec![&page]),
        (Ingest, vec![&events, &pushed]),
        (Jobs, vec![]),
    ] {
        let router = pulseboard::app::router_of(app.app.clone(), role);
        let asked = |method: &Method, path: &str| {
            let request = http::Request::builder().method(method).uri(path);
            let answer = router.clone().oneshot(request.body(Body::empty()).unwrap());
            async { answer.await.unwrap().status() }
        };
        for one @ (method, path, status) in [&page, &events, &pushed] {
            let expected = if answers.contains(&one) {
                *status
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(asked(method, path).await, expected, "{method} {path} of {role:?}");
        }
        assert_eq!(asked(&Method::GET, "/livez").await, StatusCode::OK, "{role:?}");
        // Prometheus has a port of its own
        assert_ne!(asked(&Method::GET, "/metrics").await, StatusCode::OK, "{role:?}");
    }
}
