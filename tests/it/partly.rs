//! What is only partly there: a lot of which some units are missing, and requests that each side sees in its own state.

use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::blood::{BloodGroup, Component};

use crate::support::{Answer, TestApp};

/// `/facilities/7/requests/3` without what follows it.
fn address(answer: &Answer) -> String {
    let location = answer
        .location()
        .unwrap_or_else(|| panic!("{}: {}", answer.status, answer.body()));
    location.split('?').next().unwrap_or_default().to_owned()
}

/// The same thing seen from another facility.
fn seen_from(path: &str, facility: pulseboard::ids::FacilityId) -> String {
    let rest: Vec<&str> = path.splitn(4, '/').collect();
    format!("/facilities/{facility}/{}", rest[3])
}

#[tokio::test]
async fn part_of_a_lot_may_be_missing() {
    let app = TestApp::new().await;
    let (sender, receiver) = (app.facility("Sender").await, app.facility("Receiver").await);
    let lot = app.stock(&sender).quantity(10).add().await.to_string();
    app.share(&sender, &receiver);
    let (sending, receiving) = (
        app.log_in(Role::Staff, &[&sender]).await,
        app.log_in(Role::Staff, &[&receiver]).await,
    );
    let to = receiver.id.to_string();
    let fields = [
        ("to", &*to),
        ("component", "red_cells"),
        ("group", "O-"),
        ("quantity", "6"),
        ("lot", &*lot),
        ("lot_units", "6"),
    ];
    let page = address(&sending.post(&sender.path("/distributions"), &fields).await);
    let seen = seen_from(&page, receiver.id);
    let unit = receiving.get(&seen).await.ok().value("unit").unwrap();

    let too_many = [
        ("unit", &*unit),
        ("outcome", "received"),
        ("arrived", "7"),
        ("note", "counted"),
    ];
    let refused = receiving.post(&format!("{seen}/receipt"), &too_many).await;
    let four = [
        ("unit", &*unit),
        ("outcome", "received"),
        ("arrived", "4"),
        ("note", "counted"),
    ];
    let booked = receiving.post(&format!("{seen}/receipt"), &four).await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body().contains("Give 0 to 6."));
    assert_eq!(refused.value("note").as_deref(), Some("counted"));
    assert_eq!(booked.status, StatusCode::SEE_OTHER, "{}", booked.body());
    assert_eq!(
        receiving.get(&receiver.path("")).await.ok().text("#w-stock .figure a"),
        "4 units"
    );
    assert_eq!(
        sending.get(&sender.path("")).await.ok().text("#w-stock .figure a"),
        "4 units"
    );
    app.verify().await;
}

#[tokio::test]
async fn every_request_is_open_accepted_or_closed_for_each_of_its_sides() {
    let app = TestApp::new().await;
    let (asker, asked, third) = (
        app.facility("Asker").await,
        app.facility("Asked").await,
        app.facility("Third").await,
    );
    app.stock(&asked)
        .of(Component::RedCells, BloodGroup::ONegative)
        .quantity(20)
        .add()
        .await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(app.request(&asker, &[&asked, &third]).await);
    }
    let (asking, staff) = (
        app.log_in(Role::Staff, &[&asker]).await,
        app.log_in(Role::Staff, &[&asked]).await,
    );
    staff
        .post(&asked.path(&format!("/requests/{}/acceptance", ids[0])), &[])
        .await;
    staff
        .post(
            &asked.path(&format!("/requests/{}/rejection", ids[1])),
            &[("reason", "no")],
        )
        .await;
    asking
        .post(
            &asker.path(&format!("/requests/{}/cancellation", ids[2])),
            &[("reason", "no")],
        )
        .await;

    for facility in [&asker, &asked, &third] {
        let viewer = app.log_in(Role::Viewer, &[facility]).await;
        let mut sum = 0;
        for state in ["open", "accepted", "closed"] {
            let page = viewer
                .get(&facility.path(&format!("/requests?state={state}")))
                .await
                .ok();
            let rows = page.count("tbody tr");
            assert!(
                page.text(".page-head p").starts_with(&rows.to_string()),
                "{state}: {}",
                page.text(".page-head p")
            );
            sum += rows;
        }
        assert_eq!(sum, 4, "{}", facility.name);
    }
}
