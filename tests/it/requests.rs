//! Requests between facilities: raised to several, answered once, kept in one timeline, and reserved for a day only.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::blood::BloodGroup;
use pulseboard::inventory;

use crate::journey::{accept, count, dispatched, raise, receive, send, tile, units_in};
use crate::support::{Client, Facility, TestApp};

/// An asker and two facilities with twelve units each, and staff in all three.
struct Network {
    app: TestApp,
    asker: Facility,
    east: Facility,
    west: Facility,
    at_asker: Client,
    at_east: Client,
    at_west: Client,
}

async fn network() -> Network {
    let app = TestApp::new().await;
    let (asker, east, west) = (
        app.facility("Asker").await,
        app.facility("East").await,
        app.facility("West").await,
    );
    for facility in [&east, &west] {
        app.stock(facility).add().await;
        app.share(facility, &asker);
    }
    Network {
        at_asker: app.log_in(Role::Staff, &[&asker]).await,
        at_east: app.log_in(Role::Staff, &[&east]).await,
        at_west: app.log_in(Role::Staff, &[&west]).await,
        app,
        asker,
        east,
        west,
    }
}

impl Network {
    async fn raised(&self, quantity: i32) -> pulseboard::ids::RequestId {
        raise(
            &self.at_asker,
            &self.asker,
            BloodGroup::ONegative,
            quantity,
            &[&self.east, &self.west],
        )
        .await
    }

    /// What the request's page says to somebody.
    async fn page(&self, client: &Client, at: &Facility, id: pulseboard::ids::RequestId) -> crate::support::Answer {
        client.get(&at.path(&format!("/requests/{id}"))).await.ok()
    }
}

#[tokio::test]
async fn a_request_is_on_the_boards_of_all_who_are_asked_and_the_first_acceptance_closes_it() {
    let net = network().await;
    let mut watch = net.at_west.watch(net.west.id).await;
    watch.until(|frame| frame.event == "as-of").await;

    let id = net.raised(4).await;
    let appeared = watch.swap_of("w-queue").await;
    let accepted = accept(&net.at_east, &net.east, id, None).await;
    let gone = watch.swap_of("w-queue").await;

    assert_eq!(appeared.count(".rows > li"), 1);
    assert!(appeared.text(".rows > li").contains("4 × O−"));
    assert_eq!(accepted.status, StatusCode::SEE_OTHER);
    assert_eq!(gone.count(".rows > li"), 0);
    assert_eq!(units_in(&net.app, &net.east, "reserved").await, 4);
    assert_eq!(
        tile(&net.at_east, &net.east, "stock").await,
        "8",
        "reserved units are not issuable"
    );
    let seen_in_west = net.page(&net.at_west, &net.west, id).await;
    assert!(
        !seen_in_west.has("form[action$=acceptance]"),
        "nothing to answer any more"
    );
    let late = accept(&net.at_west, &net.west, id, None).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let asker = net.page(&net.at_asker, &net.asker, id).await;
    assert!(asker.text(".timeline").contains("East"));
    net.app.verify().await;
}

#[tokio::test]
async fn a_rejection_needs_its_reason_and_the_last_one_closes_the_request() {
    let net = network().await;
    let id = net.raised(4).await;
    let reject = |client: Client, at: Facility, reason: &'static str| async move {
        client
            .post(&at.path(&format!("/requests/{id}/rejection")), &[("reason", reason)])
            .await
    };

    let silent = reject(net.at_east.clone(), net.east.clone(), " ").await;
    let one = reject(net.at_east.clone(), net.east.clone(), "short ourselves").await;
    let between = net.page(&net.at_asker, &net.asker, id).await;
    let other = reject(net.at_west.clone(), net.west.clone(), "no driver").await;

    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(silent.problem("reason").as_deref(), Some("Say why, in a few words."));
    assert_eq!(
        (one.status, other.status),
        (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER)
    );
    assert!(between.text(".page-head .toolbar").contains("Open"));
    let closed = net.page(&net.at_asker, &net.asker, id).await;
    assert!(closed.text(".page-head .toolbar").contains("Rejected"));
    let timeline = closed.text(".timeline");
    assert!(
        timeline.contains("short ourselves") && timeline.contains("no driver"),
        "{timeline}"
    );
    let west = net.page(&net.at_west, &net.west, id).await;
    assert!(
        !west.text(".timeline").contains("short ourselves"),
        "what East said is between East and the asker"
    );
    net.app.verify().await;
}

#[tokio::test]
async fn a_partial_acceptance_leads_to_a_new_request_for_the_rest() {
    let net = network().await;
    let id = net.raised(6).await;

    let accepted = accept(&net.at_east, &net.east, id, Some(4)).await;
    let page = net.page(&net.at_asker, &net.asker, id).await;
    let again = page
        .attrs("a[data-needs=staff]", "href")
        .into_iter()
        .find(|href| href.contains("/requests/new"));
    let form = net.at_asker.get(&again.expect("a way to ask for the rest")).await.ok();

    assert_eq!(accepted.status, StatusCode::SEE_OTHER);
    assert_eq!(units_in(&net.app, &net.east, "reserved").await, 4);
    assert!(page.body().contains("4 of 6 units"));
    assert_eq!(form.value("quantity").as_deref(), Some("2"));
    assert!(form.has("#f-group option[value=\"O-\"][selected]"));
    let rest = raise(&net.at_asker, &net.asker, BloodGroup::ONegative, 2, &[&net.west]).await;
    assert_eq!(
        accept(&net.at_west, &net.west, rest, None).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(tile(&net.at_asker, &net.asker, "requests").await, "2");
    net.app.verify().await;
}

#[tokio::test]
async fn more_than_the_stock_holds_is_promised_only_knowingly() {
    let net = network().await;
    let id = net.raised(20).await;
    let path = net.east.path(&format!("/requests/{id}/acceptance"));

    let short = accept(&net.at_east, &net.east, id, None).await;
    let too_many = accept(&net.at_east, &net.east, id, Some(21)).await;
    let knowingly = net
        .at_east
        .post(&path, &[("quantity", "20"), ("confirm", "true")])
        .await;

    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        short
            .problem("quantity")
            .expect("a problem")
            .contains("holds 12 compatible units")
    );
    assert_eq!(too_many.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        too_many.value("quantity").as_deref(),
        Some("21"),
        "what was typed is kept"
    );
    assert_eq!(knowingly.status, StatusCode::SEE_OTHER);
    assert_eq!(units_in(&net.app, &net.east, "reserved").await, 12);
    net.app.verify().await;
}

#[tokio::test]
async fn cancelling_frees_what_was_reserved() {
    let net = network().await;
    let id = net.raised(4).await;
    accept(&net.at_east, &net.east, id, None).await;
    let path = net.asker.path(&format!("/requests/{id}/cancellation"));

    let foreign = net
        .at_east
        .post(
            &net.east.path(&format!("/requests/{id}/cancellation")),
            &[("reason", "why")],
        )
        .await;
    let cancelled = net.at_asker.post(&path, &[("reason", "operation postponed")]).await;
    let twice = net.at_asker.post(&path, &[("reason", "operation postponed")]).await;

    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "only who asked may cancel");
    assert_eq!(cancelled.status, StatusCode::SEE_OTHER);
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert_eq!(units_in(&net.app, &net.east, "reserved").await, 0);
    assert_eq!(tile(&net.at_east, &net.east, "stock").await, "12");
    let east = net.page(&net.at_east, &net.east, id).await;
    assert!(east.text(".timeline").contains("operation postponed"));
    net.app.verify().await;
}

#[tokio::test]
async fn a_reservation_ends_after_a_day() {
    let net = network().await;
    let id = net.raised(4).await;
    accept(&net.at_east, &net.east, id, None).await;

    net.app.travel(TimeDelta::hours(24) - TimeDelta::minutes(1));
    inventory::end_reservations(&net.app.db, None)
        .await
        .expect("the job runs");
    let before = units_in(&net.app, &net.east, "reserved").await;
    net.app.travel(TimeDelta::minutes(1));
    inventory::end_reservations(&net.app.db, None)
        .await
        .expect("the job runs");

    assert_eq!(before, 4);
    assert_eq!(units_in(&net.app, &net.east, "reserved").await, 0);
    let at_east = net.app.log_in(Role::Staff, &[&net.east]).await;
    assert_eq!(tile(&at_east, &net.east, "stock").await, "12");
    assert_eq!(
        count(
            &net.app,
            "select count(*) from inventory_movements where kind = 'unreserved'"
        )
        .await,
        1
    );
    net.app.verify().await;
}

#[tokio::test]
async fn from_request_to_receipt_is_one_timeline() {
    let net = network().await;
    let id = net.raised(4).await;
    accept(&net.at_east, &net.east, id, None).await;
    let reserved: i64 = count(&net.app, "select id from blood_inventory where status = 'reserved'").await;

    let sent = dispatched(&net.at_east, &net.east, &net.asker, Some(id), &[(reserved.into(), 4)]).await;
    let received = receive(&net.at_asker, &net.asker, sent).await;

    assert_eq!(received.status, StatusCode::SEE_OTHER);
    let page = net.page(&net.at_asker, &net.asker, id).await;
    let timeline = page.texts(".timeline > li").join(" | ").to_lowercase();
    let words = ["raised", "accepted", "dispatched", "received"];
    let places: Vec<usize> = words
        .iter()
        .map(|word| timeline.find(word).unwrap_or(usize::MAX))
        .collect();
    assert!(places.is_sorted() && places[3] < usize::MAX, "{timeline}");
    assert!(page.text(".page-head .toolbar").contains("Fulfilled"));
    assert_eq!(page.attr("#fulfilment", "value").as_deref(), Some("4"));
    assert_eq!(tile(&net.at_asker, &net.asker, "transferred").await, "4");
    assert_eq!(tile(&net.at_asker, &net.asker, "stock").await, "4");
    net.app.verify().await;
}

#[tokio::test]
async fn whatever_stands_in_the_form_of_a_request_is_answered_and_kept() {
    let net = network().await;
    let good = [
        ("component", "red_cells"),
        ("group", "O-"),
        ("quantity", "4"),
        ("urgency", "urgent"),
        ("needed_by", ""),
        ("reason", "theatre list"),
        ("to", ""),
    ];
    let east = net.east.id.to_string();
    let long = "x".repeat(10_000);
    let asker = net.asker.id.to_string();

    for (field, text) in [
        ("component", "soup"),
        ("group", "C+"),
        ("urgency", "whenever"),
        ("quantity", "0"),
        ("quantity", "-3"),
        ("quantity", "1001"),
        ("quantity", "99999999999999999999"),
        ("quantity", "4.5"),
        ("needed_by", "soon"),
        ("needed_by", "2001-01-01T10:00"),
        ("needed_by", long.as_str()),
        ("reason", long.as_str()),
        ("reason", "a\0b"),
        ("to", ""),
        ("to", "9223372036854775807"),
        ("to", "-1"),
        ("to", asker.as_str()),
    ] {
        let fields: Vec<(String, String)> = good
            .iter()
            .map(|&(name, value)| {
                let value = if name == field {
                    text
                } else if name == "to" {
                    &east
                } else {
                    value
                };
                (name.to_owned(), value.to_owned())
            })
            .collect();
        let answer = send(&net.at_asker, &net.asker.path("/requests"), &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {text:.20}");
        if !text.contains('\0') {
            assert!(answer.problem(field).is_some(), "no problem beside {field}: {text:.20}");
        }
        if field != "reason" {
            assert_eq!(
                answer.text("textarea[name=reason]"),
                "theatre list",
                "{field}: {text:.20}"
            );
        }
        if field != "quantity" {
            assert_eq!(answer.value("quantity").as_deref(), Some("4"), "{field}: {text:.20}");
        }
    }
    assert_eq!(count(&net.app, "select count(*) from blood_requests").await, 0);
}

#[tokio::test]
async fn a_request_that_one_has_no_part_in_does_not_exist() {
    let net = network().await;
    let stranger = net.app.facility("Stranger").await;
    let at_stranger = net.app.log_in(Role::Staff, &[&stranger]).await;
    let id = net.raised(4).await;

    for verb in ["", "/acceptance", "/rejection", "/cancellation"] {
        let path = stranger.path(&format!("/requests/{id}{verb}"));
        let answer = match verb {
            "" => at_stranger.get(&path).await,
            "/acceptance" => at_stranger.post(&path, &[]).await,
            _ => at_stranger.post(&path, &[("reason", "why")]).await,
        };
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{verb}");
    }
    for id in ["0", "-1", "9223372036854775807", "99999999999999999999", "x"] {
        let answer = net.at_asker.get(&net.asker.path(&format!("/requests/{id}"))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
    }
    for query in [
        "day=%2B262142-12-31",
        "day=-262143-01-01",
        "day=9999-12-31",
        "after=9223372036854775807",
        "group=%00",
    ] {
        let answer = net.at_asker.get(&net.asker.path(&format!("/requests?{query}"))).await;
        assert!(!answer.status.is_server_error(), "{query}: {}", answer.status);
    }
    for day in ["-262143-01-01", "%2B262142-12-31", "0001-01-01", "x", "2026-02-30"] {
        let board = net.at_asker.get(&net.asker.path(&format!("?day={day}"))).await;
        assert!(!board.status.is_server_error(), "{day}: {}", board.status);
    }
}

#[tokio::test]
async fn whoever_raises_a_request_can_search_all_facilities_and_keeps_what_was_typed() {
    let net = network().await;
    let chosen = net.west.id.to_string();
    let query = format!("/requests/new?find=EAST&to={chosen}&quantity=7&reason=theatre&needed_by=2026-12-01T08:00");

    let found = net.at_asker.get(&net.asker.path(&query)).await.ok();
    let none = net
        .at_asker
        .get(&net.asker.path("/requests/new?find=nowhere"))
        .await
        .ok();

    assert_eq!(
        found.attrs("input[name=to]", "value"),
        [chosen, net.east.id.to_string()]
    );
    assert!(found.has("input[name=to][checked]"));
    for (field, typed) in [("quantity", "7"), ("needed_by", "2026-12-01T08:00"), ("find", "EAST")] {
        assert_eq!(found.value(field).as_deref(), Some(typed), "{field}");
    }
    assert_eq!(none.count("input[name=to]"), 0);
    assert!(none.text("#neighbours").contains("No facility has this"));
}

#[tokio::test]
async fn a_long_list_is_walked_on_and_back() {
    let net = network().await;
    for _ in 0..55 {
        net.app.request(&net.asker, &[&net.east]).await;
    }
    for number in 0..60 {
        net.app
            .stock(&net.east)
            .expires_in(TimeDelta::hours(100 + number))
            .add()
            .await;
    }

    for (client, list) in [
        (&net.at_asker, net.asker.path("/requests")),
        (&net.at_asker, net.asker.path("/requests?state=open")),
        (&net.at_east, net.east.path("/inventory")),
    ] {
        let first = client.get(&list).await.ok();
        let second = client
            .get(&first.attr("[rel=next]", "href").expect("goes on"))
            .await
            .ok();
        let back = client
            .get(&second.attr("[rel=prev]", "href").expect("goes back"))
            .await
            .ok();

        let rows = |page: &crate::support::Answer| page.attrs("tbody a", "href");
        assert!(!first.has("[rel=prev]") && !second.has("[rel=next]"), "{list}");
        assert!(!rows(&second).is_empty() && rows(&second) != rows(&first), "{list}");
        assert_eq!(rows(&back), rows(&first), "{list}");
    }
}
