//! Whether somebody gave their password a moment ago. What hands out lasting access (keys, links) asks for it again, so that
//! a screen left open is not enough.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use tower_sessions::Session;

use super::{Auth, Person};
use crate::error::{Error, Result};
use crate::ids::UserId;

const CONFIRMED_KEY: &str = "confirmed_at";
/// A password counts for this long, from the log-in or from when it was given again.
const FRESH: TimeDelta = TimeDelta::minutes(5);

impl Auth {
    /// Whether the person of this session gave their password within the last five minutes. Somebody who has none, because
    /// they log in at the OpenID provider alone, has nothing to give again.
    pub async fn is_confirmed(&self, session: &Session, person: &Person) -> Result<bool> {
        let at = session.get::<DateTime<Utc>>(CONFIRMED_KEY).await.ok().flatten();
        let now = self.db.clock.now();
        if at.is_some_and(|at| now - at < FRESH) {
            return Ok(true);
        }
        Ok(self.password_hash(person.id).await?.is_none())
    }

    /// Takes the password once more. False when it is wrong; `TooMany` after several that were.
    pub async fn confirm(
        &self,
        session: &Session,
        person: &Person,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<bool> {
        self.throttle.check(&person.email, address).await?;
        let hash = self.password_hash(person.id).await?;
        if !self.passwords.verify(password, hash.as_deref()).await? {
            self.throttle.missed(&person.email, address).await?;
            return Ok(false);
        }
        self.throttle.forgive(&person.email).await?;
        self.note_confirmed(session).await?;
        Ok(true)
    }

    /// From now on it counts.
    pub(super) async fn note_confirmed(&self, session: &Session) -> Result<()> {
        let noted = session.insert(CONFIRMED_KEY, self.db.clock.now()).await;
        noted.map_err(|error| Error::Internal(error.into()))
    }

    async fn password_hash(&self, person: UserId) -> Result<Option<String>> {
        let hash = sqlx::query_scalar!("select password_hash from users where id = $1", person.0)
            .fetch_optional(self.db.unscoped())
            .await?;
        Ok(hash.flatten())
    }
}
