//! What changes about people. Whatever touches somebody's rights raises their epoch, which voids their sessions.

use serde_json::json;
use sqlx::PgConnection;

use crate::audit::{self, Actor, Entry};
use crate::auth::{Auth, Caller, Passwords, Role, problem_with_password};
use crate::db::{Db, Scope};
use crate::error::{Error, OnConstraint, Problems, Result};
use crate::ids::{FacilityId, UserId};
use crate::outbox::{self, Event};

/// Somebody new. With [`Role::NetworkAdmin`] no facilities are needed.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub password: String,
    pub role: Role,
    pub facilities: Vec<FacilityId>,
}

impl NewUser {
    /// What can be said without the database.
    pub fn check(&self) -> Result<()> {
        let mut problems = Problems::default();
        if !is_address(&self.email) {
            problems.add("email", t!("This is not an e-mail address."));
        }
        if !is_name(&self.name) {
            problems.add("name", t!("Give a name of at most 120 characters."));
        }
        if let Some(problem) = problem_with_password(&self.password, &self.email) {
            problems.add("password", problem);
        }
        if self.role != Role::NetworkAdmin && self.facilities.is_empty() {
            problems.add("facilities", t!("Choose at least one facility."));
        }
        problems.check()
    }
}

/// Something before and after one `@`, no spaces or control characters, not absurdly long.
pub(super) fn is_address(text: &str) -> bool {
    let mut sides = text.split('@');
    let (Some(local), Some(domain), None) = (sides.next(), sides.next(), sides.next()) else {
        return false;
    };
    !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// What a person may be called.
pub(super) fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && crate::text::problem(text, 120).is_none() && !text.contains(['\n', '\r', '\t'])
}

/// Adds a person with their memberships.
pub async fn add(db: &Db, passwords: &Passwords, actor: &Actor, new: &NewUser) -> Result<UserId> {
    new.check()?;
    let hash = passwords.hash(&new.password).await?;
    let mut tx = db.write(&Scope::All).await?;
    let id = insert(&mut tx, new, Some(&hash)).await?;
    sqlx::query!("update installation set set_up_at = coalesce(set_up_at, clock_now())")
        .execute(&mut *tx)
        .await?;
    let entry = Entry::new("added", "user").about(id.0).after(json!({
        "email": new.email, "name": new.name, "role": new.role.as_str(), "facilities": new.facilities,
    }));
    audit::record(&mut tx, actor, &entry).await?;
    tx.commit().await?;
    Ok(id)
}

/// The rows of a new person; the caller commits.
pub(super) async fn insert(tx: &mut PgConnection, new: &NewUser, hash: Option<&str>) -> Result<UserId> {
    let id = sqlx::query_scalar!(
        r#"insert into users (email, name, password_hash, network_admin) values ($1, $2, $3, $4) returning id as "id: UserId""#,
        new.email.trim().to_lowercase(),
        new.name.trim(),
        hash,
        new.role == Role::NetworkAdmin
    )
    .fetch_one(&mut *tx)
    .await
    .on_constraint("users_email_key", || Error::invalid("email", t!("Somebody with this address exists already.")))?;
    if new.role != Role::NetworkAdmin {
        sqlx::query!(
            "insert into memberships (user_id, facility_id, role) select $1, unnest($2::bigint[]), $3",
            id.0,
            &crate::ids::numbers(&new.facilities),
            new.role.as_str()
        )
        .execute(tx)
        .await
        .on_constraint("memberships_facility_id_fkey", || {
            Error::invalid("facilities", t!("There is no such facility."))
        })?;
    }
    Ok(id)
}

/// Locks a person out: their sessions and streams end on every instance.
pub async fn disable(db: &Db, actor: &Actor, email: &str) -> Result<UserId> {
    let mut tx = db.write(&Scope::All).await?;
    let id = sqlx::query_scalar!(
        r#"update users set disabled_at = coalesce(disabled_at, clock_now()), auth_epoch = auth_epoch + 1
           where email = $1 returning id as "id: UserId""#,
        email.trim().to_lowercase()
    )
    .fetch_one(&mut *tx)
    .await?;
    end_all_sessions(&mut tx, id).await?;
    record(&mut tx, actor, "disabled", id).await?;
    outbox::push(&mut tx, &[], &Event::AccessChanged { user: id }).await?;
    tx.commit().await?;
    Ok(id)
}

/// Sets a new password without the old one: for administrators at the command line.
pub async fn reset_password(db: &Db, passwords: &Passwords, actor: &Actor, email: &str, password: &str) -> Result<()> {
    let email = email.trim().to_lowercase();
    if let Some(problem) = problem_with_password(password, &email) {
        return Err(Error::invalid("password", problem));
    }
    let hash = passwords.hash(password).await?;
    let mut tx = db.write(&Scope::All).await?;
    let id = sqlx::query_scalar!(
        r#"update users set password_hash = $2, auth_epoch = auth_epoch + 1 where email = $1 returning id as "id: UserId""#,
        email,
        hash
    )
    .fetch_one(&mut *tx)
    .await?;
    end_all_sessions(&mut tx, id).await?;
    record(&mut tx, actor, "password reset", id).await?;
    outbox::push(&mut tx, &[], &Event::AccessChanged { user: id }).await?;
    tx.commit().await?;
    Ok(())
}

/// Changes one's own password; every session ends, and the caller logs the present one in again.
pub async fn change_password(db: &Db, auth: &Auth, caller: &Caller, old: &str, new: &str) -> Result<()> {
    let user = caller.id;
    let person = sqlx::query!("select email, password_hash from users where id = $1", user.0)
        .fetch_one(db.unscoped())
        .await?;
    let mut problems = Problems::default();
    if !auth.passwords.verify(old, person.password_hash.as_deref()).await? {
        problems.add("current", t!("This is not your present password."));
    }
    if let Some(problem) = problem_with_password(new, &person.email) {
        problems.add("new", problem);
    }
    problems.check()?;
    let hash = auth.passwords.hash(new).await?;
    let mut tx = db.write(&Scope::All).await?;
    sqlx::query!(
        "update users set password_hash = $2, auth_epoch = auth_epoch + 1 where id = $1",
        user.0,
        hash
    )
    .execute(&mut *tx)
    .await?;
    end_all_sessions(&mut tx, user).await?;
    record(&mut tx, &caller.actor(), "password changed", user).await?;
    outbox::push(&mut tx, &[], &Event::AccessChanged { user }).await?;
    tx.commit().await?;
    auth.forget(user);
    Ok(())
}

/// Ends one of somebody's sessions, named by the first bytes of its hash as the account page lists it. `action` is what the
/// log says: `session ended` or `logged out`.
pub async fn end_session(db: &Db, actor: &Actor, user: UserId, name: &[u8], action: &str) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    let ended = sqlx::query!(
        "update sessions set revoked_at = clock_timestamp()
         where user_id = $1 and substring(id_hash for 8) = $2 and revoked_at is null",
        user.0,
        name
    )
    .execute(&mut *tx)
    .await?;
    if ended.rows_affected() == 0 {
        return Err(Error::NotFound);
    }
    outbox::push(&mut tx, &[], &Event::SessionsEnded { user }).await?;
    record(&mut tx, actor, action, user).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes into the log that somebody has logged in.
pub async fn record_log_in(db: &Db, caller: &Caller) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    record(&mut tx, &caller.actor(), "logged in", caller.id).await?;
    tx.commit().await?;
    Ok(())
}

/// Notes from where a session was opened, for the list on the account page.
pub async fn note_origin(db: &Db, id_hash: &[u8], address: Option<String>, user_agent: Option<String>) -> Result<()> {
    sqlx::query!(
        "with opened as (update sessions set address = $2, user_agent = $3 where id_hash = $1 returning user_id)
         update users set last_seen_at = $4 from opened where users.id = opened.user_id",
        id_hash,
        address,
        user_agent,
        db.clock.now()
    )
    .execute(db.unscoped())
    .await?;
    Ok(())
}

/// Sessions that one person may have open at a time.
const SESSIONS_EACH: i64 = 5;

/// Ends the oldest of somebody's sessions beyond the allowed number.
pub async fn end_surplus_sessions(db: &Db, user: UserId) -> Result<()> {
    sqlx::query!(
        "update sessions set revoked_at = clock_timestamp()
         where id_hash in (select id_hash from sessions where user_id = $1 and revoked_at is null
                           order by created_at desc offset $2)",
        user.0,
        SESSIONS_EACH
    )
    .execute(db.unscoped())
    .await?;
    Ok(())
}

/// How the pages look to this person: `system`, `light` or `dark`.
pub async fn set_theme(db: &Db, caller: &Caller, theme: &str) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    sqlx::query!("update users set theme = $2 where id = $1", caller.id.0, theme)
        .execute(&mut *tx)
        .await
        .on_constraint("users_theme_check", || {
            Error::invalid("theme", t!("Choose system, light or dark."))
        })?;
    let entry = Entry::new("theme chosen", "user")
        .about(caller.id.0)
        .before(json!({ "theme": caller.theme }))
        .after(json!({ "theme": theme }));
    audit::record(&mut tx, &caller.actor(), &entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends every session of theirs; the caller commits.
pub(super) async fn end_all_sessions(tx: &mut PgConnection, user: UserId) -> Result<()> {
    sqlx::query!(
        "update sessions set revoked_at = clock_timestamp() where user_id = $1 and revoked_at is null",
        user.0
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes down what was done to somebody; the caller commits.
pub(super) async fn record(tx: &mut PgConnection, actor: &Actor, action: &str, user: UserId) -> Result<()> {
    let entry = Entry::new(action, "user").about(user.0);
    audit::record(tx, actor, &entry).await
}
