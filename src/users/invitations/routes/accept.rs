//! What the link of an invitation opens: a form for somebody new, a button for somebody with an account.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use tower_sessions::Session;

use crate::app::App;
use crate::auth::{CurrentUser, Half, Person, Token};
use crate::db::Scope;
use crate::error::{Error, Problems, Result};
use crate::ids::FacilityId;
use crate::users::arrive::{Entrance, Origin, came_by_provider};
use crate::users::invitations::queries::Open;
use crate::users::invitations::view::AcceptPage;
use crate::users::invitations::{commands, queries};
use crate::users::passwords::{LinkOverPage, from_link};
use crate::users::routes::page;
use crate::web::{Form, Here, Layout, rejected};

fn link_over(app: &App, here: &Here) -> Result<Response> {
    LinkOverPage {
        layout: &app.chrome.outside(here, t!("Link no longer good")),
        heading: t!("This invitation is no longer good"),
        text: t!("It works once and for seven days, and whoever invited you can withdraw it. Ask them for a new one."),
        href: "/login",
        label: t!("To the log-in"),
    }
    .answer()
}

/// What a link opens, with whether its address has an account.
async fn opened(app: &App, token: &Token) -> Result<(Open, bool)> {
    let mut tx = app.db.write(&Scope::All).await?;
    let open = queries::of_token(&mut tx, token).await?;
    let known = queries::account_of(&mut tx, &open.email).await?.is_some();
    Ok((open, known))
}

async fn accept_page<'a>(
    app: &App,
    layout: &'a Layout,
    session: &Session,
    (open, known): (Open, bool),
    problems: &Problems,
) -> Result<AcceptPage<'a>> {
    let person = app.auth.person_of(session).await?;
    let places = app.chrome.all().await?;
    let name = |id: FacilityId| {
        let place = places.iter().find(|place| place.id == id);
        place.map_or_else(String::new, |place| place.name.clone())
    };
    let of = |field: &str| problems.of(field).unwrap_or_default().to_owned();
    Ok(AcceptPage {
        layout,
        offers: commands::words(&open.offers, open.network_admin, &name),
        by: open.by_name,
        full_name: open.name,
        known,
        oneself: person.as_ref().is_some_and(|person| person.email == open.email),
        somebody_else: person
            .filter(|person| person.email != open.email)
            .map_or_else(String::new, |person| person.name.clone()),
        email: open.email,
        name_problem: of("name"),
        password_problem: of("password"),
    })
}

/// `GET /invitation/{invitation}`
pub async fn form(State(app): State<App>, here: Here, session: Session, Path(token): Path<String>) -> Result<Response> {
    let Some(token) = Token::parse(&token) else {
        return link_over(&app, &here);
    };
    match opened(&app, &token).await {
        Ok(found) => {
            let layout = app.chrome.outside(&here, t!("Invitation"));
            page(&accept_page(&app, &layout, &session, found, &Problems::default()).await?)
        }
        Err(Error::NotFound) => link_over(&app, &here),
        Err(error) => Err(error),
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptForm {
    /// for password managers; whose account it becomes is the link's affair
    #[serde(default, rename = "email")]
    _email: String,
    name: String,
    password: String,
}

/// `POST /invitation/{invitation}`: makes the account and opens its first session.
pub async fn as_new(
    State(app): State<App>,
    here: Here,
    session: Session,
    origin: Origin,
    Path(token): Path<String>,
    Form(form): Form<AcceptForm>,
) -> Result<Response> {
    let Some(token) = Token::parse(&token) else {
        return link_over(&app, &here);
    };
    let passwords = &app.auth.passwords;
    match commands::accept_as_new(
        &app.db,
        passwords,
        &token,
        &form.name,
        &form.password,
        from_link(origin.address),
    )
    .await
    {
        Ok(id) => {
            let person = app.auth.people.find(id).await?.ok_or(Error::LoginRequired)?;
            come_in(&app, &session, &origin, person, false).await
        }
        Err(Error::NotFound) => link_over(&app, &here),
        Err(Error::Invalid(problems)) => {
            let layout = app.chrome.outside(&here, t!("Invitation"));
            let found = opened(&app, &token).await?;
            let mut page = accept_page(&app, &layout, &session, found, &problems).await?;
            page.full_name = form.name;
            rejected(&page)
        }
        Err(error) => Err(error),
    }
}

/// `POST /invitation/{invitation}/acceptance`: adds what is offered to the account of whoever is logged in.
pub async fn as_oneself(
    State(app): State<App>,
    here: Here,
    user: CurrentUser,
    session: Session,
    origin: Origin,
    Path(token): Path<String>,
) -> Result<Response> {
    let Some(token) = Token::parse(&token) else {
        return link_over(&app, &here);
    };
    match commands::accept_as(&app.db, &token, &user).await {
        Ok(()) => {
            // every session ended, this one too; it begins anew with the new rights
            app.auth.forget(user.id);
            let by_provider = came_by_provider(&session).await;
            session.clear().await;
            let person = app.auth.people.find(user.id).await?.ok_or(Error::LoginRequired)?;
            come_in(&app, &session, &origin, person, by_provider).await
        }
        Err(Error::NotFound) => link_over(&app, &here),
        Err(error) => Err(error),
    }
}

/// On to the second step where their role demands one, or in.
async fn come_in(
    app: &App,
    session: &Session,
    origin: &Origin,
    person: Arc<Person>,
    by_provider: bool,
) -> Result<Response> {
    let half = Half {
        person,
        next: "/".into(),
        by_provider,
    };
    let entrance = Entrance {
        db: &app.db,
        auth: &app.auth,
        doors: &app.doors,
        session,
        origin,
    };
    entrance.after_first_step(half, by_provider).await
}
