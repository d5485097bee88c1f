//! In which language a request is answered until its person is known: the one chosen on the log-in page, else the one that
//! the browser asks for.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};

use super::{Frame, is_for_programs};
use crate::words::{self, Language, Locale};

/// The cookie that keeps the choice of whoever is not logged in.
const COOKIE: &str = "language";

/// Middleware around everything: what is said within is said in the language of this request. `?language=fr` chooses one.
pub async fn spoken(State(frame): State<Frame>, request: Request, next: Next) -> Response {
    let chosen = chosen(request.uri().query().unwrap_or_default(), "&");
    let language = match is_for_programs(request.uri().path()) {
        // programs compare texts
        true => Language::En,
        false => chosen.or_else(|| kept(request.headers())).unwrap_or_default(),
    };
    let mut response = words::within(Locale::of(language), next.run(request)).await;
    if let Some(language) = chosen {
        let secure = if frame.secure { "; Secure" } else { "" };
        let cookie = format!("{COOKIE}={language}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

fn kept(headers: &HeaderMap) -> Option<Language> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    chosen(text(header::COOKIE), ";").or_else(|| Language::preferred(text(header::ACCEPT_LANGUAGE)))
}

/// `language=fr` among pairs.
fn chosen(pairs: &str, between: &str) -> Option<Language> {
    let mut pairs = pairs.split(between).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE)?.1.parse().ok()
}
