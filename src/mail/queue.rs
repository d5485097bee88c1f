//! The table of mails: put in, taken out for a try, marked.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::message::Message;
use super::seal::Sealed;
use crate::db::Db;
use crate::error::Result;

/// Tries before a mail is given up: spread over about eight hours.
const MOST_TRIES: i32 = 10;
/// Mails taken out at once.
const BATCH: i64 = 40;

/// A mail that somebody is trying to send.
pub(super) struct Due {
    pub id: i64,
    pub to_address: String,
    pub to_name: String,
    pub subject: String,
    pub body_text: String,
    pub body_html: String,
    pub token_nonce: Option<Vec<u8>>,
    pub sealed_token: Option<Vec<u8>>,
    pub token_hash: Option<Vec<u8>>,
    pub expires_at: DateTime<Utc>,
    pub attempts: i32,
}

impl Due {
    pub fn sealed(&self) -> Option<Sealed> {
        Some(Sealed {
            nonce: self.token_nonce.clone()?,
            sealed: self.sealed_token.clone()?,
            hash: self.token_hash.clone()?,
        })
    }

    pub fn is_last_try(&self) -> bool {
        self.attempts >= MOST_TRIES
    }
}

pub(super) async fn push(tx: &mut PgConnection, message: &Message, token: Option<Sealed>) -> Result<()> {
    let (nonce, sealed, hash) = match token {
        Some(token) => (Some(token.nonce), Some(token.sealed), Some(token.hash)),
        None => (None, None, None),
    };
    sqlx::query!(
        "insert into mails (to_address, to_name, subject, body_text, body_html, token_nonce, sealed_token, token_hash, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        message.to_address,
        message.to_name,
        message.subject,
        message.text,
        message.html,
        nonce,
        sealed,
        hash,
        message.expires_at
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes out what is due. Whoever takes a mail has until its next try to send it, twice as long each time from half a
/// minute on, so that a mail whose sender died is tried again and none is sent by two at once.
pub(super) async fn take(db: &Db) -> Result<Vec<Due>> {
    let mut tx = db.write_in_background(&crate::db::Scope::All).await?;
    sqlx::query!(
        "update mails set failed_at = clock_now(), last_error = 'too late', body_text = '', body_html = '',
                          sealed_token = null, token_nonce = null
         where sent_at is null and failed_at is null and expires_at <= clock_now()"
    )
    .execute(&mut *tx)
    .await?;
    let due = sqlx::query_as!(
        Due,
        "update mails set attempts = attempts + 1,
                          next_try_at = clock_now() + interval '30 seconds' * power(2, least(attempts, 10))
         where id in (select id from mails
                      where sent_at is null and failed_at is null and next_try_at <= clock_now()
                      order by next_try_at limit $1 for update skip locked)
         returning id, to_address, to_name, subject, body_text, body_html, token_nonce, sealed_token, token_hash,
                   expires_at, attempts",
        BATCH
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(due)
}

/// It is out: nothing of what it said is kept.
pub(super) async fn sent(db: &Db, id: i64) -> Result<()> {
    sqlx::query!(
        "update mails set sent_at = clock_timestamp(), last_error = null, body_text = '', body_html = '',
                          sealed_token = null, token_nonce = null where id = $1",
        id
    )
    .execute(db.background())
    .await?;
    Ok(())
}

/// It did not go out; `for_good` when no further try makes sense.
pub(super) async fn missed(db: &Db, id: i64, error: &str, for_good: bool) -> Result<()> {
    sqlx::query!(
        "update mails set last_error = $2,
                failed_at = case when $3 then clock_timestamp() end,
                body_text = case when $3 then '' else body_text end,
                body_html = case when $3 then '' else body_html end,
                sealed_token = case when $3 then null else sealed_token end,
                token_nonce = case when $3 then null else token_nonce end
         where id = $1",
        id,
        error,
        for_good
    )
    .execute(db.background())
    .await?;
    Ok(())
}

pub(super) async fn prune(db: &Db) -> Result<u64> {
    let done = sqlx::query!(
        "delete from mails where queued_at < $1",
        db.clock.now() - chrono::TimeDelta::days(30)
    )
    .execute(db.background())
    .await?;
    Ok(done.rows_affected())
}
