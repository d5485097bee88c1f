//! The secret that keys hashes and tokens. It never prints itself, and a short, repeated or well-known one is refused.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const SHORTEST: usize = 32;
/// Fewer different bytes than this is a pattern typed by hand, not 32 random bytes.
const FEWEST_DIFFERENT: usize = 10;
/// Found in examples and tutorials.
const WELL_KNOWN: &[&str] = &[
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "example",
    "default",
    "yoursecret",
    "your-secret",
    "your_secret",
    "0123456789",
    "abcdefghij",
    "password",
];

/// At least 32 bytes that only this installation knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is at least 32 random bytes")]
pub struct WeakSecret;

impl Secret {
    /// Accepts a text of 32 bytes or more that is neither a pattern nor taken from an example.
    pub fn new(text: &str) -> Result<Secret, WeakSecret> {
        let mut different: Vec<u8> = text.bytes().collect();
        different.sort_unstable();
        different.dedup();
        let lower = text.to_lowercase();
        let known = WELL_KNOWN.iter().any(|word| lower.contains(word));
        if text.len() < SHORTEST || different.len() < FEWEST_DIFFERENT || known {
            return Err(WeakSecret);
        }
        Ok(Secret(text.to_owned()))
    }

    /// A new one: 48 random bytes as text.
    pub fn generate() -> Secret {
        let bytes: [u8; 48] = rand::random();
        Secret(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The secret kept in a file that only its owner can read, made on first use: for a demo, which has no operator.
    pub fn kept_in(path: &Path) -> io::Result<Secret> {
        if let Ok(text) = fs::read_to_string(path)
            && let Ok(secret) = Secret::new(text.trim())
        {
            return Ok(secret);
        }
        let secret = Secret::generate();
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        writeln!(file, "{}", secret.0)?;
        Ok(secret)
    }

    /// The bytes, to key a hash with.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
