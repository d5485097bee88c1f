use std::collections::{BTreeMap, HashSet};

use chrono::Timelike;

use super::*;
use crate::catalog;

/// Noon of a Wednesday.
fn begin() -> DateTime<Utc> {
    DateTime::from_timestamp(1_794_398_400, 0).unwrap()
}

fn days(domain: &str, days: i64) -> Vec<Happening> {
    let mut stream = Stream::new(domain, 7, begin()).unwrap();
    stream.until(begin() + TimeDelta::days(days))
}

fn counts(events: &[Happening]) -> BTreeMap<&'static str, usize> {
    events.iter().fold(BTreeMap::new(), |mut counts, event| {
        *counts.entry(event.kind).or_default() += 1;
        counts
    })
}

#[test]
fn the_same_seed_gives_the_same_events_in_whatever_pieces() {
    for domain in DOMAINS {
        let whole = days(domain, 1);
        let mut stream = Stream::new(domain, 7, begin()).unwrap();
        let pieces: Vec<Happening> = (1..=1440 / 7 + 1)
            .flat_map(|piece| {
                stream.until((begin() + TimeDelta::seconds(7 * 60 * piece + 13)).min(begin() + TimeDelta::days(1)))
            })
            .collect();

        assert_eq!(whole, pieces, "{domain}");
        assert!(whole.is_sorted_by_key(|event| event.at), "{domain}");
        let ids: HashSet<&str> = whole.iter().map(|event| &*event.id).collect();
        assert_eq!(ids.len(), whole.len(), "{domain}");
    }
}

#[test]
fn every_event_is_one_of_its_catalog_and_every_type_but_the_correlated_happens() {
    for domain in DOMAINS {
        let shipped = catalog::shipped().iter().find(|one| one.name == domain).unwrap();
        let catalog = catalog::read(shipped.text).unwrap_or_else(|problems| panic!("{problems}"));
        let rules = catalog::Rules::new(std::slice::from_ref(&catalog));
        let events = days(domain, 4);

        for event in &events {
            let mut data = event.data.clone();
            if let Err(violation) = rules.take(event.kind, &mut data) {
                panic!("{}: {violation} in {}", event.kind, event.data);
            }
        }

        let counts = counts(&events);
        let made: HashSet<&str> = catalog.correlations.iter().map(|one| &*one.emits).collect();
        for event in catalog.events.iter().filter(|event| !made.contains(&*event.name)) {
            assert!(
                counts.get(&*event.name).is_some_and(|&count| count > 0),
                "{}: {counts:?}",
                event.name
            );
        }
        let per_day = events.len() / 4;
        assert!((2_000..25_000).contains(&per_day), "{domain}: {per_day} a day");
    }
}

#[test]
fn nights_are_quiet_and_evenings_are_not() {
    let at = |hour: i64| begin() + TimeDelta::hours(hour - 12);
    let views = days("shop", 6);
    let in_hour = |hour| views.iter().filter(|event| event.at.hour() == hour).count();

    assert!(in_hour(19) > 5 * in_hour(3), "{} and {}", in_hour(19), in_hour(3));
    let rhythm = Rhythm::new(1);
    assert!(rhythm.activity(at(19)) > 5.0 * rhythm.activity(at(3)));
}

#[test]
fn what_follows_was_preceded_and_each_step_is_rarer() {
    let events = days("shop", 3);

    let mut seen: HashSet<(&str, &str, &str)> = HashSet::new();
    let before = BTreeMap::from([
        ("shop.clicked", "shop.viewed"),
        ("shop.carted", "shop.clicked"),
        ("shop.ordered", "shop.carted"),
        ("shop.refunded", "shop.ordered"),
    ]);
    for event in &events {
        let (visitor, product) = (
            event.data["visitor"].as_str().unwrap(),
            event.data["product"].as_str().unwrap(),
        );
        if let Some(before) = before.get(event.kind) {
            assert!(seen.contains(&(before, visitor, product)), "{event:?} without {before}");
        }
        seen.insert((event.kind, visitor, product));
    }
    let counts = counts(&events);
    assert!(counts["shop.viewed"] > 2 * counts["shop.clicked"] && counts["shop.clicked"] > 2 * counts["shop.carted"]);
    assert!(counts["shop.carted"] > counts["shop.ordered"] && counts["shop.ordered"] > 5 * counts["shop.refunded"]);
}

#[test]
fn a_few_bear_most() {
    let mut amounts: Vec<f64> = days("payments", 3)
        .iter()
        .filter(|event| event.kind == "payment.transaction")
        .map(|event| event.data["amount"].as_f64().unwrap())
        .collect();
    amounts.sort_by(f64::total_cmp);

    let (all, top): (f64, f64) = (amounts.iter().sum(), amounts[amounts.len() * 9 / 10..].iter().sum());

    assert!(top > 0.4 * all, "the largest tenth is {top} of {all}");
}

#[test]
fn some_hours_are_bad() {
    let rhythm = Rhythm::new(3);
    let bad_days = (0..60)
        .filter(|day| {
            (0..96).any(|quarter| {
                rhythm.incident(begin() + TimeDelta::days(*day) + TimeDelta::minutes(15 * quarter)) > 0.0
            })
        })
        .count();

    assert!((10..45).contains(&bad_days), "{bad_days}");
}
