//! The pages of dead letters: look, put right, send again, remove.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};

use crate::app::App;
use crate::auth::{Access, NetworkAdmin};
use crate::clock::age_label;
use crate::error::{Error, Problems, Result};
use crate::ingest::commands::dead_letters::{self, Cause};
use crate::ingest::queries::{self, Letter};
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, OptionView, PagesView, Routes, Turn, TurnQuery, options, rejected, saved};
use crate::words::number;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/admin/dead-letters", Access::NetworkAdmin, index)
        .post("/admin/dead-letters/removal", Access::NetworkAdmin, purge)
        .get("/admin/dead-letters/{letter_id}", Access::NetworkAdmin, show)
        .post("/admin/dead-letters/{letter_id}", Access::NetworkAdmin, edit)
        .post("/admin/dead-letters/{letter_id}/replay", Access::NetworkAdmin, replay)
        .post("/admin/dead-letters/{letter_id}/removal", Access::NetworkAdmin, remove)
}

const LIST: &str = "/admin/dead-letters";

#[derive(Template)]
#[template(path = "ingest/dead_letters.html")]
struct LettersPage<'a> {
    layout: &'a Layout,
    letters: Vec<LetterView>,
    causes: Vec<OptionView>,
    /// the chosen cause, empty for all
    cause: String,
    total: i64,
    pages: PagesView,
    problem: String,
}

#[derive(Template)]
#[template(path = "ingest/dead_letter.html")]
struct LetterPage<'a> {
    layout: &'a Layout,
    letter: LetterView,
    body: String,
    problem: String,
}

struct LetterView {
    id: i64,
    cause: &'static str,
    reason: String,
    origin: String,
    what: String,
    facility: String,
    age: String,
    iso: String,
    tries: i32,
}

impl LetterView {
    fn of(letter: &Letter, now: chrono::DateTime<chrono::Utc>) -> Self {
        LetterView {
            id: letter.id,
            cause: letter.cause.label(),
            reason: letter.reason.clone(),
            origin: letter.origin.clone(),
            what: [&letter.event_type, &letter.source, &letter.event_id]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" · "),
            facility: letter
                .facility_name
                .clone()
                .unwrap_or_else(|| t!("The installation").into()),
            age: age_label(now - letter.at),
            iso: letter.at.to_rfc3339(),
            tries: letter.tries,
        }
    }
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Chosen {
    cause: String,
}

/// `GET /admin/dead-letters?cause=late`
async fn index(
    State(app): State<App>,
    here: Here,
    NetworkAdmin(person): NetworkAdmin,
    Query(chosen): Query<Chosen>,
    Query(turn): Query<TurnQuery>,
) -> Result<Response> {
    let layout = app
        .chrome
        .page(&person, &here, t!("Dead letters"), "admin/dead-letters")
        .await?;
    let page = list(&app, &layout, &chosen.cause, turn.read(), String::new()).await?;
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

async fn list<'a>(
    app: &App,
    layout: &'a Layout,
    cause: &str,
    turn: Turn<i64>,
    problem: String,
) -> Result<LettersPage<'a>> {
    let cause: Option<Cause> = cause.parse().ok();
    let total = queries::letters(&app.db, cause).await?;
    let turned = queries::page(&app.db, cause, turn).await?;
    let chosen = cause.map_or("", Cause::as_str);
    let href = match cause {
        Some(cause) => format!("{LIST}?cause={cause}"),
        None => LIST.into(),
    };
    let now = app.db.clock.now();
    let all = [("", t!("All causes"))].into_iter();
    let causes = Cause::ALL.iter().map(|cause| (cause.as_str(), cause.label()));
    Ok(LettersPage {
        layout,
        pages: turned.pages(&href, t!("{total} in all", total = number(total)), |letter| letter.id),
        letters: turned.rows.iter().map(|letter| LetterView::of(letter, now)).collect(),
        causes: options(all.chain(causes), chosen),
        cause: chosen.into(),
        total,
        problem,
    })
}

/// `GET /admin/dead-letters/{letter_id}`
async fn show(
    State(app): State<App>,
    here: Here,
    NetworkAdmin(person): NetworkAdmin,
    Path(id): Path<i64>,
) -> Result<Response> {
    let letter = queries::letter(&app.db, id).await?;
    let layout = app
        .chrome
        .page(&person, &here, t!("Dead letter"), "admin/dead-letters")
        .await?;
    let page = one(&app, &layout, &letter, letter.body.clone(), String::new());
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

fn one<'a>(app: &App, layout: &'a Layout, letter: &Letter, body: String, problem: String) -> LetterPage<'a> {
    LetterPage {
        layout,
        letter: LetterView::of(letter, app.db.clock.now()),
        body,
        problem,
    }
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BodyForm {
    body: String,
}

/// `POST /admin/dead-letters/{letter_id}`: another body.
async fn edit(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    admin: NetworkAdmin,
    Path(id): Path<i64>,
    Form(form): Form<BodyForm>,
) -> Result<Response> {
    match dead_letters::edit(&app.db, &admin.0, id, &form.body).await {
        Ok(()) => Ok(saved(hx, &format!("{LIST}/{id}"), Done::LetterSaved)),
        Err(Error::Invalid(problems)) => again(&app, &here, &admin, id, Some(form.body), &problems).await,
        Err(error) => Err(error),
    }
}

/// `POST /admin/dead-letters/{letter_id}/replay`: sends it again, however late it is. It goes when it was taken.
async fn replay(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    admin: NetworkAdmin,
    Path(id): Path<i64>,
) -> Result<Response> {
    let letter = queries::letter(&app.db, id).await?;
    match crate::ingest::replay::replay(&app.ingest, &admin.0.actor(), &letter).await {
        Ok(()) => Ok(saved(hx, LIST, Done::LetterReplayed)),
        Err(Error::Invalid(problems)) => again(&app, &here, &admin, id, None, &problems).await,
        Err(error) => Err(error),
    }
}

async fn again(
    app: &App,
    here: &Here,
    admin: &NetworkAdmin,
    id: i64,
    body: Option<String>,
    problems: &Problems,
) -> Result<Response> {
    let letter = queries::letter(&app.db, id).await?;
    let layout = app
        .chrome
        .page(&admin.0, here, t!("Dead letter"), "admin/dead-letters")
        .await?;
    let body = body.unwrap_or_else(|| letter.body.clone());
    rejected(&one(app, &layout, &letter, body, problems.to_string()))
}

/// `POST /admin/dead-letters/{letter_id}/removal`
async fn remove(State(app): State<App>, hx: Hx, admin: NetworkAdmin, Path(id): Path<i64>) -> Result<Response> {
    dead_letters::remove(&app.db, &admin.0.actor(), id).await?;
    Ok(saved(hx, LIST, Done::LettersRemoved))
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PurgeForm {
    cause: String,
    sure: String,
}

/// `POST /admin/dead-letters/removal`: all of a cause, or all.
async fn purge(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    admin: NetworkAdmin,
    Form(form): Form<PurgeForm>,
) -> Result<Response> {
    if form.sure != "true" {
        let layout = app
            .chrome
            .page(&admin.0, &here, t!("Dead letters"), "admin/dead-letters")
            .await?;
        let problem = t!("Say that you are sure: what is removed cannot be sent again.").to_owned();
        return rejected(&list(&app, &layout, &form.cause, Turn::First, problem).await?);
    }
    dead_letters::purge(&app.db, &admin.0.actor(), form.cause.parse().ok()).await?;
    Ok(saved(hx, LIST, Done::LettersRemoved))
}
