//! The addresses of a board: the page, its stream, the button, and each widget alone.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use bytes::Bytes;
use chrono::{Datelike, NaiveDate};
use http::{HeaderMap, HeaderValue, header};
use tower_sessions::Session;

use super::pages::MadeOf;
use super::view::{BoardPage, PastPage, RefreshFragment, RefreshView};
use super::{Boards, compose, past};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::auth::{Access, BoardViewer, Passive, Viewer};
use crate::clock::time_label;
use crate::error::{Error, Result};
use crate::facilities::Chrome;
use crate::ids::FacilityId;
use crate::live::{self, Topic, Watching};
use crate::summary;
use crate::web::flash::Done;
use crate::web::{Here, Hx, Part, Piece, Routes, join, saved, sprite, stitch};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/facilities/{facility_id}", Access::Viewer, show)
        .get("/facilities/{facility_id}/events", Access::Viewer, events)
        .get("/facilities/{facility_id}/changes", Access::Viewer, changes)
        .get("/facilities/{facility_id}/widgets/{widget}", Access::Viewer, widget)
        .post("/facilities/{facility_id}/summary", Access::Viewer, refresh)
        .post("/facilities/{facility_id}/display", Access::Viewer, hang_up)
}

#[derive(serde::Deserialize)]
struct Asked {
    #[serde(default)]
    day: Option<String>,
}

/// `GET /facilities/{facility_id}?day=2026-11-19&wall=1`
async fn show(
    State(app): State<App>,
    BoardViewer(viewer): BoardViewer,
    session: Session,
    here: Here,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response> {
    let facility = app.chrome.facility(viewer.facility).await?;
    if let Some(day) = asked.day.filter(|day| !day.is_empty()) {
        let day: NaiveDate = day
            .parse()
            .ok()
            .filter(|day: &NaiveDate| (2000..=2199).contains(&day.year()))
            .ok_or_else(|| Error::invalid("day", "A day is written 2026-11-21."))?;
        let Some(past) = past::day(&app.db, &facility, day).await? else {
            // today, or a day that is still to come: the board shows now
            return Ok(Redirect::to(&format!("/facilities/{}", viewer.facility)).into_response());
        };
        let layout = app
            .chrome
            .facility_page(&viewer, &here, &facility.name, "board")
            .await?;
        let page = PastPage {
            layout: &layout,
            past: &past,
        };
        return Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response());
    }
    let found = app.boards.find(viewer.facility).await?;
    note(&app, &viewer, &found);
    let parts = MadeOf {
        person: &viewer.person.person,
        facility: &facility,
        board: &found.snapshot,
    };
    let zipped = takes_gzip(&headers);
    let lasting = zipped && !here.wall && here.done.is_none();
    if lasting && let Some(page) = app.boards.pages().find(&here.path, &parts) {
        return Ok(answer(page, zipped));
    }
    let mut layout = app
        .chrome
        .facility_page(&viewer, &here, &facility.name, "board")
        .await?;
    layout.display = here.wall && app.auth.is_display(&session).await;
    layout.events_url = Some(format!(
        "/facilities/{}/events?seen={}",
        viewer.facility, found.snapshot.version
    ));
    layout.sprite_apart = true;
    let page = BoardPage {
        layout: &layout,
        board: None,
    }
    .render()
    .map_err(anyhow::Error::from)?;
    let page = around(&page, &found.snapshot.body, zipped);
    if lasting {
        app.boards.pages().keep(&here.path, &parts, &page);
    }
    Ok(answer(page, zipped))
}

/// The viewer's own page around what all share, compressed without compressing anything now.
fn around(page: &str, body: &Part, zipped: bool) -> Bytes {
    let (head, rest) = page.split_once("<!--icons-->").unwrap_or(("", page));
    let (before, after) = rest.rsplit_once("<!--board-->").unwrap_or((rest, ""));
    let pieces = [
        Piece::Own(head),
        Piece::Shared(sprite()),
        Piece::Own(before),
        Piece::Shared(body),
        Piece::Own(after),
    ];
    if zipped { stitch(&pieces) } else { join(&pieces) }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.contains("gzip"))
}

fn answer(page: Bytes, zipped: bool) -> Response {
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    // with those that every answer gets; the map would grow twice
    headers.reserve(16);
    if zipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// One line and the counts for each request of a board.
fn note(app: &App, viewer: &Viewer, found: &super::Found) {
    let cache = match (found.hit, found.triggered_refresh) {
        (true, false) => "hit",
        (true, true) => "stale",
        (false, _) => "miss",
    };
    metrics::counter!("pulseboard_board_requests_total", "cache" => cache).increment(1);
    app.db.vitals.board(cache);
    metrics::histogram!("pulseboard_board_cache_age_seconds").record(found.age);
    tracing::info!(
        facility.id = viewer.facility.0,
        cache_hit = found.hit,
        cache_age_seconds = found.age.as_secs_f64(),
        query_duration_ms = found.query.as_secs_f64() * 1000.0,
        triggered_refresh = found.triggered_refresh,
        "board"
    );
}

#[derive(serde::Deserialize)]
struct Seen {
    seen: Option<i64>,
}

/// `GET /facilities/{facility_id}/events`: the page's one stream.
async fn events(
    State(app): State<App>,
    Passive(viewer): Passive,
    session: Session,
    Query(seen): Query<Seen>,
    headers: HeaderMap,
) -> Result<Response> {
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|id| id.parse().ok());
    let (boards, facility) = (app.boards.clone(), viewer.facility);
    let watching = Watching {
        topic: Topic::Board(facility),
        user: viewer.person.id,
        seen: last.or(seen.seen),
        state: Box::new(move |seen| {
            let boards = boards.clone();
            Box::pin(async move { state(&boards, facility, seen).await })
        }),
        allowed: allowed(&app, session, facility),
    };
    live::stream(&app.hub, watching)
}

/// `GET /facilities/{facility_id}/changes`: for lists, which fetch themselves when something changed.
async fn changes(State(app): State<App>, Passive(viewer): Passive, session: Session) -> Result<Response> {
    let facility = viewer.facility;
    let watching = Watching {
        topic: Topic::Lists(facility),
        user: viewer.person.id,
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

/// The whole board as frames, unless the screen shows just this version.
async fn state(boards: &Boards, facility: FacilityId, seen: Option<i64>) -> Option<Bytes> {
    let found = boards.find(facility).await.ok()?;
    (seen != Some(found.snapshot.version)).then(|| found.snapshot.state.clone())
}

/// `POST /facilities/{facility_id}/display`: this browser hangs on a wall from now on, and may do nothing but look.
async fn hang_up(State(app): State<App>, viewer: Viewer, session: Session) -> Result<Redirect> {
    app.auth
        .become_display(&session, &viewer.person, viewer.facility)
        .await?;
    let mut tx = app.db.write(&viewer.scope()).await?;
    let entry = Entry::new("hung up", "display").of(viewer.facility);
    audit::record(&mut tx, &viewer.person.actor(), &entry).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/facilities/{}?wall=1", viewer.facility)))
}

/// `GET /facilities/{facility_id}/widgets/{widget}`: one widget, for its *Try again*.
async fn widget(
    State(app): State<App>,
    BoardViewer(viewer): BoardViewer,
    Path((_, widget)): Path<(i64, String)>,
) -> Result<Response> {
    let html = compose::widget(&app.db, viewer.facility, &widget).await?;
    Ok(Html(html).into_response())
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
