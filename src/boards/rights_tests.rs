use super::*;

const ANNA: UserId = UserId(1);
const HERE: FacilityId = FacilityId(10);
const NEAR: FacilityId = FacilityId(11);
const FAR: FacilityId = FacilityId(12);

fn member(facility: FacilityId, role: Role) -> Reader {
    Reader {
        user: Some(ANNA),
        memberships: vec![Membership {
            facility,
            region: if facility == FAR { "South" } else { "North" }.into(),
            role,
        }],
        ..Reader::default()
    }
}

fn network_admin() -> Reader {
    Reader {
        user: Some(ANNA),
        network_admin: true,
        ..Reader::default()
    }
}

fn stranger() -> Reader {
    Reader {
        user: Some(ANNA),
        ..Reader::default()
    }
}

fn board(owner: Owner) -> Board {
    Board {
        owner,
        published: true,
        ..Board::sample()
    }
}

fn share(with: With, level: Level) -> Share {
    Share { id: 1, with, level }
}

#[test]
fn every_role_has_its_right_to_every_owners_board() {
    use Right::*;
    let readers = [
        stranger(),
        member(FAR, Role::FacilityAdmin),
        member(NEAR, Role::FacilityAdmin),
        member(HERE, Role::Viewer),
        member(HERE, Role::Staff),
        member(HERE, Role::FacilityAdmin),
        network_admin(),
    ];
    let table = [
        (Owner::Person(ANNA), [Own; 7]),
        (Owner::Person(UserId(2)), [None; 7]),
        (Owner::Facility(HERE), [None, None, None, View, View, Own, Own]),
        (Owner::Region("North".into()), [None, None, View, View, View, View, Own]),
        (Owner::Network, [View, View, View, View, View, View, Own]),
    ];

    for (owner, rights) in table {
        for (reader, right) in readers.iter().zip(rights) {
            assert_eq!(may(reader, &board(owner.clone()), &[]), right, "{reader:?} {owner:?}");
        }
    }
}

#[test]
fn a_share_adds_a_right_and_takes_none_away() {
    use Right::*;
    let theirs = board(Owner::Person(UserId(2)));
    let cases = [
        (With::Person(ANNA), stranger(), true),
        (With::Person(UserId(3)), stranger(), false),
        (With::Role(Role::Viewer), stranger(), false),
        (With::Role(Role::Viewer), member(FAR, Role::Viewer), true),
        (With::Role(Role::Staff), member(FAR, Role::Viewer), false),
        (With::Role(Role::Staff), member(FAR, Role::FacilityAdmin), true),
        (With::Role(Role::FacilityAdmin), network_admin(), true),
        (With::Facility(HERE), member(HERE, Role::Viewer), true),
        (With::Facility(HERE), member(NEAR, Role::FacilityAdmin), false),
    ];

    for (with, reader, meant) in cases {
        for (level, right) in [(Level::View, View), (Level::Edit, Edit)] {
            let given = may(&reader, &theirs, &[share(with, level)]);
            assert_eq!(given, if meant { right } else { None }, "{with:?} {reader:?}");
        }
    }
    let both = [
        share(With::Person(ANNA), Level::Edit),
        share(With::Person(ANNA), Level::View),
    ];
    assert_eq!(may(&stranger(), &theirs, &both), Edit, "the higher of two holds");
    let admin = member(HERE, Role::FacilityAdmin);
    let view = [share(With::Person(ANNA), Level::View)];
    assert_eq!(may(&admin, &board(Owner::Facility(HERE)), &view), Own);
}

#[test]
fn what_is_not_published_exists_only_for_those_who_may_edit_it() {
    let draft = Board {
        published: false,
        ..board(Owner::Facility(HERE))
    };
    let shared = |level| [share(With::Person(ANNA), level)];

    assert_eq!(may(&member(HERE, Role::Staff), &draft, &[]), Right::None);
    assert_eq!(may(&member(HERE, Role::FacilityAdmin), &draft, &[]), Right::Own);
    assert_eq!(may(&stranger(), &draft, &shared(Level::View)), Right::None);
    assert_eq!(may(&stranger(), &draft, &shared(Level::Edit)), Right::Edit);
}
