//! With whom a board is shared: found, chosen, changed and withdrawn with plain forms by whoever owns it.

use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::super::pages::{FoundView, NewLinkView, ProblemsOf, ShareView, SharingPage};
use super::super::people;
use super::super::rights::{Level, Reader, Right, With};
use super::super::{commands, queries::Whole};
use super::links::LinkForm;
use super::{by, found_for, page, reader, visible};
use crate::app::App;
use crate::auth::{Access, CurrentUser, Role};
use crate::error::{Error, Problems, Result};
use crate::ids::{BoardId, FacilityId, UserId};
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, OptionView, Routes, options, rejected, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/boards/{board_id}/sharing", Access::SignedIn, index)
        .post("/boards/{board_id}/shares", Access::SignedIn, share)
        .post(
            "/boards/{board_id}/shares/{share_id}/withdrawal",
            Access::SignedIn,
            unshare,
        )
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Search {
    q: String,
}

/// `GET /boards/{board_id}/sharing?q=ann`
async fn index(
    State(app): State<App>,
    here: Here,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Query(search): Query<Search>,
) -> Result<Response> {
    let layout = app.chrome.page(&user, &here, t!("Sharing"), "boards").await?;
    let form = LinkForm::default().view(&visible(&app, &user).await?, None);
    let shown = view(&app, &user, &layout, id, &search.q, &Problems::default(), form).await?;
    page(&shown)
}

/// The whole page: shares, people found, links and the form for one more.
pub(super) async fn view<'a>(
    app: &App,
    user: &CurrentUser,
    layout: &'a crate::web::Layout,
    id: BoardId,
    query: &str,
    problems: &Problems,
    new_link: NewLinkView,
) -> Result<SharingPage<'a>> {
    let reader = reader(app, user).await?;
    let (whole, _) = found_for(app, &reader, id, Right::Own).await?;
    let found = match query.trim() {
        "" => vec![],
        text => people::find(app.db.unscoped(), &reader, text).await?,
    };
    let mine = visible(app, user).await?;
    let mine: Vec<(String, &str)> = mine.iter().map(|one| (one.id.to_string(), one.name.as_str())).collect();
    let facilities = mine.iter().map(|(id, name)| (id.as_str(), *name));
    Ok(SharingPage {
        layout,
        id: id.0,
        name: whole.board.name.clone(),
        is_draft: !whole.board.published,
        owner: super::show::owner(app, &whole.board).await?.value,
        query: query.trim().to_owned(),
        found: found.into_iter().map(FoundView::of).collect(),
        facilities: options([("", t!("Choose a facility"))].into_iter().chain(facilities), ""),
        roles: roles(),
        levels: levels(Level::View),
        shares: shares(app, &reader, &whole).await?,
        links: super::links::of_board(app, user, id).await?,
        new_link,
        problem_of: ProblemsOf(problems.clone()),
    })
}

fn levels(chosen: Level) -> Vec<OptionView> {
    options(
        Level::ALL.iter().map(|one| (one.as_str(), one.label())),
        chosen.as_str(),
    )
}

/// Everybody who has at least this role somewhere.
fn roles() -> Vec<OptionView> {
    let words = [
        ("", t!("Choose who")),
        (Role::Viewer.as_str(), t!("Everybody who may log in")),
        (Role::Staff.as_str(), t!("Staff and administrators of every facility")),
        (Role::FacilityAdmin.as_str(), t!("Administrators of every facility")),
    ];
    options(words, "")
}

async fn shares(app: &App, reader: &Reader, whole: &Whole) -> Result<Vec<ShareView>> {
    let people: Vec<UserId> = whole
        .shares
        .iter()
        .filter_map(|share| match share.with {
            With::Person(person) => Some(person),
            _ => None,
        })
        .collect();
    let names = people::names(app.db.unscoped(), reader, &people).await?;
    let mut rows = Vec::with_capacity(whole.shares.len());
    for share in &whole.shares {
        let (field, value, who, kind) = match share.with {
            With::Person(person) => {
                let name = names.get(&person).cloned();
                let name = name.unwrap_or_else(|| t!("Somebody of another facility").into());
                ("person", person.to_string(), name, t!("Person"))
            }
            With::Facility(facility) => {
                let known = app.chrome.facility(facility).await;
                let name = known.map_or_else(|_| t!("A facility that is not active").into(), |one| one.name.clone());
                ("facility", facility.to_string(), name, t!("Everybody of a facility"))
            }
            With::Role(role) => {
                let words = roles().into_iter().find(|one| one.value == role.as_str());
                let name = words.map_or_else(String::new, |one| one.label);
                ("role", role.as_str().to_owned(), name, t!("Role"))
            }
        };
        rows.push(ShareView {
            id: share.id,
            field,
            value,
            who,
            kind,
            levels: levels(share.level),
        });
    }
    rows.sort_by(|a, b| (a.kind, &a.who).cmp(&(b.kind, &b.who)));
    Ok(rows)
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ShareForm {
    /// of these, one
    person: String,
    facility: String,
    role: String,
    level: String,
    /// what was searched for, to be shown again
    q: String,
}

impl ShareForm {
    fn read(&self) -> Result<(With, Level)> {
        let level = self.level.parse::<Level>();
        let level = level.map_err(|_| Error::invalid("level", t!("Choose what they may do.")))?;
        let with = if let Ok(person) = self.person.parse() {
            With::Person(UserId(person))
        } else if let Ok(facility) = self.facility.parse() {
            With::Facility(FacilityId(facility))
        } else if let Ok(role) = self.role.parse::<Role>() {
            With::Role(role)
        } else {
            return Err(Error::invalid("with", t!("Choose with whom to share the board.")));
        };
        Ok((with, level))
    }
}

/// `POST /boards/{board_id}/shares`
async fn share(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    user: CurrentUser,
    Path(id): Path<BoardId>,
    Form(form): Form<ShareForm>,
) -> Result<Response> {
    let by = by(&app, &user).await?;
    let done = match form.read() {
        Ok((with, level)) => commands::share(&app.db, &by, id, with, level).await,
        // whoever may not share it does not learn what is wrong with the form
        Err(error) => found_for(&app, &by.reader, id, Right::Own).await.and(Err(error)),
    };
    match done {
        Ok(()) => {
            app.boards.redefined(id);
            Ok(saved(hx, &format!("/boards/{id}/sharing"), Done::BoardShared))
        }
        Err(Error::Invalid(problems)) => {
            let layout = app.chrome.page(&user, &here, t!("Sharing"), "boards").await?;
            let link = LinkForm::default().view(&visible(&app, &user).await?, None);
            rejected(&view(&app, &user, &layout, id, &form.q, &problems, link).await?)
        }
        Err(error) => Err(error),
    }
}

/// `POST /boards/{board_id}/shares/{share_id}/withdrawal`
async fn unshare(
    State(app): State<App>,
    hx: Hx,
    user: CurrentUser,
    Path((id, share)): Path<(BoardId, i64)>,
) -> Result<Response> {
    commands::unshare(&app.db, &by(&app, &user).await?, id, share).await?;
    app.boards.redefined(id);
    Ok(saved(hx, &format!("/boards/{id}/sharing"), Done::BoardUnshared))
}
