//! Logging in at an OpenID Connect provider: authorization code with PKCE, state and nonce. This is the protocol and
//! nothing else; who the identity is here, and what it may do, is decided by `users::openid`.

mod claims;
mod http;
mod provider;

pub use claims::Identity;
pub use provider::Provider;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What the session keeps while somebody is at the provider.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pending {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
    pub begun: DateTime<Utc>,
    /// local path to go to afterwards
    pub next: String,
    /// the person, logged in, who connects their account with the provider's
    pub connects: Option<i64>,
}

impl Pending {
    /// Time that somebody may take at the provider.
    const PATIENCE: TimeDelta = TimeDelta::minutes(10);

    pub(super) fn is_over(&self, now: DateTime<Utc>) -> bool {
        now - self.begun > Pending::PATIENCE
    }
}

/// What the provider sends the browser back with.
#[derive(Debug, Default, Deserialize)]
pub struct CameBack {
    pub code: Option<String>,
    pub state: Option<String>,
    pub iss: Option<String>,
    pub error: Option<String>,
}

/// Why a log-in at the provider came to nothing. The text is for the person; what only the operator should know is
/// logged where it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("could not be reached. Log in with your password, or try again in a moment.")]
    Unreachable,
    #[error("is not set up correctly for this installation. Log in with your password, and tell your administrator.")]
    Misconfigured,
    #[error("did not let you in. Try again, or log in with your password.")]
    Refused,
    #[error("sent an answer that does not belong to a log-in begun here, or that came too late. Begin again.")]
    NotBegunHere,
    #[error(
        "sent an answer that could not be trusted, so you are not logged in. Try again; if it stays so, tell your administrator."
    )]
    NotTrusted,
}
