//! Alerts as people see them, and what they do about one.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use chrono::TimeDelta;

use crate::alerts::commands::{self, NewSilence};
use crate::alerts::model::Labels;
use crate::alerts::queries;
use crate::alerts::view::{AlertView, PastView, SilenceView};
use crate::app::App;
use crate::auth::{CurrentUser, Editor, Onlooker, Person, Viewer};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, OptionView, options, rejected, saved};

/// Alerts on a page; more are a network in trouble, and the worst come first.
const MOST: i64 = 200;
const PAST: i64 = 50;

#[derive(Template)]
#[template(path = "alerts/index.html")]
struct AlertsPage {
    layout: Layout,
    alerts: Vec<AlertView>,
    /// of many facilities, so each line says which
    everywhere: bool,
    summary: String,
}

#[derive(Template)]
#[template(path = "alerts/facility.html")]
struct FacilityPage {
    layout: Layout,
    facility_id: i64,
    alerts: Vec<AlertView>,
    everywhere: bool,
    summary: String,
    silences: Vec<SilenceView>,
    past: Vec<PastView>,
    older: Option<String>,
    form: SilenceForm,
    rules: Vec<OptionView>,
    spans: Vec<OptionView>,
    problems: Vec<(&'static str, String)>,
}

impl FacilityPage {
    fn problem(&self, field: &str) -> &str {
        let found = self.problems.iter().find(|(name, _)| *name == field);
        found.map_or("", |(_, problem)| problem.as_str())
    }
}

#[derive(Template)]
#[template(path = "alerts/_bell.html")]
struct BellFragment {
    all: i64,
    critical: i64,
    href: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Older {
    before: Option<i64>,
    /// what the form to silence begins with
    rule: String,
    labels: String,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SilenceForm {
    rule: String,
    labels: String,
    hours: String,
    reason: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Note {
    note: String,
}

/// What a person may see alerts of.
fn scope_of(person: &Person) -> Scope {
    if person.network_admin {
        return Scope::All;
    }
    Scope::Facilities(person.memberships.iter().map(|one| one.facility).collect())
}

fn summary(alerts: &[AlertView]) -> String {
    let open = alerts.iter().filter(|one| one.open).count();
    match (alerts.len(), open) {
        (0, _) => t!("Everything is in order.").into(),
        (all, 0) => n!(
            "{n} in all; somebody takes care of it.",
            "{n} in all; somebody takes care of each.",
            all as i64
        ),
        (_, 1) => t!("One waits for somebody to take it on.").into(),
        (_, open) => n!(
            "{n} waits for somebody to take it on.",
            "{n} wait for somebody to take them on.",
            open as i64
        ),
    }
}

/// `GET /alerts`
pub(super) async fn everywhere(State(app): State<App>, here: Here, person: CurrentUser) -> Result<Response> {
    let mut tx = app.db.read(&scope_of(&person)).await?;
    let shown = queries::shown(&mut tx, None, MOST).await?;
    let now = app.db.clock.now();
    let alerts: Vec<AlertView> = shown.iter().map(|one| AlertView::of(one, now)).collect();
    let mut layout = app.chrome.page(&person, &here, t!("Alerts"), "alerts").await?;
    layout.events_url = Some("/network/events".into());
    let page = AlertsPage {
        layout,
        summary: summary(&alerts),
        alerts,
        everywhere: true,
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `GET /alerts/bell`: how many wait, for the bar of every page, which asks again when it is told of a change.
pub(super) async fn bell(State(app): State<App>, Onlooker(person): Onlooker) -> Result<Response> {
    let mut tx = app.db.read(&scope_of(&person)).await?;
    let (critical, all) = queries::open(&mut tx).await?;
    let href = match (&person.memberships[..], person.network_admin) {
        ([one], false) => format!("/facilities/{}/alerts", one.facility),
        _ => "/alerts".into(),
    };
    let bell = BellFragment { all, critical, href };
    Ok(Html(bell.render().map_err(anyhow::Error::from)?).into_response())
}

/// `GET /facilities/{facility_id}/alerts`
pub(super) async fn of_facility(
    State(app): State<App>,
    here: Here,
    viewer: Viewer,
    Query(older): Query<Older>,
) -> Result<Response> {
    let form = SilenceForm {
        rule: older.rule.clone(),
        labels: older.labels.clone(),
        hours: "4".into(),
        reason: String::new(),
    };
    let page = page(&app, &here, &viewer, older.before, form).await?;
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

async fn page(app: &App, here: &Here, viewer: &Viewer, before: Option<i64>, form: SilenceForm) -> Result<FacilityPage> {
    let facility = app.chrome.facility(viewer.facility).await?;
    let now = app.db.clock.now();
    let mut tx = app.db.read(&viewer.scope()).await?;
    let shown = queries::shown(&mut tx, Some(viewer.facility), MOST).await?;
    let silences = queries::silences(&mut tx, viewer.facility).await?;
    let past = queries::history(&mut tx, viewer.facility, before, PAST + 1).await?;
    let rules = queries::rules(&mut tx).await?;
    drop(tx);
    let alerts: Vec<AlertView> = shown.iter().map(|one| AlertView::of(one, now)).collect();
    let older = past
        .get(PAST as usize - 1)
        .filter(|_| past.len() as i64 > PAST)
        .map(|last| format!("/facilities/{}/alerts?before={}", viewer.facility, last.id));
    let layout = app.chrome.facility_page(viewer, here, t!("Alerts"), "alerts").await?;
    let mut choices = vec![OptionView {
        value: String::new(),
        label: t!("Every rule").into(),
        selected: form.rule.is_empty(),
    }];
    choices.extend(
        rules
            .iter()
            .filter(|rule| {
                !rule.condition.is_of_installation() && rule.facility.is_none_or(|one| one == viewer.facility)
            })
            .map(|rule| OptionView {
                value: rule.id.to_string(),
                label: rule.name.clone(),
                selected: form.rule == rule.id.to_string(),
            }),
    );
    Ok(FacilityPage {
        layout: layout.following(),
        facility_id: viewer.facility.0,
        summary: summary(&alerts),
        alerts,
        everywhere: false,
        silences: silences.iter().map(|one| SilenceView::of(one, facility.zone)).collect(),
        past: past
            .iter()
            .take(PAST as usize)
            .map(|one| PastView::of(one, facility.zone))
            .collect(),
        older,
        rules: choices,
        spans: options(
            [
                ("1", t!("1 hour")),
                ("4", t!("4 hours")),
                ("24", t!("1 day")),
                ("168", t!("1 week")),
            ],
            &form.hours,
        ),
        form,
        problems: Vec::new(),
    })
}

/// `POST /facilities/{facility_id}/alerts/{alert_id}/acknowledgement`
pub(super) async fn acknowledge(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    Path((_, alert)): Path<(i64, i64)>,
    Form(form): Form<Note>,
) -> Result<Response> {
    commands::acknowledge(&app.db, &editor, alert, &form.note).await?;
    Ok(saved(
        hx,
        &format!("/facilities/{}/alerts", editor.facility),
        Done::AlertTakenOn,
    ))
}

/// `POST /facilities/{facility_id}/silences`
pub(super) async fn silence(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    editor: Editor,
    Form(form): Form<SilenceForm>,
) -> Result<Response> {
    let new = NewSilence {
        rule: Some(form.rule.trim())
            .filter(|rule| !rule.is_empty())
            .map(|rule| rule.parse().unwrap_or(-1)),
        labels: read_labels(&form.labels),
        until: form
            .hours
            .parse::<i64>()
            .ok()
            .filter(|hours| (1..=744).contains(hours))
            .map(|hours| app.db.clock.now() + TimeDelta::hours(hours)),
        reason: form.reason.clone(),
    };
    match commands::silence(&app.db, &editor, &new).await {
        Ok(()) => Ok(saved(
            hx,
            &format!("/facilities/{}/alerts", editor.facility),
            Done::AlertsSilenced,
        )),
        Err(Error::Invalid(problems)) => {
            let mut page = page(&app, &here, &editor, None, form).await?;
            page.problems = ["rule", "labels", "until", "reason", ""]
                .into_iter()
                .filter_map(|field| problems.of(field).map(|problem| (field, problem.to_owned())))
                .collect();
            rejected(&page)
        }
        Err(error) => Err(error),
    }
}

/// `component=red_cells, blood_group=O-`; what has no `=` is passed over.
fn read_labels(text: &str) -> Labels {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .take(10)
        .collect()
}

/// `POST /facilities/{facility_id}/silences/{silence_id}/end`
pub(super) async fn end_silence(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    Path((_, silence)): Path<(i64, i64)>,
) -> Result<Response> {
    commands::end_silence(&app.db, &editor, silence).await?;
    Ok(saved(
        hx,
        &format!("/facilities/{}/alerts", editor.facility),
        Done::SilenceEnded,
    ))
}
