//! The lists of a board: requests that wait for this facility, units that expire soon, what happened lately.

use sqlx::PgConnection;

use super::builtin::Look;
use super::tiles::SOON_HOURS;
use super::view::*;
use crate::audit::{self, Happened};
use crate::blood::{BloodGroup, Component};
use crate::charts::{full, units};
use crate::clock::{age_label, local_day};
use crate::error::{Error, Result};
use crate::inventory::{self, Unit};
use crate::requests::{self, RejectView, Urgency};
use crate::web::{EmptyView, LinkView};
use crate::words::Dated;

/// Rows that a list of the board shows; the page behind it shows all.
const ROWS: usize = 8;
const HAPPENED: i64 = 14;

pub async fn queue(tx: &mut PgConnection, look: &Look<'_>) -> Result<QueueView> {
    let id = look.facility.id;
    let filter = requests::Filter::waiting();
    let total = requests::queries::total(tx, id, &filter).await? as usize;
    let waiting = requests::queries::queue(tx, id, ROWS as i64).await?;
    let mut frame = look.frame("queue", t!("Requests to answer"), Some(filter.href(id)));
    frame.note = if total > 0 {
        t!("{value} waiting", value = full(total as f64))
    } else {
        String::new()
    };
    frame.empty = waiting.is_empty().then(|| EmptyView {
        kind: "range".into(),
        title: t!("Nothing to answer").into(),
        text: t!("No other facility waits for this one. New requests appear here by themselves.").into(),
        label: String::new(),
        href: String::new(),
    });
    let rows = waiting
        .into_iter()
        .map(|request| {
            let (needed_by, overdue) = match request.needed_by {
                Some(by) if by <= look.now => (t!("{age} overdue", age = age_label(look.now - by)), true),
                Some(by) => (t!("by {time}", time = when(look, by)), false),
                None => (String::new(), false),
            };
            QueueRow {
                reject: RejectView::new(&request, id),
                id: request.id.0,
                href: format!("/facilities/{id}/requests/{}", request.id),
                quantity: full(f64::from(request.quantity)),
                group: request.group.label().into(),
                component: request.component.label().into(),
                from: request.facility_name,
                urgency: request.urgency.as_str().into(),
                urgency_word: request.urgency.label().into(),
                tone: match request.urgency {
                    Urgency::Emergency => "solid",
                    Urgency::Urgent => "serious",
                    Urgency::Routine => "",
                }
                .into(),
                needed_by,
                overdue,
                raised_iso: request.created_at.to_rfc3339(),
                age: t!("{age} ago", age = age_label(look.now - request.created_at)),
            }
        })
        .collect();
    Ok(QueueView {
        frame,
        rows,
        more: more(total, filter.href(id), "requests"),
    })
}

pub async fn soon(tx: &mut PgConnection, look: &Look<'_>) -> Result<SoonView> {
    let id = look.facility.id;
    let filter = inventory::Filter::expiring_within(SOON_HOURS);
    let totals = inventory::queries::totals(tx, id, &filter).await?;
    let mut units = inventory::queries::page(tx, id, &filter, None).await?;
    units.truncate(ROWS);
    let mut frame = look.frame("soon", t!("Expiring soon"), Some(filter.href(id)));
    frame.empty = units.is_empty().then(|| EmptyView {
        kind: "range".into(),
        title: t!("Nothing expires soon").into(),
        text: t!("No issuable unit expires within {SOON_HOURS} hours.", SOON_HOURS),
        label: String::new(),
        href: String::new(),
    });
    let rows = units.iter().map(|unit| soon_row(look, unit)).collect();
    Ok(SoonView {
        frame,
        rows,
        more: more(totals.rows as usize, filter.href(id), "rows"),
    })
}

fn soon_row(look: &Look<'_>, unit: &Unit) -> SoonRow {
    let day = local_day(look.facility.zone, unit.expires_at);
    let (phase, word) = match (day - look.today).num_days() {
        ..=0 => ("critical", t!("Today")),
        1 => ("low", t!("Tomorrow")),
        _ => ("watch", t!("Soon")),
    };
    SoonRow {
        id: unit.id.0,
        href: unit.href(look.facility.id),
        number: unit.name(),
        group: unit.group.label().into(),
        component: unit.component.label().into(),
        quantity: full(f64::from(unit.quantity)),
        expires_iso: unit.expires_at.to_rfc3339(),
        expires_at: when(look, unit.expires_at),
        expires_in: age_label(unit.life_left(look.now)),
        phase: phase.into(),
        word: word.into(),
    }
}

pub async fn activity(tx: &mut PgConnection, look: &Look<'_>) -> Result<ActivityView> {
    let id = look.facility.id;
    let happened = audit::latest(tx, id, HAPPENED).await?;
    let mut frame = look.frame("activity", t!("Activity"), None);
    frame.empty = happened.is_empty().then(|| EmptyView {
        kind: "never".into(),
        title: t!("Nothing has happened yet").into(),
        text: t!("Every change here, and who made it, appears in this list.").into(),
        label: String::new(),
        href: String::new(),
    });
    let rows = happened
        .into_iter()
        .map(|one| {
            let (icon, tone) = look_of(&one);
            ActivityRow {
                id: one.id,
                icon: icon.into(),
                tone: tone.into(),
                sentence: sentence(&one),
                href: address(look, &one),
                who: one.who.clone(),
                at_iso: one.at.to_rfc3339(),
                at: when(look, one.at),
            }
        })
        .collect();
    Ok(ActivityView { frame, rows })
}

fn look_of(happened: &Happened) -> (&'static str, &'static str) {
    match (happened.thing.as_str(), happened.action.as_str()) {
        (_, "discarded" | "expired") => ("x", "serious"),
        (_, "rejected" | "cancelled") => ("x", ""),
        ("distribution", _) => ("truck", ""),
        ("request", "raised") => ("inbox", if happened.urgent() { "critical" } else { "" }),
        ("request", _) => ("check", "good"),
        (_, "received") => ("package", "good"),
        (_, "issued") => ("droplet", ""),
        _ => ("info", ""),
    }
}

/// `Received 20 units of red cells O+`: the verb, then what of it is known.
fn sentence(happened: &Happened) -> String {
    let verb = happened.deed();
    let of = |key: &str| happened.detail.get(key).and_then(|value| value.as_str());
    let group = of("group")
        .and_then(|text| text.parse::<BloodGroup>().ok())
        .map(BloodGroup::label);
    let component = of("component")
        .and_then(|text| text.parse::<Component>().ok())
        .map(Component::label);
    let thing = match happened.thing.as_str() {
        "request" => t!("a request"),
        "distribution" => t!("a transfer"),
        "facility" => t!("the facility"),
        "blood bank" => t!("a blood bank"),
        "board" => t!("a board"),
        "calendar" => t!("the working calendar"),
        "stock levels" => t!("stock levels"),
        _ => t!("stock"),
    };
    let mut text = match happened.detail.get("quantity").and_then(serde_json::Value::as_i64) {
        Some(quantity) if happened.thing == "unit" => t!("{verb} {units}", verb, units = units(quantity)),
        Some(quantity) => t!("{verb} {thing}: {units}", verb, thing, units = units(quantity)),
        None => t!("{verb} {thing}", verb, thing),
    };
    for part in [component, group].into_iter().flatten() {
        text.push(' ');
        text.push_str(&if part.chars().all(|c| c.is_uppercase() || !c.is_alphabetic()) {
            part.to_owned()
        } else {
            part.to_lowercase()
        });
    }
    text
}

fn address(look: &Look<'_>, happened: &Happened) -> String {
    let facility = look.facility.id;
    match (happened.thing.as_str(), happened.thing_id) {
        ("unit", Some(id)) => format!("/facilities/{facility}/inventory/{id}"),
        ("request", Some(id)) => format!("/facilities/{facility}/requests/{id}"),
        ("distribution", Some(id)) => format!("/facilities/{facility}/distributions/{id}"),
        ("board", Some(id)) => format!("/boards/{id}"),
        ("facility" | "blood bank" | "calendar" | "stock levels", _) => format!("/facilities/{facility}"),
        _ => format!("/facilities/{facility}/inventory"),
    }
}

/// `15:30` today, `23 Nov 15:30` on any other day; the facility's time.
fn when(look: &Look<'_>, at: chrono::DateTime<chrono::Utc>) -> String {
    let wall = look.facility.zone.wall(at);
    match local_day(look.facility.zone, at) == look.today {
        true => wall.dated("%H:%M"),
        false => wall.dated("%-d %b %H:%M"),
    }
}

fn more(total: usize, href: String, of: &str) -> Option<LinkView> {
    (total > ROWS).then(|| LinkView {
        value: t!("All {value} {of}", value = full(total as f64), of),
        href,
    })
}

pub fn queue_failed(look: &Look<'_>, error: &Error) -> QueueView {
    QueueView {
        frame: look.failed("queue", t!("Requests to answer"), error),
        ..QueueView::default()
    }
}

pub fn soon_failed(look: &Look<'_>, error: &Error) -> SoonView {
    SoonView {
        frame: look.failed("soon", t!("Expiring soon"), error),
        ..SoonView::default()
    }
}

pub fn activity_failed(look: &Look<'_>, error: &Error) -> ActivityView {
    ActivityView {
        frame: look.failed("activity", t!("Activity"), error),
        ..ActivityView::default()
    }
}
