//! The one-time set-up: whoever holds the token printed at the start becomes the first administrator. Two who race get
//! one winner; afterwards the page does not exist.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use super::commands::{self, NewUser};
use crate::auth::Passwords;
use crate::db::{Db, Scope};
use crate::error::{Error, Result};

#[derive(Clone)]
pub struct Setup {
    db: Db,
    token: Arc<str>,
}

impl Setup {
    pub fn new(db: Db, token: Arc<str>) -> Self {
        Setup { db, token }
    }

    /// The page's address, with the token.
    pub fn address(&self, base_url: &str) -> String {
        format!("{base_url}/setup?code={}", self.token)
    }

    /// Whether the first administrator is still to come.
    pub async fn is_open(&self) -> Result<bool> {
        let open = sqlx::query_scalar!(
            r#"select set_up_at is null and not exists (select from users) as "open!" from installation"#
        )
        .fetch_one(self.db.unscoped())
        .await?;
        Ok(open)
    }

    /// Whether this is the code that the server printed, while it is still good for anything.
    async fn check(&self, code: &str) -> Result<()> {
        if !self.is_open().await? {
            return Err(Error::NotFound);
        }
        let right: bool = code.trim().as_bytes().ct_eq(self.token.as_bytes()).into();
        if right && !self.token.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(
                "code",
                t!("This is not the code that the server printed."),
            ))
        }
    }

    /// Makes the first administrator, once.
    pub async fn run(&self, passwords: &Passwords, code: &str, new: &NewUser) -> Result<()> {
        self.check(code).await?;
        new.check()?;
        let hash = passwords.hash(&new.password).await?;
        let mut tx = self.db.write(&Scope::All).await?;
        let won = sqlx::query!(
            "update installation set set_up_at = clock_now() where set_up_at is null and not exists (select from users)"
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if won == 0 {
            return Err(Error::NotFound);
        }
        commands::insert(&mut tx, new, Some(&hash)).await?;
        tx.commit().await?;
        Ok(())
    }
}
