//! A batch that has an idempotency key: whoever sends it again gets the answer that it got before.

use super::commands::group::{Once, Outcome};
use super::model::{Batch, Origin};
use super::pipeline::Pipeline;
use super::queries::{self, Answered};
use crate::db::Db;
use crate::error::{Error, Result};

/// The answer to a batch: made now, or kept from when it came before, maybe with another body.
pub async fn answer_once(db: &Db, pipeline: &Pipeline, origin: &Origin, batch: Batch, once: Once) -> Result<Answered> {
    if let Some(earlier) = queries::answered(db, &once).await? {
        return Ok(earlier);
    }
    match pipeline.submit_once(origin, batch, Some(once.clone())).await? {
        Outcome::Written(verdicts) => {
            let (status, answer) = (once.answer)(&verdicts);
            Ok(Answered {
                same_body: true,
                earlier: false,
                status,
                answer,
            })
        }
        Outcome::Taken => match queries::answered(db, &once).await? {
            Some(earlier) => Ok(earlier),
            None => Err(Error::Conflict(
                "A request with this Idempotency-Key is being taken just now.".into(),
            )),
        },
    }
}
