//! The cookie that carries a session's id.

use axum::response::Response;
use http::{HeaderValue, header};
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use super::SessionStore;

const SECURE_NAME: &str = "__Host-sid";

/// `secure`: the site is reached over https, so the cookie is bound to it (`__Host-`). Over plain http, which is for
/// trying the product on one's own machine, browsers would refuse such a cookie.
pub fn session_layer(store: SessionStore, secure: bool) -> SessionManagerLayer<SessionStore> {
    SessionManagerLayer::new(store)
        .with_name(if secure { SECURE_NAME } else { "sid" })
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        // the server decides when a session ends; the cookie goes with the browser
        .with_expiry(Expiry::OnSessionEnd)
}

/// Takes the cookie back with the attributes that it was given with. tower-sessions says only its name and path, and a
/// browser ignores a line about a `__Host-` cookie that is not `Secure`.
pub fn secure_removal(mut response: Response) -> Response {
    if let header::Entry::Occupied(mut lines) = response.headers_mut().entry(header::SET_COOKIE) {
        for line in lines.iter_mut() {
            let said = line.to_str().unwrap_or_default();
            let removal = said
                .strip_prefix(SECURE_NAME)
                .is_some_and(|rest| rest.starts_with("=;"));
            if removal && !said.contains("; Secure") {
                *line = HeaderValue::try_from(format!("{said}; Secure; HttpOnly; SameSite=Lax")).expect("ours");
            }
        }
    }
    response
}
