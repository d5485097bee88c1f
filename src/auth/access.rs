//! Access by construction: a handler that names one of these extractors has the right it stands for, and no query or
//! command can be called without one. Another facility answers exactly as one that does not exist.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use http::request::Parts;
use tower_sessions::Session;
use tower_sessions::session::Id;

use super::{Auth, Person, Role, session_hash};
use crate::audit::{Actor, ClientAddress, Origin};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::text_enum::text_enum;

text_enum! {
    /// Who may call a route. Each route states one where it is declared, and a test asks every route as everybody.
    pub enum Access {
        /// anybody, logged in or not
        Public = "public",
        /// anybody who is logged in
        SignedIn = "signed_in",
        /// members of the facility in the path
        Viewer = "viewer",
        /// staff of the facility in the path
        Staff = "staff",
        /// administrators of the facility in the path
        FacilityAdmin = "facility_admin",
        /// administrators of at least one facility, for the pages about all that they manage
        Manager = "manager",
        /// administrators of the network
        NetworkAdmin = "network_admin",
        /// programs with an API key that may read; a session opens nothing here
        Key = "key",
        /// programs with an API key for just this: sending, or reading metrics
        KeyWithScope = "key_with_scope",
        /// whoever holds the link; a session opens nothing here
        Link = "link",
    }
}

impl Access {
    /// Whether somebody with this role, where they have it, may call such a route; `None` is a stranger.
    pub fn allows(self, role: Option<Role>) -> bool {
        match self {
            Access::Public => true,
            Access::SignedIn | Access::Viewer => role.is_some(),
            Access::Staff => role >= Some(Role::Staff),
            Access::FacilityAdmin | Access::Manager => role >= Some(Role::FacilityAdmin),
            Access::NetworkAdmin => role == Some(Role::NetworkAdmin),
            Access::Key | Access::KeyWithScope | Access::Link => false,
        }
    }
}

/// Sent with a request that a page makes by itself, because something changed.
const PASSIVE: &str = "pulse-passive";

/// The person of this request, and from where they ask: what the audit log says of whatever they change.
#[derive(Clone, Debug)]
pub struct Caller {
    pub person: Arc<Person>,
    session: Option<Id>,
    address: Option<IpAddr>,
}

impl Caller {
    /// Somebody whom no request speaks for: the simulator's staff.
    pub fn of(person: Arc<Person>) -> Self {
        Caller {
            person,
            session: None,
            address: None,
        }
    }

    /// Somebody who has this session, at this address.
    pub fn with_session(person: Arc<Person>, session: &Session, address: Option<IpAddr>) -> Self {
        Caller {
            person,
            session: session.id(),
            address,
        }
    }

    fn in_request(person: Arc<Person>, parts: &Parts) -> Self {
        Caller {
            person,
            session: session(parts).and_then(Session::id),
            address: ClientAddress::of(parts).0,
        }
    }

    pub fn actor(&self) -> Actor {
        let origin = match &self.session {
            Some(id) => Origin::session(&session_hash(id)[..8], self.address),
            None => Origin::program(),
        };
        Actor::person(self.person.id, &self.person.name, origin)
    }
}

impl std::ops::Deref for Caller {
    type Target = Person;
    fn deref(&self) -> &Person {
        &self.person
    }
}

/// The logged-in person. Asking for it counts as activity, unless the page asks by itself.
#[derive(Clone, Debug)]
pub struct CurrentUser(pub Caller);

impl std::ops::Deref for CurrentUser {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S> FromRequestParts<S> for CurrentUser
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        active(parts, &Auth::from_ref(state)).await.map(CurrentUser)
    }
}

/// Anybody who is logged in and only looks on: where to go from the start, a stream of nudges. Does not count as activity.
#[derive(Clone, Debug)]
pub struct Onlooker(pub Arc<Person>);

impl<S> FromRequestParts<S> for Onlooker
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        person(parts, &Auth::from_ref(state)).await.map(Onlooker)
    }
}

/// A member of the facility in the path who only looks on: streams and fragments that fetch themselves. Does not
/// count as activity, or an open page would keep its session for ever.
#[derive(Clone, Debug)]
pub struct Passive(pub Viewer);

impl<S> FromRequestParts<S> for Passive
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let person = person(parts, &Auth::from_ref(state)).await?;
        let caller = Caller::in_request(person, parts);
        viewer(parts, caller).await.map(Passive)
    }
}

/// Somebody who may see the facility in the path.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub person: Caller,
    pub facility: FacilityId,
    pub role: Role,
}

impl Viewer {
    /// Rows of this facility, and no others.
    pub fn scope(&self) -> Scope {
        Scope::of(self.facility)
    }
}

impl<S> FromRequestParts<S> for Viewer
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let person = active(parts, &Auth::from_ref(state)).await?;
        viewer(parts, person).await
    }
}

macro_rules! at_least {
    ($(#[$doc:meta])* $name:ident, $role:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub Viewer);

        impl $name {
            pub fn actor(&self) -> Actor {
                self.0.person.actor()
            }
        }

        impl std::ops::Deref for $name {
            type Target = Viewer;
            fn deref(&self) -> &Viewer {
                &self.0
            }
        }

        impl<S> FromRequestParts<S> for $name
        where
            Auth: FromRef<S>,
            S: Send + Sync,
        {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
                let viewer = Viewer::from_request_parts(parts, state).await?;
                if viewer.role < $role {
                    return Err(Error::Forbidden);
                }
                Ok($name(viewer))
            }
        }
    };
}

at_least!(/// Somebody who may change what happens in the facility in the path.
    Editor, Role::Staff);
at_least!(/// Somebody who manages the facility in the path.
    FacilityAdmin, Role::FacilityAdmin);

/// Somebody who manages the whole network.
#[derive(Clone, Debug)]
pub struct NetworkAdmin(pub Caller);

impl<S> FromRequestParts<S> for NetworkAdmin
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let CurrentUser(person) = CurrentUser::from_request_parts(parts, state).await?;
        if person.network_admin {
            Ok(NetworkAdmin(person))
        } else {
            Err(Error::Forbidden)
        }
    }
}

/// Somebody who manages people and settings, of the network or of the facilities whose administrator they are.
#[derive(Clone, Debug)]
pub struct Manager(pub Caller);

impl std::ops::Deref for Manager {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl Manager {
    /// The facilities they manage; all of them for an administrator of the network.
    pub fn scope(&self) -> Scope {
        self.managed()
    }

    pub fn manages(&self, facility: FacilityId) -> bool {
        self.role_in(facility).is_some_and(|role| role >= Role::FacilityAdmin)
    }
}

impl<S> FromRequestParts<S> for Manager
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let CurrentUser(person) = CurrentUser::from_request_parts(parts, state).await?;
        if person.manages_any() {
            Ok(Manager(person))
        } else {
            Err(Error::Forbidden)
        }
    }
}

fn session(parts: &Parts) -> Option<&Session> {
    parts.extensions.get::<Session>()
}

async fn person(parts: &Parts, auth: &Auth) -> Result<Arc<Person>> {
    let session = session(parts).ok_or(Error::LoginRequired)?;
    auth.person_of(session).await?.ok_or(Error::LoginRequired)
}

/// The person, whose session is now known to be in use.
async fn active(parts: &Parts, auth: &Auth) -> Result<Caller> {
    let person = person(parts, auth).await?;
    let by_itself = parts.headers.contains_key(PASSIVE);
    if let Some(id) = session(parts).and_then(Session::id).filter(|_| !by_itself) {
        auth.sessions.touch(&id).await?;
    }
    Ok(Caller::in_request(person, parts))
}

async fn viewer(parts: &mut Parts, person: Caller) -> Result<Viewer> {
    let path = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| Error::NotFound)?;
    let facility = path
        .iter()
        .find(|(name, _)| *name == "facility_id")
        .and_then(|(_, id)| id.parse().ok())
        .ok_or(Error::NotFound)?;
    let role = person.role_in(facility).ok_or(Error::NotFound)?;
    Ok(Viewer { person, facility, role })
}
