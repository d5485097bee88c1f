//! A quorum queue of a RabbitMQ: connected for ever, a batch of what is there at a time, acknowledged after its commit.

mod batch;
mod connection;

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::time::MissedTickBehavior;

use crate::config::RabbitMq;

use super::Way;
use super::backoff::Backoff;
use super::state::Phase;
use connection::Connected;

/// Between two looks at how many messages wait.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Messages in one batch at most.
const LARGEST_BATCH: usize = 500;

/// Consumes until it is time to stop.
pub async fn consume(way: Way, settings: RabbitMq) {
    let mut backoff = Backoff::default();
    while !way.stopping.is_cancelled() {
        way.reporter.phase(Phase::Connecting);
        let opened = way.stopping.run_until_cancelled(Connected::open(&settings)).await;
        let ended = match opened {
            None => break,
            Some(Ok(connected)) => {
                way.reporter.phase(Phase::Consuming);
                session(&way, connected, &mut backoff).await
            }
            Some(Err(error)) => Err(error),
        };
        if let Err(error) = ended {
            way.reporter.failed(&format!("{error:#}"));
            way.reporter.phase(Phase::Waiting);
            way.reporter.behind(None);
            way.pause(&mut backoff).await;
        }
    }
    way.reporter.phase(Phase::Stopped);
}

/// As long as the connection holds, or until it is time to stop.
async fn session(way: &Way, mut connected: Connected, backoff: &mut Backoff) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let first = tokio::select! {
            () = way.stopping.cancelled() => break,
            delivery = connected.consumer.next() => delivery,
            _ = look.tick() => {
                way.reporter.behind(Some(connected.depth().await?));
                continue;
            }
        };
        let mut deliveries = vec![first.ok_or_else(|| anyhow::anyhow!("the broker ended the consumer"))??];
        // whatever has arrived meanwhile shares the commit
        while deliveries.len() < LARGEST_BATCH
            && let Some(Some(more)) = connected.consumer.next().now_or_never()
        {
            deliveries.push(more?);
        }
        batch::take(way, &connected, deliveries).await?;
        // not before: a message that always fails would bring a new connection many times a second
        backoff.reset();
    }
    connected.close().await;
    Ok(())
}
