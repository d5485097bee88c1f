//! The books of the invented past: rows of every table, gathered until there are enough of them to be written.
//! A lot keeps its movements with it until nothing more happens to it; only then does it become rows.

use chrono::{DateTime, Utc};

use super::population::{component_of, group_of};
use crate::blood::{MovementKind, UnitStatus};
use crate::requests::{RecipientStatus, RequestStatus, StepKind, Urgency};

type Time = DateTime<Utc>;

/// What an actor writes when the program itself acted.
pub(super) const PROGRAM: &str = "Pulseboard";

#[derive(Clone, Debug)]
pub(super) enum Label {
    Donation(String),
    Lot(String),
}

/// Something that happened to a lot.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub at: Time,
    pub kind: MovementKind,
    pub to: UnitStatus,
    pub actor: &'static str,
    pub reason: Option<&'static str>,
    pub request: Option<i64>,
    pub distribution: Option<i64>,
}

/// A unit, or alike units that stay together for all their life.
#[derive(Clone, Debug)]
pub(super) struct Lot {
    pub id: i64,
    pub facility: i64,
    pub bank: i64,
    pub cell: usize,
    pub quantity: i32,
    pub label: Label,
    pub collected_at: Time,
    pub expires_at: Time,
    /// nothing more may happen to it before this instant
    pub since: Time,
    pub is_unsafe: bool,
    pub reserved: Option<(i64, Time)>,
    pub moves: Vec<Move>,
    /// the line of the delivery that brought it
    pub brought_by: Option<Carried>,
}

impl Lot {
    /// The status that its movements led to.
    pub fn status(&self) -> UnitStatus {
        self.moves.last().map_or(UnitStatus::Available, |last| last.to)
    }

    pub fn happen(&mut self, at: Time, kind: MovementKind, to: UnitStatus, actor: &'static str) -> &mut Move {
        self.since = at;
        self.moves.push(Move {
            at,
            kind,
            to,
            actor,
            reason: None,
            request: None,
            distribution: None,
        });
        let last = self.moves.len() - 1;
        &mut self.moves[last]
    }
}

/// A row of `distribution_units`.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    pub facility: i64,
    pub distribution: i64,
    pub inventory: i64,
    pub to: i64,
    pub cell: usize,
    pub quantity: i32,
    pub label: Label,
    pub collected_at: Time,
    pub expires_at: Time,
    pub outcome: Option<&'static str>,
    pub received: Option<i64>,
}

pub(super) struct Distribution {
    pub facility: i64,
    pub id: i64,
    pub bank: i64,
    pub to: i64,
    pub request: Option<i64>,
    pub sent: i32,
    pub quantity: i32,
    pub status: &'static str,
    pub temperature: Option<f32>,
    pub dispatched_at: Time,
    pub delivered_at: Option<Time>,
}

pub(super) struct Request {
    pub facility: i64,
    pub id: i64,
    pub cell: usize,
    pub quantity: i32,
    pub urgency: Urgency,
    pub status: RequestStatus,
    pub needed_by: Time,
    pub reason: &'static str,
    pub fulfilled: i32,
    pub created_at: Time,
    pub closed_at: Option<Time>,
}

pub(super) struct Recipient {
    pub facility: i64,
    pub request: i64,
    pub to: i64,
    pub status: RecipientStatus,
    pub accepted: Option<i32>,
    pub reason: Option<&'static str>,
    pub decided_at: Option<Time>,
}

/// A row of `request_events`.
pub(super) struct Step {
    pub facility: i64,
    pub request: i64,
    pub at: Time,
    pub by: i64,
    pub actor: &'static str,
    pub step: StepKind,
    pub reason: Option<&'static str>,
}

/// A row of `audit_log`.
pub(super) struct Audit {
    pub at: Time,
    pub facility: i64,
    pub other: Option<i64>,
    pub actor: String,
    pub action: &'static str,
    pub thing: &'static str,
    pub thing_id: i64,
    pub detail: serde_json::Value,
}

/// Rows to be written together, in the order of the foreign keys.
#[derive(Default)]
pub(super) struct Batch {
    /// days of history behind these rows
    pub day: u32,
    /// with their final status
    pub lots: Vec<(Lot, UnitStatus)>,
    pub requests: Vec<Request>,
    pub recipients: Vec<Recipient>,
    pub steps: Vec<Step>,
    pub distributions: Vec<Distribution>,
    pub carried: Vec<Carried>,
    pub audits: Vec<Audit>,
}

/// Ids given so far, and the rows of the present batch.
pub(super) struct Ledger {
    pub batch: Batch,
    pub lots: i64,
    pub requests: i64,
    pub distributions: i64,
    /// the first ids that the database gave
    first_lot: i64,
    first_request: i64,
    first_distribution: i64,
    /// older things are not in the log
    audit_from: Time,
}

impl Ledger {
    pub fn new(first_lot: i64, first_request: i64, first_distribution: i64, audit_from: Time) -> Self {
        Ledger {
            batch: Batch::default(),
            lots: 0,
            requests: 0,
            distributions: 0,
            first_lot,
            first_request,
            first_distribution,
            audit_from,
        }
    }

    pub fn next_lot(&mut self) -> i64 {
        self.lots += 1;
        self.first_lot + self.lots - 1
    }

    pub fn next_request(&mut self) -> i64 {
        self.requests += 1;
        self.first_request + self.requests - 1
    }

    pub fn next_distribution(&mut self) -> i64 {
        self.distributions += 1;
        self.first_distribution + self.distributions - 1
    }

    /// Nothing more happens to this lot.
    pub fn book(&mut self, mut lot: Lot) {
        let status = lot.status();
        self.batch.carried.extend(lot.brought_by.take());
        self.batch.lots.push((lot, status));
    }

    pub fn is_logged(&self, at: Time) -> bool {
        at >= self.audit_from
    }

    /// Notes what happened to a lot, if that was lately.
    pub fn log_lot(&mut self, lot: &Lot, at: Time, actor: &'static str, action: &'static str, reason: Option<&str>) {
        if !self.is_logged(at) {
            return;
        }
        let mut detail = serde_json::json!({
            "quantity": lot.quantity,
            "component": component_of(lot.cell),
            "group": group_of(lot.cell),
        });
        if let Some(reason) = reason {
            detail["reason"] = reason.into();
        }
        self.batch.audits.push(Audit {
            at,
            facility: lot.facility,
            other: None,
            actor: actor.into(),
            action,
            thing: "unit",
            thing_id: lot.id,
            detail,
        });
    }

    /// The rows so far, when there are enough of them. The log waits: it is read in the order of its ids, so it is
    /// written in the order of time, at the end.
    pub fn full(&mut self, day: u32) -> Option<Batch> {
        const ENOUGH: usize = 8_000;
        if self.batch.lots.len() < ENOUGH {
            return None;
        }
        let audits = std::mem::take(&mut self.batch.audits);
        let full = std::mem::take(&mut self.batch);
        self.batch.audits = audits;
        Some(Batch { day, ..full })
    }

    /// What is left at the end.
    pub fn finish(mut self, day: u32) -> Batch {
        self.batch.audits.sort_by_key(|audit| audit.at);
        Batch { day, ..self.batch }
    }
}
