//! The home board of a facility: the page, its stream, the button, and each widget alone.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::{Datelike, NaiveDate};
use http::{HeaderMap, Uri};
use std::sync::Arc;
use tower_sessions::Session;

use super::super::ask::Ask;
use super::super::commands;
use super::super::kept::MadeOf;
use super::super::model::Owner;
use super::super::queries::Whole;
use super::super::view::{BoardPage, PastPage, RefreshFragment, RefreshView};
use super::super::{Found, From, past};
use super::{Gzip, Sheet, answer, around, range_of, seen, sheet, state_of};
use crate::app::App;
use crate::auth::{Access, FacilityAdmin, Passive, Viewer};
use crate::clock::time_label;
use crate::error::{Error, Result};
use crate::facilities::{Chrome, Facility};
use crate::ids::FacilityId;
use crate::live::{self, Ground, Topic, Watcher, Watching};
use crate::summary;
use crate::web::flash::Done;
use crate::web::{Here, Hx, Routes, saved};
use crate::widgets::{Asked as Wishes, Filter, Range, SeesRows};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/facilities/{facility_id}", Access::Viewer, show)
        .get("/facilities/{facility_id}/events", Access::Viewer, events)
        .get("/facilities/{facility_id}/changes", Access::Viewer, changes)
        .get("/facilities/{facility_id}/widgets/{widget}", Access::Viewer, widget)
        .post("/facilities/{facility_id}/summary", Access::Viewer, refresh)
        .post("/facilities/{facility_id}/board", Access::FacilityAdmin, make_own)
}

#[derive(serde::Deserialize)]
struct Asked {
    #[serde(default)]
    day: Option<String>,
}

/// `GET /facilities/{facility_id}?day=2026-11-19&wall=1`
async fn show(
    State(app): State<App>,
    viewer: Viewer,
    here: Here,
    Query(asked): Query<Asked>,
    uri: Uri,
    Gzip(zipped): Gzip,
) -> Result<Response> {
    let wishes = Wishes::of(&uri);
    let facility = app.chrome.facility(viewer.facility).await?;
    if let Some(day) = asked.day.filter(|day| !day.is_empty()) {
        return Box::pin(show_past(&app, &viewer, &here, &facility, &day)).await;
    }
    let (ask, sheet) = sheet(&app, &wishes, |range| ask(&viewer, &wishes, range)).await?;
    let parts = match &sheet {
        Sheet::Board(found) => Some(MadeOf {
            person: &viewer.person.person,
            facility: &facility,
            board: &found.snapshot,
        }),
        Sheet::Mending(_) => None,
    };
    let lasting = parts.filter(|_| zipped && !here.wall && here.done.is_none());
    if let Some(page) = lasting.and_then(|parts| app.boards.pages().find(&here.path, &parts)) {
        return Ok(answer(page, zipped));
    }
    let mut layout = Box::pin(app.chrome.facility_page(&viewer, &here, &facility.name, "board")).await?;
    layout.keep_href = Some(format!("/facilities/{}/wall", facility.id));
    layout.events_url = sheet.events_url(&ask);
    layout.sprite_apart = true;
    let page = BoardPage {
        layout: &layout,
        board: None,
    }
    .render()
    .map_err(anyhow::Error::from)?;
    let page = around(&page, sheet.body(), zipped);
    if let Some(parts) = lasting {
        app.boards.pages().keep(&here.path, &parts, &page);
    }
    Ok(sheet.answer(page, zipped))
}

/// A day that is over; today, and a day that is still to come, lead to the board of now.
async fn show_past(app: &App, viewer: &Viewer, here: &Here, facility: &Facility, day: &str) -> Result<Response> {
    let day: NaiveDate = day
        .parse()
        .ok()
        .filter(|day: &NaiveDate| (2000..=2199).contains(&day.year()))
        .ok_or_else(|| Error::invalid("day", t!("A day is written 2026-11-21.")))?;
    let Some(past) = past::day(&app.db, facility, day).await? else {
        return Ok(Redirect::to(&format!("/facilities/{}", viewer.facility)).into_response());
    };
    let layout = app.chrome.facility_page(viewer, here, &facility.name, "board").await?;
    let page = PastPage {
        layout: &layout,
        past: &past,
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// One line and the counts for each request of a board.
pub(super) fn note(app: &App, ask: &Ask, found: &Found) {
    let cache = match (found.from, found.triggered_refresh) {
        (From::Memory, false) => "hit",
        (From::Memory, true) => "stale",
        (From::Kept, _) => "kept",
        (From::Source, _) => "miss",
    };
    app.db.vitals.board(cache, found.age);
    tracing::info!(
        facility.id = ask.facility().map(|facility| facility.0),
        board = ask.address.path(),
        cache_hit = found.from == From::Memory,
        cache_age_seconds = found.age.as_secs_f64(),
        query_duration_ms = found.query.as_secs_f64() * 1000.0,
        triggered_refresh = found.triggered_refresh,
        "board"
    );
}

/// `GET /facilities/{facility_id}/events`: the page's one stream.
async fn events(
    State(app): State<App>,
    Passive(viewer): Passive,
    session: Session,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let facility = viewer.facility;
    let wishes = Wishes::of(&uri);
    let ask = ask(&viewer, &wishes, range_of(&wishes)?);
    let watching = Watching {
        topic: ask.topic(),
        watcher: Watcher::Person(viewer.person.id),
        grounds: vec![Ground::Person(viewer.person.id)],
        lasts: None,
        seen: seen(&uri, &headers),
        state: state_of(&app, ask),
        allowed: allowed(&app, session, facility),
    };
    live::stream(&app.hub, watching)
}

/// `GET /facilities/{facility_id}/changes`: for lists, which fetch themselves when something changed.
async fn changes(State(app): State<App>, Passive(viewer): Passive, session: Session) -> Result<Response> {
    let facility = viewer.facility;
    let watching = Watching {
        topic: Topic::Lists(facility),
        watcher: Watcher::Person(viewer.person.id),
        grounds: vec![Ground::Person(viewer.person.id)],
        lasts: None,
        seen: None,
        state: Box::new(|_| Box::pin(async { None })),
        allowed: allowed(&app, session, facility),
    };
    live::stream(&app.hub, watching)
}

/// Whether whoever opened a stream may still watch the facility.
fn allowed(app: &App, session: Session, facility: FacilityId) -> live::Allowed {
    let auth = app.auth.clone();
    Box::new(move || {
        let (auth, session) = (auth.clone(), session.clone());
        Box::pin(async move {
            // a database that is away is no reason to send anybody to the log-in
            auth.still_holds(&session).await.map_or(true, |person| {
                person.is_some_and(|person| person.role_in(facility).is_some())
            })
        })
    })
}

/// `GET /facilities/{facility_id}/widgets/{widget}`: one widget, for its *Try again*.
async fn widget(
    State(app): State<App>,
    viewer: Viewer,
    Path((_, widget)): Path<(i64, String)>,
    uri: Uri,
) -> Result<Response> {
    let wishes = Wishes::of(&uri);
    let ask = ask(&viewer, &wishes, range_of(&wishes)?);
    Ok(Html(app.boards.widget(&ask, &widget).await?).into_response())
}

/// The facility's own board, narrowed as its address says.
fn ask(viewer: &Viewer, wishes: &Wishes, range: Option<Range>) -> Ask {
    let filter = Filter {
        facilities: vec![],
        region: None,
        ..wishes.filter()
    };
    Ask {
        filter,
        range,
        ..Ask::home(viewer.facility, SeesRows::of(&viewer.person))
    }
}

/// `POST /facilities/{facility_id}/board`: a copy of what the address shows, for the facility to make its own. Nothing
/// changes for anybody until it is published.
async fn make_own(State(app): State<App>, hx: Hx, admin: FacilityAdmin) -> Result<Response> {
    let facility = app.chrome.facility(admin.facility).await?;
    let by = super::by(&app, &admin.person).await?;
    let shown = app.boards.library().home(facility.id).await?;
    let own = |whole: &Arc<Whole>| whole.board.owner == Owner::Facility(facility.id);
    let id = match shown.filter(own) {
        Some(whole) => whole.board.id,
        None => commands::adopt(&app.db, &by, &facility).await?,
    };
    app.boards.redefined(id);
    Ok(saved(hx, &format!("/boards/{id}/edit"), Done::BoardCopied))
}

/// `POST /facilities/{facility_id}/summary`: compute the summary now.
async fn refresh(State(app): State<App>, State(chrome): State<Chrome>, viewer: Viewer, hx: Hx) -> Result<Response> {
    summary::refresh_now(&app.db, viewer.facility).await?;
    let url = format!("/facilities/{}", viewer.facility);
    if !hx.request {
        return Ok(saved(hx, &url, Done::Refreshed));
    }
    let now = app.db.clock.now();
    let zone = chrome.facility(viewer.facility).await?.zone;
    let refresh = RefreshView {
        facility_id: viewer.facility.0,
        iso: now.to_rfc3339(),
        label: time_label(zone, now),
        done: true,
        problem: None,
    };
    Ok(Html(
        RefreshFragment { refresh: &refresh }
            .render()
            .map_err(anyhow::Error::from)?,
    )
    .into_response())
}
