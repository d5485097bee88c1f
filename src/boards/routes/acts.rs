//! What one does with a whole board: copy, publish, order, share out as somebody's start, delete. Each is a button.

use axum::extract::{Path, State};
use axum::response::Response;

use super::super::commands::{self, By, Move};
use super::by;
use crate::app::App;
use crate::auth::{Access, CurrentUser};
use crate::error::{Error, Result};
use crate::facilities::FacilityKind;
use crate::ids::{BoardId, FacilityId};
use crate::web::flash::Done;
use crate::web::{Form, Hx, Routes, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .post("/boards/{board_id}/copy", Access::SignedIn, copy)
        .post("/boards/{board_id}/name", Access::SignedIn, rename)
        .post("/boards/{board_id}/publication", Access::SignedIn, publish)
        .post("/boards/{board_id}/withdrawal", Access::SignedIn, withdraw)
        .post("/boards/{board_id}/position", Access::SignedIn, reorder)
        .post("/boards/{board_id}/start", Access::SignedIn, start)
        .post("/boards/{board_id}/home", Access::SignedIn, home)
        .post("/boards/{board_id}/template", Access::SignedIn, template)
        .post("/boards/{board_id}/deletion", Access::SignedIn, delete)
}

/// `POST /boards/{board_id}/copy`: to oneself.
async fn copy(State(app): State<App>, hx: Hx, user: CurrentUser, Path(id): Path<BoardId>) -> Result<Response> {
    let copy = commands::duplicate(&app.db, &by(&app, &user).await?, id).await?;
    Ok(saved(hx, &format!("/boards/{copy}"), Done::BoardCopied))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Names {
    name: String,
    description: String,
}

/// `POST /boards/{board_id}/name`
async fn rename(
    State(app): State<App>,
    hx: Hx,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Form(names): Form<Names>,
) -> Result<Response> {
    let by = by(&app, &user).await?;
    commands::rename(&app.db, &by, id, &names.name, &names.description).await?;
    Ok(changed(&app, hx, id, Done::BoardSaved))
}

/// `POST /boards/{board_id}/publication`
async fn publish(State(app): State<App>, hx: Hx, user: CurrentUser, Path(id): Path<BoardId>) -> Result<Response> {
    commands::publish(&app.db, &by(&app, &user).await?, id).await?;
    Ok(changed(&app, hx, id, Done::BoardPublished))
}

/// `POST /boards/{board_id}/withdrawal`
async fn withdraw(State(app): State<App>, hx: Hx, user: CurrentUser, Path(id): Path<BoardId>) -> Result<Response> {
    commands::withdraw(&app.db, &by(&app, &user).await?, id).await?;
    Ok(changed(&app, hx, id, Done::BoardWithdrawn))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    to: Move,
}

/// `POST /boards/{board_id}/position`
async fn reorder(
    State(app): State<App>,
    hx: Hx,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Form(way): Form<Way>,
) -> Result<Response> {
    commands::reorder(&app.db, &by(&app, &user).await?, id, way.to).await?;
    app.boards.redefined(id);
    Ok(saved(hx, "/boards", Done::BoardSaved))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Switch {
    /// `false` takes it back
    on: String,
    facility: String,
}

impl Switch {
    fn is_on(&self) -> bool {
        self.on != "false"
    }
}

/// `POST /boards/{board_id}/start`: where this person starts.
async fn start(
    State(app): State<App>,
    hx: Hx,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Form(switch): Form<Switch>,
) -> Result<Response> {
    commands::set_default_of_person(&app.db, &by(&app, &user).await?, id, switch.is_on()).await?;
    Ok(changed(&app, hx, id, Done::BoardSaved))
}

/// `POST /boards/{board_id}/home`: what a facility's address shows.
async fn home(
    State(app): State<App>,
    hx: Hx,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Form(switch): Form<Switch>,
) -> Result<Response> {
    let facility: FacilityId = switch
        .facility
        .parse()
        .map_err(|_| Error::invalid("facility", t!("Choose a facility.")))?;
    let by: By = by(&app, &user).await?;
    let region = app.chrome.facility(facility).await?.region.clone();
    commands::set_default_of_facility(&app.db, &by, id, facility, &region, switch.is_on()).await?;
    Ok(changed(&app, hx, id, Done::BoardSaved))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct ForKind {
    template_for: String,
}

/// `POST /boards/{board_id}/template`: every facility of this kind starts with it.
async fn template(
    State(app): State<App>,
    hx: Hx,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Form(form): Form<ForKind>,
) -> Result<Response> {
    let kind = match form.template_for.as_str() {
        "" => None,
        kind => Some(
            kind.parse::<FacilityKind>()
                .map_err(|_| Error::invalid("template_for", t!("Choose a kind of facility.")))?,
        ),
    };
    commands::set_template(&app.db, &by(&app, &user).await?, id, kind).await?;
    Ok(changed(&app, hx, id, Done::BoardSaved))
}

/// `POST /boards/{board_id}/deletion`
async fn delete(State(app): State<App>, hx: Hx, user: CurrentUser, Path(id): Path<BoardId>) -> Result<Response> {
    commands::delete(&app.db, &by(&app, &user).await?, id).await?;
    app.boards.redefined(id);
    Ok(saved(hx, "/boards", Done::BoardDeleted))
}

/// Whoever changed it sees it changed on the very next page.
fn changed(app: &App, hx: Hx, id: BoardId, done: Done) -> Response {
    app.boards.redefined(id);
    saved(hx, &format!("/boards/{id}"), done)
}
