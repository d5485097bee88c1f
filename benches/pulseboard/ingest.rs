//! Events into the real server: how many a second against a plain COPY into the same table, how soon each is
//! acknowledged, and how fast windows answer. Everything runs on this machine, senders included.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use pulseboard::auth::NewSecret;
use pulseboard::db::Db;
use pulseboard::db::copy::{Rows, micros};
use pulseboard::ingest::{Item, Origin, Pipeline, Point, WRITERS};
use pulseboard::metrics::{self, MetricKind, NewEventType, NewMetric, Selection, Window, WindowKind};

use super::place::{Place, Server};
use super::table::{Spread, Table};

/// A run of senders.
#[derive(Clone, Copy)]
struct Run {
    connections: usize,
    batch: usize,
    /// events a second; none: as fast as they are acknowledged
    rate: Option<f64>,
    time: Duration,
}

/// What came of it.
struct Sent {
    events: u64,
    seconds: f64,
    /// of each batch, milliseconds from when it was to be sent to its answer
    waits: Vec<f64>,
}

impl Sent {
    fn rate(&self) -> f64 {
        self.events as f64 / self.seconds
    }
}

/// Numbers of events, so that none comes twice.
static NEXT: AtomicU64 = AtomicU64::new(0);

pub async fn measure(place: &Place, table: &mut Table) -> Result<()> {
    define(&place.db).await?;
    let keys = keys(&place.db, 64).await?;
    let server = place.serve(&[])?;
    let time = Duration::from_secs(std::env::var("BENCH_SECONDS").map_or(Ok(20), |text| text.parse())?);
    let warm = Run {
        connections: 8,
        batch: 100,
        rate: None,
        time: Duration::from_secs(2),
    };
    drive(&server, &keys, warm)?;

    let mut by_copy = Vec::new();
    let mut by_thousand = Vec::new();
    for _ in 0..3 {
        by_copy.push(copy(place, 10_000, time / 4).await?);
        let run = Run {
            connections: 32,
            batch: 1_000,
            rate: None,
            time: time / 2,
        };
        let (app, postgres) = (server.cpu(), place.postgres_cpu());
        let sent = drive(&server, &keys, run)?;
        let each = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e6 / sent.events as f64;
        table.note(
            "CPU per event, batches of 1,000: server / Postgres",
            format!(
                "{:.2} / {:.2} us",
                each(app, server.cpu()),
                each(postgres, place.postgres_cpu())
            ),
        );
        by_thousand.push(sent.rate());
    }
    let (copied, thousand) = (Spread::of(by_copy), Spread::of(by_thousand));
    table.note(
        "plain COPY into the same table, 10,000 rows a commit",
        format!("{}/s", copied.text(0)),
    );
    table.goal(
        "events in batches of 1,000, acknowledged after commit",
        format!("{}/s", thousand.text(0)),
        ">= 300,000/s",
        thousand.median >= 300_000.0,
    );
    let ratio = thousand.median / copied.median;
    table.goal("that, to plain COPY", format!("{ratio:.2}"), ">= 0.5", ratio >= 0.5);
    let hundred = drive(
        &server,
        &keys,
        Run {
            connections: 64,
            batch: 100,
            rate: None,
            time,
        },
    )?;
    table.goal(
        "events in batches of 100",
        format!("{:.0}/s", hundred.rate()),
        ">= 150,000/s",
        hundred.rate() >= 150_000.0,
    );
    let mut steady = drive(
        &server,
        &keys,
        Run {
            connections: 50,
            batch: 1_000,
            rate: Some(100_000.0),
            time,
        },
    )?;
    steady.waits.sort_by(f64::total_cmp);
    let at = |q: f64| {
        steady
            .waits
            .get((steady.waits.len() as f64 * q) as usize)
            .copied()
            .unwrap_or(f64::NAN)
    };
    table.note(
        "asked for 100,000/s",
        format!("{:.0}/s, p50 {:.1} ms", steady.rate(), at(0.5)),
    );
    table.goal(
        "acknowledged at 100,000/s, p99",
        format!("{:.1} ms", at(0.99)),
        "< 50 ms",
        at(0.99) < 50.0,
    );
    drop(server);
    exact(place, table).await?;
    windows(place, table).await
}

/// An event type that feeds the sum of a value by one of fifty categories.
pub async fn define(db: &Db) -> Result<()> {
    let mut tx = db.ingest().await?;
    let order = NewEventType {
        name: "bench.order".into(),
        catalog: "bench".into(),
        allowed_lateness: None,
        data_schema: None,
        actor_path: None,
        subject_path: None,
        retention_days: 90,
    };
    metrics::define_event_type(&mut tx, &order).await?;
    let revenue = NewMetric {
        name: "bench.revenue".into(),
        catalog: "bench".into(),
        kind: MetricKind::Sum,
        label: "Revenue".into(),
        unit: "EUR".into(),
        event_type: Some("bench.order".into()),
        value_path: Some("/data/price".into()),
        conditions: Vec::new(),
        dimensions: vec![("category".into(), "/data/category".into())],
        parts: None,
        allowed_lateness: None,
        points_days: 35,
    };
    metrics::define_metric(&mut tx, &revenue).await?;
    tx.commit().await?;
    Ok(())
}

/// Keys of their own for many senders: one may send a hundred requests a second.
pub async fn keys(db: &Db, count: usize) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for n in 0..count {
        let secret = NewSecret::draw();
        sqlx::query(
            "insert into api_keys (name, prefix, secret_hash, scopes, expires_at)
             values ($1, $2, $3, array['events:write', 'metrics:write'], now() + interval '1 day')",
        )
        .bind(format!("sender {n}"))
        .bind(&secret.prefix)
        .bind(&secret.hash[..])
        .execute(db.unscoped())
        .await?;
        texts.push(secret.text);
    }
    Ok(texts)
}

fn drive(server: &Server, keys: &[String], run: Run) -> Result<Sent> {
    let begun = Instant::now();
    let parts: Vec<Result<(u64, Vec<f64>)>> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..run.connections)
            .map(|n| scope.spawn(move || send(server.port, &keys[n % keys.len()], run, n, begun)))
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().unwrap_or_else(|_| bail!("a sender panicked")))
            .collect()
    });
    let mut sent = Sent {
        events: 0,
        seconds: 0.0,
        waits: Vec::new(),
    };
    for part in parts {
        let (events, waits) = part?;
        sent.events += events;
        sent.waits.extend(waits);
    }
    sent.seconds = begun.elapsed().as_secs_f64();
    Ok(sent)
}

fn send(port: u16, key: &str, run: Run, number: usize, begun: Instant) -> Result<(u64, Vec<f64>)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    let every = run.rate.map(|rate| run.batch as f64 * run.connections as f64 / rate);
    let (mut events, mut waits, mut round) = (0, Vec::new(), 0_u32);
    let mut body = Vec::new();
    loop {
        let due = every.map_or_else(Instant::now, |every| {
            begun + Duration::from_secs_f64(every * (f64::from(round) + number as f64 / run.connections as f64))
        });
        if due.duration_since(begun) >= run.time || begun.elapsed() >= run.time {
            return Ok((events, waits));
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        orders(
            &mut body,
            NEXT.fetch_add(run.batch as u64, Ordering::Relaxed),
            run.batch,
        );
        match ask(&mut stream, key, &body)? {
            200 => events += run.batch as u64,
            429 => std::thread::sleep(Duration::from_millis(100)),
            status => bail!("a batch was answered with {status}"),
        }
        waits.push(due.elapsed().as_secs_f64() * 1e3);
        round += 1;
    }
}

fn orders(body: &mut Vec<u8>, first: u64, count: usize) {
    let now = Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    body.clear();
    body.push(b'[');
    for n in first..first + count as u64 {
        let comma = if n == first { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"specversion":"1.0","source":"bench/shop","id":"{n}","type":"bench.order","time":"{now}","data":{{"price":{}.{:02},"category":"c{}"}}}}"#,
            n % 400,
            n % 100,
            n % 50
        );
    }
    body.push(b']');
}

/// Sends a batch; the status of the answer.
pub fn ask(stream: &mut TcpStream, key: &str, body: &[u8]) -> Result<u16> {
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/cloudevents-batch+json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    answer(stream)
}

/// Reads one answer; its status.
fn answer(stream: &mut TcpStream) -> Result<u16> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let more = stream.read(&mut buffer)?;
        if more == 0 {
            bail!("the server closed the connection");
        }
        read.extend_from_slice(&buffer[..more]);
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok())
            .context("an answer without a length")?;
        if read.len() >= end + 4 + length {
            return Ok(head.split(' ').nth(1).unwrap_or_default().parse()?);
        }
    }
}

/// Rows a second of the same width by two connections, a commit for each batch, into a day with the same index.
async fn copy(place: &Place, batch: usize, time: Duration) -> Result<f64> {
    let mut owner = Place::owner(&place.cluster, pulseboard::db::embedded::SUPERUSER).await?;
    sqlx::raw_sql(
        "drop table if exists bench_events;
         create table bench_events (like events) partition by range (at);
         create index on bench_events (facility_id, type_id, at);
         create table bench_events_now partition of bench_events for values from ('2000-01-01') to ('2100-01-01')",
    )
    .execute(&mut owner)
    .await?;
    let begun = Instant::now();
    let mut writers = Vec::new();
    for _ in 0..2 {
        let mut connection = Place::owner(&place.cluster, pulseboard::db::embedded::SUPERUSER).await?;
        writers.push(tokio::spawn(async move {
            let mut rows = 0_u64;
            while begun.elapsed() < time {
                let now = micros(Utc::now());
                let mut copied = Rows::new(9);
                for n in 0..batch as u64 {
                    let data = format!(r#"{{"price":{}.{:02},"category":"c{}"}}"#, n % 400, n % 100, n % 50);
                    copied
                        .row()
                        .int8(0)
                        .instant(now)
                        .int4(1)
                        .text("bench/shop")
                        .text("123456789")
                        .maybe_text(None)
                        .maybe_text(None)
                        .instant(now)
                        .jsonb(Some(&data));
                }
                rows += copied
                    .send(
                        &mut connection,
                        "copy bench_events (facility_id, at, type_id, source, id, subject, actor, received_at, data) from stdin (format binary)",
                    )
                    .await?;
            }
            Ok::<u64, pulseboard::error::Error>(rows)
        }));
    }
    let mut rows = 0;
    for writer in writers {
        rows += writer.await??;
    }
    let rate = rows as f64 / begun.elapsed().as_secs_f64();
    sqlx::raw_sql("drop table bench_events").execute(&mut owner).await?;
    Ok(rate)
}

/// What was acknowledged, stored, known and summed is one number.
async fn exact(place: &Place, table: &mut Table) -> Result<()> {
    let mut owner = Place::owner(&place.cluster, pulseboard::db::embedded::SUPERUSER).await?;
    let (stored, known, summed): (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from events), (select count(*) from event_ids),
                (select coalesce(sum(count), 0)::bigint from rollups where step = 'day')",
    )
    .fetch_one(&mut owner)
    .await?;
    table.goal(
        "events stored, ids known, events in the sums of days",
        format!("{stored}, {known}, {summed}"),
        "the same",
        stored == known && known == summed,
    );
    Ok(())
}

/// Windows over ten million points of a hundred series in a day.
async fn windows(place: &Place, table: &mut Table) -> Result<()> {
    const POINTS: i64 = 10_000_000;
    let pipeline = Pipeline::new(place.db.clone());
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let pipeline = pipeline.clone();
            tokio::spawn(async move { pipeline.write().await })
        })
        .collect();
    let start: DateTime<Utc> = Utc::now() - TimeDelta::hours(23);
    let origin = Origin {
        name: "bench".into(),
        facilities: None,
    };
    let begun = Instant::now();
    for first in (0..POINTS).step_by(20_000) {
        let batch = (first..first + 20_000).map(|n| {
            Item::Point(Point {
                metric: "bench.cpu".into(),
                value: (n * 7919 % 10_007) as f64 / 100.0,
                time: Some(start + TimeDelta::microseconds(n * 8_280)),
                tags: vec![("host".into(), format!("web-{}", n % 100))],
                facility: None,
            })
        });
        pipeline.submit(&origin, batch.collect()).await?;
    }
    table.note(
        "10 M points loaded by one sender",
        format!("{:.0}/s", POINTS as f64 / begun.elapsed().as_secs_f64()),
    );
    let definitions = pipeline.registry().current().await?;
    let metric = definitions.metric("bench.cpu").context("the metric")?;
    for (what, span, groups) in [
        ("1m", 60, false),
        ("5m", 300, false),
        ("15m", 900, false),
        ("5m by host", 300, true),
        ("1 h", 3600, false),
    ] {
        let mut waits = Vec::new();
        for n in 0..60_i64 {
            let end = start + TimeDelta::seconds(4_000 + n * 1_237 % 76_000);
            let window = Window::at(WindowKind::Sliding, TimeDelta::seconds(span), end);
            let selection = Selection {
                tags: Vec::new(),
                group_by: if groups { vec!["host".into()] } else { Vec::new() },
                facilities: None,
            };
            let begun = Instant::now();
            let mut tx = place.db.read(&pulseboard::db::Scope::All).await?;
            metrics::queries::window(&mut tx, &definitions, metric, window, &selection, Utc::now()).await?;
            waits.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        waits.sort_by(f64::total_cmp);
        let (p50, p95) = (waits[30], waits[57]);
        table.goal(
            &format!("window over 10 M points, {what}, p95"),
            format!("{p95:.1} ms (p50 {p50:.1})"),
            "< 50 ms",
            p95 < 50.0,
        );
    }
    writers.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}
