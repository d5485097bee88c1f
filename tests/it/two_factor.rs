//! The second factor: setting it up, the second step of a log-in, recovery codes, and what a role demands.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::audit::Actor;
use pulseboard::auth::{Role, Totp};
use pulseboard::users;

use crate::support::{Answer, Client, PASSWORD, Person, TestApp, WRONG, is_logged_in, is_stranger, options};

/// An authenticator app that holds one secret.
pub struct Phone(Totp);

impl Phone {
    /// Reads the secret off the page that shows it.
    fn scan(page: &Answer) -> Phone {
        let secret = page.text(".secret").replace(' ', "");
        let secret = totp_rs::Secret::try_from_base32(secret).expect("base32");
        Phone(Totp::with_secret(secret.as_ref().to_vec(), "test").expect("a secret"))
    }

    pub fn code(&self, app: &TestApp) -> String {
        self.0.code_at(app.db.clock.now())
    }
}

/// Turns it on for whoever is logged in; the recovery codes come along. The clock moves on, so that the next code is
/// a new one.
pub async fn turn_on(app: &TestApp, client: &Client) -> (Phone, Vec<String>) {
    client.post("/account/two-factor", &[]).await;
    let phone = Phone::scan(&client.get("/account/two-factor").await);
    let answer = client
        .post("/account/two-factor/confirmation", &[("code", &phone.code(app))])
        .await
        .ok();
    app.travel(TimeDelta::seconds(60));
    (phone, answer.texts(".codes li"))
}

/// Somebody with a second factor, and a browser in which they took only the first step.
pub async fn half_logged_in(app: &TestApp, role: Role) -> (Person, Phone, Vec<String>, Client) {
    let person = app.person(role, &[]).await;
    let (phone, codes) = turn_on(app, &app.client().log_in(&person.email).await).await;
    let client = app.client();
    let answer = client.try_log_in(&person.email, PASSWORD).await;
    assert_eq!(answer.location(), Some("/login/code"));
    (person, phone, codes, client)
}

async fn send_code(client: &Client, code: &str) -> Answer {
    client.post("/login/code", &[("code", code)]).await
}

/// What was written down about somebody, the oldest first.
async fn audit_of(app: &TestApp, person: &Person) -> Vec<String> {
    sqlx::query_scalar(
        "select action from audit_log where thing = 'user' and thing_id = $1 and action <> 'logged in' order by id",
    )
    .bind(person.id.0)
    .fetch_all(&mut app.owner().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn it_counts_only_after_a_code_of_the_app_and_ends_other_sessions() {
    let app = TestApp::new().await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let (client, other) = (
        app.client().log_in(&person.email).await,
        app.client().log_in(&person.email).await,
    );

    client.post("/account/two-factor", &[]).await;
    let page = client.get("/account/two-factor").await.ok();
    let again = client.get("/account/two-factor").await.ok();
    let wrong = client
        .post("/account/two-factor/confirmation", &[("code", "000000")])
        .await;
    let not_yet = app.client().try_log_in(&person.email, PASSWORD).await;
    let phone = Phone::scan(&page);
    let on = client
        .post("/account/two-factor/confirmation", &[("code", &phone.code(&app))])
        .await
        .ok();

    assert_eq!(
        page.text(".secret"),
        again.text(".secret"),
        "a reload shows the same secret"
    );
    assert!(page.attr("svg.qr", "aria-label").is_some());
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.problem("code").is_some() && wrong.has(".secret"));
    assert_eq!(not_yet.location(), Some("/"), "a secret alone asks nobody for a code");
    assert_eq!(on.texts(".codes li").len(), 10);
    assert!(is_logged_in(&client).await && !is_logged_in(&other).await);
    assert!(
        !client
            .get("/account/two-factor")
            .await
            .body()
            .contains(&on.texts(".codes li")[0])
    );
    assert_eq!(
        audit_of(&app, &person).await,
        ["two-factor set-up begun", "two-factor on"]
    );
}

#[tokio::test]
async fn the_database_holds_neither_the_secret_nor_a_recovery_code() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;
    client.post("/account/two-factor", &[]).await;
    let secret = client.get("/account/two-factor").await.text(".secret").replace(' ', "");
    let bytes = totp_rs::Secret::try_from_base32(&secret).unwrap().as_ref().to_vec();
    let (_, codes) = turn_on(&app, &client).await;

    let (sealed, hashes): (Vec<u8>, Vec<Vec<u8>>) =
        sqlx::query_as("select secret, array(select code_hash from recovery_codes) from second_factors")
            .fetch_one(&mut app.owner().await)
            .await
            .unwrap();

    assert!(!sealed.windows(bytes.len()).any(|part| part == bytes));
    assert_eq!(hashes.len(), 10);
    let plain = codes[0].replace('-', "");
    assert!(
        hashes
            .iter()
            .all(|hash| hash.len() == 32 && !hash.windows(10).any(|part| part == plain.as_bytes()))
    );
}

#[tokio::test]
async fn after_the_password_only_the_code_opens_and_the_session_has_a_new_id_each_time() {
    let app = TestApp::new().await;
    let (person, phone, _, client) = half_logged_in(&app, Role::NetworkAdmin).await;
    let half = client.session();
    let stolen = app.client().with_cookie_of(&client).await;

    let before = is_logged_in(&client).await;
    let home = client.get("/").await;
    let wrong = send_code(&client, "123").await;
    let right = send_code(&client, &phone.code(&app)).await;

    assert!(!before && is_stranger(&home));
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.problem("code").is_some());
    assert_eq!(right.location(), Some("/"));
    assert!(is_logged_in(&client).await);
    assert_ne!(client.session(), half);
    assert!(!is_logged_in(&stolen).await, "the half session is nobody's");
    assert!(
        is_stranger(&stolen.get("/login/code").await) || stolen.get("/login/code").await.location() == Some("/login")
    );
    assert!(
        !client
            .get("/account")
            .await
            .ok()
            .body()
            .contains(&person.email.to_uppercase())
    );
}

#[tokio::test]
async fn the_way_to_where_one_wanted_to_go_leads_through_the_code() {
    let app = TestApp::new().await;
    let (person, phone, _, client) = half_logged_in(&app, Role::NetworkAdmin).await;
    let form = [
        ("email", &*person.email),
        ("password", PASSWORD),
        ("next", "/network?sort=region"),
    ];
    client.post("/login", &form).await;

    let right = send_code(&client, &phone.code(&app)).await;

    assert_eq!(right.location(), Some("/network?sort=region"));
}

#[tokio::test]
async fn a_code_works_once_within_one_step_and_two_who_race_with_it_get_one_winner() {
    let app = TestApp::new().await;
    let (person, phone, _, client) = half_logged_in(&app, Role::NetworkAdmin).await;
    let rival = app.client();
    rival.try_log_in(&person.email, PASSWORD).await;
    let code = phone.code(&app);

    let (one, two) = tokio::join!(send_code(&client, &code), send_code(&rival, &code));
    let third = app.client();
    third.try_log_in(&person.email, PASSWORD).await;
    let replay = send_code(&third, &code).await;
    let early = phone.0.code_at(app.db.clock.now() + TimeDelta::seconds(30));
    let late = phone.0.code_at(app.db.clock.now() - TimeDelta::seconds(60));
    let too_late = send_code(&third, &late).await;
    let one_ahead = send_code(&third, &early).await;

    let mut outcomes = [one.status, two.status];
    outcomes.sort();
    assert_eq!(outcomes, [StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY]);
    assert_eq!(replay.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(too_late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(one_ahead.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guesses_wait_and_a_right_password_does_not_forgive_them() {
    let app = TestApp::new().await;
    let (person, phone, _, client) = half_logged_in(&app, Role::NetworkAdmin).await;
    for _ in 0..5 {
        assert_eq!(
            send_code(&client, "000000").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }

    let sixth = send_code(&client, &phone.code(&app)).await;
    let again = app.client();
    again.try_log_in(&person.email, PASSWORD).await;
    let after_password = send_code(&again, &phone.code(&app)).await;
    app.travel(TimeDelta::seconds(31));
    let later = send_code(&client, &phone.code(&app)).await;

    assert_eq!(sixth.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(sixth.header("retry-after").is_some());
    assert_eq!(after_password.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(later.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_first_step_is_worth_nothing_after_ten_minutes_or_a_change_of_password() {
    let app = TestApp::new().await;
    let (person, phone, _, slow) = half_logged_in(&app, Role::NetworkAdmin).await;
    let changed = app.client();

    app.travel(TimeDelta::minutes(11));
    let too_late = send_code(&slow, &phone.code(&app)).await;
    changed.try_log_in(&person.email, PASSWORD).await;
    users::reset_password(
        &app.db,
        &app.auth.passwords,
        &Actor::system(),
        &person.email,
        "nine quiet otters sleep",
    )
    .await
    .unwrap();
    app.auth.forget(person.id);
    let after_change = send_code(&changed, &phone.code(&app)).await;

    assert_eq!(too_late.status, StatusCode::UNAUTHORIZED);
    assert_eq!(after_change.status, StatusCode::UNAUTHORIZED);
    assert_eq!(slow.get("/login/code").await.location(), Some("/login"));
}

#[tokio::test]
async fn each_recovery_code_opens_once_however_it_is_typed_and_new_ones_void_the_old() {
    let app = TestApp::new().await;
    let (person, phone, codes, client) = half_logged_in(&app, Role::NetworkAdmin).await;

    let first = send_code(&client, &codes[0].to_uppercase().replace('-', " ")).await;
    let left = client.get("/account/two-factor").await.ok();
    let other = app.client();
    other.try_log_in(&person.email, PASSWORD).await;
    let twice = send_code(&other, &codes[0]).await;
    let renewed = client
        .post("/account/two-factor/recovery-codes", &[("code", &phone.code(&app))])
        .await
        .ok();
    let old = send_code(&other, &codes[1]).await;
    let new = send_code(&other, &renewed.texts(".codes li")[0]).await;

    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert!(left.body().contains("9 of 10 codes are left"));
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(new.status, StatusCode::SEE_OTHER);
    let written = audit_of(&app, &person).await;
    assert_eq!(
        written[2..],
        ["recovery code used", "recovery codes renewed", "recovery code used"]
    );
}

#[tokio::test]
async fn turning_it_off_takes_the_password_and_a_code() {
    let app = TestApp::new().await;
    let (person, phone, _, client) = half_logged_in(&app, Role::NetworkAdmin).await;
    send_code(&client, &phone.code(&app)).await;
    app.travel(TimeDelta::seconds(60));
    let off = async |password: &str, code: &str| {
        let form = [("password", password), ("code", code)];
        client.post("/account/two-factor/removal", &form).await
    };

    let wrong_password = off(WRONG, &phone.code(&app)).await;
    let wrong_code = off(PASSWORD, "000000").await;
    let still = app.client().try_log_in(&person.email, PASSWORD).await;
    let right = off(PASSWORD, &phone.code(&app)).await;
    let without = app.client().try_log_in(&person.email, PASSWORD).await;

    assert!(wrong_password.problem("password").is_some());
    assert!(
        wrong_code.problem("off-code").is_some(),
        "{:?}",
        wrong_code.find("main")
    );
    assert_eq!(still.location(), Some("/login/code"));
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    assert_eq!(without.location(), Some("/"));
    assert_eq!(audit_of(&app, &person).await.last().unwrap(), "two-factor off");
}

#[tokio::test]
async fn whoever_must_have_one_sets_it_up_before_anything_else() {
    let mut options = options();
    options.sign_in.second_factor_for = vec!["facility_admin".into(), "network_admin".into()];
    let app = TestApp::with(options).await;
    let (admin, staff) = (app.person(Role::NetworkAdmin, &[]).await, {
        let lakeside = app.facility("Lakeside").await;
        app.person(Role::Staff, &[&lakeside]).await
    });
    let client = app.client();

    let sent = client.try_log_in(&admin.email, PASSWORD).await;
    let elsewhere = client.get("/network").await;
    let page = client.get("/login/two-factor").await.ok();
    let phone = Phone::scan(&page);
    let skipped = client.post("/login/code", &[("code", &phone.code(&app))]).await;
    let wrong = client.post("/login/two-factor", &[("code", "000000")]).await;
    let done = client
        .post("/login/two-factor", &[("code", &phone.code(&app))])
        .await
        .ok();
    app.travel(TimeDelta::seconds(60));
    let form = [("password", PASSWORD), ("code", &*phone.code(&app))];
    let off = client.post("/account/two-factor/removal", &form).await;
    let free = app.client().try_log_in(&staff.email, PASSWORD).await;

    assert_eq!(sent.location(), Some("/login/two-factor"));
    assert!(is_stranger(&elsewhere));
    assert_eq!(
        skipped.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "it is not confirmed yet"
    );
    assert!(wrong.problem("code").is_some() && wrong.text(".secret") == page.text(".secret"));
    assert_eq!(done.texts(".codes li").len(), 10);
    assert!(is_logged_in(&client).await);
    assert_eq!(off.status, StatusCode::CONFLICT);
    assert!(!client.get("/account/two-factor").await.has("form[action$=removal]"));
    assert_eq!(free.location(), Some("/"));
}

#[tokio::test]
async fn an_administrator_can_take_it_away_and_their_sessions_end() {
    let app = TestApp::new().await;
    let (person, phone, codes, client) = half_logged_in(&app, Role::NetworkAdmin).await;
    send_code(&client, &phone.code(&app)).await;
    let half = app.client();
    half.try_log_in(&person.email, PASSWORD).await;

    users::remove_second_factor(&app.db, &Actor::system(), person.id)
        .await
        .unwrap();
    app.auth.forget(person.id);
    let twice = users::remove_second_factor(&app.db, &Actor::system(), person.id).await;
    let by_old_code = send_code(&half, &codes[0]).await;
    let next = app.client().try_log_in(&person.email, PASSWORD).await;

    assert!(!is_logged_in(&client).await);
    assert!(twice.is_err());
    assert_eq!(by_old_code.status, StatusCode::UNAUTHORIZED);
    assert_eq!(next.location(), Some("/"));
    assert_eq!(audit_of(&app, &person).await.last().unwrap(), "two-factor removed");
}
