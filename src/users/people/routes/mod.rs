//! The administrators' pages about people: `/admin/users` and one page for each.

pub mod managed;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};

use managed::{facility_options, managed, name_of};

use super::queries::{self, Filter, From, Place};
use super::view::{LogRow, MembershipRow, PersonRow, UserPage, UsersPage, log_words, roles};
use super::{commands, export};
use crate::app::App;
use crate::auth::{Access, Manager, Role};
use crate::clock::age_label;
use crate::error::{Error, Problems, Result};
use crate::ids::{FacilityId, UserId};
use crate::users::passwords;
use crate::users::rights;
use crate::users::routes::{session_rows, unhex};
use crate::web::flash::Done;
use crate::web::{EmptyView, Form, Here, Hx, PagesView, Routes, options, query_string, saved};
use crate::words::Dated;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/admin/users", Access::Manager, index)
        .get("/admin/users/export", Access::Manager, export_csv)
        .get("/admin/users/{user_id}", Access::Manager, show)
        .post("/admin/users/{user_id}", Access::Manager, rename)
        .post("/admin/users/{user_id}/roles", Access::Manager, change_role)
        .post(
            "/admin/users/{user_id}/network-admin",
            Access::NetworkAdmin,
            change_network_admin,
        )
        .post("/admin/users/{user_id}/sessions/end", Access::Manager, end_sessions)
        .post("/admin/users/{user_id}/password-link", Access::Manager, send_link)
        .post("/admin/users/{user_id}/disabling", Access::Manager, disable)
        .post("/admin/users/{user_id}/enabling", Access::Manager, enable)
}

const ROWS_PER_PAGE: i64 = 50;
/// An export holds at most this many people.
const MOST_EXPORTED: i64 = 50_000;

/// The list as it stands in the address.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Listing {
    q: String,
    facility: String,
    role: String,
    state: String,
    after: String,
    before: String,
}

impl Listing {
    fn filter(&self) -> Filter {
        Filter {
            search: self.q.chars().take(80).collect(),
            facility: self.facility.parse().ok(),
            role: self.role.parse().ok(),
            state: self.state.parse().ok(),
        }
    }

    fn from(&self) -> From {
        match (place(&self.after), place(&self.before)) {
            (Some(place), _) => From::After(place),
            (_, Some(place)) => From::Before(place),
            _ => From::Start,
        }
    }

    fn address(&self, path: &str, name: &str, place: &str) -> String {
        let pairs = [
            ("q", &*self.q),
            ("facility", &self.facility),
            ("role", &self.role),
            ("state", &self.state),
            (name, place),
        ];
        format!("{path}{}", query_string(&pairs))
    }
}

/// `p12:ada merrin`, `i3:bob`: a person or an invitation, and the name by which it is sorted.
fn place(text: &str) -> Option<Place> {
    let (key, name) = text.split_once(':')?;
    let invitation = match key.get(..1)? {
        "p" => false,
        "i" => true,
        _ => return None,
    };
    Some(Place {
        name: name.into(),
        invitation,
        id: key[1..].parse().ok()?,
    })
}

fn place_text(place: &Place) -> String {
    format!(
        "{}{}:{}",
        if place.invitation { "i" } else { "p" },
        place.id,
        place.name
    )
}

/// `GET /admin/users?q=…&facility=…&role=…&state=…`
async fn index(
    State(app): State<App>,
    here: Here,
    manager: Manager,
    Query(listing): Query<Listing>,
) -> Result<Response> {
    let mut layout = app.chrome.page(&manager, &here, t!("Users"), "admin/users").await?;
    layout.events_url = Some("/network/events".into());
    let (scope, filter, from) = (manager.scope(), listing.filter(), listing.from());
    let mut tx = app.db.read(&scope).await?;
    let total = queries::count(&mut tx, &scope, &filter).await?;
    let mut people = queries::list(&mut tx, &scope, &filter, &from, ROWS_PER_PAGE + 1).await?;
    drop(tx);
    let further = people.len() as i64 > ROWS_PER_PAGE;
    let (earlier, later) = match from {
        From::Start => (false, further),
        From::After(_) => (true, further),
        From::Before(_) => (further, true),
    };
    if further && matches!(from, From::Before(_)) {
        people.remove(0);
    }
    people.truncate(ROWS_PER_PAGE as usize);
    let places = managed(&app, &manager).await?;
    let names = |id: i64| name_of(&places, id);
    let now = app.db.clock.now();
    let words = if total == 1 { "person" } else { "people" };
    let filtered = filter != Filter::default();
    let page = UsersPage {
        summary: format!("{total} {words}{}", if filtered { t!(" match") } else { "" }),
        search: listing.q.clone(),
        facilities: facility_options(&places, &listing.facility, t!("All facilities")),
        roles: options(
            std::iter::once(("", t!("All roles"))).chain(Role::ALL.iter().map(|role| (role.as_str(), role.label()))),
            &listing.role,
        ),
        states: options(
            std::iter::once(("", t!("All")))
                .chain(queries::State::ALL.iter().map(|state| (state.as_str(), state.label()))),
            &listing.state,
        ),
        filtered,
        export: listing.address("/admin/users/export", "", ""),
        empty: people.is_empty().then(|| nobody(filtered)),
        pages: PagesView {
            summary: t!("Sorted by name.").into(),
            previous: people
                .first()
                .filter(|_| earlier)
                .map(|first| listing.address("/admin/users", "before", &place_text(&first.place()))),
            next: people
                .last()
                .filter(|_| later)
                .map(|last| listing.address("/admin/users", "after", &place_text(&last.place()))),
        },
        rows: people.iter().map(|one| PersonRow::new(one, &names, now)).collect(),
        layout: &layout,
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

fn nobody(filtered: bool) -> EmptyView {
    let (kind, title, text, label, href) = match filtered {
        true => (
            "filter",
            t!("Nobody matches"),
            t!("Change the search or the filters."),
            t!("Show everybody"),
            "/admin/users",
        ),
        false => (
            "never",
            t!("Nobody yet"),
            t!("Invite the people you work with."),
            t!("Invite somebody"),
            "/admin/users/new",
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

/// `GET /admin/users/export`: everybody whom the filter leaves, as CSV.
async fn export_csv(State(app): State<App>, manager: Manager, Query(listing): Query<Listing>) -> Result<Response> {
    let scope = manager.scope();
    let mut tx = app.db.read(&scope).await?;
    let people = queries::list(&mut tx, &scope, &listing.filter(), &From::Start, MOST_EXPORTED).await?;
    let places = managed(&app, &manager).await?;
    let file = export::csv(&people, &|id| name_of(&places, id))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"people.csv\""),
    ];
    Ok((headers, file).into_response())
}

/// `GET /admin/users/{user_id}`
async fn show(State(app): State<App>, here: Here, manager: Manager, Path(id): Path<UserId>) -> Result<Response> {
    page(&app, &here, &manager, id, &Problems::default(), String::new()).await
}

/// The page of a person, also with what is wrong with a form of it, or with a link that is shown once.
async fn page(
    app: &App,
    here: &Here,
    manager: &Manager,
    id: UserId,
    problems: &Problems,
    link: String,
) -> Result<Response> {
    let scope = manager.scope();
    let mut tx = app.db.read(&scope).await?;
    let actor = queries::details(&mut tx, manager.id).await?.account;
    let person = queries::details(&mut tx, id).await?;
    if !person.account.is_known_to(&actor) {
        return Err(Error::NotFound);
    }
    let in_charge = rights::may_change_account(&actor, &person.account).is_ok();
    let log = queries::latest_about(&mut tx, id, 15).await?;
    drop(tx);
    let places = managed(app, manager).await?;
    let names = |id: i64| name_of(&places, id);
    let theirs = |facility: FacilityId| person.account.membership(facility);
    let sessions = if in_charge {
        session_rows(app, id, None).await?
    } else {
        vec![]
    };
    let now = app.db.clock.now();
    let others: Vec<_> = places
        .iter()
        .filter(|place| theirs(place.id).is_none())
        .cloned()
        .collect();
    let (state_word, state_tone) = match (person.account.disabled, person.last_seen_at) {
        (true, _) => (t!("Disabled"), "critical"),
        (_, None) => (t!("Never logged in"), ""),
        _ => (t!("Active"), "good"),
    };
    let title = person.name.clone();
    let layout = app.chrome.page(manager, here, &title, "admin/users").await?;
    let memberships = places.iter().filter_map(|place| {
        Some(MembershipRow {
            facility: place.id.0,
            name: place.name.clone(),
            roles: roles(theirs(place.id)?.as_str()),
        })
    });
    let of = |field: &str| problems.of(field).unwrap_or_default().to_owned();
    let page = UserPage {
        id: id.0,
        full_name: person.name.clone(),
        email: person.email.clone(),
        state_word,
        state_tone,
        seen_iso: person.last_seen_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
        seen: person
            .last_seen_at
            .map_or_else(|| t!("never").into(), |at| t!("{age} ago", age = age_label(now - at))),
        since: person.created_at.dated("%-d %B %Y"),
        oneself: id == manager.id,
        disabled: person.account.disabled,
        network_admin: person.account.network_admin,
        by_network: manager.network_admin,
        in_charge,
        by_mail: app.mail.is_on(),
        link,
        problem: if of("").is_empty() { of("facility") } else { of("") },
        name_problem: of("name"),
        memberships: memberships.collect(),
        others: if others.is_empty() {
            vec![]
        } else {
            facility_options(&others, "", t!("Choose a facility"))
        },
        new_roles: roles("viewer"),
        sessions,
        log: log
            .iter()
            .map(|one| LogRow {
                at_iso: one.at.to_rfc3339(),
                at: t!("{age} ago", age = age_label(now - one.at)),
                who: one.actor_name.clone(),
                words: log_words(one, id.0, &names),
            })
            .collect(),
        layout: &layout,
    };
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok((status, Html(page.render().map_err(anyhow::Error::from)?)).into_response())
}

/// What follows a change of somebody: their page with a notice, or with what was wrong.
async fn changed(
    app: &App,
    here: &Here,
    hx: Hx,
    manager: &Manager,
    id: UserId,
    outcome: Result<()>,
    done: Done,
) -> Result<Response> {
    match outcome {
        Ok(()) => {
            app.auth.forget(id);
            // whoever took away their own last right to see them is led to the list
            let gone = id == manager.id
                || app
                    .auth
                    .people
                    .find(id)
                    .await?
                    .is_none_or(|person| !knows(manager, &person));
            let url = if gone {
                "/admin/users".to_owned()
            } else {
                format!("/admin/users/{id}")
            };
            Ok(saved(hx, &url, done))
        }
        Err(Error::Invalid(problems)) => page(app, here, manager, id, &problems, String::new()).await,
        Err(error) => Err(error),
    }
}

fn knows(manager: &Manager, person: &crate::auth::Person) -> bool {
    manager.network_admin || person.memberships.iter().any(|one| manager.manages(one.facility))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NameForm {
    name: String,
}

/// `POST /admin/users/{user_id}`
async fn rename(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Path(id): Path<UserId>,
    Form(form): Form<NameForm>,
) -> Result<Response> {
    let outcome = commands::rename(&app.db, &manager, id, &form.name).await;
    changed(&app, &here, hx, &manager, id, outcome, Done::PersonSaved).await
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleForm {
    facility: String,
    /// empty takes the role away
    role: String,
}

/// `POST /admin/users/{user_id}/roles`: gives, changes or takes away a role in one facility.
async fn change_role(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Path(id): Path<UserId>,
    Form(form): Form<RoleForm>,
) -> Result<Response> {
    let outcome = match (form.facility.parse::<FacilityId>(), form.role.as_str()) {
        (Err(_), _) => Err(Error::invalid("facility", t!("Choose a facility."))),
        (Ok(facility), "") => commands::change_role(&app.db, &app.mail, &manager, id, facility, None).await,
        (Ok(facility), role) => match role.parse() {
            Ok(role) => commands::change_role(&app.db, &app.mail, &manager, id, facility, Some(role)).await,
            Err(_) => Err(Error::invalid("facility", t!("There is no such role."))),
        },
    };
    changed(&app, &here, hx, &manager, id, outcome, Done::RoleChanged).await
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkAdminForm {
    #[serde(default)]
    network_admin: bool,
}

/// `POST /admin/users/{user_id}/network-admin`
async fn change_network_admin(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Path(id): Path<UserId>,
    Form(form): Form<NetworkAdminForm>,
) -> Result<Response> {
    let outcome = commands::change_network_admin(&app.db, &app.mail, &manager, id, form.network_admin).await;
    changed(&app, &here, hx, &manager, id, outcome, Done::RoleChanged).await
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionForm {
    /// empty ends all of them
    #[serde(default)]
    session: String,
}

/// `POST /admin/users/{user_id}/sessions/end`
async fn end_sessions(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Path(id): Path<UserId>,
    Form(form): Form<SessionForm>,
) -> Result<Response> {
    let one = match form.session.as_str() {
        "" => None,
        name => Some(unhex(name).ok_or(Error::NotFound)?),
    };
    let outcome = commands::end_sessions(&app.db, &manager, id, one.as_deref()).await;
    changed(&app, &here, hx, &manager, id, outcome, Done::SessionsEnded).await
}

/// `POST /admin/users/{user_id}/password-link`: by mail, or shown once where there is none.
async fn send_link(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Path(id): Path<UserId>,
) -> Result<Response> {
    match passwords::commands::send(&app.db, &app.mail, &manager, id).await {
        Ok(token) if !app.mail.is_on() => {
            let link = app.mail.link(&format!("/password/reset/{}", token.reveal()));
            page(&app, &here, &manager, id, &Problems::default(), link).await
        }
        outcome => changed(&app, &here, hx, &manager, id, outcome.map(|_| ()), Done::LinkSent).await,
    }
}

/// `POST /admin/users/{user_id}/disabling`
async fn disable(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Path(id): Path<UserId>,
) -> Result<Response> {
    let outcome = commands::change_disabled(&app.db, &manager, id, true).await;
    changed(&app, &here, hx, &manager, id, outcome, Done::PersonDisabled).await
}

/// `POST /admin/users/{user_id}/enabling`
async fn enable(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Path(id): Path<UserId>,
) -> Result<Response> {
    let outcome = commands::change_disabled(&app.db, &manager, id, false).await;
    changed(&app, &here, hx, &manager, id, outcome, Done::PersonEnabled).await
}
