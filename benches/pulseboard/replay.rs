//! A million events sent twice while the server is killed fifty times and Postgres ten times: what was acknowledged is
//! there once, and the totals of days are exactly those of the events.

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use pulseboard::clock::Clock;
use pulseboard::db::embedded::{self, Cluster, SUPERUSER};
use pulseboard::db::{self, Db, PoolSizes};
use sqlx::postgres::PgConnectOptions;

use super::ingest;
use super::place::{PROGRAM, free_port, wait_for};
use super::table::Table;

const EVENTS: usize = 1_000_000;
const BATCH: usize = 1_000;
const SENDERS: usize = 8;
const KILLS_OF_THE_SERVER: usize = 50;
const KILLS_OF_POSTGRES: usize = 10;
const DAYS: usize = 10;

pub async fn measure(table: &mut Table) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("pulseboard-replay-{}", std::process::id()));
    let options = embedded::Options {
        data_dir: folder.clone(),
        pg_bin: None,
        for_tests: false,
    };
    let started = Cluster::start(&options).await?;
    let (owner, url) = (started.options(SUPERUSER, SUPERUSER), started.url(SUPERUSER, SUPERUSER));
    let mut cluster = Some(started);
    db::migrate(&owner).await?;
    let sizes = PoolSizes {
        web: 2,
        ingest: 2,
        jobs: 2,
    };
    let db = Db::open(owner.clone(), sizes, Clock::system()).await?;
    ingest::define(&db).await?;
    let keys = ingest::keys(&db, SENDERS).await?;
    db.close().await;

    let port = free_port()?;
    let mut server = serve(&folder, &url, port)?;
    wait_for(port)?;
    let start = Utc::now() - TimeDelta::days(DAYS as i64);
    let begun = Instant::now();
    let (mut kills, mut outages) = (0, 0);
    for pass in 0..2 {
        let (next, done) = (AtomicUsize::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| -> Result<()> {
            let (next, done) = (&next, &done);
            let senders: Vec<_> = keys
                .iter()
                .map(|key| scope.spawn(move || all_of_it(port, key, next, start, done)))
                .collect();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let batches = EVENTS / BATCH;
            // spread over the batches of both passes, so that kills hit the middle of work
            while !senders.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                let reached = pass * batches + next.load(Ordering::Relaxed).min(batches);
                if kills < reached * KILLS_OF_THE_SERVER / (2 * batches) {
                    server.kill()?;
                    server.wait()?;
                    kills += 1;
                    server = serve(&folder, &url, port)?;
                }
                if outages < reached * KILLS_OF_POSTGRES / (2 * batches) {
                    outages += 1;
                    let file = std::fs::read_to_string(folder.join("postgres/postmaster.pid"))?;
                    let pid: i32 = file.lines().next().context("a pid")?.parse()?;
                    // SAFETY: a signal to the Postgres that this run started.
                    unsafe { libc::kill(pid, libc::SIGKILL) };
                    // its folder must be free before it is started anew
                    drop(cluster.take());
                    std::thread::sleep(Duration::from_millis(100));
                    // this thread is inside a runtime already, and another may not be entered from it
                    let again = || runtime.block_on(Cluster::start(&options));
                    let started = std::thread::scope(|inner| inner.spawn(again).join().expect("no panic"));
                    cluster = Some(started?);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            done.store(true, Ordering::Relaxed);
            for sender in senders {
                sender.join().expect("no panic")?;
            }
            Ok(())
        })?;
        let differs = differences(&owner, start).await?;
        table.goal(
            &format!("1,000,000 events, pass {}: totals of days that differ", pass + 1),
            format!(
                "{differs} of {} after {kills} kills of the server and {outages} of Postgres",
                DAYS + 1
            ),
            "0",
            differs == 0,
        );
    }
    table.note(
        "both passes with all kills",
        format!("{:.0} s", begun.elapsed().as_secs_f64()),
    );
    server.kill()?;
    server.wait()?;
    if let Some(cluster) = cluster {
        cluster.stop().await?;
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn serve(folder: &Path, url: &str, port: u16) -> Result<Child> {
    Ok(Command::new(PROGRAM)
        .arg("serve")
        .env("DATABASE_URL", url)
        .env("PULSEBOARD_SECRET", "replay-replay-replay-replay-replay-replay")
        .env("PULSEBOARD_LISTEN", format!("127.0.0.1:{port}"))
        .env("PULSEBOARD_METRICS_LISTEN", "off")
        .env("PULSEBOARD_SYNTHETIC", "true")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(folder.join("server.log"))?)
        .spawn()?)
}

/// Sends batches until each was acknowledged, again and again where there was no answer or one that says so.
fn all_of_it(port: u16, key: &str, next: &AtomicUsize, start: DateTime<Utc>, done: &AtomicBool) -> Result<()> {
    let mut body = Vec::new();
    let mut stream = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= EVENTS / BATCH {
            return Ok(());
        }
        batch(&mut body, number, start);
        loop {
            ensure!(!done.load(Ordering::Relaxed), "stopped");
            if stream.is_none() {
                stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok();
            }
            let answered = stream.as_mut().map(|stream| ingest::ask(stream, key, &body));
            match answered {
                Some(Ok(200)) => break,
                Some(Ok(429 | 503 | 500)) => {}
                Some(Ok(status)) => anyhow::bail!("a batch was answered with {status}"),
                _ => stream = None,
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn when(n: usize, start: DateTime<Utc>) -> DateTime<Utc> {
    start + TimeDelta::milliseconds((n * 864 * DAYS / 10) as i64 % (DAYS as i64 * 86_400_000))
}

fn cents(n: usize) -> usize {
    n * 7_919 % 100_003
}

fn batch(body: &mut Vec<u8>, number: usize, start: DateTime<Utc>) {
    body.clear();
    for n in number * BATCH..(number + 1) * BATCH {
        let (comma, at) = (if body.is_empty() { "[" } else { "," }, when(n, start).to_rfc3339());
        let _ = write!(
            body,
            r#"{comma}{{"specversion":"1.0","source":"replay","id":"{n}","type":"bench.order","time":"{at}","data":{{"price":{}.{:02},"category":"c{}"}}}}"#,
            cents(n) / 100,
            cents(n) % 100,
            n % 20
        );
    }
    body.push(b']');
}

/// Days whose count or sum is not that of the events.
async fn differences(options: &PgConnectOptions, start: DateTime<Utc>) -> Result<usize> {
    use sqlx::ConnectOptions;
    let mut expected = std::collections::BTreeMap::<NaiveDate, (i64, i64)>::new();
    for n in 0..EVENTS {
        let day = expected.entry(when(n, start).date_naive()).or_default();
        day.0 += 1;
        day.1 += cents(n) as i64;
    }
    let mut owner = options.connect().await?;
    let found: Vec<(NaiveDate, i64, i64, bool)> = sqlx::query_as(
        "select (start at time zone 'UTC')::date, sum(count)::bigint, (sum(sum) * 100)::bigint,
                sum(sum) * 100 = trunc(sum(sum) * 100)
         from rollups where step = 'day' group by 1",
    )
    .fetch_all(&mut owner)
    .await?;
    let stored: i64 = sqlx::query_scalar("select count(*) from events")
        .fetch_one(&mut owner)
        .await?;
    ensure!(stored == EVENTS as i64, "{stored} events are stored");
    let right = found
        .iter()
        .filter(|(day, count, cents, whole)| *whole && expected.get(day) == Some(&(*count, *cents)))
        .count();
    Ok(expected.len().max(found.len()) - right)
}
