//! Units on their way between facilities: dispatched, received as they were sent or not, sent back into quarantine.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::blood::{BloodGroup, Component};
use pulseboard::ids::{DistributionId, UnitId};

use crate::journey::{accept, count, created, dispatch, dispatched, number, raise, receive, rows, tile, units_in};
use crate::support::{Client, Facility, Frame, TestApp};

struct Pair {
    app: TestApp,
    bank: Facility,
    ward: Facility,
    at_bank: Client,
    at_ward: Client,
}

async fn pair() -> Pair {
    let app = TestApp::new().await;
    let (bank, ward) = (app.facility("Bank").await, app.facility("Ward").await);
    app.share(&bank, &ward);
    Pair {
        at_bank: app.log_in(Role::Staff, &[&bank]).await,
        at_ward: app.log_in(Role::Staff, &[&ward]).await,
        app,
        bank,
        ward,
    }
}

impl Pair {
    async fn units(&self, how_many: u32) -> Vec<UnitId> {
        let mut units = Vec::new();
        for sequence in 0..how_many {
            units.push(self.app.stock(&self.bank).unit(number(sequence).as_str()).add().await);
        }
        units
    }

    async fn sent(&self, units: &[UnitId]) -> DistributionId {
        let take: Vec<(UnitId, i32)> = units.iter().map(|&unit| (unit, 1)).collect();
        dispatched(&self.at_bank, &self.bank, &self.ward, None, &take).await
    }

    /// Books what was found: for each line the sender's row, the outcome, how many arrived.
    async fn found(&self, id: DistributionId, lines: &[(UnitId, &str, &str)]) -> crate::support::Answer {
        let ids: Vec<String> = lines.iter().map(|(unit, ..)| unit.to_string()).collect();
        let mut fields = vec![("bank", "")];
        for (line, id) in lines.iter().zip(&ids) {
            fields.extend([
                ("unit", id.as_str()),
                ("outcome", line.1),
                ("arrived", line.2),
                ("note", ""),
            ]);
        }
        self.at_ward
            .post(&self.ward.path(&format!("/distributions/{id}/receipt")), &fields)
            .await
    }
}

#[tokio::test]
async fn units_under_way_are_in_nobodys_stock_and_arrive_in_one_step() {
    let net = pair().await;
    let units = net.units(3).await;
    let mut watch = net.at_ward.watch(net.ward.id).await;
    watch.until(|frame| frame.event == "as-of").await;

    let id = net.sent(&units).await;
    let on_the_way = (
        tile(&net.at_bank, &net.bank, "stock").await,
        tile(&net.at_ward, &net.ward, "stock").await,
    );
    let received = receive(&net.at_ward, &net.ward, id).await;
    let three = |frame: &Frame| frame.replaces("w-stock") && frame.page().text(".figure a") == "3 units";
    watch.until(three).await;
    let twice = receive(&net.at_ward, &net.ward, id).await;

    assert_eq!(on_the_way, ("0".to_owned(), "0".to_owned()));
    assert_eq!(received.status, StatusCode::SEE_OTHER);
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert_eq!(units_in(&net.app, &net.bank, "transferred").await, 3);
    assert_eq!(units_in(&net.app, &net.ward, "available").await, 3);
    assert_eq!(tile(&net.at_ward, &net.ward, "transferred").await, "3");
    assert_eq!(tile(&net.at_bank, &net.bank, "transferred").await, "0");
    net.app.verify().await;
}

#[tokio::test]
async fn a_delivery_is_booked_as_it_was_found() {
    let net = pair().await;
    let units = net.units(3).await;
    let lot = net.app.stock(&net.bank).quantity(10).add().await;
    let id = dispatched(
        &net.at_bank,
        &net.bank,
        &net.ward,
        None,
        &[(units[0], 1), (units[1], 1), (units[2], 1), (lot, 10)],
    )
    .await;

    let booked = net
        .found(
            id,
            &[
                (units[0], "received", ""),
                (units[1], "damaged", ""),
                (units[2], "missing", ""),
                (lot, "received", "7"),
            ],
        )
        .await;

    assert_eq!(booked.status, StatusCode::SEE_OTHER, "{}", booked.body());
    assert_eq!(units_in(&net.app, &net.ward, "available").await, 8);
    assert_eq!(units_in(&net.app, &net.ward, "quarantined").await, 1, "the damaged one");
    assert_eq!(
        units_in(&net.app, &net.bank, "discarded").await,
        4,
        "what is missing is the sender's to write off"
    );
    assert_eq!(tile(&net.at_ward, &net.ward, "transferred").await, "9");
    let page = net
        .at_bank
        .get(&net.bank.path(&format!("/distributions/{id}")))
        .await
        .ok();
    assert!(page.text(".page-head .toolbar").contains("Delivered short"));
    net.app.verify().await;
}

#[tokio::test]
async fn a_damaged_delivery_fulfils_a_request_only_in_part() {
    let net = pair().await;
    let units = net.units(2).await;
    net.app.share(&net.ward, &net.bank);
    let request = raise(&net.at_ward, &net.ward, BloodGroup::ONegative, 2, &[&net.bank]).await;
    accept(&net.at_bank, &net.bank, request, None).await;
    let take: Vec<(UnitId, i32)> = units.iter().map(|&unit| (unit, 1)).collect();
    let id = dispatched(&net.at_bank, &net.bank, &net.ward, Some(request), &take).await;

    net.found(id, &[(units[0], "received", ""), (units[1], "damaged", "")])
        .await;

    let page = net
        .at_ward
        .get(&net.ward.path(&format!("/requests/{request}")))
        .await
        .ok();
    assert_eq!(page.attr("#fulfilment", "value").as_deref(), Some("1"));
    assert!(page.text(".page-head .toolbar").contains("Partly fulfilled"));
    net.app.verify().await;
}

#[tokio::test]
async fn units_that_go_back_are_in_quarantine_with_their_temperature() {
    let net = pair().await;
    let units = net.units(2).await;
    let id = net.sent(&units).await;
    receive(&net.at_ward, &net.ward, id).await;
    let theirs = rows(&net.app, &net.ward).await[0].id.to_string();
    let path = net.ward.path(&format!("/distributions/{id}/return"));

    let without = net
        .at_ward
        .post(
            &path,
            &[("unit", &theirs), ("temperature", ""), ("reason", "not needed")],
        )
        .await;
    let foreign = net
        .at_ward
        .post(&path, &[("unit", "1"), ("temperature", "4"), ("reason", "not needed")])
        .await;
    let back = net
        .at_ward
        .post(
            &path,
            &[("unit", &theirs), ("temperature", "4,5"), ("reason", "not needed")],
        )
        .await;
    let returning = DistributionId(created(&back));
    let received = receive(&net.at_bank, &net.bank, returning).await;

    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.problem("temperature").is_some());
    assert_eq!(without.value("reason").as_deref(), Some("not needed"));
    assert_eq!(
        foreign.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a unit that did not come with it"
    );
    assert_eq!(received.status, StatusCode::SEE_OTHER);
    assert_eq!(units_in(&net.app, &net.bank, "quarantined").await, 1);
    assert_eq!(
        tile(&net.at_bank, &net.bank, "stock").await,
        "0",
        "not issuable until somebody has looked"
    );
    let warm = "select count(*) from inventory_movements where kind = 'arrived' and temperature_celsius = 4.5";
    assert_eq!(count(&net.app, warm).await, 1);
    net.app.verify().await;
}

#[tokio::test]
async fn what_expired_on_the_way_goes_to_quarantine_and_then_off_the_shelf() {
    let net = pair().await;
    let unit = net
        .app
        .stock(&net.bank)
        .unit(number(1).as_str())
        .expires_in(TimeDelta::minutes(9))
        .add()
        .await;
    let id = net.sent(&[unit]).await;

    net.app.travel(TimeDelta::minutes(10));
    receive(&net.at_ward, &net.ward, id).await;
    let arrived = units_in(&net.app, &net.ward, "quarantined").await;
    pulseboard::inventory::expire_due(&net.app.db, None)
        .await
        .expect("the job runs");

    assert_eq!(arrived, 1);
    assert_eq!(units_in(&net.app, &net.ward, "expired").await, 1);
    assert_eq!(tile(&net.at_ward, &net.ward, "stock").await, "0");
    net.app.verify().await;
}

#[tokio::test]
async fn a_choice_against_the_rules_needs_a_reason_and_a_reserved_unit_stays_reserved() {
    let net = pair().await;
    let wrong = net
        .app
        .stock(&net.bank)
        .of(Component::RedCells, BloodGroup::AbPositive)
        .quantity(2)
        .add()
        .await;
    let lot = net.app.stock(&net.bank).quantity(2).add().await;
    let request = raise(&net.at_ward, &net.ward, BloodGroup::ONegative, 2, &[&net.bank]).await;
    accept(&net.at_bank, &net.bank, request, None).await;

    let refused = dispatch(
        &net.at_bank,
        &net.bank,
        &net.ward,
        None,
        BloodGroup::ONegative,
        &[(wrong, 1)],
    )
    .await;
    let reserved = dispatch(
        &net.at_bank,
        &net.bank,
        &net.ward,
        None,
        BloodGroup::ONegative,
        &[(lot, 1)],
    )
    .await;
    let too_many = dispatch(
        &net.at_bank,
        &net.bank,
        &net.ward,
        Some(request),
        BloodGroup::ONegative,
        &[(lot, 3)],
    )
    .await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .problem("override_reason")
            .expect("a problem")
            .contains("the rules do not offer")
    );
    assert_eq!(reserved.status, StatusCode::CONFLICT);
    assert!(too_many.status.is_client_error(), "{}", too_many.status);
    assert_eq!(units_in(&net.app, &net.bank, "reserved").await, 2);
    assert_eq!(count(&net.app, "select count(*) from blood_distributions").await, 0);
    net.app.verify().await;
}

#[tokio::test]
async fn only_the_receiver_receives_and_a_stranger_sees_nothing() {
    let net = pair().await;
    let units = net.units(1).await;
    let stranger = net.app.facility("Stranger").await;
    let at_stranger = net.app.log_in(Role::Staff, &[&stranger]).await;
    let id = net.sent(&units).await;

    let by_sender = receive(&net.at_bank, &net.bank, id).await;
    let by_stranger = receive(&at_stranger, &stranger, id).await;
    let looked = at_stranger.get(&stranger.path(&format!("/distributions/{id}"))).await;

    for answer in [by_sender, by_stranger, looked] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(units_in(&net.app, &net.bank, "in_transit").await, 1);
}

#[tokio::test]
async fn whatever_stands_in_the_forms_of_a_transfer_is_answered() {
    let net = pair().await;
    let lot = net.app.stock(&net.bank).quantity(5).add().await.to_string();
    let ward = net.ward.id.to_string();
    let long = "x".repeat(10_000);
    let good = [
        ("request", ""),
        ("to", ward.as_str()),
        ("component", "red_cells"),
        ("group", "O-"),
        ("quantity", "2"),
        ("override_reason", ""),
        ("note", "fragile"),
        ("lot", lot.as_str()),
        ("lot_units", "2"),
    ];

    for (field, text) in [
        ("to", ""),
        ("to", "-1"),
        ("to", "9223372036854775807"),
        ("component", "soup"),
        ("group", "\0"),
        ("quantity", "-1"),
        ("quantity", "99999999999999999999"),
        ("lot_units", "-1"),
        ("lot_units", "0"),
        ("lot_units", "two"),
        ("lot_units", "99999999999999999999"),
        ("lot", "x"),
        ("note", long.as_str()),
        ("note", "a\0b"),
    ] {
        let fields: Vec<(&str, &str)> = good
            .iter()
            .map(|&(name, value)| (name, if name == field { text } else { value }))
            .collect();
        let answer = net.at_bank.post(&net.bank.path("/distributions"), &fields).await;
        assert!(
            matches!(answer.status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::NOT_FOUND),
            "{field}: {text:.20}: {}",
            answer.status
        );
    }
    let more_than_there_is: Vec<(&str, &str)> = good
        .iter()
        .map(|&(name, value)| (name, if name == "lot_units" { "6" } else { value }))
        .collect();
    let answer = net
        .at_bank
        .post(&net.bank.path("/distributions"), &more_than_there_is)
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(count(&net.app, "select count(*) from blood_distributions").await, 0);
    for query in [
        "delivered_on=%2B262142-12-31",
        "dispatched_on=-262143-01-01",
        "status=lost",
        "after=x",
    ] {
        let answer = net
            .at_bank
            .get(&net.bank.path(&format!("/distributions?{query}")))
            .await;
        assert!(!answer.status.is_server_error(), "{query}: {}", answer.status);
    }
    net.app.verify().await;
}
