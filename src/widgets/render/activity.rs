//! What happened lately, newest first.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Plain, rendered};
use crate::audit::{self, Happened};
use crate::blood::{BloodGroup, Component};
use crate::charts::units;
use crate::clock::local_day;
use crate::error::Result;
use crate::web::EmptyView;
use crate::widgets::view::{ActivityFragment, ActivityRow, ActivityView};
use crate::widgets::{Context, SeesRows};
use crate::words::Dated;

const ROWS: u16 = 14;

pub(super) async fn html(tx: &mut PgConnection, plain: &Plain<'_>, _: SeesRows) -> Result<String> {
    let context = plain.context;
    let limit = plain.widget.options.limit.unwrap_or(ROWS);
    let happened = audit::latest_of(tx, &context.ids(), limit.into()).await?;
    let mut frame = plain.frame(plain.title(), context.now);
    frame.empty = happened.is_empty().then(|| EmptyView {
        kind: "never".into(),
        title: t!("Nothing has happened yet").into(),
        text: t!("Every change here, and who made it, appears in this list.").into(),
        label: String::new(),
        href: String::new(),
    });
    let rows = happened.iter().map(|one| row(one, context)).collect();
    rendered(&ActivityFragment {
        activity: &ActivityView { frame, rows },
    })
}

fn row(one: &Happened, context: &Context) -> ActivityRow {
    let (icon, tone) = look_of(one);
    ActivityRow {
        id: one.id,
        icon: icon.into(),
        tone: tone.into(),
        sentence: sentence(one),
        href: address(one),
        who: one.who.clone(),
        at_iso: one.at.to_rfc3339(),
        at: when(context, one.at),
    }
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
        "board" => t!("a board"),
        _ => t!("stock"),
    };
    let mut text = match happened.detail.get("quantity").and_then(serde_json::Value::as_i64) {
        Some(quantity) if happened.thing == "unit" => t!("{verb} {units}", verb, units = units(quantity)),
        Some(quantity) => t!("{verb} {thing}: {units}", verb, thing, units = units(quantity)),
        None => t!("{verb} {thing}", verb, thing),
    };
    if let Some(component) = component {
        text.push(' ');
        text.push_str(&component.to_lowercase());
    }
    if let Some(group) = group {
        text.push(' ');
        text.push_str(group);
    }
    text
}

fn address(happened: &Happened) -> String {
    let facility = happened.seen_from;
    match (happened.thing.as_str(), happened.thing_id) {
        ("unit", Some(id)) => format!("/facilities/{facility}/inventory/{id}"),
        ("request", Some(id)) => format!("/facilities/{facility}/requests/{id}"),
        ("distribution", Some(id)) => format!("/facilities/{facility}/distributions/{id}"),
        ("board", Some(id)) => format!("/boards/{id}"),
        _ => format!("/facilities/{facility}/inventory"),
    }
}

/// `15:30` today, `23 Nov 15:30` on any other day; the board's zone.
fn when(context: &Context, at: DateTime<Utc>) -> String {
    let wall = context.zone.wall(at);
    match local_day(context.zone, at) == context.today {
        true => wall.dated("%H:%M"),
        false => wall.dated("%-d %b %H:%M"),
    }
}
