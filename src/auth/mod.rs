//! Who is asking, and what they may do where. Passwords, sessions, the people behind them, and the extractors
//! through which a handler gets hold of a facility at all.

mod access;
mod bearer;
mod confirm;
mod cookie;
mod half;
mod keys;
pub mod oidc;
mod password;
mod people;
mod sessions;
mod throttle;
mod token;
mod totp;
mod vault;

pub use access::{
    Access, Caller, CurrentUser, Editor, FacilityAdmin, Manager, NetworkAdmin, Onlooker, Passive, Viewer,
};
pub use bearer::{ApiKey, EventSender, KeyReader, MetricReader, PointSender};
pub use cookie::{secure_removal, session_layer};
pub use half::Half;
pub use keys::{Key, KeyScope, Keys, NewSecret};
pub use password::{Passwords, problem_with as problem_with_password};
pub use people::{DateFormat, Membership, People, Person, Preferences, Refresh, Role, Start};
pub use sessions::{SessionStore, hash_of as session_hash};
pub use throttle::{Throttle, Wait};
pub use token::Token;
pub use totp::Totp;
pub use vault::Vault;

use std::sync::Arc;
use std::time::Duration;

use tower_sessions::Session;

use crate::config::Secret;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::words;
use sessions::Claim;

/// The key under which a session knows its person, and the epoch of their rights at log-in.
pub const USER_KEY: &str = "user_id";
pub const EPOCH_KEY: &str = "epoch";

/// Everything that answers "who are you". Cheap to clone.
#[derive(Clone)]
pub struct Auth(Arc<Parts>);

pub struct Parts {
    db: Db,
    pub people: People,
    pub sessions: SessionStore,
    pub passwords: Passwords,
    pub throttle: Throttle,
    pub keys: Keys,
    pub vault: Vault,
}

impl std::ops::Deref for Auth {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Auth {
    /// `idle` ends a session that nobody used; `longest` ends every session. `secret` is the installation's.
    pub fn new(db: Db, idle: Duration, longest: Duration, secret: &Secret) -> Self {
        Auth(Arc::new(Parts {
            people: People::new(db.clone()),
            sessions: SessionStore::new(db.clone(), idle, longest),
            passwords: Passwords::default(),
            throttle: Throttle::new(db.clone()),
            keys: Keys::new(db.clone()),
            vault: Vault::new(secret),
            db,
        }))
    }

    /// Forgets what memory knows of a person and their sessions.
    pub fn forget(&self, user: UserId) {
        self.people.forget(user);
        self.sessions.forget_all_of(user);
    }

    /// Forgets everything memory knows: some change may have been missed.
    pub fn forget_all(&self) {
        self.people.forget_all();
        self.keys.forget_all();
        self.sessions.forget_all();
    }

    /// Makes this session the person's, under a new id. Nothing of what it was before is kept.
    pub async fn log_in(&self, session: &Session, person: &Person) -> Result<()> {
        let unavailable = |error: tower_sessions::session::Error| Error::Internal(error.into());
        session.clear().await;
        session.cycle_id().await.map_err(unavailable)?;
        session.insert(USER_KEY, person.id.0).await.map_err(unavailable)?;
        session.insert(EPOCH_KEY, person.epoch).await.map_err(unavailable)?;
        self.note_confirmed(session).await?;
        session.save().await.map_err(unavailable)
    }

    /// The person of this session, if it is still good. From here on the request is answered in their language.
    pub async fn person_of(&self, session: &Session) -> Result<Option<Arc<Person>>> {
        let Some(claim) = self.claim_of(session).await? else {
            // looked for in vain, it lets the browser forget its cookie
            let _ = session.get_value(USER_KEY).await;
            return Ok(None);
        };
        let person = self.people.find(claim.user).await?;
        let person = person.filter(|person| !person.disabled && Some(person.epoch) == claim.epoch);
        if let Some(person) = &person {
            words::speak(person.preferences.locale(words::locale().language));
        }
        Ok(person)
    }

    /// Asked of the store itself: through the session, every value of it would be copied several times.
    async fn claim_of(&self, session: &Session) -> Result<Option<Claim>> {
        match session.id() {
            Some(id) => self.sessions.claim(&id).await,
            None => Ok(None),
        }
    }

    /// The person behind a session that began a while ago, if both are still good. The database is asked and not
    /// memory: whoever was shut out must not go on watching.
    pub async fn still_holds(&self, session: &Session) -> Result<Option<Arc<Person>>> {
        let Some(id) = session.id() else { return Ok(None) };
        if !self.sessions.is_alive(&id).await? {
            return Ok(None);
        }
        self.person_of(session).await
    }
}
