//! What the clock does with stock: units expire and reservations end at their very minute, without anyone clicking.
//! Both look first, and write nothing when nothing is due.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use crate::audit::{self, Actor, Entry};
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::ids::{FacilityId, numbers};
use crate::jobs::{self, Claim};
use crate::outbox::{self, Event};
use crate::summary::{self, Trigger};

/// Facilities that one transaction holds: people wait for it, so it is short.
const BATCH: usize = 50;

/// Units moved, per facility.
type Moved = BTreeMap<FacilityId, i64>;

/// Lets every unit on a shelf whose life has ended become `expired`, over all facilities. With a claim, only while it is
/// still held.
pub async fn expire_due(db: &Db, claim: Option<&Claim>) -> Result<()> {
    let mut tx = db.read_in_background(&Scope::All).await?;
    let due = sqlx::query_scalar!(
        r#"select distinct facility_id as "facility: FacilityId" from blood_inventory
           where status in ('quarantined', 'available', 'reserved') and expires_at <= clock_now()
           order by 1"#
    )
    .fetch_all(&mut *tx)
    .await?;
    drop(tx);
    for batch in due.chunks(BATCH) {
        let mut tx = begin(db, claim, batch).await?;
        let moved = expire(&mut tx, batch).await?;
        let facilities = moved.keys().copied().collect();
        finish(tx, "expired", &moved, &Event::UnitsExpired { facilities }).await?;
    }
    Ok(())
}

/// Puts units whose reservation has ended back on the shelf, over all facilities. With a claim, only while it is still
/// held.
pub async fn end_reservations(db: &Db, claim: Option<&Claim>) -> Result<()> {
    let mut tx = db.read_in_background(&Scope::All).await?;
    let due = sqlx::query_scalar!(
        r#"select distinct facility_id as "facility: FacilityId" from blood_inventory
           where status = 'reserved' and reserved_until <= clock_now()
           order by 1"#
    )
    .fetch_all(&mut *tx)
    .await?;
    drop(tx);
    for batch in due.chunks(BATCH) {
        let mut tx = begin(db, claim, batch).await?;
        let moved = unreserve(&mut tx, batch).await?;
        let facilities = moved.keys().copied().collect();
        finish(tx, "freed", &moved, &Event::ReservationsEnded { facilities }).await?;
    }
    Ok(())
}

/// When the next unit expires or the next reservation ends; in the past when something waits for its job.
pub async fn next_due(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let mut tx = db.read_in_background(&Scope::All).await?;
    let next = sqlx::query_scalar!(
        "select least(
            (select min(expires_at) from blood_inventory where status in ('quarantined', 'available', 'reserved')),
            (select min(reserved_until) from blood_inventory where status = 'reserved'))"
    )
    .fetch_one(&mut *tx)
    .await?;
    Ok(next)
}

async fn begin(db: &Db, claim: Option<&Claim>, facilities: &[FacilityId]) -> Result<crate::db::Tx> {
    let mut tx = db.write_in_background(&Scope::Facilities(facilities.to_vec())).await?;
    if let Some(claim) = claim {
        jobs::confirm(&mut tx, claim).await?;
    }
    summary::lock(&mut tx, facilities).await?;
    Ok(tx)
}

async fn expire(tx: &mut PgConnection, facilities: &[FacilityId]) -> Result<Moved> {
    let actor = Actor::system();
    let rows = sqlx::query!(
        r#"with due as (
             select facility_id, id, status from blood_inventory
             where facility_id = any ($1) and status in ('quarantined', 'available', 'reserved')
               and expires_at <= clock_now() and quantity > 0
             for update
           ), moved as (
             update blood_inventory i
             set status = 'expired', reserved_for = null, reserved_until = null
             from due where i.facility_id = due.facility_id and i.id = due.id
             returning i.facility_id, i.id, due.status as from_status, i.quantity, i.component, i.blood_group
           ), told as (
             insert into inventory_movements
               (facility_id, inventory_id, actor_name, kind, from_status, to_status, quantity, component, blood_group)
             select facility_id, id, $2, 'expired', from_status, 'expired', quantity, component, blood_group from moved
           )
           select facility_id as "facility: FacilityId", sum(quantity) as "units!" from moved group by facility_id"#,
        &numbers(facilities),
        actor.name
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.facility, row.units)).collect())
}

async fn unreserve(tx: &mut PgConnection, facilities: &[FacilityId]) -> Result<Moved> {
    let actor = Actor::system();
    let rows = sqlx::query!(
        r#"with due as (
             select facility_id, id, reserved_for from blood_inventory
             where facility_id = any ($1) and status = 'reserved' and reserved_until <= clock_now() and quantity > 0
             for update
           ), moved as (
             update blood_inventory i
             set status = 'available', reserved_for = null, reserved_until = null
             from due where i.facility_id = due.facility_id and i.id = due.id
             returning i.facility_id, i.id, due.reserved_for, i.quantity, i.component, i.blood_group
           ), told as (
             insert into inventory_movements
               (facility_id, inventory_id, actor_name, kind, from_status, to_status, quantity, component, blood_group,
                reason, request_id)
             select facility_id, id, $2, 'unreserved', 'reserved', 'available', quantity, component, blood_group,
                    'the time of the reservation was over', reserved_for
             from moved
           )
           select facility_id as "facility: FacilityId", sum(quantity) as "units!" from moved group by facility_id"#,
        &numbers(facilities),
        actor.name
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.facility, row.units)).collect())
}

/// An audit line for each facility, the fresh summaries, the fact, the commit; nothing when somebody was faster.
async fn finish(mut tx: crate::db::Tx, action: &str, moved: &Moved, event: &Event) -> Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    for (&facility, units) in moved {
        let entry = Entry::new(action, "unit")
            .of(facility)
            .detail(json!({ "quantity": units }));
        audit::record(&mut tx, &Actor::system(), &entry).await?;
    }
    let facilities: Vec<FacilityId> = moved.keys().copied().collect();
    summary::refresh(&mut tx, &facilities, Trigger::Write).await?;
    outbox::push(&mut tx, &facilities, event).await?;
    tx.commit().await?;
    Ok(())
}
