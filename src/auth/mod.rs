//! Who is asking, and what they may do where. Passwords, sessions, the people behind them, and the extractors
//! through which a handler gets hold of a facility at all.

mod access;
mod bearer;
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
    Access, BoardViewer, Caller, CurrentUser, Editor, FacilityAdmin, Manager, NetworkAdmin, Onlooker, Passive, Viewer,
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
use crate::ids::{FacilityId, UserId};
use sessions::Claim;

/// The key under which a session knows its person, and the epoch of their rights at log-in.
pub const USER_KEY: &str = "user_id";
pub const EPOCH_KEY: &str = "epoch";
/// Set in the session of a display: the one facility whose board it shows.
pub const DISPLAY_KEY: &str = "display";

/// Everything that answers "who are you". Cheap to clone.
#[derive(Clone)]
pub struct Auth(Arc<Parts>);

pub struct Parts {
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
            keys: Keys::new(db),
            vault: Vault::new(secret),
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
        self.begin(session, person, None).await
    }

    /// Makes this session, under a new id, that of a display on a wall: it may look at one facility, does not end when
    /// nobody touches it, and ends with the rights of whoever hung it up or when they end it.
    pub async fn become_display(&self, session: &Session, person: &Person, facility: FacilityId) -> Result<()> {
        self.begin(session, person, Some(facility)).await
    }

    async fn begin(&self, session: &Session, person: &Person, display_of: Option<FacilityId>) -> Result<()> {
        let unavailable = |error: tower_sessions::session::Error| Error::Internal(error.into());
        session.clear().await;
        session.cycle_id().await.map_err(unavailable)?;
        session.insert(USER_KEY, person.id.0).await.map_err(unavailable)?;
        session.insert(EPOCH_KEY, person.epoch).await.map_err(unavailable)?;
        if let Some(facility) = display_of {
            session.insert(DISPLAY_KEY, facility.0).await.map_err(unavailable)?;
        }
        session.save().await.map_err(unavailable)
    }

    /// Whether this session is a display's.
    pub async fn is_display(&self, session: &Session) -> bool {
        matches!(self.claim_of(session).await, Ok(Some(claim)) if claim.display.is_some())
    }

    /// The person of this session, if it is still good.
    pub async fn person_of(&self, session: &Session) -> Result<Option<Arc<Person>>> {
        let Some(claim) = self.claim_of(session).await? else {
            // looked for in vain, it lets the browser forget its cookie
            let _ = session.get_value(USER_KEY).await;
            return Ok(None);
        };
        let person = self.people.find(claim.user).await?;
        let person = person.filter(|person| !person.disabled && Some(person.epoch) == claim.epoch);
        match claim.display {
            Some(facility) => Ok(person.and_then(|person| person.as_display_of(facility).map(Into::into))),
            None => Ok(person),
        }
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
