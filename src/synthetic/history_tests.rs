use std::collections::{HashMap, HashSet};

use tokio::sync::mpsc;

use super::super::calendar::Calendars;
use super::super::network::{self, FirstIds};
use super::super::population::group_of;
use super::*;

/// A whole history without a database.
fn history(facilities: usize, days: u32, seed: u64) -> Vec<Batch> {
    let now = "2026-07-01T10:34:56Z".parse().unwrap();
    let mut dice = Dice::new(seed);
    let places = network::invent(facilities, FirstIds { facility: 1, bank: 1 }, &mut dice).unwrap();
    let sites = network::settle(places, &mut Calendars::new(now, days));
    let world = World {
        sites,
        dice,
        ledger: Ledger::new(1, 1, 1, now - TimeDelta::days(3)),
        now,
        days: days as usize,
        lives: [35, 42, 5, 365, 365].map(ComponentLife::Days).to_vec(),
    };
    let (sink, mut batches) = mpsc::channel(1000);
    world.run(&sink).unwrap();
    drop(sink);
    std::iter::from_fn(|| batches.blocking_recv()).collect()
}

#[test]
fn the_same_seed_makes_the_same_past_and_another_seed_another() {
    let told = |seed| {
        format!(
            "{:?}",
            history(12, 20, seed)
                .iter()
                .map(|batch| &batch.lots)
                .collect::<Vec<_>>()
        )
    };

    assert_eq!(told(1), told(1));
    assert_ne!(told(1), told(2));
}

#[test]
fn every_lot_moves_as_the_rules_allow_in_order_and_never_after_the_present() {
    let now: DateTime<Utc> = "2026-07-01T10:34:56Z".parse().unwrap();
    let mut numbers = HashSet::new();

    for (lot, status) in history(20, 40, 3).iter().flat_map(|batch| &batch.lots) {
        let mut from = None;
        let mut last = DateTime::<Utc>::MIN_UTC;
        for step in &lot.moves {
            assert!(
                step.kind.allows(from, Some(step.to)),
                "{:?} {from:?} {:?}",
                step.kind,
                step.to
            );
            assert!(last <= step.at && step.at < now, "{lot:?}");
            (from, last) = (Some(step.to), step.at);
        }
        assert_eq!(from, Some(*status));
        assert!(lot.collected_at < lot.expires_at && lot.moves[0].at >= lot.collected_at);
        assert_eq!(lot.reserved.is_some(), *status == UnitStatus::Reserved);
        if let Label::Donation(number) = &lot.label
            && *status != UnitStatus::Transferred
        {
            assert!(number.parse::<DonationNumber>().is_ok());
            assert!(numbers.insert((number.clone(), lot.cell)), "{number} twice");
        }
    }
}

#[test]
fn what_was_delivered_for_a_request_is_what_it_counts() {
    let batches = history(20, 40, 4);
    let mut delivered: HashMap<i64, i32> = HashMap::new();
    for distribution in batches.iter().flat_map(|batch| &batch.distributions) {
        if let (Some(request), Some(_)) = (distribution.request, distribution.delivered_at) {
            *delivered.entry(request).or_default() += distribution.quantity;
        }
    }

    for request in batches.iter().flat_map(|batch| &batch.requests) {
        assert_eq!(request.fulfilled, delivered.get(&request.id).copied().unwrap_or(0));
        assert!(request.fulfilled <= request.quantity);
    }
}

#[test]
fn blood_is_wasted_as_it_really_is() {
    let mut used: HashMap<Component, (f64, f64)> = HashMap::new();
    let batches = history(40, 90, 1);
    for (lot, _) in batches.iter().flat_map(|batch| &batch.lots) {
        let (issued, discarded) = used.entry(component_of(lot.cell)).or_default();
        for step in &lot.moves {
            match step.kind {
                MovementKind::Issued => *issued += f64::from(lot.quantity),
                MovementKind::Discarded => *discarded += f64::from(lot.quantity),
                _ => {}
            }
        }
    }
    let wasted = |component| {
        let (issued, discarded) = used[&component];
        discarded / issued * 100.0
    };

    assert!(
        (2.0..5.0).contains(&wasted(Component::RedCells)),
        "{}",
        wasted(Component::RedCells)
    );
    assert!(
        (11.0..19.0).contains(&wasted(Component::Platelets)),
        "{}",
        wasted(Component::Platelets)
    );
    assert!(wasted(Component::Plasma) < 10.0);
}

#[test]
fn the_present_has_work_to_do() {
    let batches = history(40, 30, 1);
    let standing = |status| {
        batches
            .iter()
            .flat_map(|batch| &batch.lots)
            .filter(|(_, found)| *found == status)
            .count()
    };
    let open = |urgent: bool| {
        let requests = batches.iter().flat_map(|batch| &batch.requests);
        let open = requests.filter(|request| request.status.as_str() == "open");
        open.filter(|request| (request.urgency.as_str() != "routine") == urgent)
            .count()
    };

    for status in [
        UnitStatus::Available,
        UnitStatus::Quarantined,
        UnitStatus::Reserved,
        UnitStatus::InTransit,
    ] {
        assert!(standing(status) > 5, "{status}: {}", standing(status));
    }
    assert!(open(true) > 5 && open(false) > 5);
}

#[test]
fn codes_of_ten_thousand_facilities_differ_and_are_well_formed() {
    let codes: HashSet<String> = (1..=10_000).map(code).collect();

    assert_eq!(codes.len(), 10_000);
    assert!(codes.iter().all(|code| DonationNumber::generate(code, 26, 1).is_ok()));
}

#[test]
fn cells_name_their_component_and_group() {
    assert_eq!(component_of(8).as_str(), "red_cells");
    assert_eq!(group_of(9).as_str(), "O+");
}
