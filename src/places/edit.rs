//! The page of one facility, made from what is stored and what was typed.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::form::{BankForm, ExceptionForm, FacilityForm, WeekForm};
use super::map;
use super::model::ZoneDay;
use super::queries::{self, Listed, Place};
use super::view::{BankRow, DayView, EditPage, ExceptionRow, HistoryRow, Parts, WeekdayRow};
use crate::audit::Edit;
use crate::auth::Person;
use crate::clock::Zone;
use crate::db::{Db, Scope};
use crate::error::{Problems, Result};
use crate::facilities::{self, FacilityKind};
use crate::ids::FacilityId;
use crate::web::{Layout, OptionView, options};
use crate::words;
use crate::words::Dated;

const HISTORY: i64 = 30;

/// Whatever was typed in one of the page's forms and not taken; the others show what is stored.
#[derive(Default)]
pub struct Tried {
    pub form: Option<FacilityForm>,
    pub bank: Option<BankForm>,
    pub week: Option<WeekForm>,
    pub exception: Option<ExceptionForm>,
    pub problems: Problems,
}

/// The form of a facility that does not exist yet.
pub async fn new_page<'a>(db: &Db, layout: &'a Layout, form: FacilityForm, problems: Problems) -> Result<EditPage<'a>> {
    let all = queries::all(db, &Scope::All).await?;
    page(db.clock.now(), layout, None, &all, true, form, problems)
}

/// The page of a facility, active or not. The caller has checked the right to administer it.
pub async fn edit_page<'a>(
    db: &Db,
    layout: &'a Layout,
    person: &Person,
    id: FacilityId,
    tried: Tried,
) -> Result<EditPage<'a>> {
    let now = db.clock.now();
    let mut tx = db.read(&Scope::of(id)).await?;
    let place = queries::place(&mut tx, id).await?;
    let form = tried.form.unwrap_or_else(|| FacilityForm::of(&place.facts));
    let parts = parts(
        &mut tx,
        &place,
        now,
        tried.bank,
        tried.week,
        tried.exception,
        &tried.problems,
    )
    .await?;
    drop(tx);
    // whom one may name as parent and neighbour: the directory is common knowledge
    let all = queries::all(db, &Scope::All).await?;
    let mut page = page(
        now,
        layout,
        Some(&place),
        &all,
        person.network_admin,
        form,
        tried.problems,
    )?;
    page.parts = Some(parts);
    Ok(page)
}

fn page<'a>(
    now: DateTime<Utc>,
    layout: &'a Layout,
    place: Option<&Place>,
    all: &[Listed],
    network: bool,
    form: FacilityForm,
    problems: Problems,
) -> Result<EditPage<'a>> {
    let id = place.map(|place| place.id);
    let others: Vec<Listed> = all
        .iter()
        .filter(|one| Some(one.id) != id && one.active)
        .cloned()
        .collect();
    let parents = others.iter().map(|one| OptionView {
        value: one.id.to_string(),
        label: format!("{} · {}", one.name, one.region),
        selected: one.id.to_string() == form.parent,
    });
    let none = OptionView {
        value: String::new(),
        label: t!("None: it stands at the top").into(),
        selected: form.parent.is_empty(),
    };
    let hours: Vec<(String, String)> = (0..24)
        .map(|hour| (hour.to_string(), format!("{hour:02}:00")))
        .collect();
    let kinds = FacilityKind::ALL.iter().map(|kind| (kind.as_str(), kind.label()));
    Ok(EditPage {
        layout,
        id: id.map(|id| id.0),
        name: place.map_or_else(|| t!("Add a facility").into(), |place| place.facts.name.clone()),
        active: place.is_none_or(|place| place.active),
        network,
        kinds: options(std::iter::once(("", t!("Choose"))).chain(kinds), &form.kind),
        parents: std::iter::once(none).chain(parents).collect(),
        count_hours: options(
            hours.iter().map(|(value, label)| (value.as_str(), label.as_str())),
            &form.count_hour,
        ),
        zones: Zone::all().map(|zone| zone.as_str()).collect(),
        day: form.zone.trim().parse().ok().map(|zone| day_view(zone, now)),
        map: map::picker(&others, form.position(), form.show == "near").render(),
        form,
        problems,
        parts: None,
    })
}

fn day_view(zone: Zone, now: DateTime<Utc>) -> DayView {
    let day = ZoneDay::of(zone, now);
    let edge = |at: DateTime<Utc>| {
        t!(
            "{day} there, {format2} UTC",
            day = zone.wall(at).dated("%-d %b %H:%M"),
            format2 = at.dated("%-d %b %H:%M")
        )
    };
    let change = match day.change {
        Some((date, length)) => {
            let moved = if length < TimeDelta::hours(24) {
                "forward"
            } else {
                "back"
            };
            t!(
                "The clocks next go {moved} on {day}; that day has {hours}.",
                moved,
                day = date.dated("%-d %B %Y"),
                hours = hours(length)
            )
        }
        None => t!("The clocks do not change within the next year.").into(),
    };
    DayView {
        date: day.date.dated("%A %-d %B %Y"),
        starts: edge(day.starts),
        ends: edge(day.ends),
        length: hours(day.ends - day.starts),
        change,
    }
}

/// `24 hours`, `23 hours 30 minutes`
fn hours(length: TimeDelta) -> String {
    match (length.num_hours(), length.num_minutes() % 60) {
        (hours, 0) => t!("{hours} hours", hours),
        (hours, minutes) => t!("{hours} hours {minutes} minutes", hours, minutes),
    }
}

async fn parts(
    tx: &mut PgConnection,
    place: &Place,
    now: DateTime<Utc>,
    bank: Option<BankForm>,
    week: Option<WeekForm>,
    exception: Option<ExceptionForm>,
    problems: &Problems,
) -> Result<Parts> {
    let zone = place.facts.zone;
    let banks = queries::banks(tx, place.id).await?;
    let only = banks.len() == 1;
    let calendar = facilities::calendars(tx, Some(place.id))
        .await?
        .remove(&place.id)
        .unwrap_or_default();
    let week = week.unwrap_or_else(|| WeekForm::of(&calendar.week));
    let history = queries::history(tx, place.id, HISTORY).await?;
    let typed = |index: usize, all: &[String]| all.get(index).cloned().unwrap_or_default();
    let problem = |field: &str| problems.of(field).unwrap_or_default().to_owned();
    let bank_form = bank.unwrap_or_default();
    Ok(Parts {
        banks: banks
            .into_iter()
            .map(|one| {
                let tried = bank_form.bank == one.id.to_string();
                BankRow {
                    id: one.id,
                    removable: one.records == 0 && !only,
                    units: one.units,
                    problem: if tried { problem("bank-name") } else { String::new() },
                    name: if tried { bank_form.name.clone() } else { one.name },
                }
            })
            .collect(),
        bank_form,
        week: words::weekdays()
            .into_iter()
            .enumerate()
            .map(|(index, name)| WeekdayRow {
                name,
                number: index + 1,
                opens: typed(index, &week.opens),
                closes: typed(index, &week.closes),
                problem: problem(&format!("day-{}", index + 1)),
            })
            .collect(),
        exceptions: calendar
            .exceptions
            .iter()
            .map(|(day, exception)| ExceptionRow {
                day: day.to_string(),
                label: day.dated("%a %-d %b %Y"),
                hours: exception
                    .hours
                    .map_or_else(|| t!("closed").into(), |hours| hours.label()),
                note: exception.note.clone(),
            })
            .collect(),
        exception_form: exception.unwrap_or_default(),
        now: match calendar.at(zone, now) {
            Some(opening) if opening.open => t!("Open now, {detail}", detail = opening.detail),
            Some(opening) => t!("Closed now, {detail}", detail = opening.detail),
            None => t!("Nothing is set yet, so others see neither open nor closed.").into(),
        },
        unfinished: queries::unfinished(tx, place.id).await?.lines(),
        history: history.iter().map(|one| told(one, zone)).collect(),
    })
}

fn told(happened: &Edit, zone: Zone) -> HistoryRow {
    let name = happened.detail.get("name").and_then(Value::as_str).unwrap_or_default();
    let mut action = happened.action.clone();
    if let Some(first) = action.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    HistoryRow {
        sentence: format!("{action} {} {name}", happened.thing).trim().to_owned(),
        who: happened.who.clone(),
        at_iso: happened.at.to_rfc3339(),
        at: zone.wall(happened.at).dated("%-d %b %Y %H:%M"),
        changes: changes(happened),
    }
}

/// Field, before, after: of objects only the fields that differ.
fn changes(edit: &Edit) -> Vec<(String, String, String)> {
    let side = |side: &Option<Value>| side.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (side(&edit.before), side(&edit.after));
    let mut fields: Vec<&String> = before.keys().chain(after.keys()).collect();
    fields.sort();
    fields.dedup();
    fields
        .into_iter()
        .filter(|field| before.get(*field) != after.get(*field))
        .map(|field| {
            (
                field.replace('_', " "),
                words(before.get(field)),
                words(after.get(field)),
            )
        })
        .collect()
}

fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "none".into(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(on)) => if *on { "yes" } else { "no" }.into(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| words(Some(item)))
            .collect::<Vec<_>>()
            .join(", "),
        Some(Value::Object(fields)) => match (
            fields.get("opens").and_then(Value::as_i64),
            fields.get("closes").and_then(Value::as_i64),
        ) {
            (Some(opens), Some(closes)) => format!(
                "{} to {}",
                facilities::clock_label(opens as i16),
                facilities::clock_label(closes as i16)
            ),
            _ => Value::Object(fields.clone()).to_string(),
        },
        Some(other) => other.to_string(),
    }
}
