//! Many people at once: nothing is taken twice, nobody waits for ever, and whoever was too late is told so.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::blood::BloodGroup;
use pulseboard::distributions;
use pulseboard::error::Error;
use pulseboard::inventory::commands::{Issue, issue};

use crate::journey::{accept, count, editor, number, raise, units_in};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_issuers_on_one_shelf_take_each_unit_once() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let mut units = Vec::new();
    for sequence in 0..30 {
        let unit = app.stock(&lakeside).unit(number(sequence).as_str());
        units.push(unit.add().await);
    }
    let editor = editor(&app, &lakeside).await;

    let attempts = (0..50).map(|issuer| {
        let (db, editor) = (app.db.clone(), editor.clone());
        // everybody wants a unit; for twenty of them somebody else wants the same
        let chosen = Issue {
            patient: BloodGroup::ONegative.into(),
            component: pulseboard::blood::Component::RedCells,
            chosen: vec![(units[issuer % 30], 1)],
            override_reason: "the one in my hand".into(),
        };
        tokio::spawn(async move {
            loop {
                match issue(&db, &editor, &chosen).await {
                    // waiting for the shelf took too long: whoever is told to try again does so
                    Err(Error::Conflict(words)) if words.contains("Try again") => {}
                    Err(Error::Database(sqlx::Error::PoolTimedOut)) => {}
                    outcome => return outcome,
                }
            }
        })
    });
    let outcomes: Vec<_> = join_all(attempts)
        .await
        .into_iter()
        .map(|done| done.expect("no panic"))
        .collect();

    let issued = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(issued, 30);
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(
            matches!(refused, Error::Conflict(words) if words.contains("is issued by now")),
            "{refused}"
        );
    }
    assert_eq!(units_in(&app, &lakeside, "issued").await, 30);
    assert_eq!(units_in(&app, &lakeside, "available").await, 0);
    let twice = "select count(*) from (select inventory_id from inventory_movements where to_status = 'issued'
                 group by inventory_id having sum(quantity) > 1) twice";
    assert_eq!(count(&app, twice).await, 0);
    app.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_issuers_of_one_lot_never_take_more_than_it_holds() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let lot = app.stock(&lakeside).quantity(30).add().await;
    let editor = editor(&app, &lakeside).await;

    let attempts = (0..50).map(|_| {
        let (db, editor) = (app.db.clone(), editor.clone());
        let one = Issue {
            patient: BloodGroup::ONegative.into(),
            component: pulseboard::blood::Component::RedCells,
            chosen: vec![(lot, 1)],
            override_reason: String::new(),
        };
        tokio::spawn(async move {
            loop {
                match issue(&db, &editor, &one).await {
                    Err(Error::Conflict(words)) if words.contains("Try again") => {}
                    Err(Error::Database(sqlx::Error::PoolTimedOut)) => {}
                    outcome => return outcome.is_ok(),
                }
            }
        })
    });
    let issued = join_all(attempts)
        .await
        .into_iter()
        .filter(|done| matches!(done, Ok(true)))
        .count();

    assert_eq!(issued, 30);
    assert_eq!(units_in(&app, &lakeside, "issued").await, 30);
    assert_eq!(
        count(&app, "select count(*) from blood_inventory where quantity < 0").await,
        0
    );
    app.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn opposite_transfers_do_not_wait_for_each_other_for_ever() {
    let app = TestApp::new().await;
    let (north, south) = (app.facility("North").await, app.facility("South").await);
    let (in_north, in_south) = (editor(&app, &north).await, editor(&app, &south).await);
    let (from_north, from_south) = (app.stock(&north).add().await, app.stock(&south).add().await);
    let send = |editor: &pulseboard::auth::Editor, to, unit| {
        let (db, editor) = (app.db.clone(), editor.clone());
        let dispatch = distributions::Dispatch {
            to,
            request: None,
            component: pulseboard::blood::Component::RedCells,
            group: BloodGroup::ONegative,
            chosen: vec![(unit, 1)],
            override_reason: String::new(),
            note: String::new(),
        };
        tokio::spawn(async move { distributions::commands::dispatch(&db, &editor, &dispatch).await })
    };

    let both = (0..6).flat_map(|_| {
        [
            send(&in_north, south.id, from_north),
            send(&in_south, north.id, from_south),
        ]
    });
    let outcomes = tokio::time::timeout(Duration::from_secs(5), join_all(both))
        .await
        .expect("nobody waits for ever");

    for outcome in outcomes {
        outcome.expect("no panic").expect("every transfer is taken");
    }
    assert_eq!(units_in(&app, &north, "in_transit").await, 6);
    assert_eq!(units_in(&app, &south, "in_transit").await, 6);
    app.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_facilities_that_accept_at_once_the_second_is_told_who_was_first() {
    let app = TestApp::new().await;
    let (asker, east, west) = (
        app.facility("Asker").await,
        app.facility("East").await,
        app.facility("West").await,
    );
    app.stock(&east).add().await;
    app.stock(&west).add().await;
    let at_asker = app.log_in(Role::Staff, &[&asker]).await;
    let (at_east, at_west) = (
        app.log_in(Role::Staff, &[&east]).await,
        app.log_in(Role::Staff, &[&west]).await,
    );
    let request = raise(&at_asker, &asker, BloodGroup::ONegative, 4, &[&east, &west]).await;

    let (one, other) = tokio::join!(
        accept(&at_east, &east, request, None),
        accept(&at_west, &west, request, None)
    );

    let (winner, loser) = if one.status == StatusCode::SEE_OTHER {
        ("East", other)
    } else {
        ("West", one)
    };
    assert_eq!(loser.status, StatusCode::CONFLICT);
    assert!(
        loser.body().contains(&format!("{winner} accepted this request first.")),
        "{}",
        loser.body()
    );
    let reserved = units_in(&app, &east, "reserved").await + units_in(&app, &west, "reserved").await;
    assert_eq!(reserved, 4);
    app.verify().await;
}
