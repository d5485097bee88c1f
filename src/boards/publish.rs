//! Which boards are kept ready, and how a change reaches them. A board that somebody looked at lately or watches is
//! rendered anew as soon as a fact says that it changed; any other is forgotten and rendered when asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use dashmap::DashMap;
use tokio::sync::{Mutex, mpsc};

use super::pages::Pages;
use super::{Snapshot, compose};
use crate::db::Db;
use crate::error::Result;
use crate::ids::FacilityId;
use crate::live::{Hub, Topic};
use crate::summary;

/// A board is kept ready for this long after somebody asked for it.
const KEPT_READY_SECONDS: i64 = 600;

/// The boards of this instance. Cheap to clone.
#[derive(Clone)]
pub struct Boards(Arc<Inner>);

struct Inner {
    db: Db,
    hub: Hub,
    freshness: Duration,
    slots: DashMap<FacilityId, Arc<Slot>>,
    pages: Pages,
    changed: mpsc::UnboundedSender<FacilityId>,
    inbox: Mutex<mpsc::UnboundedReceiver<FacilityId>>,
}

#[derive(Default)]
struct Slot {
    current: ArcSwapOption<Snapshot>,
    /// something changed since `current` was rendered
    outdated: AtomicBool,
    /// commits of this process that `current` has seen
    commits: AtomicU64,
    queued: AtomicBool,
    refreshing: AtomicBool,
    rendering: Mutex<()>,
    asked_at: AtomicI64,
}

/// A board as it was found for a request.
pub struct Found {
    pub snapshot: Arc<Snapshot>,
    pub hit: bool,
    /// older than the freshness, so a refresh was set off
    pub triggered_refresh: bool,
    pub age: Duration,
    /// spent rendering it from the database; zero on a hit
    pub query: Duration,
}

impl Boards {
    /// `freshness`: age from which looking at a board refreshes its summary.
    pub fn new(db: Db, hub: Hub, freshness: Duration) -> Self {
        let (changed, inbox) = mpsc::unbounded_channel();
        Boards(Arc::new(Inner {
            db,
            hub,
            freshness,
            slots: DashMap::new(),
            pages: Pages::default(),
            changed,
            inbox: Mutex::new(inbox),
        }))
    }

    /// Whole pages that need not be made again.
    pub fn pages(&self) -> &Pages {
        &self.0.pages
    }

    /// The board of a facility, ready or made so. The caller has checked the right to see it.
    pub async fn find(&self, facility: FacilityId) -> Result<Found> {
        let slot = self.slot(facility);
        let now = self.0.db.clock.now();
        slot.asked_at.store(now.timestamp(), Ordering::Relaxed);
        let ready = self.ready(facility, &slot);
        let begun = Instant::now();
        let hit = ready.is_some();
        let snapshot = match ready {
            Some(snapshot) => snapshot,
            None => self.render(facility, &slot).await?,
        };
        let query = if hit { Duration::ZERO } else { begun.elapsed() };
        let age = (now - snapshot.as_of).to_std().unwrap_or_default();
        let triggered_refresh = age > self.0.freshness;
        if triggered_refresh {
            self.refresh_in_background(facility, slot);
        }
        Ok(Found {
            snapshot,
            hit,
            triggered_refresh,
            age,
            query,
        })
    }

    /// Something about these facilities changed.
    pub fn changed(&self, facilities: &[FacilityId]) {
        let now = self.0.db.clock.now().timestamp();
        for &facility in facilities {
            let Some(slot) = self.0.slots.get(&facility).map(|slot| slot.clone()) else {
                continue;
            };
            slot.outdated.store(true, Ordering::Release);
            let wanted = self.0.hub.is_watched(Topic::Board(facility))
                || now - slot.asked_at.load(Ordering::Relaxed) < KEPT_READY_SECONDS;
            if !wanted {
                self.0.slots.remove(&facility);
            } else if !slot.queued.swap(true, Ordering::AcqRel) {
                let _ = self.0.changed.send(facility);
            }
        }
    }

    /// Anything may have changed.
    pub fn all_changed(&self) {
        let all: Vec<FacilityId> = self.0.slots.iter().map(|slot| *slot.key()).collect();
        self.changed(&all);
    }

    /// Renders and sends what changed, until the process ends. One task of an instance runs this.
    pub async fn publish(&self) {
        let mut inbox = self.0.inbox.lock().await;
        while let Some(facility) = inbox.recv().await {
            let slot = self.slot(facility);
            slot.queued.store(false, Ordering::Release);
            let before = slot.current.load_full();
            match self.render(facility, &slot).await {
                Ok(now) => {
                    // as one: each screen is woken and written to once, whatever changed
                    let changes = now.changes_since(before.as_deref()).concat();
                    self.0.hub.publish(Topic::Board(facility), changes.into());
                }
                Err(error) => tracing::error!(facility.id = facility.0, %error, "a board could not be rendered"),
            }
        }
    }

    /// Renders the boards whose summary is newer in the database than here, as after a notification that was lost.
    pub async fn catch_up(&self) {
        let known: Vec<(FacilityId, i64)> = self
            .0
            .slots
            .iter()
            .filter_map(|slot| {
                slot.current
                    .load()
                    .as_ref()
                    .map(|snapshot| (*slot.key(), snapshot.version))
            })
            .collect();
        match summary::newest(&self.0.db, &known.iter().map(|(id, _)| *id).collect::<Vec<_>>()).await {
            Ok(newest) => {
                let older = |(id, version): &(FacilityId, i64)| {
                    newest.get(id).is_some_and(|at| at.timestamp_micros() > *version)
                };
                let behind: Vec<FacilityId> = known.iter().filter(|known| older(known)).map(|(id, _)| *id).collect();
                self.changed(&behind);
            }
            Err(error) => tracing::warn!(%error, "the boards could not be compared with the database"),
        }
    }

    /// Boards kept ready, and how many of them are older than the freshness.
    pub fn stale_share(&self) -> (usize, usize) {
        let now = self.0.db.clock.now();
        let oldest = self.0.freshness;
        let is_stale = |snapshot: &Snapshot| (now - snapshot.as_of).to_std().is_ok_and(|age| age > oldest);
        let snapshots = self.0.slots.iter().filter_map(|slot| slot.current.load_full());
        snapshots.fold((0, 0), |(all, stale), snapshot| {
            (all + 1, stale + usize::from(is_stale(&snapshot)))
        })
    }

    fn slot(&self, facility: FacilityId) -> Arc<Slot> {
        if let Some(slot) = self.0.slots.get(&facility) {
            return slot.clone();
        }
        self.0.slots.entry(facility).or_default().clone()
    }

    fn ready(&self, facility: FacilityId, slot: &Slot) -> Option<Arc<Snapshot>> {
        let outdated = slot.outdated.load(Ordering::Acquire)
            || slot.commits.load(Ordering::Acquire) != self.0.db.commits_of(facility);
        slot.current.load_full().filter(|_| !outdated)
    }

    /// Renders the board, or waits for whoever is just doing so.
    async fn render(&self, facility: FacilityId, slot: &Slot) -> Result<Arc<Snapshot>> {
        let _turn = slot.rendering.lock().await;
        if let Some(fresh) = self.ready(facility, slot) {
            return Ok(fresh);
        }
        // a change from now on makes what follows outdated again
        slot.outdated.store(false, Ordering::Release);
        slot.commits.store(self.0.db.commits_of(facility), Ordering::Release);
        let begun = Instant::now();
        let rendered = match compose::board(&self.0.db, facility).await {
            Ok(snapshot) => Arc::new(snapshot),
            Err(error) => {
                slot.outdated.store(true, Ordering::Release);
                return Err(error);
            }
        };
        self.0.db.took("board", begun.elapsed());
        slot.current.store(Some(rendered.clone()));
        Ok(rendered)
    }

    fn refresh_in_background(&self, facility: FacilityId, slot: Arc<Slot>) {
        if slot.refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (db, freshness) = (self.0.db.clone(), self.0.freshness);
        tokio::spawn(async move {
            // the commit reaches this and every other instance through the outbox
            if let Err(error) = summary::refresh_if_older(&db, facility, freshness).await {
                tracing::warn!(facility.id = facility.0, %error, "an old summary could not be refreshed");
            }
            slot.refreshing.store(false, Ordering::Release);
        });
    }
}
