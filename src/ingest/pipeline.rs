//! The buffer between senders and the database. Whatever waits is taken at once by the next free writer, so batches
//! grow with the load and a commit is shared by all who wait for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use tokio::sync::{Notify, oneshot};

use super::commands::group::{self, Changed, Once, Outcome};
use super::model::{Batch, Incoming, Item, Origin, Verdict};
use super::prepare::{self, Knowledge, Prepared};
use crate::catalog::{self, Installed, Untold};
use crate::db::Db;
use crate::db::copy::micros;
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::metrics::{Calendar, Days, Parts, Registry, Series, Zones};
use crate::outbox::{self, Event};

/// Items that wait at most; beyond that, senders are told to come again.
const MOST_WAITING: usize = 400_000;
/// Items in one transaction at most.
const LARGEST_GROUP: usize = 30_000;
/// Transactions at once: one writes while the other commits.
pub const WRITERS: usize = 2;

/// SQL of the sender's own in the transaction of its batch, such as how far it has read a queue, and what becomes of those
/// items that cannot be taken as they are.
pub type Effect = Box<dyn for<'tx> FnOnce(&'tx mut PgConnection, Vec<Refused>) -> BoxFuture<'tx, Result<()>> + Send>;

/// An item of a batch that cannot be taken as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// from 0, in the batch
    pub index: usize,
    pub reason: String,
}

/// The way in for events and points. Cheap to clone.
#[derive(Clone)]
pub struct Pipeline(Arc<Inner>);

struct Inner {
    db: Db,
    registry: Registry,
    series: Series,
    zones: Zones,
    parts: Parts,
    catalogs: Installed,
    queue: Mutex<Queue>,
    filled: Notify,
    changed: Mutex<Vec<i64>>,
    changes: Notify,
    cases: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Submission>,
    items: usize,
}

struct Submission {
    prepared: Prepared,
    once: Option<Once>,
    answer: oneshot::Sender<Result<Outcome>>,
}

impl Pipeline {
    pub fn new(db: Db) -> Self {
        Pipeline(Arc::new(Inner {
            registry: Registry::new(db.clone()),
            series: Series::new(db.clone()),
            zones: Zones::new(db.clone()),
            parts: Parts::new(db.clone()),
            catalogs: Installed::new(db.clone()),
            queue: Mutex::default(),
            filled: Notify::new(),
            changed: Mutex::default(),
            changes: Notify::new(),
            cases: Notify::new(),
            db,
        }))
    }

    /// Event types and metrics as this instance knows them.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The zones of facilities, by which their days are told.
    pub fn zones(&self) -> &Zones {
        &self.0.zones
    }

    /// Event types, metrics or catalogs changed: they are read anew.
    pub fn definitions_changed(&self) {
        self.0.registry.forget();
        self.0.catalogs.forget();
    }

    /// Items that wait for a writer.
    pub fn waiting(&self) -> usize {
        self.queue().items
    }

    /// Takes a batch and answers what became of each item, in their order, once all of it is committed. `TooMany` when too
    /// much waits already: nothing was written then. After any other error the whole batch may be sent again.
    pub async fn submit(&self, origin: &Origin, batch: Batch) -> Result<Vec<Verdict>> {
        match self.submit_once(origin, batch, None).await? {
            Outcome::Written(verdicts) => Ok(verdicts),
            Outcome::Taken => Err(Error::Busy),
        }
    }

    /// The same for a batch that has an idempotency key.
    pub async fn submit_once(&self, origin: &Origin, batch: Batch, once: Option<Once>) -> Result<Outcome> {
        let prepared = self.prepare(origin, batch, false).await?;
        let (answer, answered) = oneshot::channel();
        {
            let mut queue = self.queue();
            let items = prepared.verdicts.len();
            if queue.items + items > MOST_WAITING && queue.items > 0 {
                metrics::counter!("pulseboard_ingest_refused_total").increment(items as u64);
                return Err(Error::TooMany(1));
            }
            queue.items += items;
            queue.waiting.push_back(Submission { prepared, once, answer });
        }
        self.0.filled.notify_one();
        answered.await.unwrap_or(Err(Error::Busy))
    }

    /// What would become of each item, as far as its rules alone decide: none where that is whether the same was here
    /// before. Nothing is written, not even new names.
    pub async fn look(&self, origin: &Origin, batch: Batch) -> Result<Vec<Option<Verdict>>> {
        let inner = &self.0;
        let (types, names) = prepare::names(&batch);
        let definitions = inner.registry.current().await?.imagine(&types, &names);
        drop((types, names));
        let (facilities, rules) = (inner.zones.current().await?, inner.catalogs.rules().await?);
        let known = Knowledge {
            definitions: &definitions,
            series: &inner.series,
            facilities: &facilities,
            rules: &rules,
            now: inner.db.clock.now(),
            of_any_age: false,
        };
        Ok(prepare::prepare(origin, batch, &known).0.verdicts)
    }

    /// Takes a batch in a transaction of its own, together with `effect`: both are committed or neither is. Not for many
    /// small batches, since they do not share a commit.
    pub async fn submit_with(&self, origin: &Origin, batch: Batch, effect: Effect) -> Result<Vec<Verdict>> {
        let prepared = self.prepare(origin, batch, false).await?;
        let (days, zones) = (self.0.parts.days().await?, self.0.zones.current().await?);
        let mut tx = self.0.db.ingest().await?;
        effect(&mut tx, prepared.refused()).await?;
        let received = micros(self.0.db.clock.now());
        let written = group::write(&mut tx, &[(&prepared, None)], &days, &zones, received).await;
        let (outcomes, changed) = self.look_again(written)?;
        tx.commit().await?;
        self.changed(changed);
        match outcomes.into_iter().next() {
            Some(Outcome::Written(verdicts)) => Ok(verdicts),
            _ => Err(Error::Busy),
        }
    }

    /// Takes one item that somebody decided to take, however late it is, together with `effect`. Nothing is written, and the
    /// effect neither, unless it is accepted or was there before.
    pub async fn submit_anew(&self, origin: &Origin, item: Item, effect: Effect) -> Result<Verdict> {
        let prepared = self.prepare(origin, vec![item], true).await?;
        let (days, zones) = (self.0.parts.days().await?, self.0.zones.current().await?);
        let mut tx = self.0.db.ingest().await?;
        effect(&mut tx, prepared.refused()).await?;
        let received = micros(self.0.db.clock.now());
        let (outcomes, changed) = group::write(&mut tx, &[(&prepared, None)], &days, &zones, received).await?;
        let Some(Outcome::Written(mut verdicts)) = outcomes.into_iter().next() else {
            return Err(Error::Busy);
        };
        let verdict = verdicts.pop().ok_or(Error::Busy)?;
        if verdict.is_good() {
            tx.commit().await?;
            self.changed(changed);
        }
        Ok(verdict)
    }

    async fn prepare(&self, origin: &Origin, batch: Batch, of_any_age: bool) -> Result<Prepared> {
        let inner = &self.0;
        let (types, names) = prepare::names(&batch);
        let definitions = inner.registry.with(&types, &names).await?;
        drop((types, names));
        let facilities = inner.zones.current().await?;
        let rules = inner.catalogs.rules().await?;
        let known = Knowledge {
            definitions: &definitions,
            series: &inner.series,
            facilities: &facilities,
            rules: &rules,
            now: inner.db.clock.now(),
            of_any_age,
        };
        let (mut prepared, unknown) = prepare::prepare(origin, batch, &known);
        if !unknown.is_empty() {
            inner.series.make(unknown).await?;
            prepared.resolve(&inner.series);
        }
        Ok(prepared)
    }

    /// Writes what waits, for ever. Several run side by side.
    pub async fn write(&self) {
        loop {
            let group = self.take();
            if group.is_empty() {
                self.0.filled.notified().await;
                continue;
            }
            self.commit(group).await;
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Submission> {
        let mut queue = self.queue();
        let mut group = Vec::new();
        let mut items = 0;
        while let Some(next) = queue.waiting.front() {
            let more = next.prepared.verdicts.len();
            if !group.is_empty() && items + more > LARGEST_GROUP {
                // the other writer may begin with the rest
                self.0.filled.notify_one();
                break;
            }
            items += more;
            group.extend(queue.waiting.pop_front());
        }
        queue.items -= items;
        group
    }

    async fn commit(&self, group: Vec<Submission>) {
        let begun = std::time::Instant::now();
        let batches: Vec<_> = group.iter().map(|one| (&one.prepared, one.once.as_ref())).collect();
        match self.try_twice(&batches).await {
            Ok(outcomes) => {
                let items: usize = group.iter().map(|one| one.prepared.verdicts.len()).sum();
                metrics::histogram!("pulseboard_ingest_commit_seconds").record(begun.elapsed());
                metrics::counter!("pulseboard_ingest_items_total").increment(items as u64);
                for (one, outcome) in group.into_iter().zip(outcomes) {
                    let _ = one.answer.send(Ok(outcome));
                }
            }
            // one batch must not take the others with it
            Err(error) if group.len() > 1 && is_about_the_rows(&error) => {
                for one in group {
                    let outcome = self.try_twice(&[(&one.prepared, one.once.as_ref())]).await;
                    let _ = one.answer.send(outcome.map(|mut outcomes| outcomes.remove(0)));
                }
            }
            Err(error) => {
                tracing::warn!(%error, batches = group.len(), "events could not be written; their senders will try again");
                let mut first = Some(error);
                for one in group {
                    let _ = one.answer.send(Err(first.take().unwrap_or(Error::Busy)));
                }
            }
        }
    }

    /// Once more after a lost race for a lock or a day that was just removed.
    async fn try_twice(&self, batches: &[(&Prepared, Option<&Once>)]) -> Result<Vec<Outcome>> {
        match self.try_once(batches).await {
            Err(Error::Conflict(_)) => self.try_once(batches).await,
            Err(error) if is_missing_part(&error) => self.try_once(batches).await,
            other => other,
        }
    }

    async fn try_once(&self, batches: &[(&Prepared, Option<&Once>)]) -> Result<Vec<Outcome>> {
        let (days, zones): (Days, Calendar) = (self.0.parts.days().await?, self.0.zones.current().await?);
        let mut tx = self.0.db.ingest().await?;
        let received = micros(self.0.db.clock.now());
        let written = group::write(&mut tx, batches, &days, &zones, received).await;
        let (outcomes, changed) = self.look_again(written)?;
        tx.commit().await?;
        self.changed(changed);
        Ok(outcomes)
    }

    fn look_again<T>(&self, written: Result<T>) -> Result<T> {
        if written.as_ref().is_err_and(is_missing_part) {
            self.0.parts.forget();
        }
        written
    }

    fn changed(&self, Changed { facilities, cases }: Changed) {
        if cases > 0 {
            self.0.cases.notify_one();
        }
        if !facilities.is_empty() {
            let mut changed = self.0.changed.lock().unwrap_or_else(PoisonError::into_inner);
            changed.extend(facilities);
            if changed.len() > 10_000 {
                changed.sort_unstable();
                changed.dedup();
            }
            self.0.changes.notify_one();
        }
    }

    /// Tells the outbox which facilities have new figures, for ever; a few times a second at most, since each telling takes
    /// a lock of the whole database.
    pub async fn tell(&self) {
        loop {
            self.0.changes.notified().await;
            self.tell_changes().await;
            tokio::time::sleep(TELL_EVERY).await;
        }
    }

    /// Tells what changed and was not told yet, once.
    pub async fn tell_changes(&self) {
        let mut facilities = std::mem::take(&mut *self.0.changed.lock().unwrap_or_else(PoisonError::into_inner));
        facilities.sort_unstable();
        facilities.dedup();
        if facilities.is_empty() {
            return;
        }
        if let Err(error) = self.tell_once(&facilities).await {
            tracing::warn!(%error, "new figures could not be told; boards see them at their next look");
        }
    }

    /// Sends the events of cases that were found, for ever. Those of an instance that died are sent by another.
    pub async fn tell_cases(&self) {
        loop {
            let _ = tokio::time::timeout(LOOK_FOR_CASES, self.0.cases.notified()).await;
            loop {
                match self.tell_some_cases().await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "cases could not be told; they will be later");
                        break;
                    }
                }
            }
        }
    }

    /// Sends the events of some cases, and notes so in the same transaction; answers how many. What two instances send is
    /// one event, for a case has one id.
    pub async fn tell_some_cases(&self) -> Result<usize> {
        let cases = {
            let mut tx = self.0.db.ingest().await?;
            catalog::untold(&mut tx, MOST_CASES).await?
        };
        if cases.is_empty() {
            return Ok(0);
        }
        let origin = Origin {
            name: "correlation".into(),
            facilities: None,
        };
        let batch = cases.iter().map(case).collect();
        let told = cases.clone();
        let effect: Effect = Box::new(move |tx, _| Box::pin(async move { catalog::told(tx, &told).await }));
        let verdicts = self.submit_with(&origin, batch, effect).await?;
        if let Some(bad) = verdicts.iter().find(|verdict| !verdict.is_good()) {
            tracing::warn!(?bad, "the event of a case was not taken");
        }
        Ok(cases.len())
    }

    async fn tell_once(&self, facilities: &[i64]) -> Result<()> {
        let facilities: Vec<FacilityId> = facilities.iter().copied().map(FacilityId).collect();
        let mut tx = self.0.db.ingest().await?;
        outbox::push(&mut tx, &facilities, &Event::MetricsChanged).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Cases told at once at most.
const MOST_CASES: i64 = 500;
const LOOK_FOR_CASES: std::time::Duration = std::time::Duration::from_secs(5);

/// The event that a case is.
fn case(case: &Untold) -> Item {
    let data = serde_json::json!({
        "key": case.key, "started_at": case.started_at, "ended_at": case.ended_at, "events": case.events,
    });
    Item::Event(Box::new(Incoming {
        source: "pulseboard/correlation".into(),
        id: format!("{}/{}/{}", case.emits, case.key, case.ended_at.timestamp_micros()),
        kind: case.emits.clone(),
        time: Some(case.ended_at),
        subject: Some(case.key.clone()),
        data: serde_json::value::to_raw_value(&data).ok(),
        facility: (case.facility != 0).then_some(FacilityId(case.facility)),
    }))
}

const TELL_EVERY: std::time::Duration = std::time::Duration::from_millis(250);

/// A value that cannot be stored, and no trouble with the database.
fn is_about_the_rows(error: &Error) -> bool {
    match error {
        Error::Invalid(_) => true,
        Error::Database(sqlx::Error::Database(cause)) => cause
            .code()
            .is_some_and(|code| code.starts_with("22") || code.starts_with("23") || code.starts_with("54")),
        _ => false,
    }
}

/// 42P01: the job has just removed that day.
fn is_missing_part(error: &Error) -> bool {
    matches!(error, Error::Database(sqlx::Error::Database(cause)) if cause.code().as_deref() == Some("42P01"))
}
