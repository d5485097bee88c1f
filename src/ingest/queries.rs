//! Questions about what was sent.

use chrono::{DateTime, Utc};

use super::commands::dead_letters::Cause;
use super::commands::group::Once;
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::web::{Turn, Turned};

/// The answer that a batch with this idempotency key got.
#[derive(Clone, Debug)]
pub struct Answered {
    pub same_body: bool,
    /// not made just now
    pub earlier: bool,
    pub status: u16,
    pub answer: String,
}

/// What was answered to this idempotency key before.
pub async fn answered(db: &Db, once: &Once) -> Result<Option<Answered>> {
    let mut tx = db.read(&Scope::Facilities(vec![FacilityId(once.facility)])).await?;
    let row = sqlx::query!(
        "select body_hash, status, answer from idempotent_batches
         where facility_id = $1 and key_id = $2 and route = $3 and key = $4",
        once.facility,
        once.key_id,
        once.route,
        once.key
    )
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.map(|row| Answered {
        same_body: row.body_hash == once.body_hash,
        earlier: true,
        status: row.status as u16,
        answer: row.answer,
    }))
}

/// A dead letter.
#[derive(Clone, Debug)]
pub struct Letter {
    pub id: i64,
    pub facility: i64,
    pub facility_name: Option<String>,
    pub at: DateTime<Utc>,
    /// `event`, `point` or `message`
    pub kind: String,
    pub cause: Cause,
    pub reason: String,
    pub origin: String,
    pub body: String,
    pub source: Option<String>,
    pub event_id: Option<String>,
    pub event_type: Option<String>,
    pub tries: i32,
}

/// Letters of a page.
pub const PAGE: i64 = 40;

/// How many dead letters there are, of one cause or of all.
pub async fn letters(db: &Db, cause: Option<Cause>) -> Result<i64> {
    let mut tx = db.read(&Scope::All).await?;
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from dead_letters where $1::text is null or cause = $1"#,
        cause.map(Cause::as_str)
    )
    .fetch_one(&mut *tx)
    .await?)
}

/// A page of dead letters, the newest first.
pub async fn page(db: &Db, cause: Option<Cause>, turn: Turn<i64>) -> Result<Turned<Letter>> {
    let mut tx = db.read(&Scope::All).await?;
    if let Turn::Before(id) = turn
        && let Some(turned) = Turned::backward(rows(&mut tx, cause, id, true).await?, PAGE)
    {
        return Ok(turned);
    }
    let after = match turn {
        Turn::After(id) => id,
        Turn::First | Turn::Before(_) => i64::MAX,
    };
    Ok(Turned::forward(
        rows(&mut tx, cause, after, false).await?,
        PAGE,
        after != i64::MAX,
    ))
}

async fn rows(tx: &mut sqlx::PgConnection, cause: Option<Cause>, from: i64, backward: bool) -> Result<Vec<Letter>> {
    Ok(sqlx::query_as!(
        Letter,
        r#"select d.id, d.facility_id as facility, f.name as "facility_name?", d.at, d.kind, d.cause as "cause: Cause", d.reason,
                  d.origin, left(d.body, 200) as "body!", d.source, d.event_id, d.type as event_type, d.tries
           from dead_letters d left join facilities f on f.id = d.facility_id
           where ($1::text is null or d.cause = $1)
             and case when $3 then d.id > $2 else d.id < $2 end
           order by case when $3 then d.id else -d.id end limit $4"#,
        cause.map(Cause::as_str),
        from,
        backward,
        PAGE + 1
    )
    .fetch_all(tx)
    .await?)
}

/// One dead letter with its whole body.
pub async fn letter(db: &Db, id: i64) -> Result<Letter> {
    let mut tx = db.read(&Scope::All).await?;
    sqlx::query_as!(
        Letter,
        r#"select d.id, d.facility_id as facility, f.name as "facility_name?", d.at, d.kind, d.cause as "cause: Cause", d.reason,
                  d.origin, d.body, d.source, d.event_id, d.type as event_type, d.tries
           from dead_letters d left join facilities f on f.id = d.facility_id where d.id = $1"#,
        id
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)
}
