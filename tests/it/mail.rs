//! Mails through a real connection: what arrives, what is tried again, and what a stolen database would give away.

use chrono::TimeDelta;
use pulseboard::auth::Role;

use crate::support::{SmtpServer, TestApp, options};

async fn app_with(server: &SmtpServer) -> TestApp {
    TestApp::with(pulseboard::app::Options {
        mail: server.mail(),
        ..options()
    })
    .await
}

async fn column(app: &TestApp, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&mut app.owner().await).await.unwrap()
}

#[tokio::test]
async fn a_mail_arrives_as_text_and_html_and_its_body_is_not_kept() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    admin
        .post(&format!("/admin/users/{}/password-link", person.id), &[])
        .await;

    let sent = app.mail.deliver(&app.db).await.unwrap();
    let again = app.mail.deliver(&app.db).await.unwrap();

    assert_eq!((sent, again), (1, 0));
    let mail = server.last_to(&person.email).expect("a mail");
    assert!(mail.data.contains("From: Pulseboard <board@example.org>"));
    assert!(mail.data.contains("Content-Type: text/plain") && mail.data.contains("Content-Type: text/html"));
    let link = mail.link("/password/reset/");
    assert_eq!(app.client().get(&link).await.ok().heading(), "New password");
    let left = column(
        &app,
        "select body_text || body_html || coalesce(encode(sealed_token, 'hex'), '') from mails",
    )
    .await;
    assert_eq!(left, [""]);
}

#[tokio::test]
async fn a_mail_that_the_server_puts_off_is_tried_again_and_one_it_refuses_is_not() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let ask = format!("/admin/users/{}/password-link", person.id);
    admin.post(&ask, &[]).await;
    server.refuse_once("451 come back later");

    let first = app.mail.deliver(&app.db).await.unwrap();
    let at_once = app.mail.deliver(&app.db).await.unwrap();
    app.travel(TimeDelta::seconds(31));
    let later = app.mail.deliver(&app.db).await.unwrap();
    admin.post(&ask, &[]).await;
    server.refuse_once("550 nobody here");
    let refused = app.mail.deliver(&app.db).await.unwrap();
    app.travel(TimeDelta::minutes(10));
    let never = app.mail.deliver(&app.db).await.unwrap();

    assert_eq!([first, at_once, later, refused, never], [0, 0, 1, 0, 0]);
    assert_eq!(server.arrived().len(), 1);
    let failed = column(&app, "select last_error from mails where failed_at is not null").await;
    assert!(failed[0].contains("550"), "{failed:?}");
}

#[tokio::test]
async fn a_stolen_database_opens_no_link_that_is_on_its_way() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    admin
        .post(&format!("/admin/users/{}/password-link", person.id), &[])
        .await;
    let rows = column(
        &app,
        "select m::text from mails m union all select r::text from password_resets r",
    )
    .await;

    app.mail.deliver(&app.db).await.unwrap();

    let link = server.last_to(&person.email).unwrap().link("/password/reset/");
    let token = pulseboard::auth::Token::parse(link.rsplit('/').next().unwrap()).expect("a token");
    let hex: String = token.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        rows.len() == 2
            && rows
                .iter()
                .all(|row| !row.contains(&token.reveal()) && !row.contains(&hex))
    );
}

#[tokio::test]
async fn of_many_instances_one_sends_a_mail() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    for _ in 0..5 {
        admin
            .post(&format!("/admin/users/{}/password-link", person.id), &[])
            .await;
    }

    let (one, two, three) = tokio::join!(
        app.mail.deliver(&app.db),
        app.mail.deliver(&app.db),
        app.mail.deliver(&app.db)
    );

    assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 5);
    assert_eq!(server.arrived().len(), 5);
}
