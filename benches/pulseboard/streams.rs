//! Open screens: how long a write takes to reach them, and what ten thousand of them cost.

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{TimeDelta, Utc};
use pulseboard::audit::{self, Actor, Entry};
use pulseboard::blood::{BloodGroup, Component, MovementKind, UnitStatus};
use pulseboard::db::Scope;
use pulseboard::inventory::ledger::{self, Change};
use pulseboard::inventory::{self, NewUnit};
use pulseboard::outbox::{self, Event};
use pulseboard::summary::Work;

use super::load::fetch;
use super::machine;
use super::place::{Place, Server};
use super::table::{Spread, Table};
use super::watch::Watchers;

/// Writes measured at each number of streams.
const WRITES: usize = 20;

pub async fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let settings = [
        ("PULSEBOARD_MAX_STREAMS", "20000"),
        ("PULSEBOARD_STREAMS_PER_USER", "20"),
        // nothing but our writes may change the board meanwhile
        ("PULSEBOARD_REFRESH_EVERY", "off"),
    ];
    let server = place.serve(&settings)?;
    let cookies = place.viewers(1_000).await?;
    let events = events_address(place, &server, &cookies[0])?;

    let mut watchers = Watchers::open(server.port, &events, &cookies, 1_000)?;
    let writes = deliveries(place, &server, &mut watchers, true).await?;
    let p95 = Spread::of(writes.iter().map(|write| write.p95));
    table.goal(
        "a receipt of stock until 1,000 other streams have the whole change, p95",
        format!("{} ms", p95.text(0)),
        "< 100 ms",
        p95.median < 100.0,
    );
    details(table, "1,000 streams, a receipt of stock", &writes);
    drop(watchers);

    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = server.memory()?;
    let events = events_address(place, &server, &cookies[0])?;
    let mut watchers = Watchers::open(server.port, &events, &cookies, 10_000)?;
    let held = server.memory()?;
    let entries = deliveries(place, &server, &mut watchers, false).await?;
    let p99 = Spread::of(entries.iter().map(|write| write.p99));
    table.goal(
        "one fragment to 10,000 streams, from the beginning of the write, p99",
        format!("{} ms", p99.text(0)),
        "< 200 ms",
        p99.median < 200.0,
    );
    details(table, "10,000 streams, one fragment", &entries);
    let writes = deliveries(place, &server, &mut watchers, true).await?;
    details(table, "10,000 streams, a receipt of stock", &writes);
    let after = server.memory()?;
    let each = |memory: u64| memory.saturating_sub(before) as f64 / 10_000.0 / 1024.0;
    table.goal(
        "memory of the server for each of 10,000 streams: when opened, after all deliveries",
        format!("{:.1}, {:.1} kB", each(held), each(after)),
        "<= 24 kB",
        each(after) <= 24.0,
    );
    Ok(())
}

/// The address that the page's own stream has: what it shows is not sent again.
fn events_address(place: &Place, server: &Server, cookie: &str) -> Result<String> {
    use std::io::Read;
    let (_, body) = fetch(server.port, &format!("/facilities/{}", place.hospital), cookie)?;
    let mut html = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut html)?;
    let address = html
        .split("hx-sse:connect=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    Ok(address.context("the page has no stream")?.to_owned())
}

/// Milliseconds from the beginning of the write, and the server's time on the processors for each stream.
struct Delivery {
    half: f64,
    p95: f64,
    p99: f64,
    last: f64,
    server_us: f64,
}

async fn deliveries(place: &Place, server: &Server, watchers: &mut Watchers, whole: bool) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    for number in 0..WRITES + 2 {
        watchers.expect()?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let cpu = server.cpu();
        let begun = machine::now();
        match whole {
            true => receive_stock(place, number).await?,
            false => log_something(place).await?,
        }
        let arrived = watchers.arrived()?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let since = |at: u64| at.saturating_sub(begun) as f64 / 1e6;
        found.push(Delivery {
            half: since(arrived.half),
            p95: since(arrived.p95),
            p99: since(arrived.p99),
            last: since(arrived.last),
            server_us: (server.cpu() - cpu).as_micros() as f64 / watchers.count as f64,
        });
    }
    // the first two warm up
    Ok(found.split_off(2))
}

fn details(table: &mut Table, what: &str, found: &[Delivery]) {
    let of = |value: fn(&Delivery) -> f64| Spread::of(found.iter().map(value));
    table.note(
        what,
        format!(
            "p50 {} p95 {} p99 {} last {} ms; {} us of the server's CPU for each stream",
            of(|write| write.half).text(0),
            of(|write| write.p95).text(0),
            of(|write| write.p99).text(0),
            of(|write| write.last).text(0),
            of(|write| write.server_us).text(0),
        ),
    );
}

/// A lot arrives: tiles, matrix, chart and activity of the board change.
async fn receive_stock(place: &Place, number: usize) -> Result<()> {
    let facility = place.hospital;
    let mut work = Work::begin(&place.db, Actor::system(), &[facility]).await?;
    let bank = inventory::queries::blood_banks(work.conn(), facility).await?;
    let new = NewUnit {
        blood_bank: bank.first().context("no blood bank")?.id,
        component: Component::RedCells,
        group: BloodGroup::ALL[number % BloodGroup::ALL.len()],
        quantity: 3,
        donation_number: None,
        lot: Some(format!("BENCH-{:x}", rand::random::<u64>())),
        collected_at: Utc::now() - TimeDelta::days(1),
        expires_at: Utc::now() + TimeDelta::days(30),
    };
    let change = Change::of(MovementKind::Received);
    let unit = ledger::arrive(&mut work, facility, &new, UnitStatus::Available, &change).await?;
    let entry = Entry::new("received", "unit")
        .of(facility)
        .about(unit.0)
        .detail(serde_json::json!({ "units": 3 }));
    Ok(work.commit(entry, &Event::StockReceived { facility }).await?)
}

/// A line of the log and nothing else: one fragment of the board changes.
async fn log_something(place: &Place) -> Result<()> {
    let facility = place.hospital;
    let mut tx = place.db.write(&Scope::of(facility)).await?;
    let entry = Entry::new("received", "unit")
        .of(facility)
        .about(1)
        .detail(serde_json::json!({ "units": 1 }));
    audit::record(&mut tx, &Actor::system(), &entry).await?;
    let event = Event::SummaryRefreshed {
        facilities: vec![facility],
    };
    outbox::push(&mut tx, &[facility], &event).await?;
    tx.commit().await?;
    Ok(())
}
