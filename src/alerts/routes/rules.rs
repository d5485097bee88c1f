//! Rules in the admin area: the list, and the form with a look at what it would find now.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};

use super::choice::{self, Beside};
use super::preview::{Preview, preview};
use super::rule_form::{Kind, RuleForm};
use crate::alerts::commands;
use crate::alerts::live::{Aggregate, NoData, Operation, Unit, Usual};
use crate::alerts::model::{Condition, PARTS, Rule, Severity};
use crate::alerts::queries;
use crate::alerts::view::tone;
use crate::app::App;
use crate::auth::Manager;
use crate::clock::age_label;
use crate::error::{Error, Result};
use crate::figures::Dimension;
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, OptionView, options, rejected, saved};
use crate::widgets::sources;

#[derive(Template)]
#[template(path = "alerts/rules.html")]
struct RulesPage {
    layout: Layout,
    rules: Vec<RuleView>,
}

struct RuleView {
    id: i64,
    name: String,
    tone: &'static str,
    severity: &'static str,
    summary: String,
    place: String,
    waits: String,
    enabled: bool,
}

#[derive(Template)]
#[template(path = "alerts/rule.html")]
struct RulePage {
    layout: Layout,
    /// none: a new one
    id: Option<i64>,
    built_in: bool,
    /// its condition in words, when the form cannot change it
    fixed: Option<String>,
    form: RuleForm,
    kind: Kind,
    facilities: Vec<OptionView>,
    severities: Vec<OptionView>,
    lists: Lists,
    beside: Beside,
    preview: Option<Preview>,
}

/// What may be chosen in the fields of conditions.
struct Lists {
    kinds: Vec<(Kind, bool)>,
    measures: Vec<OptionView>,
    parts: Vec<OptionView>,
    crossings: Vec<OptionView>,
    metrics: Vec<String>,
    aggregates: Vec<OptionView>,
    other_aggregates: Vec<OptionView>,
    usuals: Vec<OptionView>,
    units: Vec<OptionView>,
    operations: Vec<OptionView>,
    no_data: Vec<OptionView>,
}

impl Lists {
    fn of(form: &RuleForm, metrics: Vec<String>) -> Self {
        let measures: Vec<(String, String)> = sources()
            .measures()
            .filter(|one| one.by.contains(&Dimension::Facility))
            .map(|one| (one.name.to_string(), one.title.to_string()))
            .collect();
        let named = |measures: &[(String, String)]| {
            let pairs = measures.iter().map(|(name, title)| (name.as_str(), title.as_str()));
            options(pairs, &form.measure)
        };
        Lists {
            kinds: Kind::ALL.iter().map(|kind| (*kind, *kind == form.kind())).collect(),
            measures: named(&measures),
            parts: options(
                std::iter::once(("", t!("as a whole"))).chain(PARTS.iter().map(|one| (one.as_str(), one.label()))),
                &form.by,
            ),
            crossings: options([("above", t!("is above")), ("below", t!("is below"))], &form.crosses),
            metrics,
            aggregates: options(
                Aggregate::ALL.iter().map(|one| (one.as_str(), one.label())),
                &form.aggregate,
            ),
            other_aggregates: options(
                Aggregate::ALL.iter().map(|one| (one.as_str(), one.label())),
                &form.other_aggregate,
            ),
            usuals: options(Usual::ALL.iter().map(|one| (one.as_str(), one.label())), &form.usual),
            units: options(Unit::ALL.iter().map(|one| (one.as_str(), one.label())), &form.unit),
            operations: options(
                Operation::ALL.iter().map(|one| (one.as_str(), one.label())),
                &form.operation,
            ),
            no_data: options(NoData::ALL.iter().map(|one| (one.as_str(), one.label())), &form.no_data),
        }
    }
}

/// `GET /admin/alerts`
pub(super) async fn index(State(app): State<App>, here: Here, manager: Manager) -> Result<Response> {
    let mut tx = app.db.read(&manager.scope()).await?;
    let rules = queries::rules(&mut tx).await?;
    drop(tx);
    let layout = app
        .chrome
        .page(&manager, &here, t!("Alert rules"), "admin/alerts")
        .await?;
    let mut shown = Vec::with_capacity(rules.len());
    for rule in rules {
        let place = match rule.facility {
            None if rule.condition.is_of_installation() => t!("The installation").to_owned(),
            at => choice::place(&app, at).await,
        };
        let wait = chrono::TimeDelta::seconds(rule.hold.into());
        shown.push(RuleView {
            id: rule.id,
            summary: rule.condition.summary(),
            name: rule.name,
            tone: tone(rule.severity),
            severity: rule.severity.label(),
            place,
            waits: if rule.hold == 0 {
                t!("at once").into()
            } else {
                t!("after {age}", age = age_label(wait))
            },
            enabled: rule.enabled,
        });
    }
    let page = RulesPage { layout, rules: shown };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// What a new rule watches.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    kind: String,
}

/// `GET /admin/alerts/new?kind=level`
pub(super) async fn new(
    State(app): State<App>,
    here: Here,
    manager: Manager,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let kind = asked.kind.parse().unwrap_or(Kind::Figure);
    let page = page(&app, &here, &manager, None, RuleForm::usual(kind)).await?;
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `GET /admin/alerts/{rule_id}`
pub(super) async fn edit(
    State(app): State<App>,
    here: Here,
    manager: Manager,
    Path(id): Path<i64>,
) -> Result<Response> {
    let rule = find(&app, &manager, id).await?;
    let form = RuleForm::of(&rule);
    let page = page(&app, &here, &manager, Some(&rule), form).await?;
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `POST /admin/alerts`
pub(super) async fn create(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    manager: Manager,
    Form(form): Form<RuleForm>,
) -> Result<Response> {
    save(&app, hx, &here, &manager, None, form).await
}

/// `POST /admin/alerts/{rule_id}`
pub(super) async fn change(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    manager: Manager,
    Path(id): Path<i64>,
    Form(form): Form<RuleForm>,
) -> Result<Response> {
    let rule = find(&app, &manager, id).await?;
    save(&app, hx, &here, &manager, Some(&rule), form).await
}

/// `POST /admin/alerts/{rule_id}/removal`
pub(super) async fn remove(State(app): State<App>, hx: Hx, manager: Manager, Path(id): Path<i64>) -> Result<Response> {
    commands::remove_rule(&app.db, &manager, id).await?;
    Ok(saved(hx, "/admin/alerts", Done::RuleRemoved))
}

/// A rule that they may see; whether they may change it, the command decides.
async fn find(app: &App, manager: &Manager, id: i64) -> Result<Rule> {
    let mut tx = app.db.read(&manager.scope()).await?;
    let rules = queries::rules(&mut tx).await?;
    rules.into_iter().find(|rule| rule.id == id).ok_or(Error::NotFound)
}

/// The condition that the form cannot say.
fn fixed(rule: Option<&Rule>) -> Option<&Condition> {
    rule.map(|rule| &rule.condition)
        .filter(|condition| !matches!(condition, Condition::Figure { .. } | Condition::Live { .. }))
}

async fn save(
    app: &App,
    hx: Hx,
    here: &Here,
    manager: &Manager,
    rule: Option<&Rule>,
    form: RuleForm,
) -> Result<Response> {
    let read = form.rule(fixed(rule)).and_then(|new| new.check().map(|()| new));
    let done = match read {
        Ok(new) if !form.preview.is_empty() => {
            let preview = preview(app, manager, &new).await?;
            let mut page = page(app, here, manager, rule, form).await?;
            page.preview = Some(preview);
            return Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response());
        }
        Ok(new) => {
            let version = form.version.parse().unwrap_or(0);
            commands::save_rule(&app.db, manager, rule.map(|rule| (rule.id, version)), &new).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(saved(hx, "/admin/alerts", Done::RuleSaved)),
        Err(Error::Invalid(problems)) => {
            let mut page = page(app, here, manager, rule, form).await?;
            page.beside = Beside(Some(problems));
            rejected(&page)
        }
        Err(error) => Err(error),
    }
}

async fn page(app: &App, here: &Here, manager: &Manager, rule: Option<&Rule>, form: RuleForm) -> Result<RulePage> {
    let layout = app.chrome.page(manager, here, t!("Alert rule"), "admin/alerts").await?;
    let mut tx = app.db.read(&manager.scope()).await?;
    let metrics = queries::metrics(&mut tx).await?;
    drop(tx);
    Ok(RulePage {
        layout,
        id: rule.map(|rule| rule.id),
        built_in: rule.is_some_and(|rule| rule.built_in),
        fixed: fixed(rule).map(Condition::summary),
        kind: form.kind(),
        facilities: choice::facilities(app, manager, &form.facility).await?,
        severities: options(
            Severity::ALL.iter().map(|one| (one.as_str(), one.label())),
            &form.severity,
        ),
        lists: Lists::of(&form, metrics),
        form,
        beside: Beside::default(),
        preview: None,
    })
}
