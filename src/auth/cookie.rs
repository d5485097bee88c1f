//! The cookie that carries a session's id.

use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use super::SessionStore;

/// `secure`: the site is reached over https, so the cookie is bound to it (`__Host-`). Over plain http, which is for
/// trying the product on one's own machine, browsers would refuse such a cookie.
pub fn session_layer(store: SessionStore, secure: bool) -> SessionManagerLayer<SessionStore> {
    SessionManagerLayer::new(store)
        .with_name(if secure { "__Host-sid" } else { "sid" })
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        // the server decides when a session ends; the cookie goes with the browser
        .with_expiry(Expiry::OnSessionEnd)
}
