//! Every kind draws itself for an empty facility and for a full one, links to what it counts, and fails alone.

use std::time::{Duration, Instant};

use pulseboard::auth::Role;
use pulseboard::blood::Component;
use pulseboard::db::Scope;
use pulseboard::widgets::{
    Dimension, Filter, Kind, Loads, PATIENCE, Range, Shape, SourceRef, compose, compose_all, sources,
};
use sqlx::Connection;

use super::{context, drawn, eventful, everything, today, widget};
use crate::support::{Page, TestApp};

#[tokio::test]
async fn a_number_links_to_the_list_that_it_counts() {
    let app = TestApp::new().await;
    let (here, _) = eventful(&app).await;
    let viewer = app.log_in(Role::Viewer, &[&here]).await;
    let context = today(&app, &here).await;

    for measure in [
        "inventory.issuable",
        "inventory.expiring",
        "inventory.quarantined",
        "requests.open",
        "requests.raised",
        "distributions.sent",
    ] {
        let tile = drawn(&app, &context, &widget(Kind::Number, measure, &[])).await;
        let page = Page(tile.html.clone());
        let href = page
            .attr(".figure a", "href")
            .unwrap_or_else(|| panic!("{measure} has no link"));
        let list = viewer.get(&href).await.ok();

        assert!(!tile.failed, "{measure}: {}", tile.html);
        assert!(
            list.count("tbody tr, .rows > li, .stacks tr") > 0,
            "{measure}: nothing at {href}"
        );
    }
}

#[tokio::test]
async fn every_kind_draws_every_shape_of_every_measure() {
    let app = TestApp::new().await;
    let empty = app.facility("Nothing yet").await;
    let (here, there) = eventful(&app).await;
    let one = context(&app, &Scope::of(here.id), &[&here], Filter::default(), Range::days(30)).await;
    let none = context(
        &app,
        &Scope::of(empty.id),
        &[&empty],
        Filter::default(),
        Range::days(30),
    )
    .await;
    let many = context(
        &app,
        &Scope::All,
        &[&here, &there, &empty],
        Filter::default(),
        Range::default(),
    )
    .await;
    let widgets = everything();

    assert!(widgets.len() > 150, "{}", widgets.len());
    // boards of a usual size: one of all of them would not be waited for
    let boards = widgets.chunks(20);
    for (context, board) in [&one, &none, &many]
        .into_iter()
        .flat_map(|one| boards.clone().map(move |board| (one, board)))
    {
        let composed = compose_all(&app.db, sources(), board, context).await.expect("a board");

        assert_eq!(composed.len(), board.len());
        for (composed, widget) in composed.iter().zip(board) {
            let html = &composed.html;
            assert!(!composed.failed, "{widget:?}: {html}");
            assert!(html.contains(&format!("id=\"w-{}\"", widget.id)), "{widget:?}: {html}");
            assert!(
                !html.contains("NaN") && !html.contains("href=\"\""),
                "{widget:?}: {html}"
            );
        }
    }
}

#[tokio::test]
async fn an_empty_widget_says_which_emptiness_it_is() {
    let app = TestApp::new().await;
    let (here, _) = eventful(&app).await;
    let kind = |html: &str| Page(html.to_owned()).attr(".empty", "data-kind").unwrap_or_default();
    let bars = widget(Kind::Bar, "inventory.discarded", &[Dimension::Reason]);

    let platelets = Filter {
        component: Some(Component::Platelets),
        ..Filter::default()
    };
    let narrowed = context(&app, &Scope::of(here.id), &[&here], platelets, Range::days(30)).await;
    let filtered = drawn(&app, &narrowed, &bars).await;
    let before = Range::read("2026-01-01", "2026-01-02").expect("a range");
    let earlier = context(&app, &Scope::of(here.id), &[&here], Filter::default(), before).await;
    let ranged = drawn(&app, &earlier, &bars).await;
    let elsewhere = Filter {
        region: Some("Nowhere".into()),
        ..Filter::default()
    };
    let nobody = context(&app, &Scope::of(here.id), &[&here], elsewhere, Range::days(1)).await;
    let left = drawn(&app, &nobody, &bars).await;

    assert_eq!(kind(&filtered.html), "filter");
    assert_eq!(kind(&ranged.html), "range");
    assert_eq!(kind(&left.html), "filter");
    assert!(left.html.contains("href=\"/boards/1\""), "{}", left.html);
}

#[tokio::test]
async fn a_widget_that_fails_says_so_in_its_place_and_the_others_stand() {
    let app = TestApp::new().await;
    let (here, _) = eventful(&app).await;
    let context = today(&app, &here).await;
    let mut owner = app.owner().await;
    sqlx::query("revoke select on inventory_movements from pulseboard_app")
        .execute(&mut owner)
        .await
        .expect("a part of the database is out of reach");
    let mut widgets = vec![
        widget(Kind::Number, "inventory.issuable", &[]),
        widget(Kind::Number, "inventory.issued", &[]),
        widget(Kind::Number, "gone.away", &[]),
        widget(Kind::Number, "requests.open", &[]),
    ];
    for (at, widget) in widgets.iter_mut().enumerate() {
        widget.id = format!("w{at}");
    }

    let side_by_side = compose_all(&app.db, sources(), &widgets, &context)
        .await
        .expect("a board");
    let mut tx = app.db.read(&context.scope).await.expect("a look");
    let mut loads = Loads::new(sources(), 1);
    let mut in_one = Vec::new();
    for widget in &widgets {
        in_one.push(compose(&mut tx, widget, &context, &mut loads).await);
    }

    for composed in [&side_by_side, &in_one] {
        let failed: Vec<bool> = composed.iter().map(|one| one.failed).collect();
        assert_eq!(failed, [false, true, true, false]);
        assert!(composed[1].html.contains("Try again"), "{}", composed[1].html);
        assert!(
            composed[1].html.contains("hx-get=\"/boards/1/widgets/w1\""),
            "{}",
            composed[1].html
        );
        assert!(composed[3].html.contains(">2<"), "{}", composed[3].html);
    }
}

#[tokio::test]
async fn slow_widgets_keep_neither_the_board_nor_the_others_waiting() {
    let app = TestApp::new().await;
    let (here, _) = eventful(&app).await;
    let context = today(&app, &here).await;
    let mut widgets: Vec<_> = ["received", "issued", "discarded", "expired"]
        .iter()
        .flat_map(|flow| {
            let measure = format!("inventory.{flow}");
            [
                widget(Kind::Number, &measure, &[]),
                widget(Kind::Bar, &measure, &[Dimension::Group]),
            ]
        })
        .chain([widget(Kind::Number, "requests.open", &[])])
        .collect();
    for (at, widget) in widgets.iter_mut().enumerate() {
        widget.id = format!("w{at}");
    }
    let mut owner = app.owner().await;
    let mut held = owner.begin().await.expect("a transaction");
    sqlx::query("lock table inventory_movements in access exclusive mode")
        .execute(&mut *held)
        .await
        .expect("nobody reads movements now");

    let begun = Instant::now();
    let composed = compose_all(&app.db, sources(), &widgets, &context)
        .await
        .expect("a board");
    let took = begun.elapsed();
    held.rollback().await.expect("movements can be read again");
    let again = compose_all(&app.db, sources(), &widgets[..1], &context)
        .await
        .expect("one alone");

    assert!(took < PATIENCE + Duration::from_secs(1), "{took:?}");
    let failed: Vec<bool> = composed.iter().map(|one| one.failed).collect();
    assert_eq!(failed, [true, true, true, true, true, true, true, true, false]);
    assert!(composed[8].html.contains(">2<"), "{}", composed[8].html);
    for late in &composed[..8] {
        assert!(late.html.contains("Try again"), "{}", late.html);
    }
    // those that were never begun come by themselves once they are on a page
    assert!(
        composed[7].html.contains("hx-trigger=\"load, click\""),
        "{}",
        composed[7].html
    );
    assert!(again[0].html.contains(">29<"), "{}", again[0].html);
}

#[tokio::test]
async fn a_measure_takes_only_what_it_can_be_split_by() {
    let mut pie = widget(Kind::Table, "summary.stock", &[Dimension::Group]);

    let by_group = sources().check(&pie);
    pie.source = Some(SourceRef {
        measure: "summary.profit".into(),
        by: vec![],
    });
    let unknown = sources().check(&pie);
    let list = sources().check(&widget(Kind::List, "inventory.issued", &[]));

    assert!(by_group.of("by").is_some(), "{by_group:?}");
    assert!(unknown.of("measure").is_some(), "{unknown:?}");
    assert!(list.of("measure").is_some(), "{list:?}");
    assert_eq!(Shape::of(&[]), Some(Shape::Single));
}
