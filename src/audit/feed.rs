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
    /// a person of the facility by name, the other side of a transfer as a facility
    pub who: String,
    pub action: String,
    pub thing: String,
    pub thing_id: Option<i64>,
    pub detail: serde_json::Value,
}

impl Happened {
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
    let found = sqlx::query_as!(
        Happened,
        r#"select a.id as "id!", a.at as "at!", case when a.facility_id = $1 then a.actor_name else f.name end as "who!",
                  a.action as "action!", a.thing as "thing!", a.thing_id, a.detail as "detail!"
           from (
             (select id, at, facility_id, actor_name, action, thing, thing_id, detail
              from audit_log where facility_id = $1 and thing in ('unit', 'request', 'distribution')
              order by id desc limit $2)
             union all
             (select id, at, facility_id, actor_name, action, thing, thing_id, detail
              from audit_log where other_facility_id = $1 order by id desc limit $2)
           ) a
           left join facilities f on f.id = a.facility_id
           order by a.id desc limit $2"#,
        facility.0,
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
