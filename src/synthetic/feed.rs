//! Other domains in a demonstration: their catalogs are imported, a few days of their past are sent through the pipeline
//! like anybody's events, and then they live on at their own low rate.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::value::to_raw_value;
use tokio_util::sync::CancellationToken;

use super::domains::{DOMAINS, Happening, Stream};
use crate::audit::Actor;
use crate::catalog;
use crate::db::Db;
use crate::error::Result;
use crate::ingest::{Incoming, Item, Origin, Pipeline};

/// How far back the past of a domain goes.
const PAST: TimeDelta = TimeDelta::days(6);
/// What is sent at once of the past, and the rest after it, so that pages stay quick meanwhile.
const PIECE: TimeDelta = TimeDelta::hours(3);
const BREATH: Duration = Duration::from_millis(40);
/// How often what happened meanwhile is sent.
const PACE: Duration = Duration::from_secs(2);

/// Runs until it is told to stop. A domain that has events already goes on from now.
pub async fn feed(db: Db, pipeline: Pipeline, stop: CancellationToken, seed: u64) {
    tokio::select! {
        () = stop.cancelled() => {}
        done = live(&db, &pipeline, seed) => {
            if let Err(error) = done {
                tracing::warn!(%error, "the other domains came to an end");
            }
        }
    }
}

async fn live(db: &Db, pipeline: &Pipeline, seed: u64) -> Result<()> {
    let mut streams = Vec::new();
    for (place, domain) in DOMAINS.into_iter().enumerate() {
        let shipped = catalog::shipped().iter().find(|one| one.name == domain);
        let Some(shipped) = shipped else { continue };
        let now = db.clock.now();
        let new = catalog::import(db, &Actor::system(), shipped.text, None)
            .await?
            .is_done();
        // not the throws that made the past
        let (seed, from) = match new {
            true => (seed.wrapping_add(place as u64), now - PAST),
            false => (seed ^ now.timestamp() as u64 ^ place as u64, now),
        };
        streams.extend(Stream::new(domain, seed, from).map(|stream| (domain, stream, from)));
    }
    pipeline.definitions_changed();
    // day by day in all of them, so that none waits for the others
    let mut past = true;
    while past {
        past = false;
        for (domain, stream, until) in &mut streams {
            let end = (*until + PIECE).min(db.clock.now());
            past |= *until + PIECE < db.clock.now();
            send(pipeline, domain, stream.until(end)).await?;
            *until = end;
            tokio::time::sleep(BREATH).await;
        }
    }
    loop {
        tokio::time::sleep(PACE).await;
        for (domain, stream, _) in &mut streams {
            send(pipeline, domain, stream.until(db.clock.now())).await?;
        }
    }
}

async fn send(pipeline: &Pipeline, domain: &str, happened: Vec<Happening>) -> Result<()> {
    if happened.is_empty() {
        return Ok(());
    }
    let origin = Origin {
        name: format!("demo {domain}"),
        facilities: None,
    };
    let batch = happened.into_iter().map(|one| item(domain, one)).collect();
    let verdicts = pipeline.submit(&origin, batch).await?;
    if let Some(bad) = verdicts.iter().find(|verdict| !verdict.is_good()) {
        tracing::warn!(domain, ?bad, "an invented event was not taken");
    }
    Ok(())
}

/// As a sender would put it.
pub fn item(domain: &str, happening: Happening) -> Item {
    Item::Event(Box::new(Incoming {
        source: format!("demo/{domain}"),
        id: happening.id,
        kind: happening.kind.into(),
        time: Some(happening.at),
        subject: None,
        data: to_raw_value(&happening.data).ok(),
        facility: None,
    }))
}
