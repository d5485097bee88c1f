//! `import`: the progress line, and every row that was not taken.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::run::Opened;
use super::{Import, ImportKind};
use crate::config::Config;
use crate::ids::FacilityId;
use crate::import::{self, Defaults, Kind, Plan, Progress, Report};
use crate::ingest::Pipeline;

/// 0 when every row was taken, 1 otherwise.
pub async fn run(config: &Config, wanted: &Import) -> anyhow::Result<i32> {
    let plan = Plan {
        kind: match wanted.kind {
            ImportKind::Events => Kind::Events,
            ImportKind::Metrics => Kind::Metrics,
        },
        file: wanted.file.clone(),
        defaults: Defaults {
            source: wanted.source.clone(),
            event_type: wanted.event_type.clone(),
            metric: wanted.metric.clone(),
            facility: wanted.facility.map(FacilityId),
            id_prefix: String::new(),
        },
    };
    let mut line = Line::new();
    let opened = Opened::open(config).await?;
    let db = opened.pools().await?;
    let pipeline = Pipeline::new(db.clone());
    let done = if wanted.dry_run {
        import::check(&pipeline, &plan, &mut line).await
    } else {
        import::run(&db, &pipeline, &plan, &mut line).await
    };
    line.end();
    db.close().await;
    opened.close().await?;
    let report = done?;
    println!("{}", summary(&report, wanted.dry_run));
    Ok(i32::from(report.bad > 0))
}

fn summary(report: &Report, dry_run: bool) -> String {
    let Report {
        skipped,
        rows,
        stored,
        duplicates,
        dead,
        bad,
    } = report;
    if dry_run {
        return format!("{rows} rows: {dead} too late, {bad} bad; nothing was stored");
    }
    let before = match skipped {
        0 => String::new(),
        _ => format!("{skipped} rows were through before; "),
    };
    format!("{before}{rows} rows: {stored} stored, {duplicates} known already, {dead} to the dead letters, {bad} bad")
}

/// One line that is written over, at a terminal; a line every few seconds elsewhere.
struct Line {
    begun: Instant,
    told: Option<Instant>,
    open: bool,
    is_terminal: bool,
}

impl Line {
    fn new() -> Self {
        Line {
            begun: Instant::now(),
            told: None,
            open: false,
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.open) {
            eprintln!();
        }
    }
}

impl Progress for Line {
    fn moved(&mut self, report: &Report, share: f64) {
        let every = Duration::from_millis(if self.is_terminal { 100 } else { 5_000 });
        if self.told.is_some_and(|told| told.elapsed() < every) {
            return;
        }
        self.told = Some(Instant::now());
        let rate = report.rows as f64 / self.begun.elapsed().as_secs_f64().max(1e-3);
        let words = format!(
            "{:3.0} %, {} rows, {rate:.0}/s, {} bad",
            share * 100.0,
            report.rows,
            report.bad
        );
        if self.is_terminal {
            eprint!("\r  {words}  ");
            let _ = std::io::stderr().flush();
            self.open = true;
        } else {
            eprintln!("  {words}");
        }
    }

    fn bad(&mut self, line: u64, reason: &str) {
        self.end();
        eprintln!("line {line}: {reason}");
    }
}
