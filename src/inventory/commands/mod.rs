//! What people and the clock do with stock: one function per verb, each one transaction that moves the units, records
//! who did it, refreshes the summary and tells the outbox, or leaves no trace.

mod due;
mod issue;
mod levels;
mod receive;
mod shelf;
mod ward;

pub use due::{end_reservations, expire_due, next_due};
pub use issue::{Issue, issue};
pub use levels::set_thresholds;
pub use receive::{NewRow, Receipt, receive};
pub use shelf::{Discard, discard, positive_test, quarantine, release, reverse};
pub use ward::{Condition, return_issued, transfuse};

use serde_json::{Value, json};

use super::Unit;
use super::ledger::{self, Change};
use crate::audit::Entry;
use crate::auth::Editor;
use crate::blood::{BloodGroup, Component, UnitStatus};
use crate::db::Db;
use crate::error::Result;
use crate::ids::{FacilityId, UnitId};
use crate::outbox::Event;
use crate::summary::Work;

/// A verb on one row of stock.
struct Step<'a> {
    unit: UnitId,
    /// part of a lot; `None` is all of it
    quantity: Option<i32>,
    from: &'a [UnitStatus],
    to: UnitStatus,
    change: Change<'a>,
    /// for the record: a verb in the past tense
    action: &'a str,
}

/// Takes the step in a transaction of its own; answers the row that moved.
async fn take(db: &Db, editor: &Editor, step: Step<'_>) -> Result<UnitId> {
    let facility = editor.facility;
    let mut work = Work::begin(db, editor.actor(), &[facility]).await?;
    let Step {
        unit,
        quantity,
        from,
        to,
        change,
        action,
    } = step;
    let moved = ledger::shift(&mut work, facility, unit, from, quantity, to, &change).await?;
    finish(work, facility, &moved, action, change.reason).await?;
    Ok(moved.id)
}

/// Commits what was done to one row, with the audit line and the event that every such step has.
async fn finish(work: Work, facility: FacilityId, unit: &Unit, action: &str, reason: Option<&str>) -> Result<()> {
    let entry = Entry::new(action, "unit")
        .of(facility)
        .about(unit.id.0)
        .detail(detail([unit], reason));
    work.commit(
        entry,
        &Event::UnitMoved {
            facility,
            unit: unit.id,
        },
    )
    .await
}

/// What the audit log says of some units: how many, and the component and group that all of them share.
fn detail<'a>(units: impl IntoIterator<Item = &'a Unit, IntoIter: Clone>, reason: Option<&str>) -> Value {
    let sorts = units
        .into_iter()
        .map(|unit| (unit.component, unit.group, unit.quantity));
    detail_of(sorts, reason)
}

fn detail_of(sorts: impl Iterator<Item = (Component, BloodGroup, i32)> + Clone, reason: Option<&str>) -> Value {
    let quantity: i32 = sorts.clone().map(|(_, _, quantity)| quantity).sum();
    let component = shared(sorts.clone().map(|(component, _, _)| component));
    let group = shared(sorts.map(|(_, group, _)| group));
    let all = [
        ("quantity", json!(quantity)),
        ("component", json!(component)),
        ("group", json!(group)),
        ("reason", json!(reason)),
    ];
    let known = all.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(known.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn shared<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}
