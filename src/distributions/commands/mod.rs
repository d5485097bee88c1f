//! What people do with distributions: dispatch units, receive them, send them back. Each is one transaction that holds
//! both facilities, so no unit is ever in two places or in none.

mod dispatch;
mod receive;
mod send_back;

pub use dispatch::{Dispatch, dispatch};
pub use receive::{LineReceipt, Receipt, receive};
pub use send_back::{SendBack, send_back};

use super::Distribution;
use crate::audit::Entry;
use crate::auth::Editor;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::{DistributionId, FacilityId, RequestId, UnitId};
use crate::summary::Work;
use crate::text;

/// What is put on its way.
struct Leaving<'a> {
    from: FacilityId,
    bank: i64,
    to: FacilityId,
    request: Option<RequestId>,
    return_of: Option<DistributionId>,
    sent: i32,
    note: &'a str,
    temperature: Option<f32>,
}

async fn insert(work: &mut Work, leaving: &Leaving<'_>) -> Result<DistributionId> {
    let user = work.actor.user.map(|user| user.0);
    let id = sqlx::query_scalar!(
        r#"insert into blood_distributions
             (facility_id, blood_bank_id, dispatched_to_id, request_id, return_of, sent, quantity, note,
              temperature_celsius, dispatched_by)
           values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)
           returning id as "id: DistributionId""#,
        leaving.from.0,
        leaving.bank,
        leaving.to.0,
        leaving.request.map(|request| request.0),
        leaving.return_of.map(|id| id.0),
        leaving.sent,
        leaving.note,
        leaving.temperature,
        user
    )
    .fetch_one(work.conn())
    .await?;
    Ok(id)
}

/// Lists a row of the sender's stock in a distribution, with what the receiver must know of it.
async fn load(work: &mut Work, from: FacilityId, to: FacilityId, id: DistributionId, unit: UnitId) -> Result<()> {
    sqlx::query!(
        "insert into distribution_units
           (facility_id, distribution_id, inventory_id, dispatched_to_id, component, blood_group, quantity,
            donation_number, lot, collected_at, expires_at)
         select facility_id, $2, id, $3, component, blood_group, quantity, donation_number, lot, collected_at, expires_at
         from blood_inventory where facility_id = $1 and id = $4",
        from.0,
        id.0,
        to.0,
        unit.0
    )
    .execute(work.conn())
    .await?;
    Ok(())
}

/// A distribution on its way, or that went, to the editor's facility; `NotFound` for any other, also one it sends.
async fn sent_here(db: &Db, editor: &Editor, id: DistributionId) -> Result<Distribution> {
    let mut tx = db.read(&editor.scope()).await?;
    let found = super::queries::find(&mut tx, editor.facility, id).await?;
    if found.to == editor.facility {
        Ok(found)
    } else {
        Err(Error::NotFound)
    }
}

fn entry(
    facility: FacilityId,
    other: FacilityId,
    action: &str,
    id: DistributionId,
    detail: serde_json::Value,
) -> Entry<'_> {
    Entry::new(action, "distribution")
        .of(facility)
        .with(other)
        .about(id.0)
        .detail(detail)
}

/// At most this many characters of a note.
const LONGEST_NOTE: usize = 500;

fn note_of<'a>(field: &'static str, note: &'a str) -> Result<&'a str> {
    match text::problem(note.trim(), LONGEST_NOTE) {
        Some(problem) => Err(Error::invalid(field, problem)),
        None => Ok(note.trim()),
    }
}
