//! A board's page with a session: from the boards kept ready, from the rendering kept in Postgres, and composed from its
//! rows, each in turn with the bare server that sends the same bytes.

use std::io::Read;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::direct::Origin;
use super::load::{Plan, Seen, drive, fetch};
use super::place::{Place, Server};
use super::table::{Spread, Table};
use super::{bare, machine};

const CONNECTIONS: usize = 64;
/// Boards composed at a time; more would only queue for the four connections that compose.
const COMPOSING: usize = 8;
const ROUND: Duration = Duration::from_millis(2000);
const ROUNDS: usize = 7;

/// One of the two servers in a round.
#[derive(Clone, Copy)]
struct Round {
    seen: Seen,
    server_us: f64,
    postgres_us: f64,
}

pub async fn cached(place: &Place, table: &mut Table) -> Result<()> {
    let server = place.serve(&[])?;
    let cookie = place.cookie_of("staff@demo.invalid").await?;
    let path = format!("/facilities/{}", place.hospital);
    let bare = bare_like(&server, &path, &cookie, table)?;

    let paths = [path];
    let (ours, theirs) = interleaved(place, &server, &paths, &cookie, &bare, CONNECTIONS)?;
    report(table, "page from the ready boards", &ours, &theirs, Some(0.6));
    table.note("machine", machine::name());
    Ok(())
}

pub async fn from_postgres(place: &Place, table: &mut Table) -> Result<()> {
    let cookie = place.cookie_of("network@demo.invalid").await?;
    let paths: Vec<String> = place.facilities.iter().map(|id| format!("/facilities/{id}")).collect();
    for (origin, what, goal, connections) in [
        (
            Origin::Kept,
            "page whose board is read from Postgres for each request",
            Some(0.2),
            CONNECTIONS,
        ),
        (
            Origin::Source,
            "page whose board is composed from its rows for each request",
            None,
            COMPOSING,
        ),
    ] {
        let server = place.serve_uncached(origin)?;
        for path in &paths {
            fetch(server.port, path, &cookie)?;
        }
        // each is kept a second after it was composed
        tokio::time::sleep(Duration::from_secs(2)).await;
        let bare = bare_like(&server, &format!("/facilities/{}", place.hospital), &cookie, table)?;
        let (ours, theirs) = interleaved(place, &server, &paths, &cookie, &bare, connections)?;
        report(table, what, &ours, &theirs, goal);
    }
    Ok(())
}

/// A bare server with the product's answer, after a look at that answer.
fn bare_like(server: &Server, path: &str, cookie: &str, table: &mut Table) -> Result<Server> {
    let (head, body) = fetch(server.port, path, cookie)?;
    ensure!(
        head.starts_with("HTTP/1.1 200"),
        "{path} answered {}",
        head.lines().next().unwrap_or_default()
    );
    let mut html = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut html)?;
    ensure!(
        html.contains("w-stock") && html.contains("w-activity"),
        "{path} is not a board"
    );
    table.note(
        "one page: head + body sent, html",
        format!("{} + {} B, {} B", head.len(), body.len(), html.len()),
    );
    bare::start(&head, &body)
}

/// A B A B ..., after a short warming up of both.
fn interleaved(
    place: &Place,
    server: &Server,
    paths: &[String],
    cookie: &str,
    bare: &Server,
    connections: usize,
) -> Result<(Vec<Round>, Vec<Round>)> {
    let root = ["/".to_owned()];
    let run = |server: &Server, paths: &[String], time: Duration| -> Result<Round> {
        let before = (server.cpu(), place.postgres_cpu());
        let seen = drive(&Plan {
            port: server.port,
            connections,
            time,
            cookie,
            paths,
        })?;
        ensure!(
            seen.failed == 0,
            "{} of {} answers were not 200",
            seen.failed,
            seen.requests
        );
        let each = |spent: Duration| spent.as_micros() as f64 / seen.requests.max(1) as f64;
        Ok(Round {
            seen,
            server_us: each(server.cpu() - before.0),
            postgres_us: each(place.postgres_cpu().saturating_sub(before.1)),
        })
    };
    run(server, paths, ROUND / 2)?;
    run(bare, &root, ROUND / 4)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(run(server, paths, ROUND)?);
        theirs.push(run(bare, &root, ROUND)?);
    }
    Ok((ours, theirs))
}

fn report(table: &mut Table, what: &str, ours: &[Round], theirs: &[Round], goal: Option<f64>) {
    let rate = |round: &Round| round.seen.requests_per_second;
    let ratio = Spread::of(ours.iter().zip(theirs).map(|(ours, bare)| rate(ours) / rate(bare)));
    let named = format!("{what}, of the bare server's requests/s");
    match goal {
        Some(goal) => table.goal(&named, ratio.text(3), &format!(">= {goal}"), ratio.median >= goal),
        None => table.note(&named, ratio.text(4)),
    }
    for (name, rounds) in [("product", ours), ("bare", theirs)] {
        let of = |value: fn(&Round) -> f64| Spread::of(rounds.iter().map(value));
        table.note(
            &format!("{what}: {name}"),
            format!(
                "{} req/s; p50 {:.2} p99 {:.2} ms; us of CPU each: server {}, Postgres {:.1}, client {:.1}",
                of(|round| round.seen.requests_per_second).text(0),
                of(|round| round.seen.p50_ms).median,
                of(|round| round.seen.p99_ms).median,
                of(|round| round.server_us).text(1),
                of(|round| round.postgres_us).median,
                of(|round| round.seen.client_us).median,
            ),
        );
    }
}
