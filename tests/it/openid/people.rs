//! Who somebody from the provider is here, and what they may do.

use http::StatusCode;
use pulseboard::audit::Actor;
use pulseboard::auth::Role;
use pulseboard::users;
use serde_json::json;

use super::provider::Provider;
use super::{account, come_back, log_in, with_provider};
use crate::support::{Answer, Client, PASSWORD, TestApp, eventually, is_logged_in};
use crate::two_factor::turn_on;

const MAPPING: &str = "[{ value = 'lake-viewers', facility = 'Lakeside', role = 'viewer' },
    { value = 'lake-staff', facility = 'Lakeside', role = 'staff' },
    { value = 'hill-admins', facility = 'Hilltop', role = 'facility_admin' },
    { value = 'nowhere', facility = 'Atlantis', role = 'staff' },
    { value = 'it', network_admin = true }]";

async fn log_in_as(client: &Client, provider: &Provider, sub: &str, email: &str, groups: &[&str]) -> Answer {
    provider.set(json!({ "account": account(sub, email, groups) })).await;
    log_in(client, provider).await
}

/// `Hilltop facility_admin, Lakeside staff` or `everything`.
async fn rights(app: &TestApp, email: &str) -> String {
    sqlx::query_scalar(
        "select case when network_admin then 'everything' else coalesce(
           (select string_agg(f.name || ' ' || m.role, ', ' order by f.name)
            from memberships m join facilities f on f.id = m.facility_id where m.user_id = u.id), '') end
         from users u where email = $1",
    )
    .bind(email)
    .fetch_one(&mut app.owner().await)
    .await
    .unwrap()
}

async fn people(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from users")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap()
}

fn refusal(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.text("[role=alert]")
}

#[tokio::test]
async fn somebody_new_comes_in_with_what_their_groups_grant() {
    let (app, provider) = with_provider(MAPPING).await;
    app.facility("Lakeside").await;
    app.facility("Hilltop").await;
    let client = app.client();

    let page = client.get("/login").await.ok();
    let groups = ["lake-viewers", "lake-staff", "hill-admins", "nowhere", "others"];
    let answer = log_in_as(&client, &provider, "ada", "Ada@Example.org", &groups).await;

    assert_eq!(page.text("a.provider"), "Log in with Care Network");
    assert_eq!(answer.location(), Some("/account"));
    client.becomes("ada@example.org").await;
    assert!(client.get("/account").await.ok().body().contains("ada@example.org"));
    assert_eq!(
        rights(&app, "ada@example.org").await,
        "Hilltop facility_admin, Lakeside staff"
    );
}

#[tokio::test]
async fn rights_follow_the_groups_at_each_log_in_and_sessions_with_the_old_ones_end() {
    let (app, provider) = with_provider(MAPPING).await;
    app.facility("Lakeside").await;
    app.person(Role::NetworkAdmin, &[]).await;
    let (first, same, less, none) = (app.client(), app.client(), app.client(), app.client());
    log_in_as(&first, &provider, "ada", "ada@example.org", &["it"]).await;
    first.becomes("ada@example.org").await;

    log_in_as(&same, &provider, "ada", "ada@example.org", &["it"]).await;
    let kept = is_logged_in(&first).await;
    let fewer = log_in_as(&less, &provider, "ada", "ada@example.org", &["lake-staff"]).await;
    let after = rights(&app, "ada@example.org").await;
    eventually("the sessions with more rights have ended", || async {
        (!is_logged_in(&first).await).then_some(())
    })
    .await;
    let nothing = log_in_as(&none, &provider, "ada", "ada@example.org", &[]).await;

    assert!(kept, "nothing changed, so nothing ended");
    assert_eq!((fewer.location(), &*after), (Some("/account"), "Lakeside staff"));
    assert!(refusal(&nothing).contains("grants you nothing here"));
    assert_eq!(rights(&app, "ada@example.org").await, "");
    eventually("the last session has ended", || async {
        (!is_logged_in(&less).await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_last_administrator_of_the_network_stays_one() {
    let (app, provider) = with_provider(MAPPING).await;
    app.facility("Lakeside").await;
    log_in_as(&app.client(), &provider, "ada", "ada@example.org", &["it"]).await;
    sqlx::query("update users set disabled_at = now() where email <> 'ada@example.org'")
        .execute(&mut app.owner().await)
        .await
        .unwrap();

    let answer = log_in_as(&app.client(), &provider, "ada", "ada@example.org", &[]).await;

    assert_eq!(answer.location(), Some("/account"));
    assert_eq!(rights(&app, "ada@example.org").await, "everything");
}

#[tokio::test]
async fn somebody_elses_address_opens_nothing() {
    let (app, provider) = with_provider(MAPPING).await;
    let victim = app.person(Role::NetworkAdmin, &[]).await;
    let client = app.client();

    let answer = log_in_as(&client, &provider, "mallory", &victim.email, &["it"]).await;

    assert!(refusal(&answer).contains("has an account here already"));
    assert!(!is_logged_in(&client).await);
    let linked: i64 = sqlx::query_scalar("select count(*) from identities")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(linked, 0);
}

#[tokio::test]
async fn a_new_address_of_the_same_person_changes_nothing_about_who_they_are() {
    let (app, provider) = with_provider(MAPPING).await;
    log_in_as(&app.client(), &provider, "ada", "ada@example.org", &["it"]).await;
    let before = people(&app).await;

    let answer = log_in_as(&app.client(), &provider, "ada", "ada.diallo@example.org", &["it"]).await;
    let other = log_in_as(&app.client(), &provider, "ada2", "new@example.org", &["it"]).await;

    assert_eq!(
        (answer.location(), other.location()),
        (Some("/account"), Some("/account"))
    );
    assert_eq!(people(&app).await, before + 1, "another subject is another person");
}

#[tokio::test]
async fn an_address_that_the_provider_did_not_check_makes_nobody() {
    let (app, provider) = with_provider(MAPPING).await;
    let mut doubtful = account("ada", "ada@example.org", &["it"]);
    doubtful["email_verified"] = json!(false);
    provider.set(json!({ "account": doubtful })).await;

    let answer = log_in(&app.client(), &provider).await;

    assert!(refusal(&answer).contains("no e-mail address"));
}

#[tokio::test]
async fn an_account_is_connected_from_its_own_page_and_from_nowhere_else() {
    let (app, provider) = with_provider("[]").await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let other = app.log_in(Role::NetworkAdmin, &[]).await;
    let client = app.client().log_in(&person.email).await;
    provider
        .set(json!({ "account": account("ada", "somebody@example.org", &[]) }))
        .await;

    let unknown = log_in(&app.client(), &provider).await;
    let foreign = client
        .with("sec-fetch-site", "cross-site")
        .post("/account/openid", &[])
        .await;
    let away = client.post("/account/openid", &[]).await.ok();
    let back = provider.visit(&away.attr("main a.primary", "href").unwrap()).await;
    let stolen = come_back(&other, &back).await;
    let connected = come_back(&client, &back).await;
    let by_provider = app.client();
    let in_again = log_in(&by_provider, &provider).await;
    let theirs = other.post("/account/openid", &[]).await.ok();
    let back = provider.visit(&theirs.attr("main a.primary", "href").unwrap()).await;
    let taken = come_back(&other, &back).await;

    assert!(unknown.status == StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(
        stolen.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "it was begun in another session"
    );
    assert_eq!(connected.location(), Some("/account/two-factor?done=connected"));
    assert_eq!(in_again.location(), Some("/account"));
    by_provider.becomes(&person.email).await;
    assert!(by_provider.get("/account").await.ok().body().contains(&person.email));
    assert!(refusal(&taken).contains("somebody else's account"));
    assert_eq!(
        rights(&app, &person.email).await,
        "everything",
        "without a mapping rights are managed here"
    );
    let removed = client.post("/account/openid/removal", &[]).await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER);
    assert_eq!(
        log_in(&app.client(), &provider).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn whoever_has_no_password_cannot_disconnect_and_nobody_is_made_where_that_is_off() {
    let provider = Provider::start().await;
    let mut options = crate::support::options();
    options.sign_in.openid = Some(provider.settings(MAPPING));
    let open = TestApp::with(options.clone()).await;
    options.sign_in.openid.as_mut().unwrap().create_people = false;
    let closed = TestApp::with(options).await;
    let client = open.client();
    log_in_as(&client, &provider, "ada", "ada@example.org", &["it"]).await;
    client.becomes("ada@example.org").await;

    let disconnected = client.post("/account/openid/removal", &[]).await;
    let nobody = log_in(&closed.client(), &provider).await;

    assert_eq!(disconnected.status, StatusCode::CONFLICT);
    assert!(refusal(&nobody).contains("Nobody here is connected"));
    assert_eq!(people(&closed).await, 0);
}

#[tokio::test]
async fn a_disabled_person_stays_out_whatever_the_provider_says() {
    let (app, provider) = with_provider(MAPPING).await;
    log_in_as(&app.client(), &provider, "ada", "ada@example.org", &["it"]).await;
    users::disable(&app.db, &Actor::system(), "ada@example.org")
        .await
        .unwrap();
    let client = app.client();

    let answer = log_in(&client, &provider).await;

    assert!(refusal(&answer).contains("shut out"));
    assert!(!is_logged_in(&client).await);
}

#[tokio::test]
async fn ones_own_second_factor_is_asked_for_unless_the_provider_asked_for_one() {
    let (app, provider) = with_provider("[]").await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let client = app.client().log_in(&person.email).await;
    let ada = account("ada", "ada@example.org", &[]);
    provider.set(json!({ "account": ada })).await;
    let away = client.post("/account/openid", &[]).await.ok();
    let back = provider.visit(&away.attr("main a.primary", "href").unwrap()).await;
    come_back(&client, &back).await;
    let (phone, _) = turn_on(&app, &client).await;
    let (one_factor, two_factors) = (app.client(), app.client());

    let asked = log_in(&one_factor, &provider).await;
    let opened = one_factor.post("/login/code", &[("code", &phone.code(&app))]).await;
    provider.set(json!({ "account": ada, "amr": ["pwd", "mfa"] })).await;
    let not_asked = log_in(&two_factors, &provider).await;

    assert_eq!(asked.location(), Some("/login/code"));
    assert_eq!(opened.location(), Some("/account"));
    assert_eq!(not_asked.location(), Some("/account"));
}

#[tokio::test]
async fn logging_out_leads_to_the_provider_only_for_a_session_that_began_there() {
    let (app, provider) = with_provider(MAPPING).await;
    let by_password = app.log_in(Role::NetworkAdmin, &[]).await;
    let by_provider = app.client();
    log_in_as(&by_provider, &provider, "ada", "ada@example.org", &["it"]).await;
    by_provider.becomes("ada@example.org").await;

    let plain = by_password.post("/logout", &[]).await;
    let onward = by_provider.post("/logout", &[]).await.ok();

    assert_eq!(plain.location(), Some("/login?done=logged_out"));
    let address = onward.attr("main a.primary", "href").unwrap();
    assert!(
        address.starts_with(&format!("{}/session/end?", provider.issuer)),
        "{address}"
    );
    assert!(
        address.contains("post_logout_redirect_uri=http%3A%2F%2Flocalhost%2Flogin"),
        "{address}"
    );
    assert!(!is_logged_in(&by_provider).await);
    assert_eq!(
        by_password.try_log_in("nobody@example.org", PASSWORD).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}
