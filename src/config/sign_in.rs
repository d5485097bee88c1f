//! How people log in besides with a password: who needs a second factor, and the OpenID provider with what its claims
//! mean here.

use std::fmt;

use http::Uri;
use serde::Deserialize;

/// The ways in, as they are set.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// roles (`staff`, `network_admin`, ...) that work only with a second factor
    pub second_factor_for: Vec<String>,
    pub openid: Option<OpenId>,
}

/// An OpenID Connect provider, and what it decides.
#[derive(Clone)]
pub struct OpenId {
    /// exactly as the provider writes it in its tokens
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    /// the provider's name on buttons: `Log in with <label>`
    pub label: String,
    /// asked for besides `openid`
    pub scopes: Vec<String>,
    /// the claim whose values `mapping` looks for; dots lead into objects
    pub role_claim: String,
    /// when empty, rights are managed here and a log-in leaves them as they are
    pub mapping: Vec<Mapping>,
    /// whether somebody who is not known yet becomes a person here
    pub create_people: bool,
}

impl fmt::Debug for OpenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenId")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// What one value of the claim grants.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub value: String,
    #[serde(default)]
    pub network_admin: bool,
    /// a facility's name, with the role there
    pub facility: Option<String>,
    pub role: Option<String>,
}

impl Mapping {
    fn makes_sense(&self) -> bool {
        let in_facility = self.facility.is_some();
        let role = self.role.as_deref();
        !self.value.is_empty()
            && self.network_admin != in_facility
            && match role {
                Some(role) => in_facility && ["viewer", "staff", "facility_admin"].contains(&role),
                None => !in_facility,
            }
    }
}

pub(super) fn roles(text: &str) -> Option<Vec<String>> {
    const ROLES: [&str; 4] = ["viewer", "staff", "facility_admin", "network_admin"];
    words(text)
        .map(|role| ROLES.contains(&&*role).then_some(role))
        .collect()
}

pub(super) fn scopes(text: &str) -> Option<Vec<String>> {
    let is_scope = |scope: &String| scope.bytes().all(|byte| byte.is_ascii_graphic());
    words(text).map(|scope| is_scope(&scope).then_some(scope)).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
}

/// Over TLS, or on this machine, where nobody listens in between.
pub(super) fn issuer(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    let here = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let safe = uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && here);
    (safe && uri.query().is_none()).then(|| text.to_owned())
}

/// A TOML list of tables, as the file has it or as one text.
pub(super) fn mapping(text: &str) -> Option<Vec<Mapping>> {
    #[derive(Deserialize)]
    struct Whole {
        mapping: Vec<Mapping>,
    }
    let whole: Whole = toml::from_str(&format!("mapping = {}", text.replace(['\n', '\r'], " "))).ok()?;
    whole.mapping.iter().all(Mapping::makes_sense).then_some(whole.mapping)
}

pub(super) fn text(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}
