//! The way in: the log-in form, guesses, forms that another site sent, and the very first set-up.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::audit::Actor;
use pulseboard::auth::Role;
use pulseboard::users;

use crate::support::{Answer, PASSWORD, SETUP_CODE, TestApp, WRONG, is_logged_in};

#[tokio::test]
async fn the_right_password_opens_the_facility_of_whoever_logs_in() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let person = app.person(Role::Viewer, &[&lakeside]).await;

    let client = app.client().log_in(&person.email.to_uppercase()).await;

    let home = client.get("/").await;
    assert_eq!(home.location(), Some(&*lakeside.path("")));
    assert_eq!(client.get(&lakeside.path("")).await.ok().heading(), "Lakeside");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_the_same() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let disabled = app.person(Role::NetworkAdmin, &[]).await;
    users::disable(&app.db, &Actor::system(), &disabled.email)
        .await
        .unwrap();

    let wrong = app.client().try_log_in(&person.email, WRONG).await;
    let unknown = app.client().try_log_in("nobody@example.org", WRONG).await;
    let shut_out = app.client().try_log_in(&disabled.email, PASSWORD).await;

    let without = |answer: &Answer, email: &str| answer.body().replace(email, "");
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.value("email"), Some(person.email.clone()));
    assert_eq!(wrong.value("password"), Some(String::new()));
    for other in [(&unknown, "nobody@example.org"), (&shut_out, &disabled.email)] {
        assert_eq!(other.0.status, wrong.status);
        assert_eq!(without(other.0, other.1), without(&wrong, &person.email));
    }
}

#[tokio::test]
async fn a_password_is_taken_exactly_as_it_is_typed() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let strange = "  sieben stille Reiher 🪿 warten ";
    users::reset_password(&app.db, &app.auth.passwords, &Actor::system(), &person.email, strange)
        .await
        .unwrap();

    let trimmed = app.client().try_log_in(&person.email, strange.trim()).await;
    let exact = app.client().try_log_in(&person.email, strange).await;
    let endless = app.client().try_log_in(&person.email, &"a".repeat(60_000)).await;

    assert_eq!(trimmed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(exact.status, StatusCode::SEE_OTHER);
    assert_eq!(endless.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn five_misses_make_the_next_guess_wait_and_never_lock_for_good() {
    let app = TestApp::new().await;
    let other = app.second_instance().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    for _ in 0..5 {
        let miss = app.client().try_log_in(&person.email, WRONG).await;
        assert_eq!(miss.status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    let sixth = app.client().try_log_in(&person.email, WRONG).await;
    let elsewhere = other.client().try_log_in(&person.email, PASSWORD).await;
    app.travel(TimeDelta::seconds(2));
    let later = app.client().try_log_in(&person.email, WRONG).await;
    let longer: u64 = wait_of(&app.client().try_log_in(&person.email, WRONG).await);
    app.travel(TimeDelta::seconds(31));
    let owner = app.client().try_log_in(&person.email, PASSWORD).await;

    assert_eq!(sixth.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(wait_of(&sixth), 1);
    assert_eq!(
        elsewhere.status,
        StatusCode::TOO_MANY_REQUESTS,
        "counted for all instances"
    );
    assert_eq!(later.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(longer, 2, "the wait doubles");
    assert_eq!(owner.status, StatusCode::SEE_OTHER);
}

fn wait_of(answer: &Answer) -> u64 {
    answer
        .header("retry-after")
        .expect("says how long to wait")
        .parse()
        .unwrap()
}

#[tokio::test]
async fn whoever_tries_many_accounts_from_one_address_is_stopped_alone() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let attacker = app.client().at([203, 0, 113, 9]);
    for n in 0..20 {
        attacker.try_log_in(&format!("victim{n}@example.org"), WRONG).await;
    }

    let stopped = attacker.try_log_in("victim20@example.org", WRONG).await;
    let elsewhere = app
        .client()
        .at([203, 0, 113, 10])
        .try_log_in(&person.email, PASSWORD)
        .await;

    assert_eq!(stopped.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(elsewhere.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn after_log_in_nobody_is_led_to_another_site() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let hostile = [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "/x\r\nx: y",
        "/\tx",
        "javascript:0",
    ];

    for next in hostile {
        let form = [("email", &*person.email), ("password", PASSWORD), ("next", next)];
        let client = app.client();
        let logged_in = client.post("/login", &form).await;
        let already = client
            .get(&format!("/login?next={}", pulseboard::web::percent_encoded(next)))
            .await;

        assert_eq!(logged_in.location(), Some("/"), "{next:?}");
        assert_eq!(already.location(), Some("/"), "{next:?}");
    }
    let form = [
        ("email", &*person.email),
        ("password", PASSWORD),
        ("next", "/network?sort=region"),
    ];
    let answer = app.client().post("/login", &form).await;
    assert_eq!(answer.location(), Some("/network?sort=region"));
}

#[tokio::test]
async fn nothing_changes_by_a_form_that_another_site_sent() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let client = app.client().log_in(&person.email).await;
    let silent = client.with("sec-fetch-site", "");
    let attacks = [
        client.with("sec-fetch-site", "cross-site"),
        client
            .with("sec-fetch-site", "same-site")
            .with("origin", "http://localhost"),
        client.with("sec-fetch-site", "none"),
        silent.with("origin", "https://evil.example"),
        silent.with("origin", "null"),
        silent.clone(),
        silent.htmx(),
    ];

    for attack in &attacks {
        let theme = attack.post("/account/theme", &[("theme", "dark")]).await;
        let out = attack.post("/logout", &[]).await;
        let log_in = attack.try_log_in(&person.email, PASSWORD).await;

        assert_eq!([theme.status, out.status, log_in.status], [StatusCode::FORBIDDEN; 3]);
    }
    let own = silent
        .with("origin", "http://localhost")
        .post("/account/theme", &[("theme", "light")])
        .await;
    let theme: String = sqlx::query_scalar("select theme from users where id = $1")
        .bind(person.id.0)
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(own.status, StatusCode::SEE_OTHER);
    assert_eq!(theme, "light");
    assert!(is_logged_in(&client).await);
}

#[tokio::test]
async fn asking_for_a_page_changes_nothing() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;

    for path in ["/logout", "/account/theme?theme=dark", "/account/password"] {
        assert_eq!(client.get(path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }

    assert!(is_logged_in(&client).await);
}

#[tokio::test]
async fn of_two_who_race_to_set_up_one_wins_and_then_the_page_is_gone() {
    let app = TestApp::new().await;
    let open = app.client().get("/setup").await.ok();
    let form = |name: &'static str, email: &'static str| {
        [
            ("code", SETUP_CODE),
            ("name", name),
            ("email", email),
            ("password", PASSWORD),
        ]
    };
    let (ada, bob) = (form("Ada", "ada@example.org"), form("Bob", "bob@example.org"));
    let (first, second) = (app.client(), app.client());

    let guessed = app
        .client()
        .post(
            "/setup",
            &[
                ("code", "a guess"),
                ("name", "Eve"),
                ("email", "eve@example.org"),
                ("password", PASSWORD),
            ],
        )
        .await;
    let (one, two) = tokio::join!(first.post("/setup", &ada), second.post("/setup", &bob));

    assert!(!open.body().contains(SETUP_CODE));
    assert!(guessed.problem("code").is_some());
    let mut outcomes = [one.status, two.status];
    outcomes.sort();
    assert_eq!(outcomes, [StatusCode::SEE_OTHER, StatusCode::NOT_FOUND]);
    assert_eq!(app.client().get("/setup").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.client().post("/setup", &ada).await.status, StatusCode::NOT_FOUND);
    let people: i64 = sqlx::query_scalar("select count(*) from users where network_admin")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(people, 1);
}
