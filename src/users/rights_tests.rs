//! Every rule about who may change whom, on two facilities.

use super::*;

const LAKESIDE: FacilityId = FacilityId(1);
const HILLTOP: FacilityId = FacilityId(2);

fn account(id: i64, memberships: &[(FacilityId, Role)]) -> Account {
    Account {
        id: UserId(id),
        network_admin: false,
        disabled: false,
        memberships: memberships
            .iter()
            .map(|&(facility, role)| Membership { facility, role })
            .collect(),
    }
}

fn network_admin(id: i64) -> Account {
    Account {
        network_admin: true,
        ..account(id, &[])
    }
}

#[test]
fn nobody_raises_their_own_role() {
    let viewer = account(1, &[(LAKESIDE, Role::Viewer)]);
    let admin = account(2, &[(LAKESIDE, Role::FacilityAdmin), (HILLTOP, Role::Staff)]);

    for after in [Role::Staff, Role::FacilityAdmin, Role::NetworkAdmin] {
        assert_eq!(
            may_change_role(&viewer, &viewer, LAKESIDE, Some(after)),
            Err(Refusal::OwnRights)
        );
    }
    assert_eq!(
        may_change_role(&admin, &admin, HILLTOP, Some(Role::FacilityAdmin)),
        Err(Refusal::OwnRights)
    );
    assert_eq!(
        may_change_role(&admin, &admin, LAKESIDE, Some(Role::NetworkAdmin)),
        Err(Refusal::OwnRights)
    );
    assert_eq!(
        may_change_network_admin(&admin, &admin, true, 1),
        Err(Refusal::OwnRights)
    );
    assert_eq!(may_change_role(&admin, &admin, LAKESIDE, Some(Role::Staff)), Ok(()));
}

#[test]
fn the_last_administrator_of_the_network_stays() {
    let (last, other) = (network_admin(1), network_admin(2));
    let out = Account {
        disabled: true,
        ..network_admin(3)
    };

    assert_eq!(
        may_change_network_admin(&last, &last, false, 0),
        Err(Refusal::LastNetworkAdmin)
    );
    assert_eq!(
        may_change_disabled(&last, &last, true, 0),
        Err(Refusal::LastNetworkAdmin)
    );
    assert_eq!(may_change_disabled(&last, &last, true, 1), Err(Refusal::Oneself));
    assert_eq!(may_change_network_admin(&last, &other, false, 1), Ok(()));
    assert_eq!(may_change_disabled(&last, &other, true, 1), Ok(()));
    // one who is locked out anyway does not count
    assert_eq!(may_change_network_admin(&last, &out, false, 1), Ok(()));
}

#[test]
fn an_administrator_of_a_facility_changes_only_what_is_theirs() {
    let admin = account(1, &[(LAKESIDE, Role::FacilityAdmin), (HILLTOP, Role::Viewer)]);
    let theirs = account(2, &[(LAKESIDE, Role::Staff)]);
    let shared = account(3, &[(LAKESIDE, Role::Staff), (HILLTOP, Role::Staff)]);
    let foreign = account(4, &[(HILLTOP, Role::Staff)]);
    let above = Account {
        memberships: theirs.memberships.clone(),
        ..network_admin(5)
    };

    assert_eq!(may_change_disabled(&admin, &theirs, true, 1), Ok(()));
    for outranking in [&shared, &above] {
        assert_eq!(may_change_account(&admin, outranking), Err(Refusal::Outranked));
        assert_eq!(
            may_change_disabled(&admin, outranking, true, 1),
            Err(Refusal::Outranked)
        );
        assert_eq!(may_change_role(&admin, outranking, LAKESIDE, None), Ok(()));
        assert_eq!(
            may_change_role(&admin, outranking, HILLTOP, None),
            Err(Refusal::NotTheirs)
        );
    }
    assert_eq!(may_change_account(&admin, &foreign), Err(Refusal::NotTheirs));
    assert_eq!(
        may_change_role(&admin, &foreign, LAKESIDE, Some(Role::Viewer)),
        Err(Refusal::NotTheirs)
    );
    assert_eq!(
        may_change_network_admin(&admin, &theirs, true, 1),
        Err(Refusal::Outranked)
    );
    assert_eq!(
        may_change_network_admin(&admin, &foreign, true, 1),
        Err(Refusal::NotTheirs)
    );
    assert_eq!(
        may_change_role(&admin, &theirs, LAKESIDE, Some(Role::NetworkAdmin)),
        Err(Refusal::Outranked)
    );
    assert_eq!(
        may_change_role(&admin, &theirs, LAKESIDE, Some(Role::FacilityAdmin)),
        Ok(())
    );
}

#[test]
fn an_invitation_offers_only_what_one_may_give() {
    let admin = account(1, &[(LAKESIDE, Role::FacilityAdmin)]);
    let offer = |facility, role| [Membership { facility, role }];

    assert_eq!(may_invite(&admin, &offer(LAKESIDE, Role::FacilityAdmin), false), Ok(()));
    assert_eq!(
        may_invite(&admin, &offer(HILLTOP, Role::Viewer), false),
        Err(Refusal::NotTheirs)
    );
    assert_eq!(
        may_invite(&admin, &offer(LAKESIDE, Role::NetworkAdmin), false),
        Err(Refusal::Outranked)
    );
    assert_eq!(may_invite(&admin, &[], true), Err(Refusal::Outranked));
    assert_eq!(
        may_invite(&network_admin(2), &offer(HILLTOP, Role::Staff), true),
        Ok(())
    );
}
