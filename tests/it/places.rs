//! Administering facilities: who may do it, what is refused, what follows from a change.

use chrono::Days;
use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::clock::{Zone, local_day};
use pulseboard::facilities::FacilityKind;
use pulseboard::places::{self, Facts};

use crate::support::{Client, Facility, TestApp};

const FORM: [(&str, &str); 9] = [
    ("name", "Hilltop"),
    ("kind", "clinic"),
    ("region", "South"),
    ("latitude", "-33,9"),
    ("longitude", "18.4"),
    ("zone", "Africa/Johannesburg"),
    ("count_hour", "6"),
    ("shares", "true"),
    ("parent", ""),
];

/// The form with some fields changed.
fn form<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<(&str, &str)> = FORM.to_vec();
    for (name, value) in changed {
        fields.retain(|(field, _)| field != name);
        fields.push((name, value));
    }
    fields
}

fn admin_path(facility: &Facility, rest: &str) -> String {
    format!("/admin/facilities/{}{rest}", facility.id)
}

async fn network(app: &TestApp) -> Client {
    app.log_in(Role::NetworkAdmin, &[]).await
}

#[tokio::test]
async fn a_network_administrator_adds_a_facility_and_it_works_at_once() {
    let app = TestApp::new().await;
    let admin = network(&app).await;

    let answer = admin.post("/admin/facilities", &form(&[("bank", "Cold room")])).await;

    let path = answer.location().expect("on to its page").to_owned();
    let page = admin.get(&path).await.ok();
    assert_eq!(page.heading(), "Hilltop");
    assert_eq!(page.notice().as_deref(), Some("The facility is added."));
    assert_eq!(page.value("latitude").as_deref(), Some("-33.9"));
    assert_eq!(
        page.attr("#banks li input[name=name]", "value").as_deref(),
        Some("Cold room")
    );
    assert!(page.text("#history").contains("Added facility Hilltop"));
    assert!(admin.get("/network").await.ok().text("#facilities").contains("Hilltop"));
    let id = path
        .trim_start_matches("/admin/facilities/")
        .split('?')
        .next()
        .expect("an id")
        .to_owned();
    assert_eq!(admin.get(&format!("/facilities/{id}")).await.ok().heading(), "Hilltop");
    app.verify().await;
}

#[tokio::test]
async fn every_mistake_stands_beside_its_field_and_nothing_is_added() {
    let app = TestApp::new().await;
    app.facility("Alder").await;
    let admin = network(&app).await;

    for (field, value) in [
        ("name", " "),
        ("name", "Alder"),
        ("kind", "ship"),
        ("region", ""),
        ("latitude", "91"),
        ("longitude", "east"),
        ("zone", "Mars/Olympus"),
        ("count_hour", "24"),
        ("parent", "987654"),
        ("bank", ""),
    ] {
        let mut fields = form(&[("bank", "Main")]);
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let answer = admin.post("/admin/facilities", &fields).await;

        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
        assert!(answer.problem(field).is_some(), "{field} {value}");
        assert_eq!(
            answer.value("region").as_deref(),
            Some(if field == "region" { "" } else { "South" })
        );
    }
    let count: i64 = sqlx::query_scalar("select count(*) from facilities")
        .fetch_one(&mut app.owner().await)
        .await
        .expect("a count");
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_facility_administrator_edits_their_own_and_can_neither_move_it_nor_close_it() {
    let app = TestApp::new().await;
    let (own, other) = (app.facility("Lakeside").await, app.facility("Riverbank").await);
    let admin = app.log_in(Role::FacilityAdmin, &[&own]).await;
    let other_id = other.id.to_string();

    let list = admin.get("/admin/facilities").await.ok();
    let foreign = admin.get(&admin_path(&other, "")).await;
    let moved = admin
        .post(
            &admin_path(&own, ""),
            &form(&[("parent", &other_id), ("kind", "clinic")]),
        )
        .await;
    let closed = admin
        .post(&admin_path(&own, "/deactivation"), &[("confirmed", "true")])
        .await;

    assert_eq!(list.texts("table.places tbody th a"), ["Lakeside"]);
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    assert!(moved.location().is_some());
    assert_eq!(closed.status, StatusCode::FORBIDDEN);
    let kept: (String, String, Option<i64>) =
        sqlx::query_as("select name, kind, parent_id from facilities where id = $1")
            .bind(own.id.0)
            .fetch_one(&mut app.owner().await)
            .await
            .expect("the facility");
    assert_eq!(kept, ("Hilltop".into(), "hospital".into(), None));
}

fn facts(name: &str, parent: Option<&Facility>) -> Facts {
    Facts {
        name: name.into(),
        kind: FacilityKind::Hospital,
        region: "North".into(),
        latitude: 52.5,
        longitude: 13.4,
        zone: Zone::UTC,
        count_hour: 7,
        shares_availability: true,
        parent: parent.map(|parent| parent.id),
    }
}

#[tokio::test]
async fn a_facility_belongs_neither_to_itself_nor_to_one_below_it() {
    let app = TestApp::new().await;
    let (a, b, c) = (
        app.facility("A").await,
        app.facility("B").await,
        app.facility("C").await,
    );
    let admin = network(&app).await;
    for (child, name, parent) in [(&b, "B", &a), (&c, "C", &b)] {
        places::change(&app.db, a.actor(), child.id, &facts(name, Some(parent)))
            .await
            .expect("a move");
    }

    for parent in [&a, &b, &c] {
        let parent = parent.id.to_string();
        let answer = admin
            .post(&admin_path(&a, ""), &form(&[("name", "A"), ("parent", &parent)]))
            .await;

        assert_eq!(
            answer.problem("parent").as_deref(),
            Some("A facility cannot belong to itself or to one below it.")
        );
    }
    let tree = admin.get("/admin/facilities?view=tree").await.ok();
    assert_eq!(tree.texts("tbody th.depth-0 a"), ["A"]);
    assert_eq!(tree.texts("tbody th.depth-1 a"), ["B"]);
    assert_eq!(tree.texts("tbody th.depth-2 a"), ["C"]);
}

#[tokio::test]
async fn two_moves_at_once_make_no_circle() {
    let app = TestApp::new().await;
    for round in 0..8 {
        let (a, b) = (
            app.facility(&format!("A{round}")).await,
            app.facility(&format!("B{round}")).await,
        );
        let (first, second) = (facts(&a.name, Some(&b)), facts(&b.name, Some(&a)));

        let outcomes = tokio::join!(
            places::change(&app.db, a.actor(), a.id, &first),
            places::change(&app.db, b.actor(), b.id, &second)
        );

        assert_ne!(
            outcomes.0.is_ok(),
            outcomes.1.is_ok(),
            "one and only one is taken: {outcomes:?}"
        );
    }
}

#[tokio::test]
async fn another_zone_moves_the_day_and_every_figure_follows() {
    let app = TestApp::new().await;
    let here = app.facility_in("Lakeside", "UTC").await;
    let admin = network(&app).await;
    let now = app.db.clock.now();
    // what was asked for over the last three days lies in other days once the zone is another
    sqlx::query(
        "insert into blood_requests (facility_id, component, blood_group, quantity, urgency, created_at)
         select $1, 'red_cells', 'O-', 1, 'routine', $2 - interval '1 hour' * step from generate_series(0, 71) step",
    )
    .bind(here.id.0)
    .bind(now)
    .execute(&mut app.owner().await)
    .await
    .expect("requests");
    let utc: Zone = "UTC".parse().expect("a zone");
    for back in 0..4 {
        sqlx::query(
            "insert into dashboard_daily_summary
             select facility_id, date, 0, total_transferred, total_requests, now() from daily_figures(array[$1::bigint], $2)
             on conflict (facility_id, date) do update set total_requests = excluded.total_requests",
        )
        .bind(here.id.0)
        .bind(local_day(utc, now) - Days::new(back))
        .execute(&mut app.owner().await)
        .await
        .expect("kept days");
    }
    app.verify().await;

    let answer = admin
        .post(
            &admin_path(&here, ""),
            &form(&[("name", "Lakeside"), ("zone", "Pacific/Auckland"), ("kind", "hospital")]),
        )
        .await;

    assert!(answer.location().is_some(), "{}", answer.body());
    app.verify().await;
    let today = local_day("Pacific/Auckland".parse().expect("a zone"), app.db.clock.now());
    let board = admin.get(&here.path("")).await.ok();
    assert_eq!(board.attr("#f-day", "value"), Some(today.to_string()));
    let page = admin.get(&admin_path(&here, "")).await.ok();
    assert!(
        page.text("#history").contains("zone: UTC → Pacific/Auckland"),
        "{}",
        page.text("#history")
    );
}

#[tokio::test]
async fn the_day_of_a_zone_is_shown_before_anything_is_saved() {
    let app = TestApp::new().await;
    let here = app.facility("Lakeside").await;
    let admin = network(&app).await;

    let shown = admin
        .post(
            &admin_path(&here, ""),
            &form(&[("zone", "Europe/Berlin"), ("show", "all")]),
        )
        .await
        .ok();

    assert!(shown.text(".day-preview").contains("The clocks next go"));
    assert_eq!(shown.value("zone").as_deref(), Some("Europe/Berlin"));
    assert_eq!(shown.heading(), "Lakeside");
}

#[tokio::test]
async fn a_facility_with_something_open_is_not_shut_down_and_the_list_says_what() {
    let app = TestApp::new().await;
    let (own, other) = (app.facility("Lakeside").await, app.facility("Riverbank").await);
    app.stock(&own).quantity(3).add().await;
    app.request(&own, &[&other]).await;
    app.request(&other, &[&own]).await;
    app.delivery(&other, &own).await;
    let admin = network(&app).await;

    let page = admin.get(&admin_path(&own, "")).await.ok();
    let refused = admin
        .post(&admin_path(&own, "/deactivation"), &[("confirmed", "true")])
        .await;

    let state = page.text("#state");
    for line in [
        "1 open request of its own",
        "1 request of others",
        "1 delivery on its way to it",
        "units of stock",
    ] {
        assert!(state.contains(line), "{line} in {state}");
    }
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body().contains("Finish these first"));
}

#[tokio::test]
async fn an_inactive_facility_lets_nobody_in_until_it_is_active_again() {
    let app = TestApp::new().await;
    let own = app.facility("Lakeside").await;
    let staff = app.log_in(Role::Staff, &[&own]).await;
    let admin = network(&app).await;
    staff.get(&own.path("")).await.ok();

    let unconfirmed = admin.post(&admin_path(&own, "/deactivation"), &[]).await;
    let done = admin
        .post(&admin_path(&own, "/deactivation"), &[("confirmed", "true")])
        .await;
    app.auth.forget_all();
    let shut = staff.get(&own.path("")).await;
    let list = admin.get("/admin/facilities").await.ok();
    let inactive = admin.get("/admin/facilities?state=inactive").await.ok();
    let again = admin.post(&admin_path(&own, "/reactivation"), &[]).await;
    app.auth.forget_all();

    assert_eq!(unconfirmed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(done.location().is_some());
    assert_eq!(shut.status, StatusCode::NOT_FOUND);
    assert!(!list.has("table.places"));
    assert_eq!(inactive.texts("table.places tbody th a"), ["Lakeside"]);
    assert!(again.location().is_some());
    staff.get(&own.path("")).await.ok();
}

#[tokio::test]
async fn blood_banks_are_added_renamed_and_removed_while_nothing_names_them() {
    let app = TestApp::new().await;
    let own = app.facility("Lakeside").await;
    let other = app.facility("Riverbank").await;
    app.stock(&own).add().await;
    let admin = app.log_in(Role::FacilityAdmin, &[&own]).await;
    let path = admin_path(&own, "/banks");
    let bank = own.bank.to_string();

    let added = admin.post(&path, &[("name", "Cellar")]).await;
    let twice = admin.post(&path, &[("name", "Cellar")]).await;
    let page = admin.get(&admin_path(&own, "")).await.ok();
    let cellar = page
        .attr("form[aria-label=Cellar] input[name=bank]", "value")
        .expect("the new bank");
    let renamed = admin.post(&path, &[("bank", &cellar), ("name", "Vault")]).await;
    let in_use = admin.post(&path, &[("bank", &bank), ("remove", "true")]).await;
    let foreign = admin
        .post(&path, &[("bank", &other.bank.to_string()), ("name", "Mine now")])
        .await;
    let removed = admin.post(&path, &[("bank", &cellar), ("remove", "true")]).await;

    assert!(added.location().is_some() && renamed.location().is_some() && removed.location().is_some());
    assert_eq!(
        twice.problem("bank-name").as_deref(),
        Some("Another blood bank of this facility has this name.")
    );
    assert_eq!(in_use.status, StatusCode::CONFLICT);
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let history = admin.get(&admin_path(&own, "")).await.ok().text("#history");
    assert!(
        history.contains("name: Cellar → Vault") && history.contains("Removed blood bank Vault"),
        "{history}"
    );
}

#[tokio::test]
async fn the_working_calendar_says_who_answers_now() {
    let app = TestApp::new().await;
    let (here, there) = (app.facility("Here").await, app.facility("There").await);
    app.stock(&there).quantity(4).add().await;
    let admin = app.log_in(Role::FacilityAdmin, &[&there]).await;
    let staff = app.log_in(Role::Staff, &[&here]).await;
    let hours = admin_path(&there, "/hours");
    let question = "/network/find?component=red_cells&group=O-&quantity=1";
    let week = |opens: &'static str, closes: &'static str| -> Vec<(&str, &str)> {
        (0..7).flat_map(|_| [("opens", opens), ("closes", closes)]).collect()
    };

    let silent = staff.get(question).await.ok();
    let wrong = admin.post(&hours, &week("18:00", "08:00")).await;
    let saved = admin.post(&hours, &week("00:00", "24:00")).await;
    app.chrome.forget();
    let open = staff.get(question).await.ok();
    let board = admin.get(&there.path("")).await.ok();
    let today = local_day(Zone::UTC, app.db.clock.now()).to_string();
    admin
        .post(
            &admin_path(&there, "/exceptions"),
            &[("day", &today), ("note", "Move of the lab")],
        )
        .await;
    app.chrome.forget();
    let closed = staff.get(question).await.ok();

    assert!(!silent.has(".opening"));
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.problem("day-1").is_some());
    assert!(saved.location().is_some());
    assert_eq!(open.text("tbody .opening"), "open");
    assert!(
        board.text(".page-head p").contains("Open all day"),
        "{}",
        board.text(".page-head p")
    );
    assert_eq!(closed.text("tbody .opening"), "closed");
    assert!(
        closed.text("tbody th").contains("opens tomorrow 00:00"),
        "{}",
        closed.text("tbody th")
    );
    assert!(
        admin
            .get(&there.path(""))
            .await
            .ok()
            .text(".page-head p")
            .contains("Closed today (Move of the lab)")
    );
}

#[tokio::test]
async fn the_list_is_searched_and_comes_in_pages_and_the_map_shows_what_it_shows() {
    let app = TestApp::new().await;
    let admin = network(&app).await;
    let mut owner = app.owner().await;
    sqlx::query(
        "insert into facilities (name, kind, region, latitude, longitude, time_zone)
         select 'Facility ' || lpad(n::text, 3, '0'), 'clinic', case when n % 2 = 0 then 'Even' else 'Odd' end,
                48 + n / 50.0, 9 + n / 50.0, 'UTC' from generate_series(1, 90) n",
    )
    .execute(&mut owner)
    .await
    .expect("facilities");

    let first = admin.get("/admin/facilities").await.ok();
    let next = first.attr("a[rel=next]", "href").expect("a next page");
    let second = admin.get(&next).await.ok();
    let even = admin.get("/admin/facilities?region=Even&q=facility+00").await.ok();

    let names = |page: &crate::support::Page| page.texts("table.places tbody th a");
    assert_eq!(names(&first).len(), 40);
    assert_eq!(names(&second).first().map(String::as_str), Some("Facility 041"));
    assert_eq!(first.count("svg.wide a.pin"), 90);
    assert_eq!(
        names(&even),
        ["Facility 002", "Facility 004", "Facility 006", "Facility 008"]
    );
    assert_eq!(even.count("svg.wide a.pin"), 4);
}
