//! Putting units on their way: for a request that the facility accepted, or simply to another facility.

use super::{Leaving, entry, insert, load, note_of};
use crate::auth::Editor;
use crate::blood::{BloodGroup, Component, MovementKind, UnitStatus, compatibility};
use crate::charts::units;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::{DistributionId, FacilityId, RequestId, UnitId};
use crate::inventory::ledger::{self, Change};
use crate::inventory::{self, pick};
use crate::outbox::Event;
use crate::requests::{self, Request, StepKind};
use crate::summary::Work;

/// What shall be sent.
#[derive(Clone, Debug)]
pub struct Dispatch {
    pub to: FacilityId,
    /// a request of `to` that the facility accepted; component and group are then the request's
    pub request: Option<RequestId>,
    pub component: Component,
    /// the group that is wanted; what may be sent for it is the rule's to say
    pub group: BloodGroup,
    /// rows of stock, and how many units of each
    pub chosen: Vec<(UnitId, i32)>,
    /// why other units than the proposed ones are taken
    pub override_reason: String,
    pub note: String,
}

/// Dispatches all of the chosen units or none. `Invalid` on `take` or `override_reason`; `Conflict` for a unit that has
/// expired, is in quarantine, is reserved for something else or is gone.
pub async fn dispatch(db: &Db, editor: &Editor, dispatch: &Dispatch) -> Result<DistributionId> {
    let from = editor.facility;
    let note = note_of("note", &dispatch.note)?;
    note_of("override_reason", &dispatch.override_reason)?;
    let sent = sum(&dispatch.chosen)?;
    let to = receiver(db, editor, dispatch).await?;
    let mut work = Work::begin(db, editor.actor(), &[from, to]).await?;
    let request = match dispatch.request {
        Some(id) => Some(accepted(&mut work, from, id, sent).await?),
        None => None,
    };
    let (component, group) = request
        .as_ref()
        .map_or((dispatch.component, dispatch.group), |request| {
            (request.component, request.group)
        });
    let choices = compatibility::stock_choices(component, group);
    let (chosen, reason) = (&dispatch.chosen, dispatch.override_reason.trim());
    let reason = pick::check_choice(work.conn(), from, component, &choices, chosen, dispatch.request, reason).await?;

    let first = inventory::queries::unit(work.conn(), from, chosen[0].0).await?;
    let leaving = Leaving {
        from,
        bank: first.blood_bank,
        to,
        request: dispatch.request,
        return_of: None,
        sent,
        note,
        temperature: None,
    };
    let id = insert(&mut work, &leaving).await?;
    let change = Change {
        reason: reason.as_deref(),
        request: dispatch.request,
        distribution: Some(id),
        ..Change::of(MovementKind::Dispatched)
    };
    let at_hand = &[UnitStatus::Available, UnitStatus::Reserved];
    for &(unit, quantity) in chosen {
        let moved = ledger::shift(
            &mut work,
            from,
            unit,
            at_hand,
            Some(quantity),
            UnitStatus::InTransit,
            &change,
        )
        .await?;
        load(&mut work, from, to, id, moved.id).await?;
    }
    if let Some(request) = &request {
        tell(&mut work, from, request, sent).await?;
    }
    let detail = serde_json::json!({
        "component": component, "group": group, "quantity": sent, "request": dispatch.request, "reason": reason,
    });
    let event = Event::UnitsDispatched {
        facility: from,
        distribution: id,
    };
    work.commit(entry(from, to, "dispatched", id, detail), &event).await?;
    Ok(id)
}

/// The units in all, if each row is named once and with at least one unit.
fn sum(chosen: &[(UnitId, i32)]) -> Result<i32> {
    let mut units: Vec<UnitId> = chosen.iter().map(|(unit, _)| *unit).collect();
    units.sort();
    units.dedup();
    let wrong = units.len() != chosen.len() || chosen.iter().any(|&(_, quantity)| quantity < 1);
    let total = chosen
        .iter()
        .try_fold(0i32, |sum, &(_, quantity)| sum.checked_add(quantity));
    match total {
        Some(total) if !wrong && total > 0 => Ok(total),
        _ => Err(Error::invalid("take", t!("Choose at least one unit, each only once."))),
    }
}

/// To whom it goes, if the editor may send there: the asker of a request that is theirs to see, or any active facility.
async fn receiver(db: &Db, editor: &Editor, dispatch: &Dispatch) -> Result<FacilityId> {
    if let Some(id) = dispatch.request {
        let mut tx = db.read(&editor.scope()).await?;
        let request = requests::queries::find(&mut tx, editor.facility, id).await?;
        return if request.mine.is_some() {
            Ok(request.facility)
        } else {
            Err(Error::NotFound)
        };
    }
    if dispatch.to == editor.facility {
        return Err(Error::invalid("to", t!("A facility cannot send to itself.")));
    }
    match crate::facilities::find(db.unscoped(), dispatch.to).await {
        Ok(facility) => Ok(facility.id),
        Err(Error::NotFound) => Err(Error::invalid("to", t!("Choose the facility that receives."))),
        Err(error) => Err(error),
    }
}

/// The request, if this facility accepted it and so many units are still to be sent.
async fn accepted(work: &mut Work, from: FacilityId, id: RequestId, sent: i32) -> Result<Request> {
    let request = requests::queries::find(work.conn(), from, id).await?;
    if request.closed_at.is_some() || request.accepted_by != Some(from) {
        return Err(Error::Conflict(
            t!("This request does not wait for units of this facility.").into(),
        ));
    }
    match requests::queries::outstanding(work.conn(), &request).await? {
        0 => Err(Error::Conflict(
            t!("All that was promised for this request is on its way.").into(),
        )),
        left if sent > left => Err(Error::invalid(
            "take",
            t!("Only {left} more were promised for this request.", left),
        )),
        _ => Ok(request),
    }
}

/// The step in the request's timeline; once all is under way, what is still reserved for it is free.
async fn tell(work: &mut Work, from: FacilityId, request: &Request, sent: i32) -> Result<()> {
    let words = units(sent);
    requests::commands::step(work, request.facility, request.id, from, StepKind::Dispatched, &words).await?;
    if requests::queries::outstanding(work.conn(), request).await? == 0 {
        requests::commands::release(work, from, request.id).await?;
    }
    Ok(())
}
