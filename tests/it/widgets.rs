//! Widgets: every measure says what the rows say and what the pages show, nothing of another facility is ever counted,
//! and every kind draws itself for an empty facility and for a full one.

use chrono::TimeDelta;
use pulseboard::auth::Role;
use pulseboard::blood::unit_state::DiscardReason;
use pulseboard::blood::{BloodGroup, Component};
use pulseboard::db::Scope;
use pulseboard::distributions;
use pulseboard::facilities;
use pulseboard::inventory::{self, commands::Discard};
use pulseboard::requests::{self, Acceptance};
use pulseboard::widgets::{
    Composed, Context, Dimension, Filter, Frame, Kind, Loads, Past, Query, Range, Shape, SourceRef, Widget, compose,
    compose_all, sources, version,
};

use crate::numbers::first_number;
use crate::support::{Facility, Page, TestApp};

/// What a board shows over these facilities, by whoever may see only the facilities of `scope`.
pub(crate) async fn context(app: &TestApp, scope: &Scope, of: &[&Facility], filter: Filter, range: Range) -> Context {
    let all = facilities::directory(app.db.unscoped()).await.expect("the directory");
    let visible: Vec<_> = all
        .into_iter()
        .filter(|facility| of.iter().any(|one| one.id == facility.id))
        .collect();
    let zone = visible
        .first()
        .map_or(pulseboard::clock::Zone::UTC, |facility| facility.zone);
    Context::new(scope.clone(), &visible, filter, range, zone, app.db.clock.now())
        .expect("a range that can be shown")
        .at("/boards/1/widgets", "", "/boards/1")
}

async fn today(app: &TestApp, of: &Facility) -> Context {
    context(app, &Scope::of(of.id), &[of], Filter::default(), Range::days(1)).await
}

fn widget(kind: Kind, measure: &str, by: &[Dimension]) -> Widget {
    let mut widget = Widget::new(kind, "w1");
    if kind.describe().needs_source() {
        widget.source = Some(SourceRef {
            measure: measure.into(),
            by: by.to_vec(),
        });
    }
    if kind == Kind::Text {
        widget.options.markdown = Some("# Night rules".into());
    }
    widget
}

/// The answer of a measure's source.
async fn load(app: &TestApp, context: &Context, measure: &str, by: &[Dimension]) -> Frame {
    let (source, known) = sources()
        .find(measure)
        .unwrap_or_else(|| panic!("no measure {measure}"));
    let span = context.span;
    let query = Query::new(known, &widget(Kind::Table, measure, by), by, &span, context);
    let mut tx = app.db.read(&context.scope).await.expect("a look");
    source
        .load(&mut tx, &query)
        .await
        .unwrap_or_else(|error| panic!("{measure} by {by:?}: {error}"))
}

/// All of a measure; nothing is zero.
async fn figure(app: &TestApp, context: &Context, measure: &str) -> f64 {
    let (_, known) = sources().find(measure).expect("a measure");
    let nature = known.nature;
    load(app, context, measure, &[]).await.total(nature).unwrap_or_default()
}

/// A measure by one thing, as key and number, in the order of the keys.
async fn by(app: &TestApp, context: &Context, measure: &str, dimension: Dimension) -> Vec<(String, f64)> {
    let frame = load(app, context, measure, &[dimension]).await;
    let mut rows: Vec<(String, f64)> = frame.rows.into_iter().map(|row| (row.first, row.value)).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

async fn drawn(app: &TestApp, context: &Context, widget: &Widget) -> Composed {
    let mut tx = app.db.read(&context.scope).await.expect("a look");
    let version = version(&mut tx, context).await.expect("a version");
    compose(&mut tx, widget, context, &mut Loads::new(sources(), version)).await
}

/// A facility in which everything that is measured has happened, and the other side of it.
async fn eventful(app: &TestApp) -> (Facility, Facility) {
    let (here, there) = (app.facility("Lakeside").await, app.facility("Riverside").await);
    let editor = app.editor(&here).await;
    app.delivery(&there, &here).await;
    app.delivery(&here, &there).await;
    app.stock(&here).quantity(12).add().await;
    app.stock(&here)
        .of(Component::Platelets, BloodGroup::APositive)
        .quantity(3)
        .expires_in(TimeDelta::hours(20))
        .add()
        .await;
    app.stock(&here).quantity(4).quarantined().add().await;
    let bad = app.stock(&here).quantity(5).add().await;
    let discard = Discard {
        quantity: Some(2),
        reason: DiscardReason::Damaged,
        note: String::new(),
    };
    inventory::commands::discard(&app.db, &editor, bad, &discard)
        .await
        .expect("two are discarded");
    app.request(&here, &[&there]).await;
    let wanted = app.request(&there, &[&here]).await;
    app.request(&there, &[&here]).await;
    requests::commands::accept(&app.db, &editor, wanted, &Acceptance::default())
        .await
        .expect("accepted");
    (here, there)
}

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

/// A widget of every kind over every measure in every shape that it can show.
pub(crate) fn everything() -> Vec<Widget> {
    let mut widgets = Vec::new();
    for &kind in Kind::ALL {
        if !kind.describe().needs_source() {
            widgets.push(widget(kind, "", &[]));
        }
        for measure in sources().measures().filter(|measure| measure.suits(kind)) {
            widgets.push(widget(kind, &measure.name, &kind.default_by(measure.by)));
            for &dimension in measure.by.iter().filter(|one| kind.accepts(&[**one])) {
                widgets.push(widget(kind, &measure.name, &[dimension]));
            }
        }
    }
    for (at, widget) in widgets.iter_mut().enumerate() {
        widget.id = format!("w{at}");
    }
    widgets
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
    for context in [&one, &none, &many] {
        let composed = compose_all(&app.db, sources(), &widgets, context)
            .await
            .expect("a board");

        assert_eq!(composed.len(), widgets.len());
        for (composed, widget) in composed.iter().zip(&widgets) {
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
