//! People as their administrators' pages show them. A problem is a sentence, or empty when all is well.

use askama::Template;
use chrono::{DateTime, Utc};

use super::queries::{Listed, Logged, State};
use crate::auth::Role;
use crate::clock::age_label;
use crate::users::view::SessionRow;
use crate::web::{EmptyView, Layout, OptionView, PagesView};

/// A line of the list.
#[derive(Clone, Debug)]
pub struct PersonRow {
    pub href: String,
    pub name: String,
    pub email: String,
    /// `Lakeside: Staff`
    pub roles: Vec<String>,
    /// how many more there are
    pub more: usize,
    pub state_word: &'static str,
    pub state_tone: &'static str,
    /// empty when they were never here
    pub seen_iso: String,
    pub seen: String,
}

/// Roles shown in a line of the list.
const SHOWN: usize = 3;

impl PersonRow {
    pub fn new(listed: &Listed, facility: &dyn Fn(i64) -> String, now: DateTime<Utc>) -> Self {
        let network = listed.network_admin.then(|| t!("Network admin").to_owned());
        let roles = listed.facilities.iter().zip(&listed.roles).map(|(id, role)| {
            let role = role.parse::<Role>().map_or("", Role::label);
            format!("{}: {role}", facility(*id))
        });
        let all: Vec<String> = network.into_iter().chain(roles).collect();
        let state = listed.state();
        let over = listed.expires_at.is_some_and(|at| at <= now);
        PersonRow {
            href: match listed.invitation {
                true => format!("/admin/invitations/{}", listed.id),
                false => format!("/admin/users/{}", listed.id),
            },
            name: listed.name.clone(),
            email: listed.email.clone(),
            more: all.len().saturating_sub(SHOWN),
            roles: all.into_iter().take(SHOWN).collect(),
            state_word: if over { t!("Invitation too old") } else { state.label() },
            state_tone: match state {
                State::Active => "good",
                State::Disabled => "critical",
                State::Invited if over => "low",
                State::Invited => "accent",
                State::NeverSeen => "",
            },
            seen_iso: listed.last_seen_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
            seen: listed
                .last_seen_at
                .map_or_else(|| t!("never").into(), |at| t!("{age} ago", age = age_label(now - at))),
        }
    }
}

/// `GET /admin/users`
#[derive(Template)]
#[template(path = "admin/users.html")]
pub struct UsersPage<'a> {
    pub layout: &'a Layout,
    pub summary: String,
    pub search: String,
    pub facilities: Vec<OptionView>,
    pub roles: Vec<OptionView>,
    pub states: Vec<OptionView>,
    pub filtered: bool,
    /// address of the same people as a file
    pub export: String,
    pub rows: Vec<PersonRow>,
    pub empty: Option<EmptyView>,
    pub pages: PagesView,
}

/// A role in a facility that the manager may change.
#[derive(Clone, Debug)]
pub struct MembershipRow {
    pub facility: i64,
    pub name: String,
    pub roles: Vec<OptionView>,
}

/// A line of what happened.
#[derive(Clone, Debug)]
pub struct LogRow {
    pub at_iso: String,
    pub at: String,
    pub who: String,
    pub words: String,
}

/// `GET /admin/users/{user_id}`
#[derive(Template)]
#[template(path = "admin/user.html")]
pub struct UserPage<'a> {
    pub layout: &'a Layout,
    pub id: i64,
    pub full_name: String,
    pub email: String,
    pub state_word: &'static str,
    pub state_tone: &'static str,
    pub seen_iso: String,
    pub seen: String,
    pub since: String,
    pub oneself: bool,
    pub disabled: bool,
    pub network_admin: bool,
    /// the viewer administers the network
    pub by_network: bool,
    /// the viewer may change the account as a whole
    pub in_charge: bool,
    pub by_mail: bool,
    /// where a link for a new password is shown once, without mail
    pub link: String,
    /// of the page as a whole
    pub problem: String,
    pub name_problem: String,
    pub memberships: Vec<MembershipRow>,
    /// facilities they could be added to; empty = none
    pub others: Vec<OptionView>,
    pub new_roles: Vec<OptionView>,
    pub sessions: Vec<SessionRow>,
    pub log: Vec<LogRow>,
}

/// Roles that a membership can have.
pub fn roles(chosen: &str) -> Vec<OptionView> {
    let memberships = Role::ALL.iter().filter(|role| **role != Role::NetworkAdmin);
    crate::web::options(memberships.map(|role| (role.as_str(), role.label())), chosen)
}

/// `Role changed from Staff to Viewer in Lakeside`: what was done, to whom when it was somebody else.
pub fn log_words(logged: &Logged, of: i64, facility: &dyn Fn(i64) -> String) -> String {
    let mut words = logged.action.clone();
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    if logged.thing != "user" {
        let number = logged.thing_id.map(|id| format!(" {id}")).unwrap_or_default();
        words.push_str(&format!(" {}{number}", logged.thing));
    } else if logged.thing_id != Some(of) {
        words.push_str(" of somebody else");
    }
    for (key, label) in [
        ("role", "role"),
        ("network_admin", t!("network admin")),
        ("name", "name"),
    ] {
        let side = |side: &Option<serde_json::Value>| side.as_ref().map(|side| side[key].clone()).unwrap_or_default();
        let (before, after) = (side(&logged.before), side(&logged.after));
        if before != after {
            words.push_str(&format!(", {label} {} → {}", shown(&before), shown(&after)));
        }
    }
    if let Some(id) = logged.facility_id {
        words.push_str(&format!(" in {}", facility(id)));
    }
    words
}

fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "none".into(),
        serde_json::Value::Bool(on) => if *on { "yes" } else { "no" }.into(),
        serde_json::Value::String(text) => match text.parse::<Role>() {
            Ok(role) => role.label().into(),
            Err(_) => text.clone(),
        },
        other => other.to_string(),
    }
}
