use super::*;
use crate::blood::{BloodGroup, Component};

fn lot(status: UnitStatus) -> Unit {
    let at: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().unwrap();
    Unit {
        id: UnitId(1),
        blood_bank: 1,
        component: Component::Platelets,
        group: BloodGroup::OPositive,
        quantity: 5,
        donation_number: None,
        lot: Some("L1".into()),
        collected_at: at,
        expires_at: at + chrono::TimeDelta::days(5),
        status,
        is_unsafe: false,
        reserved_for: None,
        reserved_until: None,
        received_at: at,
    }
}

fn refused(unit: &Unit, expired: bool, quantity: Option<i32>, to: UnitStatus, change: Change<'_>) -> Option<String> {
    permit(unit, expired, &[unit.status], quantity, to, &change)
        .err()
        .map(|refusal| refusal.to_string())
}

#[test]
fn an_expired_unit_is_neither_reserved_nor_issued_nor_sent_nor_released() {
    use UnitStatus::{Available, Discarded, InTransit, Issued, Quarantined, Reserved};
    for (from, to, kind) in [
        (Available, Reserved, MovementKind::Reserved),
        (Available, Issued, MovementKind::Issued),
        (Reserved, InTransit, MovementKind::Dispatched),
        (Quarantined, Available, MovementKind::Released),
    ] {
        assert!(
            refused(&lot(from), true, None, to, Change::of(kind))
                .unwrap()
                .contains("has expired")
        );
        assert_eq!(refused(&lot(from), false, None, to, Change::of(kind)), None);
    }
    let unreserved = Change::of(MovementKind::Unreserved);
    assert_eq!(refused(&lot(Reserved), true, None, Available, unreserved), None);
    assert_eq!(
        refused(
            &lot(Available),
            true,
            None,
            Discarded,
            Change::of(MovementKind::Discarded)
        ),
        None
    );
}

#[test]
fn an_unsafe_unit_is_only_discarded() {
    let unit = Unit {
        is_unsafe: true,
        ..lot(UnitStatus::Quarantined)
    };

    let released = refused(
        &unit,
        false,
        None,
        UnitStatus::Available,
        Change::of(MovementKind::Released),
    );
    let discarded = refused(
        &unit,
        false,
        None,
        UnitStatus::Discarded,
        Change::of(MovementKind::Discarded),
    );

    assert!(released.unwrap().contains("positive test"));
    assert_eq!(discarded, None);
}

#[test]
fn a_unit_reserved_for_a_request_goes_to_that_request_only() {
    let unit = Unit {
        reserved_for: Some(RequestId(7)),
        ..lot(UnitStatus::Reserved)
    };
    let dispatched = |request| Change {
        request,
        ..Change::of(MovementKind::Dispatched)
    };

    assert_eq!(
        refused(
            &unit,
            false,
            None,
            UnitStatus::InTransit,
            dispatched(Some(RequestId(7)))
        ),
        None
    );
    for other in [None, Some(RequestId(8))] {
        assert!(refused(&unit, false, None, UnitStatus::InTransit, dispatched(other)).is_some());
    }
}

#[test]
fn a_lot_gives_what_it_has_and_no_more() {
    let change = Change::of(MovementKind::Issued);
    let tried = |quantity| {
        refused(
            &lot(UnitStatus::Available),
            false,
            Some(quantity),
            UnitStatus::Issued,
            change,
        )
    };

    assert_eq!(tried(1), None);
    assert_eq!(tried(5), None);
    assert_eq!(tried(6).unwrap(), "Lot L1 has only 5 left.");
    assert!(tried(0).is_some() && tried(-1).is_some());
}

#[test]
fn a_unit_that_has_moved_meanwhile_is_refused_by_name() {
    let unit = lot(UnitStatus::Issued);

    let refusal = permit(
        &unit,
        false,
        &[UnitStatus::Available],
        None,
        UnitStatus::Discarded,
        &Change::of(MovementKind::Discarded),
    );

    assert_eq!(refusal.unwrap_err().to_string(), "Lot L1 is issued by now.");
}
