//! The admin area: its start, and pages about the whole installation. Pages about people and facilities belong to their features.

mod audit;
mod security;
mod system;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::app::App;
use crate::audit::Seal;
use crate::auth::{Access, Manager, NetworkAdmin};
use crate::error::Result;
use crate::summary::{self, Difference};
use crate::web::{Here, Layout, Routes};

pub use system::Watch;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/admin", Access::Manager, start)
        .get("/admin/verify", Access::NetworkAdmin, verify)
        .get("/admin/audit", Access::Manager, audit::index)
        .get("/admin/audit.csv", Access::Manager, audit::csv)
        .get("/admin/audit.ndjson", Access::Manager, audit::ndjson)
        .get("/admin/security", Access::Manager, security::index)
        .post(
            "/admin/security/sessions/{session}/end",
            Access::Manager,
            security::end_session,
        )
        .get("/admin/system", Access::NetworkAdmin, system::index)
}

/// `GET /admin`
async fn start(Manager(_): Manager) -> Redirect {
    Redirect::to("/admin/users")
}

#[derive(Template)]
#[template(path = "admin/verify.html")]
struct VerifyPage<'a> {
    layout: &'a Layout,
    differences: Vec<Difference>,
    took_ms: u128,
    seal: Seal,
}

/// `GET /admin/verify`: recomputes everything now.
async fn verify(State(app): State<App>, here: Here, NetworkAdmin(person): NetworkAdmin) -> Result<Response> {
    let begun = std::time::Instant::now();
    let differences = summary::verify(&app.db).await?;
    let seal = crate::audit::seal(&mut *app.db.background().acquire().await?).await?;
    let layout = app.chrome.page(&person, &here, t!("Verify"), "admin/verify").await?;
    let page = VerifyPage {
        layout: &layout,
        differences,
        seal,
        took_ms: begun.elapsed().as_millis(),
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}
