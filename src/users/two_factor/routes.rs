//! The second step of a log-in, and one's own second factor: set up, recovery codes, off.

use askama::Template;
use axum::extract::State as Reached;
use axum::response::{Html, IntoResponse, Redirect, Response};
use tower_sessions::Session;

use super::commands;
use super::queries::{self, State, state_of, totp_of};
use super::view::{CodePage, CodesPage, FirstPage, SecretView, TwoFactorPage, problem};
use crate::app::App;
use crate::auth::{Access, CurrentUser, Half};
use crate::error::{Error, Problems, Result};
use crate::users::arrive::{Entrance, Origin, came_by_provider};
use crate::users::openid;
use crate::web::flash::Done;
use crate::web::{ClientAddress, Form, Here, Hx, Routes, rejected, saved};

pub fn routes() -> Routes<App> {
    // the pages under /login know the session of somebody half logged in; to every other route it is a stranger's
    Routes::default()
        .get("/login/code", Access::Public, code_form)
        .post("/login/code", Access::Public, take_code)
        .get("/login/two-factor", Access::Public, first_form)
        .post("/login/two-factor", Access::Public, confirm_first)
        .get("/account/two-factor", Access::SignedIn, show)
        .post("/account/two-factor", Access::SignedIn, begin)
        .post("/account/two-factor/confirmation", Access::SignedIn, confirm)
        .post("/account/two-factor/recovery-codes", Access::SignedIn, renew_codes)
        .post("/account/two-factor/removal", Access::SignedIn, turn_off)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    code: String,
}

/// `GET /login/code`
async fn code_form(Reached(app): Reached<App>, here: Here, session: Session) -> Result<Response> {
    let Some(_) = half_of(&app, &session).await? else {
        return Ok(Redirect::to("/login").into_response());
    };
    let layout = app.chrome.outside(&here, t!("Enter the code"));
    page(&CodePage {
        layout: &layout,
        problem: String::new(),
    })
}

/// `POST /login/code`
async fn take_code(
    Reached(app): Reached<App>,
    here: Here,
    session: Session,
    origin: Origin,
    Form(form): Form<CodeForm>,
) -> Result<Response> {
    let half = half_of(&app, &session).await?.ok_or(Error::LoginRequired)?;
    let caller = entrance(&app, &session, &origin).caller(&half);
    match commands::check(&app.db, &app.auth, &caller, &form.code, origin.address).await {
        Ok(()) => {
            entrance(&app, &session, &origin).open(&half).await?;
            Ok(Redirect::to(&half.next).into_response())
        }
        Err(Error::Invalid(problems)) => rejected(&CodePage {
            layout: &app.chrome.outside(&here, t!("Enter the code")),
            problem: problem(&problems, "code"),
        }),
        Err(error) => Err(error),
    }
}

/// `GET /login/two-factor`
async fn first_form(Reached(app): Reached<App>, here: Here, session: Session) -> Result<Response> {
    let Some(half) = half_of(&app, &session).await? else {
        return Ok(Redirect::to("/login").into_response());
    };
    if state_of(&app.db, half.person.id).await? != State::Begun {
        return Ok(Redirect::to("/login/code").into_response());
    }
    let layout = app.chrome.outside(&here, t!("Set up two-factor log-in"));
    let totp = totp_of(&app.db, &app.auth, &half.person).await?;
    page(&FirstPage {
        layout: &layout,
        secret: SecretView::new(&totp, &Problems::default())?,
    })
}

/// `POST /login/two-factor`
async fn confirm_first(
    Reached(app): Reached<App>,
    here: Here,
    session: Session,
    origin: Origin,
    Form(form): Form<CodeForm>,
) -> Result<Response> {
    let half = half_of(&app, &session).await?.ok_or(Error::LoginRequired)?;
    let layout = app.chrome.outside(&here, t!("Set up two-factor log-in"));
    let caller = entrance(&app, &session, &origin).caller(&half);
    match commands::confirm(&app.db, &app.auth, &caller, &form.code).await {
        Ok(codes) => {
            let next = half.next.clone();
            entrance(&app, &session, &origin).open_again(half).await?;
            page(&CodesPage {
                layout: &layout,
                codes,
                just_on: true,
                next,
            })
        }
        Err(Error::Invalid(problems)) => {
            let totp = totp_of(&app.db, &app.auth, &half.person).await?;
            rejected(&FirstPage {
                layout: &layout,
                secret: SecretView::new(&totp, &problems)?,
            })
        }
        Err(error) => Err(error),
    }
}

/// `GET /account/two-factor`
async fn show(Reached(app): Reached<App>, here: Here, user: CurrentUser) -> Result<Response> {
    let layout = app.chrome.page(&user, &here, crate::words::t(TITLE), "account").await?;
    page(&own_page(&app, &layout, &user, Asked::Nothing, &Problems::default()).await?)
}

/// `POST /account/two-factor`: makes the secret.
async fn begin(Reached(app): Reached<App>, user: CurrentUser) -> Result<Redirect> {
    commands::begin(&app.db, &app.auth, &user).await?;
    Ok(Redirect::to(PATH))
}

/// `POST /account/two-factor/confirmation`
async fn confirm(
    Reached(app): Reached<App>,
    here: Here,
    user: CurrentUser,
    session: Session,
    origin: Origin,
    Form(form): Form<CodeForm>,
) -> Result<Response> {
    let layout = app.chrome.page(&user, &here, crate::words::t(TITLE), "account").await?;
    match commands::confirm(&app.db, &app.auth, &user, &form.code).await {
        Ok(codes) => {
            // every session ended, this one too; it begins anew under a new id
            let half = Half {
                person: user.person.clone(),
                next: PATH.into(),
                by_provider: came_by_provider(&session).await,
            };
            session.clear().await;
            entrance(&app, &session, &origin).open_again(half).await?;
            page(&CodesPage {
                layout: &layout,
                codes,
                just_on: true,
                next: PATH.into(),
            })
        }
        Err(Error::Invalid(problems)) => {
            rejected(&own_page(&app, &layout, &user, Asked::Confirmation, &problems).await?)
        }
        Err(error) => Err(error),
    }
}

/// `POST /account/two-factor/recovery-codes`
async fn renew_codes(
    Reached(app): Reached<App>,
    here: Here,
    user: CurrentUser,
    ClientAddress(address): ClientAddress,
    Form(form): Form<CodeForm>,
) -> Result<Response> {
    let layout = app.chrome.page(&user, &here, crate::words::t(TITLE), "account").await?;
    if !is_on(&app, &user).await? {
        return Ok(Redirect::to(PATH).into_response());
    }
    match commands::renew_codes(&app.db, &app.auth, &user, &form.code, address).await {
        Ok(codes) => page(&CodesPage {
            layout: &layout,
            codes,
            just_on: false,
            next: PATH.into(),
        }),
        Err(Error::Invalid(problems)) => rejected(&own_page(&app, &layout, &user, Asked::Codes, &problems).await?),
        Err(error) => Err(error),
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OffForm {
    #[serde(default)]
    password: String,
    code: String,
}

/// `POST /account/two-factor/removal`
async fn turn_off(
    Reached(app): Reached<App>,
    here: Here,
    hx: Hx,
    user: CurrentUser,
    ClientAddress(address): ClientAddress,
    Form(form): Form<OffForm>,
) -> Result<Response> {
    if app.doors.demand_second_factor(&user) {
        return Err(Error::Conflict(
            t!("Your role works only with two-factor log-in, so it stays on.").into(),
        ));
    }
    if !is_on(&app, &user).await? {
        return Ok(Redirect::to(PATH).into_response());
    }
    match commands::turn_off(&app.db, &app.auth, &user, &form.password, &form.code, address).await {
        Ok(()) => Ok(saved(hx, PATH, Done::TwoFactorOff)),
        Err(Error::Invalid(problems)) => {
            let layout = app.chrome.page(&user, &here, crate::words::t(TITLE), "account").await?;
            rejected(&own_page(&app, &layout, &user, Asked::Off, &problems).await?)
        }
        Err(error) => Err(error),
    }
}

const TITLE: &str = mark!("Ways to log in");
const PATH: &str = "/account/two-factor";

/// Which form of the page was sent: its problems stand there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Confirmation,
    Codes,
    Off,
}

async fn own_page<'a>(
    app: &App,
    layout: &'a crate::web::Layout,
    user: &CurrentUser,
    asked: Asked,
    problems: &Problems,
) -> Result<TwoFactorPage<'a>> {
    let state = state_of(&app.db, user.id).await?;
    let of = |form: Asked, field: &str| match form == asked {
        true => problem(problems, field),
        false => String::new(),
    };
    let secret = match state {
        State::Begun => Some(SecretView::new(&totp_of(&app.db, &app.auth, user).await?, problems)?),
        _ => None,
    };
    Ok(TwoFactorPage {
        layout,
        on: matches!(state, State::On { .. }),
        codes_left: TwoFactorPage::codes_left(state),
        secret,
        demanded: app.doors.demand_second_factor(user),
        has_password: queries::has_password(&app.db, user.id).await?,
        renew_problem: of(Asked::Codes, "code"),
        password_problem: of(Asked::Off, "password"),
        code_problem: of(Asked::Off, "code"),
        provider: openid::connection_of(&app.db, &app.doors, user.id).await?,
    })
}

async fn is_on(app: &App, user: &CurrentUser) -> Result<bool> {
    Ok(matches!(state_of(&app.db, user.id).await?, State::On { .. }))
}

async fn half_of(app: &App, session: &Session) -> Result<Option<Half>> {
    app.auth.half_of(session, app.db.clock.now()).await
}

fn entrance<'a>(app: &'a App, session: &'a Session, origin: &'a Origin) -> Entrance<'a> {
    Entrance {
        db: &app.db,
        auth: &app.auth,
        doors: &app.doors,
        session,
        origin,
    }
}

fn page(page: &impl Template) -> Result<Response> {
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}
