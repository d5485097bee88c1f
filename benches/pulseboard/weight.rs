//! What a first visit weighs, what the idle server holds in memory, and how long a demo takes from nothing.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::load::fetch;
use super::place::{PROGRAM, Place, free_port};
use super::table::{Spread, Table};

const FIRST_LOAD: usize = 80 * 1024;

pub async fn page_and_memory(place: &Place, table: &mut Table) -> Result<()> {
    let server = place.serve(&[])?;
    let cookie = place.cookie_of("staff@demo.invalid").await?;
    let path = format!("/facilities/{}", place.hospital);
    let (_, body) = fetch(server.port, &path, &cookie)?;
    let mut html = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut html)?;

    let mut parts = vec![("board".to_owned(), body.len())];
    for address in addresses(&html) {
        let (head, file) = fetch(server.port, &address, &cookie)?;
        ensure!(head.starts_with("HTTP/1.1 200"), "{address} is missing");
        let name = address.split('?').next().and_then(|path| path.rsplit('/').next());
        parts.push((name.unwrap_or(&address).to_owned(), file.len()));
    }
    let total: usize = parts.iter().map(|(_, size)| size).sum();
    let list: Vec<String> = parts.iter().map(|(name, size)| format!("{name} {size}")).collect();
    table.goal(
        "first load of a board, all files, compressed",
        format!("{:.1} kB ({} B)", total as f64 / 1024.0, list.join(", ")),
        "<= 80 kB",
        total <= FIRST_LOAD,
    );

    tokio::time::sleep(Duration::from_secs(3)).await;
    let idle = server.memory()?;
    table.goal(
        "memory of the idle server (resident)",
        format!("{:.1} MB", idle as f64 / 1048576.0),
        "<= 64 MB",
        idle <= 64 << 20,
    );
    Ok(())
}

/// What the page makes a browser fetch at once.
fn addresses(html: &str) -> Vec<String> {
    let head = html.split("</head>").next().unwrap_or(html);
    let mut found: Vec<String> = head
        .split('"')
        .filter(|text| text.starts_with("/static/"))
        .map(String::from)
        .collect();
    found.dedup();
    found
}

/// `pulseboard demo` in an empty folder: until the log-in page has come.
pub fn demo_start(table: &mut Table) -> Result<()> {
    let mut times = Vec::new();
    for round in 0..3 {
        let folder = std::env::temp_dir().join(format!("pulseboard-bench-demo-{}-{round}", std::process::id()));
        let begun = Instant::now();
        let mut demo = Command::new(PROGRAM)
            .args(["demo", "--json", "--data"])
            .arg(&folder)
            .env("PULSEBOARD_LISTEN", format!("127.0.0.1:{}", free_port()?))
            .env("PULSEBOARD_METRICS_LISTEN", "off")
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(demo.stdout.take().context("no output")?).read_line(&mut line)?;
        let url = serde_json::from_str::<serde_json::Value>(&line)?["url"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let port = url.rsplit(':').next().unwrap_or_default().parse()?;
        let page = fetch(port, "/login", "");
        times.push(begun.elapsed().as_secs_f64());
        // SAFETY: a signal to a child that has not been waited for.
        unsafe { libc::kill(demo.id() as i32, libc::SIGTERM) };
        demo.wait()?;
        std::fs::remove_dir_all(&folder)?;
        ensure!(page?.0.starts_with("HTTP/1.1 200"), "the demo's first page failed");
    }
    let times = Spread::of(times);
    table.goal(
        "demo in an empty folder: first page after",
        format!("{} s", times.text(2)),
        "<= 5 s",
        times.median <= 5.0,
    );
    Ok(())
}
