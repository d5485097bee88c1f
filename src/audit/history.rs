//! What administrators changed about something, read from the log for the page that edits it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;
use crate::ids::FacilityId;

/// One change.
#[derive(Clone, Debug)]
pub struct Edit {
    pub at: DateTime<Utc>,
    pub who: String,
    pub action: String,
    pub thing: String,
    /// what the thing is called, and else what its entry says
    pub detail: Value,
    /// the fields that changed, as they were; none for a new thing
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Changes of these kinds of things, the newest first: of a facility, or of the whole installation, for which the
/// transaction must see everything.
pub async fn history(
    tx: &mut PgConnection,
    facility: Option<FacilityId>,
    things: &[&str],
    limit: i64,
) -> Result<Vec<Edit>> {
    let found = sqlx::query_as!(
        Edit,
        r#"select at, actor_name as who, action, thing, detail, before, after
           from audit_log
           where case when $1::bigint is null then facility_id is null else facility_id = $1 end and thing = any ($2)
           order by id desc limit $3"#,
        facility.map(|id| id.0),
        things as &[&str],
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
