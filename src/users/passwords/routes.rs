//! The pages of a forgotten password: asking for the link, and choosing a new one with it.

use std::net::IpAddr;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use super::commands;
use crate::app::App;
use crate::audit::{Origin, Via};
use crate::auth::{Access, Token};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::users::commands::is_address;
use crate::web::flash::Done;
use crate::web::{ClientAddress, Form, Here, Hx, Layout, Routes, rejected, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/password/forgot", Access::Public, forgot_form)
        .post("/password/forgot", Access::Public, forgot)
        .get("/password/reset/{reset}", Access::Public, reset_form)
        .post("/password/reset/{reset}", Access::Public, reset)
}

/// `GET /password/forgot`
#[derive(Template)]
#[template(path = "auth/forgot.html")]
struct ForgotPage<'a> {
    layout: &'a Layout,
    email: String,
    problem: String,
    /// there is a mail server; otherwise an administrator has to help
    by_mail: bool,
    sent: bool,
}

/// `GET /password/reset/{reset}`
#[derive(Template)]
#[template(path = "auth/reset.html")]
struct ResetPage<'a> {
    layout: &'a Layout,
    email: String,
    problem: String,
}

/// A link that opens nothing any more.
#[derive(Template)]
#[template(path = "auth/link_over.html")]
pub struct LinkOverPage<'a> {
    pub layout: &'a Layout,
    pub heading: &'static str,
    pub text: &'static str,
    pub href: &'static str,
    pub label: &'static str,
}

impl LinkOverPage<'_> {
    pub fn answer(&self) -> Result<Response> {
        let html = self.render().map_err(anyhow::Error::from)?;
        Ok((StatusCode::NOT_FOUND, Html(html)).into_response())
    }
}

async fn forgot_form(State(app): State<App>, here: Here) -> Result<Response> {
    let layout = app.chrome.outside(&here, t!("Forgotten password"));
    let page = ForgotPage {
        layout: &layout,
        email: String::new(),
        problem: String::new(),
        by_mail: app.mail.is_on(),
        sent: false,
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ForgotForm {
    email: String,
}

/// `POST /password/forgot`: the same answer for every address, at once; the work is done behind it.
async fn forgot(
    State(app): State<App>,
    here: Here,
    ClientAddress(address): ClientAddress,
    Form(form): Form<ForgotForm>,
) -> Result<Response> {
    let layout = app.chrome.outside(&here, t!("Forgotten password"));
    let mut page = ForgotPage {
        layout: &layout,
        email: form.email.trim().to_owned(),
        problem: String::new(),
        by_mail: app.mail.is_on(),
        sent: true,
    };
    if !is_address(&page.email) {
        page.sent = false;
        page.problem = t!("This is not an e-mail address.").into();
        return rejected(&page);
    }
    app.auth.throttle.ration("reset", &page.email, address).await?;
    if page.by_mail {
        let (db, mail, email) = (app.db.clone(), app.mail.clone(), page.email.clone());
        let origin = from_link(address);
        tokio::spawn(async move {
            if let Err(error) = commands::ask(&db, &mail, &email, origin).await {
                tracing::error!(%error, "a link for a new password could not be made");
            }
        });
    }
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// Whoever has a link has no session yet; the log keeps their address.
pub fn from_link(address: Option<IpAddr>) -> Origin {
    Origin {
        via: Via::Session,
        name: None,
        address,
    }
}

fn link_over(app: &App, here: &Here) -> Result<Response> {
    LinkOverPage {
        layout: &app.chrome.outside(here, t!("Link no longer good")),
        heading: t!("This link is no longer good"),
        text: t!("It works once and for half an hour. Ask for a new one."),
        href: "/password/forgot",
        label: t!("Ask for a new link"),
    }
    .answer()
}

/// `GET /password/reset/{reset}`
async fn reset_form(State(app): State<App>, here: Here, Path(token): Path<String>) -> Result<Response> {
    let Some(token) = Token::parse(&token) else {
        return link_over(&app, &here);
    };
    let mut tx = app.db.write(&Scope::All).await?;
    match commands::owner(&mut tx, &token).await {
        Ok(owner) => {
            let page = ResetPage {
                layout: &app.chrome.outside(&here, t!("New password")),
                email: owner.email,
                problem: String::new(),
            };
            Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
        }
        Err(Error::NotFound) => link_over(&app, &here),
        Err(error) => Err(error),
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetForm {
    /// for password managers; whose password changes is the link's affair
    #[serde(default)]
    email: String,
    password: String,
}

/// `POST /password/reset/{reset}`
async fn reset(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    ClientAddress(address): ClientAddress,
    Path(token): Path<String>,
    Form(form): Form<ResetForm>,
) -> Result<Response> {
    let Some(token) = Token::parse(&token) else {
        return link_over(&app, &here);
    };
    match commands::reset(&app.db, &app.auth, &token, &form.password, from_link(address)).await {
        Ok(()) => Ok(saved(hx, "/login", Done::PasswordSet)),
        Err(Error::NotFound) => link_over(&app, &here),
        Err(Error::Invalid(problems)) => rejected(&ResetPage {
            layout: &app.chrome.outside(&here, t!("New password")),
            email: form.email,
            problem: problems.to_string(),
        }),
        Err(error) => Err(error),
    }
}
