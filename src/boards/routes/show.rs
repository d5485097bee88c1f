//! One board: its page, its stream, and each widget alone.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, Uri};
use tower_sessions::Session;

use super::super::ask::Ask;
use super::super::model::{Board, Owner};
use super::super::pages::{HomeView, ShowPage};
use super::super::queries::{self, Whole};
use super::super::rights::Right;
use super::{Gzip, around, found, range_of, reader, seen, sheet, state_of, visible};
use crate::app::App;
use crate::auth::{Access, CurrentUser, Onlooker, Person, Role};
use crate::error::{Error, Result};
use crate::facilities::FacilityKind;
use crate::ids::BoardId;
use crate::live::{self, Ground, Watcher, Watching};
use crate::web::{Here, LinkView, Routes, options};
use crate::widgets::{Asked as Wishes, SeesRows};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/boards/{board_id}", Access::SignedIn, show)
        .get("/boards/{board_id}/events", Access::SignedIn, events)
        .get("/boards/{board_id}/widgets/{widget_id}", Access::SignedIn, widget)
}

/// `GET /boards/{board_id}?from=now-7d%2Fd&group=O-&facility=7`
async fn show(
    State(app): State<App>,
    user: CurrentUser,
    here: Here,
    Path(id): Path<BoardId>,
    uri: Uri,
    Gzip(zipped): Gzip,
) -> Result<Response> {
    let (whole, right) = found(&app, &reader(&app, &user).await?, id).await?;
    let wishes = Wishes::of(&uri);
    let (visible, rows) = (visible(&app, &user).await?, SeesRows::of(&user));
    let meant = |range| Ask::of(&whole, &visible, wishes.filter(), range, rows);
    let (ask, sheet) = sheet(&app, &wishes, meant).await?;
    let mut layout = app.chrome.page(&user, &here, &whole.board.name, "boards").await?;
    layout.events_url = sheet.events_url(&ask);
    layout.sprite_apart = true;
    layout.keep_href = whole.board.published.then(|| format!("/boards/{id}/wall"));
    let html = ShowPage {
        layout: &layout,
        id: id.0,
        name: whole.board.name.clone(),
        description: whole.board.description.clone(),
        owner: owner(&app, &whole.board).await?,
        is_draft: !whole.board.published,
        may_edit: right >= Right::Edit,
        may_own: right >= Right::Own,
        is_start: queries::default_of_person(app.db.unscoped(), user.id).await? == Some(id),
        homes: homes(&app, &user, &whole).await?,
        kinds: kinds(&whole.board, right),
        nothing_on_it: whole.definition.widgets.is_empty(),
    };
    let html = askama::Template::render(&html).map_err(anyhow::Error::from)?;
    Ok(sheet.answer(around(&html, sheet.body(), zipped), zipped))
}

/// What this person asks for with this address.
pub(super) async fn ask(app: &App, person: &Person, whole: &Whole, uri: &Uri) -> Result<Ask> {
    let wishes = Wishes::of(uri);
    let visible = visible(app, person).await?;
    let range = range_of(&wishes)?;
    Ok(Ask::of(whole, &visible, wishes.filter(), range, SeesRows::of(person)))
}

/// Whose it is, and where the others of the same owner are.
pub(super) async fn owner(app: &App, board: &Board) -> Result<LinkView> {
    let value = match &board.owner {
        Owner::Person(_) => t!("My boards").into(),
        Owner::Facility(facility) => app
            .chrome
            .facility(*facility)
            .await
            .map_or_else(|_| t!("Another facility").into(), |facility| facility.name.clone()),
        Owner::Region(region) => t!("Region {region}", region),
        Owner::Network => t!("Network").into(),
    };
    Ok(LinkView {
        value,
        href: "/boards".into(),
    })
}

/// The facilities of which this person may say what their address shows, where this board may stand.
async fn homes(app: &App, person: &Person, whole: &Whole) -> Result<Vec<HomeView>> {
    let here = queries::homes(app.db.unscoped(), whole.board.id).await?;
    let mut homes = Vec::new();
    for membership in person.memberships.iter().filter(|one| one.role >= Role::FacilityAdmin) {
        let Ok(facility) = app.chrome.facility(membership.facility).await else {
            continue;
        };
        let fits = match &whole.board.owner {
            Owner::Person(_) => false,
            Owner::Facility(owner) => *owner == facility.id,
            Owner::Region(owner) => *owner == facility.region,
            Owner::Network => true,
        };
        if fits {
            homes.push(HomeView {
                id: facility.id.0,
                name: facility.name.clone(),
                here: here.contains(&facility.id),
            });
        }
    }
    Ok(homes)
}

fn kinds(board: &Board, right: Right) -> Vec<crate::web::OptionView> {
    if board.owner != Owner::Network || right < Right::Own {
        return vec![];
    }
    let kinds = FacilityKind::ALL.iter().map(|kind| (kind.as_str(), kind.label()));
    options(
        [("", t!("No kind of facility"))].into_iter().chain(kinds),
        board.template_for.map_or("", FacilityKind::as_str),
    )
}

/// `GET /boards/{board_id}/events`: the page's one stream. It ends with the right to the board or to a facility on it.
async fn events(
    State(app): State<App>,
    Onlooker(person): Onlooker,
    session: Session,
    Path(id): Path<BoardId>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let (whole, _) = found(&app, &reader(&app, &person).await?, id).await?;
    let ask = ask(&app, &person, &whole, &uri).await?;
    let watching = Watching {
        topic: ask.topic(),
        watcher: Watcher::Person(person.id),
        grounds: vec![Ground::Person(person.id), Ground::Board(id)],
        lasts: None,
        seen: seen(&uri, &headers),
        state: state_of(&app, ask.clone()),
        allowed: allowed(&app, session, id, ask),
    };
    live::stream(&app.hub, watching)
}

fn allowed(app: &App, session: Session, id: BoardId, ask: Ask) -> live::Allowed {
    let app = app.clone();
    Box::new(move || {
        let (app, session, ask) = (app.clone(), session.clone(), ask.clone());
        Box::pin(async move {
            let holds = async {
                let Some(person) = app.auth.still_holds(&session).await? else {
                    return Ok(false);
                };
                let reader = reader(&app, &person).await?;
                Ok::<bool, Error>(match found(&app, &reader, id).await {
                    Ok(_) => ask.is_within(&reader),
                    Err(Error::NotFound) => false,
                    Err(error) => return Err(error),
                })
            };
            // a database that is away is no reason to send anybody to the log-in
            holds.await.unwrap_or(true)
        })
    })
}

/// `GET /boards/{board_id}/widgets/{widget_id}`: one widget, for its *Try again*.
async fn widget(
    State(app): State<App>,
    user: CurrentUser,
    Path((id, widget)): Path<(BoardId, String)>,
    uri: Uri,
) -> Result<Response> {
    let (whole, _) = found(&app, &reader(&app, &user).await?, id).await?;
    let ask = ask(&app, &user, &whole, &uri).await?;
    Ok(Html(app.boards.widget(&ask, &widget).await?).into_response())
}
