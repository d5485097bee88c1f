//! Which boards are kept ready, and how a change reaches them. A board that somebody looked at lately or watches is
//! rendered anew as soon as a fact says that it changed; any other is forgotten and rendered when asked for.

mod fetch;
mod slot;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dashmap::DashMap;
use tokio::sync::{Mutex, mpsc};

use super::ask::{Address, Ask, Target};
use super::compose;
use super::kept::Pages;
use super::library::Library;
use super::queries::Whole;
use super::renderings::Renderings;
use super::{Owner, Snapshot};
use crate::db::Db;
use crate::error::{Problems, Result};
use crate::facilities::Chrome;
use crate::ids::{BoardId, FacilityId};
use crate::live::{Hub, named_frame};
use crate::summary;
use crate::web::Part;
use crate::widgets::Asked;
pub(super) use slot::Key;
use slot::Slot;

/// A board is kept ready for this long after somebody asked for it.
const KEPT_READY_SECONDS: i64 = 600;
/// Screens over many facilities are rendered anew at most this often: somewhere something always changes.
const BETWEEN_WIDE_RENDERINGS: Duration = Duration::from_secs(2);

/// And those with windows of metrics at most this often, so that whatever comes is shown within a second.
const BETWEEN_LIVE_RENDERINGS: Duration = Duration::from_millis(500);

/// The boards of this instance. Cheap to clone.
#[derive(Clone)]
pub struct Boards(Arc<Inner>);

struct Inner {
    db: Db,
    hub: Hub,
    chrome: Chrome,
    library: Library,
    freshness: Duration,
    slots: DashMap<Key, Arc<Slot>>,
    pages: Pages,
    renderings: Renderings,
    work: mpsc::UnboundedSender<Work>,
    inbox: Mutex<mpsc::UnboundedReceiver<Work>>,
}

enum Work {
    Render(Key),
    Redefined(BoardId),
}

/// Where a board was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Memory,
    /// another instance rendered it, or this one before it started anew
    Kept,
    Source,
}

/// A board as it was found for a request.
pub struct Found {
    pub snapshot: Arc<Snapshot>,
    pub from: From,
    /// older than the freshness, so a refresh was set off
    pub triggered_refresh: bool,
    pub age: Duration,
    /// spent reading or rendering it from the database; zero when it was in memory
    pub query: Duration,
}

impl Boards {
    /// `freshness`: age from which looking at a board refreshes its summary.
    pub fn new(db: Db, hub: Hub, chrome: Chrome, freshness: Duration) -> Self {
        let (work, inbox) = mpsc::unbounded_channel();
        Boards(Arc::new(Inner {
            library: Library::new(db.clone()),
            db,
            hub,
            chrome,
            freshness,
            slots: DashMap::new(),
            pages: Pages::default(),
            renderings: Renderings::default(),
            work,
            inbox: Mutex::new(inbox),
        }))
    }

    /// Lets go of what nobody needs any longer.
    pub fn sweep(&self) {
        self.0.pages.sweep();
    }

    /// Whole pages that need not be made again.
    pub fn pages(&self) -> &Pages {
        &self.0.pages
    }

    /// What is known of boards.
    pub fn library(&self) -> &Library {
        &self.0.library
    }

    /// What is asked for, ready or made so. The caller has checked the right to the board and to the facilities.
    pub async fn find(&self, ask: &Ask) -> Result<Found> {
        let (key, whole) = self.resolve(ask).await?;
        let slot = self.slot(&key, whole.as_deref());
        let now = self.0.db.clock.now();
        slot.asked_at.store(now.timestamp(), Ordering::Relaxed);
        let ready = self.ready(&key, &slot);
        let begun = Instant::now();
        let (snapshot, from) = match ready {
            Some(snapshot) => (snapshot, From::Memory),
            // apart: whatever a future holds is moved with it several times for each request
            None => Box::pin(self.fetch(&key, whole.as_deref(), &slot)).await?,
        };
        let query = match from {
            From::Memory => Duration::ZERO,
            From::Kept | From::Source => begun.elapsed(),
        };
        let age = (now - snapshot.as_of).to_std().unwrap_or_default();
        let triggered_refresh = age > self.0.freshness;
        if triggered_refresh {
            self.refresh_in_background(key, slot);
        }
        Ok(Found {
            snapshot,
            from,
            triggered_refresh,
            age,
            query,
        })
    }

    /// The whole board as frames, unless the screen shows just this version.
    pub async fn state(&self, ask: &Ask, seen: Option<i64>) -> Result<Option<Bytes>> {
        let found = self.find(ask).await?.snapshot;
        if seen == Some(found.version) {
            return Ok(None);
        }
        if let Some(state) = found.state() {
            return Ok(Some(state.clone()));
        }
        let (key, whole) = self.resolve(ask).await?;
        let slot = self.slot(&key, whole.as_deref());
        slot.outdated.store(true, Ordering::Release);
        let rendered = self.render(&key, whole.as_deref(), &slot).await?;
        Ok(rendered.state().cloned())
    }

    /// One widget alone, as its *Try again* asks for it. Unknown names do not exist.
    pub async fn widget(&self, ask: &Ask, name: &str) -> Result<String> {
        let (_, whole) = self.resolve(ask).await?;
        compose::widget(&self.0.db, &self.0.chrome, ask, whole.as_deref(), name).await
    }

    /// The board's filter bar with a range that is to be mended.
    pub async fn mending(&self, ask: &Ask, wishes: &Asked, problems: &Problems) -> Result<Part> {
        let (_, whole) = self.resolve(ask).await?;
        compose::mending(&self.0.db, &self.0.chrome, ask, whole.as_deref(), wishes, problems).await
    }

    /// Something about these facilities changed.
    pub fn changed(&self, facilities: &[FacilityId]) {
        let touched = |key: &Key| facilities.iter().any(|facility| key.ask.shows(*facility));
        let slots: Vec<(Key, Arc<Slot>)> = self
            .0
            .slots
            .iter()
            .filter(|slot| touched(slot.key()))
            .map(|slot| (slot.key().clone(), slot.value().clone()))
            .collect();
        let now = self.0.db.clock.now().timestamp();
        for (key, slot) in slots {
            slot.outdated.store(true, Ordering::Release);
            let wanted =
                self.0.hub.is_watched(slot.topic) || now - slot.asked_at.load(Ordering::Relaxed) < KEPT_READY_SECONDS;
            if !wanted {
                self.0.slots.remove(&key);
            } else if !slot.queued.swap(true, Ordering::AcqRel) {
                self.queue(key, &slot);
            }
        }
    }

    /// Renders it now, or when its time has come.
    fn queue(&self, key: Key, slot: &Slot) {
        let wait = slot.rest();
        if wait.is_zero() {
            let _ = self.0.work.send(Work::Render(key));
            return;
        }
        let work = self.0.work.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let _ = work.send(Work::Render(key));
        });
    }

    /// This board, who may see it, or where it is shown changed. Screens that show it fetch themselves anew, under the
    /// rights of whoever looks.
    pub fn redefined(&self, board: BoardId) {
        self.0.library.forget(board);
        let _ = self.0.work.send(Work::Redefined(board));
    }

    /// Forgets what is ready, as a start does.
    pub fn forget(&self) {
        self.0.slots.clear();
    }

    /// Sends a frame to every screen that shows one of these facilities.
    pub fn nudge(&self, facilities: &[FacilityId], frame: &Bytes) {
        for slot in &self.0.slots {
            if facilities.iter().any(|facility| slot.key().ask.shows(*facility)) {
                self.0.hub.publish(slot.topic, frame.clone());
            }
        }
    }

    /// Anything may have changed.
    pub fn all_changed(&self) {
        self.0.library.forget_all();
        let all: Vec<FacilityId> = self
            .0
            .slots
            .iter()
            .flat_map(|slot| slot.key().ask.facilities.to_vec())
            .collect();
        self.changed(&all);
    }

    /// Renders and sends what changed, until the process ends. One task of an instance runs this.
    pub async fn publish(&self) {
        let mut inbox = self.0.inbox.lock().await;
        while let Some(work) = inbox.recv().await {
            match work {
                Work::Render(key) => self.bring_up_to_date(key).await,
                Work::Redefined(board) => self.tell_of(board).await,
            }
        }
    }

    async fn bring_up_to_date(&self, key: Key) {
        let Some(slot) = self.0.slots.get(&key).map(|slot| slot.clone()) else {
            return;
        };
        slot.queued.store(false, Ordering::Release);
        let before = slot.current.load_full();
        let rendered = async {
            let (now, whole) = self.resolve(&key.ask).await?;
            if now != key {
                // another version is shown there by now
                self.0.slots.remove(&key);
                return Ok(None);
            }
            self.render(&key, whole.as_deref(), &slot).await.map(Some)
        };
        match rendered.await {
            Ok(Some(now)) => {
                // as one: each screen is woken and written to once, whatever changed
                let changes = now.changes_since(before.as_deref()).concat();
                self.0.hub.publish(slot.topic, changes.into());
            }
            Ok(None) => {}
            Err(error) => tracing::error!(board = %key.ask.address.path(), %error, "a board could not be rendered"),
        }
    }

    /// Screens with another version of the board than the present one are told to fetch themselves.
    async fn tell_of(&self, board: BoardId) {
        let is_personal = match self.0.library.board(board).await {
            Ok(whole) => matches!(whole.board.owner, Owner::Person(_)),
            Err(_) => false,
        };
        let concerned = |key: &Key| match key.ask.address {
            Address::Home(_) | Address::Link(Target::Home(_)) => !is_personal,
            Address::Board(shown) | Address::Link(Target::Board(shown)) => shown == board,
        };
        let slots: Vec<(Key, Arc<Slot>)> = self
            .0
            .slots
            .iter()
            .filter(|slot| concerned(slot.key()))
            .map(|slot| (slot.key().clone(), slot.value().clone()))
            .collect();
        for (key, slot) in slots {
            let same = self.resolve(&key.ask).await.is_ok_and(|(now, _)| now == key);
            if !same {
                self.0.slots.remove(&key);
                self.0.hub.publish(slot.topic, named_frame("nudge", 0, "board"));
            }
        }
    }

    /// Renders the boards whose summary is newer in the database than here, as after a notification that was lost.
    pub async fn catch_up(&self) {
        let known: Vec<(Key, i64)> = self
            .0
            .slots
            .iter()
            .filter_map(|slot| Some((slot.key().clone(), slot.current.load().as_ref()?.version)))
            .collect();
        let mut facilities: Vec<FacilityId> = known.iter().flat_map(|(key, _)| key.ask.facilities.to_vec()).collect();
        facilities.sort_unstable();
        facilities.dedup();
        match summary::newest(&self.0.db, &facilities).await {
            Ok(newest) => {
                let mut behind: Vec<FacilityId> = Vec::new();
                for (key, version) in &known {
                    let newer = |facility: &&FacilityId| {
                        newest.get(facility).is_some_and(|at| at.timestamp_micros() > *version)
                    };
                    behind.extend(key.ask.facilities.iter().filter(newer));
                }
                behind.sort_unstable();
                behind.dedup();
                self.changed(&behind);
            }
            Err(error) => tracing::warn!(%error, "the boards could not be compared with the database"),
        }
    }

    /// Renders the boards that somebody watches and whose windows have moved on with the time.
    pub fn slide(&self) {
        for slot in &self.0.slots {
            let slid = slot.current.load().as_ref().is_some_and(|board| board.has_slid());
            if slid && self.0.hub.is_watched(slot.topic) && !slot.queued.swap(true, Ordering::AcqRel) {
                slot.outdated.store(true, Ordering::Release);
                self.queue(slot.key().clone(), &slot);
            }
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

    /// The version of the board that is shown there now.
    async fn resolve(&self, ask: &Ask) -> Result<(Key, Option<Arc<Whole>>)> {
        let whole = match ask.address {
            Address::Home(facility) | Address::Link(Target::Home(facility)) => self.0.library.home(facility).await?,
            Address::Board(board) | Address::Link(Target::Board(board)) => Some(self.0.library.board(board).await?),
        };
        let key = Key {
            ask: ask.clone(),
            sheet: whole.as_ref().map(|whole| (whole.board.id, whole.board.version)),
        };
        Ok((key, whole))
    }

    fn slot(&self, key: &Key, whole: Option<&Whole>) -> Arc<Slot> {
        if let Some(slot) = self.0.slots.get(key) {
            return slot.clone();
        }
        let chosen = whole.map_or(0, |whole| whole.definition.refresh.seconds());
        let slides = whole.is_some_and(|whole| whole.definition.widgets.iter().any(|one| one.kind.is_windowed()));
        let least = match (key.ask.facilities.len() > 1, slides) {
            (true, false) => BETWEEN_WIDE_RENDERINGS,
            (true, true) => BETWEEN_LIVE_RENDERINGS,
            (false, _) => Duration::ZERO,
        };
        let between = Duration::from_secs(chosen).max(least);
        let entry = self.0.slots.entry(key.clone());
        entry
            .or_insert_with(|| Arc::new(Slot::new(key.ask.topic(), between)))
            .clone()
    }

    fn commits(&self, key: &Key) -> u64 {
        let of = |facility: &FacilityId| self.0.db.commits_of(*facility);
        key.ask.facilities.iter().map(of).sum()
    }

    /// What is ready and holds: nothing changed since, or it may not be rendered again yet.
    fn ready(&self, key: &Key, slot: &Slot) -> Option<Arc<Snapshot>> {
        let resting = !slot.rest().is_zero();
        let outdated =
            || slot.outdated.load(Ordering::Acquire) || slot.commits.load(Ordering::Acquire) != self.commits(key);
        slot.current
            .load_full()
            .filter(|board| resting || !(outdated() || board.has_slid()))
    }

    /// One facility's summary is computed again, and the commit reaches this and every other instance through the
    /// outbox. The summaries of many are the schedule's; their board is only read again.
    fn refresh_in_background(&self, key: Key, slot: Arc<Slot>) {
        if slot.refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let boards = self.clone();
        tokio::spawn(async move {
            if let [facility] = key.ask.facilities[..] {
                let inner = &boards.0;
                if let Err(error) = summary::refresh_if_older(&inner.db, facility, inner.freshness).await {
                    tracing::warn!(facility.id = facility.0, %error, "an old summary could not be refreshed");
                }
            } else {
                slot.outdated.store(true, Ordering::Release);
                boards.bring_up_to_date(key).await;
            }
            slot.refreshing.store(false, Ordering::Release);
        });
    }
}
