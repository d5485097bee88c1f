//! Links to boards, as those who make and end them see them: the form on the page of a board's sharing, *Keep on this screen*,
//! and the list of all that one may end.

use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use chrono::{DateTime, Utc};
use tower_sessions::Session;

use super::super::ask::{Ask, Target};
use super::super::links::{self, LIVES, LinkKind, Listed, NewLink};
use super::super::pages::{LinkRow, LinksPage, NewLinkView};
use super::super::queries::Whole;
use super::super::rights::Right;
use super::{found, found_for, page, reader, visible};
use crate::app::App;
use crate::auth::{Access, Caller, CurrentUser, Person, Viewer};
use crate::clock::age_label;
use crate::error::{Error, Problems, Result};
use crate::facilities::Facility;
use crate::ids::{BoardId, FacilityId, LinkId};
use crate::web::flash::Done;
use crate::web::{Confirmed, Here, Hx, OptionView, Routes, local_path, options, rejected, saved};
use crate::widgets::{Filter, SeesRows};
use crate::words::Dated;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/links", Access::SignedIn, index)
        .post("/boards/{board_id}/links", Access::SignedIn, make)
        .post("/boards/{board_id}/wall", Access::SignedIn, hang_up_board)
        .post("/facilities/{facility_id}/wall", Access::Viewer, hang_up_home)
        .post("/links/{link_id}/end", Access::SignedIn, end)
}

/// `GET /links`: every link that this person may end.
async fn index(State(app): State<App>, here: Here, user: CurrentUser) -> Result<Response> {
    let layout = app.chrome.page(&user, &here, t!("Links and screens"), "boards").await?;
    let links = all(&app, &user).await?;
    page(&LinksPage {
        layout: &layout,
        links: &links,
    })
}

/// Every good link that somebody may end, for this page and the administrators' page of security.
pub async fn all(app: &App, person: &Person) -> Result<Vec<LinkRow>> {
    let now = app.db.clock.now();
    rows(app, links::ending(app.db.unscoped(), person, now).await?, now).await
}

/// The same of one board.
pub(super) async fn of_board(app: &App, person: &Person, board: BoardId) -> Result<Vec<LinkRow>> {
    let now = app.db.clock.now();
    rows(app, links::of_board(app.db.unscoped(), person, board, now).await?, now).await
}

async fn rows(app: &App, listed: Vec<Listed>, now: DateTime<Utc>) -> Result<Vec<LinkRow>> {
    let mut rows = Vec::with_capacity(listed.len());
    for one in listed {
        let (shows, href) = match one.target {
            Target::Board(board) => (one.board_name, format!("/boards/{board}")),
            Target::Home(facility) => {
                let known = app.chrome.facility(facility).await;
                let name = known.map_or_else(|_| t!("A facility that is not active").into(), |one| one.name.clone());
                (t!("Board of {name}", name), format!("/facilities/{facility}"))
            }
        };
        rows.push(LinkRow {
            id: one.id.0,
            name: one.name,
            kind: one.kind.label(),
            is_wall: one.kind == LinkKind::Wall,
            shows,
            href,
            facilities: n!("{n} facility", "{n} facilities", one.facilities),
            maker: one.maker,
            made: one.created_at.dated("%-d %b %Y"),
            ends: one.expires_at.map_or_else(
                || t!("when somebody ends it").into(),
                |at| at.dated("%-d %b %Y %H:%M UTC"),
            ),
            seen: match (one.last_used_at, one.last_used_address) {
                (None, _) => t!("Never").into(),
                (Some(at), Some(address)) => t!("{age} ago from {address}", age = age_label(now - at), address),
                (Some(at), None) => t!("{age} ago", age = age_label(now - at)),
            },
            // a screen that hangs somewhere is heard of all the time
            is_silent: one.kind == LinkKind::Wall
                && one.last_used_at.is_none_or(|at| now - at > chrono::TimeDelta::hours(1)),
        });
    }
    Ok(rows)
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LinkForm {
    kind: String,
    name: String,
    days: String,
    /// empty for all that the board shows its maker, else `region:North` or `facility:7`
    figures: String,
}

impl LinkForm {
    /// As the page of a board's sharing shows it.
    pub(super) fn view(&self, facilities: &[std::sync::Arc<Facility>], made: Option<String>) -> NewLinkView {
        let kinds = LinkKind::ALL.iter().map(|one| (one.as_str(), one.label()));
        let lives = LIVES.map(|days| match days {
            1 => ("1", t!("a day")),
            7 => ("7", t!("a week")),
            _ => ("30", t!("30 days")),
        });
        let days = if self.days.is_empty() { "7" } else { &self.days };
        NewLinkView {
            kinds: options(kinds, &self.kind),
            name: self.name.clone(),
            lives: options(lives, days),
            figures: figures(facilities, &self.figures),
            made,
        }
    }

    fn filter(&self) -> Filter {
        let (kind, value) = self.figures.split_once(':').unwrap_or(("", ""));
        Filter {
            facilities: match kind {
                "facility" => value.parse().map(FacilityId).into_iter().collect(),
                _ => vec![],
            },
            region: (kind == "region").then(|| value.to_owned()),
            ..Filter::default()
        }
    }
}

fn figures(facilities: &[std::sync::Arc<Facility>], chosen: &str) -> Vec<OptionView> {
    let mut regions: Vec<&str> = facilities.iter().map(|one| one.region.as_str()).collect();
    regions.sort_unstable();
    regions.dedup();
    let mut pairs = vec![(String::new(), t!("All that the board shows me now").to_owned())];
    if regions.len() > 1 {
        let regions = regions
            .iter()
            .map(|region| (format!("region:{region}"), t!("Region {region}", region)));
        pairs.extend(regions);
    }
    if facilities.len() > 1 {
        pairs.extend(
            facilities
                .iter()
                .map(|one| (format!("facility:{}", one.id), one.name.clone())),
        );
    }
    options(
        pairs.iter().map(|(value, label)| (value.as_str(), label.as_str())),
        chosen,
    )
}

/// `POST /boards/{board_id}/links`: the answer shows the address, this once.
async fn make(
    State(app): State<App>,
    here: Here,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Confirmed(form): Confirmed<LinkForm>,
) -> Result<Response> {
    let (whole, _) = found_for(&app, &reader(&app, &user).await?, id, Right::Own).await?;
    let layout = app.chrome.page(&user, &here, t!("Sharing"), "boards").await?;
    let made = async {
        let kind: LinkKind = form
            .kind
            .parse()
            .map_err(|_| Error::invalid("kind", t!("Choose what the link is for.")))?;
        let new = NewLink {
            kind,
            target: Target::Board(id),
            name: form.name.clone(),
            facilities: shown(&app, &user, &whole, form.filter()).await?,
            days: form.days.parse().unwrap_or_default(),
        };
        if !whole.board.published {
            return Err(Error::invalid(
                "link",
                t!("Publish the board first: a link shows no draft."),
            ));
        }
        let token = links::make(&app.db, &user, &new).await?;
        Ok(app.mail.link(&format!("/{kind}/{}", token.reveal())))
    };
    match made.await {
        Ok(address) => {
            let view = LinkForm::default().view(&visible(&app, &user).await?, Some(address));
            page(&super::sharing::view(&app, &user, &layout, id, "", &Problems::default(), view).await?)
        }
        Err(Error::Invalid(problems)) => {
            let view = form.view(&visible(&app, &user).await?, None);
            rejected(&super::sharing::view(&app, &user, &layout, id, "", &problems, view).await?)
        }
        Err(error) => Err(error),
    }
}

/// The facilities whose figures the board shows this person now.
async fn shown(app: &App, person: &Person, whole: &Whole, filter: Filter) -> Result<Vec<FacilityId>> {
    let visible = visible(app, person).await?;
    let ask = Ask::of(whole, &visible, filter, None, SeesRows::of(person));
    Ok(ask.facilities.to_vec())
}

/// A form without fields.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// `POST /boards/{board_id}/wall`: this browser hangs on a wall from now on.
async fn hang_up_board(
    State(app): State<App>,
    user: CurrentUser,
    session: Session,
    Path(id): Path<BoardId>,
    Confirmed(Nothing {}): Confirmed<Nothing>,
) -> Result<Redirect> {
    let (whole, _) = found(&app, &reader(&app, &user).await?, id).await?;
    if !whole.board.published {
        return Err(Error::Conflict(
            t!("Publish the board first: a wall shows no draft.").into(),
        ));
    }
    let new = NewLink {
        kind: LinkKind::Wall,
        target: Target::Board(id),
        name: whole.board.name.clone(),
        facilities: shown(&app, &user, &whole, Filter::default()).await?,
        days: 0,
    };
    hang_up(&app, &user, &session, &new).await
}

/// `POST /facilities/{facility_id}/wall`: the same with whatever board the facility's address shows.
async fn hang_up_home(
    State(app): State<App>,
    viewer: Viewer,
    session: Session,
    Confirmed(Nothing {}): Confirmed<Nothing>,
) -> Result<Redirect> {
    let facility = app.chrome.facility(viewer.facility).await?;
    let new = NewLink {
        kind: LinkKind::Wall,
        target: Target::Home(facility.id),
        name: facility.name.chars().take(80).collect(),
        facilities: vec![facility.id],
        days: 0,
    };
    hang_up(&app, &viewer.person, &session, &new).await
}

/// The screen keeps its link and nothing else: whoever hung it up is logged out there.
async fn hang_up(app: &App, caller: &Caller, session: &Session, new: &NewLink) -> Result<Redirect> {
    let token = links::make(&app.db, caller, new).await?;
    session.flush().await.map_err(anyhow::Error::from)?;
    Ok(Redirect::to(&format!("/{}/{}", new.kind, token.reveal())))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Back {
    next: String,
}

/// `POST /links/{link_id}/end`
async fn end(
    State(app): State<App>,
    hx: Hx,
    user: CurrentUser,
    Path(id): Path<LinkId>,
    crate::web::Form(back): crate::web::Form<Back>,
) -> Result<Response> {
    links::end(&app.db, &user, id).await?;
    let next = match local_path(Some(&back.next)) {
        "/" => "/links",
        next => next,
    };
    Ok(saved(hx, next, Done::LinkEnded))
}
