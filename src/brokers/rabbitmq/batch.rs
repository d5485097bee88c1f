//! A batch of deliveries: read, stored, and only then acknowledged. A message that came before and may have ended the
//! process is counted, and from its second try on tried alone, so that it takes no other with it.

use std::future::Future;

use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use lapin::types::AMQPValue;
use sha2::{Digest, Sha256};

use crate::brokers::backoff::Backoff;
use crate::brokers::cloudevents::{self, Binding, Message};
use crate::brokers::{MOST_TRIES, Way, commands, is_passing};
use crate::db::Scope;
use crate::error::Result;
use crate::ingest::{Cause, DeadLetter, Item, Verdict, keep_dead_letter};

use super::connection::{Connected, within};

/// A delivery on its way.
struct Letter {
    delivery: Delivery,
    items: Vec<Item>,
    hash: Vec<u8>,
    /// with this one; 0 while nothing speaks against it
    tries: i32,
    /// what became of it; none: not known yet
    fate: Option<Fate>,
}

enum Fate {
    Stored,
    Dead(Cause, String),
    /// back to the queue for another try
    Again,
}

/// Stores and acknowledges; on an error of the broker the connection is made anew and the rest comes again.
pub async fn take(way: &Way, connected: &Connected, deliveries: Vec<Delivery>) -> anyhow::Result<()> {
    let mut letters: Vec<Letter> = deliveries.into_iter().map(read).collect();
    if !count(way, &mut letters).await || !store(way, &mut letters).await {
        // time to stop: what is not acknowledged comes again
        return Ok(());
    }
    settle(way, connected, &letters).await
}

fn read(mut delivery: Delivery) -> Letter {
    let body = std::mem::take(&mut delivery.data);
    let headers = headers(&delivery);
    let content_type = delivery.properties.content_type().as_ref();
    let read = cloudevents::events(
        Binding::Amqp,
        Message {
            content_type: content_type.map(|text| text.as_str()),
            headers: &headers,
            body: &body,
        },
    );
    // brokers count in headers of their own how often they brought it
    let own = headers.iter().filter(|(name, _)| !name.starts_with("x-"));
    let hash = own.fold(Sha256::new_with_prefix(&body), |hash, (name, value)| {
        hash.chain_update([0])
            .chain_update(name)
            .chain_update([0])
            .chain_update(value)
    });
    let (items, fate) = match read {
        Ok(items) => (items, None),
        Err(reason) => (Vec::new(), Some(Fate::Dead(Cause::Invalid, reason))),
    };
    delivery.data = body;
    Letter {
        delivery,
        items,
        hash: hash.finalize().to_vec(),
        tries: 0,
        fate,
    }
}

fn headers(delivery: &Delivery) -> Vec<(String, String)> {
    let table = delivery.properties.headers().iter().flat_map(|table| table.inner());
    let pairs = table.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)));
    pairs.collect()
}

/// An attribute as text, whatever type a library chose for it.
fn text(value: &AMQPValue) -> Option<String> {
    Some(match value {
        AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        AMQPValue::ShortString(text) => text.as_str().to_owned(),
        AMQPValue::Boolean(yes) => yes.to_string(),
        AMQPValue::ShortShortInt(number) => number.to_string(),
        AMQPValue::ShortShortUInt(number) => number.to_string(),
        AMQPValue::ShortInt(number) => number.to_string(),
        AMQPValue::ShortUInt(number) => number.to_string(),
        AMQPValue::LongInt(number) => number.to_string(),
        AMQPValue::LongUInt(number) => number.to_string(),
        AMQPValue::LongLongInt(number) => number.to_string(),
        AMQPValue::Timestamp(seconds) => chrono::DateTime::from_timestamp(*seconds as i64, 0)?.to_rfc3339(),
        _ => return None,
    })
}

/// Counts the try of those that come again. False when it is time to stop.
async fn count(way: &Way, letters: &mut [Letter]) -> bool {
    let mut again: Vec<&mut Letter> = letters
        .iter_mut()
        .filter(|letter| letter.delivery.redelivered && letter.fate.is_none())
        .collect();
    if again.is_empty() {
        return true;
    }
    let hashes: Vec<Vec<u8>> = again.iter().map(|letter| letter.hash.clone()).collect();
    let Some(tries) = patiently(way, || commands::count_tries(&way.db, &way.origin.name, &hashes)).await else {
        return false;
    };
    for (letter, tries) in again.iter_mut().zip(tries.unwrap_or_default()) {
        letter.tries = tries;
        if tries > MOST_TRIES {
            let reason = format!("It was tried {MOST_TRIES} times and never came to an end.");
            letter.fate = Some(Fate::Dead(Cause::Poison, reason));
        }
    }
    true
}

/// Finds out what becomes of each. False when it is time to stop.
async fn store(way: &Way, letters: &mut [Letter]) -> bool {
    let mut open: Vec<&mut Letter> = letters.iter_mut().filter(|letter| letter.fate.is_none()).collect();
    let (mut trusted, mut suspect): (Vec<_>, Vec<_>) = open.drain(..).partition(|letter| letter.tries < 2);
    if !trusted.is_empty() {
        match submit(way, &mut trusted).await {
            None => return false,
            Some(Ok(())) => {}
            // one of them, and nobody knows which
            Some(Err(_)) => suspect.extend(trusted),
        }
    }
    for letter in suspect {
        let failed = match submit(way, &mut [&mut *letter]).await {
            None => return false,
            Some(outcome) => outcome.err(),
        };
        if let Some(error) = failed {
            way.reporter.failed(&error.to_string());
            let hash = [letter.hash.clone()];
            if letter.tries == 0 {
                let counting = || commands::count_tries(&way.db, &way.origin.name, &hash);
                let Some(counted) = patiently(way, counting).await else {
                    return false;
                };
                letter.tries = counted.ok().and_then(|tries| tries.first().copied()).unwrap_or(1);
            }
            letter.fate = Some(match letter.tries {
                MOST_TRIES.. => Fate::Dead(Cause::Poison, format!("Tried {} times: {error}", letter.tries)),
                _ => Fate::Again,
            });
        }
    }
    true
}

/// Stores some together and notes what became of each; an error that is theirs is answered. None: time to stop.
async fn submit(way: &Way, letters: &mut [&mut Letter]) -> Option<Result<()>> {
    let all = || letters.iter().flat_map(|letter| letter.items.clone()).collect();
    let verdicts = match patiently(way, || way.pipeline.submit(&way.origin, all())).await? {
        Ok(verdicts) => verdicts,
        Err(error) => return Some(Err(error)),
    };
    let mut verdicts = verdicts.into_iter();
    for letter in letters {
        let own: Vec<Verdict> = verdicts.by_ref().take(letter.items.len()).collect();
        let rejected = own.into_iter().enumerate().find_map(|(at, verdict)| match verdict {
            Verdict::Rejected(reason) if letter.items.len() > 1 => Some(format!("event {at}: {reason}")),
            Verdict::Rejected(reason) => Some(reason),
            _ => None,
        });
        letter.fate = Some(rejected.map_or(Fate::Stored, |reason| Fate::Dead(Cause::Invalid, reason)));
    }
    Some(Ok(()))
}

/// Tries while the database is away or busy. None: time to stop.
async fn patiently<T, F: Future<Output = Result<T>>>(way: &Way, work: impl Fn() -> F) -> Option<Result<T>> {
    let mut backoff = Backoff::default();
    loop {
        match work().await {
            Err(error) if is_passing(&error) => {
                way.reporter.failed(&error.to_string());
                if !way.pause(&mut backoff).await {
                    return None;
                }
            }
            done => return Some(done),
        }
    }
}

/// Dead letters are kept and published before the broker may forget the message.
async fn settle(way: &Way, connected: &Connected, letters: &[Letter]) -> anyhow::Result<()> {
    let dead = letters.iter().filter_map(|letter| match &letter.fate {
        Some(Fate::Dead(cause, reason)) => Some((letter, *cause, reason)),
        _ => None,
    });
    let mut buried = 0;
    for (letter, cause, reason) in dead {
        let (body, properties) = (&letter.delivery.data, &letter.delivery.properties);
        // the whole of it is in the queue of dead letters
        keep(way, cause, reason, &body[..body.len().min(cloudevents::LONGEST_BODY)]).await?;
        connected.bury(properties, body, reason).await?;
        buried += 1;
    }
    let through: Vec<Vec<u8>> = letters
        .iter()
        .filter(|letter| letter.tries > 0 && !matches!(letter.fate, Some(Fate::Again)))
        .map(|letter| letter.hash.clone())
        .collect();
    if !through.is_empty() {
        commands::forget_tries(&way.db, &way.origin.name, &through).await?;
    }
    for letter in letters {
        let acker = &letter.delivery.acker;
        let requeue = BasicNackOptions {
            requeue: true,
            ..BasicNackOptions::default()
        };
        match &letter.fate {
            Some(Fate::Again) => within("giving a message back", acker.nack(requeue)).await?,
            _ => within("acknowledging", acker.ack(BasicAckOptions::default())).await?,
        };
    }
    way.reporter.took(letters.len(), buried);
    Ok(())
}

async fn keep(way: &Way, cause: Cause, reason: &str, body: &[u8]) -> Result<()> {
    let mut tx = way.db.write_in_background(&Scope::All).await?;
    let letter = DeadLetter {
        facility: way.facility(),
        origin: &way.origin.name,
        cause,
        reason,
        body,
    };
    keep_dead_letter(&mut tx, &letter).await?;
    tx.commit().await?;
    Ok(())
}
