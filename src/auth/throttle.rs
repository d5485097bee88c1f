//! How often somebody may guess. Misses are counted in Postgres, so that all instances see the same count; nobody is
//! ever locked out for good.

use std::net::IpAddr;

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use crate::db::Db;
use crate::error::{Error, Result};

/// Seconds until the next guess is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub u64);

impl Wait {
    /// Of an account with so many misses within a quarter of an hour, the last of them so long ago: 1, 2, 4 ... 30 s after
    /// the fifth, sixth, seventh miss.
    pub fn of_account(misses: i64, waited: TimeDelta) -> Option<Wait> {
        if misses < FREE_MISSES {
            return None;
        }
        let doublings = u32::try_from(misses - FREE_MISSES).unwrap_or(5).min(5);
        let delay = TimeDelta::seconds(i64::from((1u32 << doublings).min(30)));
        (waited < delay).then(|| Wait(((delay - waited).num_seconds() + 1) as u64))
    }

    /// Of an address with so many misses within a minute.
    pub fn of_address(misses: i64) -> Option<Wait> {
        (misses >= MISSES_PER_ADDRESS).then_some(Wait(60))
    }
}

/// Misses for one e-mail address within a quarter of an hour before each further guess must wait.
const FREE_MISSES: i64 = 5;
/// Misses from one address within a minute.
const MISSES_PER_ADDRESS: i64 = 20;

#[derive(Clone)]
pub struct Throttle {
    db: Db,
}

impl Throttle {
    pub fn new(db: Db) -> Self {
        Throttle { db }
    }

    /// Fails with the seconds to wait when there were too many misses.
    pub async fn check(&self, email: &str, address: Option<IpAddr>) -> Result<()> {
        let now = self.db.clock.now();
        let account = sqlx::query!(
            r#"select count(*) as "misses!", max(at) as last from login_failures where subject = $1 and at > $2"#,
            subject(email),
            now - TimeDelta::minutes(15)
        )
        .fetch_one(self.db.unscoped())
        .await?;
        if let Some(wait) = Wait::of_account(account.misses, now - account.last.unwrap_or(now)) {
            return Err(Error::TooMany(wait.0));
        }
        if let Some(address) = address {
            let misses = sqlx::query_scalar!(
                r#"select count(*) as "misses!" from login_failures where subject = $1 and at > $2"#,
                format!("address:{address}"),
                now - TimeDelta::minutes(1)
            )
            .fetch_one(self.db.unscoped())
            .await?;
            if let Some(wait) = Wait::of_address(misses) {
                return Err(Error::TooMany(wait.0));
            }
        }
        Ok(())
    }

    pub async fn missed(&self, email: &str, address: Option<IpAddr>) -> Result<()> {
        let mut subjects = vec![subject(email)];
        subjects.extend(address.map(|address| format!("address:{address}")));
        sqlx::query!(
            "insert into login_failures (subject, at) select unnest($1::text[]), $2",
            &subjects,
            self.db.clock.now()
        )
        .execute(self.db.unscoped())
        .await?;
        Ok(())
    }

    /// Counts one more try of something that anybody may do but not often, such as asking for a link by mail: fails with
    /// the seconds to wait past five for one e-mail address in a quarter of an hour or twenty from one address in a minute.
    pub async fn ration(&self, what: &str, email: &str, address: Option<IpAddr>) -> Result<()> {
        let now = self.db.clock.now();
        let account = format!("{what}:{}", subject(email));
        let source = address.map(|address| format!("{what}:address:{address}"));
        let tries = sqlx::query!(
            r#"select count(*) filter (where subject = $1) as "account!",
                      count(*) filter (where subject = $2 and at > $4) as "source!"
               from login_failures where subject in ($1, $2) and at > $3"#,
            account,
            source.clone().unwrap_or_default(),
            now - TimeDelta::minutes(15),
            now - TimeDelta::minutes(1)
        )
        .fetch_one(self.db.unscoped())
        .await?;
        if tries.account >= FREE_MISSES {
            return Err(Error::TooMany(900));
        }
        if tries.source >= MISSES_PER_ADDRESS {
            return Err(Error::TooMany(60));
        }
        let subjects: Vec<String> = std::iter::once(account).chain(source).collect();
        sqlx::query!(
            "insert into login_failures (subject, at) select unnest($1::text[]), $2",
            &subjects,
            now
        )
        .execute(self.db.unscoped())
        .await?;
        Ok(())
    }

    /// A right password forgives the misses before it.
    pub async fn forgive(&self, email: &str) -> Result<()> {
        sqlx::query!("delete from login_failures where subject = $1", subject(email))
            .execute(self.db.unscoped())
            .await?;
        Ok(())
    }

    /// Misses that no longer count.
    pub async fn prune(&self) -> Result<u64> {
        let done = sqlx::query!(
            "delete from login_failures where at < $1",
            self.db.clock.now() - TimeDelta::days(1)
        )
        .execute(self.db.background())
        .await?;
        Ok(done.rows_affected())
    }
}

/// The address itself is not kept: a list of guesses is personal data.
fn subject(email: &str) -> String {
    use std::fmt::Write;
    let digest = Sha256::digest(email.to_lowercase().as_bytes());
    digest.iter().fold("email:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
