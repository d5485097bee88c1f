use super::*;

fn when() -> When {
    When {
        zone: "Europe/Berlin".parse().unwrap(),
        now: "2026-11-21T12:00:00Z".parse().unwrap(),
    }
}

fn read(fields: &[(&str, &str)]) -> Result<Receipt, Problems> {
    let common = [("blood_bank", "1"), ("to", "available"), ("note", "")];
    let fields: BTreeMap<String, String> = common
        .iter()
        .chain(fields)
        .map(|&(name, value)| (name.into(), value.into()))
        .collect();
    let lives = HashMap::from([(Component::RedCells, ComponentLife::Days(42))]);
    DeliveryForm::try_from(fields).unwrap().read(&when(), &lives)
}

fn problem(fields: &[(&str, &str)], field: &str) -> String {
    read(fields)
        .unwrap_err()
        .of(field)
        .unwrap_or_else(|| panic!("no problem of {field}"))
        .to_owned()
}

const FIRST: [(&str, &str); 4] = [
    ("number_1", "=A99992112345600"),
    ("component_1", "red_cells"),
    ("group_1", "O-"),
    ("collected_1", "2026-11-20T08:00"),
];

fn with_first(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    FIRST.iter().chain(more).copied().collect()
}

#[test]
fn what_a_row_leaves_out_is_as_above_and_the_expiry_follows_from_the_life() {
    let receipt = read(&with_first(&[("number_3", "A9999 21 123457"), ("group_3", "A+")])).unwrap();

    let [first, third] = &receipt.rows[..] else {
        panic!("two rows")
    };
    assert_eq!((first.row, third.row), (1, 3));
    assert_eq!(third.unit.component, Component::RedCells);
    assert_eq!(third.unit.group, BloodGroup::APositive);
    assert_eq!(third.unit.collected_at, first.unit.collected_at);
    // 42 days after 20 November, to the last minute by the clock of Berlin
    assert_eq!(
        first.unit.expires_at,
        "2027-01-01T22:59:00Z".parse::<DateTime<Utc>>().unwrap()
    );
}

#[test]
fn a_lot_has_a_name_and_a_quantity() {
    let lot = [("number_21", "L-7"), ("quantity_21", "12")];

    let receipt = read(&with_first(&lot)).unwrap();

    assert_eq!(receipt.rows[1].unit.lot.as_deref(), Some("L-7"));
    assert_eq!(receipt.rows[1].unit.quantity, 12);
    assert_eq!(
        problem(&with_first(&[("quantity_21", "2")]), "number_21"),
        "Name the lot, in at most 40 characters."
    );
    for quantity in ["", "0", "-1", "1001", "many"] {
        problem(
            &with_first(&[("number_21", "L"), ("quantity_21", quantity)]),
            "quantity_21",
        );
    }
}

#[test]
fn the_same_unit_twice_is_named_but_another_component_of_the_donation_is_not() {
    let again = with_first(&[("number_5", "a9999 21 123456 3")]);
    let plasma = with_first(&[
        ("number_5", "A999921123456"),
        ("component_5", "plasma"),
        ("expires_5", "2027-11-01T23:59"),
    ]);

    assert_eq!(problem(&again, "number_5"), "The same unit is in row 1.");
    assert_eq!(read(&plasma).unwrap().rows.len(), 2);
}

#[test]
fn each_problem_stands_beside_its_field() {
    assert!(problem(&[("number_1", "A99992112345X")], "number_1").starts_with("Character 13"));
    assert_eq!(
        problem(&[("number_1", "A999921123456")], "component_1"),
        "Choose the component."
    );
    assert_eq!(
        problem(&[("number_1", "A999921123456")], "group_1"),
        "Choose the group."
    );
    assert_eq!(problem(&[], ""), "Enter at least one donation number or lot.");
    let expires = |text| problem(&with_first(&[("expires_1", text)]), "expires_1");
    assert_eq!(expires("2026-11-19T00:00"), "This is before the collection.");
    assert_eq!(expires("2026-11-21T12:00"), "Expired 1 h ago.");
    assert_eq!(expires("tomorrow"), "Give the expiry of the label.");
    let future = [("number_1", "A999921123456"), ("collected_1", "2026-11-22T00:00")];
    assert_eq!(problem(&future, "collected_1"), "This is in the future.");
    assert!(problem(&[("to", "issued")], "to").starts_with("Choose"));
    assert!(problem(&[("blood_bank", "")], "blood_bank").starts_with("Choose"));
}

#[test]
fn a_field_that_the_form_does_not_have_is_refused() {
    for name in ["number_0", "number_25", "status_1", "number", "facility_id"] {
        let fields = BTreeMap::from([(name.to_owned(), String::new())]);
        assert!(DeliveryForm::try_from(fields).is_err(), "{name}");
    }
}
