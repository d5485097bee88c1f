//! How the installation is doing: thresholds, jobs, pools, streams and slow statements, as this instance sees them.

mod rules;
mod statements;
mod view;
mod watch;

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use crate::app::App;
use crate::auth::NetworkAdmin;
use crate::error::Result;
use crate::web::{Here, Layout};

use view::SystemView;
pub use watch::Watch;

#[derive(Template)]
#[template(path = "admin/system.html")]
struct SystemPage<'a> {
    layout: &'a Layout,
    now: SystemView,
}

/// `GET /admin/system`
pub async fn index(State(app): State<App>, here: Here, NetworkAdmin(person): NetworkAdmin) -> Result<Html<String>> {
    let look = app.watch.look(&app).await?;
    let statements = statements::slowest(app.db.unscoped()).await;
    let layout = app.chrome.page(&person, &here, t!("System"), "admin/system").await?;
    let page = SystemPage {
        layout: &layout,
        now: SystemView::new(&app, &look, statements),
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?))
}
