use proptest::prelude::*;

use super::*;

/// Three failures, then a large payment, within ten minutes.
fn pattern() -> Pattern {
    Pattern {
        counts: vec![3, 1],
        within: TimeDelta::minutes(10),
    }
}

const FAILURE: u8 = 0b01;
const PAYMENT: u8 = 0b10;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn candidates(events: &[(i64, u8)]) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = events
        .iter()
        .map(|(minute, steps)| Candidate {
            at: at(*minute),
            steps: *steps,
        })
        .collect();
    all.sort_by_key(|one| (one.at, one.steps));
    all
}

fn found(events: &[(i64, u8)]) -> Vec<Vec<usize>> {
    let cases = pattern().cases(&candidates(events), &[]);
    cases.into_iter().map(|case| case.events).collect()
}

#[test]
fn the_steps_must_follow_each_other_in_number_order_and_time() {
    assert_eq!(
        found(&[(0, FAILURE), (1, FAILURE), (2, FAILURE), (3, PAYMENT)]),
        [[0, 1, 2, 3]]
    );
    assert_eq!(
        found(&[(0, FAILURE), (1, FAILURE), (3, PAYMENT)]),
        Vec::<Vec<usize>>::new(),
        "one too few"
    );
    assert_eq!(
        found(&[(0, PAYMENT), (1, FAILURE), (2, FAILURE), (3, FAILURE)]),
        Vec::<Vec<usize>>::new(),
        "order"
    );
    assert_eq!(
        found(&[(0, FAILURE), (1, FAILURE), (2, FAILURE), (10, PAYMENT)]).len(),
        1,
        "the very end counts"
    );
    assert_eq!(
        found(&[(0, FAILURE), (1, FAILURE), (2, FAILURE), (11, PAYMENT)]).len(),
        0,
        "too long"
    );
}

#[test]
fn the_latest_events_make_the_case_and_ties_go_by_step() {
    let events = [(0, FAILURE), (5, FAILURE), (6, FAILURE), (7, FAILURE), (12, PAYMENT)];
    assert_eq!(found(&events), [[1, 2, 3, 4]]);
    assert_eq!(
        found(&[(4, PAYMENT), (4, FAILURE), (4, FAILURE), (4, FAILURE)]).len(),
        1
    );
}

#[test]
fn what_a_case_covers_makes_no_other() {
    let two_payments = [(0, FAILURE), (1, FAILURE), (2, FAILURE), (3, PAYMENT), (4, PAYMENT)];
    assert_eq!(found(&two_payments).len(), 1);

    let one_more_case = [
        (0, FAILURE),
        (1, FAILURE),
        (2, FAILURE),
        (3, PAYMENT),
        (20, FAILURE),
        (21, FAILURE),
        (22, FAILURE),
        (23, PAYMENT),
    ];
    assert_eq!(found(&one_more_case).len(), 2);
    let known = pattern().cases(&candidates(&one_more_case), &[at(3)]);
    assert_eq!(known.len(), 1, "the first is known already");
}

#[test]
fn one_event_fills_one_step() {
    let twice = Pattern {
        counts: vec![1, 1],
        within: TimeDelta::minutes(5),
    };
    let both = candidates(&[(0, 0b11)]);
    assert_eq!(twice.cases(&both, &[]).len(), 0);
    assert_eq!(twice.cases(&candidates(&[(0, 0b11), (1, 0b11)]), &[]).len(), 1);
}

proptest! {
    /// One chain and whatever noise before and after it, cut into arrivals at any place and in any order: one case.
    #[test]
    fn one_chain_is_one_case_however_it_arrives(order in Just((0..4usize).collect::<Vec<_>>()).prop_shuffle(), cut in 1..4usize) {
        let chain = [(0, FAILURE), (2, FAILURE), (5, FAILURE), (9, PAYMENT)];
        let mut ended = Vec::new();
        let mut seen: Vec<(i64, u8)> = Vec::new();
        for part in order.chunks(cut) {
            seen.extend(part.iter().map(|place| chain[*place]));
            let here = candidates(&seen);
            for case in pattern().cases(&here, &ended) {
                ended.push(here[*case.events.last().unwrap()].at);
            }
        }
        prop_assert_eq!(ended, vec![at(9)]);
    }
}
