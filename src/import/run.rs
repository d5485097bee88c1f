//! The import itself, and its dry run.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::db::Db;
use crate::ingest::{Batch, Effect, Item, Origin, Pipeline, Verdict};

use super::commands;
use super::reader::Rows;
use super::row::{self, Defaults, Kind};

/// What is imported, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    pub kind: Kind,
    pub file: PathBuf,
    pub defaults: Defaults,
}

/// What is told while it goes on.
pub trait Progress {
    /// After each batch; the share of the file from 0 to 1.
    fn moved(&mut self, report: &Report, share: f64);
    /// A row that is not taken.
    fn bad(&mut self, line: u64, reason: &str);
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// of an import that was cut off before
    pub skipped: u64,
    pub rows: u64,
    pub stored: u64,
    /// events that were here before
    pub duplicates: u64,
    /// kept among the dead letters: late, or another event with the same id
    pub dead: u64,
    pub bad: u64,
}

/// Rows in one transaction.
const BATCH: usize = 2_000;

/// Stores what is not stored yet.
pub async fn run(db: &Db, pipeline: &Pipeline, plan: &Plan, progress: &mut impl Progress) -> anyhow::Result<Report> {
    let (hash, plan) = identify(plan)?;
    let file = plan.file.display().to_string();
    let mut place = commands::begin(db, &hash, &file).await?;
    let mut report = Report {
        skipped: place,
        ..Report::default()
    };
    let origin = origin(&plan);
    let mut rows = Rows::open(&plan.file)?;
    for skipped in rows.by_ref().take(place as usize) {
        skipped?;
    }
    loop {
        let (lines, batch) = next_batch(&mut rows, &plan)?;
        if batch.is_empty() {
            break;
        }
        let to = place + batch.len() as u64;
        let verdicts = pipeline.submit_with(&origin, batch, step(&hash, place, to)).await?;
        place = to;
        for (line, verdict) in lines.into_iter().zip(verdicts) {
            report.rows += 1;
            match verdict {
                Verdict::Accepted { .. } => report.stored += 1,
                Verdict::Duplicate => report.duplicates += 1,
                Verdict::Conflict | Verdict::Late(_) => report.dead += 1,
                Verdict::Rejected(reason) => {
                    report.bad += 1;
                    progress.bad(line, &reason);
                }
            }
        }
        pipeline.tell_changes().await;
        progress.moved(&report, rows.share());
    }
    commands::finish(db, &hash).await?;
    Ok(report)
}

/// Reads every row and says which could not be taken, by what is known now of facilities, catalogs and names; stores nothing.
pub async fn check(pipeline: &Pipeline, plan: &Plan, progress: &mut impl Progress) -> anyhow::Result<Report> {
    let (_, plan) = identify(plan)?;
    let origin = origin(&plan);
    let mut report = Report::default();
    let mut rows = Rows::open(&plan.file)?;
    loop {
        let (lines, batch) = next_batch(&mut rows, &plan)?;
        if batch.is_empty() {
            return Ok(report);
        }
        for (line, verdict) in lines.into_iter().zip(pipeline.look(&origin, batch).await?) {
            report.rows += 1;
            match verdict {
                Some(Verdict::Rejected(reason)) => {
                    report.bad += 1;
                    progress.bad(line, &reason);
                }
                Some(Verdict::Late(_)) => report.dead += 1,
                _ => {}
            }
        }
        progress.moved(&report, rows.share());
    }
}

fn origin(plan: &Plan) -> Origin {
    Origin {
        name: format!("import {}", plan.file.display()),
        facilities: None,
    }
}

/// The same content in the same way is the same import, wherever it lies; its hash makes ids for events without one.
fn identify(plan: &Plan) -> anyhow::Result<(Vec<u8>, Plan)> {
    let content = hash_of(&plan.file)?;
    let mut plan = plan.clone();
    plan.defaults.id_prefix = content[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let how = format!("{:?} {:?}", plan.kind, plan.defaults);
    let hash = Sha256::new().chain_update(content).chain_update(how).finalize();
    Ok((hash.to_vec(), plan))
}

fn hash_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    use std::io::Read;
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hash.finalize().to_vec());
        }
        hash.update(&buffer[..count]);
    }
}

fn next_batch(rows: &mut Rows, plan: &Plan) -> anyhow::Result<(Vec<u64>, Batch)> {
    let (mut lines, mut batch) = (Vec::new(), Vec::new());
    for row in rows.take(BATCH) {
        let row = row?;
        let item = row
            .columns
            .and_then(|columns| row::item(plan.kind, columns, row.line, &plan.defaults));
        lines.push(row.line);
        batch.push(item.unwrap_or_else(Item::Unreadable));
    }
    Ok((lines, batch))
}

fn step(hash: &[u8], from: u64, to: u64) -> Effect {
    let hash = hash.to_vec();
    Box::new(move |tx, _| Box::pin(async move { commands::advance(tx, &hash, from, to).await }))
}
