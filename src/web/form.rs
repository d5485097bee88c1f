//! Forms: read strictly, answered either to htmx with a fragment or to a plain browser with a redirect.

use askama::Template;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::de::DeserializeOwned;

use super::flash::Done;
use crate::error::{Error, Result};

/// A form of the page: unknown fields, foreign content types and broken bodies are refused with a reason.
/// The type should deny unknown fields.
pub struct Form<T>(pub T);

impl<T, S> FromRequest<S> for Form<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match axum_extra::extract::Form::<T>::from_request(request, state).await {
            Ok(axum_extra::extract::Form(form)) => Ok(Form(form)),
            Err(rejection) => {
                let cause = rejection.to_string();
                Err(match rejection.into_response().status() {
                    status @ (StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE) => {
                        status.into_response()
                    }
                    _ => Error::invalid("", unread(&cause)).into_response(),
                })
            }
        }
    }
}

/// What to do when a form is not the page's own: a page from before an update, or a program that guesses.
fn unread(cause: &str) -> String {
    let said = cause.rsplit("body: ").next().unwrap_or_default();
    let said: String = said.chars().take(200).collect();
    t!(
        "The form could not be read ({said}). Open its page anew, fill it in and send it from there.",
        said
    )
}

/// How the browser asked: htmx wants a fragment, everything else a page.
#[derive(Clone, Copy, Debug)]
pub struct Hx {
    pub request: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Hx {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Hx {
            request: parts.headers.contains_key("hx-request"),
        })
    }
}

/// The work is done: both kinds of browser go on to `url`, where a notice says what happened.
pub fn saved(hx: Hx, url: &str, done: Done) -> Response {
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}done={}", done.as_str());
    if !hx.request {
        return Redirect::to(&url).into_response();
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(url) = HeaderValue::try_from(url) {
        response.headers_mut().insert("hx-redirect", url);
    }
    response
}

/// The form cannot be taken: the same page again with what was typed, and each problem beside its field.
pub fn rejected(page: &impl Template) -> Result<Response> {
    refused(page.render().map_err(anyhow::Error::from)?)
}

/// The same of a page that is rendered already.
pub fn refused(html: String) -> Result<Response> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response())
}
