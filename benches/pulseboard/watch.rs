//! Thousands of open streams as one process (`role-watch`), from several addresses of this machine. It notes when the
//! end of a change has arrived on each; the clock is the one that all processes share.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::epoll::{Epoll, connect};
use super::{load, machine};

/// The last frame of every change of a board.
const MARK: &[u8] = b"event: as-of";
const STDIN: u64 = u64::MAX;
const PATIENCE: Duration = Duration::from_secs(10);

/// The process, from outside.
pub struct Watchers {
    process: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
    pub count: usize,
}

/// When the change had arrived on this share of the streams: nanoseconds of the shared clock.
pub struct Arrived {
    pub half: u64,
    pub p95: u64,
    pub p99: u64,
    pub last: u64,
}

impl Watchers {
    /// Opens the streams, the cookies taken in turn, and waits until each has been greeted.
    pub fn open(port: u16, path: &str, cookies: &[String], count: usize) -> Result<Watchers> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["role-watch", &port.to_string(), path, &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut orders = process.stdin.take().context("no input")?;
        let output = process.stdout.take().context("no output")?;
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            use std::io::BufRead;
            for line in std::io::BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        writeln!(orders, "{}", cookies.join("\t"))?;
        let watchers = Watchers {
            process,
            orders,
            answers,
            count,
        };
        let line = watchers
            .answers
            .recv_timeout(Duration::from_secs(60))
            .context("the streams did not open")?;
        ensure!(line == "ready", "the watchers said {line:?}");
        Ok(watchers)
    }

    /// From now on the next change is awaited.
    pub fn expect(&mut self) -> Result<()> {
        writeln!(self.orders, "expect")?;
        Ok(())
    }

    /// When it had arrived.
    pub fn arrived(&self) -> Result<Arrived> {
        let line = self
            .answers
            .recv_timeout(PATIENCE * 2)
            .context("no word from the watchers")?;
        let figures: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [half, p95, p99, last, missing] = figures[..] else {
            bail!("the watchers said {line:?}")
        };
        ensure!(
            missing == 0,
            "{missing} of {} streams did not get the change",
            self.count
        );
        Ok(Arrived { half, p95, p99, last })
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Stream {
    socket: TcpStream,
    /// the end of what was read, in case the mark was cut in two
    tail: Vec<u8>,
    greeted: bool,
    arrived: u64,
}

/// `role-watch PORT PATH COUNT`; the first line of the input holds the cookies, each `expect` after it is answered.
pub fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let [port, path, count] = &words[..] else {
        bail!("role-watch: PORT PATH COUNT")
    };
    let (port, count): (u16, usize) = (port.parse()?, count.parse()?);
    machine::raise_descriptor_limit()?;
    let mut cookies = String::new();
    std::io::stdin().read_line(&mut cookies)?;
    let cookies: Vec<&str> = cookies.trim_end().split('\t').collect();

    let mut epoll = Epoll::new()?;
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let mut streams = Vec::with_capacity(count);
    for index in 0..count {
        let from = Ipv4Addr::new(127, 0, 0, 2 + (index % 8) as u8);
        let mut socket = connect(from, to)?;
        socket.write_all(&load::request(path, cookies[index % cookies.len()]))?;
        epoll.add(socket.as_raw_fd(), index as u64)?;
        streams.push(Stream {
            socket,
            tail: Vec::new(),
            greeted: false,
            arrived: 0,
        });
    }
    let stdin = std::io::stdin();
    epoll.add(stdin.as_raw_fd(), STDIN)?;
    let mut chunk = vec![0; 256 * 1024];
    let mut greeted = 0;
    let mut missing = None;
    let mut since = Instant::now();
    loop {
        let ready: VecDeque<u64> = epoll.wait(1000).collect();
        for key in ready {
            if key == STDIN {
                let mut order = [0; 64];
                if stdin.lock().read(&mut order)? == 0 {
                    return Ok(());
                }
                streams.iter_mut().for_each(|stream| stream.arrived = 0);
                missing = Some(count);
                since = Instant::now();
                continue;
            }
            let stream = &mut streams[key as usize];
            let size = stream.socket.read(&mut chunk)?;
            ensure!(size > 0, "a stream was ended by the server");
            let now = machine::now();
            if !stream.greeted {
                ensure!(chunk.starts_with(b"HTTP/1.1 200"), "a stream was refused");
                stream.greeted = true;
                greeted += 1;
                if greeted == count {
                    println!("ready");
                }
            }
            if let Some(left) = &mut missing
                && stream.arrived == 0
                && holds_mark(&mut stream.tail, &chunk[..size])
            {
                stream.arrived = now;
                *left -= 1;
            }
        }
        if let Some(left) = missing
            && (left == 0 || since.elapsed() > PATIENCE)
        {
            report(&streams, left);
            missing = None;
        }
    }
}

fn holds_mark(tail: &mut Vec<u8>, read: &[u8]) -> bool {
    tail.extend_from_slice(&read[..read.len().min(MARK.len())]);
    let cut = find(tail);
    tail.clear();
    let found = cut || find(read);
    tail.extend_from_slice(&read[read.len().saturating_sub(MARK.len())..]);
    found
}

fn find(text: &[u8]) -> bool {
    // SAFETY: both slices outlive the call and their lengths are their own.
    unsafe { !libc::memmem(text.as_ptr().cast(), text.len(), MARK.as_ptr().cast(), MARK.len()).is_null() }
}

fn report(streams: &[Stream], missing: usize) {
    let mut times: Vec<u64> = streams
        .iter()
        .map(|stream| stream.arrived)
        .filter(|&at| at > 0)
        .collect();
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times
            .get(index.min(times.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0)
    };
    println!("{} {} {} {} {missing}", at(0.5), at(0.95), at(0.99), at(1.0));
}
