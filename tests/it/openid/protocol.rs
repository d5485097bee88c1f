//! What must not get anybody in: answers nobody asked for, forged tokens, a provider that is down.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::auth::Role;
use serde_json::json;

use super::{account, come_back, log_in, parameter, with_parameter, with_provider};
use crate::support::{PASSWORD, is_logged_in};

const ADMIN: &str = "[{ value = 'it', network_admin = true }]";

#[tokio::test]
async fn an_answer_that_was_not_asked_for_opens_nothing() {
    let (app, provider) = with_provider(ADMIN).await;
    provider
        .set(json!({ "account": account("ada", "ada@example.org", &["it"]) }))
        .await;
    let (client, stranger) = (app.client(), app.client());
    let begun = client.get("/login/oidc").await;
    let back = provider.visit(begun.location().unwrap()).await;

    let without_session = come_back(&stranger, &back).await;
    let wrong_state = come_back(&client, &with_parameter(&back, "state", "guessed")).await;
    let right_but_late = come_back(&client, &back).await;

    for answer in [&without_session, &wrong_state, &right_but_late] {
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            answer.text("[role=alert]").contains("Begin again"),
            "{:?}",
            answer.find("main")
        );
        assert!(answer.has("input[name=password]"), "the password still opens");
    }
    assert!(!is_logged_in(&client).await && !is_logged_in(&stranger).await);
}

#[tokio::test]
async fn a_code_opens_once_and_only_in_the_log_in_it_was_made_for() {
    let (app, provider) = with_provider(ADMIN).await;
    provider
        .set(json!({ "account": account("ada", "ada@example.org", &["it"]) }))
        .await;
    let client = app.client();
    let begun = client.get("/login/oidc").await;
    let back = provider.visit(begun.location().unwrap()).await;
    let first = come_back(&client, &back).await;

    let again = come_back(&client, &back).await;
    let thief = app.client();
    let begun = thief.get("/login/oidc").await;
    let state = parameter(begun.location().unwrap(), "state");
    let replayed = come_back(&thief, &with_parameter(&back, "state", state)).await;
    let begun = thief.get("/login/oidc").await;
    let fresh = provider
        .visit(app.client().get("/login/oidc").await.location().unwrap())
        .await;
    let state = parameter(begun.location().unwrap(), "state");
    let injected = come_back(&thief, &with_parameter(&fresh, "state", state)).await;

    assert_eq!(first.location(), Some("/"));
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(replayed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        injected.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "PKCE and nonce are another log-in's"
    );
    assert!(!is_logged_in(&thief).await);
}

#[tokio::test]
async fn a_token_for_another_nonce_issuer_installation_or_time_is_not_trusted() {
    let (app, provider) = with_provider(ADMIN).await;
    let ada = account("ada", "ada@example.org", &["it"]);
    let long_ago = chrono::Utc::now().timestamp() - 3600;
    let ahead = chrono::Utc::now().timestamp() + 3600;
    let wrong = [
        json!({ "forge": { "nonce": "another" } }),
        json!({ "forge": { "iss": "https://evil.example" } }),
        json!({ "forge": { "aud": "another-board" } }),
        json!({ "forge": { "exp": long_ago } }),
        json!({ "forge": { "iat": ahead } }),
        json!({ "key": "foreign" }),
    ];

    for mut settings in wrong {
        settings["account"] = ada.clone();
        provider.set(settings.clone()).await;
        let client = app.client();
        let answer = log_in(&client, &provider).await;

        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{settings}");
        assert!(
            answer.text("[role=alert]").contains("could not be trusted"),
            "{settings}"
        );
        assert!(!is_logged_in(&client).await, "{settings}");
    }
    provider
        .set(json!({ "account": ada, "forge": { "exp": chrono::Utc::now().timestamp() - 30 } }))
        .await;
    assert_eq!(
        log_in(&app.client(), &provider).await.location(),
        Some("/account"),
        "clocks may differ a little"
    );
}

#[tokio::test]
async fn a_nonce_that_was_changed_on_the_way_is_noticed() {
    let (app, provider) = with_provider(ADMIN).await;
    provider
        .set(json!({ "account": account("ada", "ada@example.org", &["it"]) }))
        .await;
    let client = app.client();
    let begun = client.get("/login/oidc").await;
    let changed = with_parameter(begun.location().unwrap(), "nonce", "mine");
    let back = provider.visit(&changed).await;

    let answer = come_back(&client, &back).await;

    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!is_logged_in(&client).await);
}

#[tokio::test]
async fn another_providers_name_in_the_answer_is_noticed_before_the_code_is_used() {
    let (app, provider) = with_provider(ADMIN).await;
    provider
        .set(json!({ "account": account("ada", "ada@example.org", &["it"]) }))
        .await;
    let client = app.client();
    let begun = client.get("/login/oidc").await;
    let back = provider.visit(begun.location().unwrap()).await;

    let answer = come_back(&client, &with_parameter(&back, "iss", "https://evil.example")).await;

    assert!(answer.text("[role=alert]").contains("could not be trusted"));
    assert!(!is_logged_in(&client).await);
}

#[tokio::test]
async fn a_key_that_the_provider_published_just_now_is_fetched() {
    let (app, provider) = with_provider(ADMIN).await;
    let ada = account("ada", "ada@example.org", &["it"]);
    provider.set(json!({ "account": ada })).await;
    log_in(&app.client(), &provider).await;

    provider.set(json!({ "account": ada, "key": "rotated" })).await;
    let answer = log_in(&app.client(), &provider).await;

    assert_eq!(answer.location(), Some("/account"), "{:?}", answer.find("[role=alert]"));
}

#[tokio::test]
async fn whoever_says_no_there_is_told_so_here() {
    let (app, provider) = with_provider(ADMIN).await;
    provider
        .set(json!({ "account": account("ada", "ada@example.org", &[]), "deny": true }))
        .await;
    let client = app.client();

    let answer = log_in(&client, &provider).await;

    assert_eq!(
        answer.text("[role=alert]"),
        "Care Network did not let you in. Try again, or log in with your password."
    );
    assert_eq!(
        answer.value("next").as_deref(),
        Some("/account"),
        "where one wanted to go is kept"
    );
}

#[tokio::test]
async fn somebody_who_stays_too_long_at_the_provider_begins_again() {
    let (app, provider) = with_provider(ADMIN).await;
    provider
        .set(json!({ "account": account("ada", "ada@example.org", &["it"]) }))
        .await;
    let client = app.client();
    let begun = client.get("/login/oidc").await;
    let back = provider.visit(begun.location().unwrap()).await;

    app.travel(TimeDelta::minutes(11));
    let answer = come_back(&client, &back).await;

    assert!(answer.text("[role=alert]").contains("too late"));
}

#[tokio::test]
async fn when_the_provider_is_down_the_password_still_opens_and_the_page_says_so() {
    let (app, mut provider) = with_provider(ADMIN).await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let client = app.client();
    let begun = client.get("/login/oidc").await;
    let back = provider.visit(begun.location().unwrap()).await;
    provider.stop().await;

    let asked = Instant::now();
    let on_return = come_back(&client, &back).await;
    let (never_seen, gone) = with_provider(ADMIN).await;
    drop(gone);
    let at_start = never_seen.client().get("/login/oidc").await;
    let by_password = client.try_log_in(&person.email, PASSWORD).await;

    assert!(asked.elapsed() < Duration::from_secs(9));
    for answer in [&on_return, &at_start] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            answer
                .text("[role=alert]")
                .starts_with("Care Network could not be reached.")
        );
        assert!(answer.has("input[name=password]"));
    }
    assert_eq!(by_password.location(), Some("/"));
}

#[tokio::test]
async fn a_provider_that_calls_itself_something_else_is_not_used() {
    let (app, provider) = with_provider(ADMIN).await;
    provider
        .set(json!({ "issuer": "https://evil.example", "account": account("a", "a@example.org", &[]) }))
        .await;

    let answer = app.client().get("/login/oidc").await;

    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text("[role=alert]").contains("not set up correctly"));
}
