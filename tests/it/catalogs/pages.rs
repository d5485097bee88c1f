//! The admin pages: nothing is done before it was shown, what was shown is what is done, and what cannot be done says why.

use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::catalog::{self, Imported};

use super::{TILL, earlier, event, import, number, sender};
use crate::support::{Answer, TestApp};

fn next(change: impl Fn(&str) -> String) -> String {
    change(TILL).replace("version = 1", "version = 2")
}

/// The plan that a page shows: what happens, and to which part.
fn plan(page: &Answer) -> Vec<String> {
    page.texts("#plan tbody tr")
}

#[tokio::test]
async fn importing_does_what_was_shown_and_exporting_gives_it_back() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let form = |act: &'static str, seen: &str| {
        [
            ("content", TILL.to_owned()),
            ("do", act.to_owned()),
            ("seen", seen.to_owned()),
        ]
    };
    let post = async |fields: [(&'static str, String); 3]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        admin.post("/admin/catalogs/import", &fields).await
    };

    let shown = post(form("check", "")).await.ok();
    let before = number(&app, "select count(*) from catalogs").await;
    let unseen = post(form("import", "something else")).await;
    let done = post(form("import", &shown.value("seen").unwrap())).await;
    let again = post(form("check", "")).await.ok();

    assert_eq!(
        plan(&shown).len(),
        7,
        "three events, two metrics, a correlation, a board: {:?}",
        plan(&shown)
    );
    assert_eq!((before, unseen.status), (0, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(done.location(), Some("/admin/catalogs/till?done=catalog_imported"));
    assert!(plan(&again).is_empty(), "nothing is left to do");
    assert_eq!(
        number(&app, "select count(*) from event_types where catalog = 'till'").await,
        3
    );
    assert_eq!(
        number(&app, "select count(*) from metric_definitions where catalog = 'till'").await,
        2
    );
    assert_eq!(
        number(
            &app,
            "select count(*) from audit_log where action = 'imported' and thing = 'catalog'"
        )
        .await,
        1
    );
    let page = admin.get("/admin/catalogs/till").await.ok();
    assert_eq!(page.count("#plan tbody tr"), 7);
    assert!(page.text(".toolbar").contains("Till board"));
    assert_eq!(admin.get("/admin/catalogs/till/file").await.ok().body(), TILL);
}

#[tokio::test]
async fn every_catalog_that_comes_along_can_be_looked_at_and_imported() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    for shipped in catalog::shipped() {
        let shown = admin
            .get(&format!("/admin/catalogs/import?shipped={}", shipped.name))
            .await
            .ok();
        let Imported::Done(done) = import(&app, shipped.text).await else {
            panic!("{} was not imported", shipped.name);
        };
        assert_eq!(plan(&shown).len(), done.steps.len(), "{}", shipped.name);
        assert_eq!(shown.value("seen"), Some(done.fingerprint()), "{}", shipped.name);
    }
    let list = admin.get("/admin/catalogs").await.ok();
    assert!(list.text("main").contains("Payments"));
    assert!(!list.text("main").contains("Not imported"));
}

#[tokio::test]
async fn a_file_that_is_wrong_says_where_and_what_is_accepted() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let wrong = TILL.replace("kind = \"sum\"", "kind = \"summ\"");

    let answer = admin
        .post(
            "/admin/catalogs/import",
            &[("content", wrong.as_str()), ("do", "check")],
        )
        .await;

    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = answer.text("#import-problems");
    assert!(
        said.contains("metric[0].kind") && said.contains("expected one of count, sum, average"),
        "{said}"
    );
    assert!(answer.text("#f-content").contains("kind = \"summ\""), "kept as typed");
}

#[tokio::test]
async fn a_version_that_cannot_migrate_says_why_and_changes_nothing() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    import(&app, TILL).await;
    let denied = serde_json::json!({ "customer": "ada" });
    let batch = vec![event("till.denied", "1", earlier(&app, 3), &denied)];
    app.ingest.submit(&sender(), batch).await.unwrap();
    let state = "select coalesce(sum(hashtext(t::text)::bigint), 0)::bigint from (
        select c::text as t from catalogs c union all select e::text from event_types e
        union all select m::text from metric_definitions m union all select b::text from boards b
        union all select a::text from audit_log a) all_of_it";
    let before = number(&app, state).await;

    let other_kind = next(|text| text.replace("kind = \"sum\"", "kind = \"average\""));
    let gone = next(|text| {
        let text = text.replace("event = \"till.denied\"\ncount = 3", "event = \"till.sale\"\ncount = 3");
        let (from, to) = (
            text.find("[[event]]\ntype = \"till.denied\"").unwrap(),
            text.find("[[event]]\ntype = \"till.susp").unwrap(),
        );
        format!("{}{}", &text[..from], &text[to..])
    });
    let (kind, event) = (import(&app, &other_kind).await, import(&app, &gone).await);
    let page = admin
        .post(
            "/admin/catalogs/import",
            &[("content", gone.as_str()), ("do", "import"), ("seen", "")],
        )
        .await;

    let refused = |imported: &Imported| match imported {
        Imported::Not(plan) => plan.refusals.join(" "),
        other => panic!("{other:?}"),
    };
    assert!(
        refused(&kind).contains("“till_sales” is of the kind “sum” and would be “avg”"),
        "{kind:?}"
    );
    assert!(
        refused(&event).contains("“till.denied” is not in the new version, but events of it are kept"),
        "{event:?}"
    );
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text("#import-refusals").contains("till.denied"));
    assert_eq!(number(&app, state).await, before);
}

#[tokio::test]
async fn a_next_version_migrates_and_a_removed_catalog_leaves_what_was_recorded() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    import(&app, TILL).await;
    let sale = |id: &str, price: i64| {
        let data = serde_json::json!({ "customer": "ada", "price": price });
        vec![event("till.sale", id, earlier(&app, 3), &data)]
    };
    app.ingest.submit(&sender(), sale("1", 5)).await.unwrap();

    let renamed = next(|text| {
        let count = "[[metric]]\nname = \"till_count\"\ntitle = \"Number\"\nkind = \"count\"\nevent = \"till.sale\"\n[[correlation]]";
        text.replace("title = \"Sales\"\nunit", "title = \"Takings\"\nunit")
            .replace("[[correlation]]", count)
            .replace("Till board", "The till")
    });
    assert!(import(&app, &renamed).await.is_done());
    app.ingest.submit(&sender(), sale("2", 7)).await.unwrap();

    let counted = "select coalesce(sum(r.count), 0)::bigint from rollups r join series s on s.id = r.series_id
        join metric_definitions m on m.id = s.metric_id where m.name = 'till_sales' and r.step = 'day'";
    assert_eq!(number(&app, counted).await, 2);
    assert_eq!(
        number(&app, "select count(*) from metric_definitions where label = 'Takings'").await,
        1
    );
    assert_eq!(
        number(
            &app,
            "select count(*) from boards where name = 'The till' and version = 2"
        )
        .await,
        1
    );

    let removed = admin.post("/admin/catalogs/till/removal", &[]).await;
    app.ingest.definitions_changed();
    let wild = vec![event(
        "till.sale",
        "3",
        earlier(&app, 1),
        &serde_json::json!("anything"),
    )];
    let verdicts = app.ingest.submit(&sender(), wild).await.unwrap();

    assert_eq!(removed.location(), Some("/admin/catalogs?done=catalog_removed"));
    assert!(verdicts[0].is_good(), "nothing is checked any more");
    assert_eq!(number(&app, counted).await, 2, "and nothing is fed");
    assert_eq!(
        number(&app, "select count(*) from boards where name = 'The till'").await,
        0
    );
    assert_eq!(admin.get("/admin/catalogs/till").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_larger_than_a_form_is_taken_and_one_too_large_is_refused_in_words() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let padded = |bytes: usize| format!("{TILL}\n# {}", "é".repeat(bytes / 2));

    let large = admin
        .post(
            "/admin/catalogs/import",
            &[("content", padded(400_000).as_str()), ("do", "check")],
        )
        .await;
    let too_large = admin
        .post(
            "/admin/catalogs/import",
            &[("content", padded(catalog::LARGEST).as_str()), ("do", "check")],
        )
        .await;

    assert_eq!(plan(&large.ok()).len(), 7);
    assert_eq!(too_large.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        too_large.text("#import-problems").contains("at most 524288 bytes"),
        "{:?}",
        too_large.find("#import-problems")
    );
}
