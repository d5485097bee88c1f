//! What becomes of a unit that was issued: it was transfused, or it comes back.

use super::shelf::joined;
use super::{Step, take};
use crate::auth::Editor;
use crate::blood::{MovementKind, UnitStatus};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::UnitId;
use crate::inventory::ledger::Change;

/// Records that an issued unit, or part of a lot, was given to the patient.
pub async fn transfuse(db: &Db, editor: &Editor, unit: UnitId, quantity: Option<i32>) -> Result<UnitId> {
    let step = Step {
        unit,
        quantity,
        from: &[UnitStatus::Issued],
        to: UnitStatus::Transfused,
        change: Change::of(MovementKind::Transfused),
        action: "transfused",
    };
    take(db, editor, step).await
}

/// How a unit looks that comes back: what 21 CFR 640.2 wants on record before anybody may issue it again.
#[derive(Clone, Debug)]
pub struct Condition {
    /// °C when it came back
    pub temperature: f32,
    pub seal_intact: bool,
    /// a segment of the tubing is still attached
    pub segment_attached: bool,
    pub note: String,
    /// part of a lot; `None` is all of it
    pub quantity: Option<i32>,
}

/// Takes an issued unit back into quarantine, whatever its condition; releasing it is a step of its own.
pub async fn return_issued(db: &Db, editor: &Editor, unit: UnitId, condition: &Condition) -> Result<UnitId> {
    if !(-60.0..=60.0).contains(&condition.temperature) {
        return Err(Error::invalid(
            "temperature",
            t!("Give the temperature in °C, between -60 and 60."),
        ));
    }
    let seal = if condition.seal_intact {
        "seal intact"
    } else {
        "seal not intact"
    };
    let segment = if condition.segment_attached {
        "segment attached"
    } else {
        "no segment attached"
    };
    let reason = joined(&format!("{seal}, {segment}"), &condition.note);
    let step = Step {
        unit,
        quantity: condition.quantity,
        from: &[UnitStatus::Issued],
        to: UnitStatus::Quarantined,
        change: Change {
            reason: Some(&reason),
            temperature: Some(condition.temperature),
            ..Change::of(MovementKind::Returned)
        },
        action: "returned",
    };
    take(db, editor, step).await
}
