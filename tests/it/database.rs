//! The second line behind every query: whose rows a transaction can see at all, and what the schema promises.

use chrono::{TimeDelta, Utc};
use pulseboard::auth::Role;
use pulseboard::db::Scope;
use pulseboard::ingest::Origin;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::ingest::{event, point};
use crate::support::TestApp;

/// Lists of the whole network, where a row's facility says where, not whose; boards, which are handed out by one function
/// alone (`src/boards/queries.rs`); and rules and channels of alerts, of which some are the network's.
const COMMON: [&str; 8] = [
    "facilities",
    "facility_hours",
    "facility_exceptions",
    "memberships",
    "board_shares",
    "board_defaults",
    "alert_rules",
    "alert_channels",
];

/// What programs send, and what watches it: rows may belong to the installation itself, number 0, so no foreign key names their facility.
const STREAMS: [&str; 10] = [
    "events",
    "event_ids",
    "idempotent_batches",
    "dead_letters",
    "series",
    "points",
    "rollups",
    "correlation_steps",
    "correlation_cases",
    "alert_detectors",
];
/// Divided by day and written by COPY: what keeps their rows single stands elsewhere.
const DIVIDED: [&str; 2] = ["events", "points"];

/// The tables that hold what happens in a facility.
async fn tenant_tables(owner: &mut PgConnection) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
           and a.attname = 'facility_id' and not a.attisdropped order by 1",
    )
    .fetch_all(owner)
    .await
    .unwrap();
    tables.into_iter().filter(|table| !COMMON.contains(&&**table)).collect()
}

async fn rows(connection: &mut PgConnection, table: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(connection)
        .await
        .unwrap()
}

/// An installation with rows in every tenant table.
async fn busy() -> TestApp {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.request(&lakeside, &[&hilltop]).await;
    app.delivery(&hilltop, &lakeside).await;
    let admin = app.person(Role::NetworkAdmin, &[]).await;
    for facility in [&lakeside, &hilltop] {
        sqlx::query(
            "with made as (insert into invitations (email, name, invited_by, token_hash, expires_at)
                           values ('noa@example.org', 'Noa', $1, sha256($2::text::bytea), now()) returning id)
             insert into invitation_offers select $2, id, 'staff' from made",
        )
        .bind(admin.id.0)
        .bind(facility.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
        sqlx::query(
            "with week as (insert into facility_weeks values ($1, 'requests.raised', '2026-01-05', 1))
             insert into reopened_days (facility_id, day) values ($1, '2026-01-06')",
        )
        .bind(facility.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
        sqlx::query(
            "insert into board_renderings (facility_id, date, as_of, day_ends, reference_version, program, length,
                                           check_sum, body)
             values ($1, current_date, now(), now(), 0, 'none', 0, 0, '')",
        )
        .bind(facility.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!(
            "insert into alert_channels (facility_id, name, kind, sealed_target, hint) values ({0}, 'Night', 'webhook', 'x', 'x');
             insert into alert_deliveries (facility_id, channel_id, group_key, message)
                 select {0}, id, 'x', '{{}}' from alert_channels where facility_id = {0};
             insert into alert_groups (facility_id, rule_id, begun_at) select {0}, id, now() from alert_rules where slug = 'expiring';
             insert into alerts (facility_id, rule_id, labels, phase, active_at, value)
                 select {0}, id, '{{}}', 'firing', now(), 1 from alert_rules where slug = 'expiring';
             insert into alert_detectors (facility_id, rule_id, labels, condition, detector, seen)
                 select {0}, id, '{{}}', '{{}}', '{{}}', 1 from alert_rules where slug = 'expiring';
             insert into alert_history (facility_id, at, rule_name, severity, condition, labels, turn, value)
                 values ({0}, now(), 'x', 'info', '{{}}', '{{}}', 'fired', 1);
             insert into alert_silences (facility_id, starts_at, ends_at, reason, made_by)
                 values ({0}, now(), now() + interval '1 h', 'x', 'x')",
            facility.id
        )))
        .execute(&mut app.owner().await)
        .await
        .unwrap();
        sqlx::query("insert into stock_thresholds values ($1, 'red_cells', 'O-', 1, 2, 3)")
            .bind(facility.id.0)
            .execute(&mut app.owner().await)
            .await
            .unwrap();
        let origin = Origin {
            name: "a test".into(),
            facilities: Some(vec![facility.id]),
        };
        let batch = vec![event("1", "{}"), event("1", "[]"), point("cpu_usage", 92.5)];
        app.ingest.submit(&origin, batch).await.unwrap();
        sqlx::query(
            "with step as (insert into correlation_steps values ($1, 'till.spree', 'ada', now(), 1, 'till', '1'))
             insert into correlation_cases values ($1, 'till.spree', 'ada', now(), now(), array['1'], true)",
        )
        .bind(facility.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
        let (_, key) = app.key_of(facility).await;
        sqlx::query("insert into idempotent_batches values ($1, $2, '/metrics', 'first', '', 200, '')")
            .bind(facility.id.0)
            .bind(key)
            .execute(&mut app.owner().await)
            .await
            .unwrap();
    }
    app
}

#[tokio::test]
async fn a_transaction_that_does_not_say_for_whom_sees_no_row_of_any_facility() {
    let app = busy().await;
    let mut owner = app.owner().await;

    for table in tenant_tables(&mut owner).await {
        let mut silent = app.db.unscoped().begin().await.unwrap();
        let mut nobody = app.db.read(&Scope::Facilities(vec![])).await.unwrap();

        assert!(rows(&mut owner, &table).await > 0, "{table} has rows in this test");
        assert_eq!(rows(&mut silent, &table).await, 0, "{table} without a scope");
        assert_eq!(rows(&mut nobody, &table).await, 0, "{table} for no facility");
    }
}

#[tokio::test]
async fn a_scope_ends_with_its_transaction() {
    let app = busy().await;
    for _ in 0..20 {
        let mut tx = app.db.write(&Scope::All).await.unwrap();
        assert!(rows(&mut tx, "blood_inventory").await > 0);
        tx.commit().await.unwrap();
    }

    let mut left = Vec::new();
    for _ in 0..4 {
        let mut connection = app.db.unscoped().acquire().await.unwrap();
        left.push(rows(&mut connection, "blood_inventory").await);
    }

    assert_eq!(left, [0; 4]);
}

#[tokio::test]
async fn one_facility_sees_and_writes_only_its_own_rows() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let foreign = app.stock(&hilltop).add().await;
    let mut tx = app.db.write(&Scope::of(lakeside.id)).await.unwrap();

    let seen = rows(&mut tx, "blood_inventory").await;
    let touched = sqlx::query("update blood_inventory set quantity = 0 where id = $1")
        .bind(foreign.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    let planted = sqlx::query("insert into blood_banks (facility_id, name) values ($1, 'A trap')")
        .bind(hilltop.id.0)
        .execute(&mut *tx)
        .await;

    assert_eq!((seen, touched.rows_affected()), (0, 0));
    assert!(planted.unwrap_err().to_string().contains("row-level security"));
}

#[tokio::test]
async fn the_program_owns_nothing_and_cannot_look_past_the_rules() {
    let app = TestApp::new().await;
    let mut connection = app.db.unscoped().acquire().await.unwrap();

    let role = sqlx::query(
        "select current_user::text, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolcanlogin
                            from pg_roles where rolname = current_user",
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    let owned: i64 = sqlx::query_scalar("select count(*) from pg_class where pg_get_userbyid(relowner) = $1")
        .bind("pulseboard_app")
        .fetch_one(&mut *connection)
        .await
        .unwrap();

    assert_eq!(role.get::<String, _>(0), "pulseboard_app");
    assert!((1..6).all(|right| !role.get::<bool, _>(right)));
    assert_eq!(owned, 0);
    for denied in [
        "alter table blood_inventory disable row level security",
        "drop table audit_log",
        "create table mine (id bigint)",
        "update audit_log set actor_name = 'nobody'",
        "delete from audit_log",
        "truncate audit_log",
        "update audit_heads set seq = 0",
        "delete from audit_heads",
        "update inventory_movements set reason = 'none'",
        "delete from inventory_movements",
        "select from parts.events_old",
        "delete from parts.points_old",
        "update parts.days set day = now()",
        "create table parts.mine (id bigint)",
    ] {
        let refused = sqlx::query(denied)
            .execute(&mut *connection)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("must be owner") || refused.contains("permission denied"),
            "{denied}: {refused}"
        );
    }
}

#[tokio::test]
async fn every_table_of_a_facility_forces_row_level_security() {
    let app = TestApp::new().await;
    let mut owner = app.owner().await;

    for table in tenant_tables(&mut owner).await {
        let forced: (bool, bool, i64) = sqlx::query_as(
            "select relrowsecurity, relforcerowsecurity, (select count(*) from pg_policy where polrelid = c.oid)
             from pg_class c where oid = $1::regclass",
        )
        .bind(&table)
        .fetch_one(&mut owner)
        .await
        .unwrap();

        assert!(forced.0 && forced.1 && forced.2 > 0, "{table}: {forced:?}");
    }
}

/// I7: a child belongs to the facility of its parent, because its key says so.
#[tokio::test]
async fn every_reference_between_tables_of_a_facility_carries_the_facility() {
    let app = TestApp::new().await;
    let mut owner = app.owner().await;
    let tables = tenant_tables(&mut owner).await;
    let references: Vec<(String, String, Vec<String>)> = sqlx::query_as(
        "select k.conrelid::regclass::text, k.confrelid::regclass::text,
                array(select a.attname::text from unnest(k.conkey) with ordinality as c(number, place)
                      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number order by c.place)
         from pg_constraint k where k.contype = 'f'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();

    for table in &tables {
        let own: Vec<_> = references.iter().filter(|(from, _, _)| from == table).collect();
        let anchored = own
            .iter()
            .any(|(_, _, columns)| columns.iter().any(|column| column == "facility_id"));
        let streams = STREAMS.contains(&table.as_str());
        assert!(anchored || streams, "{table} is tied to no facility");
        for (_, to, columns) in own.iter().filter(|(_, to, _)| tables.contains(to)) {
            let carries = columns.len() > 1
                && columns
                    .iter()
                    .any(|column| column.ends_with("_to_id") || column == "facility_id");
            assert!(carries, "{table} refers to {to} by {columns:?} alone");
        }
    }
    for table in tables.iter().filter(|table| !DIVIDED.contains(&table.as_str())) {
        let first: Option<String> = sqlx::query_scalar(
            "select a.attname::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
             where i.indisprimary and i.indrelid = $1::regclass",
        )
        .bind(table)
        .fetch_optional(&mut owner)
        .await
        .unwrap();
        // these are read by facility and over all of them, and some of their rows are the installation's
        let both = [
            "audit_log",
            "alerts",
            "alert_history",
            "alert_groups",
            "alert_deliveries",
        ];
        assert!(
            both.contains(&table.as_str()) || first.as_deref() == Some("facility_id"),
            "{table} is keyed by {first:?}"
        );
    }
}

#[tokio::test]
async fn the_clock_of_the_database_travels_with_the_applications() {
    let app = TestApp::new().await;
    app.travel(TimeDelta::days(40));

    let mut tx = app.db.read(&Scope::All).await.unwrap();
    let there: chrono::DateTime<Utc> = sqlx::query_scalar("select clock_now()")
        .fetch_one(&mut *tx)
        .await
        .unwrap();

    assert!((there - app.db.clock.now()).abs() < TimeDelta::seconds(5));
}

#[tokio::test]
async fn a_stolen_dump_opens_nothing() {
    let app = TestApp::new().await;
    let client = app.log_in(Role::NetworkAdmin, &[]).await;
    client.try_log_in("somebody@example.org", "a typed password").await;
    let secrets = [
        client.session().unwrap(),
        crate::support::PASSWORD.into(),
        "a typed password".into(),
    ];

    let tables = [
        "sessions",
        "users",
        "login_failures",
        "outbox",
        "audit_log",
        "api_keys",
        "installation",
    ];

    for table in tables {
        let dump: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("select t::text from {table} t")))
            .fetch_all(&mut app.owner().await)
            .await
            .unwrap();
        for secret in &secrets {
            assert!(!dump.concat().contains(secret), "{table} holds a secret");
        }
    }
}
