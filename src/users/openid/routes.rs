//! To the provider and back: log-in, connecting an account, and logging out there too.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode};
use tower_sessions::Session;

use super::commands;
use super::view::AwayPage;
use crate::app::App;
use crate::auth::oidc::{CameBack, Identity, Pending, Provider, Trouble};
use crate::auth::{Access, Caller, CurrentUser, Half};
use crate::error::{Error, Result};
use crate::users::Doors;
use crate::users::arrive::{Entrance, Origin, came_by_provider};
use crate::users::view::LoginPage;
use crate::web::flash::Done;
use crate::web::{Here, Hx, Layout, Routes, local_path, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/login/oidc", Access::Public, begin)
        .get("/login/oidc/callback", Access::Public, come_back)
        .post("/account/openid", Access::SignedIn, connect)
        .post("/account/openid/removal", Access::SignedIn, disconnect)
}

/// The key under which a session knows that somebody is at the provider.
const PENDING: &str = "at_provider";
const WAYS_IN: &str = "/account/two-factor";

#[derive(serde::Deserialize)]
struct Next {
    next: Option<String>,
}

/// `GET /login/oidc?next=/facilities/7`
async fn begin(State(app): State<App>, here: Here, session: Session, Query(asked): Query<Next>) -> Result<Response> {
    let next = local_path(asked.next.as_deref());
    let Some(provider) = app.doors.provider() else {
        return Ok(Redirect::to("/login").into_response());
    };
    if app.auth.person_of(&session).await?.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    match provider.begin(next, None, app.db.clock.now()).await {
        Ok((address, pending)) => {
            keep(&session, pending).await?;
            Ok(Redirect::to(&address).into_response())
        }
        Err(trouble) => said(&app, &here, next, &words(provider, trouble), status(trouble)),
    }
}

/// `GET /login/oidc/callback?code=…&state=…`: what was kept for this log-in is taken, so it works once.
async fn come_back(
    State(app): State<App>,
    here: Here,
    session: Session,
    origin: Origin,
    Query(back): Query<CameBack>,
) -> Result<Response> {
    let Some(provider) = app.doors.provider() else {
        return Ok(Redirect::to("/login").into_response());
    };
    let pending: Option<Pending> = session.remove(PENDING).await.ok().flatten();
    let Some(pending) = pending else {
        return said(
            &app,
            &here,
            "/",
            &words(provider, Trouble::NotBegunHere),
            StatusCode::UNPROCESSABLE_ENTITY,
        );
    };
    session.save().await.map_err(|error| Error::Internal(error.into()))?;
    let (next, connects) = (pending.next.clone(), pending.connects);
    let identity = match provider.finish(pending, back, app.db.clock.now()).await {
        Ok(identity) => identity,
        Err(trouble) => return said(&app, &here, &next, &words(provider, trouble), status(trouble)),
    };
    let arrived = match connects {
        Some(user) => connected(&app, &session, &origin, user, &identity).await,
        None => arrived(&app, provider, &session, &origin, &next, &identity).await,
    };
    match arrived {
        Err(Error::Conflict(words)) => said(&app, &here, &next, &words, StatusCode::UNPROCESSABLE_ENTITY),
        other => other,
    }
}

async fn arrived(
    app: &App,
    provider: &Provider,
    session: &Session,
    origin: &Origin,
    next: &str,
    identity: &Identity,
) -> Result<Response> {
    let user = commands::arrive(&app.db, provider.settings(), identity).await?;
    app.auth.forget(user);
    let half = Half {
        person: app.auth.people.find(user).await?.ok_or(Error::LoginRequired)?,
        next: next.into(),
        by_provider: true,
    };
    let entrance = Entrance {
        db: &app.db,
        auth: &app.auth,
        doors: &app.doors,
        session,
        origin,
    };
    entrance.after_first_step(half, identity.second_factor).await
}

/// The account is that of whoever is still logged in, and they began this.
async fn connected(app: &App, session: &Session, origin: &Origin, user: i64, identity: &Identity) -> Result<Response> {
    let person = app.auth.person_of(session).await?.filter(|person| person.id.0 == user);
    let person =
        person.ok_or_else(|| Error::Conflict(t!("You are no longer logged in. Log in and connect again.").into()))?;
    let caller = Caller::with_session(person, session, origin.address);
    commands::connect(&app.db, &caller, identity).await?;
    Ok(saved(Hx { request: false }, WAYS_IN, Done::Connected))
}

/// `POST /account/openid`
async fn connect(State(app): State<App>, here: Here, hx: Hx, user: CurrentUser, session: Session) -> Result<Response> {
    let Some(provider) = app.doors.provider() else {
        return Ok(Redirect::to(WAYS_IN).into_response());
    };
    match provider.begin(WAYS_IN, Some(user.id.0), app.db.clock.now()).await {
        Ok((address, pending)) => {
            keep(&session, pending).await?;
            let layout = app.chrome.page(&user, &here, t!("Connect"), "account").await?;
            away(hx, &layout, &app.doors, &address)
        }
        Err(trouble) => Err(Error::Conflict(words(provider, trouble))),
    }
}

/// `POST /account/openid/removal`
async fn disconnect(State(app): State<App>, hx: Hx, user: CurrentUser) -> Result<Response> {
    let Some(provider) = app.doors.provider() else {
        return Ok(Redirect::to(WAYS_IN).into_response());
    };
    commands::disconnect(&app.db, &user, &provider.settings().issuer).await?;
    Ok(saved(hx, WAYS_IN, Done::Disconnected))
}

/// Where to log out of the provider too, for a session that began there, if it offers that.
pub async fn log_out_address(doors: &Doors, session: &Session) -> Option<String> {
    let provider = doors.provider()?;
    match came_by_provider(session).await {
        true => provider.log_out_address().await,
        false => None,
    }
}

/// Sends the browser to the provider in answer to a form.
pub fn away(hx: Hx, layout: &Layout, doors: &Doors, address: &str) -> Result<Response> {
    if hx.request {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let address = HeaderValue::try_from(address).map_err(anyhow::Error::from)?;
        response.headers_mut().insert("hx-redirect", address);
        return Ok(response);
    }
    let page = AwayPage {
        layout,
        label: doors.provider().map_or("", |provider| &provider.settings().label),
        address,
        leaving: layout.user_name.is_empty(),
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

async fn keep(session: &Session, pending: Pending) -> Result<()> {
    let kept = session.insert(PENDING, pending).await;
    kept.map_err(|error| Error::Internal(error.into()))
}

fn words(provider: &Provider, trouble: Trouble) -> String {
    let label = &provider.settings().label;
    let mut letters = label.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{} {trouble}", letters.as_str())
}

fn status(trouble: Trouble) -> StatusCode {
    match trouble {
        Trouble::Unreachable | Trouble::Misconfigured => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// The log-in page, with the password's form and why the other way did not work.
fn said(app: &App, here: &Here, next: &str, words: &str, status: StatusCode) -> Result<Response> {
    let layout = app.chrome.outside(here, t!("Log in"));
    let page = LoginPage {
        problem: words.into(),
        ..LoginPage::new(&layout, next, &app.doors)
    };
    let html = page.render().map_err(anyhow::Error::from)?;
    Ok((status, Html(html)).into_response())
}
