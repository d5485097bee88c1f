//! The network's own tables and the levels of shelves: who sets them, what is refused, what follows.

use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::blood::{BloodGroup, Component};

use crate::support::{Facility, TestApp};

#[tokio::test]
async fn a_changed_life_is_in_the_history_with_what_stood_there() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let form = |life: &'static str| {
        [
            ("component", "platelets"),
            ("life", life),
            ("unit", "days"),
            ("storage", "20-24 °C, agitated"),
            ("source", "own validation"),
        ]
    };

    let wrong = admin.post("/admin/reference/lives", &form("0")).await;
    let saved = admin.post("/admin/reference/lives", &form("7")).await;
    let page = admin.get("/admin/reference").await.ok();

    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.problem("platelets").is_some());
    assert!(saved.location().is_some());
    let history = page.text("#history");
    assert!(history.contains("component life changed Platelets"), "{history}");
    assert!(history.contains("life days: 5 → 7") && history.contains("source: 21 CFR 610.53 → own validation"));
}

#[tokio::test]
async fn a_retired_reason_can_be_chosen_no_more_and_stays_on_its_record() {
    let app = TestApp::new().await;
    let own = app.facility("Lakeside").await;
    let (old, new) = (app.stock(&own).add().await, app.stock(&own).add().await);
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let staff = app.log_in(Role::Staff, &[&own]).await;
    let discard = |unit| own.path(&format!("/inventory/{unit}/discard"));
    let line = |active: &'static str| {
        [
            ("code", "flooded"),
            ("label", "Flooded cellar"),
            ("place", "25"),
            ("source", "local"),
            ("active", active),
        ]
    };

    let added = admin
        .post(
            "/admin/reference/reasons",
            &[&line("true")[..], &[("new", "true")]].concat(),
        )
        .await;
    let offered = staff.get(&own.path(&format!("/inventory/{old}"))).await.ok();
    let used = staff.post(&discard(old), &[("reason", "flooded")]).await;
    let retired = admin.post("/admin/reference/reasons", &line("")).await;
    let refused = staff.post(&discard(new), &[("reason", "flooded")]).await;
    let record = staff.get(&own.path(&format!("/inventory/{old}"))).await.ok();

    assert!(added.location().is_some() && retired.location().is_some());
    assert!(offered.has("select[name=reason] option[value=flooded]"));
    assert!(used.location().is_some(), "{}", used.body());
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.has("select[name=reason] option[value=flooded]"));
    assert!(
        record.text("ol.timeline").contains("Flooded cellar"),
        "{}",
        record.text("ol.timeline")
    );
    let history = admin.get("/admin/reference").await.ok().text("#history");
    assert!(history.contains("discard reason retired Flooded cellar"), "{history}");
    assert!(history.contains("active: yes → no"), "{history}");
}

#[tokio::test]
async fn a_reason_that_the_program_records_cannot_be_retired_nor_a_code_be_used_twice() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    for fields in [
        [
            ("code", "other"),
            ("label", "Other"),
            ("place", "70"),
            ("active", ""),
            ("new", ""),
        ],
        [
            ("code", "damaged"),
            ("label", "Broken"),
            ("place", "1"),
            ("active", "true"),
            ("new", "true"),
        ],
        [
            ("code", "Not A Code"),
            ("label", "Broken"),
            ("place", "1"),
            ("active", "true"),
            ("new", "true"),
        ],
        [
            ("code", "broken"),
            ("label", "Damaged"),
            ("place", "1"),
            ("active", "true"),
            ("new", "true"),
        ],
    ] {
        let answer = admin.post("/admin/reference/reasons", &fields).await;

        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert_eq!(answer.count("#reasons .problem"), 1, "{fields:?}");
    }
    assert!(
        admin
            .get("/admin/reference")
            .await
            .ok()
            .text("#history")
            .contains("Nothing yet")
    );
}

/// Every shelf empty but one.
fn grid(component: Component, group: BloodGroup, levels: [&str; 3]) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    for one in Component::ALL {
        for other in BloodGroup::ALL {
            let here = (*one, *other) == (component, group);
            let value = |at: usize| if here { levels[at].to_owned() } else { String::new() };
            fields.push(("cell", format!("{one}:{other}")));
            fields.push(("minimum", value(0)));
            fields.push(("reorder", value(1)));
            fields.push(("target", value(2)));
        }
    }
    fields
}

async fn set(app: &TestApp, facility: &Facility, levels: [&str; 3]) -> crate::support::Answer {
    let admin = app.log_in(Role::FacilityAdmin, &[facility]).await;
    let fields = grid(Component::RedCells, BloodGroup::ONegative, levels);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    admin.post(&facility.path("/thresholds"), &fields).await
}

#[tokio::test]
async fn levels_that_were_set_colour_the_matrix_at_once() {
    let app = TestApp::new().await;
    let own = app.facility("Lakeside").await;
    app.stock(&own).quantity(3).add().await;
    let staff = app.log_in(Role::Staff, &[&own]).await;
    let before = staff.get(&own.path("")).await.ok();

    let saved = set(&app, &own, ["4", "8", "12"]).await;
    let after = staff.get(&own.path("")).await.ok();

    assert!(saved.location().is_some(), "{}", saved.body());
    assert!(!before.has("#w-matrix td.critical"));
    assert_eq!(after.text("#w-matrix td.critical .phase"), "Critical");
    let admin = app.log_in(Role::FacilityAdmin, &[&own]).await;
    let history = admin
        .get(&format!("/admin/facilities/{}", own.id))
        .await
        .ok()
        .text("#history");
    assert!(history.contains("red cells O-: none → 4 / 8 / 12"), "{history}");
}

#[tokio::test]
async fn levels_that_do_not_rise_are_refused_beside_their_shelf_and_stay_as_typed() {
    let app = TestApp::new().await;
    let own = app.facility("Lakeside").await;

    for levels in [
        ["9", "8", "12"],
        ["4", "13", "12"],
        ["4", "", "12"],
        ["-1", "2", "3"],
        ["a", "b", "c"],
    ] {
        let refused = set(&app, &own, levels).await;

        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{levels:?}");
        assert!(refused.problem("red_cells:O-").is_some(), "{levels:?}");
        assert_eq!(refused.count(".levels .problem"), 1);
        assert_eq!(
            refused
                .attr("input[aria-label='Red cells O−, minimum']", "value")
                .as_deref(),
            Some(levels[0])
        );
    }
}

#[tokio::test]
async fn levels_are_copied_from_a_facility_that_one_manages_and_from_no_other() {
    let app = TestApp::new().await;
    let (a, b, c) = (
        app.facility("A").await,
        app.facility("B").await,
        app.facility("C").await,
    );
    set(&app, &a, ["2", "3", "4"]).await;
    set(&app, &c, ["5", "6", "7"]).await;
    let admin = app.log_in(Role::FacilityAdmin, &[&a, &b]).await;

    let copied = admin.get(&b.path(&format!("/thresholds?copy={}", a.id))).await.ok();
    let foreign = admin.get(&b.path(&format!("/thresholds?copy={}", c.id))).await;

    assert_eq!(
        copied
            .attr("input[aria-label='Red cells O−, target']", "value")
            .as_deref(),
        Some("4")
    );
    assert!(copied.text(".notice.watch").contains("Nothing is saved yet"));
    assert_eq!(copied.texts("select[name=copy] option"), ["A"]);
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
}
