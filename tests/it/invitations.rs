//! Invitations and forgotten passwords: links that work once, and answers that tell nobody who has an account.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::auth::Role;

use crate::support::{
    BASE_URL, Client, Facility, PASSWORD, Person, SmtpServer, TestApp, eventually, is_logged_in, options,
};

async fn app_with(server: &SmtpServer) -> TestApp {
    TestApp::with(pulseboard::app::Options {
        mail: server.mail(),
        ..options()
    })
    .await
}

/// Somebody who manages the facility, and whose name may be read by whoever they invite.
async fn ada(app: &TestApp, facility: &Facility) -> Person {
    let ada = app.person(Role::FacilityAdmin, &[facility]).await;
    sqlx::query("update users set name = 'Ada Merrin' where id = $1")
        .bind(ada.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    ada
}

async fn invite(client: &Client, email: &str, facility: &Facility, role: &str) -> crate::support::Answer {
    let facility = facility.id.to_string();
    let form = [
        ("email", email),
        ("name", "Noa New"),
        ("facility", &facility),
        ("role", role),
    ];
    client.post("/admin/users", &form).await
}

const JOIN: [(&str, &str); 2] = [("name", "Noa New"), ("password", PASSWORD)];

#[tokio::test]
async fn whoever_is_invited_by_mail_joins_once() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.client().log_in(&ada(&app, &lakeside).await.email).await;

    // whatever Host says, the link is the configured one
    let sent = invite(
        &admin.with("host", "evil.example"),
        "Noa@Example.org",
        &lakeside,
        "staff",
    )
    .await;
    app.mail.deliver(&app.db).await.unwrap();
    let mail = server.last_to("noa@example.org").expect("a mail");
    let link = mail.link("/invitation/");
    let page = app.client().get(&link).await.ok();
    let newcomer = app.client();
    let joined = newcomer.post(&link, &JOIN).await;
    let again = app.client().post(&link, &JOIN).await;

    assert_eq!(sent.location(), Some("/admin/users?done=invited"));
    assert!(!mail.data.contains("evil.example"));
    assert!(page.text(".offers").contains("Lakeside: Staff"));
    assert_eq!(joined.status, StatusCode::SEE_OTHER);
    assert!(is_logged_in(&newcomer).await);
    let staff = app.client().log_in("noa@example.org").await;
    assert_eq!(staff.get(&lakeside.path("/inventory/new")).await.status, StatusCode::OK);
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(
        app.client().get(&link).await.heading(),
        "This invitation is no longer good"
    );
}

#[tokio::test]
async fn of_two_who_open_one_invitation_at_once_one_joins() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.client().log_in(&ada(&app, &lakeside).await.email).await;
    invite(&admin, "noa@example.org", &lakeside, "staff").await;
    app.mail.deliver(&app.db).await.unwrap();
    let link = server.last_to("noa@example.org").unwrap().link("/invitation/");

    let (first, second) = (app.client(), app.client());
    let (one, two) = tokio::join!(first.post(&link, &JOIN), second.post(&link, &JOIN));

    let mut outcomes = [one.status, two.status];
    outcomes.sort();
    assert_eq!(outcomes, [StatusCode::SEE_OTHER, StatusCode::NOT_FOUND]);
}

#[tokio::test]
async fn inviting_an_address_that_works_elsewhere_tells_nothing_and_offers_them_the_role() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let admin = app.client().log_in(&ada(&app, &lakeside).await.email).await;
    let foreign = app.person(Role::Staff, &[&hilltop]).await;

    let known = invite(&admin, &foreign.email, &lakeside, "viewer").await;
    let unknown = invite(&admin, "noa@example.org", &lakeside, "viewer").await;
    let list = admin.get("/admin/users?state=invited").await.ok();
    let pages: Vec<String> = list.attrs("tbody th a", "href");
    let (one, two) = (admin.get(&pages[0]).await.ok(), admin.get(&pages[1]).await.ok());
    app.mail.deliver(&app.db).await.unwrap();
    let mail = server.last_to(&foreign.email).unwrap();
    let link = mail.link("/invitation/");
    let stranger = app.client().get(&link).await.ok();
    let other = app.log_in(Role::Viewer, &[&lakeside]).await;
    let wrong = other.post(&format!("{link}/acceptance"), &[]).await;
    let client = app.client().log_in(&foreign.email).await;
    let before = client.get(&lakeside.path("")).await;
    let accepted = client.post(&format!("{link}/acceptance"), &[]).await;

    assert_eq!((known.status, known.location()), (unknown.status, unknown.location()));
    let neutral = |page: &crate::support::Answer, href: &str| {
        let body = page.body().replace(&foreign.email, "E").replace("noa@example.org", "E");
        body.replace(href, "H")
    };
    assert_eq!(neutral(&one, &pages[0]), neutral(&two, &pages[1]));
    assert!(stranger.body().contains("Log in to accept") && !stranger.has("input[name=password]"));
    assert_eq!(wrong.status, StatusCode::CONFLICT);
    assert_eq!(before.status, StatusCode::NOT_FOUND);
    assert_eq!(accepted.status, StatusCode::SEE_OTHER);
    assert_eq!(client.get(&lakeside.path("")).await.status, StatusCode::OK);
    assert_eq!(client.get(&hilltop.path("")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_mail_the_link_is_shown_once() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.client().log_in(&ada(&app, &lakeside).await.email).await;

    let shown = invite(&admin, "noa@example.org", &lakeside, "facility_admin")
        .await
        .ok();
    let link = shown.attr("input[readonly]", "value").expect("a link");
    let list = admin.get("/admin/users").await.ok();
    let page = admin
        .get(&list.attr("th a[href^=\"/admin/invitations/\"]", "href").unwrap())
        .await
        .ok();

    let path = link.strip_prefix(BASE_URL).expect("on our own site");
    assert!(!list.body().contains(path) && !page.body().contains(path));
    assert_eq!(app.client().post(path, &JOIN).await.status, StatusCode::SEE_OTHER);
    let row: String = sqlx::query_scalar("select i::text from invitations i")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert!(!row.contains(path.rsplit('/').next().unwrap()));
}

#[tokio::test]
async fn an_invitation_ends_by_age_by_withdrawal_by_sending_it_again_and_with_whoever_made_it() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let me = ada(&app, &lakeside).await;
    let admin = app.client().log_in(&me.email).await;
    let link_of = |answer: &crate::support::Answer| {
        let link = answer.attr("input[readonly]", "value").expect("a link");
        link.trim_start_matches(BASE_URL).to_owned()
    };
    let first = link_of(&invite(&admin, "one@example.org", &lakeside, "staff").await);
    let id = |page: &crate::support::Answer| page.attr("th a[href^=\"/admin/invitations/\"]", "href").unwrap();
    let page = id(&admin.get("/admin/users").await.ok());

    let twice = invite(&admin, "one@example.org", &lakeside, "staff").await;
    let second = link_of(&admin.post(&format!("{page}/sending"), &[]).await);
    let old = app.client().get(&first).await.status;
    let new = app.client().get(&second).await.status;
    admin.post(&format!("{page}/withdrawal"), &[]).await;
    let withdrawn = app.client().post(&second, &JOIN).await.status;
    let third = link_of(&invite(&admin, "two@example.org", &lakeside, "staff").await);
    app.travel(TimeDelta::days(7) + TimeDelta::seconds(1));
    let too_old = app.client().get(&third).await.status;
    let admin = app.client().log_in(&me.email).await;
    let fourth = link_of(&invite(&admin, "three@example.org", &lakeside, "staff").await);
    sqlx::query("update memberships set role = 'viewer' where user_id = $1")
        .bind(me.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    let from_nobody = app.client().post(&fourth, &JOIN).await.status;

    assert!(
        twice
            .problem("email")
            .is_some_and(|words| words.contains("invited already"))
    );
    assert_eq!((old, new), (StatusCode::NOT_FOUND, StatusCode::OK));
    assert_eq!([withdrawn, too_old, from_nobody], [StatusCode::NOT_FOUND; 3]);
}

#[tokio::test]
async fn nobody_invites_to_what_they_do_not_manage_or_sends_on_what_others_offer() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let admin = app.client().log_in(&ada(&app, &lakeside).await.email).await;
    let network = app.log_in(Role::NetworkAdmin, &[]).await;
    let (own, foreign) = (lakeside.id.to_string(), hilltop.id.to_string());

    let elsewhere = invite(&admin, "noa@example.org", &hilltop, "viewer").await;
    let above = invite(&admin, "noa@example.org", &lakeside, "network_admin").await;
    let form = [("email", "noa@example.org"), ("name", "N"), ("network_admin", "true")];
    let network_admin = admin.post("/admin/users", &form).await;
    let both = [
        ("email", "noa@example.org"),
        ("name", "Noa"),
        ("facility", &*own),
        ("role", "staff"),
        ("facility", &*foreign),
        ("role", "staff"),
    ];
    network.post("/admin/users", &both).await.ok();
    let list = admin.get("/admin/users").await.ok();
    let page = list.attr("th a[href^=\"/admin/invitations/\"]", "href").unwrap();
    let shown = admin.get(&page).await.ok();
    let sent_on = admin.post(&format!("{page}/sending"), &[]).await;
    let withdrawn = admin.post(&format!("{page}/withdrawal"), &[]).await;

    for refused in [&elsewhere, &above, &network_admin] {
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(!shown.body().contains("Hilltop"));
    assert_eq!(sent_on.status, StatusCode::FORBIDDEN);
    assert_eq!(withdrawn.status, StatusCode::SEE_OTHER);
    let left = network.get(&page).await.ok();
    assert!(left.body().contains("Hilltop: Staff") && !left.body().contains("Lakeside: Staff"));
    assert_eq!(admin.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_once_within_half_an_hour_and_ends_all_sessions() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let person = app.person(Role::NetworkAdmin, &[]).await;
    let open = app.client().log_in(&person.email).await;
    let new = "nine patient storks stand still";

    let known = app.client().post("/password/forgot", &[("email", &person.email)]).await;
    let unknown = app
        .client()
        .post("/password/forgot", &[("email", "nobody@example.org")])
        .await;
    let mail = eventually("the link arrives", || async {
        app.mail.deliver(&app.db).await.unwrap();
        server.last_to(&person.email)
    })
    .await;
    let link = mail.link("/password/reset/");
    let short = app.client().post(&link, &[("password", "short")]).await;
    let set = app.client().post(&link, &[("password", new)]).await;
    let again = app.client().post(&link, &[("password", PASSWORD)]).await;

    assert_eq!((known.status, unknown.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(
        known.body().replace(&person.email, ""),
        unknown.body().replace("nobody@example.org", "")
    );
    assert!(server.last_to("nobody@example.org").is_none());
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(set.location(), Some("/login?done=password_set"));
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(!is_logged_in(&open).await);
    assert_eq!(
        app.client().try_log_in(&person.email, new).await.status,
        StatusCode::SEE_OTHER
    );

    app.client().post("/password/forgot", &[("email", &person.email)]).await;
    let late = eventually("a second link", || async {
        app.mail.deliver(&app.db).await.unwrap();
        server
            .last_to(&person.email)
            .filter(|one| one.link("/password/reset/") != link)
    })
    .await;
    app.travel(TimeDelta::minutes(31));
    let late = app.client().get(&late.link("/password/reset/")).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn asking_for_links_is_rationed_alike_for_known_and_unknown_addresses() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let person = app.person(Role::NetworkAdmin, &[]).await;

    for email in [&*person.email, "nobody@example.org"] {
        for _ in 0..5 {
            let answer = app.client().post("/password/forgot", &[("email", email)]).await;
            assert_eq!(answer.status, StatusCode::OK);
        }
        let sixth = app.client().post("/password/forgot", &[("email", email)]).await;
        assert_eq!(sixth.status, StatusCode::TOO_MANY_REQUESTS, "{email}");
    }
    assert_eq!(
        app.client().try_log_in(&person.email, PASSWORD).await.status,
        StatusCode::SEE_OTHER,
        "the log-in is not held up"
    );
}

#[tokio::test]
async fn a_table_is_looked_at_first_and_then_invites_all_or_nobody() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let admin = app.client().log_in(&ada(&app, &lakeside).await.email).await;
    let colleague = app.person(Role::Staff, &[&lakeside]).await;
    let foreign = app.person(Role::Staff, &[&hilltop]).await;
    let bad = format!(
        "email,name,facility,role\none@example.org,One,Lakeside,staff\n{},Two,Lakeside,viewer\nthree@example.org,Three,Hilltop,viewer\n",
        colleague.email
    );
    let good = format!(
        "\u{feff}email;name;facility;role\none@example.org;One;lakeside;Staff\n{};Four;Lakeside;viewer\n",
        foreign.email
    );
    let invited = || async {
        let count: i64 = sqlx::query_scalar("select count(*) from invitations")
            .fetch_one(&mut app.owner().await)
            .await
            .unwrap();
        count
    };

    let dry = admin.post("/admin/users/import", &[("csv", &bad)]).await;
    let forced = admin
        .post("/admin/users/import", &[("csv", &bad), ("invite", "true")])
        .await;
    let none = invited().await;
    let looked = admin.post("/admin/users/import", &[("csv", &good)]).await.ok();
    let still_none = invited().await;
    let done = admin
        .post("/admin/users/import", &[("csv", &good), ("invite", "true")])
        .await;

    assert_eq!(
        (dry.status, forced.status),
        (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY)
    );
    let problems = dry.texts("tbody tr");
    assert!(
        problems[0].contains("2") && problems[0].contains("none"),
        "{problems:?}"
    );
    assert!(
        problems[1].contains("3") && problems[1].contains("already has a role"),
        "{problems:?}"
    );
    assert!(
        problems[2].contains("4") && problems[2].contains("no facility of this name"),
        "{problems:?}"
    );
    assert_eq!((none, still_none), (0, 0));
    assert!(looked.text(".notice.good button").contains("Invite 2 people"));
    assert_eq!(done.location(), Some("/admin/users?done=invited"));
    assert_eq!(invited().await, 2);
    assert_eq!(app.mail.deliver(&app.db).await.unwrap(), 2);
}

#[tokio::test]
async fn a_hostile_table_is_refused_with_a_reason() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.client().log_in(&ada(&app, &lakeside).await.email).await;
    let many = format!(
        "email,name,facility,role\n{}",
        "a@b.example,A,Lakeside,staff\n".repeat(600)
    );

    for (table, reason) in [
        ("email,name,facility,role\na\0b,x,Lakeside,staff", "NUL"),
        (&*"a,".repeat(5000), "columns"),
        (&*many, "more than 500"),
        ("", "Paste"),
        ("email,name,facility,role\n\"a,b", "cannot be taken"),
    ] {
        let answer = admin.post("/admin/users/import", &[("csv", table)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{reason}");
        assert!(answer.text(".notice.critical").contains(reason), "{reason}");
    }
    let huge = "x".repeat(100_000);
    let answer = admin.post("/admin/users/import", &[("csv", &huge)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
