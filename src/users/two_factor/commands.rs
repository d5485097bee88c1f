//! What changes about second factors. Turning one on or away raises the person's epoch: sessions opened without it end.

use std::net::IpAddr;

use sqlx::PgConnection;

use super::model::{self, Proof};
use super::queries::{belongs_to, totp_of};
use crate::audit::Actor;
use crate::auth::{Auth, Caller, Totp};
use crate::db::{Db, Scope};
use crate::error::{Error, Problems, Result};
use crate::ids::UserId;
use crate::outbox::{self, Event};
use crate::users::commands::{end_all_sessions, record};

const WRONG_CODE: &str = mark!("This code is wrong, too old or already used. Wait for the next one.");

/// Makes the secret of somebody's app. It does not count before [`confirm`]; one that is there already is kept, so that
/// a second look at the page shows the same.
pub async fn begin(db: &Db, auth: &Auth, person: &Caller) -> Result<()> {
    let totp = Totp::generate(&person.email)?;
    let sealed = auth.vault.seal(&belongs_to(person.id), totp.secret())?;
    let mut tx = db.write(&Scope::All).await?;
    let begun = sqlx::query!(
        "insert into second_factors (user_id, secret) values ($1, $2) on conflict do nothing",
        person.id.0,
        sealed
    )
    .execute(&mut *tx)
    .await?;
    if begun.rows_affected() == 1 {
        record(&mut tx, &person.actor(), "two-factor set-up begun", person.id).await?;
    }
    Ok(tx.commit().await?)
}

/// Turns two-factor log-in on with the first code of the app and answers the recovery codes, to be shown once. Every
/// session ends; the caller logs the present one in again.
pub async fn confirm(db: &Db, auth: &Auth, person: &Caller, code: &str) -> Result<Vec<String>> {
    let step = match model::proof(code) {
        Some(Proof::App(code)) => totp_of(db, auth, person).await?.step_of(&code, db.clock.now()),
        _ => None,
    };
    let step = step.ok_or_else(|| {
        Error::invalid(
            "code",
            t!("This is not the app's present code. Check the time of your phone and try the next one."),
        )
    })?;
    let mut tx = db.write(&Scope::All).await?;
    let confirmed = sqlx::query!(
        "update second_factors set confirmed_at = clock_now(), last_step = $2 where user_id = $1 and confirmed_at is null",
        person.id.0,
        step
    )
    .execute(&mut *tx)
    .await?;
    if confirmed.rows_affected() == 0 {
        return Err(Error::Conflict(t!("Two-factor log-in is on already.").into()));
    }
    let codes = new_codes(&mut tx, auth, person.id).await?;
    raise_epoch(&mut tx, person.id).await?;
    record(&mut tx, &person.actor(), "two-factor on", person.id).await?;
    tx.commit().await?;
    auth.forget(person.id);
    Ok(codes)
}

/// Takes a code of the app, or a recovery code, once. Misses make the next try wait, as with passwords; a right
/// password does not forgive them.
pub async fn check(db: &Db, auth: &Auth, person: &Caller, typed: &str, address: Option<IpAddr>) -> Result<()> {
    let subject = format!("second factor of {}", person.id);
    auth.throttle.check(&subject, address).await?;
    let right = match model::proof(typed) {
        Some(Proof::App(code)) => take_step(db, auth, person, &code).await?,
        Some(Proof::Recovery(code)) => take_recovery_code(db, auth, person, &code).await?,
        None => false,
    };
    if !right {
        auth.throttle.missed(&subject, address).await?;
        return Err(Error::invalid("code", crate::words::t(WRONG_CODE)));
    }
    auth.throttle.forgive(&subject).await
}

async fn take_step(db: &Db, auth: &Auth, person: &Caller, code: &str) -> Result<bool> {
    let Some(step) = totp_of(db, auth, person).await?.step_of(code, db.clock.now()) else {
        return Ok(false);
    };
    // of two who send the same code, one finds the step taken
    let taken = sqlx::query!(
        "update second_factors set last_step = $2 where user_id = $1 and confirmed_at is not null and last_step < $2",
        person.id.0,
        step
    )
    .execute(db.unscoped())
    .await?;
    Ok(taken.rows_affected() == 1)
}

async fn take_recovery_code(db: &Db, auth: &Auth, person: &Caller, code: &str) -> Result<bool> {
    let mut tx = db.write(&Scope::All).await?;
    let taken = sqlx::query!(
        "update recovery_codes set used_at = clock_now() where user_id = $1 and code_hash = $2 and used_at is null",
        person.id.0,
        auth.vault.digest(code)
    )
    .execute(&mut *tx)
    .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    record(&mut tx, &person.actor(), "recovery code used", person.id).await?;
    tx.commit().await?;
    Ok(true)
}

/// New recovery codes, to be shown once; the old ones are worth nothing. Needs a code, so that an unattended screen
/// does not give them away.
pub async fn renew_codes(
    db: &Db,
    auth: &Auth,
    person: &Caller,
    code: &str,
    address: Option<IpAddr>,
) -> Result<Vec<String>> {
    check(db, auth, person, code, address).await?;
    let mut tx = db.write(&Scope::All).await?;
    let codes = new_codes(&mut tx, auth, person.id).await?;
    record(&mut tx, &person.actor(), "recovery codes renewed", person.id).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Turns one's own second factor off, with the password (for whoever has one) and a code.
pub async fn turn_off(
    db: &Db,
    auth: &Auth,
    person: &Caller,
    password: &str,
    code: &str,
    address: Option<IpAddr>,
) -> Result<()> {
    let hash = sqlx::query_scalar!("select password_hash from users where id = $1", person.id.0)
        .fetch_one(db.unscoped())
        .await?;
    if hash.is_some() {
        auth.throttle.check(&person.email, address).await?;
        if !auth.passwords.verify(password, hash.as_deref()).await? {
            auth.throttle.missed(&person.email, address).await?;
            return Err(Error::Invalid(Problems::one(
                "password",
                t!("This is not your present password."),
            )));
        }
    }
    check(db, auth, person, code, address).await?;
    let mut tx = db.write(&Scope::All).await?;
    delete(&mut tx, person.id).await?;
    record(&mut tx, &person.actor(), "two-factor off", person.id).await?;
    Ok(tx.commit().await?)
}

/// Takes away somebody's second factor, for when phone and recovery codes are lost. Their sessions end; the next log-in
/// needs the password alone, or begins with a new set-up where their role demands it. Whether the actor may do this is
/// the caller's affair.
///
/// # Errors
/// `NotFound` when they have none.
pub async fn remove_second_factor(db: &Db, actor: &Actor, user: UserId) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    delete(&mut tx, user).await?;
    raise_epoch(&mut tx, user).await?;
    record(&mut tx, actor, "two-factor removed", user).await?;
    Ok(tx.commit().await?)
}

async fn delete(tx: &mut PgConnection, user: UserId) -> Result<()> {
    let gone = sqlx::query!("delete from second_factors where user_id = $1", user.0)
        .execute(tx)
        .await?;
    match gone.rows_affected() {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

async fn new_codes(tx: &mut PgConnection, auth: &Auth, user: UserId) -> Result<Vec<String>> {
    let codes = model::recovery_codes();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| auth.vault.digest(code)).collect();
    sqlx::query!("delete from recovery_codes where user_id = $1", user.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "insert into recovery_codes (user_id, code_hash) select $1, unnest($2::bytea[])",
        user.0,
        &hashes
    )
    .execute(tx)
    .await?;
    Ok(codes.iter().map(|code| model::shown(code)).collect())
}

async fn raise_epoch(tx: &mut PgConnection, user: UserId) -> Result<()> {
    sqlx::query!("update users set auth_epoch = auth_epoch + 1 where id = $1", user.0)
        .execute(&mut *tx)
        .await?;
    end_all_sessions(tx, user).await?;
    outbox::push(tx, &[], &Event::AccessChanged { user }).await
}
