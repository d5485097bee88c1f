//! Who may do what, who is logged in, and who tried in vain: what guards the installation, as it is enforced.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::auth::{Access, Manager, Role, Wait};
use crate::boards;
use crate::clock::age_label;
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::ids::{UserId, numbers};
use crate::users;
use crate::web::flash::Done;
use crate::web::{Here, Hx, Layout, Route, saved};
use crate::words::Dated;

#[derive(Template)]
#[template(path = "admin/security.html")]
struct SecurityPage<'a> {
    layout: &'a Layout,
    sessions: Vec<SessionRow>,
    links: Vec<boards::LinkRow>,
    /// only for administrators of the network
    failures: Option<Vec<FailureRow>>,
    groups: Vec<RightsGroup>,
}

struct SessionRow {
    name: String,
    person: String,
    email: String,
    device: String,
    address: String,
    since: String,
    seen: String,
}

struct FailureRow {
    /// an address of the network, or the hash of an e-mail address
    subject: String,
    /// the account, where there is one
    account: String,
    tries: i64,
    last: String,
    /// seconds until the next guess is looked at
    waits: Option<u64>,
}

struct RightsGroup {
    name: &'static str,
    rows: Vec<RightsRow>,
}

struct RightsRow {
    verb: &'static str,
    path: &'static str,
    /// stranger, viewer, staff, facility admin, network admin, key, link
    may: [bool; 7],
    /// within which facilities
    within: &'static str,
}

/// `GET /admin/security`
pub async fn index(State(app): State<App>, here: Here, manager: Manager) -> Result<Response> {
    let layout = app
        .chrome
        .page(&manager, &here, t!("Security"), "admin/security")
        .await?;
    let failures = match manager.network_admin {
        true => Some(failures(&app).await?),
        false => None,
    };
    let page = SecurityPage {
        layout: &layout,
        sessions: sessions(&app, &manager).await?,
        links: boards::links_to_end(&app, &manager).await?,
        failures,
        groups: rights(&app.route_table()),
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `POST /admin/security/sessions/{session}/end`
pub async fn end_session(
    State(app): State<App>,
    hx: Hx,
    manager: Manager,
    Path(name): Path<String>,
) -> Result<Response> {
    let within = within(&manager);
    let row = sqlx::query!(
        r#"select s.id_hash, s.user_id as "user: UserId" from sessions s join users u on u.id = s.user_id
           where encode(substring(s.id_hash for 8), 'hex') = $1 and s.revoked_at is null
             and ($2::bigint[] is null or s.user_id = $3 or (not u.network_admin
                  and exists (select from memberships m where m.user_id = u.id and m.facility_id = any ($2))))"#,
        name,
        within.as_deref(),
        manager.id.0
    )
    .fetch_optional(app.db.unscoped())
    .await?
    .ok_or(Error::NotFound)?;
    let user = row.user.ok_or(Error::NotFound)?;
    users::end_session(&app.db, &manager.actor(), user, &row.id_hash[..8], "session ended").await?;
    app.auth.sessions.forget_all_of(user);
    Ok(saved(hx, "/admin/security", Done::SessionsEnded))
}

/// The facilities whose people somebody manages; none is all of them.
fn within(manager: &Manager) -> Option<Vec<i64>> {
    match manager.scope() {
        Scope::All => None,
        Scope::Facilities(ids) => Some(numbers(&ids)),
    }
}

/// Open sessions of everybody, or of the people of the manager's facilities; the 200 used last.
async fn sessions(app: &App, manager: &Manager) -> Result<Vec<SessionRow>> {
    let now = app.db.clock.now();
    let idle = TimeDelta::from_std(app.auth.sessions.idle()).unwrap_or(TimeDelta::MAX);
    let within = within(manager);
    let rows = sqlx::query!(
        r#"select s.id_hash, s.created_at, s.last_seen_at, s.address, s.user_agent,
                  u.name, u.email
           from sessions s join users u on u.id = s.user_id
           where s.revoked_at is null and s.expires_at > $1 and s.last_seen_at > $2
             and ($3::bigint[] is null or s.user_id = $4 or (not u.network_admin
                  and exists (select from memberships m where m.user_id = u.id and m.facility_id = any ($3))))
           order by s.last_seen_at desc limit 200"#,
        now,
        now - idle,
        within.as_deref(),
        manager.id.0
    )
    .fetch_all(app.db.unscoped())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SessionRow {
            name: row.id_hash[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
            person: row.name,
            email: row.email,
            device: users::device(row.user_agent.as_deref()),
            address: row.address.unwrap_or_else(|| t!("unknown").into()),
            since: row.created_at.dated("%-d %b %H:%M UTC"),
            seen: t!("{age} ago", age = age_label(now - row.last_seen_at)),
        })
        .collect())
}

/// Misses of the last 24 hours by address and by account, the latest first. Accounts are kept as hashes, so only those that
/// exist have a name.
async fn failures(app: &App) -> Result<Vec<FailureRow>> {
    let now = app.db.clock.now();
    let rows = sqlx::query!(
        r#"select l.subject, count(*) as "tries!", max(l.at) as "last!: DateTime<Utc>",
                  count(*) filter (where l.at > $2) as "quarter!", count(*) filter (where l.at > $3) as "minute!",
                  (select u.email from users u
                   where l.subject = 'email:' || encode(sha256(convert_to(u.email, 'UTF8')), 'hex')) as email
           from login_failures l where l.at > $1 group by l.subject order by max(l.at) desc limit 100"#,
        now - TimeDelta::days(1),
        now - TimeDelta::minutes(15),
        now - TimeDelta::minutes(1)
    )
    .fetch_all(app.db.unscoped())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let (subject, misses) = match row.subject.split_once(':') {
                Some(("email", hash)) => (t!("account {id}", id = &hash[..hash.len().min(12)]), row.quarter),
                Some((_, address)) => (address.to_owned(), row.minute),
                None => (row.subject.clone(), 0),
            };
            let by_account = row.subject.starts_with("email:");
            let wait = if by_account {
                Wait::of_account(misses, now - row.last)
            } else {
                Wait::of_address(misses)
            };
            FailureRow {
                account: match (row.email, by_account) {
                    (Some(email), _) => email,
                    (None, true) => t!("nobody's").into(),
                    (None, false) => String::new(),
                },
                subject,
                tries: row.tries,
                last: t!("{age} ago", age = age_label(now - row.last)),
                waits: wait.map(|wait| wait.0),
            }
        })
        .collect())
}

/// The table of routes as rights, in the order of what they are about.
fn rights(table: &[Route]) -> Vec<RightsGroup> {
    let mut groups: Vec<RightsGroup> = Vec::new();
    for route in table {
        let name = subject(route.path);
        let roles = [
            None,
            Some(Role::Viewer),
            Some(Role::Staff),
            Some(Role::FacilityAdmin),
            Some(Role::NetworkAdmin),
        ];
        let [stranger, viewer, staff, admin, network] = roles.map(|role| route.access.allows(role));
        let row = RightsRow {
            verb: if route.method == http::Method::GET {
                "see"
            } else {
                "change"
            },
            path: route.path,
            may: [
                stranger,
                viewer,
                staff,
                admin,
                network,
                matches!(route.access, Access::Key | Access::KeyWithScope),
                route.access == Access::Link,
            ],
            within: match route.access {
                Access::Viewer | Access::Staff | Access::FacilityAdmin => t!("own facility"),
                Access::Manager => t!("what one manages"),
                Access::Key if route.path.contains("{facility_id}") => t!("facilities of the key"),
                Access::Link => t!("facilities of the link"),
                _ => "",
            },
        };
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.rows.push(row),
            None => groups.push(RightsGroup { name, rows: vec![row] }),
        }
    }
    groups
}

/// `/facilities/{facility_id}/requests/{request_id}` is about requests.
fn subject(path: &'static str) -> &'static str {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (None, _, _) => "start",
        (Some("facilities"), _, Some(thing)) => thing,
        (Some("facilities"), _, None) => "board",
        (Some("admin"), Some(page), _) => page,
        (Some(first), _, _) => first,
    }
}
