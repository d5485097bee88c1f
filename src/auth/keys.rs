//! API keys as requests need them: `pb_<prefix>_<secret>`, found by the prefix, proven by the SHA-256 of the secret. Kept in
//! memory for at most four seconds, so one that is revoked is dead everywhere within five.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use dashmap::DashMap;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use rand::RngExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::text_enum::text_enum;

text_enum! {
    /// What a key opens.
    pub enum KeyScope {
        /// figures of its facilities
        Read = "read" / "Read figures",
        /// sending events
        SendEvents = "events:write" / "Send events",
        /// sending points of metrics
        SendMetrics = "metrics:write" / "Send metrics",
        /// windows of metrics
        ReadMetrics = "metrics:read" / "Read metrics",
    }
}

/// A key, proven.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: i64,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<KeyScope>,
    /// none: every facility
    pub facilities: Option<Vec<FacilityId>>,
    secret_hash: Vec<u8>,
    expires_at: DateTime<Utc>,
}

impl Key {
    /// Rows of its facilities, and no others.
    pub fn scope(&self) -> Scope {
        self.facilities.clone().map_or(Scope::All, Scope::Facilities)
    }

    pub fn opens(&self, facility: FacilityId) -> bool {
        self.facilities.as_ref().is_none_or(|some| some.contains(&facility))
    }
}

/// A key that nobody has yet. Its text is shown once and not kept.
pub struct NewSecret {
    pub prefix: String,
    pub hash: [u8; 32],
    /// the whole key
    pub text: String,
}

impl NewSecret {
    /// 256 bits of secret behind a prefix of 8 letters and digits.
    pub fn draw() -> Self {
        const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut rng = rand::rng();
        let prefix: String = (0..8).map(|_| LETTERS[rng.random_range(0..36)] as char).collect();
        let secret = BASE64_URL_SAFE_NO_PAD.encode(rng.random::<[u8; 32]>());
        NewSecret {
            hash: hash_of(&secret),
            text: format!("pb_{prefix}_{secret}"),
            prefix,
        }
    }
}

fn hash_of(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The prefix and the secret of a text that looks like a key.
fn parts(text: &str) -> Option<(&str, &str)> {
    let (prefix, secret) = text.strip_prefix("pb_")?.split_once('_')?;
    (prefix.len() == 8 && secret.len() == 43).then_some((prefix, secret))
}

const LONGEST_MEMORY: Duration = Duration::from_secs(4);
/// `last_used_at` is written at most this often.
const NOTE_EVERY: TimeDelta = TimeDelta::seconds(60);
/// Requests of one key that an instance takes a second, and at once after a pause.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
const BURST: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// The same for requests that send: each may hold thousands of events.
const SENT_PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
const SENT_BURST: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// Finds keys, from memory where it is fresh, and counts their requests. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    db: Db,
    memory: DashMap<String, (Instant, Arc<Key>)>,
    noted: DashMap<i64, DateTime<Utc>>,
    rates: DefaultKeyedRateLimiter<i64>,
    sending: DefaultKeyedRateLimiter<i64>,
}

impl Keys {
    pub fn new(db: Db) -> Self {
        Keys(Arc::new(Inner {
            db,
            memory: DashMap::new(),
            noted: DashMap::new(),
            rates: RateLimiter::keyed(Quota::per_second(PER_SECOND).allow_burst(BURST)),
            sending: RateLimiter::keyed(Quota::per_second(SENT_PER_SECOND).allow_burst(SENT_BURST)),
        }))
    }

    /// The key with this text, unless it is unknown, revoked or past its end; `scope` is what it is used for. `TooMany` when it asks too often.
    pub async fn prove(&self, text: &str, scope: KeyScope, address: Option<IpAddr>) -> Result<Arc<Key>> {
        let (prefix, secret) = parts(text).ok_or(Error::KeyRequired)?;
        let key = self.find(prefix).await?.ok_or(Error::KeyRequired)?;
        let right: bool = hash_of(secret).as_slice().ct_eq(&key.secret_hash).into();
        if !right || key.expires_at <= self.0.db.clock.now() {
            return Err(Error::KeyRequired);
        }
        let rates = match scope {
            KeyScope::SendEvents | KeyScope::SendMetrics => &self.0.sending,
            KeyScope::Read | KeyScope::ReadMetrics => &self.0.rates,
        };
        if let Err(early) = rates.check_key(&key.id) {
            let wait = early.wait_time_from(DefaultClock::default().now());
            return Err(Error::TooMany(wait.as_secs() + 1));
        }
        self.note(&key, address).await?;
        Ok(key)
    }

    pub fn forget_all(&self) {
        self.0.memory.clear();
    }

    /// Forgets counts of keys that have not asked for a while.
    pub fn prune(&self) {
        self.0.rates.retain_recent();
        self.0.sending.retain_recent();
        self.0.memory.retain(|_, known| known.0.elapsed() < LONGEST_MEMORY);
    }

    async fn find(&self, prefix: &str) -> Result<Option<Arc<Key>>> {
        if let Some(known) = self.0.memory.get(prefix)
            && known.0.elapsed() < LONGEST_MEMORY
        {
            return Ok(Some(known.1.clone()));
        }
        let asked = Instant::now();
        let row = sqlx::query!(
            "select id, name, scopes, facility_ids, secret_hash, expires_at from api_keys
             where prefix = $1 and revoked_at is null",
            prefix
        )
        .fetch_optional(self.0.db.unscoped())
        .await?;
        let Some(row) = row else {
            self.0.memory.remove(prefix);
            return Ok(None);
        };
        let key = Arc::new(Key {
            id: row.id,
            name: row.name,
            prefix: prefix.to_owned(),
            scopes: row.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
            facilities: row.facility_ids.map(|ids| ids.into_iter().map(FacilityId).collect()),
            secret_hash: row.secret_hash,
            expires_at: row.expires_at,
        });
        self.0.memory.insert(prefix.to_owned(), (asked, key.clone()));
        Ok(Some(key))
    }

    async fn note(&self, key: &Key, address: Option<IpAddr>) -> Result<()> {
        let now = self.0.db.clock.now();
        if self.0.noted.get(&key.id).is_some_and(|last| now - *last < NOTE_EVERY) {
            return Ok(());
        }
        self.0.noted.insert(key.id, now);
        sqlx::query!(
            "update api_keys set last_used_at = $2, last_used_address = $3
             where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
            key.id,
            now,
            address.map(|address| address.to_string())
        )
        .execute(self.0.db.unscoped())
        .await?;
        Ok(())
    }
}
