//! A session between two steps of a log-in: somebody gave the right password and still owes the second factor. It is
//! nobody's session: only the pages of the second step know how to read it, and everything else sees a stranger.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::{Auth, Person};
use crate::error::{Error, Result};
use crate::ids::UserId;

const HALF_KEY: &str = "half";
/// The second step is taken within this time, or both again.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

#[derive(Serialize, Deserialize)]
struct Kept {
    user: i64,
    epoch: i64,
    until: DateTime<Utc>,
    next: String,
    by_provider: bool,
}

/// Somebody half logged in.
pub struct Half {
    pub person: Arc<Person>,
    /// local path to go to afterwards
    pub next: String,
    /// the first step was taken at the OpenID provider
    pub by_provider: bool,
}

impl Auth {
    /// Keeps, in a session with a new id, who took the first step. Nothing of what the session was before is kept.
    pub async fn log_in_by_half(&self, session: &Session, half: &Half, now: DateTime<Utc>) -> Result<()> {
        let unavailable = |error: tower_sessions::session::Error| Error::Internal(error.into());
        let kept = Kept {
            user: half.person.id.0,
            epoch: half.person.epoch,
            until: now + PATIENCE,
            next: half.next.clone(),
            by_provider: half.by_provider,
        };
        session.clear().await;
        session.cycle_id().await.map_err(unavailable)?;
        session.insert(HALF_KEY, kept).await.map_err(unavailable)?;
        session.save().await.map_err(unavailable)
    }

    /// Who took the first step in this session, unless it is too long ago or their rights changed since.
    pub async fn half_of(&self, session: &Session, now: DateTime<Utc>) -> Result<Option<Half>> {
        let kept = session.get::<Kept>(HALF_KEY).await.ok().flatten();
        let Some(kept) = kept.filter(|kept| now < kept.until) else {
            return Ok(None);
        };
        let person = self.people.find(UserId(kept.user)).await?;
        let person = person.filter(|person| !person.disabled && person.epoch == kept.epoch);
        Ok(person.map(|person| Half {
            person,
            next: kept.next,
            by_provider: kept.by_provider,
        }))
    }
}
