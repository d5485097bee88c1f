use super::*;

#[test]
fn the_address_of_a_filter_reads_back_as_the_filter() {
    let filter = Filter {
        component: Some(Component::RedCells),
        group: Some(BloodGroup::OPositive),
        status: Some(UnitStatus::Available),
        issuable: true,
        expiring_hours: Some(72),
        search: "A9999 & co=ü".into(),
    };

    let href = filter.href(FacilityId(7));
    let uri: http::Uri = href.parse().unwrap();
    let back: axum_extra::extract::Query<Filter> = axum_extra::extract::Query::try_from_uri(&uri).unwrap();

    assert_eq!(
        href,
        "/facilities/7/inventory?component=red_cells&group=O%2B&status=available&issuable=true&expiring_hours=72&search=A9999%20%26%20co%3D%C3%BC"
    );
    assert_eq!(back.0, filter);
}

#[test]
fn empty_and_unknown_wishes_are_none() {
    let uri: http::Uri = "/x?component=&group=Z&status=&issuable=&expiring_hours=soon&search=&done=received"
        .parse()
        .unwrap();

    let filter: axum_extra::extract::Query<Filter> = axum_extra::extract::Query::try_from_uri(&uri).unwrap();

    assert!(filter.is_empty());
    assert_eq!(filter.href(FacilityId(7)), "/facilities/7/inventory");
}

#[test]
fn a_scan_is_searched_as_the_number_it_carries() {
    let search = |text: &str| {
        Filter {
            search: text.into(),
            ..Filter::default()
        }
        .number_prefix()
    };

    assert_eq!(search("=A99992112345600"), "A999921123456");
    assert_eq!(search("a9999 21 123456 3"), "A999921123456");
    assert_eq!(search("a9999 21"), "A999921");
}

#[test]
fn a_cursor_reads_back() {
    let cursor = Cursor {
        expires_at: "2026-07-01T12:00:00.123456Z".parse().unwrap(),
        id: UnitId(42),
    };

    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    assert!("".parse::<Cursor>().is_err());
    assert!("1.x".parse::<Cursor>().is_err());
}

#[test]
fn a_shelf_is_judged_by_its_levels_and_demand() {
    let level = |issuable, levels: Option<(i32, i32, i32)>, daily_demand| Level {
        component: Component::RedCells,
        group: BloodGroup::ONegative,
        issuable,
        minimum: levels.map(|levels| levels.0),
        reorder: levels.map(|levels| levels.1),
        target: levels.map(|levels| levels.2),
        daily_demand,
    };
    let phase = |issuable| level(issuable, Some((2, 4, 8)), None).phase();

    assert_eq!(
        [phase(1), phase(2), phase(3), phase(4), phase(7), phase(8)],
        [
            Phase::Critical,
            Phase::Low,
            Phase::Low,
            Phase::Watch,
            Phase::Watch,
            Phase::Good
        ]
    );
    assert_eq!(level(0, None, None).phase(), Phase::Unknown);
    let may_be_empty = Some((0, 0, 1));
    assert_eq!(
        level(0, may_be_empty, None).phase(),
        Phase::Unknown,
        "nothing is there and nothing was wanted"
    );
    assert_eq!(level(0, may_be_empty, Some(0.2)).phase(), Phase::Watch);
    assert_eq!(level(6, None, Some(1.5)).days(), Some(4.0));
    assert_eq!(level(6, None, Some(0.0)).days(), None);
    assert_eq!(level(6, None, Some(-0.2)).days(), None);
    assert_eq!(level(6, None, None).days(), None);
}
