//! Boards over a thousand facilities and a year: the server's time for one of forty widgets that this instance has never
//! shown, for the same when it is ready, and what a page of twelve weighs.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use pulseboard::boards::Definition;
use pulseboard::clock::Clock;
use pulseboard::db::embedded::SUPERUSER;
use pulseboard::db::{self, Db, PoolSizes};
use pulseboard::figures::Dimension::{self, *};
use pulseboard::summary;
use pulseboard::widgets::{Kind, Range, SourceRef, Widget, sources};
use sqlx::{AssertSqlSafe, PgConnection};

use super::load::fetch;
use super::place::{Place, Server};
use super::table::{Spread, Table};

const FILL: &str = include_str!("boards/fill.sql");
/// Boards of forty widgets; each is asked for the first time once.
const BOARDS: usize = 24;
/// Asked before it is measured: a server that has just started opens connections and learns its statements.
const WARMING: usize = 4;
const CACHED: usize = 400;

const WIDGETS: [(Kind, &str, &[Dimension]); 40] = [
    (Kind::Number, "inventory.issuable", &[]),
    (Kind::Number, "requests.raised", &[]),
    (Kind::Number, "requests.open_urgent", &[]),
    (Kind::Number, "distributions.delivered", &[]),
    (Kind::Line, "summary.stock", &[Day]),
    (Kind::Area, "inventory.issued", &[Day, Component]),
    (Kind::Gauge, "requests.fill_rate", &[]),
    (Kind::Matrix, "", &[]),
    (Kind::Bar, "inventory.issued", &[Component]),
    (Kind::Bar, "requests.raised", &[Group]),
    (Kind::Heatmap, "requests.raised", &[Weekday, Hour]),
    (Kind::Alert, "", &[]),
    (Kind::Activity, "", &[]),
    (Kind::Text, "", &[]),
    (Kind::Map, "inventory.issuable", &[Facility]),
    (Kind::Number, "inventory.expiring", &[]),
    (Kind::Number, "inventory.quarantined", &[]),
    (Kind::Number, "inventory.reserved", &[]),
    (Kind::Number, "distributions.in_transit", &[]),
    (Kind::Number, "requests.waiting", &[]),
    (Kind::Number, "inventory.discarded", &[]),
    (Kind::Number, "inventory.expired", &[]),
    (Kind::Number, "requests.fulfilled", &[]),
    (Kind::Line, "requests.raised", &[Day]),
    (Kind::Line, "distributions.delivered", &[Day]),
    (Kind::Line, "requests.fill_rate", &[Day]),
    (Kind::Line, "inventory.received", &[Day]),
    (Kind::Area, "requests.raised", &[Day, Urgency]),
    (Kind::Area, "inventory.received", &[Day, Group]),
    (Kind::Bar, "inventory.discarded", &[Reason]),
    (Kind::Bar, "inventory.expired", &[Group]),
    (Kind::Bar, "distributions.delivered", &[Region]),
    (Kind::Bar, "requests.raised", &[Facility]),
    (Kind::Bar, "inventory.issuable", &[Region]),
    (Kind::Table, "requests.fulfilled", &[Region]),
    (Kind::Table, "inventory.days", &[Component]),
    (Kind::Table, "inventory.issued", &[Group, Component]),
    (Kind::Heatmap, "inventory.issuable", &[Group, Component]),
    (Kind::Heatmap, "inventory.issued", &[Weekday, Hour]),
    (Kind::Gauge, "inventory.issuable", &[]),
];

pub async fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let mut owner = fill(place, table).await?;
    let cookie = cookie(place).await?;
    let forty = document(&WIDGETS)?;
    let twelve = document(&WIDGETS[..12])?;
    let mut boards = Vec::new();
    for at in 0..BOARDS {
        boards.push(board(&mut owner, &format!("Wide {at}"), &forty).await?);
    }
    let small = board(&mut owner, "Twelve", &twelve).await?;
    let url = place.cluster.url(SUPERUSER, "wide");
    // the nightly check of everything would be due, and takes half a minute of Postgres
    let server = place.serve(&[("DATABASE_URL", url.as_str()), ("PULSEBOARD_ROLE", "web")])?;

    let (warming, measured) = boards.split_at(WARMING);
    for board in warming {
        ask(&server, *board, &cookie)?;
    }
    let before = (server.cpu(), place.postgres_cpu());
    let cold: Vec<f64> = measured
        .iter()
        .map(|board| Ok(ask(&server, *board, &cookie)?.0))
        .collect::<Result<_>>()?;
    let each = |spent: Duration| spent.as_secs_f64() * 1000.0 / measured.len() as f64;
    let cpu = (
        each(server.cpu() - before.0),
        each(place.postgres_cpu().saturating_sub(before.1)),
    );
    report(
        table,
        "a board of 40 widgets over 1,000 facilities x 365 days, cold, p95",
        &cold,
        300.0,
    );
    table.note(
        "the same, CPU for each",
        format!("server {:.0} ms, Postgres {:.0} ms", cpu.0, cpu.1),
    );

    let ready = measured[measured.len() - 1];
    let cached: Vec<f64> = (0..CACHED)
        .map(|_| Ok(ask(&server, ready, &cookie)?.0))
        .collect::<Result<_>>()?;
    report(table, "the same from the ready boards, p95", &cached, 15.0);

    let (_, weight) = ask(&server, small, &cookie)?;
    table.goal(
        "a page of 12 widgets over them, compressed",
        format!("{:.1} kB", weight as f64 / 1000.0),
        "<= 120 kB",
        weight <= 120_000,
    );
    Ok(())
}

/// Milliseconds until the whole page has come, and its bytes as sent.
fn ask(server: &Server, board: i64, cookie: &str) -> Result<(f64, usize)> {
    let begun = Instant::now();
    let (head, body) = fetch(server.port, &format!("/boards/{board}"), cookie)?;
    let spent = begun.elapsed().as_secs_f64() * 1000.0;
    ensure!(head.starts_with("HTTP/1.1 200"), "board {board}: {head}");
    let mut html = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&body[..]), &mut html)?;
    let failed = ["Its figures could not be read", "Its figures take longer"];
    ensure!(
        !failed.iter().any(|sentence| html.contains(sentence)),
        "a widget failed on board {board}"
    );
    Ok((spent, body.len()))
}

fn report(table: &mut Table, what: &str, times: &[f64], most: f64) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let p95 = sorted[(sorted.len() * 95).div_ceil(100) - 1];
    let spread = Spread::of(times.iter().copied());
    table.goal(
        what,
        format!("{p95:.1} ms; median {}", spread.text(1)),
        &format!("<= {most} ms"),
        p95 <= most,
    );
}

/// A database of its own in the same server, with its days closed.
async fn fill(place: &Place, table: &mut Table) -> Result<PgConnection> {
    let begun = Instant::now();
    let mut owner = Place::owner(&place.cluster, SUPERUSER).await?;
    sqlx::query("create database wide").execute(&mut owner).await?;
    let options = place.cluster.options(SUPERUSER, "wide");
    db::migrate(&options).await?;
    let mut owner = Place::owner(&place.cluster, "wide").await?;
    sqlx::raw_sql(FILL).execute(&mut owner).await?;
    sqlx::raw_sql("vacuum analyze").execute(&mut owner).await?;
    table.note("wide: rows written", format!("{:.0} s", begun.elapsed().as_secs_f64()));

    let begun = Instant::now();
    let db = Db::open(
        options,
        PoolSizes {
            web: 2,
            ingest: 1,
            jobs: 2,
        },
        Clock::system(),
    )
    .await?;
    let mut closed = 0;
    loop {
        match summary::close_days(&db, None).await? {
            0 => break,
            days => closed += days,
        }
    }
    summary::refresh_all(&db, None).await?;
    db.close().await;
    sqlx::raw_sql("vacuum analyze").execute(&mut owner).await?;
    let sizes: String = sqlx::query_scalar(
        "select string_agg(t || ' ' || pg_size_pretty(pg_total_relation_size(t)), ', ')
         from unnest(array['area_sums', 'facility_weeks', 'inventory_movements', 'blood_requests']::regclass[]) t",
    )
    .fetch_one(&mut owner)
    .await?;
    table.note(
        "wide: days closed",
        format!(
            "{closed}, {:.0} ms each; {sizes}",
            begun.elapsed().as_secs_f64() * 1000.0 / closed as f64
        ),
    );
    Ok(owner)
}

/// Of somebody who sees all facilities.
async fn cookie(place: &Place) -> Result<String> {
    let options = place.cluster.options(SUPERUSER, "wide");
    let db = Db::open(
        options,
        PoolSizes {
            web: 1,
            ingest: 1,
            jobs: 1,
        },
        Clock::system(),
    )
    .await?;
    let user: i64 = sqlx::query_scalar(
        "insert into users (email, name, network_admin) values ('wide@bench.invalid', 'Wide', true) returning id",
    )
    .fetch_one(db.unscoped())
    .await?;
    sqlx::query("update installation set set_up_at = now()")
        .execute(db.unscoped())
        .await?;
    let cookie = Place::sessions_in(db.unscoped(), &[user]).await?.remove(0);
    db.close().await;
    Ok(cookie)
}

fn document(widgets: &[(Kind, &str, &[Dimension])]) -> Result<serde_json::Value> {
    let mut definition = Definition {
        range: Range::days(365),
        ..Definition::empty()
    };
    for (at, (kind, measure, by)) in widgets.iter().enumerate() {
        let mut widget = Widget::new(*kind, &format!("w{at}"));
        if !measure.is_empty() {
            widget.source = Some(SourceRef {
                measure: (*measure).into(),
                by: by.to_vec(),
            });
        }
        if *kind == Kind::Text {
            widget.options.markdown = Some("# The year\n\nAll facilities.".into());
        }
        if *kind == Kind::Gauge {
            widget.thresholds.target = Some(100.0);
        }
        widget.place.y = at as u16 * 8;
        let problems = sources().check(&widget);
        ensure!(problems.is_empty(), "widget {at}: {problems}");
        definition.widgets.push(widget);
    }
    Ok(serde_json::to_value(&definition)?)
}

async fn board(owner: &mut PgConnection, name: &str, definition: &serde_json::Value) -> Result<i64> {
    Ok(sqlx::query_scalar(AssertSqlSafe(
        "with board as (insert into boards (owner, name, published) values ('network', $1, true) returning id),
              version as (insert into board_versions (board_id, version, by_name, name, description, definition)
                          select id, 1, 'bench', $1, '', $2 from board)
         select id from board",
    ))
    .bind(name)
    .bind(definition)
    .fetch_one(owner)
    .await?)
}
