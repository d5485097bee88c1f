//! The statements that matter, as the program really sends them with its role and scope: Postgres itself says how it runs
//! each of them, and none may read a whole table of facility data to find a few rows.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use pulseboard::app::App;
use pulseboard::auth::Role;
use pulseboard::db::Scope;
use pulseboard::summary;
use pulseboard::widgets::{Filter, Range, compose_all, sources};
use sqlx::Connection;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::journey::{O_NEGATIVE, accept, proposed, raise, rows};
use crate::support::{Facility, TestApp};
use crate::widgets;

/// Tables that grow with every day of every facility.
const LARGE: [&str; 9] = [
    "blood_inventory",
    "blood_requests",
    "request_recipients",
    "blood_distributions",
    "distribution_units",
    "inventory_movements",
    "dashboard_daily_summary",
    "area_sums",
    "facility_weeks",
];

/// Collects the plans that the server sends as notices.
#[derive(Clone, Default)]
struct Plans(Arc<Mutex<Vec<String>>>);

impl Plans {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: tracing::Subscriber> Layer<S> for Plans {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        if event.metadata().target() == "sqlx::postgres::notice" {
            let mut text = Text(String::new());
            event.record(&mut text);
            if text.0.contains("Query Text:") {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.0);
            }
        }
    }
}

/// Whether a plan reads a whole table, in a part of it that is ever run.
fn reads_all(plan: &str, table: &str) -> bool {
    let scan = format!("Seq Scan on {table}");
    let mut never_run = usize::MAX;
    for line in plan.replace("\\n", "\n").lines() {
        let indent = line.len() - line.trim_start().len();
        if indent < never_run {
            never_run = if line.trim_start() == "One-Time Filter: false" {
                indent
            } else {
                usize::MAX
            };
        }
        if never_run == usize::MAX && line.contains(&scan) {
            return true;
        }
    }
    false
}

/// Two hundred facilities with some sixty thousand rows, most of them of the past, as after a year.
async fn grown(app: &TestApp) -> (Facility, Facility) {
    let (here, there) = (app.facility("Here").await, app.facility("There").await);
    let mut owner = app.owner().await;
    sqlx::raw_sql(
        "insert into facilities (name, kind, region, latitude, longitude, time_zone)
           select 'Facility ' || n, 'hospital', 'North', 50 + n / 100.0, 8 + n / 100.0, 'Europe/Berlin'
           from generate_series(1, 198) n;
         insert into blood_banks (facility_id, name) select id, 'Main' from facilities
           where not exists (select from blood_banks b where b.facility_id = facilities.id);
         insert into blood_inventory
           (facility_id, blood_bank_id, component, blood_group, quantity, lot, collected_at, expires_at, status, received_at)
           select b.facility_id, b.id, (array['red_cells', 'platelets', 'plasma'])[1 + n % 3],
                  (array['O-', 'O+', 'A-', 'A+', 'B-', 'B+', 'AB-', 'AB+'])[1 + n % 8], 1 + n % 4, 'L' || n,
                  now() - interval '60 days',
                  now() + (40 - n % 60) * interval '1 day' + interval '1 hour',
                  case when n % 60 >= 40 then 'expired' when n % 4 = 0 then 'available' else 'transfused' end,
                  now() - n * interval '2 hours'
           from blood_banks b, generate_series(1, 150) n;
         insert into inventory_movements
           (facility_id, inventory_id, at, actor_name, kind, to_status, quantity, component, blood_group)
           select facility_id, id, received_at, 'x', 'received', 'available', quantity, component, blood_group
           from blood_inventory;
         insert into inventory_movements
           (facility_id, inventory_id, at, actor_name, kind, from_status, to_status, quantity, component, blood_group)
           select facility_id, id, received_at + interval '1 hour', 'x', 'issued', 'available', 'issued', quantity,
                  component, blood_group
           from blood_inventory where status <> 'available';
         insert into blood_requests (facility_id, component, blood_group, quantity, urgency, status, created_at, closed_at)
           select f.id, 'red_cells', 'O-', 2, 'urgent', case when n > 2 then 'fulfilled' else 'open' end,
                  now() - n * interval '5 hours', case when n > 2 then now() - n * interval '4 hours' end
           from facilities f, generate_series(1, 60) n;
         insert into request_recipients (facility_id, request_id, to_facility_id, status, accepted_quantity)
           select r.facility_id, r.id, 1 + r.facility_id % 200, case r.status when 'open' then 'open' else 'accepted' end,
                  case r.status when 'open' then null else 2 end
           from blood_requests r where 1 + r.facility_id % 200 <> r.facility_id;
         insert into blood_distributions
           (facility_id, blood_bank_id, dispatched_to_id, sent, quantity, status, dispatched_at, date_delivered)
           select b.facility_id, b.id, 1 + b.facility_id % 200, 2, 2, 'delivered', now() - n * interval '6 hours',
                  now() - n * interval '5 hours'
           from blood_banks b, generate_series(1, 60) n where 1 + b.facility_id % 200 <> b.facility_id;
         insert into distribution_units
           (facility_id, distribution_id, inventory_id, dispatched_to_id, component, blood_group, quantity, lot,
            collected_at, expires_at, outcome)
           select d.facility_id, d.id, i.id, d.dispatched_to_id, i.component, i.blood_group, i.quantity, i.lot,
                  i.collected_at, i.expires_at, 'received'
           from blood_distributions d
           join lateral (select * from blood_inventory i where i.facility_id = d.facility_id limit 2) i on true;
         insert into dashboard_daily_summary
           select f.id, current_date - n, 10, 2, 1, now() - n * interval '1 day'
           from facilities f, generate_series(1, 90) n;
         analyze",
    )
    .execute(&mut owner)
    .await
    .expect("the rows");
    app.app.chrome.forget();
    summary::refresh_all(&app.db, None)
        .await
        .expect("the schedule's refresh");
    (here, there)
}

/// From now on new connections to this database tell the plan of every statement.
async fn explain_everything(app: &TestApp) -> App {
    let mut owner = app.owner().await;
    let name = &app.database.name;
    let mut sql = String::new();
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_level = 'notice'",
        "auto_explain.log_nested_statements = on",
        "client_min_messages = 'notice'",
    ] {
        sql.push_str(&format!("alter database {name} set {setting};"));
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut owner)
        .await
        .expect("the settings");
    owner.close().await.expect("the server is there");
    app.app.clone()
}

#[tokio::test]
async fn no_statement_of_the_daily_work_reads_a_whole_table() {
    let first = TestApp::new().await;
    let (here, there) = grown(&first).await;
    first.stock(&here).quantity(20).add().await;
    first.stock(&there).quantity(20).add().await;
    explain_everything(&first).await;
    let plans = Plans::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(plans.clone()));
    let app = first.second_instance().await;
    let (staff, other) = (
        app.log_in(Role::Staff, &[&here]).await,
        app.log_in(Role::Staff, &[&there]).await,
    );
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    app.share(&here, &there);
    app.share(&there, &here);
    let unit = rows(&first, &here).await[0].id;
    plans.take();
    let mut told = Vec::new();
    let mut note = |what: &str| {
        let plans = plans.take();
        assert!(!plans.is_empty(), "nothing was explained of {what}");
        told.extend(plans.into_iter().map(|plan| (what.to_owned(), plan)));
    };

    summary::refresh_now(&app.db, here.id).await.expect("a refresh");
    note("the summary of one facility");
    staff.get(&here.path("")).await.ok();
    note("the board");
    for (what, path) in [
        ("the list of stock", "/inventory"),
        (
            "issuable stock",
            "/inventory?issuable=true&component=red_cells&group=O-",
        ),
        ("what expires soon", "/inventory?issuable=true&expiring_hours=72"),
        ("a later page of stock", "/inventory?after=1700000000000000.5"),
        ("the requests", "/requests"),
        ("the queue", "/requests?side=incoming&state=open"),
        ("urgent requests", "/requests?state=open&urgent=true"),
        ("the transfers", "/distributions"),
        ("arrivals", "/distributions?side=incoming&status=in_transit"),
    ] {
        staff.get(&here.path(path)).await.ok();
        note(what);
    }
    staff.get(&here.path(&format!("/inventory/{unit}"))).await.ok();
    note("a unit");
    let scope = Scope::of(here.id);
    let context = widgets::context(&app, &scope, &[&here], Filter::default(), Range::default()).await;
    compose_all(&app.db, sources(), &widgets::everything(), &context)
        .await
        .expect("a board");
    note("every widget");
    summary::close_days(&app.db, None).await.expect("days are closed");
    let mut owner = first.owner().await;
    sqlx::query("insert into reopened_days (facility_id, day) select id, current_date - 30 from facilities")
        .execute(&mut owner)
        .await
        .expect("a day is open again");
    sqlx::query("analyze").execute(&mut owner).await.expect("an analysis");
    plans.take();
    summary::close_days(&app.db, None).await.expect("it is closed");
    note("the closing of a day");
    let directory = pulseboard::facilities::directory(app.db.unscoped())
        .await
        .expect("the directory");
    let network = pulseboard::widgets::Context::new(
        Scope::All,
        &directory,
        Filter::default(),
        Range::days(60),
        pulseboard::clock::Zone::UTC,
        app.db.clock.now(),
    )
    .expect("a range");
    plans.take();
    compose_all(&app.db, sources(), &widgets::everything(), &network)
        .await
        .expect("a board");
    note("every widget over the network");
    proposed(&staff, &here, O_NEGATIVE, 4).await;
    note("the proposal of units");
    staff
        .get("/network/find?component=red_cells&group=O-&quantity=4")
        .await
        .ok();
    note("find blood");
    staff.get("/network").await.ok();
    note("the network of a member");
    admin.get("/network").await.ok();
    note("the network of an administrator");
    let request = raise(&staff, &here, pulseboard::blood::BloodGroup::ONegative, 2, &[&there]).await;
    accept(&other, &there, request, None).await;
    note("a request and its acceptance");
    pulseboard::inventory::expire_due(&app.db, None)
        .await
        .expect("the job runs");
    pulseboard::inventory::end_reservations(&app.db, None)
        .await
        .expect("the job runs");
    pulseboard::inventory::next_due(&app.db).await.expect("a look");
    note("what the clock does");

    let mut faults = Vec::new();
    for (what, plan) in &told {
        for table in LARGE {
            if reads_all(plan, table) {
                let plan: String = plan.chars().take(1500).collect();
                faults.push(format!("{what} reads all of {table}:\n{plan}"));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {} statements:\n{}",
        faults.len(),
        told.len(),
        faults.join("\n\n")
    );
}

#[tokio::test]
async fn the_summaries_of_all_facilities_are_one_statement_over_indexes() {
    let first = TestApp::new().await;
    grown(&first).await;
    explain_everything(&first).await;
    let plans = Plans::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(plans.clone()));
    let app = first.second_instance().await;
    plans.take();

    summary::refresh_all(&app.db, None)
        .await
        .expect("the schedule's refresh");

    let refreshes: Vec<String> = plans
        .take()
        .into_iter()
        .filter(|plan| plan.contains("insert into dashboard_daily_summary"))
        .collect();
    assert_eq!(refreshes.len(), 1, "one statement for all");
    for table in LARGE {
        assert!(!reads_all(&refreshes[0], table), "{table}:\n{}", refreshes[0]);
    }
}
