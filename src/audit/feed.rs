//! The activity feed of a board, read from the log.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::ids::FacilityId;

/// A line of the activity feed.
#[derive(Clone, Debug)]
pub struct Happened {
    pub id: i64,
    pub at: DateTime<Utc>,
    /// the facility that was asked about and that had a part in it
    pub seen_from: FacilityId,
    /// a person of the facility by name, the other side of a transfer as a facility
    pub who: String,
    pub action: String,
    pub thing: String,
    pub thing_id: Option<i64>,
    pub detail: serde_json::Value,
}

/// What is done to things that a facility's people see, as [`super::Entry`] keeps it with a capital.
const DEEDS: [&str; 26] = [
    mark!("Accepted"),
    mark!("Added"),
    mark!("Cancelled"),
    mark!("Changed"),
    mark!("Created"),
    mark!("Deactivated"),
    mark!("Discarded"),
    mark!("Dispatched"),
    mark!("Edited"),
    mark!("Expired"),
    mark!("Issued"),
    mark!("Marked unsafe"),
    mark!("Moved to quarantine"),
    mark!("Published"),
    mark!("Quarantined"),
    mark!("Raised"),
    mark!("Reactivated"),
    mark!("Received"),
    mark!("Rejected"),
    mark!("Released"),
    mark!("Removed"),
    mark!("Returned"),
    mark!("Reversed"),
    mark!("Saved"),
    mark!("Sent back"),
    mark!("Transfused"),
];

impl Happened {
    /// The action as a sentence begins: `Received`.
    pub fn deed(&self) -> String {
        let same = |deed: &&&str| deed.eq_ignore_ascii_case(&self.action);
        if let Some(deed) = DEEDS.iter().find(same) {
            return crate::words::t(deed).into();
        }
        let mut deed = self.action.clone();
        if let Some(first) = deed.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        deed
    }

    /// Whether it was about something urgent.
    pub fn urgent(&self) -> bool {
        matches!(
            self.detail.get("urgency").and_then(|value| value.as_str()),
            Some("urgent" | "emergency")
        )
    }
}

/// What happened lately to the stock of a facility, its requests and transfers, the newest first; what administrators do
/// about people and keys is for them. The names of another facility's staff stay there.
pub async fn latest(tx: &mut PgConnection, facility: FacilityId, limit: i64) -> Result<Vec<Happened>> {
    latest_of(tx, &[facility.0], limit).await
}

/// The same for some facilities together; what happened between two of them is told once, as the one where it happened.
pub async fn latest_of(tx: &mut PgConnection, facilities: &[i64], limit: i64) -> Result<Vec<Happened>> {
    let found = sqlx::query_as!(
        Happened,
        r#"select a.id as "id!", a.at as "at!", a.seen_from as "seen_from!: FacilityId",
                  case when a.facility_id = any ($1) and (scope_is_all() or a.facility_id = any (scope_facilities()))
                       then a.actor_name else f.name end as "who!",
                  a.action as "action!", a.thing as "thing!", a.thing_id, a.detail as "detail!"
           from (
             select distinct on (one.id) one.*
             from unnest($1::bigint[]) as here (id)
             cross join lateral (
               (select here.id as seen_from, false as other, l.* from audit_log l
                where l.facility_id = here.id and l.thing in ('unit', 'request', 'distribution')
                order by l.id desc limit $2)
               union all
               (select here.id, true, l.* from audit_log l
                where l.other_facility_id = here.id order by l.id desc limit $2)
             ) one
             order by one.id desc, one.other
             limit $2
           ) a
           left join facilities f on f.id = a.facility_id
           order by a.id desc"#,
        facilities,
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
