//! The figures of each shipped catalog over the events of its generator, against a recount that knows neither the catalog's
//! tables nor its expressions.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use pulseboard::catalog;
use pulseboard::db::Scope;
use pulseboard::figures::{Cut, Dimension};
use pulseboard::metrics::figures::{Aggregate, split};
use pulseboard::synthetic::{Happening, Stream, item};

use super::{import, sender};
use crate::support::TestApp;

/// The events of a day that is over, sent in pieces; each was taken.
async fn a_day_of(app: &TestApp, domain: &str) -> Vec<Happening> {
    let shipped = catalog::shipped().iter().find(|one| one.name == domain).unwrap();
    import(app, shipped.text).await;
    let from = app.db.clock.now() - TimeDelta::days(1);
    let events = Stream::new(domain, 11, from).unwrap().until(app.db.clock.now());
    for piece in events.chunks(700) {
        let batch = piece.iter().map(|one| item(domain, one.clone())).collect();
        let verdicts = app.ingest.submit(&sender(), batch).await.unwrap();
        assert!(
            verdicts.iter().all(|verdict| verdict.is_good()),
            "{domain}: {verdicts:?}"
        );
    }
    events
}

/// What boards show over all days, by a tag.
async fn shown(app: &TestApp, metric: &str, aggregate: Aggregate, tag: &str) -> BTreeMap<String, f64> {
    let today: NaiveDate = app.db.clock.now().date_naive();
    let cut = Cut {
        facilities: vec![],
        first: today - TimeDelta::days(3),
        last: today,
        by: if tag.is_empty() { vec![] } else { vec![Dimension::Tag] },
        group: None,
        component: None,
    };
    let mut tx = app.db.read(&Scope::All).await.unwrap();
    let rows = split(&mut tx, &cut, metric, aggregate, tag).await.unwrap();
    let value = |over: Option<f64>, value: f64| over.map_or(value, |over| value / over);
    rows.into_iter()
        .map(|row| (row.first, value(row.over, row.value)))
        .collect()
}

/// A sum over the events of a kind, by a field; empty for all together.
fn recount(events: &[Happening], kind: &str, by: &str, value: impl Fn(&Happening) -> f64) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == kind) {
        let key = event.data[by].as_str().unwrap_or_default().to_owned();
        *sums.entry(key).or_insert(0.0) += value(event);
    }
    sums
}

fn of(field: &'static str) -> impl Fn(&Happening) -> f64 {
    move |event| event.data[field].as_f64().unwrap()
}

#[track_caller]
fn same(shown: &BTreeMap<String, f64>, counted: &BTreeMap<String, f64>) {
    assert!(!counted.is_empty());
    assert_eq!(shown.keys().collect::<Vec<_>>(), counted.keys().collect::<Vec<_>>());
    for (key, counted) in counted {
        assert!(
            (shown[key] - counted).abs() < 1e-6,
            "{key}: {} is not {counted}",
            shown[key]
        );
    }
}

#[tokio::test]
async fn the_shops_figures_are_what_its_events_say() {
    let app = TestApp::new().await;
    let events = a_day_of(&app, "shop").await;
    let revenue = |event: &Happening| of("price")(event) * of("quantity")(event);
    let fee = |event: &Happening| match event.data["method"].as_str().unwrap() {
        "card" => revenue(event) * 0.014 + 0.25,
        "wallet" => revenue(event) * 0.024 + 0.35,
        _ => revenue(event) * 0.029 + 0.60,
    };
    let costs = BTreeMap::from([
        ("espresso-machine", 210.0),
        ("kettle", 18.5),
        ("desk-lamp", 14.2),
        ("office-chair", 88.0),
        ("headphones", 61.0),
        ("speaker", 39.9),
        ("backpack", 24.0),
        ("suitcase", 52.0),
    ]);
    let profit = |event: &Happening| {
        revenue(event) - fee(event) - costs[event.data["product"].as_str().unwrap()] * of("quantity")(event)
    };
    let count = |_: &Happening| 1.0;

    let sum = Aggregate::Sum;
    same(
        &shown(&app, "shop_views", sum, "product").await,
        &recount(&events, "shop.viewed", "product", count),
    );
    same(
        &shown(&app, "shop_clicks", sum, "").await,
        &recount(&events, "shop.clicked", "", count),
    );
    same(
        &shown(&app, "shop_revenue", sum, "product").await,
        &recount(&events, "shop.ordered", "product", revenue),
    );
    same(
        &shown(&app, "shop_fees", sum, "method").await,
        &recount(&events, "shop.ordered", "method", fee),
    );
    same(
        &shown(&app, "shop_profit", sum, "").await,
        &recount(&events, "shop.ordered", "", profit),
    );
    let (orders, views) = (
        recount(&events, "shop.ordered", "product", count),
        recount(&events, "shop.viewed", "product", count),
    );
    let conversion = views
        .iter()
        .map(|(product, views)| (product.clone(), orders.get(product).unwrap_or(&0.0) / views))
        .collect();
    same(
        &shown(&app, "shop_conversion", Aggregate::Ratio, "product").await,
        &conversion,
    );
    let visitors: BTreeSet<&str> = events
        .iter()
        .filter(|event| event.kind == "shop.viewed")
        .map(|event| event.data["visitor"].as_str().unwrap())
        .collect();
    let visitors = BTreeMap::from([(String::new(), visitors.len() as f64)]);
    same(&shown(&app, "shop_visitors", Aggregate::Distinct, "").await, &visitors);
}

#[tokio::test]
async fn the_payments_figures_are_what_their_events_say() {
    let app = TestApp::new().await;
    let events = a_day_of(&app, "payments").await;
    let approved = |event: &Happening| f64::from(event.data["status"] == "approved");
    let euro = |event: &Happening| {
        let rate = match event.data["country"].as_str().unwrap() {
            "GB" => 1.17,
            "US" => 0.92,
            _ => 1.0,
        };
        approved(event) * of("amount")(event) * rate
    };
    let failed = |event: &Happening| f64::from(event.data["outcome"] == "failed" && event.data["action"] == "login");

    let sum = Aggregate::Sum;
    let kind = "payment.transaction";
    same(
        &shown(&app, "payment_volume", sum, "method").await,
        &recount(&events, kind, "method", euro),
    );
    same(
        &shown(&app, "payment_losses", sum, "").await,
        &recount(&events, "payment.fraud", "", of("loss")),
    );
    same(
        &shown(&app, "payment_failed_logins", sum, "").await,
        &recount(&events, "payment.security", "", failed),
    );
    let (yes, all) = (
        recount(&events, kind, "method", approved),
        recount(&events, kind, "method", |_| 1.0),
    );
    let rate = all
        .iter()
        .map(|(method, all)| (method.clone(), yes[method] / all))
        .collect();
    same(
        &shown(&app, "payment_approval_rate", Aggregate::Ratio, "method").await,
        &rate,
    );
}

#[tokio::test]
async fn the_figures_of_servers_and_the_app_store_are_what_their_events_say() {
    let app = TestApp::new().await;
    let (servers, store) = (a_day_of(&app, "servers").await, a_day_of(&app, "app-store").await);
    let mean = |field: &'static str| -> BTreeMap<String, f64> {
        let counts = recount(&servers, "server.sampled", "host", |_| 1.0);
        let sums = recount(&servers, "server.sampled", "host", of(field));
        sums.into_iter()
            .map(|(host, sum)| (host.clone(), sum / counts[&host]))
            .collect()
    };
    let serious = |event: &Happening| f64::from(event.data["severity"] != "warning");

    let sum = Aggregate::Sum;
    same(
        &shown(&app, "cpu_usage", Aggregate::Average, "host").await,
        &mean("cpu"),
    );
    same(
        &shown(&app, "request_latency", Aggregate::Average, "host").await,
        &mean("latency_ms"),
    );
    same(
        &shown(&app, "server_errors", sum, "").await,
        &recount(&servers, "server.error", "", serious),
    );
    same(
        &shown(&app, "server_requests", sum, "").await,
        &recount(&servers, "server.sampled", "", of("requests")),
    );
    same(
        &shown(&app, "app_sales", sum, "category").await,
        &recount(&store, "app.sold", "category", of("price")),
    );
    same(
        &shown(&app, "app_creations", sum, "category").await,
        &recount(&store, "app.created", "category", |_| 1.0),
    );
    same(
        &shown(&app, "app_downloads", sum, "").await,
        &recount(&store, "app.downloaded", "", |_| 1.0),
    );
}
