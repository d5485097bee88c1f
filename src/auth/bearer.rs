//! Programs: the extractors through which a handler of the API gets hold of a key's facilities.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use http::header;
use http::request::Parts;

use super::{Auth, Key, KeyScope};
use crate::audit::{Actor, ClientAddress, Origin};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::ids::FacilityId;

/// A program with a good key that may read. Cookies are not looked at.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub key: Arc<Key>,
    address: ClientAddress,
}

impl ApiKey {
    /// What the log says of whatever the program changes.
    pub fn actor(&self) -> Actor {
        Actor {
            user: None,
            name: self.key.name.clone(),
            origin: Origin::key(&self.key.prefix, self.address.0),
        }
    }

    /// The key of a request, if it opens this scope.
    pub async fn with_scope(parts: &Parts, auth: &Auth, scope: KeyScope) -> Result<Self> {
        if parts.uri.query().is_some_and(holds_key) {
            return Err(Error::KeyInAddress);
        }
        let text = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, text)| text.trim())
            .ok_or(Error::KeyRequired)?;
        let address = ClientAddress::of(parts);
        let key = auth.keys.prove(text, scope, address.0).await?;
        if key.scopes.contains(&scope) {
            Ok(ApiKey { key, address })
        } else {
            Err(Error::Forbidden)
        }
    }
}

/// A key anywhere in it, or a parameter that is named like one.
fn holds_key(query: &str) -> bool {
    query.contains("pb_")
        || query.split('&').any(|pair| {
            let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
            matches!(
                &*name,
                "key" | "api_key" | "apikey" | "api-key" | "token" | "access_token"
            )
        })
}

impl<S> FromRequestParts<S> for ApiKey
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        ApiKey::with_scope(parts, &Auth::from_ref(state), KeyScope::Read).await
    }
}

macro_rules! with_scope {
    ($(#[$doc:meta])* $name:ident, $scope:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub ApiKey);

        impl<S> FromRequestParts<S> for $name
        where
            Auth: FromRef<S>,
            S: Send + Sync,
        {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
                ApiKey::with_scope(parts, &Auth::from_ref(state), $scope).await.map($name)
            }
        }
    };
}

with_scope!(/// A program that may send events.
    EventSender, KeyScope::SendEvents);
with_scope!(/// A program that may send points of metrics.
    PointSender, KeyScope::SendMetrics);
with_scope!(/// A program that may read metrics.
    MetricReader, KeyScope::ReadMetrics);

/// A program that may read the facility in the path.
#[derive(Clone, Debug)]
pub struct KeyReader {
    pub key: Arc<Key>,
    pub facility: FacilityId,
}

impl KeyReader {
    /// Rows of this facility, and no others.
    pub fn scope(&self) -> Scope {
        Scope::of(self.facility)
    }
}

impl<S> FromRequestParts<S> for KeyReader
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let asking = ApiKey::from_request_parts(parts, state).await?;
        let path = RawPathParams::from_request_parts(parts, &()).await;
        let path = path.map_err(|_| Error::NotFound)?;
        let facility = path
            .iter()
            .find(|(name, _)| *name == "facility_id")
            .and_then(|(_, id)| id.parse().ok())
            .filter(|id| asking.key.opens(*id))
            .ok_or(Error::NotFound)?;
        Ok(KeyReader {
            key: asking.key,
            facility,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::holds_key;

    #[test]
    fn a_key_in_the_address_is_noticed_however_it_is_named() {
        for query in ["key=1", "from=x&api_key=2", "ACCESS_TOKEN=3", "q=pb_abcdefgh_secret"] {
            assert!(holds_key(query), "{query}");
        }
        assert!(!holds_key("from=2026-01-01&keyword=x"));
    }
}
