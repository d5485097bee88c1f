//! Every measure says what the rows say and what the pages show, and nothing of another facility is ever counted.

use chrono::TimeDelta;
use pulseboard::auth::Role;
use pulseboard::blood::Component;
use pulseboard::db::Scope;
use pulseboard::widgets::{Dimension, Filter, Kind, Past, Range, sources};
use pulseboard::{distributions, facilities};

use super::{by, context, drawn, eventful, figure, load, today, widget};
use crate::numbers::first_number;
use crate::support::{Facility, Page, TestApp};

#[tokio::test]
async fn every_measure_says_what_the_rows_say() {
    let app = TestApp::new().await;
    let (here, _) = eventful(&app).await;
    let context = today(&app, &here).await;

    let mut said = Vec::new();
    for measure in sources().measures() {
        said.push((measure.name.as_ref(), figure(&app, &context, &measure.name).await));
    }

    let expected = [
        ("summary.stock", 14.0), // 12 + 3 + 5 - 2 discarded - 4 reserved for a request
        ("summary.transferred", 0.0),
        ("summary.requests", 1.0),
        ("inventory.issuable", 14.0),
        ("inventory.expiring", 3.0),
        ("inventory.quarantined", 4.0),
        ("inventory.reserved", 4.0),
        ("inventory.received", 29.0), // 12 + 3 + 4 + 5, and the 5 that were sent away
        ("inventory.issued", 0.0),
        ("inventory.discarded", 2.0),
        ("inventory.expired", 0.0),
        ("requests.waiting", 1.0),
        ("requests.open", 2.0),
        ("requests.open_urgent", 2.0),
        ("requests.raised", 1.0),
        ("requests.fulfilled", 0.0),
        ("requests.fill_rate", 0.0),
        ("distributions.in_transit", 5.0),
        ("distributions.delivered", 0.0),
        ("distributions.sent", 5.0),
        ("distributions.short", 0.0),
    ];
    for (measure, value) in expected {
        assert!(said.contains(&(measure, value)), "{measure} is not {value}: {said:?}");
    }
}

#[tokio::test]
async fn a_delivery_that_comes_short_is_told_apart_from_what_arrived() {
    let app = TestApp::new().await;
    let (sender, receiver) = (app.facility("Sender").await, app.facility("Receiver").await);
    let id = app.delivery(&sender, &receiver).await;
    let mut tx = app.db.read(&Scope::of(receiver.id)).await.expect("a look");
    let found = distributions::queries::find(&mut tx, receiver.id, id)
        .await
        .expect("it");
    let lines = distributions::queries::lines(&mut tx, &found).await.expect("its lines");
    drop(tx);
    let receipt = distributions::Receipt {
        lines: lines
            .iter()
            .map(|line| distributions::LineReceipt {
                unit: line.unit,
                outcome: distributions::Outcome::Received,
                arrived: Some(3),
                note: String::new(),
            })
            .collect(),
        bank: None,
    };
    distributions::commands::receive(&app.db, &app.editor(&receiver).await, id, &receipt)
        .await
        .expect("booked");

    let context = today(&app, &receiver).await;

    assert_eq!(figure(&app, &context, "distributions.delivered").await, 3.0);
    assert_eq!(figure(&app, &context, "summary.transferred").await, 3.0);
    assert_eq!(figure(&app, &context, "distributions.short").await, 2.0);
    assert_eq!(figure(&app, &context, "distributions.in_transit").await, 0.0);
}

#[tokio::test]
async fn a_split_adds_up_to_the_whole() {
    let app = TestApp::new().await;
    let (here, there) = eventful(&app).await;
    let both = context(&app, &Scope::All, &[&here, &there], Filter::default(), Range::days(7)).await;

    for measure in sources().measures() {
        let whole = figure(&app, &both, &measure.name).await;
        for &dimension in measure.by {
            let frame = load(&app, &both, &measure.name, &[dimension]).await;
            let sum = frame.total(measure.nature).unwrap_or_default();
            let level_by_day = measure.name == "summary.stock" && dimension == Dimension::Day;
            // a request between the two is one request, and stands on the list of each
            let shared = measure.name.starts_with("requests.open") && dimension == Dimension::Facility;
            match shared {
                true => assert!(sum >= whole, "{} by {dimension}", measure.name),
                false if level_by_day => {}
                false if measure.name == "summary.age" => {}
                false => assert_eq!(sum, whole, "{} by {dimension}: {:?}", measure.name, frame.rows),
            }
            assert!(frame.rows.iter().all(|row| row.second.is_empty()));
        }
    }
    assert_eq!(
        by(&app, &both, "inventory.discarded", Dimension::Reason).await,
        [("damaged".to_owned(), 2.0)]
    );
    let day = app.db.clock.now().date_naive();
    assert_eq!(
        by(&app, &both, "requests.raised", Dimension::Day).await,
        [(day.to_string(), 3.0)]
    );
}

#[tokio::test]
async fn a_filter_narrows_every_measure_that_knows_what_it_is_about() {
    let app = TestApp::new().await;
    let (here, _) = eventful(&app).await;
    let filter = Filter {
        component: Some(Component::Platelets),
        ..Filter::default()
    };
    let platelets = context(&app, &Scope::of(here.id), &[&here], filter, Range::days(1)).await;

    assert_eq!(figure(&app, &platelets, "inventory.issuable").await, 3.0);
    assert_eq!(figure(&app, &platelets, "inventory.received").await, 3.0);
    assert_eq!(figure(&app, &platelets, "inventory.discarded").await, 0.0);
    assert_eq!(figure(&app, &platelets, "requests.open").await, 0.0);
    // the summary is kept for all components together, and says so
    assert_eq!(figure(&app, &platelets, "summary.stock").await, 14.0);
    let tile = drawn(&app, &platelets, &widget(Kind::Number, "summary.stock", &[])).await;
    assert!(tile.html.contains("all components"), "{}", tile.html);
}

#[tokio::test]
async fn the_figures_are_those_of_the_pages() {
    let app = TestApp::new().await;
    let (here, _) = eventful(&app).await;
    let viewer = app.log_in(Role::Viewer, &[&here]).await;
    let page = viewer.get(&here.path("")).await.ok();
    let context = today(&app, &here).await;

    for (tile, measure) in [
        ("stock", "summary.stock"),
        ("stock", "inventory.issuable"),
        ("transferred", "summary.transferred"),
        ("transferred", "distributions.delivered"),
        ("requests", "summary.requests"),
        ("requests", "requests.raised"),
        ("urgent", "requests.open_urgent"),
        ("expiring", "inventory.expiring"),
    ] {
        let shown = first_number(&page.text(&format!("#w-{tile} .figure a")));
        assert_eq!(
            figure(&app, &context, measure).await,
            shown as f64,
            "{tile} and {measure}"
        );
    }
}

#[tokio::test]
async fn nothing_of_another_facility_is_ever_counted() {
    let app = TestApp::new().await;
    let (here, there) = eventful(&app).await;
    let alone = today(&app, &here).await;
    // a board that names a facility which its viewer may not see
    let scope = Scope::of(here.id);
    let named = context(&app, &scope, &[&here, &there], Filter::default(), Range::days(1)).await;
    // and one that got by: the database has the last word
    let mut beyond = named.clone();
    let all = facilities::directory(app.db.unscoped()).await.expect("the directory");
    beyond
        .facilities
        .extend(all.into_iter().filter(|facility| facility.id == there.id));

    assert_eq!(named.ids(), [here.id.0]);
    for measure in sources().measures() {
        if measure.name == "summary.age" {
            continue;
        }
        assert_eq!(
            figure(&app, &beyond, &measure.name).await,
            figure(&app, &alone, &measure.name).await + shared(&measure.name),
            "{} counts rows outside its scope",
            measure.name
        );
    }
    for kind in [Kind::Matrix, Kind::Alert, Kind::Activity] {
        let html = drawn(&app, &beyond, &widget(kind, "", &[])).await.html;
        assert!(!html.contains(&there.secret), "{kind} shows the other facility");
    }
}

/// What one side of a request or a transfer sees of the other by right: it is theirs too.
fn shared(measure: &str) -> f64 {
    match measure {
        "requests.waiting" => 1.0, // its own request, which waits for the other
        "requests.raised" => 2.0,  // the two that were put to it
        "distributions.in_transit" | "distributions.sent" => 5.0,
        _ => 0.0,
    }
}

#[tokio::test]
async fn what_is_remembered_of_the_past_adds_up_with_what_was_just_read() {
    let app = TestApp::new().await;
    let (here, there) = eventful(&app).await;
    app.travel(TimeDelta::days(20));
    app.stock(&here).quantity(7).add().await;
    app.request(&here, &[&there]).await;
    let past = Past::default();
    let month = |facility: Facility| {
        let app = &app;
        async move {
            context(
                app,
                &Scope::of(facility.id),
                &[&facility],
                Filter::default(),
                Range::days(30),
            )
            .await
        }
    };
    let read = month(here.clone()).await;
    let remembering = month(here.clone()).await.remembering(&past);
    let other = month(there.clone()).await.remembering(&past);

    for measure in sources().measures().filter(|measure| measure.past) {
        let mut table = widget(Kind::Table, &measure.name, &[Dimension::Day]);
        table.id = "same".into();
        let plain = drawn(&app, &read, &table).await.html;
        let first = drawn(&app, &remembering, &table).await.html;
        let again = drawn(&app, &remembering, &table).await.html;
        let theirs = drawn(&app, &other, &table).await.html;
        let rows = |html: &str| Page(html.to_owned()).texts("tr");
        assert_eq!(rows(&first), rows(&plain), "{}", measure.name);
        assert_eq!(rows(&again), rows(&plain), "{}", measure.name);
        if measure.name == "inventory.received" {
            assert_ne!(
                rows(&theirs),
                rows(&plain),
                "one facility was shown what is remembered of another"
            );
        }
    }
    app.request(&here, &[&there]).await;
    assert_eq!(figure(&app, &remembering, "requests.raised").await, 3.0);
}

#[tokio::test]
async fn a_day_is_the_facilitys_own_whatever_zone_the_board_is_in() {
    let app = TestApp::new().await;
    let (east, west) = (
        app.facility_in("East", "Asia/Tokyo").await,
        app.facility_in("West", "America/Los_Angeles").await,
    );
    app.request(&east, &[&west]).await;
    app.request(&west, &[&east]).await;
    let both = context(&app, &Scope::All, &[&east, &west], Filter::default(), Range::days(3)).await;

    let by_day = by(&app, &both, "requests.raised", Dimension::Day).await;
    let kept: Vec<(String, f64)> = by(&app, &both, "summary.requests", Dimension::Day).await;

    let sum: f64 = by_day.iter().map(|(_, value)| value).sum();
    assert_eq!(sum, kept.iter().map(|(_, value)| value).sum::<f64>());
    for (day, value) in by_day {
        assert!(
            kept.contains(&(day.clone(), value)),
            "{day}: {value} is not kept: {kept:?}"
        );
    }
}
