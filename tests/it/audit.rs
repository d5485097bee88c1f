//! The audit log: what it says of a change, that nobody can change it unnoticed, and how it is read.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::audit;
use pulseboard::auth::Role;
use sqlx::{Connection, PgConnection};

use crate::support::TestApp;

/// The checks of the log alone.
async fn broken(app: &TestApp) -> Vec<(i64, i64)> {
    let differences = pulseboard::summary::verify(&app.db).await.expect("verify runs");
    let mine = differences.into_iter().filter(|one| one.check == "audit");
    mine.map(|one| {
        (
            one.facility_id,
            one.thing.split_whitespace().nth(1).unwrap().parse().unwrap(),
        )
    })
    .collect()
}

/// As somebody who owns the tables, looks at every row, and whom no trigger hinders.
async fn tamper(app: &TestApp, statements: &[&'static str], chain: i64) -> PgConnection {
    let mut owner = app.owner().await;
    sqlx::query("alter table audit_log no force row level security")
        .execute(&mut owner)
        .await
        .unwrap();
    let mut tx = owner.begin().await.unwrap();
    sqlx::query("set local session_replication_role = replica")
        .execute(&mut *tx)
        .await
        .unwrap();
    for statement in statements {
        let done = sqlx::query(*statement).bind(chain).execute(&mut *tx).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{statement}");
    }
    tx.commit().await.unwrap();
    owner
}

/// Two facilities with ten lines each.
async fn with_lines() -> (TestApp, i64) {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    for facility in [&lakeside, &hilltop] {
        for _ in 0..10 {
            app.stock(facility).add().await;
        }
    }
    (app, lakeside.id.0)
}

#[tokio::test]
async fn the_chains_of_an_installation_at_work_are_whole() {
    let (app, _) = with_lines().await;
    let lakeside = app.facility("Riverbank").await;
    let third = app.facility("Old mill").await;
    app.request(&lakeside, &[&third]).await;
    app.log_in(Role::FacilityAdmin, &[&lakeside]).await;

    assert_eq!(broken(&app).await, []);
}

#[tokio::test]
async fn a_changed_row_is_found() {
    let (app, chain) = with_lines().await;
    tamper(
        &app,
        &["update audit_log set actor_name = 'Somebody else' where chain = $1 and seq = 4"],
        chain,
    )
    .await;

    assert_eq!(broken(&app).await, [(chain, 4)]);
}

#[tokio::test]
async fn every_column_of_a_row_is_under_its_hash() {
    let (app, chain) = with_lines().await;
    for change in [
        "update audit_log set at = at + interval '1 us' where chain = $1 and seq = 2",
        "update audit_log set actor_id = null where chain = $1 and seq = 3",
        "update audit_log set via = 'key' where chain = $1 and seq = 4",
        "update audit_log set via_id = 'x' where chain = $1 and seq = 5",
        "update audit_log set address = '10.0.0.1' where chain = $1 and seq = 6",
        "update audit_log set detail = '{}' where chain = $1 and seq = 7",
        "update audit_log set before = '{}' where chain = $1 and seq = 8",
        "update audit_log set after = '{}' where chain = $1 and seq = 9",
        "update audit_log set other_facility_id = $1 where chain = $1 and seq = 10",
    ] {
        tamper(&app, &[change], chain).await;
    }

    let found: Vec<i64> = broken(&app).await.into_iter().map(|(_, seq)| seq).collect();
    assert_eq!(found, (2..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_removed_row_is_found_in_the_middle_and_at_the_end() {
    let (app, chain) = with_lines().await;
    tamper(&app, &["delete from audit_log where chain = $1 and seq = 5"], chain).await;
    let middle = broken(&app).await;
    tamper(&app, &["delete from audit_log where chain = $1 and seq = 10"], chain).await;

    assert_eq!(middle, [(chain, 6)]);
    assert_eq!(broken(&app).await, [(chain, 6), (chain, 9)]);
}

#[tokio::test]
async fn an_inserted_row_is_found() {
    let (app, chain) = with_lines().await;
    tamper(
        &app,
        &["insert into audit_log (facility_id, actor_name, action, thing, chain, seq, hash)
           select facility_id, actor_name, 'issued', thing, chain, 11, hash from audit_log where chain = $1 and seq = 10"],
        chain,
    )
    .await;

    let found = broken(&app).await;
    assert!(found.contains(&(chain, 11)), "{found:?}");
}

#[tokio::test]
async fn rows_that_changed_places_are_found() {
    let (app, chain) = with_lines().await;
    tamper(
        &app,
        &[
            "update audit_log set seq = 99 where chain = $1 and seq = 3",
            "update audit_log set seq = 3 where chain = $1 and seq = 4",
            "update audit_log set seq = 4 where chain = $1 and seq = 99",
        ],
        chain,
    )
    .await;

    let found = broken(&app).await;
    assert!(found.contains(&(chain, 3)) && found.contains(&(chain, 4)), "{found:?}");
}

#[tokio::test]
async fn a_rewritten_head_changes_the_seal() {
    let (app, chain) = with_lines().await;
    let mut tx = app.db.read(&pulseboard::db::Scope::All).await.unwrap();
    let kept = audit::seal(&mut tx).await.unwrap();
    drop(tx);
    tamper(
        &app,
        &[
            "delete from audit_log where chain = $1 and seq = 10",
            "update audit_heads h set seq = 9, hash = (select hash from audit_log a where a.chain = h.chain and a.seq = 9)
             where chain = $1",
        ],
        chain,
    )
    .await;

    let mut tx = app.db.read(&pulseboard::db::Scope::All).await.unwrap();
    assert_eq!(broken(&app).await, []);
    assert_ne!(audit::seal(&mut tx).await.unwrap().hash, kept.hash);
}

#[tokio::test]
async fn many_writers_at_once_make_one_chain_without_gaps_also_when_some_give_up() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let writing = (0..40).map(|number| {
        let (app, lakeside) = (&app, &lakeside);
        async move {
            let scope = pulseboard::db::Scope::of(lakeside.id);
            let mut tx = app.db.write(&scope).await.unwrap();
            let entry = audit::Entry::new("noted", "unit").of(lakeside.id).about(number);
            audit::record(&mut tx, &lakeside.actor(), &entry).await.unwrap();
            if number % 4 == 0 {
                tx.rollback().await.unwrap();
            } else {
                tx.commit().await.unwrap();
            }
        }
    });
    futures_util::future::join_all(writing).await;

    let rows: (i64, i64) = sqlx::query_as("select count(*), max(seq) from audit_log where chain = $1")
        .bind(lakeside.id.0)
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(rows, (30, 30));
    assert_eq!(broken(&app).await, []);
}

#[tokio::test]
async fn a_line_says_who_did_it_from_which_session_and_address() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.person(Role::NetworkAdmin, &[]).await;
    let client = app.client().at([10, 1, 2, 3]).log_in(&admin.email).await;

    client.post("/account/theme", &[("theme", "dark")]).await;
    let page = client.get("/admin/audit?action=theme+chosen").await.ok();
    let logged_in = client.get("/admin/audit?action=logged+in").await.ok();

    assert_eq!(page.count("table.audit tbody tr"), 1);
    let line = page.text("table.audit tbody tr");
    assert!(line.contains("10.1.2.3") && line.contains("Session"), "{line}");
    assert_eq!(
        (
            page.text(".diff dt"),
            page.text(".diff del").replace("was ", ""),
            page.text(".diff ins").replace("is ", "")
        ),
        ("theme".into(), "system".into(), "dark".into())
    );
    assert!(logged_in.text("table.audit tbody").contains(&admin.name));
    drop(lakeside);
}

#[tokio::test]
async fn an_administrator_of_a_facility_reads_its_lines_and_no_others() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.stock(&hilltop).add().await;
    app.delivery(&lakeside, &hilltop).await;
    let admin = app.log_in(Role::FacilityAdmin, &[&hilltop]).await;

    let page = admin.get("/admin/audit").await.ok();
    let csv = admin.get("/admin/audit.csv").await.ok();
    let smuggled = admin.get(&format!("/admin/audit?facility={}", lakeside.id)).await.ok();

    assert!(
        page.texts("table.audit td[data-label=Where]")
            .iter()
            .all(|place| place == "Hilltop")
    );
    assert!(page.has("table.audit") && !csv.body().contains("Lakeside"));
    assert!(!smuggled.has("table.audit"));
    assert_eq!(
        app.log_in(Role::Staff, &[&hilltop])
            .await
            .get("/admin/audit")
            .await
            .status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn the_log_is_filtered_and_read_page_by_page() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    for _ in 0..60 {
        app.stock(&lakeside).add().await;
    }
    app.travel(TimeDelta::days(3));
    app.stock(&lakeside).add().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let later = app.db.clock.now().format("%Y-%m-%d");

    let first = admin.get("/admin/audit?thing=unit").await.ok();
    let next = first.attr("nav.pages a[rel=next]", "href").unwrap();
    let second = admin.get(&next).await.ok();
    let late = admin.get(&format!("/admin/audit?thing=unit&from={later}")).await.ok();
    let nobody = admin.get("/admin/audit?person=100%25_").await.ok();
    let nonsense = admin.get("/admin/audit?from=yesterday").await.ok();

    let rows = |page: &crate::support::Page| page.count("table.audit tbody tr");
    assert_eq!((rows(&first), rows(&second), rows(&late)), (50, 11, 1));
    assert!(!second.has("nav.pages a[rel=next]"));
    assert!(nobody.has(".empty") && nonsense.has(".empty"));
}

#[tokio::test]
async fn a_file_holds_every_line_of_the_filter_and_no_formula() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    for _ in 0..3 {
        app.stock(&lakeside).add().await;
    }
    sqlx::query("update users set name = '=cmd()' where id = $1")
        .bind(lakeside.staff.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    app.auth.forget_all();
    let staff = app.client().log_in(&lakeside.staff.email).await;
    staff.post("/account/theme", &[("theme", "dark")]).await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    let csv = admin.get("/admin/audit.csv?thing=unit").await.ok();
    let hostile = admin.get("/admin/audit.csv?action=theme+chosen").await.ok();
    let json = admin.get("/admin/audit.ndjson?thing=unit").await.ok();

    assert_eq!(csv.body().lines().count(), 4);
    assert!(csv.body().starts_with("id,at,facility_id"));
    assert!(hostile.body().contains(",'=cmd(),"), "{}", hostile.body());
    let lines: Vec<serde_json::Value> = json
        .body()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["facility"], "Lakeside");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let exported = admin.get("/admin/audit?action=exported").await.ok();
    assert_eq!(exported.count("table.audit tbody tr"), 3);
}

#[tokio::test]
async fn the_security_page_shows_sessions_that_can_be_ended_and_misses() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let staff = app.client().at([10, 0, 0, 9]).log_in(&lakeside.staff.email).await;
    let other = app.client().log_in(&hilltop.staff.email).await;
    for _ in 0..6 {
        app.client()
            .at([10, 0, 0, 66])
            .try_log_in(&hilltop.staff.email, "a wrong guess")
            .await;
    }
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let network = app.log_in(Role::NetworkAdmin, &[]).await;

    let mine = admin.get("/admin/security").await.ok();
    let all = network.get("/admin/security").await.ok();
    let end = mine
        .attrs("table.sessions form", "action")
        .into_iter()
        .zip(mine.texts("table.sessions tbody th"))
        .find(|(_, person)| person.contains(&lakeside.staff.email))
        .unwrap()
        .0;
    let foreign = all
        .attrs("table.sessions form", "action")
        .into_iter()
        .zip(all.texts("table.sessions tbody th"))
        .find(|(_, person)| person.contains(&hilltop.staff.email))
        .unwrap()
        .0;

    assert_eq!(
        (
            mine.count("table.sessions tbody tr"),
            all.count("table.sessions tbody tr")
        ),
        (2, 4)
    );
    assert!(!mine.has("table.failures"));
    let misses = all.text("table.failures");
    assert!(
        misses.contains("10.0.0.66") && misses.contains(&hilltop.staff.email) && misses.contains("waits"),
        "{misses}"
    );
    assert_eq!(admin.post(&foreign, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(admin.post(&end, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(staff.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(other.get("/account").await.status, StatusCode::OK);
    assert!(all.text("table.rights").contains("/facilities/{facility_id}/requests"));
}

#[tokio::test]
async fn a_verb_tells_what_its_units_were_and_are_to_its_own_facility_alone() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.delivery(&lakeside, &hilltop).await;

    let told: (String, String, i64) = sqlx::query_as(
        "select before::text, after::text, (select max(id) from blood_inventory where facility_id = $1)
         from audit_log where action = 'dispatched'",
    )
    .bind(lakeside.id.0)
    .fetch_one(&mut app.owner().await)
    .await
    .unwrap();
    let received: (Option<String>, String) =
        sqlx::query_as("select before::text, after::text from audit_log where action = 'received'")
            .fetch_one(&mut app.owner().await)
            .await
            .unwrap();

    assert_eq!(told.0, format!("{{\"unit {}\": \"available\"}}", told.2));
    assert!(
        told.1.starts_with(&format!("{{\"unit {}\": ", told.2)) && !told.1.contains("available"),
        "{}",
        told.1
    );
    assert_eq!(received, (None, format!("{{\"unit {}\": \"available\"}}", told.2)));
}
