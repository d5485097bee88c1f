//! The addresses of boards. Whoever asks is turned into a [`Reader`] once; what they may do with a board is asked of
//! `may`, and what figures they see follows from their own facilities.

mod acts;
mod edit;
mod files;
mod home;
pub(super) mod links;
mod list;
mod public;
mod sharing;
mod show;
mod versions;
mod widget;

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use super::Found;
use super::ask::Ask;
use super::commands::By;
use super::queries::Whole;
use super::rights::{Reader, Right};
use crate::app::App;
use crate::auth::{Caller, Person};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::facilities::{Chrome, Facility};
use crate::ids::BoardId;
use crate::web::{Part, Piece, Routes, join, sprite, stitch};
use crate::widgets::{Asked as Wishes, Range};

pub fn routes() -> Routes<App> {
    Routes::default()
        .merge(home::routes())
        .merge(list::routes())
        .merge(show::routes())
        .merge(edit::routes())
        .merge(widget::routes())
        .merge(versions::routes())
        .merge(files::routes())
        .merge(sharing::routes())
        .merge(links::routes())
        .merge(public::routes())
        .merge(acts::routes())
}

/// Who asks.
async fn reader(app: &App, person: &Person) -> Result<Reader> {
    reader_of(&app.chrome, person).await
}

async fn reader_of(chrome: &Chrome, person: &Person) -> Result<Reader> {
    let mut known = Vec::with_capacity(person.memberships.len());
    for membership in &person.memberships {
        match chrome.facility(membership.facility).await {
            Ok(facility) => known.push(facility),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Reader::of(person, |id| known.iter().find(|one| one.id == id).cloned()))
}

/// Every board that somebody may see.
pub async fn seen_by(db: &Db, chrome: &Chrome, person: &Person) -> Result<Vec<super::Board>> {
    let reader = reader_of(chrome, person).await?;
    let listed = super::queries::list(db.unscoped(), &reader).await?;
    Ok(listed.into_iter().map(|one| one.board).collect())
}

/// Who changes something.
async fn by(app: &App, person: &Caller) -> Result<By> {
    Ok(By {
        reader: reader(app, person).await?,
        actor: person.actor(),
    })
}

/// A board from memory, if they may see it, and what they may do with it.
async fn found(app: &App, reader: &Reader, id: BoardId) -> Result<(Arc<Whole>, Right)> {
    let whole = app.boards.library().board(id).await?;
    let right = whole.right(reader)?;
    Ok((whole, right))
}

/// The same, when they may do at least so much; less is refused, since they see it.
async fn found_for(app: &App, reader: &Reader, id: BoardId, least: Right) -> Result<(Arc<Whole>, Right)> {
    match found(app, reader, id).await? {
        (whole, right) if right >= least => Ok((whole, right)),
        _ => Err(Error::Forbidden),
    }
}

/// The facilities whose figures a person may see, by name.
async fn visible(app: &App, person: &Person) -> Result<Vec<Arc<Facility>>> {
    let mut all = app.chrome.all().await?;
    if !person.network_admin {
        all.retain(|facility| person.role_in(facility.id).is_some());
    }
    Ok(all)
}

/// The range of the address; none when it has none. `Invalid` when it cannot be read.
fn range_of(wishes: &Wishes) -> Result<Option<Range>> {
    if wishes.from.trim().is_empty() && wishes.to.trim().is_empty() {
        return Ok(None);
    }
    wishes.range(&Range::default()).map(Some)
}

/// What a page shows.
enum Sheet {
    Board(Found),
    /// the filter bar with a range that is to be mended
    Mending(Part),
}

impl Sheet {
    fn body(&self) -> &Part {
        match self {
            Sheet::Board(found) => &found.snapshot.body,
            Sheet::Mending(body) => body,
        }
    }

    /// Where the page's stream is; a page without figures has none.
    fn events_url(&self, ask: &Ask) -> Option<String> {
        match self {
            Sheet::Board(found) => Some(events_url(ask, found.snapshot.version)),
            Sheet::Mending(_) => None,
        }
    }

    fn answer(&self, page: Bytes, zipped: bool) -> Response {
        let mut response = answer(page, zipped);
        if matches!(self, Sheet::Mending(_)) {
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        }
        response
    }
}

/// What an address asks for, where `ask` says what it means with a range. One that cannot be read or shown is no reason to
/// lose sight of the board: its filter bar says what is wrong.
async fn sheet(app: &App, wishes: &Wishes, ask: impl Fn(Option<Range>) -> Ask) -> Result<(Ask, Sheet)> {
    let found = async {
        let ask = ask(range_of(wishes)?);
        let found = app.boards.find(&ask).await?;
        home::note(app, &ask, &found);
        Ok((ask, Sheet::Board(found)))
    };
    match found.await {
        Err(Error::Invalid(problems)) if !(wishes.from.is_empty() && wishes.to.is_empty()) => {
            let ask = ask(None);
            let body = Box::pin(app.boards.mending(&ask, wishes, &problems)).await?;
            Ok((ask, Sheet::Mending(body)))
        }
        other => other,
    }
}

/// Where the page's stream is, which needs not send what the page shows.
fn events_url(ask: &Ask, seen: i64) -> String {
    let query = ask.query();
    let separator = if query.is_empty() { '?' } else { '&' };
    format!("{}/events{query}{separator}seen={seen}", ask.address.path())
}

/// The version that a watcher has: of its last frame, or of the page.
fn seen(uri: &Uri, headers: &HeaderMap) -> Option<i64> {
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|id| id.parse().ok());
    let pairs = uri.query().unwrap_or_default().split('&');
    let of_page = pairs
        .filter_map(|pair| pair.strip_prefix("seen="))
        .find_map(|seen| seen.parse().ok());
    last.or(of_page)
}

type State = Box<dyn Fn(Option<i64>) -> std::pin::Pin<Box<dyn Future<Output = Option<Bytes>> + Send>> + Send + Sync>;

/// The whole board as frames, unless the screen shows just this version.
fn state_of(app: &App, ask: Ask) -> State {
    let boards = app.boards.clone();
    Box::new(move |seen| {
        let (boards, ask) = (boards.clone(), ask.clone());
        Box::pin(async move { boards.state(&ask, seen).await.ok()? })
    })
}

fn page(page: &impl Template) -> Result<Response> {
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
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

/// Whether the browser takes a compressed page. Of all headers only this one is looked at, so they are not copied.
struct Gzip(bool);

impl<S: Send + Sync> FromRequestParts<S> for Gzip {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Infallible> {
        Ok(Gzip(takes_gzip(&parts.headers)))
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let value = headers.get(header::ACCEPT_ENCODING);
    let value = value.and_then(|value| value.to_str().ok());
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
