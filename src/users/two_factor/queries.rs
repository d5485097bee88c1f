//! Questions about second factors.

use crate::auth::{Auth, Person, Totp};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::UserId;

/// How far somebody's second factor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Off,
    /// a secret is there, and no code of it was seen yet
    Begun,
    On {
        codes_left: i64,
    },
}

pub async fn state_of(db: &Db, user: UserId) -> Result<State> {
    let found = sqlx::query!(
        r#"select confirmed_at is not null as "on!",
                  (select count(*) from recovery_codes c where c.user_id = f.user_id and used_at is null) as "codes_left!"
           from second_factors f where user_id = $1"#,
        user.0
    )
    .fetch_optional(db.unscoped())
    .await?;
    Ok(match found {
        None => State::Off,
        Some(row) if row.on => State::On {
            codes_left: row.codes_left,
        },
        Some(_) => State::Begun,
    })
}

/// The secret of their app, confirmed or not.
pub async fn totp_of(db: &Db, auth: &Auth, person: &Person) -> Result<Totp> {
    let sealed = sqlx::query_scalar!("select secret from second_factors where user_id = $1", person.id.0)
        .fetch_optional(db.unscoped())
        .await?
        .ok_or(Error::NotFound)?;
    let secret = auth.vault.open(&belongs_to(person.id), &sealed)?;
    Totp::with_secret(secret, &person.email)
}

/// Whether they can log in with a password at all; people from the provider need not have one.
pub async fn has_password(db: &Db, user: UserId) -> Result<bool> {
    let has = sqlx::query_scalar!(
        r#"select password_hash is not null as "has!" from users where id = $1"#,
        user.0
    )
    .fetch_one(db.unscoped())
    .await?;
    Ok(has)
}

/// What the secret is sealed for.
pub fn belongs_to(user: UserId) -> String {
    format!("second factor of {user}")
}
