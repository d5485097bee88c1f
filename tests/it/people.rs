//! Administrators and the people they manage: who sees whom, who may change whom, and how fast it takes effect.

use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::ids::UserId;

use crate::support::{Facility, TestApp, is_logged_in};

async fn audit(app: &TestApp, action: &str) -> Vec<(i64, serde_json::Value)> {
    sqlx::query_as("select coalesce(thing_id, 0), jsonb_build_object('before', before, 'after', after) from audit_log where action = $1 order by id")
        .bind(action)
        .fetch_all(&mut app.owner().await)
        .await
        .unwrap()
}

async fn role_of(app: &TestApp, user: UserId, facility: &Facility) -> Option<String> {
    sqlx::query_scalar("select role from memberships where user_id = $1 and facility_id = $2")
        .bind(user.0)
        .bind(facility.id.0)
        .fetch_optional(&mut app.owner().await)
        .await
        .unwrap()
}

fn page_of(user: UserId, rest: &str) -> String {
    format!("/admin/users/{user}{rest}")
}

#[tokio::test]
async fn two_facilities_do_not_see_each_others_people() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let network = app.log_in(Role::NetworkAdmin, &[]).await;
    let foreign = app.person(Role::Staff, &[&hilltop]).await;
    let shared = app.person(Role::Viewer, &[&lakeside, &hilltop]).await;

    // the client itself fails when a canary of Hilltop is in an answer
    let list = admin.get("/admin/users").await.ok();
    let search = admin.get(&format!("/admin/users?q={}", foreign.email)).await.ok();
    let filter = admin.get(&format!("/admin/users?facility={}", hilltop.id)).await.ok();
    let file = admin.get("/admin/users/export").await.ok();
    let there = admin.get(&page_of(foreign.id, "")).await;
    let nowhere = admin.get("/admin/users/987654").await;
    let both = admin.get(&page_of(shared.id, "")).await.ok();

    assert!(list.body().contains(&shared.email) && !list.body().contains(&foreign.email));
    assert!(!list.body().contains("Hilltop") && !both.body().contains("Hilltop") && !file.body().contains("Hilltop"));
    assert!(file.body().contains(&shared.email));
    assert_eq!((search.count("tbody tr"), filter.count("tbody tr")), (0, 0));
    assert_eq!(there.status, StatusCode::NOT_FOUND);
    assert_eq!(there.body(), nowhere.body());
    for form in ["/roles", "/disabling", "/password-link", "/sessions/end", ""] {
        let fields = [("facility", "1"), ("role", "viewer"), ("name", "X")];
        let fields = match form {
            "/roles" => &fields[..2],
            "" => &fields[2..],
            _ => &[],
        };
        let answer = admin.post(&page_of(foreign.id, form), fields).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{form}");
    }
    assert!(network.get("/admin/users").await.ok().body().contains(&foreign.email));
}

#[tokio::test]
async fn a_role_is_changed_with_word_of_before_and_after_and_ends_the_sessions_everywhere() {
    let app = TestApp::new().await;
    let elsewhere = app.second_instance().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let person = app.person(Role::Viewer, &[&lakeside]).await;
    let theirs = elsewhere.client().log_in(&person.email).await;
    let mut watch = theirs.watch(lakeside.id).await;

    let facility = lakeside.id.to_string();
    let answer = admin
        .post(
            &page_of(person.id, "/roles"),
            &[("facility", &facility), ("role", "staff")],
        )
        .await;

    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let last = watch.rest().await;
    assert!(last.iter().any(|frame| frame.event == "session-expired"), "{last:?}");
    assert!(!is_logged_in(&theirs).await);
    assert_eq!(role_of(&app, person.id, &lakeside).await.as_deref(), Some("staff"));
    let (id, change) = audit(&app, "role changed").await.remove(0);
    assert_eq!(id, person.id.0);
    assert_eq!(change["before"]["role"], "viewer");
    assert_eq!(change["after"]["role"], "staff");
    let page = admin.get(&page_of(person.id, "")).await.ok();
    assert!(
        page.text(".log li")
            .contains("Role changed, role Viewer → Staff in Lakeside")
    );
}

#[tokio::test]
async fn whoever_tries_to_raise_their_own_role_is_refused_and_noted() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let me = app.person(Role::FacilityAdmin, &[&lakeside]).await;
    let client = app.client().log_in(&me.email).await;

    let facility = hilltop.id.to_string();
    let more = client
        .post(
            &page_of(me.id, "/roles"),
            &[("facility", &facility), ("role", "viewer")],
        )
        .await;
    let everything = client
        .post(&page_of(me.id, "/network-admin"), &[("network_admin", "true")])
        .await;
    let own = lakeside.id.to_string();
    let sham = client
        .post(
            &page_of(me.id, "/roles"),
            &[("facility", &own), ("role", "network_admin")],
        )
        .await;

    assert_eq!(
        [more.status, everything.status, sham.status],
        [StatusCode::FORBIDDEN; 3]
    );
    assert_eq!(audit(&app, "refused").await.len(), 3);
    assert_eq!(role_of(&app, me.id, &hilltop).await, None);
    assert!(is_logged_in(&client).await);
}

#[tokio::test]
async fn of_two_administrators_who_oust_each_other_at_once_one_stays() {
    let app = TestApp::new().await;
    for round in 0..6 {
        sqlx::query("update users set network_admin = false")
            .execute(&mut app.owner().await)
            .await
            .unwrap();
        let (ada, bob) = (
            app.person(Role::NetworkAdmin, &[]).await,
            app.person(Role::NetworkAdmin, &[]).await,
        );
        let (first, second) = (
            app.client().log_in(&ada.email).await,
            app.client().log_in(&bob.email).await,
        );
        let rest = if round % 2 == 0 { "/disabling" } else { "/network-admin" };

        let (bobs, adas) = (page_of(bob.id, rest), page_of(ada.id, rest));
        let (one, two) = tokio::join!(first.post(&bobs, &[]), second.post(&adas, &[]));

        let left: i64 = sqlx::query_scalar("select count(*) from users where network_admin and disabled_at is null")
            .fetch_one(&mut app.owner().await)
            .await
            .unwrap();
        assert_eq!(left, 1, "{rest}: {} {}", one.status, two.status);
    }
}

#[tokio::test]
async fn the_last_administrator_of_the_network_cannot_step_down() {
    let app = TestApp::new().await;
    let me = app.person(Role::NetworkAdmin, &[]).await;
    let client = app.client().log_in(&me.email).await;

    let down = client.post(&page_of(me.id, "/network-admin"), &[]).await;
    let out = client.post(&page_of(me.id, "/disabling"), &[]).await;

    assert_eq!([down.status, out.status], [StatusCode::UNPROCESSABLE_ENTITY; 2]);
    assert!(down.text(".notice.critical").contains("last administrator"));
    assert!(is_logged_in(&client).await);
}

#[tokio::test]
async fn an_administrator_of_a_facility_cannot_lock_out_or_reset_whoever_outranks_them() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let shared = app.person(Role::Staff, &[&lakeside, &hilltop]).await;
    let above = app.person(Role::Viewer, &[&lakeside]).await;
    sqlx::query("update users set network_admin = true where id = $1")
        .bind(above.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    let theirs = app.client().log_in(&shared.email).await;

    for person in [&shared, &above] {
        for form in ["/disabling", "/enabling", "/password-link", "/sessions/end"] {
            let answer = admin.post(&page_of(person.id, form), &[]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form}");
        }
    }
    let facility = lakeside.id.to_string();
    let own = admin
        .post(
            &page_of(shared.id, "/roles"),
            &[("facility", &facility), ("role", "viewer")],
        )
        .await;
    let foreign = hilltop.id.to_string();
    let other = admin
        .post(
            &page_of(shared.id, "/roles"),
            &[("facility", &foreign), ("role", "viewer")],
        )
        .await;

    assert_eq!(
        (own.status, other.status),
        (StatusCode::SEE_OTHER, StatusCode::NOT_FOUND)
    );
    assert_eq!(role_of(&app, shared.id, &hilltop).await.as_deref(), Some("staff"));
    assert!(!is_logged_in(&theirs).await, "a change of role ends the sessions");
}

#[tokio::test]
async fn an_administrator_ends_one_session_or_all_and_disables_and_enables() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let person = app.person(Role::Staff, &[&lakeside]).await;
    let (one, two) = (
        app.client().log_in(&person.email).await,
        app.client().log_in(&person.email).await,
    );
    let page = admin.get(&page_of(person.id, "")).await.ok();
    let newest = page.attr("tbody input[name=session]", "value").expect("a session");

    admin
        .post(&page_of(person.id, "/sessions/end"), &[("session", &newest)])
        .await;
    app.auth.forget_all();
    let left = [is_logged_in(&one).await, is_logged_in(&two).await];
    admin.post(&page_of(person.id, "/disabling"), &[]).await;
    let neither = [is_logged_in(&one).await, is_logged_in(&two).await];
    let shut_out = app.client().try_log_in(&person.email, crate::support::PASSWORD).await;
    admin.post(&page_of(person.id, "/enabling"), &[]).await;
    let back = app.client().try_log_in(&person.email, crate::support::PASSWORD).await;

    assert_eq!(left.iter().filter(|on| **on).count(), 1);
    assert_eq!(neither, [false, false]);
    assert_eq!(shut_out.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(back.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_list_goes_forward_and_back_and_loses_nobody() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    sqlx::query(
        "with added as (insert into users (email, name) select 'p' || n || '@example.org', 'Person ' || (n % 7) from generate_series(1, 120) n
                        returning id)
         insert into memberships select id, $1, 'viewer' from added",
    )
    .bind(lakeside.id.0)
    .execute(&mut app.owner().await)
    .await
    .unwrap();

    let first = admin.get("/admin/users").await.ok();
    let second = admin.get(&first.attr("a[rel=next]", "href").unwrap()).await.ok();
    let third = admin.get(&second.attr("a[rel=next]", "href").unwrap()).await.ok();
    let back = admin.get(&third.attr("a[rel=prev]", "href").unwrap()).await.ok();
    let start = admin.get(&back.attr("a[rel=prev]", "href").unwrap()).await.ok();

    let people = |page: &crate::support::Answer| page.attrs("tbody th a", "href");
    let mut all: Vec<String> = [&first, &second, &third].into_iter().flat_map(people).collect();
    assert_eq!(first.text("#summary"), "122 people");
    assert_eq!(all.len(), 122);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 122);
    assert_eq!(people(&back), people(&second));
    assert_eq!(people(&start), people(&first));
    assert!(!first.has("a[rel=prev]") && !start.has("a[rel=prev]") && !third.has("a[rel=next]"));
    let never = admin.get("/admin/users?state=never_seen&q=person%203").await.ok();
    assert_eq!(never.text("#summary"), "17 people match");
}

#[tokio::test]
async fn an_open_list_of_people_is_told_of_a_change() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let person = app.person(Role::Staff, &[&lakeside]).await;
    let mut watch = admin.watch_path("/network/events").await;

    admin.post(&page_of(person.id, ""), &[("name", "Grace Hopper")]).await;

    watch
        .until(|frame| frame.event == "nudge" && frame.data == "people")
        .await;
    let list = admin.get("/admin/users").await.ok();
    assert!(list.body().contains("Grace Hopper"));
}

#[tokio::test]
async fn a_file_of_people_holds_no_formula() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let person = app.person(Role::Staff, &[&lakeside]).await;
    admin
        .post(&page_of(person.id, ""), &[("name", "=cmd|' /c calc'!a1")])
        .await;

    let file = admin.get("/admin/users/export").await.ok();

    assert!(file.header("content-disposition").unwrap().contains("people.csv"));
    let line = file.body().lines().find(|line| line.contains(&person.email)).unwrap();
    assert!(line.contains(",'=cmd"), "{line}");
}
