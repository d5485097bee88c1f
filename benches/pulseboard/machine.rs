//! What the machine says about processes: time on the processors, memory, and how many descriptors they may hold.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Soft limit up to the hard one, for us and the processes we start: a stream is a descriptor.
pub fn raise_descriptor_limit() -> Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both calls read or write only the struct they are given.
    let done = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 && {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit) == 0
        }
    };
    ensure!(done, "the limit of open descriptors cannot be raised");
    Ok(())
}

/// User and system time that a process has taken so far; zero when it is gone.
pub fn cpu_of(pid: u32) -> Duration {
    stat(pid).map_or(Duration::ZERO, |fields| ticks(&fields, 11) + ticks(&fields, 12))
}

/// The same of a process and all its children, living or ended: a Postgres server.
pub fn cpu_of_family(pid: u32) -> Duration {
    let Some(own) = stat(pid) else { return Duration::ZERO };
    let ended = ticks(&own, 13) + ticks(&own, 14);
    let living: Duration = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(stat)
        .filter(|fields| fields.get(1).is_some_and(|parent| *parent == pid.to_string()))
        .map(|fields| ticks(&fields, 11) + ticks(&fields, 12))
        .sum();
    ticks(&own, 11) + ticks(&own, 12) + ended + living
}

/// Resident memory in bytes.
pub fn memory_of(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: u64 = line
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .context("no VmRSS")?;
    Ok(kilobytes * 1024)
}

/// Nanoseconds of the clock that all processes of the machine share.
pub fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes only the struct it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The processor's name and how many of it there are.
pub fn name() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, name)| name.trim());
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{count} x {model}")
}

/// The fields of `/proc/PID/stat` after the command, which may hold spaces: state, parent, ...
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(String::from).collect())
}

/// Clock ticks are hundredths of a second on every Linux.
fn ticks(fields: &[String], index: usize) -> Duration {
    let count: u64 = fields.get(index).and_then(|field| field.parse().ok()).unwrap_or(0);
    Duration::from_millis(count * 10)
}
