//! Reading one partition under a lease: a batch of records, and in its transaction the step to the next offset. Where a batch
//! fails, or ended the process before, its records are tried one by one.

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
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::ingest::{Cause, DeadLetter, Effect, Item, Verdict, keep_dead_letter};

use super::{Shared, client};

/// Reads until it is time to stop, or until somebody else holds the partition.
pub async fn read(shared: Shared, client: Arc<Client>, lease: Lease, stopping: CancellationToken) {
    let mut reader = Reader {
        shared,
        lease,
        stopping,
        place: None,
    };
    let mut backoff = Backoff::default();
    while !reader.stopping.is_cancelled() {
        match reader.session(&client, &mut backoff).await {
            Ok(()) => return,
            Err(error) if error.downcast_ref().is_some_and(is_lost) => return,
            Err(error) => {
                let lease = &reader.lease;
                let words = format!("{}/{}: {error:#}", lease.topic, lease.partition);
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

/// A record for the dead letters.
struct Burial {
    cause: Cause,
    reason: String,
    body: Vec<u8>,
}

impl Burial {
    fn of(letter: &Letter, cause: Cause, reason: &str) -> Self {
        let body = letter.record.record.value.as_deref().unwrap_or_default();
        Burial {
            cause,
            reason: reason.to_owned(),
            body: body[..body.len().min(cloudevents::LONGEST_BODY)].to_vec(),
        }
    }

    async fn keep(&self, tx: &mut PgConnection, facility: i64, broker: &str) -> Result<()> {
        let letter = DeadLetter {
            facility,
            origin: broker,
            cause: self.cause,
            reason: &self.reason,
            body: &self.body,
        };
        keep_dead_letter(tx, &letter).await
    }
}

struct Reader {
    shared: Shared,
    lease: Lease,
    stopping: CancellationToken,
    /// as it stands in the database
    place: Option<i64>,
}

/// A record, read.
struct Letter {
    record: RecordAndOffset,
    /// why it holds no event
    read: std::result::Result<Vec<Item>, String>,
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
        let (place, tries) = commands::begin(&way.db, &way.origin.name, &self.lease).await?;
        self.place = place;
        let mut careful = tries > 1;
        let mut next = match place {
            Some(next) => next,
            None => client::beginning(&partition, self.shared.settings.from).await?,
        };
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
            let letters: Vec<Letter> = records
                .into_iter()
                .filter(|one| one.offset >= next)
                .map(read_one)
                .collect();
            if let Some(last) = letters.last() {
                next = last.record.offset + 1;
                self.take(letters, careful, backoff).await?;
                careful = false;
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

    /// Stores a batch, or its records one by one.
    async fn take(&mut self, letters: Vec<Letter>, careful: bool, backoff: &mut Backoff) -> anyhow::Result<()> {
        if !careful {
            match self.store(&letters, None, backoff).await {
                Err(error) if !is_lost(&error) && !self.stopping.is_cancelled() => {
                    self.shared.way.reporter.failed(&error.to_string());
                }
                done => return Ok(done?),
            }
        }
        for letter in &letters {
            self.take_alone(letter, backoff).await?;
            if self.stopping.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Each try is counted before it is made.
    async fn take_alone(&mut self, letter: &Letter, backoff: &mut Backoff) -> Result<()> {
        let mut cause = format!("It was tried {MOST_TRIES} times and never came to an end.");
        let one = std::slice::from_ref(letter);
        while !self.stopping.is_cancelled() {
            let way = self.shared.way.clone();
            let (_, tries) = commands::begin(&way.db, &way.origin.name, &self.lease).await?;
            if tries > MOST_TRIES {
                return self.store(one, Some(&cause), backoff).await;
            }
            match self.store(one, None, backoff).await {
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
        let Some(to) = letters.last().map(|letter| letter.record.offset + 1) else {
            return Ok(());
        };
        loop {
            let (batch, dead) = sorted(letters, poison);
            let buried = dead.len();
            let effect = self.effect(to, dead);
            match way.pipeline.submit_with(&way.origin, batch, effect).await {
                Ok(verdicts) => {
                    self.place = Some(to);
                    let rejected = if poison.is_some() {
                        Vec::new()
                    } else {
                        rejected(letters, &verdicts)
                    };
                    way.reporter.took(letters.len(), buried + rejected.len());
                    return self.keep(rejected).await;
                }
                Err(error) if is_passing(&error) && !is_lost(&error) && !self.stopping.is_cancelled() => {
                    way.reporter.failed(&error.to_string());
                    self.pause(backoff).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What the rules refuse is told by their answer, which comes after the commit.
    async fn keep(&self, burials: Vec<Burial>) -> Result<()> {
        if burials.is_empty() {
            return Ok(());
        }
        let way = &self.shared.way;
        let mut tx = way.db.write_in_background(&Scope::All).await?;
        for burial in &burials {
            burial.keep(&mut tx, way.facility(), &way.origin.name).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    fn effect(&self, to: i64, dead: Vec<Burial>) -> Effect {
        let (lease, from) = (self.lease.clone(), self.place);
        let (broker, facility) = (self.shared.way.origin.name.clone(), self.shared.way.facility());
        Box::new(move |tx| {
            Box::pin(async move {
                commands::advance(tx, &broker, &lease, from, to).await?;
                for burial in &dead {
                    burial.keep(tx, facility, &broker).await?;
                }
                Ok(())
            })
        })
    }
}

/// What is to be stored, and what is to be buried.
fn sorted(letters: &[Letter], poison: Option<&str>) -> (Vec<Item>, Vec<Burial>) {
    let (mut batch, mut dead) = (Vec::new(), Vec::new());
    for letter in letters {
        match (&letter.read, poison) {
            (Err(reason), _) => dead.push(Burial::of(letter, Cause::Invalid, reason)),
            (Ok(_), Some(reason)) => dead.push(Burial::of(letter, Cause::Poison, reason)),
            (Ok(items), None) => batch.extend(items.iter().cloned()),
        }
    }
    (batch, dead)
}

/// Those that the rules refuse.
fn rejected(letters: &[Letter], verdicts: &[Verdict]) -> Vec<Burial> {
    let mut verdicts = verdicts.iter();
    let stored = letters
        .iter()
        .filter_map(|letter| Some((letter, letter.read.as_ref().ok()?)));
    let refused = stored.filter_map(|(letter, items)| {
        let own: Vec<&Verdict> = verdicts.by_ref().take(items.len()).collect();
        own.into_iter().find_map(|verdict| match verdict {
            Verdict::Rejected(reason) => Some(Burial::of(letter, Cause::Invalid, reason)),
            _ => None,
        })
    });
    refused.collect()
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
        read: read.map(|events| events.into_iter().map(cloudevents::item).collect()),
        record,
    }
}
