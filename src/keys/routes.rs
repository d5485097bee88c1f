//! The page of keys.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};

use super::commands::{self, LIVES, NewKey};
use super::queries::{self, KeyRow};
use crate::app::App;
use crate::auth::{Access, KeyScope, Manager};
use crate::clock::age_label;
use crate::error::{Error, Problems, Result};
use crate::facilities;
use crate::ids::FacilityId;
use crate::web::flash::Done;
use crate::web::{Confirmed, Here, Hx, Layout, OptionView, Routes, options, rejected, saved};
use crate::words::Dated;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/admin/keys", Access::Manager, index)
        .post("/admin/keys", Access::Manager, create)
        .post("/admin/keys/{key_id}/revocation", Access::Manager, revoke)
}

#[derive(Template)]
#[template(path = "keys/index.html")]
struct KeysPage<'a> {
    layout: &'a Layout,
    form: KeyForm,
    problems: Vec<(&'static str, String)>,
    /// the text of the key that was just made
    made: Option<String>,
    scopes: Vec<OptionView>,
    facilities: Vec<OptionView>,
    lives: Vec<OptionView>,
    /// may give a key for every facility
    everywhere: bool,
    keys: Vec<KeyView>,
}

impl KeysPage<'_> {
    /// The problem of a field, or nothing.
    fn problem(&self, field: &str) -> &str {
        let found = self.problems.iter().find(|(name, _)| *name == field);
        found.map_or("", |(_, problem)| problem.as_str())
    }
}

struct KeyView {
    id: i64,
    name: String,
    prefix: String,
    scopes: String,
    facilities: String,
    created: String,
    expires: String,
    used: String,
    /// kind and word of its badge
    state: (&'static str, &'static str),
    good: bool,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct KeyForm {
    name: String,
    scopes: Vec<String>,
    facilities: Vec<i64>,
    everywhere: String,
    days: String,
}

impl KeyForm {
    /// As it is first shown.
    fn usual() -> Self {
        KeyForm {
            scopes: vec![KeyScope::Read.as_str().into()],
            days: "90".into(),
            ..KeyForm::default()
        }
    }
}

/// `GET /admin/keys`
async fn index(State(app): State<App>, here: Here, manager: Manager) -> Result<Response> {
    let layout = app.chrome.page(&manager, &here, t!("API keys"), "admin/keys").await?;
    let page = page(&app, &manager, &layout, KeyForm::usual(), &Problems::default(), None).await?;
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `POST /admin/keys`: the answer shows the key, this once.
async fn create(
    State(app): State<App>,
    here: Here,
    manager: Manager,
    Confirmed(form): Confirmed<KeyForm>,
) -> Result<Response> {
    let new = NewKey {
        name: form.name.clone(),
        scopes: form.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
        facilities: match form.everywhere.as_str() {
            "true" => None,
            _ => Some(form.facilities.iter().copied().map(FacilityId).collect()),
        },
        days: form.days.parse().unwrap_or_default(),
    };
    let layout = app.chrome.page(&manager, &here, t!("API keys"), "admin/keys").await?;
    match commands::create(&app.db, &manager, &new).await {
        Ok(text) => {
            let page = page(
                &app,
                &manager,
                &layout,
                KeyForm::usual(),
                &Problems::default(),
                Some(text),
            )
            .await?;
            Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
        }
        Err(Error::Invalid(problems)) => rejected(&page(&app, &manager, &layout, form, &problems, None).await?),
        Err(error) => Err(error),
    }
}

/// `POST /admin/keys/{key_id}/revocation`
async fn revoke(State(app): State<App>, hx: Hx, manager: Manager, Path(key): Path<i64>) -> Result<Response> {
    commands::revoke(&app.db, &manager, key).await?;
    app.auth.keys.forget_all();
    Ok(saved(hx, "/admin/keys", Done::KeyRevoked))
}

async fn page<'a>(
    app: &App,
    manager: &Manager,
    layout: &'a Layout,
    form: KeyForm,
    problems: &Problems,
    made: Option<String>,
) -> Result<KeysPage<'a>> {
    let now = app.db.clock.now();
    let rows = queries::within(app.db.unscoped(), &manager.scope(), now).await?;
    let mine = facilities::of_person(app.db.unscoped(), manager).await?;
    let fields = ["name", "scopes", "facilities", "days", ""];
    let choice = |value: String, label: String, selected: bool| OptionView { value, label, selected };
    Ok(KeysPage {
        layout,
        problems: fields
            .into_iter()
            .filter_map(|field| problems.of(field).map(|problem| (field, problem.to_owned())))
            .collect(),
        made,
        scopes: KeyScope::ALL
            .iter()
            .map(|scope| {
                let chosen = form.scopes.iter().any(|one| one == scope.as_str());
                choice(scope.as_str().into(), scope.label().into(), chosen)
            })
            .collect(),
        facilities: mine
            .into_iter()
            .filter(|one| manager.manages(one.id))
            .map(|one| choice(one.id.to_string(), one.name, form.facilities.contains(&one.id.0)))
            .collect(),
        lives: options(
            LIVES.map(|days| match days {
                30 => ("30", t!("30 days")),
                90 => ("90", t!("90 days")),
                _ => ("365", t!("One year")),
            }),
            &form.days,
        ),
        everywhere: manager.network_admin,
        keys: rows.iter().map(|row| KeyView::of(row, now)).collect(),
        form,
    })
}

impl KeyView {
    fn of(row: &KeyRow, now: chrono::DateTime<chrono::Utc>) -> Self {
        let day = |at: chrono::DateTime<chrono::Utc>| at.dated("%-d %b %Y");
        let state = match row.revoked_at {
            Some(_) => ("", t!("Revoked")),
            None if row.expires_at <= now => ("", t!("Expired")),
            None if row.expires_at - now < chrono::TimeDelta::days(14) => ("watch", t!("Ends soon")),
            None => ("good", t!("Good")),
        };
        let words = |scope: &String| {
            scope
                .parse()
                .map_or_else(|_| scope.clone(), |scope: KeyScope| scope.label().into())
        };
        KeyView {
            id: row.id,
            name: row.name.clone(),
            prefix: row.prefix.clone(),
            scopes: row.scopes.iter().map(words).collect::<Vec<_>>().join(", "),
            facilities: row
                .facilities
                .as_ref()
                .map_or_else(|| t!("Every facility").into(), |names| names.join(", ")),
            created: match &row.created_by {
                Some(name) => t!("{day} by {name}", day = day(row.created_at), name),
                None => day(row.created_at),
            },
            expires: row
                .revoked_at
                .map_or_else(|| day(row.expires_at), |at| t!("revoked {day}", day = day(at))),
            used: match (row.last_used_at, &row.last_used_address) {
                (None, _) => t!("Never").into(),
                (Some(at), Some(address)) => t!("{age} ago from {address}", age = age_label(now - at), address),
                (Some(at), None) => t!("{age} ago", age = age_label(now - at)),
            },
            good: row.revoked_at.is_none() && row.expires_at > now,
            state,
        }
    }
}
