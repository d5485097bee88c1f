//! A batch of deliveries: read, stored, and only then acknowledged. A message that came before and may have ended the
//! process is counted, and from its second try on tried and settled alone, so that it takes no other with it.

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

/// Stores and acknowledges; on an error of the broker the connection is made anew and the rest comes again. When it is time
/// to stop, what is not acknowledged comes again, too.
pub async fn take(way: &Way, connected: &Connected, deliveries: Vec<Delivery>) -> anyhow::Result<()> {
    let letters: Vec<Letter> = deliveries.into_iter().map(read).collect();
    let Some((mut trusted, mut suspect)) = part(way, letters).await? else {
        return Ok(());
    };
    let mut open: Vec<&mut Letter> = trusted.iter_mut().filter(|letter| letter.fate.is_none()).collect();
    if !open.is_empty() {
        match submit(way, &mut open).await {
            None => return forgive(way, &trusted).await,
            Some(Ok(())) => {}
            // one of them, and nobody knows which
            Some(Err(error)) => {
                way.reporter.failed(&error.to_string());
                let (known, unknown): (Vec<_>, Vec<_>) = trusted.into_iter().partition(|letter| letter.fate.is_some());
                trusted = known;
                suspect.extend(unknown);
            }
        }
    }
    if settle(way, connected, &trusted).await?.is_none() {
        return Ok(());
    }
    for mut letter in suspect {
        let alone = std::slice::from_mut(&mut letter);
        // settled before the next is tried: what that one does must not count against this one
        if attempt(way, alone).await?.is_none() {
            return forgive(way, alone).await;
        }
        if settle(way, connected, alone).await?.is_none() {
            return Ok(());
        }
    }
    Ok(())
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

/// Those that are tried together, and those that are tried alone because they may have ended the process before. Of those that
/// come again for the first time the try is counted. None: time to stop.
async fn part(way: &Way, letters: Vec<Letter>) -> Result<Option<(Vec<Letter>, Vec<Letter>)>> {
    let comes_again = |letter: &Letter| letter.delivery.redelivered && letter.fate.is_none();
    let again = letters.iter().filter(|letter| comes_again(letter));
    let hashes: Vec<Vec<u8>> = again.map(|letter| letter.hash.clone()).collect();
    if hashes.is_empty() {
        return Ok(Some((letters, Vec::new())));
    }
    let counting = || commands::count_first(&way.db, &way.origin.name, &hashes);
    let Some(counted) = patiently(way, counting).await else {
        return Ok(None);
    };
    let counted = counted?;
    let (mut trusted, mut suspect) = (Vec::new(), Vec::new());
    for mut letter in letters {
        if !comes_again(&letter) {
            trusted.push(letter);
        } else if counted.contains(&letter.hash) {
            letter.tries = 1;
            trusted.push(letter);
        } else {
            suspect.push(letter);
        }
    }
    Ok(Some((trusted, suspect)))
}

/// Tries one alone and finds out what becomes of it. The try is counted just before: those that wait behind it have not been
/// tried. None: time to stop.
async fn attempt(way: &Way, alone: &mut [Letter]) -> Result<Option<()>> {
    for letter in alone {
        let counting = || commands::count_try_of(&way.db, &way.origin.name, &letter.hash);
        let Some(tries) = patiently(way, counting).await else {
            return Ok(None);
        };
        let tries = tries?;
        letter.tries = tries;
        if tries > MOST_TRIES {
            let reason = format!("It was tried {MOST_TRIES} times and never came to an end.");
            letter.fate = Some(Fate::Dead(Cause::Poison, reason));
            continue;
        }
        match submit(way, &mut [&mut *letter]).await {
            None => return Ok(None),
            Some(Ok(())) => {}
            Some(Err(error)) => {
                way.reporter.failed(&error.to_string());
                letter.fate = Some(match tries {
                    MOST_TRIES.. => Fate::Dead(Cause::Poison, format!("Tried {tries} times: {error}")),
                    _ => Fate::Again,
                });
            }
        }
    }
    Ok(Some(()))
}

/// It is time to stop while these wait for the database, which says nothing of them. Where it cannot be noted, their tries stay.
async fn forgive(way: &Way, letters: &[Letter]) -> anyhow::Result<()> {
    let hashes: Vec<Vec<u8>> = letters
        .iter()
        .filter(|letter| letter.tries > 0)
        .map(|letter| letter.hash.clone())
        .collect();
    if !hashes.is_empty() {
        commands::forget_tries(&way.db, &way.origin.name, &hashes).await?;
    }
    Ok(())
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

/// Dead letters are kept and published before the broker may forget the message. None: time to stop.
async fn settle(way: &Way, connected: &Connected, letters: &[Letter]) -> anyhow::Result<Option<()>> {
    if letters.is_empty() {
        return Ok(Some(()));
    }
    let dead = letters.iter().filter_map(|letter| match &letter.fate {
        Some(Fate::Dead(cause, reason)) => Some((letter, *cause, reason)),
        _ => None,
    });
    let mut buried = 0;
    for (letter, cause, reason) in dead {
        let (body, properties) = (&letter.delivery.data, &letter.delivery.properties);
        // the whole of it is in the queue of dead letters
        let shown = &body[..body.len().min(cloudevents::LONGEST_BODY)];
        match patiently(way, || keep(way, cause, reason, shown)).await {
            None => return Ok(None),
            Some(kept) => kept?,
        }
        connected.bury(properties, body, reason).await?;
        buried += 1;
    }
    let through: Vec<Vec<u8>> = letters
        .iter()
        .filter(|letter| letter.tries > 0 && !matches!(letter.fate, Some(Fate::Again)))
        .map(|letter| letter.hash.clone())
        .collect();
    if !through.is_empty() {
        let forgetting = || commands::forget_tries(&way.db, &way.origin.name, &through);
        match patiently(way, forgetting).await {
            None => return Ok(None),
            Some(forgotten) => forgotten?,
        }
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
    Ok(Some(()))
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
