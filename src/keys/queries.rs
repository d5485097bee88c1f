//! Questions about keys.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::db::Scope;
use crate::error::Result;
use crate::ids::numbers;

/// A key, without anything that would open something.
#[derive(Clone, Debug)]
pub struct KeyRow {
    pub id: i64,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<String>,
    /// names; none is every facility
    pub facilities: Option<Vec<String>>,
    pub created_by: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub last_used_address: Option<String>,
}

/// Keys that open nothing outside the scope, good ones first, then the newest; the latest 200.
pub async fn within(db: &PgPool, scope: &Scope, now: DateTime<Utc>) -> Result<Vec<KeyRow>> {
    let within = match scope {
        Scope::All => None,
        Scope::Facilities(ids) => Some(numbers(ids)),
    };
    let found = sqlx::query_as!(
        KeyRow,
        r#"select k.id, k.name, k.prefix, k.scopes,
                  case when k.facility_ids is not null
                       then array(select f.name from facilities f where f.id = any (k.facility_ids) order by f.name) end
                       as "facilities: Vec<String>",
                  u.name as "created_by?", k.created_at, k.expires_at, k.revoked_at, k.last_used_at, k.last_used_address
           from api_keys k left join users u on u.id = k.created_by
           where $1::bigint[] is null or k.facility_ids <@ $1
           order by k.revoked_at is null and k.expires_at > $2 desc, k.id desc limit 200"#,
        within.as_deref(),
        now
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}
