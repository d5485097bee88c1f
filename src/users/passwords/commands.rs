//! Making and using links for a new password.

use serde_json::json;
use sqlx::PgConnection;

use super::VALID;
use crate::audit::{Actor, Origin};
use crate::auth::{Auth, Manager, Token, problem_with_password};
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::mail::Mail;
use crate::outbox::{self, Event};
use crate::users::commands::end_all_sessions;
use crate::users::people::commands::{Locked, record};
use crate::users::{letters, queries, rights};
use crate::words;

/// Sends a link to whoever has this address and may log in; does nothing otherwise.
pub async fn ask(db: &Db, mail: &Mail, email: &str, origin: Origin) -> Result<()> {
    let mut tx = db.write_in_background(&Scope::All).await?;
    let found = sqlx::query!(
        r#"select id as "id: UserId", email, name from users
           where email = $1 and disabled_at is null and password_hash is not null"#,
        email.trim().to_lowercase()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(person) = found else { return Ok(()) };
    let token = new_link(&mut tx, db, person.id).await?;
    let locale = queries::locale(&mut tx, person.id).await?;
    let until = db.clock.now() + VALID;
    let letter = words::under(locale, || letters::password(mail, &person.email, &person.name, until))?;
    mail.queue(&mut tx, &letter, Some(&token)).await?;
    let actor = Actor::person(person.id, person.name, origin);
    record(&mut tx, &actor, "asked for a new password", person.id, None, json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Sends a link to somebody whose account the manager may change, and answers with its secret for an installation
/// without mail.
pub async fn send(db: &Db, mail: &Mail, manager: &Manager, id: UserId) -> Result<Token> {
    let mut both = Locked::both(db, manager, id).await?;
    rights::may_change_account(&both.actor, &both.target.account)?;
    if both.target.account.disabled {
        return Err(Error::invalid("", t!("This account is disabled. Enable it first.")));
    }
    let token = new_link(&mut both.tx, db, id).await?;
    let locale = queries::locale(&mut both.tx, id).await?;
    let (target, until) = (&both.target, db.clock.now() + VALID);
    let letter = words::under(locale, || letters::password(mail, &target.email, &target.name, until))?;
    mail.queue(&mut both.tx, &letter, Some(&token)).await?;
    let home = both.target.account.memberships.first().map(|one| one.facility);
    record(
        &mut both.tx,
        &manager.actor(),
        "password link sent",
        id,
        home,
        json!({}),
    )
    .await?;
    both.tx.commit().await?;
    Ok(token)
}

async fn new_link(tx: &mut PgConnection, db: &Db, user: UserId) -> Result<Token> {
    let token = Token::new();
    sqlx::query!(
        "insert into password_resets (user_id, token_hash, expires_at) values ($1, $2, $3)",
        user.0,
        &token.hash()[..],
        db.clock.now() + VALID
    )
    .execute(tx)
    .await?;
    Ok(token)
}

/// Whose link this is, while it is good for anything.
pub struct Owner {
    pub id: UserId,
    pub email: String,
    pub name: String,
}

/// [`Error::NotFound`] when the link was used, is too old, or never was.
pub async fn owner(tx: &mut PgConnection, token: &Token) -> Result<Owner> {
    let found = sqlx::query_as!(
        Owner,
        r#"select u.id as "id: UserId", u.email, u.name from password_resets r join users u on u.id = r.user_id
           where r.token_hash = $1 and r.used_at is null and r.expires_at > clock_now() and u.disabled_at is null
           for update of r"#,
        &token.hash()[..]
    )
    .fetch_optional(tx)
    .await?;
    found.ok_or(Error::NotFound)
}

/// Sets the new password and ends all sessions and all other links of this person.
pub async fn reset(db: &Db, auth: &Auth, token: &Token, password: &str, origin: Origin) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    let person = owner(&mut tx, token).await?;
    drop(tx);
    if let Some(problem) = problem_with_password(password, &person.email) {
        return Err(Error::invalid("password", problem));
    }
    // hashing takes its time: not under a lock
    let hash = auth.passwords.hash(password).await?;
    let mut tx = db.write(&Scope::All).await?;
    let person = owner(&mut tx, token).await?;
    sqlx::query!(
        "update users set password_hash = $2, auth_epoch = auth_epoch + 1 where id = $1",
        person.id.0,
        hash
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update password_resets set used_at = clock_now() where user_id = $1 and used_at is null",
        person.id.0
    )
    .execute(&mut *tx)
    .await?;
    end_all_sessions(&mut tx, person.id).await?;
    let actor = Actor::person(person.id, person.name, origin);
    record(&mut tx, &actor, "password reset", person.id, None, json!({})).await?;
    outbox::push(&mut tx, &[], &Event::AccessChanged { user: person.id }).await?;
    tx.commit().await?;
    auth.forget(person.id);
    Ok(())
}
