//! Whatever people do in whatever order, the figures stay what their source rows say.
//!
//! 100,000 whole commands, each a transaction of its own, in two worlds side by side; about a third of them are taken, the
//! others refused by the rules. `PULSEBOARD_OPERATIONS` says another number, `PULSEBOARD_SEED` chooses other dice.

use std::time::Instant;

use chrono::TimeDelta;
use futures_util::future::join_all;
use pulseboard::auth::Role;
use pulseboard::ids::FacilityId;
use pulseboard::inventory::{self};
use pulseboard::summary;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::journey::editor;
use crate::somebody::Somebody;
use crate::support::{Facility, TestApp};

const OPERATIONS: u64 = 100_000;
const SEED: u64 = 20_261_121;
/// Installations that know nothing of each other, so that all cores work.
const WORLDS: usize = 2;
/// Where the facilities of a world are; somebody works in each.
const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "UTC",
];
/// Between two rounds the clock moves, the jobs run, and everything is verified.
const ROUNDS: usize = 10;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_any_sequence_of_operations_every_figure_is_what_its_rows_say() {
    let seed = setting("PULSEBOARD_SEED").unwrap_or(SEED);
    println!("PULSEBOARD_SEED={seed}");
    let operations = setting("PULSEBOARD_OPERATIONS").unwrap_or(OPERATIONS) as usize;
    let each = operations / (WORLDS * ROUNDS * ZONES.len());

    let worlds = (0..WORLDS).map(|world| tokio::spawn(a_world(seed + 1000 * world as u64, each)));

    for world in join_all(worlds).await {
        world.expect("no panic");
    }
}

/// Lets somebody act at random in each facility, so many operations a round, and looks at what that came to.
async fn a_world(seed: u64, each: usize) {
    let app = TestApp::new().await;
    let mut facilities = Vec::new();
    for (place, zone) in ZONES.iter().enumerate() {
        facilities.push(app.facility_in(&format!("Facility {place}"), zone).await);
    }
    let mut everybody = Vec::new();
    for (place, facility) in facilities.iter().enumerate() {
        let others = facilities.iter().filter(|other| other.id != facility.id);
        everybody.push(Somebody {
            db: app.db.clone(),
            editor: editor(&app, facility).await,
            bank: facility.bank,
            others: others.map(|other| other.id).collect(),
            dice: StdRng::seed_from_u64(seed + place as u64),
            sequence: place as u32 * 100_000,
            units: vec![],
            requests: vec![],
            arriving: vec![],
        });
    }
    let (begun, asked) = (Instant::now(), each * ROUNDS * ZONES.len());
    let mut done = 0;

    for _ in 0..ROUNDS {
        let work = everybody.into_iter().map(|somebody| tokio::spawn(somebody.act(each)));
        everybody = Vec::new();
        for finished in join_all(work).await {
            let (somebody, taken) = finished.expect("no panic");
            done += taken;
            everybody.push(somebody);
        }
        let hours = everybody[0].dice.random_range(3..40);
        app.travel(TimeDelta::hours(hours));
        inventory::end_reservations(&app.db, None).await.expect("the job runs");
        inventory::expire_due(&app.db, None).await.expect("the job runs");
        summary::close_days(&app.db, None).await.expect("the job runs");
        app.verify().await;
    }

    println!(
        "{done} of {asked} operations taken, the others refused, in {:?}",
        begun.elapsed()
    );
    assert!(
        done > asked / 4,
        "more than three of four were refused: {done} of {asked} taken"
    );
    every_path_gives_the_same(&app, &facilities).await;
    nothing_impossible_happened(&app).await;
}

/// Write path, schedule, button and page: what each leaves in the summary, and what the page then shows.
async fn every_path_gives_the_same(app: &TestApp, facilities: &[Facility]) {
    let ids: Vec<FacilityId> = facilities.iter().map(|facility| facility.id).collect();
    until_nothing_is_due(app).await;
    // somebody writes in each facility, so that today's row is there
    for facility in facilities {
        app.stock(facility).quantity(1).add().await;
    }
    let by_writes = kept(app).await;
    summary::refresh_all(&app.db, None)
        .await
        .expect("the schedule's refresh");
    let by_schedule = kept(app).await;
    for &id in &ids {
        summary::refresh_now(&app.db, id).await.expect("the button's refresh");
    }
    let by_button = kept(app).await;
    for &id in &ids {
        assert!(
            summary::refresh_if_older(&app.db, id, std::time::Duration::ZERO)
                .await
                .expect("a refresh")
        );
    }
    let by_page = kept(app).await;
    assert_eq!(by_schedule, by_writes, "schedule and write path");
    assert_eq!(by_button, by_writes, "button and write path");
    assert_eq!(by_page, by_writes, "page and write path");
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    for facility in facilities {
        let board = admin.get(&facility.path("")).await.ok();
        let latest = by_writes
            .iter()
            .rfind(|day| day.0 == facility.id.0)
            .expect("today is kept");
        let shown = ["stock", "transferred", "requests"].map(|tile| {
            let exact = board
                .attr(&format!("#w-{tile} .figure a"), "title")
                .expect("the exact figure");
            exact
                .split(' ')
                .next()
                .expect("a number")
                .replace(',', "")
                .parse::<i64>()
                .expect("a number")
        });
        assert_eq!(shown, [latest.2, latest.3, latest.4], "the page of {}", facility.name);
    }
}

/// Moves on to a time at which no unit expires within a minute: between two of the looks that are compared nothing may
/// change by itself.
async fn until_nothing_is_due(app: &TestApp) {
    let margin = TimeDelta::minutes(1);
    while inventory::next_due(&app.db)
        .await
        .expect("the stock is read")
        .is_some_and(|due| due < app.db.clock.now() + margin)
    {
        app.travel(margin);
        inventory::end_reservations(&app.db, None).await.expect("the job runs");
        inventory::expire_due(&app.db, None).await.expect("the job runs");
    }
}

/// Facility, day, stock, transferred, requests.
type Kept = (i64, chrono::NaiveDate, i64, i64, i64);

async fn kept(app: &TestApp) -> Vec<Kept> {
    sqlx::query_as(
        "select facility_id, date, total_stock, total_transferred, total_requests from dashboard_daily_summary
         order by facility_id, date",
    )
    .fetch_all(&mut app.owner().await)
    .await
    .expect("the kept days")
}

/// What no rule of the ledger may ever let happen, asked of the rows alone.
async fn nothing_impossible_happened(app: &TestApp) {
    for (sin, sql) in [
        (
            "stock below zero",
            "select count(*) from blood_inventory where quantity < 0",
        ),
        (
            "a unit issued again without having come back",
            // a part that is divided off an issued row begins as issued, and what is left of the row stays issued
            "select count(*) from (
               select sum(case when to_status = 'issued' then 1 when kind = 'split' then 0 else -1 end)
                        over (partition by facility_id, inventory_id order by id) as out
               from inventory_movements where 'issued' in (from_status, to_status)) m where out not in (0, 1)",
        ),
        (
            "a donation on two shelves",
            "select count(*) from (select donation_number from blood_inventory
               where donation_number is not null and status <> 'transferred'
               group by donation_number, component having count(*) > 1) twice",
        ),
        (
            "issued after its end",
            "select count(*) from inventory_movements m join blood_inventory i on i.id = m.inventory_id
               where m.kind in ('issued', 'dispatched', 'reserved') and m.at >= i.expires_at",
        ),
        (
            "more or fewer units under way than were sent",
            "select count(*) from (select d.id from blood_distributions d
               join distribution_units u on u.facility_id = d.facility_id and u.distribution_id = d.id
               group by d.facility_id, d.id having sum(u.quantity) <> max(d.sent)) lost",
        ),
        (
            "a unit on its way without a transfer, or on it twice",
            "select count(*) from blood_inventory i where status = 'in_transit'
               and 1 <> (select count(*) from distribution_units u join blood_distributions d
                           on d.facility_id = u.facility_id and d.id = u.distribution_id
                         where u.facility_id = i.facility_id and u.inventory_id = i.id and d.status = 'in_transit')",
        ),
        (
            "units that came from nowhere or vanished",
            "select abs(coalesce(sum(quantity) filter (where kind = 'received'), 0)
                        - (select sum(quantity) from blood_inventory where status <> 'transferred'))::bigint
             from inventory_movements",
        ),
        (
            "two acceptances",
            "select count(*) from (select request_id from request_recipients where status = 'accepted'
               group by facility_id, request_id having count(*) > 1) twice",
        ),
        (
            "a request that is closed and still holds units",
            "select count(*) from blood_inventory i join blood_requests r on r.id = i.reserved_for
               where i.status = 'reserved' and r.closed_at is not null",
        ),
    ] {
        let found: i64 = sqlx::query_scalar(sql)
            .fetch_one(&mut app.owner().await)
            .await
            .expect(sin);
        assert_eq!(found, 0, "{sin}");
    }
}
