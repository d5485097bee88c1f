//! Logging in and out, the one-time set-up, and one's own account.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::HeaderValue;
use tower_sessions::Session;

use super::arrive::{Entrance, Origin};
use super::view::{AccountPage, LoginPage, SessionRow, SetupPage};
use super::{Setup, commands, openid, queries, two_factor};
use crate::app::App;
use crate::auth::{Access, Caller, CurrentUser, Half, Role, session_hash};
use crate::clock::age_label;
use crate::error::{Error, Problems, Result};
use crate::ids::UserId;
use crate::web::flash::Done;
use crate::web::{ClientAddress, Form, Here, Hx, Routes, local_path, rejected, saved};
use crate::words::Dated;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/login", Access::Public, login_form)
        .post("/login", Access::Public, log_in)
        .post("/logout", Access::Public, log_out)
        .get("/setup", Access::Public, setup_form)
        .post("/setup", Access::Public, set_up)
        .get("/account", Access::SignedIn, account)
        .post("/account/password", Access::SignedIn, change_password)
        .post("/account/theme", Access::SignedIn, change_theme)
        .post("/account/sessions/{session}/end", Access::SignedIn, end_session)
        .merge(super::people::routes())
        .merge(super::invitations::routes())
        .merge(super::passwords::routes())
        .merge(super::preferences::routes())
        .merge(two_factor::routes())
        .merge(openid::routes())
}

#[derive(serde::Deserialize)]
struct Next {
    next: Option<String>,
}

/// `GET /login?next=/facilities/7`
async fn login_form(
    State(app): State<App>,
    here: Here,
    session: Session,
    Query(asked): Query<Next>,
) -> Result<Response> {
    let next = local_path(asked.next.as_deref());
    if app.auth.person_of(&session).await?.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let layout = app.chrome.outside(&here, t!("Log in"));
    page(&LoginPage::new(&layout, next, &app.doors))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginForm {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /login`
async fn log_in(
    State(app): State<App>,
    here: Here,
    session: Session,
    origin: Origin,
    Form(form): Form<LoginForm>,
) -> Result<Response> {
    let next = local_path(Some(&form.next));
    let address = origin.address;
    app.auth.throttle.check(&form.email, address).await?;
    let known = queries::credentials(app.db.unscoped(), &form.email).await?;
    let hash = known.as_ref().and_then(|known| known.password_hash.as_deref());
    let right = app.auth.passwords.verify(&form.password, hash).await?;
    let person = match known {
        Some(known) if right && !known.disabled => app.auth.people.find(known.id).await?,
        _ => None,
    };
    let Some(person) = person else {
        app.auth.throttle.missed(&form.email, address).await?;
        let layout = app.chrome.outside(&here, t!("Log in"));
        return rejected(&LoginPage {
            email: form.email,
            problem: t!("The e-mail address or the password is wrong.").into(),
            ..LoginPage::new(&layout, next, &app.doors)
        });
    };
    app.auth.throttle.forgive(&form.email).await?;
    let half = Half {
        person,
        next: next.into(),
        by_provider: false,
    };
    let entrance = Entrance {
        db: &app.db,
        auth: &app.auth,
        doors: &app.doors,
        session: &session,
        origin: &origin,
    };
    entrance.after_first_step(half, false).await
}

/// `POST /logout`: nothing of the pages stays in the browser, and the session's other tabs are told.
async fn log_out(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    session: Session,
    ClientAddress(address): ClientAddress,
) -> Result<Response> {
    let person = app.auth.person_of(&session).await?;
    // read before the session ends: afterwards nobody knows where it came from
    let elsewhere = openid::log_out_address(&app.doors, &session).await;
    if let (Some(person), Some(id)) = (person, session.id()) {
        let actor = Caller::with_session(person.clone(), &session, address).actor();
        match commands::end_session(&app.db, &actor, person.id, &session_hash(&id)[..8], "logged out").await {
            // somebody else was faster
            Ok(()) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    session.flush().await.map_err(anyhow::Error::from)?;
    let mut response = match elsewhere {
        Some(address) => openid::away(hx, &app.chrome.outside(&here, t!("Log out")), &app.doors, &address)?,
        None => saved(hx, "/login", Done::LoggedOut),
    };
    response
        .headers_mut()
        .insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

#[derive(serde::Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
}

/// `GET /setup?code=…`: exists until the first administrator does.
async fn setup_form(
    State(app): State<App>,
    State(setup): State<Setup>,
    here: Here,
    Query(asked): Query<Code>,
) -> Result<Response> {
    if !setup.is_open().await? {
        return Err(Error::NotFound);
    }
    page(&SetupPage::new(&app.chrome.outside(&here, t!("Set up")), asked.code))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SetupForm {
    code: String,
    name: String,
    email: String,
    password: String,
}

/// `POST /setup`
async fn set_up(
    State(app): State<App>,
    State(setup): State<Setup>,
    here: Here,
    hx: Hx,
    Form(form): Form<SetupForm>,
) -> Result<Response> {
    let new = commands::NewUser {
        email: form.email,
        name: form.name,
        password: form.password,
        role: Role::NetworkAdmin,
        facilities: vec![],
    };
    match setup.run(&app.auth.passwords, &form.code, &new).await {
        Ok(()) => Ok(saved(hx, "/login", Done::SetUp)),
        Err(Error::Invalid(problems)) => {
            let layout = app.chrome.outside(&here, t!("Set up"));
            rejected(&SetupPage::again(&layout, form.code, new, &problems))
        }
        Err(error) => Err(error),
    }
}

/// `GET /account`
async fn account(State(app): State<App>, here: Here, user: CurrentUser, session: Session) -> Result<Response> {
    let layout = app.chrome.page(&user, &here, t!("Account"), "account").await?;
    let sessions = own_sessions(&app, &user, &session).await?;
    page(&AccountPage::new(&layout, &user.email, sessions, &Problems::default()))
}

async fn own_sessions(app: &App, user: &CurrentUser, session: &Session) -> Result<Vec<SessionRow>> {
    let this = session.id().map(|id| session_hash(&id).to_vec());
    session_rows(app, user.id, this.as_deref()).await
}

/// Somebody's open sessions; `this` is the hash of the one that asks.
pub(super) async fn session_rows(app: &App, user: UserId, this: Option<&[u8]>) -> Result<Vec<SessionRow>> {
    let now = app.db.clock.now();
    let idle_since = now - app.auth.sessions.idle();
    let open = queries::open_sessions(app.db.unscoped(), user, now, idle_since).await?;
    Ok(open
        .into_iter()
        .map(|open| SessionRow {
            here: this == Some(&open.id_hash),
            id: hex(&open.id_hash[..8]),
            device: device(open.user_agent.as_deref()),
            address: open.address.unwrap_or_else(|| t!("unknown").into()),
            since_iso: open.created_at.to_rfc3339(),
            since: t!("{day} UTC", day = open.created_at.dated("%-d %b %H:%M")),
            seen_iso: open.last_seen_at.to_rfc3339(),
            seen: t!("{age} ago", age = age_label(now - open.last_seen_at)),
        })
        .collect())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    /// for password managers; whose password changes is the session's affair
    #[serde(default, rename = "email")]
    _email: String,
    current: String,
    new: String,
}

/// `POST /account/password`
async fn change_password(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    user: CurrentUser,
    session: Session,
    Form(form): Form<PasswordForm>,
) -> Result<Response> {
    match commands::change_password(&app.db, &app.auth, &user, &form.current, &form.new).await {
        Ok(()) => {
            // every session ended, this one too; it begins anew under a new id
            session.clear().await;
            let person = app.auth.people.find(user.id).await?.ok_or(Error::LoginRequired)?;
            app.auth.log_in(&session, &person).await?;
            Ok(saved(hx, "/account", Done::PasswordChanged))
        }
        Err(Error::Invalid(problems)) => {
            let layout = app.chrome.page(&user, &here, t!("Account"), "account").await?;
            let sessions = own_sessions(&app, &user, &session).await?;
            rejected(&AccountPage::new(&layout, &user.email, sessions, &problems))
        }
        Err(error) => Err(error),
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeForm {
    theme: String,
    #[serde(default)]
    next: String,
}

/// `POST /account/theme`
async fn change_theme(
    State(app): State<App>,
    hx: Hx,
    user: CurrentUser,
    Form(form): Form<ThemeForm>,
) -> Result<Response> {
    let theme = if form.theme.is_empty() { "system" } else { &form.theme };
    commands::set_theme(&app.db, &user, theme).await?;
    app.auth.people.forget(user.id);
    Ok(saved(hx, local_path(Some(&form.next)), Done::ThemeChanged))
}

/// `POST /account/sessions/{session}/end`
async fn end_session(State(app): State<App>, hx: Hx, user: CurrentUser, Path(name): Path<String>) -> Result<Response> {
    let name = unhex(&name).ok_or(Error::NotFound)?;
    commands::end_session(&app.db, &user.actor(), user.id, &name, "session ended").await?;
    app.auth.sessions.forget_all_of(user.id);
    Ok(saved(hx, "/account", Done::SessionsEnded))
}

pub(super) fn page(page: &impl Template) -> Result<Response> {
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 16 || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

/// `Firefox on Linux`: enough to tell one's own devices apart.
pub fn device(agent: Option<&str>) -> String {
    let Some(agent) = agent else {
        return t!("Unknown device").into();
    };
    let first = |names: &[(&'static str, &'static str)]| {
        names
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Firefox/", "Firefox"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    t!(
        "{browser} on {system}",
        browser = browser.unwrap_or(t!("A program")),
        system = system.unwrap_or(t!("an unknown system"))
    )
}
