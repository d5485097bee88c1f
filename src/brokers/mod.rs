//! Events from RabbitMQ and Kafka. A message is acknowledged, or an offset moved, only when what it said is committed; what
//! is delivered twice counts once, and what fails five times goes to the dead letters while the others flow.

mod backoff;
pub mod cloudevents;
mod commands;
mod kafka;
mod rabbitmq;
mod state;

pub use commands::prune;
pub use state::{BrokerState, Phase, States};

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Kafka, RabbitMq};
use crate::db::Db;
use crate::error::Error;
use crate::ids::FacilityId;
use crate::ingest::{Origin, Pipeline};

use backoff::Backoff;
use state::Reporter;

/// A message that failed so often goes to the dead letters.
const MOST_TRIES: i32 = 5;

/// The consumers of an instance.
pub struct Brokers {
    stopping: CancellationToken,
    consumers: TaskTracker,
}

impl Brokers {
    /// Begins to consume; brokers that are away are tried until they are there.
    pub fn start(db: &Db, pipeline: &Pipeline, states: &States, rabbitmq: &[RabbitMq], kafka: &[Kafka]) -> Brokers {
        let brokers = Brokers {
            stopping: CancellationToken::new(),
            consumers: TaskTracker::new(),
        };
        let way = |kind: &'static str, name: &str, place: String, facility: Option<i64>| Way {
            db: db.clone(),
            pipeline: pipeline.clone(),
            reporter: states.add(kind, name, &place),
            stopping: brokers.stopping.clone(),
            origin: Origin {
                name: format!("{} {name}", kind.to_lowercase()),
                facilities: facility.map(|id| vec![FacilityId(id)]),
            },
        };
        for one in rabbitmq {
            let way = way("RabbitMQ", &one.name, one.queue.clone(), one.facility);
            let settings = one.clone();
            brokers.spawn(move || rabbitmq::consume(way.clone(), settings.clone()));
        }
        for one in kafka {
            let way = way("Kafka", &one.name, one.topics.join(", "), one.facility);
            let settings = one.clone();
            brokers.spawn(move || kafka::consume(way.clone(), settings.clone()));
        }
        brokers.consumers.close();
        brokers
    }

    /// Ends after the batches in hand.
    pub async fn stop(self) {
        self.stopping.cancel();
        if tokio::time::timeout(LONGEST_STOP, self.consumers.wait()).await.is_err() {
            tracing::warn!("a broker's consumer did not stop in time; what it had is delivered again");
        }
    }

    /// A message that makes a consumer panic must not end it.
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, consume: impl Fn() -> F + Send + 'static) {
        let stopping = self.stopping.clone();
        self.consumers.spawn(async move {
            let mut backoff = Backoff::default();
            while let Err(error) = tokio::spawn(consume()).await {
                tracing::error!(%error, "a broker's consumer panicked and is started again");
                let wait = tokio::time::sleep(backoff.next());
                if stopping.run_until_cancelled(wait).await.is_none() {
                    break;
                }
            }
        });
    }
}

const LONGEST_STOP: Duration = Duration::from_secs(10);

/// What every consumer works with.
#[derive(Clone)]
struct Way {
    db: Db,
    pipeline: Pipeline,
    reporter: Reporter,
    stopping: CancellationToken,
    origin: Origin,
}

impl Way {
    /// Waits before the next try. False when it is time to stop.
    async fn pause(&self, backoff: &mut Backoff) -> bool {
        let wait = tokio::time::sleep(backoff.next());
        self.stopping.run_until_cancelled(wait).await.is_some()
    }

    /// To whom dead letters belong.
    fn facility(&self) -> i64 {
        self.origin.facility(None).unwrap_or(0)
    }
}

/// Whether trying the same again may go well: the database is away or busy, which says nothing of the message.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Busy | Error::TooMany(_) | Error::Conflict(_))
        || error.status() == http::StatusCode::SERVICE_UNAVAILABLE
}
