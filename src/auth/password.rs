//! Passwords: argon2id, two at a time, with a short queue, so that a flood of log-ins cannot take the machine.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Longer than this is refused before it is hashed.
const LONGEST: usize = 1024;
/// without a second factor
const SHORTEST: usize = 15;
const AT_ONCE: usize = 2;
const QUEUE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(2);

/// Hashes and checks passwords. Cheap to clone; clones share the queue.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Passwords {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(AT_ONCE + QUEUE)),
        }
    }
}

/// What is wrong with a password that somebody chooses, if anything.
pub fn problem_with(password: &str, email: &str) -> Option<String> {
    let name = email.split('@').next().unwrap_or_default();
    let lower = password.to_lowercase();
    if password.chars().count() < SHORTEST {
        Some(t!("Use at least {SHORTEST} characters; a sentence is fine.", SHORTEST))
    } else if password.len() > LONGEST {
        Some(t!("Use at most 1,024 bytes.").into())
    } else if lower.contains("password") || lower.contains("pulseboard") || (name.len() > 3 && lower.contains(name)) {
        Some(t!("This is too easy to guess: leave out your address, the product's name and \"password\".").into())
    } else if password.chars().all(|c| password.starts_with(c)) {
        Some(t!("Use more than one character.").into())
    } else {
        None
    }
}

impl Passwords {
    /// The PHC string of a password. Busy when the queue is full or too slow.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.run(move || {
            argon2()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| anyhow::anyhow!("{error}"))
        })
        .await?
        .map_err(Error::Internal)
    }

    /// Whether the password is the one of this hash. Without a hash (no such person, no password yet) the same work
    /// is done for nothing, so that time does not tell who exists.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        if password.len() > LONGEST {
            return Err(Error::invalid("password", t!("This is too long to be a password.")));
        }
        let password = password.to_owned();
        let hash = hash.map(str::to_owned);
        self.run(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| dummy().to_owned());
            let right = PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            right && known
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = self.waiting.try_acquire().map_err(|_| Error::Busy)?;
        let permit = tokio::time::timeout(PATIENCE, self.running.clone().acquire_owned())
            .await
            .map_err(|_| Error::Busy)?
            .map_err(anyhow::Error::from)?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        Ok(done.await.map_err(anyhow::Error::from)?)
    }
}

/// OWASP's floor: 19 MiB, 2 passes, 1 lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(19_456, 2, 1, None).unwrap_or_default(),
    )
}

fn dummy() -> &'static str {
    static DUMMY: OnceLock<String> = OnceLock::new();
    DUMMY.get_or_init(|| {
        argon2()
            .hash_password(b"nobody")
            .map(|hash| hash.to_string())
            .unwrap_or_default()
    })
}
