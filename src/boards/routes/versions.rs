//! The versions of a board: who saved what and why, in words, and the way back to an old one.

use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::super::pages::{VersionView, VersionsPage};
use super::super::queries::{self, Step, Version};
use super::super::rights::{Right, sees_names};
use super::super::{commands, diff};
use super::{by, found, found_for, page, reader};
use crate::app::App;
use crate::auth::{Access, CurrentUser};
use crate::clock::age_label;
use crate::error::Result;
use crate::ids::BoardId;
use crate::web::flash::Done;
use crate::web::{Here, Hx, Routes, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/boards/{board_id}/versions", Access::SignedIn, index)
        .post(
            "/boards/{board_id}/versions/{version}/restoration",
            Access::SignedIn,
            restore,
        )
}

const ROWS: usize = 20;

#[derive(serde::Deserialize)]
struct Listing {
    before: Option<i32>,
}

/// `GET /boards/{board_id}/versions?before=12`
async fn index(
    State(app): State<App>,
    here: Here,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Query(listing): Query<Listing>,
) -> Result<Response> {
    let reader = reader(&app, &user).await?;
    let (whole, right) = found(&app, &reader, id).await?;
    let named = sees_names(&reader, &whole.board);
    let layout = app.chrome.page(&user, &here, t!("Versions"), "boards").await?;
    // one more, against which the last of the page is described
    let versions = queries::versions(app.db.unscoped(), &whole, listing.before, ROWS as i64 + 1).await?;
    let now = app.db.clock.now();
    let rows = versions.iter().take(ROWS).enumerate().map(|(at, version)| VersionView {
        version: version.version,
        is_current: version.version == whole.board.version,
        at_iso: version.at.to_rfc3339(),
        at: t!("{age} ago", age = age_label(now - version.at)),
        by: if named {
            version.by.clone()
        } else {
            t!("An editor").into()
        },
        note: version.note.clone(),
        changes: match versions.get(at + 1) {
            Some(before) => diff::words(&step(before), &step(version)),
            None => vec![t!("The first version").into()],
        },
    });
    page(&VersionsPage {
        layout: &layout,
        id: id.0,
        name: whole.board.name.clone(),
        may_edit: right >= Right::Edit,
        rows: rows.collect(),
        older: versions
            .get(ROWS)
            .map(|_| format!("/boards/{id}/versions?before={}", versions[ROWS - 1].version)),
    })
}

fn step(version: &Version) -> Step {
    Step {
        name: version.name.clone(),
        description: version.description.clone(),
        definition: version.definition.clone(),
    }
}

/// `POST /boards/{board_id}/versions/{version}/restoration`
async fn restore(
    State(app): State<App>,
    hx: Hx,
    user: CurrentUser,
    Path((id, version)): Path<(BoardId, i32)>,
) -> Result<Response> {
    let by = by(&app, &user).await?;
    found_for(&app, &by.reader, id, Right::Edit).await?;
    commands::restore(&app.db, &by, id, version).await?;
    app.boards.redefined(id);
    Ok(saved(hx, &format!("/boards/{id}"), Done::BoardRestored))
}
