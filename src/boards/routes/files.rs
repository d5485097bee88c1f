//! Boards as files: one to keep or to carry elsewhere, and one brought in, which first says what it would do.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::super::commands::{self, NewBoard};
use super::super::diff;
use super::super::model::File;
use super::super::pages::ImportPage;
use super::list::{owners, read_owner};
use super::{by, found, page, reader};
use crate::app::App;
use crate::auth::{Access, CurrentUser};
use crate::error::{Error, Problems, Result};
use crate::ids::BoardId;
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Routes, rejected, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/boards/{board_id}/file", Access::SignedIn, export)
        .get("/boards/import", Access::SignedIn, import_form)
        .post("/boards/import", Access::SignedIn, import)
}

/// `GET /boards/{board_id}/file`: named as the file it came from, so that it can be put back there.
async fn export(State(app): State<App>, user: CurrentUser, Path(id): Path<BoardId>) -> Result<Response> {
    let (whole, _) = found(&app, &reader(&app, &user).await?, id).await?;
    let board = &whole.board;
    let file = File {
        pulseboard_board: File::FORMAT,
        name: board.name.clone(),
        description: board.description.clone(),
        template_for: board.template_for,
        definition: whole.definition.clone(),
    };
    let name = board.slug.clone().unwrap_or_else(|| slug(&board.name));
    let mut response = file.text().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let disposition = format!("attachment; filename=\"{name}.json\"");
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// `morning-hand-over` out of “Morning: hand-over”.
fn slug(name: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    match words.join("-") {
        slug if slug.is_empty() => "board".into(),
        slug => slug,
    }
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ImportForm {
    text: String,
    owner: String,
    /// `check` says what it would do, `create` does it
    #[serde(rename = "do")]
    act: String,
}

/// `GET /boards/import`
async fn import_form(State(app): State<App>, here: Here, user: CurrentUser) -> Result<Response> {
    let layout = app.chrome.page(&user, &here, t!("Import a board"), "boards").await?;
    page(&ImportPage {
        layout: &layout,
        text: String::new(),
        owners: owners(&app, &user, "").await?,
        problems: vec![],
        plan: vec![],
        owner_problem: String::new(),
    })
}

/// `POST /boards/import`
async fn import(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    user: CurrentUser,
    Form(form): Form<ImportForm>,
) -> Result<Response> {
    let read = File::read(&form.text);
    let (plan, mut problems) = match &read {
        Ok(file) => (plan(file), Problems::default()),
        Err(problems) => (vec![], problems.clone()),
    };
    if let (Ok(file), "create") = (read, form.act.as_str()) {
        let by = by(&app, &user).await?;
        let made = async {
            let mut definition = file.definition;
            definition.settle();
            let new = NewBoard {
                owner: read_owner(&form.owner, &by)?,
                name: file.name,
                description: file.description,
                definition,
                note: "From a file".into(),
            };
            commands::create(&app.db, &by, &new).await
        };
        match made.await {
            Ok(id) => return Ok(saved(hx, &format!("/boards/{id}"), Done::BoardSaved)),
            Err(Error::Invalid(wrong)) => problems = wrong,
            Err(error) => return Err(error),
        }
    }
    let layout = app.chrome.page(&user, &here, t!("Import a board"), "boards").await?;
    let others = problems.iter().filter(|(field, _)| *field != "owner");
    let html = ImportPage {
        layout: &layout,
        owners: owners(&app, &user, &form.owner).await?,
        problems: others.map(|(field, problem)| placed(field, problem)).collect(),
        owner_problem: problems.of("owner").unwrap_or_default().into(),
        plan,
        text: form.text,
    };
    if problems.is_empty() {
        page(&html)
    } else {
        rejected(&html)
    }
}

fn placed(field: &str, problem: &str) -> String {
    match field.split_once('.') {
        Some((widget, field)) => t!("Widget “{widget}”, {field}: {problem}", widget, field, problem),
        None => problem.to_owned(),
    }
}

fn plan(file: &File) -> Vec<String> {
    let mut plan = vec![t!(
        "A board “{name}”, {what}",
        name = file.name,
        what = file.definition.range.words().to_lowercase()
    )];
    plan.extend(
        file.definition
            .widgets
            .iter()
            .map(|widget| t!("with {name}", name = diff::name(widget))),
    );
    plan
}
