//! Whoever changes something with a cookie must come from our own pages: the browser says so in `Sec-Fetch-Site`, older
//! ones in `Origin`. A request that says neither is refused; nothing but a browser has business with our cookies.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, header};

use super::is_for_programs;
use crate::error::Error;

/// For a layer that validates requests: lets a changing one through only from the same origin.
#[allow(clippy::result_large_err)] // the layer's own shape
pub fn same_origin(request: &mut Request) -> Result<(), Response> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // nothing there looks at a cookie, and no foreign page can send a key
    let keyed = is_for_programs(request.uri().path());
    if safe || keyed || is_same_origin(request.headers()) {
        Ok(())
    } else {
        Err(Error::ForeignForm.into_response())
    }
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else {
        return false;
    };
    origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_our_own_pages_may_change_something() {
        assert!(is_same_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(is_same_origin(&headers(&[
            ("origin", "http://a.example:8080"),
            ("host", "a.example:8080")
        ])));

        for foreign in [
            &[("sec-fetch-site", "cross-site")][..],
            &[
                ("sec-fetch-site", "same-site"),
                ("origin", "https://a.example"),
                ("host", "a.example"),
            ],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://evil.example"), ("host", "a.example")],
            &[("origin", "null"), ("host", "a.example")],
            &[("host", "a.example")],
        ] {
            assert!(!is_same_origin(&headers(foreign)), "{foreign:?}");
        }
    }
}
