//! A form that is taken only from somebody who gave their password a moment ago. Anybody else is asked for it, on a page that
//! holds what they sent: with the right password the same form arrives again, and nothing is typed twice.

use askama::Template;
use axum::body::Body;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use serde::de::DeserializeOwned;
use tower_sessions::Session;

use super::{ClientAddress, Form, Here, Layout, percent_encoded, rejected};
use crate::auth::{Auth, CurrentUser};
use crate::error::{Error, Result};

/// As [`Form`], from somebody whose password is at most five minutes old.
pub struct Confirmed<T>(pub T);

/// The field of the password; no form has one of this name.
const PASSWORD: &str = "confirm_password";
/// As forms are limited everywhere.
const LIMIT: usize = 64 * 1024;

type Pairs = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "auth/confirm.html")]
struct ConfirmPage<'a> {
    layout: &'a Layout,
    email: &'a str,
    /// where the form goes
    action: &'a str,
    /// what it holds
    fields: &'a Pairs,
    problem: &'static str,
}

impl<T, S> FromRequest<S> for Confirmed<T>
where
    T: DeserializeOwned,
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let CurrentUser(caller) = CurrentUser::from_request_parts(&mut parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let bytes = axum::body::to_bytes(body, LIMIT)
            .await
            .map_err(|_| http::StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
        let again = |text: Vec<u8>| Request::from_parts(parts.clone(), Body::from(text));
        let Form(mut fields) = Form::<Pairs>::from_request(again(bytes.to_vec()), state).await?;
        let password = fields.iter().position(|(name, _)| name == PASSWORD);
        let password = password.map(|at| fields.remove(at).1);
        let auth = Auth::from_ref(state);
        let asked = ask(&auth, &parts, &caller, password.as_deref(), &fields).await;
        if let Some(page) = asked.map_err(IntoResponse::into_response)? {
            return Err(page);
        }
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)))
            .collect();
        let Form(form) = Form::<T>::from_request(again(pairs.join("&").into_bytes()), state).await?;
        Ok(Confirmed(form))
    }
}

/// The page that asks, when the password is not fresh and not given, or wrong.
async fn ask(
    auth: &Auth,
    parts: &Parts,
    person: &crate::auth::Person,
    password: Option<&str>,
    fields: &Pairs,
) -> Result<Option<Response>> {
    let session = parts.extensions.get::<Session>().ok_or(Error::LoginRequired)?;
    let problem = match password {
        _ if auth.is_confirmed(session, person).await? => return Ok(None),
        None => "",
        Some(password) => {
            if auth
                .confirm(session, person, password, ClientAddress::of(parts).0)
                .await?
            {
                return Ok(None);
            }
            t!("This is not your password.")
        }
    };
    let mut layout = Layout::outside(t!("Your password, please"), &Here::default(), false);
    if person.theme != "system" {
        layout.theme = person.theme.clone();
    }
    let action = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    rejected(&ConfirmPage {
        layout: &layout,
        email: &person.email,
        action,
        fields,
        problem,
    })
    .map(Some)
}
