//! The list of boards, and making one.

use axum::extract::{Query, State};
use axum::response::{Redirect, Response};

use super::super::commands::{self, By, NewBoard};
use super::super::model::{Board, Definition, Owner, OwnerKind};
use super::super::pages::{GroupView, IndexPage, NewPage, RowView};
use super::super::queries::{self, Listed};
use super::super::rights::Right;
use super::super::template;
use super::{by, page, reader, visible};
use crate::app::App;
use crate::auth::{Access, CurrentUser, Onlooker, Role, Start};
use crate::clock::age_label;
use crate::error::{Error, Problems, Result};
use crate::ids::{BoardId, FacilityId};
use crate::web::flash::Done;
use crate::web::{EmptyView, Form, Here, Hx, OptionView, Routes, rejected, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/", Access::SignedIn, start)
        .get("/boards", Access::SignedIn, index)
        .get("/boards/new", Access::SignedIn, new)
        .post("/boards", Access::SignedIn, create)
}

/// `GET /`: the board of one's choice, or one's first facility, or all of them.
async fn start(State(app): State<App>, Onlooker(person): Onlooker) -> Result<Redirect> {
    if let Some(id) = queries::default_of_person(app.db.unscoped(), person.id).await?
        && super::found(&app, &reader(&app, &person).await?, id).await.is_ok()
    {
        return Ok(Redirect::to(&format!("/boards/{id}")));
    }
    let first = person.memberships.first().map(|one| one.facility);
    let facility = match person.preferences.start {
        Start::Network => None,
        Start::Facility(facility) if person.role_in(facility).is_some() => Some(facility),
        _ => first,
    };
    Ok(match facility {
        None => Redirect::to("/network"),
        Some(facility) => Redirect::to(&format!("/facilities/{facility}")),
    })
}

#[derive(serde::Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

/// `GET /boards?q=…`
async fn index(
    State(app): State<App>,
    here: Here,
    user: CurrentUser,
    Query(search): Query<Search>,
) -> Result<Response> {
    let layout = app.chrome.page(&user, &here, t!("Boards"), "boards").await?;
    let all = queries::list(app.db.unscoped(), &reader(&app, &user).await?).await?;
    let start = queries::default_of_person(app.db.unscoped(), user.id).await?;
    let needle = search.q.trim().to_lowercase();
    let nothing = all.is_empty();
    let now = app.db.clock.now();
    let mut groups: Vec<GroupView> = Vec::new();
    let mut sorted: Vec<(u8, String, Listed)> = Vec::new();
    for listed in all {
        let text = format!("{} {}", listed.board.name, listed.board.description).to_lowercase();
        if text.contains(&needle) {
            let (rank, title) = group(&app, &listed).await;
            sorted.push((rank, title, listed));
        }
    }
    // the boards of one owner keep their order
    sorted.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (_, title, listed) in sorted {
        let row = row(&listed, start, now);
        match groups.last_mut() {
            Some(group) if group.title == title => group.rows.push(row),
            _ => groups.push(GroupView { title, rows: vec![row] }),
        }
    }
    let empty = groups.is_empty().then(|| empty(nothing));
    page(&IndexPage {
        layout: &layout,
        query: search.q,
        groups,
        empty,
    })
}

/// Mine first, then my facilities', the region's, the network's, and what others shared with me.
async fn group(app: &App, listed: &Listed) -> (u8, String) {
    if listed.shared {
        return (4, t!("Shared with me").into());
    }
    match &listed.board.owner {
        Owner::Person(_) => (0, t!("My boards").into()),
        Owner::Facility(facility) => {
            let known = app.chrome.facility(*facility).await;
            (
                1,
                known.map_or_else(|_| t!("Another facility").into(), |one| one.name.clone()),
            )
        }
        Owner::Region(region) => (2, t!("Region {region}", region)),
        Owner::Network => (3, t!("Network").into()),
    }
}

fn row(listed: &Listed, start: Option<BoardId>, now: chrono::DateTime<chrono::Utc>) -> RowView {
    let Board { id, .. } = listed.board;
    let board = &listed.board;
    RowView {
        id: id.0,
        href: format!("/boards/{id}"),
        name: board.name.clone(),
        description: board.description.clone(),
        is_draft: !board.published,
        is_start: start == Some(id),
        template_for: board.template_for.map_or_else(String::new, |kind| {
            t!("Start of every {what}", what = kind.label().to_lowercase())
        }),
        widgets: t!("version {version}", version = board.version),
        changed_iso: board.updated_at.to_rfc3339(),
        changed: match board.updated_by.as_str() {
            "" => t!("{age} ago", age = age_label(now - board.updated_at)),
            by => t!("{age} ago by {by}", age = age_label(now - board.updated_at), by),
        },
        may_edit: listed.right >= Right::Edit,
        may_own: listed.right >= Right::Own,
    }
}

fn empty(nothing: bool) -> EmptyView {
    let (kind, title, text, label, href) = match nothing {
        true => (
            "never",
            t!("No board yet"),
            t!("A board shows the figures that you choose, for all facilities that you may see."),
            t!("Make a board"),
            "/boards/new",
        ),
        false => (
            "filter",
            t!("No board matches"),
            t!("No board that you may see has these words in its name or description."),
            t!("Show all boards"),
            "/boards",
        ),
    };
    EmptyView {
        kind: kind.into(),
        title: title.into(),
        text: text.into(),
        label: label.into(),
        href: href.into(),
    }
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NewForm {
    name: String,
    description: String,
    /// `person`, `facility:7`, `region:North` or `network`
    owner: String,
    /// `empty`, or the name of a built-in board
    start: String,
}

/// `GET /boards/new`
async fn new(State(app): State<App>, here: Here, user: CurrentUser) -> Result<Response> {
    let form = NewForm::default();
    let layout = app.chrome.page(&user, &here, t!("New board"), "boards").await?;
    let owners = owners(&app, &user, &form.owner).await?;
    page(&form.page(&layout, owners, &Problems::default()))
}

/// `POST /boards`
async fn create(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    user: CurrentUser,
    Form(form): Form<NewForm>,
) -> Result<Response> {
    let by = by(&app, &user).await?;
    let made = async {
        let new = NewBoard {
            owner: read_owner(&form.owner, &by)?,
            name: form.name.clone(),
            description: form.description.clone(),
            definition: template::find(&form.start)
                .map_or_else(Definition::empty, |template| template.file.definition.clone()),
            note: String::new(),
        };
        commands::create(&app.db, &by, &new).await
    };
    match made.await {
        Ok(id) => Ok(saved(hx, &format!("/boards/{id}/edit"), Done::BoardCreated)),
        Err(Error::Invalid(problems)) => {
            let layout = app.chrome.page(&user, &here, t!("New board"), "boards").await?;
            let owners = owners(&app, &user, &form.owner).await?;
            rejected(&form.page(&layout, owners, &problems))
        }
        Err(error) => Err(error),
    }
}

impl NewForm {
    fn page<'a>(&self, layout: &'a crate::web::Layout, owners: Vec<OptionView>, problems: &Problems) -> NewPage<'a> {
        let problem = |field: &str| problems.of(field).unwrap_or_default().to_owned();
        let starts = template::all().iter().map(|one| (one.name, one.file.name.as_str()));
        NewPage {
            layout,
            board_name: self.name.clone(),
            description: self.description.clone(),
            owners,
            starts: crate::web::options([("empty", t!("Nothing"))].into_iter().chain(starts), &self.start),
            name_problem: problem("name"),
            description_problem: problem("description"),
            owner_problem: problem("owner"),
        }
    }
}

/// For whom somebody may make boards, as options of a form.
pub(super) async fn owners(app: &App, user: &CurrentUser, chosen: &str) -> Result<Vec<OptionView>> {
    let mut pairs = vec![("person".to_owned(), t!("Myself").to_owned())];
    let visible = visible(app, user).await?;
    if user.network_admin {
        pairs.push(("network".into(), t!("The network").into()));
        let mut regions: Vec<&str> = visible.iter().map(|one| one.region.as_str()).collect();
        regions.sort_unstable();
        regions.dedup();
        pairs.extend(
            regions
                .iter()
                .map(|region| (format!("region:{region}"), t!("Region {region}", region))),
        );
    }
    let managed = visible
        .iter()
        .filter(|one| user.role_in(one.id).is_some_and(|role| role >= Role::FacilityAdmin));
    pairs.extend(managed.map(|one| (format!("facility:{}", one.id), one.name.clone())));
    let pairs = pairs.iter().map(|(value, label)| (value.as_str(), label.as_str()));
    Ok(crate::web::options(pairs, chosen))
}

/// The owner that a form names; whether they may make boards for it, the command finds out.
pub(super) fn read_owner(text: &str, by: &By) -> Result<Owner> {
    let unknown = || Error::invalid("owner", t!("Choose whose board it is."));
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    match kind.parse::<OwnerKind>() {
        Ok(OwnerKind::Person) => by.actor.user.map(Owner::Person).ok_or(Error::Forbidden),
        Ok(OwnerKind::Network) => Ok(Owner::Network),
        Ok(OwnerKind::Region) if !rest.is_empty() => Ok(Owner::Region(rest.to_owned())),
        Ok(OwnerKind::Facility) => rest.parse::<FacilityId>().map(Owner::Facility).map_err(|_| unknown()),
        _ => Err(unknown()),
    }
}
