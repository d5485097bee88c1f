//! What happens to a unit on the shelf: quarantine and release, a positive test, discard and its reversal.

use super::{Step, finish, take};
use crate::auth::Editor;
use crate::blood::{DiscardReason, MovementKind, UnitStatus};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::UnitId;
use crate::inventory::ledger::{self, Change};
use crate::inventory::queries;
use crate::reference;
use crate::summary::Work;

/// Puts a unit, or part of a lot, aside until somebody has looked at it; the reason is required.
pub async fn quarantine(db: &Db, editor: &Editor, unit: UnitId, quantity: Option<i32>, reason: &str) -> Result<UnitId> {
    let step = Step {
        unit,
        quantity,
        from: &[UnitStatus::Available, UnitStatus::Reserved],
        to: UnitStatus::Quarantined,
        change: Change {
            reason: Some(required("note", reason, t!("Say why it is put aside."))?),
            ..Change::of(MovementKind::Quarantined)
        },
        action: "quarantined",
    };
    take(db, editor, step).await
}

/// Makes a quarantined unit, or part of a lot, available. `inspected` confirms that a person has looked at it.
pub async fn release(
    db: &Db,
    editor: &Editor,
    unit: UnitId,
    quantity: Option<i32>,
    inspected: bool,
    note: &str,
) -> Result<UnitId> {
    if !inspected {
        return Err(Error::invalid("inspected", t!("Confirm that the unit was inspected.")));
    }
    let reason = joined("inspected", note);
    let step = Step {
        unit,
        quantity,
        from: &[UnitStatus::Quarantined],
        to: UnitStatus::Available,
        change: Change {
            reason: Some(&reason),
            ..Change::of(MovementKind::Released)
        },
        action: "released",
    };
    take(db, editor, step).await
}

/// Why and how much is discarded.
#[derive(Clone, Debug)]
pub struct Discard {
    /// code of an active line of the network's table of reasons
    pub reason: String,
    /// required with [`DiscardReason::Other`]
    pub note: String,
    /// part of a lot; `None` is all of it
    pub quantity: Option<i32>,
}

/// Discards a unit for good. The movement's reason begins with the code of the reason, the note follows a
/// colon: `damaged: bag leaked`.
pub async fn discard(db: &Db, editor: &Editor, unit: UnitId, discard: &Discard) -> Result<UnitId> {
    if !reference::active_reason(db.unscoped(), &discard.reason).await? {
        return Err(Error::invalid("reason", t!("Choose the reason.")));
    }
    if discard.reason == DiscardReason::Other.as_str() {
        required("note", &discard.note, t!("Say why, since no reason of the list fits."))?;
    }
    let reason = joined(&discard.reason, &discard.note);
    let step = Step {
        unit,
        quantity: discard.quantity,
        from: &[
            UnitStatus::Quarantined,
            UnitStatus::Available,
            UnitStatus::Reserved,
            UnitStatus::Issued,
            UnitStatus::Expired,
        ],
        to: UnitStatus::Discarded,
        change: Change {
            reason: Some(&reason),
            ..Change::of(MovementKind::Discarded)
        },
        action: "discarded",
    };
    take(db, editor, step).await
}

/// Undoes a mistaken discard: the row goes to quarantine, where somebody has to look at it. The reason is required.
pub async fn reverse(db: &Db, editor: &Editor, unit: UnitId, reason: &str) -> Result<UnitId> {
    let step = Step {
        unit,
        quantity: None,
        from: &[UnitStatus::Discarded],
        to: UnitStatus::Quarantined,
        change: Change {
            reason: Some(required("note", reason, t!("Say why the discard was a mistake."))?),
            ..Change::of(MovementKind::Reversed)
        },
        action: "restored",
    };
    take(db, editor, step).await
}

/// Records a positive test: the unit is unsafe from now on, leaves the shelf for quarantine and can only be discarded.
/// `Conflict` for a unit that is issued or under way: it has to come back first.
pub async fn positive_test(db: &Db, editor: &Editor, unit: UnitId, note: &str) -> Result<()> {
    use UnitStatus::{Available, Expired, Quarantined, Reserved};
    let facility = editor.facility;
    let reason = joined(
        "positive test",
        required("note", note, t!("Say which test was positive."))?,
    );
    let mut work = Work::begin(db, editor.actor(), &[facility]).await?;
    let found = queries::lock(work.conn(), facility, unit).await?.unit;
    if found.is_unsafe {
        return Err(Error::Conflict(t!(
            "The positive test of {name} is recorded already.",
            name = found.name()
        )));
    }
    match found.status {
        Quarantined | Expired => {}
        Available | Reserved => {
            let change = Change {
                reason: Some(&reason),
                ..Change::of(MovementKind::Quarantined)
            };
            ledger::shift(
                &mut work,
                facility,
                unit,
                &[Available, Reserved],
                None,
                Quarantined,
                &change,
            )
            .await?;
        }
        status => {
            let status = status.label().to_lowercase();
            return Err(Error::Conflict(t!(
                "{name} is {status}: a test can be recorded for units in the facility only.",
                name = found.name(),
                status
            )));
        }
    }
    sqlx::query!(
        "update blood_inventory set unsafe = true where facility_id = $1 and id = $2",
        facility.0,
        unit.0
    )
    .execute(work.conn())
    .await?;
    finish(work, facility, &found, "marked unsafe", Some(&reason)).await
}

/// The text without blanks around it, or the problem of that field.
pub(super) fn required<'a>(field: &'static str, text: &'a str, problem: &str) -> Result<&'a str> {
    match text.trim() {
        "" => Err(Error::invalid(field, problem)),
        text => Ok(text),
    }
}

pub(super) fn joined(first: &str, note: &str) -> String {
    match note.trim() {
        "" => first.to_owned(),
        note => format!("{first}: {note}"),
    }
}
