//! Making and revoking keys.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;

use crate::audit::{self, Actor, Entry};
use crate::auth::{KeyScope, Manager, NewSecret};
use crate::db::{Db, Scope};
use crate::error::{Error, Problems, Result};
use crate::ids::{FacilityId, UserId, numbers};
use crate::text;

/// A key as somebody asks for it.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub scopes: Vec<KeyScope>,
    /// none: every facility, which only an administrator of the network may give
    pub facilities: Option<Vec<FacilityId>>,
    pub days: i64,
}

/// How long a key may live.
pub const LIVES: [i64; 3] = [30, 90, 365];

impl NewKey {
    fn check(&self, manager: &Manager) -> Result<()> {
        let mut problems = Problems::default();
        if self.name.trim().is_empty() {
            problems.add("name", t!("Say what the key is for."));
        } else if let Some(problem) = text::problem(&self.name, 120) {
            problems.add("name", problem);
        }
        if self.scopes.is_empty() {
            problems.add("scopes", t!("Choose what the key may do."));
        }
        match &self.facilities {
            None if !manager.network_admin => problems.add("facilities", t!("Choose at least one facility.")),
            Some(some) if some.is_empty() => problems.add("facilities", t!("Choose at least one facility.")),
            Some(some) if !some.iter().all(|&one| manager.manages(one)) => {
                problems.add("facilities", t!("Choose facilities that you manage."));
            }
            _ => {}
        }
        if !LIVES.contains(&self.days) {
            problems.add("days", t!("Choose one of these."));
        }
        problems.check()
    }
}

/// Makes a key and answers its text, which nobody can read again.
pub async fn create(db: &Db, manager: &Manager, new: &NewKey) -> Result<String> {
    new.check(manager)?;
    let mut tx = db.write(&Scope::All).await?;
    let expires_at = db.clock.now() + TimeDelta::days(new.days);
    let text = insert(&mut tx, &manager.actor(), Some(manager.id), new, expires_at).await?;
    tx.commit().await?;
    Ok(text)
}

/// A key that reads everything, for a synthetic installation; those made before are revoked, for their text is gone.
pub async fn create_for_demo(db: &Db) -> Result<String> {
    const NAME: &str = "demo";
    let mut tx = db.write(&Scope::All).await?;
    sqlx::query!(
        "update api_keys set revoked_at = clock_now() where name = $1 and revoked_at is null",
        NAME
    )
    .execute(&mut *tx)
    .await?;
    let new = NewKey {
        name: NAME.into(),
        scopes: KeyScope::ALL.to_vec(),
        facilities: None,
        days: 365,
    };
    let expires_at = db.clock.now() + TimeDelta::days(new.days);
    let text = insert(&mut tx, &Actor::command_line(), None, &new, expires_at).await?;
    tx.commit().await?;
    Ok(text)
}

async fn insert(
    tx: &mut PgConnection,
    actor: &Actor,
    by: Option<UserId>,
    new: &NewKey,
    expires_at: DateTime<Utc>,
) -> Result<String> {
    let secret = NewSecret::draw();
    let scopes: Vec<String> = new.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    let facilities = new.facilities.as_deref().map(numbers);
    let id = sqlx::query_scalar!(
        "insert into api_keys (name, prefix, secret_hash, scopes, facility_ids, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, clock_now(), $7) returning id",
        new.name.trim(),
        secret.prefix,
        &secret.hash[..],
        &scopes,
        facilities.as_deref(),
        by.map(|id| id.0),
        expires_at
    )
    .fetch_one(&mut *tx)
    .await?;
    let entry = Entry::new("created", "api_key").about(id).after(json!({
        "name": new.name.trim(), "prefix": secret.prefix, "scopes": scopes, "facilities": new.facilities,
        "expires_at": expires_at,
    }));
    audit::record(
        tx,
        actor,
        &Entry {
            facility: only(new.facilities.as_deref()),
            ..entry
        },
    )
    .await?;
    Ok(secret.text)
}

/// Ends a key for good. `NotFound` when it is not within the facilities of whoever asks.
pub async fn revoke(db: &Db, manager: &Manager, id: i64) -> Result<()> {
    let within = match manager.scope() {
        Scope::All => None,
        Scope::Facilities(ids) => Some(numbers(&ids)),
    };
    let mut tx = db.write(&Scope::All).await?;
    let revoked = sqlx::query!(
        "update api_keys set revoked_at = clock_now()
         where id = $1 and revoked_at is null and ($2::bigint[] is null or facility_ids <@ $2)
         returning name, prefix, facility_ids",
        id,
        within.as_deref()
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let facilities: Option<Vec<FacilityId>> = revoked
        .facility_ids
        .map(|ids| ids.into_iter().map(FacilityId).collect());
    let entry = Entry::new("revoked", "api_key")
        .about(id)
        .of(only(facilities.as_deref()))
        .before(json!({ "name": revoked.name, "prefix": revoked.prefix, "revoked": false }))
        .after(json!({ "name": revoked.name, "prefix": revoked.prefix, "revoked": true }));
    audit::record(&mut tx, &manager.actor(), &entry).await?;
    tx.commit().await?;
    Ok(())
}

/// A key of one facility is its affair; others are the network's.
fn only(facilities: Option<&[FacilityId]>) -> Option<FacilityId> {
    match facilities {
        Some([one]) => Some(*one),
        _ => None,
    }
}
