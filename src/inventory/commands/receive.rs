//! Receiving: units and lots enter the books, all of a form or none of it.

use super::detail_of;
use crate::audit::Entry;
use crate::auth::Editor;
use crate::blood::{DonationNumber, MovementKind, UnitStatus};
use crate::db::Db;
use crate::error::{Error, OnConstraint, Problems, Result};
use crate::ids::UnitId;
use crate::inventory::ledger::{self, Change};
use crate::inventory::{NewUnit, queries};
use crate::outbox::Event;
use crate::summary::Work;

/// A delivery as it is to be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub rows: Vec<NewRow>,
    /// `quarantined` until somebody has inspected it, or `available` at once
    pub to: UnitStatus,
    /// where it came from, or empty
    pub note: String,
}

/// A row of the form. Its problems carry its number: `number_3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    pub row: usize,
    pub unit: NewUnit,
}

/// Books the delivery; answers the new rows of stock in the order of the form. `Invalid` names each row whose unit is on
/// the books already.
pub async fn receive(db: &Db, editor: &Editor, receipt: &Receipt) -> Result<Vec<UnitId>> {
    let facility = editor.facility;
    let mut work = Work::begin(db, editor.actor(), &[facility]).await?;
    refuse_known(&mut work, editor, &receipt.rows).await?;
    let change = Change {
        reason: Some(receipt.note.as_str()).filter(|note| !note.is_empty()),
        ..Change::of(MovementKind::Received)
    };
    let mut received = Vec::with_capacity(receipt.rows.len());
    for NewRow { row, unit } in &receipt.rows {
        let id = ledger::arrive(&mut work, facility, unit, receipt.to, &change)
            .await
            .on_constraint("blood_inventory_donation_number_key", || elsewhere(*row))
            .on_constraint("blood_inventory_facility_id_blood_bank_id_fkey", || {
                Error::invalid("blood_bank", t!("This blood bank does not belong to the facility."))
            })?;
        received.push(id);
    }
    let units = receipt.rows.iter().map(|row| &row.unit);
    let only = if let [only] = received[..] { Some(only.0) } else { None };
    let entry = Entry::new("received", "unit")
        .of(facility)
        .about(only)
        .detail(detail_of(
            units.map(|unit| (unit.component, unit.group, unit.quantity)),
            change.reason,
        ));
    work.commit(entry, &Event::StockReceived { facility }).await?;
    Ok(received)
}

/// Names all rows that this facility holds already, before the first of them breaks the constraint.
async fn refuse_known(work: &mut Work, editor: &Editor, rows: &[NewRow]) -> Result<()> {
    let numbers: Vec<DonationNumber> = rows.iter().filter_map(|row| row.unit.donation_number).collect();
    let known = queries::held(work.conn(), editor.facility, &numbers).await?;
    let mut problems = Problems::default();
    for NewRow { row, unit } in rows {
        let same = known.iter().find(|known| {
            unit.donation_number.is_some()
                && known.donation_number == unit.donation_number
                && known.component == unit.component
        });
        if let Some(same) = same {
            let status = same.status.label().to_lowercase();
            problems.add(
                format!("number_{row}"),
                t!("Already on the books here: {status}.", status),
            );
        }
    }
    problems.check()
}

/// Row level security hides the other facility, and so does the sentence.
fn elsewhere(row: usize) -> Error {
    Error::Invalid(Problems::one(
        format!("number_{row}"),
        t!("Already on the books of another facility: it has to be transferred, not received anew."),
    ))
}
