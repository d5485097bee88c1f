//! The days of facilities: what the database and the program call a day is the same, 23, 24 or 25 hours long, and what
//! happened on it is counted once.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use pulseboard::audit::Entry;
use pulseboard::clock::{Zone, day_bounds, local_day};
use pulseboard::outbox::Event;
use pulseboard::summary::Work;

use crate::support::{Database, TestApp};

/// Daylight saving at two in the morning, none at all, by half an hour, and at midnight itself.
const ZONES: [&str; 5] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kathmandu",
];

/// Zone, day, and how long it is in minutes.
const CHANGES: [(&str, &str, i64); 10] = [
    ("Europe/Berlin", "2026-03-29", 23 * 60),
    ("Europe/Berlin", "2026-10-25", 25 * 60),
    ("America/New_York", "2026-03-08", 23 * 60),
    ("America/New_York", "2026-11-01", 25 * 60),
    ("Australia/Lord_Howe", "2026-10-04", 23 * 60 + 30),
    ("Australia/Lord_Howe", "2026-04-05", 24 * 60 + 30),
    ("Africa/Cairo", "2024-04-26", 23 * 60),
    ("Africa/Cairo", "2024-10-31", 25 * 60),
    ("Asia/Kathmandu", "2026-03-29", 24 * 60),
    ("Asia/Kathmandu", "2026-10-25", 24 * 60),
];

fn zone(name: &str) -> Zone {
    name.parse().expect("a zone")
}

/// An instant near a midnight of the zone, where days are lost and won, or anywhere.
fn instants() -> impl Strategy<Value = Vec<(usize, i64, i64)>> {
    let near = -3 * 3600_i64..3 * 3600;
    let anywhere = -43_200_i64..43_200;
    // 1990 to 2036: beyond the last rule that both know by heart there is nothing to compare
    prop::collection::vec((0..ZONES.len(), 7305_i64..24_106, prop_oneof![near, anywhere]), 400)
}

#[test]
fn the_database_and_the_program_agree_on_every_day() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let database = runtime.block_on(Database::clone_of_template());
    let connection = runtime.block_on(async { tokio::sync::Mutex::new(database.connect().await) });
    let mut runner = TestRunner::new(Config {
        cases: 25,
        failure_persistence: None,
        ..Config::default()
    });

    let outcome = runner.run(&instants(), |cases| {
        let asked: Vec<(&str, DateTime<Utc>)> = cases
            .iter()
            .map(|&(place, day, seconds)| {
                let date = NaiveDate::default() + Days::new(day as u64);
                let midnight = day_bounds(zone(ZONES[place]), date).0;
                (ZONES[place], midnight + TimeDelta::seconds(seconds))
            })
            .collect();
        let (zones, at): (Vec<&str>, Vec<DateTime<Utc>>) = asked.iter().copied().unzip();
        let answered: Vec<(NaiveDate, DateTime<Utc>, DateTime<Utc>)> = runtime.block_on(async {
            sqlx::query_as(
                "select day, day_start(day, zone), day_start(day + 1, zone)
                 from unnest($1::text[], $2::timestamptz[]) with ordinality as asked (zone, at, place),
                      lateral (select local_day(at, zone) as day) here
                 order by place",
            )
            .bind(&zones)
            .bind(&at)
            .fetch_all(&mut *connection.lock().await)
            .await
            .expect("the database answers")
        });
        for (&(name, at), &(day, start, end)) in asked.iter().zip(&answered) {
            let expected = local_day(zone(name), at);
            prop_assert_eq!(day, expected, "the day of {} in {}", at, name);
            prop_assert_eq!(
                (start, end),
                day_bounds(zone(name), expected),
                "{} in {}",
                expected,
                name
            );
            prop_assert!(start <= at && at < end, "{} is not within {} in {}", at, expected, name);
        }
        Ok(())
    });

    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[tokio::test]
async fn days_of_23_to_25_hours_hold_what_happened_on_them_and_lose_nothing() {
    let app = TestApp::new().await;
    let sender = app.facility("Sender").await;
    let mut owner = app.owner().await;

    for (place, (name, date, minutes)) in CHANGES.into_iter().enumerate() {
        let day: NaiveDate = date.parse().expect("a day");
        let (start, end) = day_bounds(zone(name), day);
        let facility = app.facility_in(&format!("{name} {place}"), name).await;
        // every twenty minutes over three days, and at the very edges of the day
        let mut moments: Vec<DateTime<Utc>> = (0..216)
            .map(|step| start - TimeDelta::hours(24) + TimeDelta::minutes(20 * step))
            .collect();
        moments.extend([
            start,
            start - TimeDelta::microseconds(1),
            end,
            end - TimeDelta::microseconds(1),
        ]);
        sqlx::query(
            "insert into blood_requests (facility_id, component, blood_group, quantity, urgency, created_at)
             select $1, 'red_cells', 'O-', 1, 'routine', at from unnest($2::timestamptz[]) at",
        )
        .bind(facility.id.0)
        .bind(&moments)
        .execute(&mut owner)
        .await
        .expect("requests");
        sqlx::query(
            "insert into blood_distributions
               (facility_id, blood_bank_id, dispatched_to_id, sent, quantity, status, dispatched_at, date_delivered)
             select $1, $2, $3, 3, 3, 'delivered', at - interval '1 hour', at from unnest($4::timestamptz[]) at",
        )
        .bind(sender.id.0)
        .bind(sender.bank)
        .bind(facility.id.0)
        .bind(&moments)
        .execute(&mut owner)
        .await
        .expect("deliveries");
        let mut expected: BTreeMap<NaiveDate, i64> = BTreeMap::new();
        for moment in &moments {
            *expected.entry(local_day(zone(name), *moment)).or_default() += 1;
        }

        let mut counted = BTreeMap::new();
        for date in (day - Days::new(3)).iter_days().take(7) {
            let (delivered, raised): (i64, i64) =
                sqlx::query_as("select total_transferred, total_requests from daily_figures(array[$1::bigint], $2)")
                    .bind(facility.id.0)
                    .bind(date)
                    .fetch_one(&mut owner)
                    .await
                    .expect("the figures of a day");
            assert_eq!(delivered, 3 * raised, "{name} {date}");
            if raised > 0 {
                counted.insert(date, raised);
            }
        }

        assert_eq!((end - start).num_minutes(), minutes, "{name} {date}");
        assert_eq!(counted, expected, "{name} {date}");
        assert_eq!(
            counted.values().sum::<i64>(),
            moments.len() as i64,
            "nothing is lost or counted twice"
        );
    }
}

#[tokio::test]
async fn a_write_that_lasts_over_midnight_is_counted_on_the_day_it_began() {
    let app = TestApp::new().await;
    let lakeside = app.facility_in("Lakeside", "Europe/Berlin").await;
    let berlin = zone("Europe/Berlin");
    let today = local_day(berlin, app.db.clock.now());
    app.stock(&lakeside).add().await;
    let (_, midnight) = day_bounds(berlin, today);
    app.travel(midnight - app.db.clock.now() - TimeDelta::milliseconds(400));
    let mut work = Work::begin(&app.db, lakeside.actor(), &[lakeside.id])
        .await
        .expect("a transaction");

    sqlx::query(
        "insert into blood_requests (facility_id, component, blood_group, quantity, urgency)
         values ($1, 'red_cells', 'O-', 1, 'routine')",
    )
    .bind(lakeside.id.0)
    .execute(work.conn())
    .await
    .expect("a request");
    // as when the last statement waits for a lock
    sqlx::query("select pg_sleep(extract(epoch from $1 - clock_now()) + 0.05)")
        .bind(midnight)
        .execute(work.conn())
        .await
        .expect("midnight passes");
    let entry = Entry::new("raised", "request").of(lakeside.id);
    let event = Event::StockReceived { facility: lakeside.id };
    work.commit(entry, &event).await.expect("a commit");

    let kept: Vec<(NaiveDate, i64)> =
        sqlx::query_as("select date, total_requests from dashboard_daily_summary where facility_id = $1 order by date")
            .bind(lakeside.id.0)
            .fetch_all(&mut app.owner().await)
            .await
            .expect("the kept days");
    assert_eq!(kept, [(today, 1), (today + Days::new(1), 0)]);
    app.verify().await;
}
