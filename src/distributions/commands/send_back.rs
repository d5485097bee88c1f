//! The way back: units of a delivery that are still on the receiver's shelf go to whoever sent them, into quarantine.

use super::{Leaving, entry, insert, load, sent_here};
use crate::auth::Editor;
use crate::blood::{MovementKind, UnitStatus};
use crate::db::Db;
use crate::distributions::{Line, Status, queries};
use crate::error::{Error, Problems, Result};
use crate::ids::{DistributionId, UnitId};
use crate::inventory;
use crate::inventory::ledger::{self, Change};
use crate::outbox::Event;
use crate::summary::Work;
use crate::text;

/// What goes back, and how it was kept.
#[derive(Clone, Debug)]
pub struct SendBack {
    /// rows of the facility that the delivery became
    pub units: Vec<UnitId>,
    /// °C at which they were held
    pub temperature: f32,
    pub reason: String,
}

/// Puts units of a delivery on their way back. The new distribution names the old one; when it is received, the units go
/// to quarantine with the temperature in their movement. `Conflict` for a unit that has expired or left the shelf.
pub async fn send_back(db: &Db, editor: &Editor, id: DistributionId, back: &SendBack) -> Result<DistributionId> {
    let reason = check(back)?;
    let delivery = sent_here(db, editor, id).await?;
    let (from, to) = (delivery.to, delivery.from);
    let mut work = Work::begin(db, editor.actor(), &[from, to]).await?;
    let delivery = queries::find(work.conn(), editor.facility, id).await?;
    if delivery.status == Status::InTransit || delivery.return_of.is_some() {
        return Err(Error::Conflict(
            t!("Only units of a delivery that was received can be sent back.").into(),
        ));
    }
    let lines = queries::lines(work.conn(), &delivery).await?;
    let units = chosen(&lines, &back.units)?;
    let (mut sent, mut bank) = (0, None);
    for &unit in &units {
        let found = inventory::queries::unit(work.conn(), from, unit).await?;
        sent += found.quantity;
        bank = bank.or(Some(found.blood_bank));
    }
    let Some(bank) = bank.filter(|_| sent > 0) else {
        return Err(Error::invalid("unit", t!("Choose at least one unit.")));
    };
    let leaving = Leaving {
        from,
        bank,
        to,
        request: None,
        return_of: Some(id),
        sent,
        note: reason,
        temperature: Some(back.temperature),
    };
    let returning = insert(&mut work, &leaving).await?;
    let change = Change {
        reason: Some(reason),
        temperature: Some(back.temperature),
        distribution: Some(returning),
        ..Change::of(MovementKind::Dispatched)
    };
    let on_shelf = &[UnitStatus::Available, UnitStatus::Quarantined];
    for unit in units {
        let moved = ledger::shift(&mut work, from, unit, on_shelf, None, UnitStatus::InTransit, &change).await?;
        load(&mut work, from, to, returning, moved.id).await?;
    }
    let detail = serde_json::json!({
        "component": lines.first().map(|line| line.component), "quantity": sent, "reason": reason,
        "temperature": back.temperature, "return_of": id,
    });
    let event = Event::UnitsDispatched {
        facility: from,
        distribution: returning,
    };
    work.commit(entry(from, to, "sent back", returning, detail), &event)
        .await?;
    Ok(returning)
}

fn check(back: &SendBack) -> Result<&str> {
    let mut problems = Problems::default();
    if back.units.is_empty() {
        problems.add("unit", t!("Choose at least one unit."));
    }
    if !(-60.0..=60.0).contains(&back.temperature) {
        problems.add("temperature", t!("Give degrees Celsius from -60 to 60."));
    }
    let reason = back.reason.trim();
    if reason.is_empty() || text::problem(reason, 200).is_some() {
        problems.add("reason", t!("Say why, in at most 200 characters."));
    }
    problems.check().map(|()| reason)
}

/// The units, each once, if all of them came with this delivery.
fn chosen(lines: &[Line], units: &[UnitId]) -> Result<Vec<UnitId>> {
    let mut units = units.to_vec();
    units.sort();
    units.dedup();
    let came = |unit: &UnitId| lines.iter().any(|line| line.received == Some(*unit));
    if units.iter().all(came) {
        Ok(units)
    } else {
        Err(Error::invalid("unit", t!("A unit did not come with this delivery.")))
    }
}
