//! A closed loop over keep-alive connections: each sends its next request when the answer to the last has come whole.
//! As a process of its own (`role-load`) it prints what it saw in one line.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::epoll::{Epoll, connect};
use super::machine;

/// What to ask, of whom, for how long.
pub struct Plan<'a> {
    pub port: u16,
    pub connections: usize,
    pub time: Duration,
    pub cookie: &'a str,
    /// asked in turn
    pub paths: &'a [String],
}

/// What came back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub requests_per_second: f64,
    pub requests: u64,
    /// answers that were not 200
    pub failed: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// microseconds of the client for each request
    pub client_us: f64,
}

/// Runs the plan in a process of its own.
pub fn drive(plan: &Plan<'_>) -> Result<Seen> {
    let out = Command::new(std::env::current_exe()?)
        .args(["role-load", &plan.port.to_string(), &plan.connections.to_string()])
        .args([&plan.time.as_millis().to_string(), plan.cookie])
        .args(plan.paths)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(out.status.success(), "the load generator failed");
    let line = String::from_utf8(out.stdout)?;
    let figures: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [requests_per_second, requests, failed, p50_ms, p99_ms, client_us] = figures[..] else {
        anyhow::bail!("the load generator said {line:?}");
    };
    Ok(Seen {
        requests_per_second,
        requests: requests as u64,
        failed: failed as u64,
        p50_ms,
        p99_ms,
        client_us,
    })
}

/// The bytes of one request as a browser would send it.
pub fn request(path: &str, cookie: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie}\r\naccept: text/html,application/xhtml+xml\r\n\
         accept-encoding: gzip, deflate, br\r\nuser-agent: bench\r\n\r\n"
    )
    .into_bytes()
}

/// One request on a connection of its own: the head and the body.
pub fn fetch(port: u16, path: &str, cookie: &str) -> Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(&request(path, cookie))?;
    let mut read = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        if let Some((head, length)) = head_of(&read)
            && read.len() >= head + length
        {
            let body = read.split_off(head);
            return Ok((String::from_utf8(read)?, body));
        }
        let size = stream.read(&mut chunk)?;
        ensure!(size > 0, "{path}: the connection ended early");
        read.extend_from_slice(&chunk[..size]);
    }
}

/// Length of a whole head at the beginning of `read`, and of the body that follows it.
fn head_of(read: &[u8]) -> Option<(usize, usize)> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    const NAME: &[u8] = b"content-length: ";
    let length = read[..end]
        .windows(NAME.len())
        .position(|name| name.eq_ignore_ascii_case(NAME))
        .map_or(0, |at| {
            let digits = read[at + NAME.len()..end]
                .iter()
                .take_while(|byte| byte.is_ascii_digit());
            digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
        });
    Some((end, length))
}

struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
    /// bytes of the body still to come, once the head is there
    left: Option<usize>,
    sent: Instant,
    next: usize,
}

/// `role-load PORT CONNECTIONS MILLISECONDS COOKIE PATH...`
pub fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let [port, connections, time, cookie, paths @ ..] = &words[..] else {
        anyhow::bail!("role-load: too few words");
    };
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port.parse()?);
    let requests: Vec<Vec<u8>> = paths.iter().map(|path| request(path, cookie)).collect();
    ensure!(!requests.is_empty(), "role-load: no path");
    let seen = closed_loop(
        to,
        connections.parse()?,
        Duration::from_millis(time.parse()?),
        &requests,
    )?;
    println!(
        "{} {} {} {} {} {}",
        seen.requests_per_second, seen.requests, seen.failed, seen.p50_ms, seen.p99_ms, seen.client_us
    );
    Ok(())
}

fn closed_loop(to: SocketAddrV4, connections: usize, time: Duration, requests: &[Vec<u8>]) -> Result<Seen> {
    let mut epoll = Epoll::new()?;
    let mut open = Vec::with_capacity(connections);
    for key in 0..connections {
        let stream = connect(Ipv4Addr::LOCALHOST, to)?;
        epoll.add(stream.as_raw_fd(), key as u64)?;
        open.push(Connection {
            stream,
            head: Vec::with_capacity(4096),
            left: None,
            sent: Instant::now(),
            next: key % requests.len(),
        });
    }
    let begun = Instant::now();
    for connection in &mut open {
        ask(connection, requests)?;
    }
    let mut chunk = vec![0; 256 * 1024];
    let mut times: Vec<u32> = Vec::with_capacity(1 << 20);
    let mut failed = 0;
    while begun.elapsed() < time {
        for key in epoll.wait(100) {
            let connection = &mut open[key as usize];
            let size = connection.stream.read(&mut chunk)?;
            ensure!(size > 0, "a connection was closed under load");
            if take(connection, &chunk[..size]) {
                times.push(connection.sent.elapsed().as_micros() as u32);
                failed += u64::from(!connection.head.starts_with(b"HTTP/1.1 200"));
                connection.head.clear();
                connection.left = None;
                ask(connection, requests)?;
            }
        }
    }
    let elapsed = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times
            .get(index.min(times.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0) as f64
            / 1000.0
    };
    Ok(Seen {
        requests_per_second: times.len() as f64 / elapsed,
        requests: times.len() as u64,
        failed,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        client_us: machine::cpu_of(std::process::id()).as_micros() as f64 / times.len().max(1) as f64,
    })
}

fn ask(connection: &mut Connection, requests: &[Vec<u8>]) -> Result<()> {
    connection.sent = Instant::now();
    connection
        .stream
        .write_all(&requests[connection.next])
        .context("a connection was closed")?;
    connection.next = (connection.next + 1) % requests.len();
    Ok(())
}

/// Whether the answer is whole now.
fn take(connection: &mut Connection, read: &[u8]) -> bool {
    let left = match connection.left {
        Some(left) => left.saturating_sub(read.len()),
        None => {
            // the head comes first and is short; a body that came with it is only counted
            let before = connection.head.len();
            connection.head.extend_from_slice(&read[..read.len().min(4096)]);
            let Some((head, length)) = head_of(&connection.head) else {
                return false;
            };
            (head + length).saturating_sub(before + read.len())
        }
    };
    connection.left = Some(left);
    left == 0
}
