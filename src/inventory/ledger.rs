//! The ledger of stock: the only place that changes the status of a unit, each time with the movement that says who,
//! what and why. For each row of stock the movements add up to its quantity in its present status.

use chrono::{DateTime, Utc};

use super::{NewUnit, Unit, queries};
use crate::blood::unit_state::can_move_unsafe;
use crate::blood::{MovementKind, UnitStatus};
use crate::error::{Error, Result};
use crate::ids::{DistributionId, FacilityId, RequestId, UnitId};
use crate::summary::Work;

/// Why a unit moves: what its movement row says beside who and when.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    pub kind: MovementKind,
    pub reason: Option<&'a str>,
    /// °C at which it was found, on a return or an arrival
    pub temperature: Option<f32>,
    /// the request it is for; a unit reserved for another request cannot go
    pub request: Option<RequestId>,
    pub distribution: Option<DistributionId>,
    /// end of a reservation; 24 hours from now when not given
    pub reserved_until: Option<DateTime<Utc>>,
}

impl Change<'_> {
    /// A change that needs no further words.
    pub const fn of(kind: MovementKind) -> Self {
        Change {
            kind,
            reason: None,
            temperature: None,
            request: None,
            distribution: None,
            reserved_until: None,
        }
    }
}

/// Moves a unit, or `quantity` units of a lot (`None`: all of the row), to another status. Part of a lot becomes a row of
/// its own first. Answers what moved, as it is now.
///
/// `NotFound` for a unit of another facility; `Conflict`, with a sentence for the person, when its status is not one of
/// `from`, or when the rules of [`MovementKind::allows`], of safety, of expiry or of reservation forbid it; `Invalid` on
/// `quantity` when fewer are left.
pub async fn shift(
    work: &mut Work,
    facility: FacilityId,
    unit: UnitId,
    from: &[UnitStatus],
    quantity: Option<i32>,
    to: UnitStatus,
    change: &Change<'_>,
) -> Result<Unit> {
    let found = queries::lock(work.conn(), facility, unit).await?;
    permit(&found.unit, found.expired, from, quantity, to, change)?;
    let whole = found.unit;
    let (id, quantity) = match quantity {
        Some(part) if part < whole.quantity => (split(work, facility, &whole, part).await?, part),
        _ => (unit, whole.quantity),
    };
    let actor = work.actor.clone();
    let moved = sqlx::query!(
        r#"with moved as (
             update blood_inventory
             set status = $3,
                 reserved_for = case when $3 = 'reserved' then $4::bigint end,
                 reserved_until = case when $3 = 'reserved' then coalesce($5, clock_now() + interval '24 hours') end
             where facility_id = $1 and id = $2
             returning *
           ), told as (
             insert into inventory_movements
               (facility_id, inventory_id, actor_id, actor_name, kind, from_status, to_status, quantity, component,
                blood_group, reason, temperature_celsius, request_id, distribution_id)
             select facility_id, id, $6, $7, $8, $9, $3, quantity, component, blood_group, $10, $11, $4, $12 from moved
           )
           select reserved_for as "reserved_for: RequestId", reserved_until from moved"#,
        facility.0,
        id.0,
        to.as_str(),
        change.request.map(|request| request.0),
        change.reserved_until,
        actor.user.map(|user| user.0),
        actor.name,
        change.kind.as_str(),
        whole.status.as_str(),
        change.reason,
        change.temperature,
        change.distribution.map(|distribution| distribution.0)
    )
    .fetch_one(work.conn())
    .await?;
    work.changed(
        facility,
        t!("unit {id}", id),
        Some(whole.status.as_str()),
        Some(to.as_str()),
    );
    Ok(Unit {
        id,
        quantity,
        status: to,
        reserved_for: moved.reserved_for,
        reserved_until: moved.reserved_until,
        ..whole
    })
}

/// Enters a unit or a lot in the books with its first movement (`received` or `arrived`). A donation number whose
/// component stands on some facility's books already breaks `blood_inventory_donation_number_key`, which the caller
/// translates.
pub async fn arrive(
    work: &mut Work,
    facility: FacilityId,
    new: &NewUnit,
    to: UnitStatus,
    change: &Change<'_>,
) -> Result<UnitId> {
    if !change.kind.allows(None, Some(to)) {
        return Err(Error::Conflict(t!(
            "A unit cannot begin as {words}.",
            words = words(to)
        )));
    }
    let actor = work.actor.clone();
    let id = sqlx::query_scalar!(
        r#"with arrived as (
             insert into blood_inventory
               (facility_id, blood_bank_id, component, blood_group, quantity, donation_number, lot, collected_at, expires_at,
                status)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             returning *
           ), told as (
             insert into inventory_movements
               (facility_id, inventory_id, actor_id, actor_name, kind, to_status, quantity, component, blood_group, reason,
                temperature_celsius, request_id, distribution_id)
             select facility_id, id, $11, $12, $13, status, quantity, component, blood_group, $14, $15, $16, $17 from arrived
           )
           select id as "id: UnitId" from arrived"#,
        facility.0,
        new.blood_bank,
        new.component.as_str(),
        new.group.as_str(),
        new.quantity,
        new.donation_number.as_ref().map(|number| number.as_str()),
        new.lot.as_deref(),
        new.collected_at,
        new.expires_at,
        to.as_str(),
        actor.user.map(|user| user.0),
        actor.name,
        change.kind.as_str(),
        change.reason,
        change.temperature,
        change.request.map(|request| request.0),
        change.distribution.map(|distribution| distribution.0)
    )
    .fetch_one(work.conn())
    .await?;
    work.changed(facility, t!("unit {id}", id), None, Some(to.as_str()));
    Ok(id)
}

/// The rules of a move: `Conflict` with the sentence that refuses it, `Invalid` on `quantity` when there are not so many.
fn permit(
    unit: &Unit,
    expired: bool,
    from: &[UnitStatus],
    quantity: Option<i32>,
    to: UnitStatus,
    change: &Change<'_>,
) -> Result<()> {
    let refused = |words| Err(Error::Conflict(words));
    let name = unit.name();
    if !from.contains(&unit.status) {
        return refused(t!("{name} is {words} by now.", name, words = words(unit.status)));
    }
    if !change.kind.allows(Some(unit.status), Some(to)) {
        return refused(t!(
            "{name} is {words} and cannot become {words2}.",
            name,
            words = words(unit.status),
            words2 = words(to)
        ));
    }
    if unit.is_unsafe && !can_move_unsafe(Some(unit.status), Some(to)) {
        return refused(t!("{name} had a positive test: it can only be discarded.", name));
    }
    let leaves = matches!(to, UnitStatus::Issued | UnitStatus::InTransit);
    let needs_life = leaves || to == UnitStatus::Reserved || change.kind == MovementKind::Released;
    if needs_life && expired {
        return refused(t!("{name} has expired.", name));
    }
    if leaves && unit.status == UnitStatus::Reserved && unit.reserved_for != change.request {
        return refused(t!("{name} is reserved for something else.", name));
    }
    match quantity {
        Some(..=0) => Err(Error::invalid(
            "quantity",
            t!("At least one unit of {name} must move.", name),
        )),
        Some(asked) if asked > unit.quantity => Err(Error::invalid(
            "quantity",
            t!("{name} has only {quantity} left.", name, quantity = unit.quantity),
        )),
        _ => Ok(()),
    }
}

/// Divides `part` units off a lot into a row of its own, in the same status, with the same expiry and reservation. Both
/// rows have the movement: out of the one and into the other.
async fn split(work: &mut Work, facility: FacilityId, whole: &Unit, part: i32) -> Result<UnitId> {
    let actor = work.actor.clone();
    let new = sqlx::query_scalar!(
        r#"with taken as (
             update blood_inventory set quantity = quantity - $3 where facility_id = $1 and id = $2 returning *
           ), divided as (
             insert into blood_inventory
               (facility_id, blood_bank_id, component, blood_group, quantity, lot, collected_at, expires_at, status,
                unsafe, reserved_for, reserved_until, received_at)
             select facility_id, blood_bank_id, component, blood_group, $3, lot, collected_at, expires_at, status,
                    unsafe, reserved_for, reserved_until, received_at
             from taken
             returning *
           ), told as (
             insert into inventory_movements
               (facility_id, inventory_id, actor_id, actor_name, kind, from_status, to_status, quantity, component,
                blood_group)
             select facility_id, id, $4::bigint, $5, $6, status, null, $3, component, blood_group from taken
             union all
             select facility_id, id, $4, $5, $6, null::text, status, quantity, component, blood_group from divided
           )
           select id as "id: UnitId" from divided"#,
        facility.0,
        whole.id.0,
        part,
        actor.user.map(|user| user.0),
        actor.name,
        MovementKind::Split.as_str()
    )
    .fetch_one(work.conn())
    .await?;
    work.changed(facility, t!("unit {new}", new), None, Some(whole.status.as_str()));
    Ok(new)
}

fn words(status: UnitStatus) -> String {
    status.label().to_lowercase()
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
