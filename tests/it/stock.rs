//! Stock as its keepers work with it: deliveries are booked whole or not at all, units expire at their very minute, and
//! nothing that is typed is lost.

use chrono::{TimeDelta, Utc};
use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::blood::{BloodGroup, Component};
use pulseboard::inventory;

use crate::journey::{Need, O_NEGATIVE, count, issue, number, proposed, rows, send, tile, units_in};
use crate::support::{Facility, TestApp};

/// A delivery of single units, `rows` being row, number and (for the first) what they all are.
pub fn delivery(at: &Facility, rows: &[(usize, String)]) -> Vec<(String, String)> {
    let mut fields = vec![
        ("blood_bank".to_owned(), at.bank.to_string()),
        ("to".into(), "available".into()),
        ("note".into(), "morning round".into()),
    ];
    for (place, (row, number)) in rows.iter().enumerate() {
        fields.push((format!("number_{row}"), number.clone()));
        if place == 0 {
            fields.push((format!("component_{row}"), "red_cells".into()));
            fields.push((format!("group_{row}"), "O-".into()));
            let yesterday = (Utc::now() - TimeDelta::days(1)).format("%Y-%m-%dT%H:%M");
            fields.push((format!("collected_{row}"), yesterday.to_string()));
        }
    }
    fields
}

#[tokio::test]
async fn twenty_units_are_booked_with_one_form() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let twenty: Vec<(usize, String)> = (1..=20).map(|row| (row, number(row as u32).with_check())).collect();

    let answer = send(&staff, &lakeside.path("/inventory"), &delivery(&lakeside, &twenty)).await;

    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let next = staff.get(answer.location().expect("an address")).await.ok();
    assert_eq!(next.notice().as_deref(), Some("The stock is booked."));
    assert_eq!(tile(&staff, &lakeside, "stock").await, "20");
    let booked = rows(&app, &lakeside).await;
    assert!(
        booked
            .iter()
            .all(|row| row.expires_at - Utc::now() > TimeDelta::days(40)),
        "the proposed life"
    );
    assert!(
        booked
            .iter()
            .all(|row| row.expires_at.format("%H:%M").to_string() == "23:59")
    );
    app.verify().await;
}

#[tokio::test]
async fn the_same_number_twice_is_a_problem_beside_its_row_and_nothing_is_booked() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let in_one_form = [
        (1, number(1).with_check()),
        (2, number(2).with_check()),
        (3, number(1).with_check()),
    ];
    let path = lakeside.path("/inventory");

    let twice = send(&staff, &path, &delivery(&lakeside, &in_one_form)).await;
    let first = send(&staff, &path, &delivery(&lakeside, &in_one_form[..2])).await;
    let again = send(
        &staff,
        &path,
        &delivery(&lakeside, &[(1, number(9).with_check()), (4, number(2).with_check())]),
    )
    .await;

    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(twice.problem("number_3").as_deref(), Some("The same unit is in row 1."));
    assert_eq!(
        twice.value("number_2"),
        Some(number(2).with_check()),
        "what was typed is kept"
    );
    assert_eq!(twice.value("note").as_deref(), Some("morning round"));
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        again.problem("number_4").as_deref(),
        Some("Already on the books here: available.")
    );
    assert_eq!(again.problem("number_1"), None);
    assert_eq!(rows(&app, &lakeside).await.len(), 2, "all of a form or nothing");
    app.verify().await;
}

#[tokio::test]
async fn a_unit_of_another_facility_has_to_be_transferred_and_stays_unnamed() {
    let app = TestApp::new().await;
    let (lakeside, hillside) = (app.facility("Lakeside").await, app.facility("Hillside").await);
    app.stock(&hillside).unit(number(7).as_str()).add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;

    let answer = send(
        &staff,
        &lakeside.path("/inventory"),
        &delivery(&lakeside, &[(5, number(7).with_check())]),
    )
    .await;

    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer
            .problem("number_5")
            .expect("a problem")
            .contains("another facility")
    );
    assert!(!answer.body().contains("Hillside"));
    assert!(rows(&app, &lakeside).await.is_empty());
}

#[tokio::test]
async fn a_scan_is_read_and_a_wrong_check_character_is_caught() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let path = lakeside.path("/inventory");
    let typed = |text: &str| delivery(&lakeside, &[(1, text.to_owned())]);

    let scanned = send(&staff, &path, &typed("=A99992112345600")).await;
    let slipped = send(&staff, &path, &typed("G1234 98 654321 X")).await;
    let short = send(&staff, &path, &typed("G1234 98 6543")).await;

    assert_eq!(scanned.status, StatusCode::SEE_OTHER);
    assert_eq!(
        rows(&app, &lakeside).await[0].donation_number.as_deref(),
        Some("A999921123456")
    );
    assert!(
        slipped
            .problem("number_1")
            .expect("a problem")
            .contains("should be H, not X")
    );
    assert!(short.problem("number_1").expect("a problem").contains("13 characters"));
    assert_eq!(slipped.value("number_1").as_deref(), Some("G1234 98 654321 X"));
    assert_eq!(rows(&app, &lakeside).await.len(), 1);
    let found = staff
        .get(&lakeside.path("/inventory?search=%3DA99992112345600"))
        .await
        .ok();
    assert_eq!(found.count("tbody tr"), 1, "a scan also finds it");
}

#[tokio::test]
async fn a_lot_is_booked_and_divided() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let mut fields = delivery(&lakeside, &[(21, "B-77".into())]);
    fields.push(("quantity_21".into(), "12".into()));

    let booked = send(&staff, &lakeside.path("/inventory"), &fields).await;
    let lot = rows(&app, &lakeside).await[0].id;
    let path = lakeside.path(&format!("/inventory/{lot}/quarantine"));
    let part = staff
        .post(&path, &[("quantity", "5"), ("note", "label unreadable")])
        .await;

    assert_eq!(
        (booked.status, part.status),
        (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER)
    );
    assert_eq!(units_in(&app, &lakeside, "available").await, 7);
    assert_eq!(units_in(&app, &lakeside, "quarantined").await, 5);
    assert_eq!(tile(&staff, &lakeside, "stock").await, "7");
    app.verify().await;
}

#[tokio::test]
async fn units_leave_the_stock_at_their_very_minute_and_the_job_says_so_to_open_boards() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside)
        .quantity(4)
        .expires_in(TimeDelta::minutes(10))
        .add()
        .await;
    app.stock(&lakeside).quantity(6).add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let before = staff.get(&lakeside.path("")).await.ok();
    let mut watch = staff.watch(lakeside.id).await;
    watch.until(|frame| frame.event == "as-of").await;

    app.travel(TimeDelta::minutes(10));
    let offered = proposed(&staff, &lakeside, O_NEGATIVE, 10).await;
    let listed = staff.get(&lakeside.path("/inventory?issuable=true")).await.ok();
    inventory::expire_due(&app.db, None).await.expect("the job runs");

    assert_eq!(before.text("#w-stock .figure a"), "10 units");
    assert_eq!(before.text("#w-expiring .figure a"), "4 units");
    assert_eq!(
        offered.iter().map(|(_, quantity)| quantity).sum::<i32>(),
        6,
        "never an expired one, job or not"
    );
    assert_eq!(listed.texts("td[data-label=Units]"), ["6"]);
    assert_eq!(watch.swap_of("w-stock").await.text(".figure a"), "6 units");
    assert_eq!(tile(&staff, &lakeside, "expiring").await, "0");
    assert_eq!(units_in(&app, &lakeside, "expired").await, 4);
    assert_eq!(
        count(&app, "select count(*) from inventory_movements where kind = 'expired'").await,
        1
    );
    inventory::expire_due(&app.db, None).await.expect("the job runs");
    assert_eq!(
        count(&app, "select count(*) from inventory_movements where kind = 'expired'").await,
        1,
        "once"
    );
    app.verify().await;
}

#[tokio::test]
async fn an_expired_unit_cannot_be_issued_reserved_or_released() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let soon = TimeDelta::minutes(5);
    let unit = app
        .stock(&lakeside)
        .unit(number(1).as_str())
        .expires_in(soon)
        .add()
        .await;
    let aside = app
        .stock(&lakeside)
        .unit(number(2).as_str())
        .expires_in(soon)
        .quarantined()
        .add()
        .await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;

    app.travel(soon);
    let issued = issue(&staff, &lakeside, O_NEGATIVE, &[(unit, 1)], "needed at once").await;
    let released = staff
        .post(
            &lakeside.path(&format!("/inventory/{aside}/release")),
            &[("inspected", "true")],
        )
        .await;

    assert_eq!(issued.status, StatusCode::CONFLICT);
    assert!(issued.text("#f-take-problem").contains("has expired"));
    assert_eq!(released.status, StatusCode::CONFLICT);
    assert_eq!(units_in(&app, &lakeside, "issued").await, 0);
}

#[tokio::test]
async fn the_form_proposes_the_first_to_expire_of_the_best_group() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let add = |group, days| {
        app.stock(&lakeside)
            .of(Component::RedCells, group)
            .quantity(1)
            .expires_in(TimeDelta::days(days))
            .add()
    };
    let spare = add(BloodGroup::ONegative, 1).await;
    let late = add(BloodGroup::APositive, 9).await;
    let early = add(BloodGroup::APositive, 3).await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let need = Need {
        component: Component::RedCells,
        patient: BloodGroup::APositive,
    };

    let two = proposed(&staff, &lakeside, need, 2).await;
    let three = proposed(&staff, &lakeside, need, 3).await;

    assert_eq!(two, [(early, 1), (late, 1)], "O− is not spent to save a day of life");
    assert_eq!(three, [(early, 1), (late, 1), (spare, 1)]);
}

#[tokio::test]
async fn another_choice_needs_a_reason_and_the_reason_is_recorded() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside)
        .unit(number(1).as_str())
        .expires_in(TimeDelta::days(2))
        .add()
        .await;
    let fresh = app
        .stock(&lakeside)
        .unit(number(2).as_str())
        .expires_in(TimeDelta::days(20))
        .add()
        .await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;

    let without = issue(&staff, &lakeside, O_NEGATIVE, &[(fresh, 1)], "").await;
    let with = issue(&staff, &lakeside, O_NEGATIVE, &[(fresh, 1)], "neonate, fresh cells").await;

    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.problem("override_reason").is_some());
    assert_eq!(with.status, StatusCode::SEE_OTHER);
    let page = staff.get(&lakeside.path(&format!("/inventory/{fresh}"))).await.ok();
    assert!(page.text(".timeline").contains("override: neonate, fresh cells"));
    let recorded = "select count(*) from audit_log where action = 'issued' and detail ->> 'reason' like '%neonate%'";
    assert_eq!(count(&app, recorded).await, 1);
}

#[tokio::test]
async fn a_discard_has_a_reason_and_can_be_undone_into_quarantine() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let unit = app.stock(&lakeside).unit(number(1).as_str()).add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let path = |verb: &str| lakeside.path(&format!("/inventory/{unit}/{verb}"));

    let without = staff.post(&path("discard"), &[("reason", "bored")]).await;
    let discarded = staff
        .post(&path("discard"), &[("reason", "damaged"), ("note", "bag leaked")])
        .await;
    let after_discard = rows(&app, &lakeside).await[0].status.clone();
    let restored = staff.post(&path("reversal"), &[("note", "wrong bag scanned")]).await;

    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.has("#f-discard-reason-problem"));
    assert_eq!(
        (discarded.status, after_discard.as_str()),
        (StatusCode::SEE_OTHER, "discarded")
    );
    assert_eq!(restored.status, StatusCode::SEE_OTHER);
    assert_eq!(rows(&app, &lakeside).await[0].status, "quarantined");
    let page = staff.get(path("").trim_end_matches('/')).await.ok();
    assert!(page.text(".timeline").contains("bag leaked"));
    app.verify().await;
}

#[tokio::test]
async fn an_unsafe_unit_is_never_available_again() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let unit = app.stock(&lakeside).unit(number(1).as_str()).add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let path = |verb: &str| lakeside.path(&format!("/inventory/{unit}/{verb}"));

    staff.post(&path("positive-test"), &[("note", "HBV NAT")]).await;
    let released = staff.post(&path("release"), &[("inspected", "true")]).await;
    let discarded = staff.post(&path("discard"), &[("reason", "test_positive")]).await;
    let restored = staff.post(&path("reversal"), &[("note", "try")]).await;

    assert_eq!(released.status, StatusCode::CONFLICT);
    assert_eq!(discarded.status, StatusCode::SEE_OTHER);
    assert_eq!(restored.status, StatusCode::CONFLICT);
    assert_eq!(tile(&staff, &lakeside, "stock").await, "0");
    app.verify().await;
}
