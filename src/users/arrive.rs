//! What happens between a right password (or a provider's word) and the first page: the second step where there is one,
//! and then a session under a new id.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::header;
use http::request::Parts;
use tower_sessions::Session;

use super::two_factor::{State, begin, state_of};
use super::{Doors, commands};
use crate::auth::{Auth, Caller, Half, Person, session_hash};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::web::ClientAddress;

/// Set in a session that began at the OpenID provider.
const BY_PROVIDER: &str = "by_provider";

/// From where somebody logs in.
pub struct Origin {
    pub address: Option<IpAddr>,
    agent: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let ClientAddress(address) = ClientAddress::from_request_parts(parts, state).await?;
        let agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        Ok(Origin {
            address,
            agent: agent.map(|text| text.chars().take(200).collect()),
        })
    }
}

/// What logging in takes.
pub struct Entrance<'a> {
    pub db: &'a Db,
    pub auth: &'a Auth,
    pub doors: &'a Doors,
    pub session: &'a Session,
    pub origin: &'a Origin,
}

impl Entrance<'_> {
    /// The first step is taken: on to the second, to setting one up where their role demands it, or in.
    /// `provider_asked`: the provider has seen a second factor of its own.
    pub async fn after_first_step(&self, half: Half, provider_asked: bool) -> Result<Response> {
        let state = state_of(self.db, half.person.id).await?;
        let step = match state {
            _ if provider_asked => None,
            State::On { .. } => Some("/login/code"),
            _ if self.doors.demand_second_factor(&half.person) => Some("/login/two-factor"),
            _ => None,
        };
        let Some(step) = step else {
            self.open(&half).await?;
            return Ok(Redirect::to(&half.next).into_response());
        };
        if !matches!(state, State::On { .. }) {
            begin(self.db, self.auth, &self.caller(&half)).await?;
        }
        self.auth
            .log_in_by_half(self.session, &half, self.db.clock.now())
            .await?;
        Ok(Redirect::to(step).into_response())
    }

    /// Opens the session: every step is taken.
    pub async fn open(&self, half: &Half) -> Result<()> {
        self.auth.log_in(self.session, &half.person).await?;
        commands::record_log_in(self.db, &self.caller(half)).await?;
        if half.by_provider {
            let kept = self.session.insert(BY_PROVIDER, true).await;
            kept.map_err(|error| Error::Internal(error.into()))?;
        }
        if let Some(id) = self.session.id() {
            let address = self.origin.address.map(|ip| ip.to_string());
            commands::note_origin(self.db, &session_hash(&id), address, self.origin.agent.clone()).await?;
        }
        commands::end_surplus_sessions(self.db, half.person.id).await
    }

    /// Whoever takes the step, for the log.
    pub fn caller(&self, half: &Half) -> Caller {
        Caller::with_session(half.person.clone(), self.session, self.origin.address)
    }

    /// As [`Entrance::open`], for somebody whose rights were just made anew.
    pub async fn open_again(&self, half: Half) -> Result<Arc<Person>> {
        let person = self.auth.people.find(half.person.id).await?;
        let person = person.ok_or(Error::LoginRequired)?;
        let half = Half { person, ..half };
        self.open(&half).await?;
        Ok(half.person)
    }
}

/// Whether this session began at the provider.
pub async fn came_by_provider(session: &Session) -> bool {
    matches!(session.get::<bool>(BY_PROVIDER).await, Ok(Some(true)))
}
