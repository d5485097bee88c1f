//! Nine mistakes that an earlier design of this kind made. Each is impossible here.

use chrono::{Days, TimeDelta, Utc};
use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::blood::{BloodGroup, Component};
use pulseboard::{inventory, summary};

use crate::journey::{self, Need, O_NEGATIVE, count, dispatched, issue, proposed, receive, rows, tile, units_in};
use crate::support::TestApp;

#[tokio::test]
async fn transferred_counts_what_came_to_the_facility_whoever_refreshes() {
    let app = TestApp::new().await;
    let (bank, ward) = (app.facility("Bank").await, app.facility("Ward").await);
    app.share(&bank, &ward);
    app.share(&ward, &bank);
    let (lot, other) = (
        app.stock(&bank).quantity(20).add().await,
        app.stock(&ward).quantity(20).expires_in(TimeDelta::days(9)).add().await,
    );
    let (at_bank, at_ward) = (
        app.log_in(Role::Staff, &[&bank]).await,
        app.log_in(Role::Staff, &[&ward]).await,
    );

    let there = dispatched(&at_bank, &bank, &ward, None, &[(lot, 5)]).await;
    receive(&at_ward, &ward, there).await;
    let back = dispatched(&at_ward, &ward, &bank, None, &[(other, 2)]).await;
    receive(&at_bank, &bank, back).await;

    let shown = || async {
        (
            tile(&at_bank, &bank, "transferred").await,
            tile(&at_ward, &ward, "transferred").await,
        )
    };
    let expected = ("2".to_owned(), "5".to_owned());
    assert_eq!(shown().await, expected, "after the writes");
    for facility in [&bank, &ward] {
        let client = if facility.id == bank.id { &at_bank } else { &at_ward };
        client.post(&facility.path("/summary"), &[]).await;
    }
    assert_eq!(shown().await, expected, "after the button");
    summary::refresh_all(&app.db, None)
        .await
        .expect("the schedule's refresh");
    assert_eq!(shown().await, expected, "after the schedule");
    app.travel(TimeDelta::minutes(6));
    for facility in [&bank, &ward] {
        let refreshed = summary::refresh_if_older(&app.db, facility.id, std::time::Duration::from_secs(300)).await;
        assert!(refreshed.expect("a page's refresh"));
    }
    assert_eq!(shown().await, expected, "after a page");
    app.verify().await;
}

#[tokio::test]
async fn expired_stock_is_not_counted() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside)
        .quantity(10)
        .expires_in(TimeDelta::hours(1))
        .add()
        .await;
    app.stock(&lakeside)
        .quantity(5)
        .expires_in(TimeDelta::days(9))
        .add()
        .await;
    let viewer = app.log_in(Role::Viewer, &[&lakeside]).await;
    assert_eq!(tile(&viewer, &lakeside, "stock").await, "15");

    app.travel(TimeDelta::minutes(61));
    let viewer = app.log_in(Role::Viewer, &[&lakeside]).await;
    viewer.post(&lakeside.path("/summary"), &[]).await;

    let board = viewer.get(&lakeside.path("")).await.ok();
    assert_eq!(board.text("#w-stock .figure a"), "5 units");
    assert_eq!(board.text("#w-matrix tfoot td:last-child"), "5");
    let list = viewer.get(&lakeside.path("/inventory?issuable=true")).await.ok();
    assert_eq!(list.texts("td[data-label=Units]"), ["5"]);
    app.verify().await;
}

#[tokio::test]
async fn issuing_more_than_there_is_is_refused_and_changes_nothing() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let lot = app.stock(&lakeside).quantity(3).add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let before = rows(&app, &lakeside).await;
    let movements = count(&app, "select count(*) from inventory_movements").await;

    let answer = issue(&staff, &lakeside, O_NEGATIVE, &[(lot, 5)], "").await;

    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer.text("#f-take-problem").contains("has 3 left"),
        "{}",
        answer.body()
    );
    assert_eq!(rows(&app, &lakeside).await, before);
    assert_eq!(count(&app, "select count(*) from inventory_movements").await, movements);
    assert_eq!(tile(&staff, &lakeside, "stock").await, "3");
    app.verify().await;
}

#[tokio::test]
async fn an_issued_or_transferred_unit_keeps_its_expiry() {
    let app = TestApp::new().await;
    let (bank, ward) = (app.facility("Bank").await, app.facility("Ward").await);
    app.share(&bank, &ward);
    let lot = app.stock(&bank).quantity(4).expires_in(TimeDelta::days(3)).add().await;
    let expiry = rows(&app, &bank).await[0].expires_at;

    app.travel(TimeDelta::days(1));
    let (at_bank, at_ward) = (
        app.log_in(Role::Staff, &[&bank]).await,
        app.log_in(Role::Staff, &[&ward]).await,
    );
    issue(&at_bank, &bank, O_NEGATIVE, &[(lot, 1)], "").await;
    let sent = dispatched(&at_bank, &bank, &ward, None, &[(lot, 2)]).await;
    receive(&at_ward, &ward, sent).await;

    assert_eq!(units_in(&app, &bank, "issued").await, 1);
    assert_eq!(units_in(&app, &ward, "available").await, 2);
    for facility in [&bank, &ward] {
        assert!(rows(&app, facility).await.iter().all(|row| row.expires_at == expiry));
    }
}

#[tokio::test]
async fn several_rows_cover_one_quantity_and_no_two_issuers_take_the_same() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    for days in [3, 2, 1] {
        app.stock(&lakeside)
            .quantity(2)
            .expires_in(TimeDelta::days(days))
            .add()
            .await;
    }
    let (one, other) = (
        app.log_in(Role::Staff, &[&lakeside]).await,
        app.log_in(Role::Staff, &[&lakeside]).await,
    );
    let proposal = proposed(&one, &lakeside, O_NEGATIVE, 5).await;

    let (first, second) = tokio::join!(
        issue(&one, &lakeside, O_NEGATIVE, &proposal, ""),
        issue(&other, &lakeside, O_NEGATIVE, &proposal, "")
    );

    let quantities: Vec<i32> = proposal.iter().map(|(_, quantity)| *quantity).collect();
    assert_eq!(
        quantities,
        [2, 2, 1],
        "the first to expire come first, of the last lot a part"
    );
    let mut outcomes = [first.status, second.status];
    outcomes.sort();
    assert_eq!(outcomes, [StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
    assert_eq!(units_in(&app, &lakeside, "issued").await, 5);
    assert_eq!(units_in(&app, &lakeside, "available").await, 1);
    app.verify().await;
}

#[tokio::test]
async fn a_return_goes_to_quarantine_with_its_temperature() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let unit = app.stock(&lakeside).unit(journey::number(1).as_str()).add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    issue(&staff, &lakeside, O_NEGATIVE, &[(unit, 1)], "").await;
    let path = lakeside.path(&format!("/inventory/{unit}/return"));

    let without = staff.post(&path, &[("temperature", ""), ("seal_intact", "true")]).await;
    let answer = staff
        .post(&path, &[("temperature", "4,5"), ("seal_intact", "true")])
        .await;

    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.has("#f-return-temperature-problem"));
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(rows(&app, &lakeside).await[0].status, "quarantined");
    let page = staff.get(&lakeside.path(&format!("/inventory/{unit}"))).await.ok();
    assert!(page.text(".timeline li").contains("4.5"), "{}", page.text(".timeline"));
    assert_eq!(tile(&staff, &lakeside, "stock").await, "0");
}

#[tokio::test]
async fn a_window_holds_exactly_its_days_and_growth_from_nothing_has_no_percentage() {
    let app = TestApp::new().await;
    let lakeside = app.facility_in("Lakeside", "Pacific/Auckland").await;
    let other = app.facility("Other").await;
    app.share(&lakeside, &other);
    let zone = "Pacific/Auckland".parse().expect("a zone");
    let today = pulseboard::clock::local_day(zone, app.db.clock.now());
    sqlx::query(
        "insert into dashboard_daily_summary (facility_id, date, total_stock, total_transferred, total_requests, updated_at)
         select $1, $2::date - back, 0, 0, 0, clock_now() from generate_series(1, 40) back",
    )
    .bind(lakeside.id.0)
    .bind(today)
    .execute(&mut app.owner().await)
    .await
    .expect("kept days");
    app.stock(&lakeside).quantity(6).add().await;
    for _ in 0..3 {
        app.request(&lakeside, &[&other]).await;
    }
    let viewer = app.log_in(Role::Viewer, &[&lakeside]).await;

    let board = viewer.get(&lakeside.path("")).await.ok();

    for chart in ["chart-stock", "chart-requests", "chart-transfers"] {
        assert_eq!(board.count(&format!("#w-{chart} .chart-data tbody tr")), 30, "{chart}");
        assert!(
            !board.texts(&format!("#w-{chart} td")).contains(&"no data".to_owned()),
            "{chart}"
        );
    }
    let points = board.attr("#w-stock .spark path", "d").expect("a curve");
    let (_, steps) = points.split_once('l').expect("a line of many points");
    let numbers = steps.split([' ', '-']).filter(|number| !number.is_empty()).count();
    assert_eq!(1 + numbers / 2, 14, "one point for each day: {points}");
    let weekday = (today - Days::new(7)).format("%A");
    assert_eq!(
        board.text("#w-requests .change"),
        format!("already more than on all of last {weekday} (0)")
    );
    assert_eq!(board.text("#w-stock .change"), format!("6 up on last {weekday} (0)"));
}

#[tokio::test]
async fn a_refresh_without_a_change_is_a_refresh() {
    let app = TestApp::new().await;
    let quiet = app.facility("Quiet").await;
    app.stock(&quiet).add().await;
    let viewer = app.log_in(Role::Viewer, &[&quiet]).await;
    viewer.get(&quiet.path("")).await.ok();
    let refreshes = "select count(*) from outbox where event ->> 'fact' = 'summary_refreshed'";
    app.travel(TimeDelta::minutes(10));
    let before = app.db.clock.now();
    let mut watch = viewer.watch(quiet.id).await;
    watch.until(|frame| frame.event == "as-of").await;

    let first = viewer.get(&quiet.path("")).await.ok();
    let told = watch.until(|frame| frame.event == "as-of").await;

    assert_eq!(
        first.text("#w-stock .figure a"),
        "12 units",
        "the old figure at once, with its age"
    );
    let updated_at: chrono::DateTime<Utc> =
        sqlx::query_scalar("select max(updated_at) from dashboard_daily_summary where facility_id = $1")
            .bind(quiet.id.0)
            .fetch_one(&mut app.owner().await)
            .await
            .expect("a summary");
    assert!(updated_at >= before, "it moves although no number did");
    assert_eq!(told.id, Some(updated_at.timestamp_micros()));
    let second = viewer.get(&quiet.path("")).await.ok();
    assert_eq!(
        second.attr("#w-stock", "data-version"),
        Some(updated_at.timestamp_micros().to_string())
    );
    assert!(
        !summary::refresh_if_older(&app.db, quiet.id, std::time::Duration::from_secs(300))
            .await
            .expect("a look")
    );
    assert_eq!(count(&app, refreshes).await, 1, "and the page does not refresh again");
}

#[tokio::test]
async fn the_map_of_compatibility_is_consulted_for_each_component() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let stock = |component, group| app.stock(&lakeside).of(component, group).quantity(2).add();
    let cells_a = stock(Component::RedCells, BloodGroup::APositive).await;
    let cells_o = stock(Component::RedCells, BloodGroup::ONegative).await;
    let plasma_ab = stock(Component::Plasma, BloodGroup::AbPositive).await;
    let plasma_o = stock(Component::Plasma, BloodGroup::ONegative).await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let cells = |patient| Need {
        component: Component::RedCells,
        patient,
    };
    let plasma = |patient| Need {
        component: Component::Plasma,
        patient,
    };

    let wrong_cells = issue(&staff, &lakeside, cells(BloodGroup::ONegative), &[(cells_a, 1)], "").await;
    let right_cells = issue(&staff, &lakeside, cells(BloodGroup::AbNegative), &[(cells_o, 1)], "").await;
    let wrong_plasma = issue(&staff, &lakeside, plasma(BloodGroup::AbNegative), &[(plasma_o, 1)], "").await;
    let right_plasma = issue(&staff, &lakeside, plasma(BloodGroup::ANegative), &[(plasma_ab, 1)], "").await;

    for (refused, unit) in [(wrong_cells, cells_a), (wrong_plasma, plasma_o)] {
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused
                .problem("override_reason")
                .expect("a problem")
                .contains("the rules do not offer")
        );
        assert_eq!(
            refused.value(&format!("take_{unit}")).as_deref(),
            Some("1"),
            "the choice is kept"
        );
    }
    assert_eq!(right_cells.status, StatusCode::SEE_OTHER, "O− cells to AB");
    assert_eq!(right_plasma.status, StatusCode::SEE_OTHER, "AB plasma to A");
    assert_eq!(units_in(&app, &lakeside, "issued").await, 2);
    assert!(inventory::next_due(&app.db).await.expect("a look").is_some());
}
