//! Questions about people.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::db::Db;
use crate::error::Result;
use crate::ids::UserId;
use crate::words::{self, Language, Locale};

/// What a log-in is checked against.
pub struct Credentials {
    pub id: UserId,
    pub password_hash: Option<String>,
    pub disabled: bool,
}

pub async fn credentials(db: &PgPool, email: &str) -> Result<Option<Credentials>> {
    let found = sqlx::query_as!(
        Credentials,
        r#"select id as "id: UserId", password_hash, disabled_at is not null as "disabled!" from users where email = $1"#,
        email.trim().to_lowercase()
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// Who logs in with this address.
pub async fn find_by_email(db: &Db, email: &str) -> Result<Option<UserId>> {
    let found = sqlx::query_scalar!(
        r#"select id as "id: UserId" from users where email = $1"#,
        email.trim().to_lowercase()
    )
    .fetch_optional(db.unscoped())
    .await?;
    Ok(found)
}

/// One of somebody's open sessions.
pub struct OpenSession {
    pub id_hash: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

/// Newest first.
pub async fn open_sessions(
    db: &PgPool,
    user: UserId,
    now: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> Result<Vec<OpenSession>> {
    let found = sqlx::query_as!(
        OpenSession,
        r#"select id_hash, created_at, last_seen_at, address, user_agent from sessions
         where user_id = $1 and revoked_at is null and expires_at > $2 and last_seen_at > $3
         order by last_seen_at desc"#,
        user.0,
        now,
        idle_since
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// How somebody is written to: in the language that they chose, else in that of the task.
pub async fn locale(tx: &mut PgConnection, user: UserId) -> Result<Locale> {
    let chosen = sqlx::query_scalar!(
        r#"select language as "language: Language" from users where id = $1"#,
        user.0
    )
    .fetch_one(tx)
    .await?;
    Ok(chosen.map_or_else(words::locale, Locale::of))
}
