use serde_json::json;

use super::super::read;
use super::*;

fn rules() -> Rules {
    let text = r#"
pulseboard_catalog = 1
name = "till"
version = 1
title = "Till"
[[table]]
name = "fees"
key = "card"
rows = [{ card = "visa", rate = 0.5, "label" = "Visa" }, { card = "amex", rate = 0.25, "label" = "Amex" }]
[[event]]
type = "till.sale"
title = "Sale"
facility = "/shop"
actor = "/customer/name"
subject = "/number"
[event.schema]
type = "object"
required = ["price"]
additionalProperties = false
[event.schema.properties]
shop = { type = "integer" }
number = { type = "integer" }
customer = { type = "object" }
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
[[event.enrich]]
field = "large"
as = "price >= 100"
[[event]]
type = "till.spree"
title = "Spree"
[[correlation]]
emits = "till.spree"
title = "Spree"
key = "/customer/name"
within = "10m"
[[correlation.step]]
event = "till.sale"
where = { card = ["visa", "amex"] }
[[correlation.step]]
event = "till.sale"
where = { large = true }
"#;
    Rules::new(&[read::read(text).unwrap_or_else(|problems| panic!("{problems}"))])
}

#[test]
fn data_is_enriched_in_order_and_its_people_are_found() {
    let mut data = json!({ "shop": 7, "number": 12, "customer": { "name": "Ada" }, "price": 8, "card": "visa" });

    let found = rules().take("till.sale", &mut data).unwrap();

    assert_eq!(
        (&data["rate"], &data["fee"], &data["large"]),
        (&json!(0.5), &json!(4), &json!(false))
    );
    assert_eq!(
        found,
        Found {
            facility: Some(json!(7)),
            actor: Some("Ada".into()),
            subject: Some("12".into())
        }
    );
    let mut cash = json!({ "price": 8 });
    rules().take("till.sale", &mut cash).unwrap();
    assert_eq!(cash["fee"], json!(0), "no such row: what the catalog says otherwise");
}

#[test]
fn data_against_the_schema_is_refused_with_path_and_reason() {
    let rules = rules();
    let refuse = |mut data: Value| rules.take("till.sale", &mut data).unwrap_err();

    assert_eq!(
        refuse(json!({ "price": -1 })),
        Violation {
            path: "/price".into(),
            reason: "-1 is less than the minimum of 0".into()
        }
    );
    assert_eq!(refuse(json!({})).to_string(), "data: \"price\" is a required property");
    assert!(
        refuse(json!({ "price": 1, "tip": 2 }))
            .reason
            .contains("'tip' was unexpected")
    );
    assert!(refuse(json!({ "price": "x".repeat(5000) })).reason.len() < 400);
}

#[test]
fn an_unknown_type_passes_as_it_is() {
    let mut data = json!([1]);

    assert_eq!(rules().take("other", &mut data), Ok(Found::default()));
    assert_eq!(data, json!([1]));
}

#[test]
fn an_event_fills_the_steps_whose_conditions_hold() {
    let rules = rules();
    let steps = |data: Value| {
        let mut data = data;
        rules.take("till.sale", &mut data).unwrap();
        rules.steps("till.sale", &data)
    };
    let ada = |price: i64, card: &str| json!({ "customer": { "name": "Ada" }, "price": price, "card": card });

    assert_eq!(steps(ada(5, "cash")), []);
    assert_eq!(steps(ada(5, "visa"))[0].steps, 0b01);
    assert_eq!(steps(ada(500, "cash"))[0].steps, 0b10);
    let both = steps(ada(500, "visa"));
    assert_eq!((both.len(), &*both[0].key, both[0].steps), (1, "Ada", 0b11));
    assert_eq!(both[0].correlation.emits, "till.spree");
    assert_eq!(steps(json!({ "price": 500 })), [], "nobody's");
}
