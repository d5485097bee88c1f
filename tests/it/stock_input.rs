//! Whatever is typed into the forms and the address of stock: answered, kept, and never half booked.

use http::StatusCode;
use pulseboard::auth::Role;

use crate::journey::{rows, send};
use crate::stock::delivery;
use crate::support::TestApp;

/// What nobody types by chance.
fn bad_texts() -> [String; 6] {
    [
        "-1".into(),
        "99999999999999999999".into(),
        "1e9".into(),
        "a\u{0}b".into(),
        "x".repeat(10_000),
        "\u{202e}﷽".into(),
    ]
}

#[tokio::test]
async fn whatever_stands_in_a_delivery_is_answered_and_kept() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let path = lakeside.path("/inventory");
    let good = |row: usize| {
        let mut fields = delivery(&lakeside, &[(row, "B-77".into())]);
        fields.push((format!("quantity_{row}"), "3".into()));
        fields
    };

    for text in bad_texts() {
        for field in [
            "quantity_21",
            "component_21",
            "group_21",
            "collected_21",
            "expires_21",
            "to",
            "blood_bank",
        ] {
            let mut fields = good(21);
            match fields.iter_mut().find(|(name, _)| name == field) {
                Some((_, value)) => value.clone_from(&text),
                None => fields.push((field.into(), text.clone())),
            }
            let answer = send(&staff, &path, &fields).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {text:.20}");
            assert_eq!(
                answer.value("number_21").as_deref(),
                Some("B-77"),
                "{field}: {text:.20}"
            );
        }
    }
    for (field, text) in [
        ("number_21", "a\u{0}b".to_owned()),
        ("note", "a\u{0}b".into()),
        ("note", "x".repeat(10_000)),
    ] {
        let mut fields = good(21);
        fields
            .iter_mut()
            .find(|(name, _)| name == field)
            .expect("the field")
            .1
            .clone_from(&text);
        let answer = send(&staff, &path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {text:.20}");
        assert_eq!(answer.value("quantity_21").as_deref(), Some("3"), "{field}: {text:.20}");
    }
    assert!(rows(&app, &lakeside).await.is_empty());
}

#[tokio::test]
async fn whatever_stands_in_the_forms_of_a_unit_is_answered_and_kept() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let lot = app.stock(&lakeside).quantity(5).add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let path = |verb: &str| lakeside.path(&format!("/inventory/{lot}/{verb}"));
    let before = rows(&app, &lakeside).await;

    for text in bad_texts() {
        let quantity = staff
            .post(&path("quarantine"), &[("quantity", &text), ("note", "why")])
            .await;
        assert_eq!(quantity.status, StatusCode::UNPROCESSABLE_ENTITY, "{text:.20}");
        assert_eq!(
            quantity.attr("#f-quarantine-note", "value").as_deref(),
            Some("why"),
            "{text:.20}"
        );
    }
    for text in ["a\u{0}b".to_owned(), "x".repeat(10_000), "  ".into()] {
        let note = staff
            .post(&path("quarantine"), &[("quantity", "2"), ("note", &text)])
            .await;
        assert_eq!(note.status, StatusCode::UNPROCESSABLE_ENTITY, "{text:.20}");
        assert_eq!(
            note.attr("#f-quarantine-quantity", "value").as_deref(),
            Some("2"),
            "{text:.20}"
        );
    }
    let too_many = staff
        .post(&path("quarantine"), &[("quantity", "6"), ("note", "why")])
        .await;
    assert_eq!(too_many.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(too_many.body().contains("has only 5 left"));
    let unknown = staff
        .post(&path("quarantine"), &[("note", "why"), ("facility_id", "9")])
        .await;
    assert_eq!(
        unknown.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a field that the form does not have"
    );
    assert_eq!(rows(&app, &lakeside).await, before);
}

#[tokio::test]
async fn whatever_stands_in_the_address_of_the_list_is_answered() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;

    for query in [
        "component=soup",
        "group=%00",
        "status=gone",
        "issuable=perhaps",
        "expiring_hours=-1",
        "expiring_hours=4294967295",
        "search=%25%5F%5C",
        "after=9223372036854775807.9223372036854775807",
        "after=-9223372036854775808.1",
        "after=x",
    ] {
        let answer = staff.get(&lakeside.path(&format!("/inventory?{query}"))).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
    }
    let nul = staff.get(&lakeside.path("/inventory?search=a%00b")).await;
    assert!(
        nul.status == StatusCode::OK || nul.status == StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        nul.status
    );
    for id in ["0", "-1", "9223372036854775807", "99999999999999999999", "x"] {
        let answer = staff.get(&lakeside.path(&format!("/inventory/{id}"))).await;
        assert!(answer.status.is_client_error(), "{id}: {}", answer.status);
    }
}
