//! Stores what a request says, once: the same request sent again, because its answer was lost, changes nothing and is
//! answered as before. Points have no id of their own, so a request is known by its body, in which every value has its time.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::auth::Key;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ingest::{Batch, Item, Once, Origin, Pipeline, Verdict, answer_once};

use super::Reading;

/// Values of one request.
const MOST_POINTS: usize = 100_000;

/// What became of a request.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub stored: usize,
    pub refused: usize,
    /// of the first that was refused
    pub reason: Option<String>,
}

/// Stores the points of a reading, or answers what became of them when the same body came before.
///
/// # Errors
/// When nothing was stored.
pub async fn store(
    (db, pipeline): (&Db, &Pipeline),
    key: &Key,
    route: &'static str,
    body: &[u8],
    reading: Reading,
) -> Result<Done> {
    if reading.points.len() > MOST_POINTS {
        return Err(Error::TooLarge(format!("Send at most {MOST_POINTS} values at once.")));
    }
    let mut done = Done {
        refused: reading.refused,
        reason: reading.reason,
        ..Done::default()
    };
    if reading.points.is_empty() {
        return Ok(done);
    }
    let known_by = Sha256::digest(body).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let batch: Batch = reading.points.into_iter().map(Item::Point).collect();
    let once = Once::new(key, route, known_by, body, answer);
    let answered = answer_once(db, pipeline, &Origin::key(key), batch, once).await?;
    let of_points: Done = serde_json::from_str(&answered.answer).map_err(anyhow::Error::from)?;
    done.stored = of_points.stored;
    done.refused += of_points.refused;
    done.reason = done.reason.or(of_points.reason);
    Ok(done)
}

/// As it is kept with the batch. What came late is kept among the dead letters, but not stored.
fn answer(verdicts: &[Verdict]) -> (u16, String) {
    let stored = verdicts.iter().filter(|verdict| verdict.is_good()).count();
    let done = Done {
        stored,
        refused: verdicts.len() - stored,
        reason: verdicts.iter().find_map(|verdict| match verdict {
            Verdict::Rejected(reason) | Verdict::Late(reason) => Some(reason.clone()),
            _ => None,
        }),
    };
    (200, serde_json::to_string(&done).unwrap_or_default())
}
