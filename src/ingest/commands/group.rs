//! The one write path: a group of batches becomes rows and sums in one transaction, or nothing of it does.

use chrono::DateTime;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::dead_letters::{Cause, NewLetter, keep_all};
use super::events;
use crate::auth::Key;
use crate::catalog::{self, Seen};
use crate::error::Result;
use crate::ids::FacilityId;
use crate::ingest::model::Verdict;
use crate::ingest::prepare::{Prepared, ReadyEvent};
use crate::metrics::{self, Calendar, Chunks, Days};

/// Status and body of the answer to a batch.
pub type Answer = fn(&[Verdict]) -> (u16, String);

/// An answer that is kept with the batch, for whoever sends it again by the same key.
#[derive(Clone, Debug)]
pub struct Once {
    pub facility: i64,
    pub key_id: i64,
    pub route: &'static str,
    pub key: String,
    pub body_hash: [u8; 32],
    /// status and body
    pub answer: Answer,
}

impl Once {
    /// Of a request with this body, known by this key.
    pub fn new(sender: &Key, route: &'static str, key: String, body: &[u8], answer: Answer) -> Self {
        Once {
            facility: match sender.facilities.as_deref() {
                Some([FacilityId(only)]) => *only,
                _ => 0,
            },
            key_id: sender.id,
            route,
            key,
            body_hash: Sha256::digest(body).into(),
            answer,
        }
    }
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Written(Vec<Verdict>),
    /// Another batch with its idempotency key was there first; of this one nothing was written.
    Taken,
}

/// What a transaction changed that others hear of.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// have new figures
    pub facilities: Vec<i64>,
    /// cases of correlations that were found
    pub cases: usize,
}

/// Writes all of them; the caller commits. The last statement takes the locks of the sums.
pub async fn write(
    tx: &mut PgConnection,
    batches: &[(&Prepared, Option<&Once>)],
    days: &Days,
    zones: &Calendar,
    received: i64,
) -> Result<(Vec<Outcome>, Changed)> {
    let mut taken = Vec::with_capacity(batches.len());
    for (_, once) in batches {
        taken.push(match once {
            Some(once) => !claim(tx, once).await?,
            None => false,
        });
    }
    let mine = || {
        batches
            .iter()
            .zip(&taken)
            .filter(|(_, taken)| !**taken)
            .map(|((batch, _), _)| *batch)
    };
    let all: Vec<&ReadyEvent> = mine().flat_map(|batch| &batch.events).collect();
    let judged = events::judge(tx, &all, received).await?;
    let accepted: Vec<&ReadyEvent> = all
        .iter()
        .zip(&judged)
        .filter(|(_, verdict)| **verdict == Verdict::ACCEPTED)
        .map(|(event, _)| *event)
        .collect();
    events::store(tx, &accepted, received, days).await?;
    let seen: Vec<Seen<'_>> = accepted
        .iter()
        .filter(|event| !event.filled.is_empty())
        .map(|event| Seen {
            facility: event.facility,
            at: DateTime::from_timestamp_micros(event.at).unwrap_or_default(),
            source: &event.event.source,
            id: &event.event.id,
            filled: &event.filled,
        })
        .collect();
    let cases = catalog::correlate(tx, &seen).await?;

    let mut conflicts = Vec::new();
    let mut letters: Vec<(&str, &NewLetter)> = Vec::new();
    let mut verdicts = judged.into_iter();
    let mut outcomes = Vec::with_capacity(batches.len());
    for ((batch, _), taken) in batches.iter().zip(&taken) {
        if *taken {
            outcomes.push(Outcome::Taken);
            continue;
        }
        letters.extend(batch.letters.iter().map(|letter| (batch.origin.as_str(), letter)));
        let mut settled = batch.verdicts.clone();
        for (event, verdict) in batch.events.iter().zip(verdicts.by_ref()) {
            if verdict == Verdict::Conflict {
                let reason = "Another event has this source and id.".to_owned();
                let letter = NewLetter::event(event.facility, Cause::Conflict, reason, &event.event);
                conflicts.push((batch.origin.as_str(), letter));
            }
            // a note is about what was accepted
            if verdict != Verdict::ACCEPTED || settled[event.index].is_none() {
                settled[event.index] = Some(verdict);
            }
        }
        let settled = settled.into_iter().map(|verdict| verdict.unwrap_or(Verdict::ACCEPTED));
        outcomes.push(Outcome::Written(settled.collect()));
    }
    letters.extend(conflicts.iter().map(|(origin, letter)| (*origin, letter)));
    keep_all(tx, &letters).await?;
    for ((_, once), outcome) in batches.iter().zip(&outcomes) {
        if let (Some(once), Outcome::Written(verdicts)) = (once, outcome) {
            keep_answer(tx, once, verdicts).await?;
        }
    }

    let mut chunks = Chunks::default();
    let plain = mine().flat_map(|batch| &batch.points);
    for point in accepted.iter().flat_map(|event| &event.points).chain(plain) {
        if let Ok(series) = point.series {
            chunks.add(point.facility, series, point.at, point.value);
        }
    }
    let mut facilities = chunks.facilities();
    facilities.extend(accepted.iter().map(|event| event.facility));
    facilities.sort_unstable();
    facilities.dedup();
    metrics::write(tx, chunks, received, days, zones).await?;
    Ok((outcomes, Changed { facilities, cases }))
}

/// Whether nobody had this idempotency key before.
async fn claim(tx: &mut PgConnection, once: &Once) -> Result<bool> {
    let made = sqlx::query!(
        "insert into idempotent_batches (facility_id, key_id, route, key, body_hash, status, answer)
         values ($1, $2, $3, $4, $5, 0, '') on conflict do nothing",
        once.facility,
        once.key_id,
        once.route,
        once.key,
        &once.body_hash[..]
    )
    .execute(tx)
    .await?;
    Ok(made.rows_affected() == 1)
}

async fn keep_answer(tx: &mut PgConnection, once: &Once, verdicts: &[Verdict]) -> Result<()> {
    let (status, answer) = (once.answer)(verdicts);
    sqlx::query!(
        "update idempotent_batches set status = $5, answer = $6
         where facility_id = $1 and key_id = $2 and route = $3 and key = $4",
        once.facility,
        once.key_id,
        once.route,
        once.key,
        status as i16,
        answer
    )
    .execute(tx)
    .await?;
    Ok(())
}
