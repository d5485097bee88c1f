use super::*;

const GOOD: &str = r#"
pulseboard_catalog = 1
name = "till"
version = 1
title = "Till"

[[table]]
name = "fees"
key = "card"
rows = [{ card = "visa", rate = 0.02 }, { card = "amex", rate = 0.03 }]

[[event]]
type = "till.sale"
title = "Sale"
actor = "/customer"
[event.schema]
type = "object"
required = ["customer", "price"]
[event.schema.properties]
customer = { type = "string" }
price = { type = "number", minimum = 0 }
card = { type = "string" }
[[event.enrich]]
field = "rate"
table = "fees"
key = "card"
column = "rate"
otherwise = 0
[[event.enrich]]
field = "fee"
as = "price * rate"

[[event]]
type = "till.spree"
title = "Two sales at once"

[[metric]]
name = "till_sales"
title = "Sales"
kind = "sum"
event = "till.sale"
value = "price"
where = { card = ["visa", "amex"] }
by = ["card"]

[[metric]]
name = "till_count"
title = "Sales"
kind = "count"
event = "till.sale"

[[metric]]
name = "till_mean"
title = "Mean sale"
kind = "ratio"
of = "till_sales"
per = "till_count"

[[correlation]]
emits = "till.spree"
title = "Two sales at once"
key = "customer"
within = "10m"
[[correlation.step]]
event = "till.sale"
count = 2
"#;

/// The good catalog with one thing changed, and what is then said.
fn wrong(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    let problems = read(&GOOD.replacen(from, to, 1)).expect_err(to);
    lines("till.toml", &problems)
}

#[test]
fn a_whole_catalog_is_read() {
    let catalog = read(GOOD).unwrap_or_else(|problems| panic!("{:?}", lines("till.toml", &problems)));

    assert_eq!(catalog.events.len(), 2);
    assert_eq!(catalog.retention.to_string(), "90d");
    assert_eq!(catalog.correlations[0].within.to_string(), "10m");
}

#[test]
fn a_mistake_of_the_form_names_file_key_line_and_what_is_accepted() {
    assert_eq!(
        wrong("kind = \"sum\"", "kind = \"summ\""),
        [
            "till.toml, metric[0].kind: \"summ\" is not a metric kind: expected one of count, sum, average, distinct, ratio (line 40)."
        ]
    );
    assert_eq!(
        wrong("within = \"10m\"", "within = \"ten\""),
        [
            "till.toml, correlation[0].within: `ten` is not a length of time: expected a whole number and one of s, m, h, d, such as `10m` (line 63)."
        ]
    );
    let unknown = wrong("title = \"Till\"", "title = \"Till\"\ncolour = 1");
    assert!(
        unknown[0]
            .starts_with("till.toml, colour: unknown field `colour`, expected one of `pulseboard_catalog`, `name`"),
        "{unknown:?}"
    );
    let missing = wrong("version = 1", "");
    assert!(missing[0].contains("missing field `version`"), "{missing:?}");
    let broken = wrong("[[table]]", "[[table");
    assert!(broken[0].contains("(line 7)"), "{broken:?}");
}

#[test]
fn what_does_not_hold_together_names_file_key_and_what_is_accepted() {
    for (from, to, said) in [
        (
            "value = \"price\"",
            "value = \"prize\"",
            "till.toml, metric[0].value: There is no field “prize”: expected one of card, customer, price, rate, fee.",
        ),
        (
            "value = \"price\"",
            "",
            "till.toml, metric[0].value: A sum needs `value`.",
        ),
        (
            "kind = \"count\"",
            "kind = \"count\"\nvalue = \"price\"",
            "till.toml, metric[1].value: A count takes no `value`.",
        ),
        (
            "of = \"till_sales\"",
            "of = \"till_sale\"",
            "till.toml, metric[2].of: There is no metric that is no ratio “till_sale”: expected one of till_sales, till_count.",
        ),
        (
            "as = \"price * rate\"",
            "as = \"price * (rate\"",
            "till.toml, event[0].enrich[1].as: In `price * (rate`, column 14: expected `)`, found the end.",
        ),
        (
            "as = \"price * rate\"",
            "as = \"price * rat\"",
            "till.toml, event[0].enrich[1].as: There is no field “rat”: expected one of card, customer, price, rate.",
        ),
        (
            "column = \"rate\"",
            "column = \"cost\"",
            "till.toml, event[0].enrich[0].column: There is no column “cost”: expected one of card, rate.",
        ),
        (
            "actor = \"/customer\"",
            "actor = \"customer\"",
            "till.toml, event[0].actor: `customer` is not a JSON pointer: expected one such as `/customer`.",
        ),
        (
            "emits = \"till.spree\"",
            "emits = \"till.sprees\"",
            "till.toml, correlation[0].emits: There is no event of this catalog “till.sprees”: expected one of till.sale, till.spree.",
        ),
        (
            "count = 2",
            "count = 1",
            "till.toml, correlation[0].step: A correlation is of two events or more.",
        ),
        (
            "name = \"till_count\"",
            "name = \"till_sales\"",
            "till.toml, metric[1].name: “till_sales” is there already.",
        ),
        (
            "name = \"till\"",
            "name = \"Till!\"",
            "till.toml, name: Use 1 to 32 small letters, digits and hyphens, a letter first.",
        ),
        (
            "pulseboard_catalog = 1",
            "pulseboard_catalog = 2",
            "till.toml, pulseboard_catalog: The format is 2; this program reads 1.",
        ),
        (
            "card = \"amex\", rate",
            "card = \"amex\", rat",
            "till.toml, table[0].rows[1]: Every row has the columns of the first: card, rate.",
        ),
    ] {
        let lines = wrong(from, to);
        assert!(lines.iter().any(|line| line == said), "{to}: {lines:#?}");
    }
    let schema = wrong("type = \"number\", minimum = 0", "type = \"numbre\"");
    assert!(
        schema[0].starts_with("till.toml, event[0].schema: This is not a JSON Schema:"),
        "{schema:?}"
    );
}
