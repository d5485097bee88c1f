//! How far a request has come, told by whoever moves its units: the lines of its timeline, what arrived for it, and what
//! need not be held for it any longer.

use crate::blood::{MovementKind, UnitStatus};
use crate::charts;
use crate::error::Result;
use crate::ids::{FacilityId, RequestId, UnitId};
use crate::inventory::ledger::{self, Change};
use crate::requests::{Request, StepKind, queries};
use crate::summary::Work;

/// Frees what the facility has reserved for a request.
pub async fn release(work: &mut Work, facility: FacilityId, request: RequestId) -> Result<()> {
    let reserved = sqlx::query_scalar!(
        r#"select id as "id: UnitId" from blood_inventory
           where facility_id = $1 and status = 'reserved' and reserved_for = $2 order by id"#,
        facility.0,
        request.0
    )
    .fetch_all(work.conn())
    .await?;
    for unit in reserved {
        let change = Change {
            request: Some(request),
            ..Change::of(MovementKind::Unreserved)
        };
        let from = &[UnitStatus::Reserved];
        ledger::shift(work, facility, unit, from, None, UnitStatus::Available, &change).await?;
    }
    Ok(())
}

/// Books usable units that arrived for a request of the facility. Once all that was promised has arrived the request is
/// closed and what is still reserved for it becomes free.
pub async fn fulfil(work: &mut Work, facility: FacilityId, id: RequestId, units: i32) -> Result<()> {
    let before = queries::find(work.conn(), facility, id).await?;
    sqlx::query!(
        "update blood_requests set fulfilled = fulfilled + $3,
                status = case when fulfilled + $3 >= quantity then 'fulfilled'
                              when fulfilled + $3 > 0 then 'partly_fulfilled' else status end
         where facility_id = $1 and id = $2",
        facility.0,
        id.0,
        units
    )
    .execute(work.conn())
    .await?;
    let after = before.fulfilled + units;
    let promised = before.accepted.unwrap_or(before.quantity);
    if after >= promised {
        close(work, &before).await?;
        if let Some(accepter) = before.accepted_by {
            release(work, accepter, id).await?;
        }
    }
    let kind = if after >= before.quantity {
        StepKind::Fulfilled
    } else {
        StepKind::Received
    };
    let words = t!(
        "Arrived: {after} of {charts}",
        after,
        charts = charts::units(before.quantity)
    );
    step(work, facility, id, facility, kind, &words).await
}

/// Adds a line to the timeline of a request that `asker` raised; an empty reason is none.
pub async fn step(
    work: &mut Work,
    asker: FacilityId,
    id: RequestId,
    by: FacilityId,
    kind: StepKind,
    reason: &str,
) -> Result<()> {
    let actor = work.actor.clone();
    sqlx::query!(
        "insert into request_events (facility_id, request_id, by_facility_id, actor_id, actor_name, step, reason)
         values ($1, $2, $3, $4, $5, $6, nullif($7, ''))",
        asker.0,
        id.0,
        by.0,
        actor.user.map(|user| user.0),
        actor.name,
        kind.as_str(),
        reason.trim()
    )
    .execute(work.conn())
    .await?;
    Ok(())
}

pub(super) async fn close(work: &mut Work, request: &Request) -> Result<()> {
    sqlx::query!(
        "update blood_requests set closed_at = coalesce(closed_at, clock_now()) where facility_id = $1 and id = $2",
        request.facility.0,
        request.id.0
    )
    .execute(work.conn())
    .await?;
    Ok(())
}
