//! `GET /search`: a page for a plain browser, the list alone for the palette.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};

use super::find::{self, Hit};
use crate::app::App;
use crate::auth::{Access, CurrentUser};
use crate::error::Result;
use crate::ids::FacilityId;
use crate::web::{Here, Hx, Layout, Routes};

pub fn routes() -> Routes<App> {
    Routes::default().get("/search", Access::SignedIn, search)
}

#[derive(serde::Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    /// the facility that the reader comes from
    #[serde(default)]
    at: String,
}

#[derive(Template)]
#[template(path = "search/index.html")]
struct SearchPage<'a> {
    layout: &'a Layout,
    query: &'a str,
    hits: Vec<Hit>,
}

/// The list in the palette, `#hits`.
#[derive(Template)]
#[template(path = "search/_hits.html")]
struct HitsFragment {
    hits: Vec<Hit>,
}

/// `GET /search?q=lake&at=7`
async fn search(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    user: CurrentUser,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let at = asked.at.parse::<FacilityId>().ok();
    let query = asked.q.trim();
    let hits = find::find(&app.db, &app.chrome, &user, at, query).await?;
    let html = if hx.request {
        HitsFragment { hits }.render()
    } else {
        let layout = app.chrome.page(&user, &here, t!("Search"), "search").await?;
        SearchPage {
            layout: &layout,
            query,
            hits,
        }
        .render()
    };
    Ok(Html(html.map_err(anyhow::Error::from)?).into_response())
}
