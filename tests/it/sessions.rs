//! What a session may never do: outlive its use, its shift, its person, or its end.

use chrono::TimeDelta;
use futures_util::future::join_all;
use http::StatusCode;
use pulseboard::audit::Actor;
use pulseboard::auth::Role;
use pulseboard::users;

use crate::support::{Client, PASSWORD, TestApp, WRONG, is_logged_in, is_stranger};

// --- the session itself -----------------------------------------------------------------------------

#[tokio::test]
async fn logging_in_changes_the_id_of_the_session_and_the_old_one_is_a_strangers() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let planted = app.client();
    planted.set_cookie("sid", "AAAAAAAAAAAAAAAAAAAAAA");
    let victim = planted.clone().log_in(&person.email).await;
    let first = app.client().with_cookie_of(&victim).await;

    let victim = victim.log_in(&person.email).await;

    assert_ne!(victim.session().as_deref(), Some("AAAAAAAAAAAAAAAAAAAAAA"));
    assert_ne!(victim.session(), first.session());
    assert!(is_logged_in(&victim).await);
    assert!(!is_logged_in(&first).await);
}

#[tokio::test]
async fn the_database_does_not_hold_what_opens_a_session() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;
    let cookie = client.session().unwrap();

    let rows: Vec<String> = sqlx::query_scalar("select s::text || encode(s.id_hash, 'escape') from sessions s")
        .fetch_all(&mut app.owner().await)
        .await
        .unwrap();

    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains(&cookie), "{}", rows[0]);
}

#[tokio::test]
async fn the_cookie_is_closed_to_scripts_and_to_other_sites() {
    let mut options = crate::support::options();
    options.frame.secure = true;
    let (plain, https) = (TestApp::new().await, TestApp::with(options).await);
    let cookie = async |app: &TestApp| {
        let person = app.person(Role::NetworkAdmin, &[]).await;
        let answer = app.client().try_log_in(&person.email, PASSWORD).await;
        answer.header("set-cookie").unwrap().to_owned()
    };

    let (plain, https) = (cookie(&plain).await, cookie(&https).await);

    for wanted in ["sid=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(
            plain.contains(wanted) && https.contains(wanted),
            "{wanted}: {plain} / {https}"
        );
    }
    assert!(https.starts_with("__Host-sid=") && https.contains("Secure"), "{https}");
    assert!(!https.contains("Domain") && !https.contains("Max-Age"), "{https}");
}

#[tokio::test]
async fn a_broken_or_foreign_cookie_is_no_cookie() {
    let app = TestApp::new().await;
    let huge = "x".repeat(100_000);
    let broken = [
        "",
        "x",
        "=",
        "\"",
        "%00%ff",
        "../../etc",
        "AAAAAAAAAAAAAAAAAAAAA",
        "{}",
        &huge,
    ];

    for value in broken {
        let client = app.client();
        client.set_cookie("sid", value);
        let page = client.get("/account").await;
        let form = client.get("/login").await;

        assert!(is_stranger(&page), "{:.20}: {}", value, page.status);
        assert_eq!(form.status, StatusCode::OK, "{value:.20}");
    }
}

#[tokio::test]
async fn a_session_ends_after_a_quarter_of_an_hour_without_use() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;

    app.travel(TimeDelta::minutes(10));
    let used = is_logged_in(&client).await;
    app.travel(TimeDelta::minutes(10));
    let used_again = is_logged_in(&client).await;
    app.travel(TimeDelta::minutes(16));
    let after_a_pause = is_logged_in(&client).await;

    assert!(used && used_again);
    assert!(!after_a_pause);
}

#[tokio::test]
async fn an_open_page_that_nobody_touches_does_not_keep_a_session_alive() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;

    for _ in 0..4 {
        app.travel(TimeDelta::minutes(4));
        for stream in [
            lakeside.path("/events"),
            lakeside.path("/changes"),
            "/network/events".into(),
        ] {
            client.with("accept", "text/event-stream").get(&stream).await;
        }
    }

    assert!(!is_logged_in(&client).await);
}

#[tokio::test]
async fn no_session_outlives_its_shift_however_busy_it_is() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;

    for _ in 0..48 {
        app.travel(TimeDelta::minutes(10) - TimeDelta::seconds(1));
        assert!(is_logged_in(&client).await);
    }
    app.travel(TimeDelta::minutes(1));

    assert!(!is_logged_in(&client).await);
}

#[tokio::test]
async fn nobody_has_more_than_five_sessions() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let mut clients = Vec::new();

    for _ in 0..6 {
        clients.push(app.client().log_in(&person.email).await);
        app.travel(TimeDelta::seconds(1));
    }
    app.auth.forget_all();

    assert!(!is_logged_in(&clients[0]).await);
    assert!(is_logged_in(&clients[1]).await);
    assert_eq!(clients[5].get("/account").await.count("section.sessions tbody tr"), 5);
}

#[tokio::test]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let (here, there) = (
        app.client().log_in(&person.email).await,
        app.client().log_in(&person.email).await,
    );
    let stranger = app.log_in(Role::NetworkAdmin, &[]).await;
    let end = here
        .get("/account")
        .await
        .attr("section.sessions form", "action")
        .unwrap();

    let refused = stranger.post(&end, &[]).await;
    let still = is_logged_in(&there).await;
    let ended = here.post(&end, &[]).await;

    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert!(still);
    assert_eq!(ended.location(), Some("/account?done=sessions_ended"));
    assert!(!is_logged_in(&there).await);
    assert!(is_logged_in(&here).await);
}

// --- the way out ------------------------------------------------------------------------------------

#[tokio::test]
async fn after_log_out_the_old_cookie_opens_nothing_and_the_browser_keeps_nothing() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;
    let thief = app.client().with_cookie_of(&client).await;
    let page = client.get("/network").await.ok();

    let out = client.post("/logout", &[]).await;

    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(out.location(), Some("/login?done=logged_out"));
    assert_eq!(out.header("clear-site-data"), Some("\"cache\", \"storage\""));
    assert_eq!(client.session(), None);
    assert!(!is_logged_in(&thief).await);
}

#[tokio::test]
async fn over_https_the_cookie_is_taken_back_as_it_was_given() {
    let mut options = crate::support::options();
    options.frame.secure = true;
    let app = TestApp::with(options).await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;

    let out = client.post("/logout", &[]).await;

    let line = out.header("set-cookie").unwrap();
    assert!(line.starts_with("__Host-sid=;"), "{line}");
    for wanted in ["Secure", "Path=/", "Max-Age=0"] {
        assert!(line.contains(wanted), "a browser ignores it without {wanted}: {line}");
    }
}

#[tokio::test]
async fn a_thousand_requests_in_flight_revive_no_session_that_was_logged_out() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let mut revived = 0;

    for _ in 0..100 {
        let client = app.client();
        let id = open_session(&app, &client, person.id.0).await;
        let thief = app.client().with_cookie_of(&client).await;
        let busy = join_all((0..10).map(|n| {
            let client = app_client_with(&app, &id);
            async move {
                match n % 3 {
                    0 => client.get("/account").await,
                    1 => {
                        client
                            .post("/account/theme", &[("theme", "dark"), ("next", "/account")])
                            .await
                    }
                    _ => client.get("/").await,
                }
            }
        }));
        let ((), _) = tokio::join!(async { drop(client.post("/logout", &[]).await) }, busy);
        revived += usize::from(is_logged_in(&thief).await);
    }

    let alive: i64 = sqlx::query_scalar("select count(*) from sessions where revoked_at is null")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!((revived, alive), (0, 0));
}

/// A session as the log-in makes it, without the price of the password.
async fn open_session(app: &TestApp, client: &Client, user: i64) -> String {
    use tower_sessions::Session;
    let person = app.auth.people.find(user.into()).await.unwrap().unwrap();
    let session = Session::new(None, std::sync::Arc::new(app.auth.sessions.clone()), None);
    app.auth.log_in(&session, &person).await.unwrap();
    let id = session.id().unwrap().to_string();
    client.set_cookie("sid", &id);
    id
}

fn app_client_with(app: &TestApp, id: &str) -> Client {
    let client = app.client();
    client.set_cookie("sid", id);
    client
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once_on_every_instance_with_every_open_stream() {
    let app = TestApp::new().await;
    let other = app.second_instance().await;
    let lakeside = app.facility("Lakeside").await;
    let person = app.person(Role::Staff, &[&lakeside]).await;
    let here = app.client().log_in(&person.email).await;
    let there = other.client().with_cookie_of(&here).await;
    assert!(is_logged_in(&here).await && is_logged_in(&there).await);
    let (mut near, mut far) = (here.watch(lakeside.id).await, there.watch(lakeside.id).await);
    near.next().await;
    far.next().await;

    users::disable(&app.db, &Actor::system(), &person.email).await.unwrap();

    for stream in [&mut near, &mut far] {
        let rest = stream.rest().await;
        assert_eq!(rest.last().map(|frame| &*frame.event), Some("session-expired"));
    }
    assert!(!is_logged_in(&here).await);
    assert!(!is_logged_in(&there).await);
}

#[tokio::test]
async fn logging_out_ends_the_streams_of_that_session_at_once_and_of_no_other() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let person = app.person(Role::Staff, &[&lakeside]).await;
    let (leaving, staying) = (
        app.client().log_in(&person.email).await,
        app.client().log_in(&person.email).await,
    );
    let (mut ends, mut goes_on) = (leaving.watch(lakeside.id).await, staying.watch(lakeside.id).await);
    ends.next().await;
    goes_on.next().await;

    leaving.post("/logout", &[]).await;
    let last = ends.rest().await;
    app.stock(&lakeside).add().await;

    assert_eq!(last.last().map(|frame| &*frame.event), Some("session-expired"));
    goes_on.swap_of("w-stock").await;
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_gives_this_one_a_new_id() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let (here, there) = (
        app.client().log_in(&person.email).await,
        app.client().log_in(&person.email).await,
    );
    let copied = app.client().with_cookie_of(&here).await;
    let new = "eight grey herons return";

    let refused = here
        .post("/account/password", &[("current", WRONG), ("new", "short")])
        .await;
    let changed = here
        .post("/account/password", &[("current", PASSWORD), ("new", new)])
        .await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        refused.problem("current").as_deref(),
        Some("This is not your present password.")
    );
    assert!(refused.problem("new").unwrap().contains("15 characters"));
    assert_eq!(changed.location(), Some("/account?done=password_changed"));
    assert!(is_logged_in(&here).await);
    assert!(!is_logged_in(&there).await);
    assert!(!is_logged_in(&copied).await);
    assert_eq!(
        app.client().try_log_in(&person.email, PASSWORD).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        app.client().try_log_in(&person.email, new).await.status,
        StatusCode::SEE_OTHER
    );
}
