//! The page of the reference tables, and a form for each of their lines.

use std::str::FromStr;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::model::{Life, Reason, Target};
use super::view::{HistoryRow, LifeRow, ReasonRow, ReferencePage, TargetRow};
use super::{commands, queries};
use crate::app::App;
use crate::audit::Edit;
use crate::auth::{Access, NetworkAdmin, Person};
use crate::blood::Component;
use crate::db::Scope;
use crate::error::{Error, Problems, Result};
use crate::text;
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, Routes, rejected, saved};
use crate::words::Dated;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/admin/reference", Access::NetworkAdmin, index)
        .post("/admin/reference/lives", Access::NetworkAdmin, lives)
        .post("/admin/reference/targets", Access::NetworkAdmin, targets)
        .post("/admin/reference/reasons", Access::NetworkAdmin, reasons)
}

const HISTORY: i64 = 100;

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LifeForm {
    component: String,
    life: String,
    unit: String,
    storage: String,
    source: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TargetForm {
    kpi: String,
    component: String,
    target: String,
    source: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ReasonForm {
    code: String,
    label: String,
    place: String,
    active: String,
    source: String,
    new: String,
}

/// The line that was refused, as typed.
enum Tried {
    Life(LifeForm),
    Target(TargetForm),
    Reason(ReasonForm),
}

/// `GET /admin/reference`
async fn index(State(app): State<App>, here: Here, NetworkAdmin(person): NetworkAdmin) -> Result<Response> {
    let layout = layout(&app, &here, &person).await?;
    let page = page(&app, &layout, None).await?;
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `POST /admin/reference/lives`
async fn lives(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    NetworkAdmin(person): NetworkAdmin,
    Form(form): Form<LifeForm>,
) -> Result<Response> {
    let done = match form.life() {
        Ok(life) => commands::set_life(&app.db, &person.actor(), &life).await,
        Err(error) => Err(error),
    };
    answer(&app, hx, &here, &person, done, Tried::Life(form)).await
}

/// `POST /admin/reference/targets`
async fn targets(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    NetworkAdmin(person): NetworkAdmin,
    Form(form): Form<TargetForm>,
) -> Result<Response> {
    let done = match form.target() {
        Ok(target) => commands::set_target(&app.db, &person.actor(), &target).await,
        Err(error) => Err(error),
    };
    answer(&app, hx, &here, &person, done, Tried::Target(form)).await
}

/// `POST /admin/reference/reasons`
async fn reasons(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    NetworkAdmin(person): NetworkAdmin,
    Form(form): Form<ReasonForm>,
) -> Result<Response> {
    let done = match form.reason() {
        Ok(reason) => commands::save_reason(&app.db, &person.actor(), &reason, form.new == "true").await,
        Err(error) => Err(error),
    };
    answer(&app, hx, &here, &person, done, Tried::Reason(form)).await
}

async fn layout(app: &App, here: &Here, person: &Person) -> Result<Layout> {
    app.chrome
        .page(person, here, t!("Reference tables"), "admin/reference")
        .await
}

async fn answer(app: &App, hx: Hx, here: &Here, person: &Person, done: Result<()>, tried: Tried) -> Result<Response> {
    match done {
        Ok(()) => Ok(saved(hx, "/admin/reference", Done::ReferenceSaved)),
        Err(Error::Invalid(problems)) => {
            let layout = layout(app, here, person).await?;
            rejected(&page(app, &layout, Some((tried, problems))).await?)
        }
        Err(error) => Err(error),
    }
}

impl LifeForm {
    fn life(&self) -> Result<Life> {
        let component =
            Component::from_str(&self.component).map_err(|_| Error::invalid("component", t!("Choose a component.")))?;
        let life = self
            .life
            .trim()
            .parse::<i32>()
            .ok()
            .filter(|life| (1..=36_500).contains(life));
        let mut problems = Problems::default();
        if life.is_none() {
            problems.add("life", t!("A whole number from 1 to 36,500."));
        }
        let hours = match self.unit.as_str() {
            "hours" => true,
            "days" => false,
            _ => {
                problems.add("life", t!("Choose days or hours."));
                false
            }
        };
        required(&mut problems, "storage", &self.storage, t!("Say how it is stored."));
        required(&mut problems, "source", &self.source, t!("Name the source."));
        problems.check()?;
        Ok(Life {
            component,
            life_days: life.filter(|_| !hours),
            life_hours: life.filter(|_| hours),
            storage: self.storage.trim().into(),
            source: self.source.trim().into(),
        })
    }
}

impl TargetForm {
    fn target(&self) -> Result<Target> {
        let mut problems = Problems::default();
        let target = self
            .target
            .trim()
            .replace(',', ".")
            .parse::<f64>()
            .ok()
            .filter(|target| (0.0..=10_000.0).contains(target));
        if target.is_none() {
            problems.add("target", t!("A number from 0 to 10,000."));
        }
        required(&mut problems, "source", &self.source, t!("Name the source."));
        problems.check()?;
        Ok(Target {
            kpi: self.kpi.clone(),
            component: self.component.clone(),
            target: target.unwrap_or_default(),
            unit: String::new(),
            source: self.source.trim().into(),
        })
    }
}

impl ReasonForm {
    fn reason(&self) -> Result<Reason> {
        let mut problems = Problems::default();
        required(&mut problems, "code", &self.code, t!("Give a code."));
        if self.label.trim().chars().count() > 60 {
            problems.add("label", t!("Use at most 60 characters."));
        }
        required(
            &mut problems,
            "label",
            &self.label,
            t!("Give the words that people choose."),
        );
        let place = self
            .place
            .trim()
            .parse::<i32>()
            .ok()
            .filter(|place| (0..=10_000).contains(place));
        if place.is_none() {
            problems.add("place", t!("The order is a whole number from 0 to 10,000."));
        }
        if let Some(problem) = text::problem(&self.source, 120) {
            problems.add("source", problem);
        }
        problems.check()?;
        Ok(Reason {
            code: self.code.trim().into(),
            label: self.label.trim().into(),
            place: place.unwrap_or_default(),
            active: self.active == "true",
            built_in: false,
            source: self.source.trim().into(),
        })
    }
}

fn required(problems: &mut Problems, field: &str, text: &str, missing: &str) {
    if text.trim().is_empty() {
        problems.add(field, missing);
    } else if let Some(problem) = text::problem(text.trim(), 120) {
        problems.add(field, problem);
    }
}

async fn page<'a>(app: &App, layout: &'a Layout, refused: Option<(Tried, Problems)>) -> Result<ReferencePage<'a>> {
    let mut tx = app.db.read(&Scope::All).await?;
    let mut lives: Vec<LifeRow> = queries::lives(&mut *tx).await?.iter().map(life_row).collect();
    let mut targets: Vec<TargetRow> = queries::targets(&mut *tx).await?.iter().map(target_row).collect();
    let mut reasons: Vec<ReasonRow> = queries::reasons(&mut *tx).await?.iter().map(reason_row).collect();
    let mut new = ReasonRow {
        place: "100".into(),
        active: true,
        ..ReasonRow::default()
    };
    let is_refused = refused.is_some();
    if let Some((tried, problems)) = refused {
        let problem = problems.to_string();
        match tried {
            Tried::Life(form) => {
                if let Some(row) = lives.iter_mut().find(|row| row.component == form.component) {
                    (row.life, row.in_hours, row.storage) = (form.life, form.unit == "hours", form.storage);
                    (row.source, row.problem) = (form.source, problem);
                }
            }
            Tried::Target(form) => {
                let same = |row: &&mut TargetRow| row.kpi == form.kpi && row.component == form.component;
                if let Some(row) = targets.iter_mut().find(same) {
                    (row.target, row.source, row.problem) = (form.target, form.source, problem);
                }
            }
            Tried::Reason(form) => {
                let known = reasons
                    .iter_mut()
                    .find(|row| form.new != "true" && row.code == form.code);
                let row = known.unwrap_or(&mut new);
                (row.code, row.label, row.place) = (form.code, form.label, form.place);
                (row.active, row.source, row.problem) = (form.active == "true", form.source, problem);
            }
        }
    }
    let history = queries::history(&mut tx, HISTORY).await?.iter().map(told).collect();
    Ok(ReferencePage {
        layout,
        lives,
        targets,
        reasons,
        new,
        history,
        refused: is_refused,
    })
}

fn life_row(life: &Life) -> LifeRow {
    LifeRow {
        component: life.component.as_str().into(),
        name: life.component.label().into(),
        life: life.life_days.or(life.life_hours).unwrap_or_default().to_string(),
        in_hours: life.life_hours.is_some(),
        storage: life.storage.clone(),
        source: life.source.clone(),
        problem: String::new(),
    }
}

fn target_row(target: &Target) -> TargetRow {
    let of = match Component::from_str(&target.component) {
        Ok(component) => component.label(),
        Err(_) => t!("All components"),
    };
    TargetRow {
        kpi: target.kpi.clone(),
        component: target.component.clone(),
        name: target.name().into(),
        of: of.into(),
        target: target.target.to_string(),
        unit: target.unit.clone(),
        source: target.source.clone(),
        problem: String::new(),
    }
}

fn reason_row(reason: &Reason) -> ReasonRow {
    ReasonRow {
        code: reason.code.clone(),
        label: reason.label.clone(),
        place: reason.place.to_string(),
        active: reason.active,
        built_in: reason.built_in,
        source: reason.source.clone(),
        problem: String::new(),
    }
}

fn told(happened: &Edit) -> HistoryRow {
    let name = happened.detail.get("name").and_then(Value::as_str).unwrap_or_default();
    let before = happened.before.as_ref().and_then(Value::as_object);
    let after = happened.after.as_ref().and_then(Value::as_object);
    let words = |side: Option<&serde_json::Map<String, Value>>, field: &str| match side.and_then(|side| side.get(field))
    {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(on)) => if *on { "yes" } else { "no" }.to_owned(),
        Some(other) => other.to_string(),
    };
    let fields = after.into_iter().flat_map(|after| after.keys());
    HistoryRow {
        at_iso: happened.at.to_rfc3339(),
        at: t!("{day} UTC", day = happened.at.dated("%-d %b %Y %H:%M")),
        who: happened.who.clone(),
        what: format!("{} {} {name}", happened.thing, happened.action),
        changes: fields
            .filter(|field| before.and_then(|before| before.get(*field)) != after.and_then(|after| after.get(*field)))
            .map(|field| (field.replace('_', " "), words(before, field), words(after, field)))
            .collect(),
    }
}
