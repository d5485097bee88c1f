//! Sessions in Postgres. Only the SHA-256 of an id is stored; saving is an update and never an insert, so a request
//! in flight during a log-out cannot bring the session back; a revoked row stays revoked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use dashmap::DashMap;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result as StoreResult};

use super::{EPOCH_KEY, USER_KEY};
use crate::db::Db;
use crate::error::Result;
use crate::ids::UserId;

type Hash = [u8; 32];

/// The name under which the database knows a session.
pub fn hash_of(id: &Id) -> Hash {
    Sha256::digest(id.to_string().as_bytes()).into()
}

/// Whose a session says it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub user: UserId,
    /// of their rights at log-in
    pub epoch: Option<i64>,
}

impl Claim {
    fn of(record: &Record) -> Option<Self> {
        let number = |key: &str| record.data.get(key).and_then(serde_json::Value::as_i64);
        Some(Claim {
            user: UserId(number(USER_KEY)?),
            epoch: number(EPOCH_KEY),
        })
    }
}

#[derive(Clone, Debug)]
struct Known {
    record: Record,
    claim: Option<Claim>,
    user: Option<UserId>,
    last_seen_at: DateTime<Utc>,
    loaded: Instant,
}

const LONGEST_MEMORY: Duration = Duration::from_secs(5);
/// Longer than any look-up takes.
const REMEMBERED_AS_ENDED: Duration = Duration::from_secs(60);
/// `last_seen_at` is written at most this often.
const TOUCH_EVERY: chrono::TimeDelta = chrono::TimeDelta::seconds(60);

#[derive(Clone, Debug)]
pub struct SessionStore {
    db: DbHandle,
    idle: Duration,
    longest: Duration,
    memory: Arc<DashMap<Id, Known>>,
    /// ids that ended here a moment ago: a look-up that began before must not bring them back into memory
    ended: Arc<DashMap<Id, Instant>>,
}

/// `Db` without a `Debug` of its own, which the trait of the store asks for.
#[derive(Clone)]
struct DbHandle(Db);

impl std::fmt::Debug for DbHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Db")
    }
}

impl SessionStore {
    pub fn new(db: Db, idle: Duration, longest: Duration) -> Self {
        SessionStore {
            db: DbHandle(db),
            idle,
            longest,
            memory: Arc::default(),
            ended: Arc::default(),
        }
    }

    /// Time after which an unused session ends.
    pub fn idle(&self) -> Duration {
        self.idle
    }

    pub fn forget_all_of(&self, user: UserId) {
        self.memory.retain(|_, known| known.user != Some(user));
    }

    pub fn forget_all(&self) {
        self.memory.clear();
    }

    /// Somebody used this session: it is not idle. Written at most once a minute.
    pub async fn touch(&self, id: &Id) -> Result<()> {
        let now = self.db.0.clock.now();
        let is_due = |known: &Known| now - known.last_seen_at > TOUCH_EVERY;
        if !self.memory.get(id).is_some_and(|known| is_due(&known)) {
            return Ok(());
        }
        match self.memory.get_mut(id) {
            Some(mut known) if is_due(&known) => known.last_seen_at = now,
            _ => return Ok(()),
        }
        sqlx::query!(
            "with seen as (update sessions set last_seen_at = $2 where id_hash = $1 and revoked_at is null returning user_id)
             update users set last_seen_at = $2 from seen where users.id = seen.user_id",
            &hash_of(id)[..],
            now
        )
        .execute(self.db.0.unscoped())
        .await?;
        Ok(())
    }

    /// Whether the session is good right now, asked of the database and not of memory. For streams, which live long.
    pub async fn is_alive(&self, id: &Id) -> Result<bool> {
        self.memory.remove(id);
        self.find(id, |_| ()).await.map(|found| found.is_some())
    }

    /// Whose this session is, from memory where that is fresh; nothing when it has ended or is nobody's.
    pub(super) async fn claim(&self, id: &Id) -> Result<Option<Claim>> {
        self.find(id, |known| known.claim).await.map(Option::flatten)
    }

    /// Sessions that have ended long enough ago to be of no interest to anybody.
    pub async fn prune(&self) -> Result<u64> {
        let done = sqlx::query!(
            "delete from sessions where expires_at < $1 or revoked_at < $1",
            self.db.0.clock.now() - chrono::TimeDelta::days(1)
        )
        .execute(self.db.0.background())
        .await?;
        self.memory.retain(|_, known| known.loaded.elapsed() < LONGEST_MEMORY);
        self.ended.retain(|_, at| at.elapsed() < REMEMBERED_AS_ENDED);
        Ok(done.rows_affected())
    }

    /// What is `wanted` of a session that is good.
    async fn find<T>(&self, id: &Id, wanted: impl FnOnce(&Known) -> T) -> Result<Option<T>> {
        let now = self.db.0.clock.now();
        let idle = chrono::TimeDelta::from_std(self.idle).unwrap_or(chrono::TimeDelta::MAX);
        if let Some(known) = self.memory.get(id)
            && known.loaded.elapsed() < LONGEST_MEMORY
        {
            let used = known.last_seen_at + idle > now;
            let good = used && known.record.expiry_date > offset(now);
            return Ok(good.then(|| wanted(&known)));
        }
        let row = sqlx::query!(
            "select user_id, data, last_seen_at, expires_at from sessions
             where id_hash = $1 and revoked_at is null and expires_at > $2 and last_seen_at > $3",
            &hash_of(id)[..],
            now,
            now - idle
        )
        .fetch_optional(self.db.0.unscoped())
        .await?;
        let Some(row) = row else {
            self.memory.remove(id);
            return Ok(None);
        };
        let data = serde_json::from_value(row.data).map_err(anyhow::Error::from)?;
        let record = Record {
            id: *id,
            data,
            expiry_date: offset(row.expires_at),
        };
        let known = Known {
            claim: Claim::of(&record),
            record,
            user: row.user_id.map(UserId),
            last_seen_at: row.last_seen_at,
            loaded: Instant::now(),
        };
        let found = wanted(&known);
        self.memory.insert(*id, known);
        // looked at after the insertion, as `delete` notes before it forgets: one of the two sees the other
        if self.ended.contains_key(id) {
            self.memory.remove(id);
            return Ok(None);
        }
        Ok(Some(found))
    }
}

fn offset(at: DateTime<Utc>) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.timestamp()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn user_of(record: &Record) -> Option<i64> {
    record.data.get(USER_KEY).and_then(serde_json::Value::as_i64)
}

fn backend(error: impl std::fmt::Display) -> StoreError {
    StoreError::Backend(error.to_string())
}

#[async_trait]
impl tower_sessions::SessionStore for SessionStore {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        let now = self.db.0.clock.now();
        let expires_at = now + chrono::TimeDelta::from_std(self.longest).map_err(backend)?;
        record.expiry_date = offset(expires_at);
        let data = serde_json::to_value(&record.data).map_err(backend)?;
        sqlx::query!(
            "insert into sessions (id_hash, user_id, data, created_at, last_seen_at, expires_at) values ($1, $2, $3, $4, $4, $5)",
            &hash_of(&record.id)[..],
            user_of(record),
            data,
            now,
            expires_at
        )
        .execute(self.db.0.unscoped())
        .await
        .map_err(backend)?;
        Ok(())
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        let data = serde_json::to_value(&record.data).map_err(backend)?;
        self.memory.remove(&record.id);
        sqlx::query!(
            "update sessions set data = $2, user_id = $3 where id_hash = $1 and revoked_at is null",
            &hash_of(&record.id)[..],
            data,
            user_of(record)
        )
        .execute(self.db.0.unscoped())
        .await
        .map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        self.find(id, |known| known.record.clone()).await.map_err(backend)
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        self.ended.insert(*id, Instant::now());
        self.memory.remove(id);
        // the row tells every other instance, whose memory is at most five seconds old
        sqlx::query!(
            "update sessions set revoked_at = clock_timestamp() where id_hash = $1 and revoked_at is null",
            &hash_of(id)[..]
        )
        .execute(self.db.0.unscoped())
        .await
        .map_err(backend)?;
        Ok(())
    }
}
