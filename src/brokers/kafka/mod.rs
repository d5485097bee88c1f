//! Topics of a Kafka, shared by any number of instances: each holds leases on its share of the partitions, kept in the
//! database, and the place of a partition moves in the transaction that stores what was read. Members of the broker's own
//! groups would be told only after a commit, by another system, so they could not be exact.

mod client;
mod partition;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rskafka::client::Client;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Kafka;
use crate::error::Result;

use super::Way;
use super::backoff::Backoff;
use super::commands::{self, Lease};
use super::state::Phase;

/// Between two looks at who lives and which partitions are free.
const TICK: Duration = Duration::from_secs(1);
/// Between two looks at which partitions there are.
const DISCOVER_EVERY: Duration = Duration::from_secs(30);

/// Consumes until it is time to stop.
pub async fn consume(way: Way, settings: Kafka) {
    let mut member = Member {
        instance: format!("{:032x}", rand::random::<u128>()),
        shared: Shared {
            way,
            settings: Arc::new(settings),
            lags: Arc::default(),
            failing: Arc::default(),
        },
        workers: HashMap::new(),
        discovered: None,
    };
    let mut backoff = Backoff::default();
    let way = member.shared.way.clone();
    let mut client = None;
    while !way.stopping.is_cancelled() {
        match way.stopping.run_until_cancelled(member.tick(&mut client)).await {
            Some(Err(error)) => {
                way.reporter.failed(&format!("{error:#}"));
                match client {
                    None => way.reporter.phase(Phase::Waiting),
                    Some(_) => member.shared.health(None, &way.stopping, false),
                }
                way.pause(&mut backoff).await;
            }
            Some(Ok(())) => {
                backoff.reset();
                member.shared.health(None, &way.stopping, true);
                way.stopping.run_until_cancelled(tokio::time::sleep(TICK)).await;
            }
            None => {}
        }
    }
    member.leave().await;
    way.reporter.phase(Phase::Stopped);
}

/// A partition of a topic; none for the listing of topics.
type Place = Option<(String, i32)>;

/// What the workers of an instance share.
#[derive(Clone)]
struct Shared {
    way: Way,
    settings: Arc<Kafka>,
    /// records behind, by topic and partition
    lags: Arc<Mutex<BTreeMap<(String, i32), i64>>>,
    /// what failed last: partitions, and without one the broker as a whole
    failing: Arc<Mutex<BTreeSet<Place>>>,
}

impl Shared {
    fn lag(&self, lease: &Lease, behind: Option<i64>) {
        let mut lags = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        let partition = (lease.topic.clone(), lease.partition);
        match behind {
            Some(behind) => drop(lags.insert(partition, behind.max(0))),
            None => drop(lags.remove(&partition)),
        }
        let all: i64 = lags.values().sum();
        self.way.reporter.behind(Some(all as u64));
    }

    /// Notes whether a part goes well, unless it was told to stop: as long as one fails, the broker is tried again.
    fn health(&self, part: Option<&Lease>, stopping: &CancellationToken, well: bool) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if stopping.is_cancelled() {
            return;
        }
        let part = part.map(|lease| (lease.topic.clone(), lease.partition));
        match well {
            true => failing.remove(&part),
            false => failing.insert(part),
        };
        let phase = match failing.is_empty() {
            true => Phase::Consuming,
            false => Phase::Waiting,
        };
        self.way.reporter.phase(phase);
    }

    /// The partition is no longer this instance's.
    fn forget(&self, lease: &Lease) {
        self.lag(lease, None);
        self.health(Some(lease), &self.way.stopping, true);
    }
}

/// An instance among those that read the same topics.
struct Member {
    instance: String,
    shared: Shared,
    workers: HashMap<Lease, Worker>,
    /// when partitions were last looked for, and how many there are
    discovered: Option<(Instant, i64)>,
}

struct Worker {
    stopping: CancellationToken,
    ended: JoinHandle<()>,
}

impl Worker {
    /// After its batch in hand.
    async fn stop(self) {
        self.stopping.cancel();
        let _ = self.ended.await;
    }
}

impl Member {
    async fn tick(&mut self, client: &mut Option<Arc<Client>>) -> anyhow::Result<()> {
        let shared = self.shared.clone();
        let (way, broker) = (&shared.way, &shared.way.origin.name);
        let connected = match client {
            Some(client) => client.clone(),
            None => {
                way.reporter.phase(Phase::Connecting);
                client
                    .insert(Arc::new(client::connect(&shared.settings).await?))
                    .clone()
            }
        };
        let rank = commands::attend(&way.db, broker, &self.instance).await?;
        // leases first: looking for partitions may have to wait for a broker that is away
        self.follow(commands::renew(&way.db, broker, &self.instance).await?, &connected)
            .await;
        let partitions = self.discover(&connected).await?;
        let wanted = rank.share(partitions);
        self.give_back(wanted).await?;
        let missing = wanted - self.workers.len() as i64;
        if missing > 0 {
            let topics = &shared.settings.topics;
            for lease in commands::claim(&way.db, broker, &self.instance, topics, missing).await? {
                self.begin(lease, &connected);
            }
        }
        way.reporter.share(self.workers.len(), partitions as usize);
        Ok(())
    }

    async fn discover(&mut self, client: &Client) -> anyhow::Result<i64> {
        if let Some((at, partitions)) = self.discovered
            && at.elapsed() < DISCOVER_EVERY
        {
            return Ok(partitions);
        }
        let way = &self.shared.way;
        let partitions = client::partitions(client, &self.shared.settings.topics).await?;
        commands::know(&way.db, &way.origin.name, &partitions).await?;
        let count = partitions.len() as i64;
        // a topic that is not there yet may come soon
        self.discovered = (count > 0).then(|| (Instant::now(), count));
        Ok(count)
    }

    /// Workers for exactly the leases that are held.
    async fn follow(&mut self, held: Vec<Lease>, client: &Arc<Client>) {
        let lost: Vec<Lease> = self
            .workers
            .keys()
            .filter(|lease| !held.contains(lease))
            .cloned()
            .collect();
        for lease in lost {
            if let Some(worker) = self.workers.remove(&lease) {
                // its batch would not commit; nothing to wait for
                worker.stopping.cancel();
                self.shared.forget(&lease);
            }
        }
        for lease in held {
            if self.workers.get(&lease).is_none_or(|worker| worker.ended.is_finished()) {
                self.begin(lease, client);
            }
        }
    }

    fn begin(&mut self, lease: Lease, client: &Arc<Client>) {
        let stopping = self.shared.way.stopping.child_token();
        let reading = partition::read(self.shared.clone(), client.clone(), lease.clone(), stopping.clone());
        let ended = tokio::spawn(reading);
        self.workers.insert(lease, Worker { stopping, ended });
    }

    /// What is more than this instance's share, for those that came after it.
    async fn give_back(&mut self, wanted: i64) -> Result<()> {
        let mut held: Vec<Lease> = self.workers.keys().cloned().collect();
        held.sort_by_key(|lease| (lease.topic.clone(), lease.partition));
        for lease in held.into_iter().skip(wanted.max(0) as usize) {
            self.release(&lease).await?;
        }
        Ok(())
    }

    async fn release(&mut self, lease: &Lease) -> Result<()> {
        if let Some(worker) = self.workers.remove(lease) {
            worker.stop().await;
        }
        self.shared.forget(lease);
        let way = &self.shared.way;
        commands::release(&way.db, &way.origin.name, lease).await
    }

    async fn leave(mut self) {
        let held: Vec<Lease> = self.workers.keys().cloned().collect();
        let mut left = Ok(());
        for lease in held {
            left = left.and(self.release(&lease).await);
        }
        let way = &self.shared.way;
        left = left.and(commands::leave(&way.db, &way.origin.name, &self.instance).await);
        if let Err(error) = left {
            tracing::warn!(%error, "leases could not be given back; others take them when they run out");
        }
    }
}
