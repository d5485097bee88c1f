//! The frame around every answer: an id for the request, the headers that keep browsers safe, a count and a time, and a
//! page for whatever went wrong.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tracing::Instrument;

use super::times::Times;
use super::{Here, Layout, LinkView, is_for_programs};
use crate::audit::ClientAddress;
use crate::config::Network;
use crate::error::Failure;

/// A request gets its answer's head within this time or 503.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the frame must know of the installation.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// the site is reached over https
    pub secure: bool,
    /// proxies whose word about the client's address is taken
    pub trusted_proxies: Arc<[Network]>,
    /// each request becomes a span, for the traces that are sent away
    pub traced: bool,
    pub times: Times,
}

/// Names this request in logs and on error pages: 16 hexadecimal digits.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Middleware around everything.
pub async fn frame(State(frame): State<Frame>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = format!("{:016x}", rand::random::<u64>());
    let asked = Asked::of(&request);
    let address = client_address(&frame, &request);
    request.extensions_mut().insert(ClientAddress(address));
    request.extensions_mut().insert(RequestId(id.clone()));

    // the clock is set only for an answer that is not there at once
    let answer = async {
        let late = |_| StatusCode::SERVICE_UNAVAILABLE.into_response();
        tokio::time::timeout(PATIENCE, next.run(request))
            .await
            .unwrap_or_else(late)
    };
    let mut response = if frame.traced {
        let route = asked.route.as_ref().map_or("none", MatchedPath::as_str);
        let span = tracing::info_span!(
            "request",
            otel.name = format!("{} {route}", asked.method),
            http.request.method = %asked.method,
            http.route = route,
            http.response.status_code = tracing::field::Empty,
            request.id = id
        );
        let response = answer.instrument(span.clone()).await;
        span.record("http.response.status_code", response.status().as_u16());
        response
    } else {
        answer.await
    };

    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = explain(&asked, &id, response, &failure);
    } else if (asked.wants_page || is_for_programs(asked.uri.path())) && is_bare_failure(&response) {
        let failure = Failure {
            message: String::new(),
            cause: None,
        };
        response = explain(&asked, &id, response, &failure);
    }
    add_headers(&frame, response.headers_mut(), &id);
    // a route, never a path: the number of label values must stay small
    let route = asked.route.as_ref().map_or("none", |route| route.as_str());
    frame.times.record(route, response.status(), begun.elapsed());
    response
}

/// What of the request is still needed when the answer is there.
struct Asked {
    method: http::Method,
    route: Option<MatchedPath>,
    uri: http::Uri,
    htmx: bool,
    /// a part that fetches itself
    passive: bool,
    wants_page: bool,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let accept = request
            .headers()
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok());
        Asked {
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            uri: request.uri().clone(),
            htmx: request.headers().contains_key("hx-request"),
            passive: request.headers().contains_key("pulse-passive"),
            wants_page: accept.is_some_and(|accept| accept.contains("text/html")),
        }
    }
}

/// The peer, or what a trusted proxy says before it: the last address in the list that is not one of our proxies.
fn client_address(frame: &Frame, request: &Request) -> Option<IpAddr> {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip())?;
    let is_ours = |hop: &IpAddr| frame.trusted_proxies.iter().any(|network| network.contains(*hop));
    if !is_ours(&peer) {
        return Some(peer);
    }
    let forwarded = request
        .headers()
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut claimed = forwarded
        .rsplit(',')
        .filter_map(|hop| hop.trim().parse::<IpAddr>().ok());
    Some(claimed.find(|hop| !is_ours(hop)).unwrap_or(peer))
}

/// Refused by a layer, an extractor or the router: with no words, or with a library's.
fn is_bare_failure(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    (status.is_client_error() && (kind.is_none() || is_plain)) || (status.is_server_error() && kind.is_none())
}

/// A problem as a page.
#[derive(Template)]
#[template(path = "errors/page.html")]
struct ErrorPage<'a> {
    layout: &'a Layout,
    code: u16,
    heading: &'a str,
    text: &'a str,
    /// a 422 without a form to show its problems in
    problems: Vec<&'a str>,
    /// where to go next, the best first
    links: Vec<LinkView>,
    request_id: &'a str,
}

/// A problem as a fragment, shown where notices are.
#[derive(Template)]
#[template(path = "errors/_fragment.html")]
struct ErrorFragment<'a> {
    heading: &'a str,
    text: &'a str,
    request_id: &'a str,
    link: Option<LinkView>,
}

fn explain(asked: &Asked, id: &str, bare: Response, failure: &Failure) -> Response {
    let status = bare.status();
    if let Some(cause) = &failure.cause {
        tracing::error!(
            request_id = id,
            route = asked.route.as_ref().map(MatchedPath::as_str),
            cause,
            "request failed"
        );
    }
    if is_for_programs(asked.uri.path()) {
        return explain_to_program(status, id, &bare, failure);
    }
    if status == StatusCode::UNAUTHORIZED {
        return to_log_in(asked);
    }
    let (heading, advice) = words(status);
    let text = if failure.message.is_empty() || matches!(status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
        advice
    } else {
        &failure.message
    };
    // the id helps to find a line in the log, and only our own mistakes leave one
    let request_id = if status.is_server_error() { id } else { "" };
    let body = if asked.htmx {
        ErrorFragment {
            heading,
            text,
            request_id,
            link: None,
        }
        .render()
    } else {
        let layout = Layout::outside(heading, &Here::default(), false);
        let links = vec![LinkView {
            value: t!("To the start").into(),
            href: "/".into(),
        }];
        ErrorPage {
            layout: &layout,
            code: status.as_u16(),
            heading,
            text,
            problems: vec![],
            links,
            request_id,
        }
        .render()
    };
    let mut response = (status, Html(body.unwrap_or_else(|_| heading.to_owned()))).into_response();
    if asked.htmx {
        response
            .headers_mut()
            .insert("hx-retarget", HeaderValue::from_static("#notice"));
        response
            .headers_mut()
            .insert("hx-reswap", HeaderValue::from_static("innerHTML"));
    }
    if let Some(wait) = bare.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    response
}

/// `{"error", "message", "request_id"}`, for programs.
fn explain_to_program(status: StatusCode, id: &str, bare: &Response, failure: &Failure) -> Response {
    let (heading, advice) = words(status);
    let message = match status {
        StatusCode::FORBIDDEN => t!("This key does not include this."),
        _ if failure.message.is_empty() => advice,
        _ => &failure.message,
    };
    let name = status
        .canonical_reason()
        .unwrap_or(heading)
        .to_lowercase()
        .replace([' ', '-'], "_");
    let body = serde_json::json!({ "error": name, "message": message, "request_id": id });
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(wait) = bare.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    if status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer realm=\"Pulseboard\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

/// A page leads to the log-in and back; a fragment makes the whole page go there, unless it fetched itself: what somebody is
/// just typing stays. A script is told.
fn to_log_in(asked: &Asked) -> Response {
    if asked.htmx && asked.passive {
        let mut response = StatusCode::UNAUTHORIZED.into_response();
        response
            .headers_mut()
            .insert("hx-reswap", HeaderValue::from_static("none"));
        return response;
    }
    if asked.htmx {
        let mut response = StatusCode::UNAUTHORIZED.into_response();
        response
            .headers_mut()
            .insert("hx-redirect", HeaderValue::from_static("/login"));
        return response;
    }
    if !asked.wants_page {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if asked.method == http::Method::GET {
        let path = asked.uri.path_and_query().map_or("/", |path| path.as_str());
        return Redirect::to(&format!("/login?next={}", super::percent_encoded(path))).into_response();
    }
    // a form that was sent after the session ended: what was typed is still one step back
    let heading = t!("You are no longer logged in");
    let layout = Layout::outside(heading, &Here::default(), false);
    let links = vec![LinkView {
        value: t!("Log in").into(),
        href: "/login".into(),
    }];
    let page = ErrorPage {
        layout: &layout,
        code: 401,
        heading,
        text: t!("Nothing of your form was saved. Log in in another tab, then go back to the form and send it again."),
        problems: vec![],
        links,
        request_id: "",
    };
    (StatusCode::UNAUTHORIZED, Html(page.render().unwrap_or_default())).into_response()
}

fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        403 => (
            t!("Not allowed"),
            t!("Your role does not include this. An administrator of your facility can change it."),
        ),
        404 => (
            t!("Not found"),
            t!("There is nothing here, or nothing that you may see."),
        ),
        405 => (
            t!("Not possible this way"),
            t!("Go back to the page and use its buttons."),
        ),
        408 => (t!("Too slow"), t!("The request took too long to arrive. Try again.")),
        409 => (
            t!("Changed meanwhile"),
            t!("Go back, look at the present state and decide again."),
        ),
        413 => (t!("Too large"), t!("Send less at once.")),
        415 => (
            t!("This cannot be read"),
            t!("Send it from the form of its page; a program sends application/x-www-form-urlencoded."),
        ),
        422 | 400 => (t!("This cannot be taken"), t!("Go back and look at the marked fields.")),
        429 => (t!("Too many tries"), t!("Wait a moment, then try again.")),
        503 => (
            t!("Busy"),
            t!("The system is busy or restarting. Nothing of your request was saved; try again in a few seconds."),
        ),
        _ => (
            t!("Something went wrong"),
            t!("It is our mistake and it has been noted. Nothing of your request was saved."),
        ),
    }
}

fn add_headers(frame: &Frame, headers: &mut HeaderMap, id: &str) {
    const POLICY: &str = "default-src 'none'; script-src 'self'; script-src-attr 'none'; style-src 'self'; \
        style-src-attr 'none'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
        base-uri 'none'; frame-ancestors 'none'; object-src 'none'; manifest-src 'self'; worker-src 'none'";
    const POLICY_OVER_HTTPS: &str = "default-src 'none'; script-src 'self'; script-src-attr 'none'; style-src 'self'; \
        style-src-attr 'none'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
        base-uri 'none'; frame-ancestors 'none'; object-src 'none'; manifest-src 'self'; worker-src 'none'; \
        upgrade-insecure-requests";
    const ALWAYS: [(HeaderName, &str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
    ];
    // room for all of them at once, or the map grows several times
    headers.reserve(11);
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = if frame.secure { POLICY_OVER_HTTPS } else { POLICY };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    if frame.secure {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=63072000; includeSubDomains"),
        );
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.append(header::VARY, HeaderValue::from_static("hx-request"));
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert("x-request-id", id);
    }
}
