//! The addresses at which facilities are administered.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use chrono::NaiveDate;

use super::edit::{self, Tried};
use super::form::{self, BankForm, ExceptionForm, FacilityForm, WeekForm};
use super::list::{self, Filter};
use super::model::State as Wanted;
use super::queries::Listed;
use super::view::{ListPage, PlaceRow};
use super::{commands, map, queries};
use crate::app::App;
use crate::auth::{Access, FacilityAdmin, Manager, NetworkAdmin};
use crate::error::{Error, Problems, Result};
use crate::facilities::{Exception, FacilityKind};
use crate::text;
use crate::web::flash::Done;
use crate::web::{EmptyView, Form, Here, Hx, Layout, Routes, options, rejected, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/admin/facilities", Access::Manager, index)
        .post("/admin/facilities", Access::NetworkAdmin, create)
        .get("/admin/facilities/new", Access::NetworkAdmin, new)
        .get("/admin/facilities/{facility_id}", Access::FacilityAdmin, edit)
        .post("/admin/facilities/{facility_id}", Access::FacilityAdmin, update)
        .post("/admin/facilities/{facility_id}/banks", Access::FacilityAdmin, banks)
        .post("/admin/facilities/{facility_id}/hours", Access::FacilityAdmin, hours)
        .post(
            "/admin/facilities/{facility_id}/exceptions",
            Access::FacilityAdmin,
            exceptions,
        )
        .post(
            "/admin/facilities/{facility_id}/deactivation",
            Access::NetworkAdmin,
            deactivate,
        )
        .post(
            "/admin/facilities/{facility_id}/reactivation",
            Access::NetworkAdmin,
            reactivate,
        )
}

fn shown(page: &impl Template) -> Result<Response> {
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `GET /admin/facilities?q=…&state=inactive&view=tree`
async fn index(State(app): State<App>, here: Here, manager: Manager, Query(filter): Query<Filter>) -> Result<Response> {
    let layout = app
        .chrome
        .page(&manager.0, &here, t!("Facilities"), "admin/facilities")
        .await?;
    let all = queries::all(&app.db, &manager.scope()).await?;
    let matching: Vec<&Listed> = all.iter().filter(|one| filter.keeps(one)).collect();
    let (page, pages) = filter.page(&matching);
    let rows: Vec<(usize, &Listed)> = if filter.is_tree() {
        list::tree(&matching)
    } else {
        page.iter().map(|one| (0, *one)).collect()
    };
    let mut regions: Vec<&str> = all.iter().map(|one| one.region.as_str()).collect();
    regions.sort_unstable();
    regions.dedup();
    let inactive = all.iter().filter(|one| !one.active).count();
    shown(&ListPage {
        layout: &layout,
        summary: t!(
            "{active} active, {inactive} inactive",
            active = all.len() - inactive,
            inactive
        ),
        query: filter.q.clone(),
        kinds: options(
            std::iter::once(("", t!("All kinds")))
                .chain(FacilityKind::ALL.iter().map(|kind| (kind.as_str(), kind.label()))),
            &filter.kind,
        ),
        regions: options(
            std::iter::once(("", t!("All regions"))).chain(regions.into_iter().map(|region| (region, region))),
            &filter.region,
        ),
        states: options(
            Wanted::ALL.iter().map(|state| (state.as_str(), state.label())),
            filter.state().as_str(),
        ),
        tree: filter.is_tree(),
        list_href: filter.href("", ""),
        tree_href: filter.href("tree", ""),
        filtered: filter.narrows(),
        map: map::of_list(&matching).render(),
        rows: rows.into_iter().map(|(depth, one)| row(depth, one)).collect(),
        empty: matching.is_empty().then(|| empty(filter.narrows())),
        pages,
    })
}

fn row(depth: usize, one: &Listed) -> PlaceRow {
    PlaceRow {
        href: format!("/admin/facilities/{}", one.id),
        name: one.name.clone(),
        kind: one.kind.label().into(),
        region: one.region.clone(),
        zone: one.zone.as_str().into(),
        parent: one.parent_name.clone().unwrap_or_default(),
        banks: one.banks,
        people: one.people,
        active: one.active,
        depth: depth.min(6),
    }
}

fn empty(narrowed: bool) -> EmptyView {
    let (kind, title, text, label, href) = if narrowed {
        (
            "filter",
            t!("No facility fits"),
            t!("Others are hidden by the filter."),
            t!("Clear the filter"),
            "/admin/facilities",
        )
    } else {
        (
            "never",
            t!("No facility yet"),
            t!("An administrator of the network adds the first one."),
            "",
            "",
        )
    };
    EmptyView {
        kind: kind.into(),
        title: title.into(),
        text: text.into(),
        label: label.into(),
        href: href.into(),
    }
}

async fn layout_of(app: &App, person: &crate::auth::Person, here: &Here, title: &str) -> Result<Layout> {
    app.chrome.page(person, here, title, "admin/facilities").await
}

/// `GET /admin/facilities/new`
async fn new(State(app): State<App>, here: Here, NetworkAdmin(person): NetworkAdmin) -> Result<Response> {
    let layout = layout_of(&app, &person, &here, t!("Add a facility")).await?;
    let form = FacilityForm {
        count_hour: "7".into(),
        shares: "true".into(),
        bank: t!("Main bank").into(),
        ..FacilityForm::default()
    };
    shown(&edit::new_page(&app.db, &layout, form, Problems::default()).await?)
}

/// `POST /admin/facilities`
async fn create(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    NetworkAdmin(person): NetworkAdmin,
    Form(form): Form<FacilityForm>,
) -> Result<Response> {
    let layout = layout_of(&app, &person, &here, t!("Add a facility")).await?;
    if !form.show.is_empty() {
        return shown(&edit::new_page(&app.db, &layout, form, Problems::default()).await?);
    }
    let done = match (form.facts(), form.first_bank()) {
        (Ok(facts), Ok(bank)) => commands::add(&app.db, &person.actor(), &facts, &bank).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match done {
        Ok(id) => {
            app.chrome.forget();
            Ok(saved(hx, &format!("/admin/facilities/{id}"), Done::FacilityAdded))
        }
        Err(Error::Invalid(problems)) => rejected(&edit::new_page(&app.db, &layout, form, problems).await?),
        Err(error) => Err(error),
    }
}

/// `GET /admin/facilities/{facility_id}`
async fn edit(State(app): State<App>, here: Here, admin: FacilityAdmin) -> Result<Response> {
    let layout = layout_of(&app, &admin.person, &here, t!("Facility")).await?;
    shown(&edit::edit_page(&app.db, &layout, &admin.person, admin.facility, Tried::default()).await?)
}

/// What came of a command: on with a notice, or the page again with what was typed.
async fn answer(
    app: &App,
    hx: Hx,
    here: &Here,
    admin: &FacilityAdmin,
    done: Result<Done>,
    mut tried: Tried,
) -> Result<Response> {
    match done {
        Ok(done) => {
            app.chrome.forget();
            Ok(saved(hx, &format!("/admin/facilities/{}", admin.facility), done))
        }
        Err(Error::Invalid(problems)) => {
            tried.problems = problems;
            let layout = layout_of(app, &admin.person, here, t!("Facility")).await?;
            rejected(&edit::edit_page(&app.db, &layout, &admin.person, admin.facility, tried).await?)
        }
        Err(error) => Err(error),
    }
}

/// `POST /admin/facilities/{facility_id}`: kind and parent only change by the hand of a network administrator.
async fn update(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    admin: FacilityAdmin,
    Form(mut form): Form<FacilityForm>,
) -> Result<Response> {
    if !admin.person.network_admin {
        let mut tx = app.db.read(&admin.scope()).await?;
        let facts = queries::place(&mut tx, admin.facility).await?.facts;
        form.kind = facts.kind.as_str().into();
        form.parent = facts.parent.map(|id| id.to_string()).unwrap_or_default();
    }
    let tried = |form| Tried {
        form: Some(form),
        ..Tried::default()
    };
    if !form.show.is_empty() {
        let layout = layout_of(&app, &admin.person, &here, t!("Facility")).await?;
        return shown(&edit::edit_page(&app.db, &layout, &admin.person, admin.facility, tried(form)).await?);
    }
    let done = match form.facts() {
        Ok(facts) => commands::change(&app.db, admin.actor(), admin.facility, &facts).await,
        Err(error) => Err(error),
    };
    answer(&app, hx, &here, &admin, done.map(|()| Done::FacilitySaved), tried(form)).await
}

/// `POST /admin/facilities/{facility_id}/banks`: adds, renames or removes one.
async fn banks(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    admin: FacilityAdmin,
    Form(form): Form<BankForm>,
) -> Result<Response> {
    let bank = match form.bank.as_str() {
        "" => None,
        id => Some(id.parse::<i64>().map_err(|_| Error::NotFound)?),
    };
    let done = match (bank, form.remove.is_empty()) {
        (Some(bank), false) => commands::remove_bank(&app.db, admin.actor(), admin.facility, bank)
            .await
            .map(|()| Done::BankRemoved),
        (bank, _) => commands::save_bank(&app.db, admin.actor(), admin.facility, bank, &form.name)
            .await
            .map(|()| Done::BankSaved),
    };
    let tried = Tried {
        bank: Some(form),
        ..Tried::default()
    };
    answer(&app, hx, &here, &admin, done, tried).await
}

/// `POST /admin/facilities/{facility_id}/hours`
async fn hours(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    admin: FacilityAdmin,
    Form(form): Form<WeekForm>,
) -> Result<Response> {
    let done = match form.week() {
        Ok(week) => commands::set_week(&app.db, admin.actor(), admin.facility, &week).await,
        Err(error) => Err(error),
    };
    let tried = Tried {
        week: Some(form),
        ..Tried::default()
    };
    answer(&app, hx, &here, &admin, done.map(|()| Done::CalendarSaved), tried).await
}

/// `POST /admin/facilities/{facility_id}/exceptions`: sets one or takes it away.
async fn exceptions(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    admin: FacilityAdmin,
    Form(form): Form<ExceptionForm>,
) -> Result<Response> {
    let done = match exception(&form) {
        Ok((day, exception)) => {
            commands::set_exception(&app.db, admin.actor(), admin.facility, day, exception.as_ref()).await
        }
        Err(error) => Err(error),
    };
    let tried = Tried {
        exception: Some(form),
        ..Tried::default()
    };
    answer(&app, hx, &here, &admin, done.map(|()| Done::CalendarSaved), tried).await
}

fn exception(form: &ExceptionForm) -> Result<(NaiveDate, Option<Exception>)> {
    let mut problems = Problems::default();
    let day = form.day.parse::<NaiveDate>().ok().filter(|day| {
        use chrono::Datelike;
        (2000..=2199).contains(&day.year())
    });
    if day.is_none() {
        problems.add("exception-day", t!("Choose the date."));
    }
    if let Some(problem) = text::problem(&form.note, 120) {
        problems.add("exception-note", problem);
    }
    let hours = form::hours(&form.opens, &form.closes);
    if let Err(problem) = &hours {
        problems.add("exception-hours", problem.clone());
    }
    match (day, hours) {
        (Some(day), Ok(hours)) if problems.is_empty() => {
            let exception = Exception {
                hours,
                note: form.note.trim().into(),
            };
            Ok((day, form.remove.is_empty().then_some(exception)))
        }
        _ => Err(Error::Invalid(problems)),
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Confirmed {
    confirmed: String,
}

/// `POST /admin/facilities/{facility_id}/deactivation`
async fn deactivate(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    admin: FacilityAdmin,
    Form(form): Form<Confirmed>,
) -> Result<Response> {
    if !admin.person.network_admin {
        return Err(Error::Forbidden);
    }
    let done = if form.confirmed == "true" {
        commands::deactivate(&app.db, admin.actor(), admin.facility).await
    } else {
        Err(Error::invalid(
            "confirmed",
            t!("Confirm that nobody works there any more."),
        ))
    };
    answer(
        &app,
        hx,
        &here,
        &admin,
        done.map(|()| Done::FacilityDeactivated),
        Tried::default(),
    )
    .await
}

/// `POST /admin/facilities/{facility_id}/reactivation`
async fn reactivate(State(app): State<App>, hx: Hx, here: Here, admin: FacilityAdmin) -> Result<Response> {
    if !admin.person.network_admin {
        return Err(Error::Forbidden);
    }
    let done = commands::reactivate(&app.db, admin.actor(), admin.facility).await;
    answer(
        &app,
        hx,
        &here,
        &admin,
        done.map(|()| Done::FacilityReactivated),
        Tried::default(),
    )
    .await
}
