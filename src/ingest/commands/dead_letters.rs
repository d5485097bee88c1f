//! Dead letters: what could not be taken, kept with the reason until somebody decides.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::audit::{self, Actor, Entry};
use crate::auth::Caller;
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::ingest::model::{Incoming, Point};
use crate::text_enum::text_enum;

text_enum! {
    /// Why something could not be taken.
    pub enum Cause {
        /// older than its catalog allows
        Late = "late" / "Too late",
        /// another event has this source and id
        Conflict = "conflict" / "Conflict",
        /// breaks the rules of its catalog, and came from where nobody reads an answer
        Invalid = "invalid" / "Invalid",
        /// failed again and again
        Poison = "poison" / "Failed again and again",
    }
}

/// One that is to be kept.
#[derive(Clone, Debug)]
pub struct NewLetter {
    pub facility: i64,
    pub kind: &'static str,
    pub cause: Cause,
    pub reason: String,
    pub body: String,
    pub source: Option<String>,
    pub id: Option<String>,
    pub event_type: Option<String>,
}

/// A message from a queue that could not be taken.
#[derive(Clone, Debug)]
pub struct DeadLetter<'a> {
    /// 0 is the installation
    pub facility: i64,
    /// the queue, as people know it
    pub origin: &'a str,
    pub cause: Cause,
    pub reason: &'a str,
    /// as it came; what is no text is shown with replacement characters
    pub body: &'a [u8],
}

impl NewLetter {
    pub fn event(facility: i64, cause: Cause, reason: String, event: &Incoming) -> Self {
        NewLetter {
            facility,
            kind: "event",
            cause,
            reason,
            body: structured(event).to_string(),
            source: Some(event.source.clone()),
            id: Some(event.id.clone()),
            event_type: Some(event.kind.clone()),
        }
    }

    pub fn point(facility: i64, cause: Cause, reason: String, point: &Point) -> Self {
        let tags: serde_json::Map<String, Value> = point
            .tags
            .iter()
            .map(|(tag, value)| (tag.clone(), value.as_str().into()))
            .collect();
        let mut body = json!({ "metric_name": point.metric, "value": point.value, "tags": tags });
        if let Some(time) = point.time {
            body["timestamp"] = time.to_rfc3339().into();
        }
        if let Some(facility) = point.facility {
            body["facility"] = facility.0.into();
        }
        NewLetter {
            facility,
            kind: "point",
            cause,
            reason,
            body: body.to_string(),
            source: None,
            id: None,
            event_type: Some(point.metric.clone()),
        }
    }
}

/// The event as one JSON document, as CloudEvents calls it structured.
pub fn structured(event: &Incoming) -> Value {
    let mut body = json!({ "specversion": "1.0", "source": event.source, "id": event.id, "type": event.kind });
    if let Some(time) = event.time {
        body["time"] = time.to_rfc3339().into();
    }
    if let Some(subject) = &event.subject {
        body["subject"] = subject.as_str().into();
    }
    if let Some(facility) = event.facility {
        body["facility"] = facility.0.to_string().into();
    }
    if let Some(data) = &event.data {
        body["data"] = serde_json::from_str(data.get()).unwrap_or_default();
    }
    body
}

/// Keeps a message of a queue, in the transaction that also notes how far the queue was read. The same message is kept
/// once, with the number of tries.
pub async fn keep(tx: &mut PgConnection, letter: &DeadLetter<'_>) -> Result<()> {
    let body = String::from_utf8_lossy(letter.body).replace('\0', "\u{fffd}");
    let new = NewLetter {
        facility: letter.facility,
        kind: "message",
        cause: letter.cause,
        reason: letter.reason.to_owned(),
        body,
        source: None,
        id: None,
        event_type: None,
    };
    keep_all(tx, &[(letter.origin, &new)]).await
}

/// Keeps several, each with the name of its origin.
pub async fn keep_all(tx: &mut PgConnection, letters: &[(&str, &NewLetter)]) -> Result<()> {
    if letters.is_empty() {
        return Ok(());
    }
    let mut hashes = std::collections::HashSet::new();
    let (mut facilities, mut kinds, mut causes, mut reasons) = (vec![], vec![], vec![], vec![]);
    let (mut origins, mut bodies, mut sources, mut ids) = (vec![], vec![], vec![], vec![]);
    let (mut types, mut keys) = (vec![], vec![]);
    for (origin, letter) in letters {
        let hash = Sha256::new()
            .chain_update(origin.as_bytes())
            .chain_update([0])
            .chain_update(letter.body.as_bytes())
            .finalize()
            .to_vec();
        if !hashes.insert((letter.facility, letter.cause.as_str(), hash.clone())) {
            continue;
        }
        facilities.push(letter.facility);
        kinds.push(letter.kind);
        causes.push(letter.cause.as_str());
        reasons.push(letter.reason.as_str());
        origins.push(*origin);
        bodies.push(letter.body.as_str());
        sources.push(letter.source.as_deref());
        ids.push(letter.id.as_deref());
        types.push(letter.event_type.as_deref());
        keys.push(hash);
    }
    sqlx::query!(
        "insert into dead_letters (facility_id, kind, cause, reason, origin, body, source, event_id, type, hash)
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                              $8::text[], $9::text[], $10::bytea[]) as u(f, k, c, r, o, b, s, i, t, h)
         order by f, c, h
         on conflict (facility_id, cause, hash) do update set tries = dead_letters.tries + 1, reason = excluded.reason",
        &facilities,
        &kinds as &[&str],
        &causes as &[&str],
        &reasons as &[&str],
        &origins as &[&str],
        &bodies as &[&str],
        &sources as &[Option<&str>],
        &ids as &[Option<&str>],
        &types as &[Option<&str>],
        &keys
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Changes the body of a letter, which must be JSON.
pub async fn edit(db: &Db, editor: &Caller, id: i64, body: &str) -> Result<()> {
    if let Err(error) = serde_json::from_str::<&serde_json::value::RawValue>(body) {
        return Err(Error::invalid("body", t!("This is no JSON: {error}.", error)));
    }
    if body.len() > 1024 * 1024 || body.contains('\0') {
        return Err(Error::invalid("body", t!("This cannot be stored.")));
    }
    let mut tx = db.write(&Scope::All).await?;
    let facility = sqlx::query_scalar!(
        "update dead_letters set body = $2, edited_by = $3, edited_at = clock_now(),
                hash = sha256(convert_to(id::text || $2, 'UTF8'))
         where id = $1 returning facility_id",
        id,
        body,
        editor.id.0
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let entry = Entry::new("edited", "dead_letter").about(id).of(facility_of(facility));
    audit::record(&mut tx, &editor.actor(), &entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes one letter.
pub async fn remove(db: &Db, actor: &Actor, id: i64) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    gone(&mut tx, actor, "removed", id).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a letter in this transaction, and says in the log why it went.
pub async fn gone(tx: &mut PgConnection, actor: &Actor, action: &'static str, id: i64) -> Result<()> {
    let gone = sqlx::query!(
        "delete from dead_letters where id = $1 returning facility_id, cause, origin, event_id",
        id
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let entry = Entry::new(action, "dead_letter")
        .about(id)
        .of(facility_of(gone.facility_id))
        .detail(json!({ "cause": gone.cause, "origin": gone.origin, "event": gone.event_id }));
    audit::record(tx, actor, &entry).await
}

/// Removes all letters of a cause, or all.
pub async fn purge(db: &Db, actor: &Actor, cause: Option<Cause>) -> Result<u64> {
    let mut tx = db.write(&Scope::All).await?;
    let gone = sqlx::query!(
        "delete from dead_letters where $1::text is null or cause = $1",
        cause.map(Cause::as_str)
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    let detail = json!({ "cause": cause, "count": gone });
    audit::record(&mut tx, actor, &Entry::new("removed", "dead_letters").detail(detail)).await?;
    tx.commit().await?;
    Ok(gone)
}

fn facility_of(id: i64) -> Option<FacilityId> {
    (id != 0).then_some(FacilityId(id))
}
