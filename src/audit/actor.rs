//! Whoever acts, and from where.

use std::net::IpAddr;

use crate::ids::UserId;
use crate::text_enum::text_enum;

text_enum! {
    /// The way in.
    pub enum Via {
        /// jobs, the simulator
        Program = "program" / "By itself",
        CommandLine = "command_line" / "Command line",
        /// somebody who is logged in
        Session = "session" / "Session",
        /// a program with an API key
        Key = "key" / "API key",
    }
}

/// From where a change came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub via: Via,
    /// of a session, its name on the account page; of a key, its prefix
    pub name: Option<String>,
    pub address: Option<IpAddr>,
}

impl Origin {
    pub fn program() -> Self {
        Origin::of(Via::Program)
    }

    fn of(via: Via) -> Self {
        Origin {
            via,
            name: None,
            address: None,
        }
    }

    /// `name` is that of the account page: the first eight bytes of the hash of the session's id.
    pub fn session(name: &[u8], address: Option<IpAddr>) -> Self {
        let name = name.iter().map(|byte| format!("{byte:02x}")).collect();
        Origin {
            via: Via::Session,
            name: Some(name),
            address,
        }
    }

    pub fn key(prefix: &str, address: Option<IpAddr>) -> Self {
        Origin {
            via: Via::Key,
            name: Some(prefix.to_owned()),
            address,
        }
    }
}

/// Whoever acts: a person, a program with a key, or Pulseboard itself (jobs, the simulator).
#[derive(Clone, Debug)]
pub struct Actor {
    pub user: Option<UserId>,
    pub name: String,
    pub origin: Origin,
}

impl Actor {
    /// The program acting by itself, as when a reservation ends.
    pub fn system() -> Self {
        Actor::named("Pulseboard")
    }

    /// Whoever may run commands on the server.
    pub fn command_line() -> Self {
        Actor {
            user: None,
            name: "command line".into(),
            origin: Origin::of(Via::CommandLine),
        }
    }

    /// Something that has a name and no account: a facility, as the other side knows it.
    pub fn named(name: impl Into<String>) -> Self {
        Actor {
            user: None,
            name: name.into(),
            origin: Origin::program(),
        }
    }

    pub fn person(user: UserId, name: impl Into<String>, origin: Origin) -> Self {
        Actor {
            user: Some(user),
            name: name.into(),
            origin,
        }
    }
}

/// The address of whoever asks, as far as it can be trusted; the frame around every request finds it out.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub Option<IpAddr>);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut http::request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(ClientAddress::of(parts))
    }
}

impl ClientAddress {
    pub fn of(parts: &http::request::Parts) -> Self {
        parts.extensions.get().copied().unwrap_or(ClientAddress(None))
    }
}
