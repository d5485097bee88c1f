//! Rules in the admin area: the list, and the form with a look at what it would find now.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};

use crate::alerts::commands;
use crate::alerts::model::{Condition, Crossing, NewRule, PARTS, Rule, Severity};
use crate::alerts::observe::{Place, broken};
use crate::alerts::queries;
use crate::alerts::view::tone;
use crate::app::App;
use crate::auth::Manager;
use crate::clock::age_label;
use crate::error::{Error, Problems, Result};
use crate::facilities;
use crate::figures::Dimension;
use crate::ids::FacilityId;
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
    facilities: Vec<OptionView>,
    severities: Vec<OptionView>,
    measures: Vec<OptionView>,
    parts: Vec<OptionView>,
    crossings: Vec<OptionView>,
    problems: Vec<(&'static str, String)>,
    preview: Option<Preview>,
}

impl RulePage {
    fn problem(&self, field: &str) -> &str {
        let found = self.problems.iter().find(|(name, _)| *name == field);
        found.map_or("", |(_, problem)| problem.as_str())
    }
}

/// What the rule finds at this moment.
struct Preview {
    count: usize,
    lines: Vec<String>,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RuleForm {
    version: String,
    facility: String,
    name: String,
    severity: String,
    measure: String,
    by: String,
    days: String,
    hours: String,
    crosses: String,
    value: String,
    /// minutes
    hold: String,
    /// minutes
    keep: String,
    enabled: String,
    /// pressed: only show what it would find
    preview: String,
}

const FIELDS: [&str; 13] = [
    "facility", "name", "severity", "measure", "by", "days", "hours", "crosses", "value", "hold", "keep", "enabled", "",
];

fn minutes(text: &str) -> Option<i32> {
    let minutes: i32 = match text.trim() {
        "" => 0,
        text => text.parse().ok()?,
    };
    minutes.checked_mul(60)
}

impl RuleForm {
    fn usual() -> Self {
        RuleForm {
            severity: Severity::Warning.as_str().into(),
            measure: "inventory.issuable".into(),
            crosses: Crossing::Below.as_str().into(),
            days: "1".into(),
            hours: "24".into(),
            hold: "5".into(),
            keep: "5".into(),
            enabled: "true".into(),
            ..RuleForm::default()
        }
    }

    fn of(rule: &Rule) -> Self {
        let mut form = RuleForm {
            version: rule.version.to_string(),
            facility: rule.facility.map(|id| id.to_string()).unwrap_or_default(),
            name: rule.name.clone(),
            severity: rule.severity.as_str().into(),
            hold: (rule.hold / 60).to_string(),
            keep: (rule.keep / 60).to_string(),
            enabled: if rule.enabled { "true".into() } else { String::new() },
            ..RuleForm::usual()
        };
        if let Condition::Figure {
            measure,
            by,
            days,
            hours,
            crosses,
            value,
        } = &rule.condition
        {
            form.measure = measure.clone();
            form.by = by.map(|by| by.as_str().to_owned()).unwrap_or_default();
            form.days = days.to_string();
            form.hours = hours.to_string();
            form.crosses = crosses.as_str().into();
            form.value = value.to_string();
        }
        form
    }

    /// `fixed`: the condition of a rule that has another kind.
    fn rule(&self, fixed: Option<&Condition>) -> Result<NewRule> {
        let mut problems = Problems::default();
        let facility = match self.facility.trim() {
            "" => None,
            id => id.parse().map(|id| Some(FacilityId(id))).unwrap_or_else(|_| {
                problems.add("facility", t!("Choose one of your facilities."));
                None
            }),
        };
        let value = self.value.trim().parse::<f64>();
        if value.is_err() && fixed.is_none() {
            problems.add("value", t!("Type a number."));
        }
        let (hold, keep) = (minutes(&self.hold), minutes(&self.keep));
        for (field, minutes) in [("hold", hold), ("keep", keep)] {
            if minutes.is_none() {
                problems.add(field, t!("Type whole minutes."));
            }
        }
        let condition = match fixed {
            Some(fixed) => fixed.clone(),
            None => Condition::Figure {
                measure: self.measure.clone(),
                by: self.by.parse::<Dimension>().ok(),
                days: self.days.trim().parse().unwrap_or(0),
                hours: self.hours.trim().parse().unwrap_or(0),
                crosses: self.crosses.parse().unwrap_or(Crossing::Above),
                value: value.unwrap_or(f64::NAN),
            },
        };
        problems.check()?;
        Ok(NewRule {
            facility,
            name: self.name.clone(),
            severity: self
                .severity
                .parse()
                .map_err(|_| Error::invalid("severity", t!("Choose one of these.")))?,
            condition,
            hold: hold.unwrap_or_default(),
            keep: keep.unwrap_or_default(),
            enabled: self.enabled == "true",
        })
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
            None => t!("Every facility").to_owned(),
            Some(id) => app
                .chrome
                .facility(id)
                .await
                .map_or_else(|_| String::new(), |one| one.name.clone()),
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

/// `GET /admin/alerts/new`
pub(super) async fn new(State(app): State<App>, here: Here, manager: Manager) -> Result<Response> {
    let page = page(&app, &here, &manager, None, RuleForm::usual()).await?;
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
        .filter(|condition| !matches!(condition, Condition::Figure { .. }))
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
            page.problems = FIELDS
                .into_iter()
                .filter_map(|field| problems.of(field).map(|problem| (field, problem.to_owned())))
                .collect();
            rejected(&page)
        }
        Err(error) => Err(error),
    }
}

async fn preview(app: &App, manager: &Manager, new: &NewRule) -> Result<Preview> {
    let mine = facilities::of_person(app.db.unscoped(), manager).await?;
    let here = mine
        .iter()
        .filter(|one| manager.manages(one.id) && new.facility.is_none_or(|facility| facility == one.id));
    let places: Vec<Place> = here
        .map(|one| Place {
            facility: one.id,
            zone: one.zone,
        })
        .collect();
    let mut tx = app.db.read(&manager.scope()).await?;
    let found = broken(&mut tx, &new.condition, &places).await?;
    let name = |id: Option<FacilityId>| {
        mine.iter()
            .find(|one| Some(one.id) == id)
            .map_or("", |one| one.name.as_str())
    };
    Ok(Preview {
        count: found.len(),
        lines: found
            .iter()
            .take(10)
            .map(|one| {
                format!(
                    "{}: {}",
                    name(one.facility),
                    new.condition.words(&one.labels, one.value)
                )
            })
            .collect(),
    })
}

async fn page(app: &App, here: &Here, manager: &Manager, rule: Option<&Rule>, form: RuleForm) -> Result<RulePage> {
    let layout = app.chrome.page(manager, here, t!("Alert rule"), "admin/alerts").await?;
    let mine = facilities::of_person(app.db.unscoped(), manager).await?;
    let mut places = Vec::new();
    if manager.network_admin {
        places.push(OptionView {
            value: String::new(),
            label: t!("Every facility").into(),
            selected: form.facility.is_empty(),
        });
    }
    places.extend(
        mine.into_iter()
            .filter(|one| manager.manages(one.id))
            .map(|one| OptionView {
                selected: form.facility == one.id.to_string(),
                value: one.id.to_string(),
                label: one.name,
            }),
    );
    let measures: Vec<(String, String)> = sources()
        .measures()
        .filter(|one| one.by.contains(&Dimension::Facility))
        .map(|one| (one.name.to_string(), one.title.to_string()))
        .collect();
    Ok(RulePage {
        layout,
        id: rule.map(|rule| rule.id),
        built_in: rule.is_some_and(|rule| rule.built_in),
        fixed: fixed(rule).map(Condition::summary),
        facilities: places,
        severities: options(
            Severity::ALL.iter().map(|one| (one.as_str(), one.label())),
            &form.severity,
        ),
        measures: options(
            measures.iter().map(|(name, title)| (name.as_str(), title.as_str())),
            &form.measure,
        ),
        parts: options(
            std::iter::once(("", t!("as a whole"))).chain(PARTS.iter().map(|one| (one.as_str(), one.label()))),
            &form.by,
        ),
        crossings: options([("above", t!("is above")), ("below", t!("is below"))], &form.crosses),
        form,
        problems: Vec::new(),
        preview: None,
    })
}
