use chrono::TimeDelta;

use super::*;
use crate::blood::compatibility::stock_choices;

fn lot(id: i64, group: BloodGroup, quantity: i32, days_left: i64) -> Unit {
    let at: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().unwrap();
    Unit {
        id: UnitId(id),
        blood_bank: 1,
        component: Component::RedCells,
        group,
        quantity,
        donation_number: None,
        lot: Some(id.to_string()),
        collected_at: at - TimeDelta::days(30),
        expires_at: at + TimeDelta::days(days_left),
        status: UnitStatus::Available,
        is_unsafe: false,
        reserved_for: None,
        reserved_until: None,
        received_at: at,
    }
}

fn taken(candidates: Vec<Unit>, quantity: i32) -> Vec<(i64, i32, u8)> {
    let choices = stock_choices(Component::RedCells, BloodGroup::APositive);
    let taken = take(candidates, &choices, quantity);
    taken
        .iter()
        .map(|taken| (taken.unit.id.0, taken.quantity, taken.rank))
        .collect()
}

#[test]
fn as_many_are_taken_as_are_wanted_and_of_the_last_lot_a_part() {
    let shelf = || vec![lot(1, BloodGroup::APositive, 2, 3), lot(2, BloodGroup::APositive, 5, 9)];

    assert_eq!(taken(shelf(), 4), [(1, 2, 1), (2, 2, 1)]);
    assert_eq!(taken(shelf(), 9), [(1, 2, 1), (2, 5, 1)]);
    assert_eq!(taken(shelf(), 0), []);
}

#[test]
fn a_group_that_may_not_be_given_is_passed_over() {
    let shelf = vec![lot(1, BloodGroup::BPositive, 2, 1), lot(2, BloodGroup::APositive, 1, 9)];

    assert_eq!(taken(shelf, 3), [(2, 1, 1)]);
}

#[test]
fn units_of_the_same_rank_and_expiry_are_as_good_as_each_other() {
    let choices = stock_choices(Component::RedCells, BloodGroup::APositive);
    let (first, twin, later) = (
        lot(1, BloodGroup::APositive, 1, 3),
        lot(2, BloodGroup::APositive, 1, 3),
        lot(3, BloodGroup::APositive, 1, 4),
    );
    let of = |unit: &Unit| merit(&choices, [(unit, 1)].into_iter());

    assert_eq!(of(&first), of(&twin));
    assert_ne!(of(&first), of(&later));
    assert_ne!(of(&first), of(&lot(4, BloodGroup::BPositive, 1, 3)));
}
