//! What people do with requests. Each verb is one transaction that holds every facility with a part in the request, so
//! that all of their boards change together and the first acceptance is the only one.

mod progress;

pub use progress::{fulfil, release, step};

use progress::close;

use super::{Acceptance, NewRequest, RecipientStatus, Request, RequestStatus, StepKind, queries};
use crate::audit::{self, Actor, Entry};
use crate::auth::Editor;
use crate::blood::{MovementKind, UnitStatus, compatibility};
use crate::charts::units;
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::ids::{FacilityId, RequestId, numbers};
use crate::inventory::ledger::{self, Change};
use crate::inventory::pick;
use crate::outbox::Event;
use crate::summary::Work;
use crate::text;

/// Raises a request to each of the recipients. `Invalid` names the field that cannot be taken.
pub async fn raise(db: &Db, editor: &Editor, new: &NewRequest) -> Result<RequestId> {
    let mut recipients = new.recipients.clone();
    recipients.sort();
    recipients.dedup();
    let new = NewRequest {
        recipients,
        ..new.clone()
    };
    new.check(editor.facility, db.clock.now())?;
    let parties: Vec<FacilityId> = new.recipients.iter().copied().chain([editor.facility]).collect();
    let mut work = Work::begin(db, editor.actor(), &parties).await?;
    let id = insert(&mut work, editor.facility, &new).await?;
    step(
        &mut work,
        editor.facility,
        id,
        editor.facility,
        StepKind::Raised,
        &new.reason,
    )
    .await?;
    let detail = serde_json::json!({
        "component": new.component, "group": new.group, "quantity": new.quantity, "urgency": new.urgency,
        "reason": new.reason, "to": new.recipients,
    });
    tell_recipients(&mut work, editor.facility, id, &new.recipients, "raised", &detail).await?;
    let entry = entry(editor.facility, None, "raised", id, detail);
    work.commit(entry, &raised(editor.facility, id)).await?;
    Ok(id)
}

async fn insert(work: &mut Work, facility: FacilityId, new: &NewRequest) -> Result<RequestId> {
    let active = sqlx::query_scalar!(
        r#"select count(*) as "rows!" from facilities where id = any ($1) and active"#,
        &numbers(&new.recipients)
    )
    .fetch_one(work.conn())
    .await?;
    if active != new.recipients.len() as i64 {
        return Err(Error::invalid(
            "to",
            t!("One of these facilities does not exist or is closed."),
        ));
    }
    let user = work.actor.user.map(|user| user.0);
    let id = sqlx::query_scalar!(
        r#"insert into blood_requests (facility_id, component, blood_group, quantity, urgency, needed_by, reason, created_by)
           values ($1, $2, $3, $4, $5, $6, $7, $8) returning id as "id: RequestId""#,
        facility.0,
        new.component.as_str(),
        new.group.as_str(),
        new.quantity,
        new.urgency.as_str(),
        new.needed_by,
        new.reason.trim(),
        user
    )
    .fetch_one(work.conn())
    .await?;
    sqlx::query!(
        "insert into request_recipients (facility_id, request_id, to_facility_id) select $1, $2, unnest($3::bigint[])",
        facility.0,
        id.0,
        &numbers(&new.recipients)
    )
    .execute(work.conn())
    .await?;
    Ok(id)
}

/// A line for each recipient's own activity, in the name of who asks: their staff's names stay with them.
async fn tell_recipients(
    work: &mut Work,
    asker: FacilityId,
    id: RequestId,
    recipients: &[FacilityId],
    action: &str,
    detail: &serde_json::Value,
) -> Result<()> {
    let name = sqlx::query_scalar!("select name from facilities where id = $1", asker.0)
        .fetch_one(work.conn())
        .await?;
    let asker = Actor::named(name);
    let mut detail = detail.clone();
    if let Some(detail) = detail.as_object_mut() {
        detail.remove("to");
    }
    for &recipient in recipients {
        let entry = entry(recipient, None, action, id, detail.clone());
        audit::record(work.conn(), &asker, &entry).await?;
    }
    Ok(())
}

/// Accepts for the facility and reserves the units for 24 hours; every other recipient is closed. Fewer units than asked
/// is a partial acceptance. `Conflict` says who was faster; `Invalid` on `quantity` when the stock holds fewer and that
/// was not confirmed.
pub async fn accept(db: &Db, editor: &Editor, id: RequestId, answer: &Acceptance) -> Result<()> {
    let (_, parties) = parties(db, editor, id).await?;
    let mut work = Work::begin(db, editor.actor(), &parties).await?;
    let request = to_answer(&mut work, editor.facility, id).await?;
    let quantity = answer.quantity.unwrap_or(request.quantity);
    if !(1..=request.quantity).contains(&quantity) {
        return Err(Error::invalid(
            "quantity",
            t!("Send 1 to {value}.", value = units(request.quantity)),
        ));
    }
    let reserved = reserve(&mut work, editor.facility, &request, quantity, answer.confirmed).await?;
    decide(
        &mut work,
        &request,
        editor.facility,
        RecipientStatus::Accepted,
        Some(quantity),
        None,
    )
    .await?;
    sqlx::query!(
        "update request_recipients set status = 'closed' where facility_id = $1 and request_id = $2 and status = 'open'",
        request.facility.0,
        id.0
    )
    .execute(work.conn())
    .await?;
    set_status(&mut work, &request, RequestStatus::Accepted).await?;
    let words = if quantity < request.quantity {
        t!(
            "In part: {quantity} of {value}",
            quantity,
            value = units(request.quantity)
        )
    } else {
        t!("All of it: {value}", value = units(quantity))
    };
    step(
        &mut work,
        request.facility,
        id,
        editor.facility,
        StepKind::Accepted,
        &words,
    )
    .await?;
    let detail = serde_json::json!({
        "component": request.component, "group": request.group, "quantity": quantity, "asked": request.quantity,
        "reserved": reserved,
    });
    let entry = entry(editor.facility, Some(request.facility), "accepted", id, detail);
    work.commit(entry, &decided(&request)).await
}

/// Reserves what the rules propose, and answers how many units that is.
async fn reserve(
    work: &mut Work,
    facility: FacilityId,
    request: &Request,
    quantity: i32,
    confirmed: bool,
) -> Result<i32> {
    let choices = compatibility::stock_choices(request.component, request.group);
    let proposal = pick::propose(work.conn(), facility, request.component, &choices, quantity, None).await?;
    let found: i32 = proposal.iter().map(|taken| taken.quantity).sum();
    if found < quantity && !confirmed {
        return Err(Error::invalid(
            "quantity",
            t!(
                "The stock holds {counted} now: accept {found}, or confirm that the others will follow.",
                counted = n!("{n} compatible unit", "{n} compatible units", found),
                found
            ),
        ));
    }
    for taken in proposal {
        let change = Change {
            request: Some(request.id),
            ..Change::of(MovementKind::Reserved)
        };
        let from = &[UnitStatus::Available];
        ledger::shift(
            work,
            facility,
            taken.unit.id,
            from,
            Some(taken.quantity),
            UnitStatus::Reserved,
            &change,
        )
        .await?;
    }
    Ok(found)
}

/// Rejects for the facility, with the reason; when nobody is left to answer, the request is rejected.
pub async fn reject(db: &Db, editor: &Editor, id: RequestId, reason: &str) -> Result<()> {
    let reason = reason_of(reason)?;
    let (_, parties) = parties(db, editor, id).await?;
    let mut work = Work::begin(db, editor.actor(), &parties).await?;
    let request = to_answer(&mut work, editor.facility, id).await?;
    decide(
        &mut work,
        &request,
        editor.facility,
        RecipientStatus::Rejected,
        None,
        Some(reason),
    )
    .await?;
    step(
        &mut work,
        request.facility,
        id,
        editor.facility,
        StepKind::Rejected,
        reason,
    )
    .await?;
    let left = sqlx::query_scalar!(
        r#"select count(*) as "rows!" from request_recipients where facility_id = $1 and request_id = $2 and status = 'open'"#,
        request.facility.0,
        id.0
    )
    .fetch_one(work.conn())
    .await?;
    if left == 0 {
        set_status(&mut work, &request, RequestStatus::Rejected).await?;
    }
    let detail = serde_json::json!({
        "component": request.component, "group": request.group, "quantity": request.quantity, "reason": reason,
    });
    let entry = entry(editor.facility, Some(request.facility), "rejected", id, detail);
    work.commit(entry, &decided(&request)).await
}

/// Withdraws a request of the facility, with the reason: its recipients are closed and what was reserved for it is free
/// again. What was delivered stays delivered. `Conflict` while units are on their way.
pub async fn cancel(db: &Db, editor: &Editor, id: RequestId, reason: &str) -> Result<()> {
    let reason = reason_of(reason)?;
    let (seen, parties) = parties(db, editor, id).await?;
    if seen.facility != editor.facility {
        return Err(Error::NotFound);
    }
    let mut work = Work::begin(db, editor.actor(), &parties).await?;
    let request = queries::find(work.conn(), editor.facility, id).await?;
    if request.closed_at.is_some() {
        return Err(Error::Conflict(t!(
            "The request is {what} already.",
            what = request.status.label().to_lowercase()
        )));
    }
    let deliveries = queries::deliveries(work.conn(), id).await?;
    if deliveries.iter().any(|delivery| delivery.delivered_at.is_none()) {
        return Err(Error::Conflict(
            t!("Units are on their way: receive them, and send back what is not needed.").into(),
        ));
    }
    if let Some(accepter) = request.accepted_by {
        release(&mut work, accepter, id).await?;
    }
    sqlx::query!(
        "update request_recipients set status = 'closed'
         where facility_id = $1 and request_id = $2 and status in ('open', 'accepted')",
        request.facility.0,
        id.0
    )
    .execute(work.conn())
    .await?;
    let status = if request.fulfilled > 0 {
        RequestStatus::PartlyFulfilled
    } else {
        RequestStatus::Cancelled
    };
    set_status(&mut work, &request, status).await?;
    close(&mut work, &request).await?;
    step(
        &mut work,
        request.facility,
        id,
        editor.facility,
        StepKind::Cancelled,
        reason,
    )
    .await?;
    let detail = serde_json::json!({
        "component": request.component, "group": request.group, "quantity": request.quantity, "reason": reason,
    });
    let asked: Vec<FacilityId> = parties.into_iter().filter(|&party| party != editor.facility).collect();
    tell_recipients(&mut work, editor.facility, id, &asked, "cancelled", &detail).await?;
    let entry = entry(editor.facility, None, "cancelled", id, detail);
    work.commit(entry, &decided(&request)).await
}

/// The request, if this facility has a part in it, and everybody who has.
async fn parties(db: &Db, editor: &Editor, id: RequestId) -> Result<(Request, Vec<FacilityId>)> {
    let request = {
        let mut tx = db.read(&editor.scope()).await?;
        queries::find(&mut tx, editor.facility, id).await?
    };
    // the asker alone sees all recipients; whoever comes this far has a part in the request
    let mut tx = db.read(&Scope::of(request.facility)).await?;
    let mut parties = vec![request.facility];
    let recipients = queries::recipients(&mut tx, &request).await?;
    parties.extend(recipients.iter().map(|recipient| recipient.facility));
    Ok((request, parties))
}

/// The request, if it waits for the answer of this facility; otherwise the sentence that says why not.
async fn to_answer(work: &mut Work, facility: FacilityId, id: RequestId) -> Result<Request> {
    let request = queries::find(work.conn(), facility, id).await?;
    let refusal = match request.mine {
        None => return Err(Error::NotFound),
        Some(RecipientStatus::Open) if request.status == RequestStatus::Open => return Ok(request),
        Some(RecipientStatus::Rejected) => t!("Your facility has rejected this request already.").into(),
        Some(_) if request.accepted_by == Some(facility) => {
            t!("Your facility has accepted this request already.").into()
        }
        Some(_) => match &request.accepted_name {
            Some(name) => t!("{name} accepted this request first.", name),
            None => t!(
                "The request is {what} already.",
                what = request.status.label().to_lowercase()
            ),
        },
    };
    Err(Error::Conflict(refusal))
}

async fn decide(
    work: &mut Work,
    request: &Request,
    facility: FacilityId,
    status: RecipientStatus,
    quantity: Option<i32>,
    reason: Option<&str>,
) -> Result<()> {
    let user = work.actor.user.map(|user| user.0);
    sqlx::query!(
        "update request_recipients
         set status = $4, accepted_quantity = $5, reason = $6, decided_at = clock_now(), decided_by = $7
         where facility_id = $1 and request_id = $2 and to_facility_id = $3",
        request.facility.0,
        request.id.0,
        facility.0,
        status.as_str(),
        quantity,
        reason,
        user
    )
    .execute(work.conn())
    .await?;
    Ok(())
}

async fn set_status(work: &mut Work, request: &Request, status: RequestStatus) -> Result<()> {
    let closes = matches!(
        status,
        RequestStatus::Rejected | RequestStatus::Cancelled | RequestStatus::Fulfilled
    );
    let name = t!("request {id}", id = request.id);
    work.changed(None, name, Some(request.status.as_str()), Some(status.as_str()));
    sqlx::query!(
        "update blood_requests set status = $3, closed_at = case when $4 then clock_now() else closed_at end
         where facility_id = $1 and id = $2",
        request.facility.0,
        request.id.0,
        status.as_str(),
        closes
    )
    .execute(work.conn())
    .await?;
    Ok(())
}

fn reason_of(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    match text::problem(reason, 200) {
        _ if reason.is_empty() => Err(Error::invalid("reason", t!("Say why, in a few words."))),
        Some(problem) => Err(Error::invalid("reason", problem)),
        None => Ok(reason),
    }
}

fn entry(
    facility: FacilityId,
    other: Option<FacilityId>,
    action: &str,
    id: RequestId,
    detail: serde_json::Value,
) -> Entry<'_> {
    Entry::new(action, "request")
        .of(facility)
        .with(other)
        .about(id.0)
        .detail(detail)
}

fn raised(facility: FacilityId, request: RequestId) -> Event {
    Event::RequestRaised { facility, request }
}

fn decided(request: &Request) -> Event {
    Event::RequestDecided {
        facility: request.facility,
        request: request.id,
    }
}
