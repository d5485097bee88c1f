//! Reading one partition under a lease: a batch of records, and in its transaction the step to the next offset. Where a batch
//! fails, or ended the process before, its records are tried one by one.

use std::collections::BTreeSet;
use std::sync::Arc;

use rskafka::client::Client;
use rskafka::client::partition::PartitionClient;
use rskafka::record::RecordAndOffset;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::brokers::backoff::Backoff;
use crate::brokers::cloudevents::{self, Binding, Message};
use crate::brokers::commands::{self, Lease};
use crate::brokers::{MOST_TRIES, is_passing};
use crate::error::{Error, Result};
use crate::ingest::{Batch, Cause, DeadLetter, Effect, Refused, Verdict, keep_dead_letter};

use super::{Shared, client};

/// Reads until it is time to stop, or until somebody else holds the partition.
pub async fn read(shared: Shared, client: Arc<Client>, lease: Lease, stopping: CancellationToken) {
    let mut reader = Reader {
        shared,
        lease,
        stopping,
        place: 0,
    };
    let mut backoff = Backoff::default();
    while !reader.stopping.is_cancelled() {
        match reader.session(&client, &mut backoff).await {
            Ok(()) => return,
            Err(error) if error.downcast_ref().is_some_and(is_lost) => return,
            Err(error) => {
                let lease = &reader.lease;
                let words = format!("{}/{}: {error:#}", lease.topic, lease.partition);
                reader.shared.health(Some(lease), &reader.stopping, false);
                reader.shared.way.reporter.failed(&words);
                reader.pause(&mut backoff).await;
            }
        }
    }
}

/// Somebody else has the lease, or two wait for each other; either way this worker ends, and comes back if the lease is
/// still its own.
fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Conflict(_))
}

/// A record, read.
struct Letter {
    offset: i64,
    body: Arc<Vec<u8>>,
    /// why it holds no event
    read: std::result::Result<Batch, String>,
}

/// A record for the dead letters.
struct Burial {
    cause: Cause,
    reason: String,
    body: Arc<Vec<u8>>,
}

impl Burial {
    fn of(letter: &Letter, cause: Cause, reason: &str) -> Self {
        Burial {
            cause,
            reason: reason.to_owned(),
            body: letter.body.clone(),
        }
    }

    async fn keep(&self, tx: &mut PgConnection, facility: i64, broker: &str) -> Result<()> {
        let letter = DeadLetter {
            facility,
            origin: broker,
            cause: self.cause,
            reason: &self.reason,
            body: &self.body[..self.body.len().min(cloudevents::LONGEST_BODY)],
        };
        keep_dead_letter(tx, &letter).await
    }
}

struct Reader {
    shared: Shared,
    lease: Lease,
    stopping: CancellationToken,
    /// the first record that is not stored, as the database has it
    place: i64,
}

impl Reader {
    async fn pause(&self, backoff: &mut Backoff) {
        let wait = tokio::time::sleep(backoff.next());
        self.stopping.run_until_cancelled(wait).await;
    }

    async fn session(&mut self, client: &Client, backoff: &mut Backoff) -> anyhow::Result<()> {
        let stopping = self.stopping.clone();
        let found = stopping
            .run_until_cancelled(client::partition(client, &self.lease))
            .await;
        let Some(partition) = found.transpose()? else {
            return Ok(());
        };
        let way = self.shared.way.clone();
        let place = commands::place(&way.db, &way.origin.name, &self.lease).await?;
        let mut begun = false;
        self.place = match place {
            Some(next) => next,
            None => {
                let first = client::beginning(&partition, self.shared.settings.from).await?;
                commands::begin_at(&way.db, &way.origin.name, &self.lease, first).await?;
                first
            }
        };
        let mut next = self.place;
        loop {
            let fetched = stopping.run_until_cancelled(client::fetch(&partition, next)).await;
            let Some(fetched) = fetched.transpose()? else {
                return Ok(());
            };
            let Some((records, end)) = fetched else {
                next = self.resume(&partition, next).await?;
                continue;
            };
            backoff.reset();
            self.shared.health(Some(&self.lease), &self.stopping, true);
            let letters: Vec<Letter> = records
                .into_iter()
                .filter(|one| one.offset >= next)
                .map(read_one)
                .collect();
            if let Some(last) = letters.last() {
                next = last.offset + 1;
                // what ended the session before may lie at its beginning, once there is something to try
                let tries = match std::mem::replace(&mut begun, true) {
                    true => None,
                    false => Some(self.count(&letters[0]).await?),
                };
                self.take(letters, tries, backoff).await?;
            }
            self.shared.lag(&self.lease, Some(end - next));
            if stopping.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// The broker has removed what would be next, or the topic was made anew.
    async fn resume(&mut self, partition: &PartitionClient, wanted: i64) -> anyhow::Result<i64> {
        let first = client::beginning(partition, crate::config::Beginning::Earliest).await?;
        let lease = &self.lease;
        self.shared.way.reporter.failed(&format!(
            "{}/{}: the broker no longer has offset {wanted}; reading goes on at {first}",
            lease.topic, lease.partition
        ));
        Ok(first)
    }

    /// Counts a try of a record.
    async fn count(&self, letter: &Letter) -> Result<i32> {
        let way = &self.shared.way;
        commands::count_try(&way.db, &way.origin.name, &self.lease, letter.offset).await
    }

    /// What came of a counted try. That somebody else was in the way, or that it is time to stop, says nothing of the record.
    async fn judge(&self, letter: &Letter, outcome: Result<()>) -> Result<()> {
        if outcome.as_ref().is_err_and(is_passing) {
            let way = &self.shared.way;
            commands::take_try_back(&way.db, &way.origin.name, &self.lease, letter.offset).await?;
        }
        outcome
    }

    /// Stores a batch, or its records one by one. With tries, so many of its first record are counted, this one with them.
    async fn take(&mut self, letters: Vec<Letter>, tries: Option<i32>, backoff: &mut Backoff) -> anyhow::Result<()> {
        if tries.is_none_or(|tries| tries < 2) {
            let mut outcome = self.store(&letters, None, backoff).await;
            if tries.is_some() {
                outcome = self.judge(&letters[0], outcome).await;
            }
            match outcome {
                Err(error) if !is_lost(&error) && !self.stopping.is_cancelled() => {
                    self.shared.way.reporter.failed(&error.to_string());
                }
                done => return Ok(done?),
            }
        }
        let mut counted = tries;
        for letter in &letters {
            self.take_alone(letter, counted.take(), backoff).await?;
            if self.stopping.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Each try is counted before it is made; the first may be already.
    async fn take_alone(&mut self, letter: &Letter, mut counted: Option<i32>, backoff: &mut Backoff) -> Result<()> {
        let mut cause = format!("It was tried {MOST_TRIES} times and never came to an end.");
        let one = std::slice::from_ref(letter);
        while !self.stopping.is_cancelled() {
            let way = self.shared.way.clone();
            let tries = match counted.take() {
                Some(tries) => tries,
                None => self.count(letter).await?,
            };
            if tries > MOST_TRIES {
                return self.store(one, Some(&cause), backoff).await;
            }
            let outcome = self.store(one, None, backoff).await;
            match self.judge(letter, outcome).await {
                Err(error) if !is_lost(&error) => {
                    way.reporter.failed(&error.to_string());
                    cause = format!("Tried {tries} times: {error}");
                    self.pause(backoff).await;
                }
                done => return done,
            }
        }
        Ok(())
    }

    /// Stores these records and the step past them together, while the database is away as often as it takes. With a reason,
    /// they go to the dead letters instead.
    async fn store(&mut self, letters: &[Letter], poison: Option<&str>, backoff: &mut Backoff) -> Result<()> {
        let way = self.shared.way.clone();
        let Some(to) = letters.last().map(|letter| letter.offset + 1) else {
            return Ok(());
        };
        loop {
            let sorted = Sorted::of(letters, poison);
            let (buried, owners) = (sorted.dead.len(), sorted.owners.clone());
            let effect = self.effect(to, sorted.dead, sorted.owners);
            match way.pipeline.submit_with(&way.origin, sorted.batch, effect).await {
                Ok(verdicts) => {
                    self.place = to;
                    let refused: BTreeSet<usize> = owners
                        .iter()
                        .zip(&verdicts)
                        .filter(|(_, verdict)| matches!(verdict, Verdict::Rejected(_)))
                        .map(|((letter, _), _)| *letter)
                        .collect();
                    way.reporter.took(letters.len(), buried + refused.len());
                    return Ok(());
                }
                Err(error) if is_passing(&error) && !is_lost(&error) && !self.stopping.is_cancelled() => {
                    way.reporter.failed(&error.to_string());
                    self.pause(backoff).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The step to the next offset, with what goes to the dead letters instead of being stored.
    fn effect(&self, to: i64, dead: Vec<Burial>, owners: Vec<Owner>) -> Effect {
        let (lease, from) = (self.lease.clone(), self.place);
        let (broker, facility) = (self.shared.way.origin.name.clone(), self.shared.way.facility());
        Box::new(move |tx, refused| {
            Box::pin(async move {
                commands::advance(tx, &broker, &lease, from, to).await?;
                for burial in dead.into_iter().chain(burials(&owners, refused)) {
                    burial.keep(tx, facility, &broker).await?;
                }
                Ok(())
            })
        })
    }
}

/// The record that an item of a batch came from: its place among the letters, and what it said.
type Owner = (usize, Arc<Vec<u8>>);

/// What is to be stored, and what is to be buried.
#[derive(Default)]
struct Sorted {
    batch: Batch,
    /// of each item
    owners: Vec<Owner>,
    dead: Vec<Burial>,
}

impl Sorted {
    fn of(letters: &[Letter], poison: Option<&str>) -> Self {
        let mut sorted = Sorted::default();
        for (at, letter) in letters.iter().enumerate() {
            match (&letter.read, poison) {
                (Err(reason), _) => sorted.dead.push(Burial::of(letter, Cause::Invalid, reason)),
                (Ok(_), Some(reason)) => sorted.dead.push(Burial::of(letter, Cause::Poison, reason)),
                (Ok(items), None) => {
                    let owner = (at, letter.body.clone());
                    sorted.owners.extend(std::iter::repeat_n(owner, items.len()));
                    sorted.batch.extend(items.iter().cloned());
                }
            }
        }
        sorted
    }
}

/// Each record that the rules refuse, with the first reason.
fn burials(owners: &[Owner], refused: Vec<Refused>) -> Vec<Burial> {
    let mut last = None;
    let with_owners = refused
        .into_iter()
        .filter_map(|one| Some((owners.get(one.index)?, one.reason)));
    with_owners
        .filter(|((letter, _), _)| last.replace(*letter) != Some(*letter))
        .map(|((_, body), reason)| Burial {
            cause: Cause::Invalid,
            reason,
            body: body.clone(),
        })
        .collect()
}

fn read_one(record: RecordAndOffset) -> Letter {
    let all = record.record.headers.iter();
    let headers: Vec<(String, String)> = all
        .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
        .collect();
    let content_type = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.clone());
    let message = Message {
        content_type: content_type.as_deref(),
        headers: &headers,
        body: record.record.value.as_deref().unwrap_or_default(),
    };
    let read = cloudevents::events(Binding::Kafka, message);
    Letter {
        offset: record.offset,
        body: Arc::new(record.record.value.unwrap_or_default()),
        read,
    }
}
