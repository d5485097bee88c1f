//! Issuing: units leave the shelf for a patient, the proposed ones or others with a recorded reason.

use serde_json::json;

use super::detail;
use crate::audit::Entry;
use crate::auth::Editor;
use crate::blood::compatibility::{Patient, choices};
use crate::blood::{Component, MovementKind, UnitStatus};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::UnitId;
use crate::inventory::ledger::{self, Change};
use crate::inventory::pick;
use crate::outbox::Event;
use crate::summary::Work;

/// Which units go to which patient. Nothing here tells who the patient is.
#[derive(Clone, Debug)]
pub struct Issue {
    pub patient: Patient,
    pub component: Component,
    /// rows of stock and how many units of each
    pub chosen: Vec<(UnitId, i32)>,
    /// why other units than the proposed ones are taken; may be empty when they are as good
    pub override_reason: String,
}

/// Issues the chosen units, all or none; answers their rows. `Invalid` on `override_reason` when they differ from the
/// proposal and nobody said why; `Conflict` when one of them is gone meanwhile.
pub async fn issue(db: &Db, editor: &Editor, issue: &Issue) -> Result<Vec<UnitId>> {
    if issue.chosen.is_empty() {
        return Err(Error::invalid("take", t!("Choose the units to issue.")));
    }
    let facility = editor.facility;
    let mut work = Work::begin(db, editor.actor(), &[facility]).await?;
    let choices = choices(issue.component, &issue.patient, false);
    let reason = pick::check_choice(
        work.conn(),
        facility,
        issue.component,
        &choices,
        &issue.chosen,
        None,
        &issue.override_reason,
    )
    .await?;
    let change = Change {
        reason: reason.as_deref(),
        ..Change::of(MovementKind::Issued)
    };
    let mut issued = Vec::with_capacity(issue.chosen.len());
    for &(unit, quantity) in &issue.chosen {
        let from = &[UnitStatus::Available];
        let moved = ledger::shift(
            &mut work,
            facility,
            unit,
            from,
            Some(quantity),
            UnitStatus::Issued,
            &change,
        )
        .await?;
        issued.push(moved);
    }
    let ids: Vec<UnitId> = issued.iter().map(|unit| unit.id).collect();
    let mut detail = detail(&issued, change.reason);
    detail["patient_group"] = json!(group_words(&issue.patient));
    let only = if let [only] = ids[..] { Some(only.0) } else { None };
    let entry = Entry::new("issued", "unit").of(facility).about(only).detail(detail);
    work.commit(entry, &Event::UnitMoved { facility, unit: ids[0] }).await?;
    Ok(ids)
}

/// `A RhD negative`, `unknown`, as far as it was tested.
fn group_words(patient: &Patient) -> String {
    let abo = patient.abo.map_or("ABO unknown", |abo| abo.as_str());
    let rh = patient.rh.map_or("RhD unknown", |rh| rh.label());
    format!("{abo}, {rh}")
}
