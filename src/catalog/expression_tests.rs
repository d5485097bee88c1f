use proptest::prelude::*;
use serde_json::json;

use super::*;

fn value(text: &str) -> Value {
    let data = json!({ "price": 4.5, "quantity": 3, "paid": true, "customer": { "country": "DE" }, "note": null });
    Expression::parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .value(&data)
}

fn mistake(text: &str) -> String {
    Expression::parse(text).expect_err(text).to_string()
}

#[test]
fn operators_bind_as_in_arithmetic_and_group_from_the_left() {
    for (text, expected) in [
        ("1 + 2 * 3", json!(7)),
        ("(1 + 2) * 3", json!(9)),
        ("10 - 3 - 2", json!(5)),
        ("12 / 3 / 2", json!(2)),
        ("-2 * -3", json!(6)),
        ("7 % 4 + 0.5", json!(3.5)),
        ("price * quantity", json!(13.5)),
        ("1 + 1 == 2 and not 2 > 3", json!(true)),
        ("false and true or true", json!(true)),
        ("customer.country == 'DE'", json!(true)),
        ("if paid then price else 0", json!(4.5)),
        (
            "if quantity > 5 then \"bulk\" else if quantity > 2 then \"some\" else \"one\"",
            json!("some"),
        ),
        ("'a' < 'b'", json!(true)),
        ("note == null", json!(true)),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn what_has_no_value_is_null_and_what_cannot_be_compared_is_false() {
    for text in [
        "1 / 0",
        "price + nothing",
        "'a' * 2",
        "-paid",
        "customer.city",
        "price.cents",
    ] {
        assert_eq!(value(text), Value::Null, "{text}");
    }
    for text in ["nothing > 1", "'2' > 1", "nothing <= nothing", "not true", "1 and true"] {
        assert_eq!(value(text), json!(false), "{text}");
    }
}

#[test]
fn a_mistake_names_its_column_and_what_is_accepted() {
    assert_eq!(
        mistake("price *"),
        "column 8: expected a number, a text in quotes, a field, `if`, `not` or `(`, found the end"
    );
    assert_eq!(
        mistake("price price"),
        "column 7: expected an operator or the end, found `price`"
    );
    assert_eq!(mistake("(1 + 2"), "column 7: expected `)`, found the end");
    assert_eq!(mistake("if a then b"), "column 12: expected `else`, found the end");
    assert_eq!(mistake("a & b"), "column 3: `&` has no meaning here");
    assert_eq!(mistake("1.2.3 + 1"), "column 1: `1.2.3` is not a number");
    assert_eq!(mistake("a == 'b"), "column 6: this text has no closing '");
    assert_eq!(mistake("a.1"), "column 3: expected the name of a field, found `1`");
    assert_eq!(
        mistake("1 < a < 3"),
        "column 7: expected `and` between two comparisons, found `<`"
    );
    assert!(mistake(&"(".repeat(200)).contains("at most 40"));
    assert!(mistake(&"a".repeat(1001)).contains("at most 1000 characters"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-c0-9 .()+*/<>=!'\"-]{0,60}") {
        if let Ok(expression) = Expression::parse(&text) {
            expression.value(&json!({ "a": 1, "b": "x" }));
        }
    }
}
