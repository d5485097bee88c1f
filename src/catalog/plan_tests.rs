use super::super::read;
use super::*;

const TEXT: &str = r#"
pulseboard_catalog = 1
name = "till"
version = 1
title = "Till"
[[event]]
type = "till.sale"
title = "Sale"
[event.schema.properties]
price = { type = "number" }
[[event]]
type = "till.closed"
title = "Closed"
[[metric]]
name = "till_sales"
title = "Sales"
kind = "sum"
event = "till.sale"
value = "price"
[[board]]
slug = "till"
name = "Till"
[board.definition]
widgets = []
"#;

fn catalog(text: &str) -> Catalog {
    read::read(text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The installed catalog, and what the next version of it would do.
fn next(change: impl Fn(&str) -> String, before: Before) -> Plan {
    let new = catalog(&change(TEXT).replace("version = 1", "version = 2"));
    let before = Before {
        catalog: Some(catalog(TEXT)),
        ..before
    };
    Plan::new(&before, &new)
}

fn lines(plan: &Plan) -> Vec<String> {
    let line = |step: &Step| format!("{} {} {}: {}", step.act, step.thing, step.name, step.words);
    plan.steps.iter().map(line).collect()
}

#[test]
fn a_first_import_adds_everything_and_says_what_it_is() {
    let plan = Plan::new(&Before::default(), &catalog(TEXT));

    assert!(plan.can_be_done());
    assert_eq!(
        lines(&plan),
        [
            "add event till.sale: 1 field is checked",
            "add event till.closed: any data",
            "add metric till_sales: sum of price in till.sale",
            "add board till: 0 widgets, for the whole network",
        ]
    );
}

#[test]
fn the_same_file_again_has_nothing_to_do() {
    let before = Before {
        catalog: Some(catalog(TEXT)),
        ..Before::default()
    };

    let plan = Plan::new(&before, &catalog(TEXT));

    assert_eq!(plan, Plan::default());
    assert!(!plan.can_be_done());
}

#[test]
fn a_next_version_says_what_changes() {
    let plan = next(
        |text| {
            text.replace("title = \"Sales\"", "title = \"Takings\"\nunit = \"€\"")
                .replace("[[board]]", "[[metric]]\nname = \"till_count\"\ntitle = \"Count\"\nkind = \"count\"\nevent = \"till.sale\"\n[[board]]")
                .replace("[[event]]\ntype = \"till.closed\"\ntitle = \"Closed\"", "")
        },
        Before::default(),
    );

    assert_eq!(plan.refusals, Vec::<String>::new());
    assert_eq!(
        lines(&plan),
        [
            "change catalog till: version “1” becomes “2”",
            "remove event till.closed: no such event was ever kept",
            "change metric till_sales: title “Sales” becomes “Takings”; unit “” becomes “€”",
            "add metric till_count: count of till.sale",
        ]
    );
}

#[test]
fn what_cannot_migrate_is_refused_with_its_reason() {
    let other_kind = next(
        |text| text.replace("kind = \"sum\"", "kind = \"average\""),
        Before::default(),
    );
    assert_eq!(
        other_kind.refusals,
        [
            "The metric “till_sales” is of the kind “sum” and would be “avg”: what is recorded cannot become that. Give the \
             new one another name."
        ]
    );
    assert!(!other_kind.can_be_done());

    let with_events = Before {
        types_with_events: BTreeSet::from(["till.closed".to_owned()]),
        ..Before::default()
    };
    let gone = next(
        |text| text.replace("[[event]]\ntype = \"till.closed\"\ntitle = \"Closed\"", ""),
        with_events,
    );
    assert_eq!(
        gone.refusals,
        [
            "The event “till.closed” is not in the new version, but events of it are kept. Leave it in the file, or remove the \
             whole catalog."
        ]
    );
}

#[test]
fn versions_only_grow() {
    let installed = |version: &str| Before {
        catalog: Some(catalog(&TEXT.replace("version = 1", version))),
        ..Before::default()
    };

    let older = Plan::new(&installed("version = 3"), &catalog(TEXT));
    assert!(
        older.refusals[0].starts_with("Version 3 is installed, and this is version 1"),
        "{older:?}"
    );
    let same = Plan::new(
        &installed("version = 1"),
        &catalog(&TEXT.replace("\"Till\"\n[[", "\"Tills\"\n[[")),
    );
    assert!(same.refusals[0].contains("give the file version 2"), "{same:?}");
}

#[test]
fn names_of_other_catalogs_are_theirs() {
    let before = Before {
        types_of_others: BTreeMap::from([("till.sale".to_owned(), "shop".to_owned())]),
        recorded: BTreeMap::from([("till_sales".to_owned(), "gauge".to_owned())]),
        ..Before::default()
    };

    let plan = Plan::new(&before, &catalog(TEXT));

    assert_eq!(plan.refusals[0], "The catalog “shop” has an event “till.sale” already.");
    assert!(
        plan.refusals[1].contains("of the kind “gauge” and would be “sum”"),
        "{plan:?}"
    );
}
