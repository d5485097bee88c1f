//! The place of one screen among those that are kept ready.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use crate::boards::Snapshot;
use crate::boards::ask::Ask;
use crate::ids::BoardId;
use crate::live::Topic;

/// What is kept ready under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub ask: Ask,
    /// board and version; none for the built-in board of a facility
    pub sheet: Option<(BoardId, i32)>,
}

pub struct Slot {
    pub topic: Topic,
    /// the least time between two renderings
    between: Duration,
    pub current: ArcSwapOption<Snapshot>,
    rendered_at: ArcSwapOption<Instant>,
    /// something changed since `current` was rendered
    pub outdated: AtomicBool,
    /// commits of this process that `current` has seen
    pub commits: AtomicU64,
    pub queued: AtomicBool,
    pub refreshing: AtomicBool,
    pub rendering: tokio::sync::Mutex<()>,
    pub asked_at: AtomicI64,
    /// what was last kept for other instances
    pub kept: ArcSwapOption<Snapshot>,
    /// keeping it is on its way
    pub keeping: AtomicBool,
}

impl Slot {
    pub fn new(topic: Topic, between: Duration) -> Self {
        Slot {
            topic,
            between,
            current: ArcSwapOption::empty(),
            rendered_at: ArcSwapOption::empty(),
            outdated: AtomicBool::default(),
            commits: AtomicU64::default(),
            queued: AtomicBool::default(),
            refreshing: AtomicBool::default(),
            rendering: tokio::sync::Mutex::default(),
            asked_at: AtomicI64::default(),
            kept: ArcSwapOption::empty(),
            keeping: AtomicBool::default(),
        }
    }

    /// Whether a rendering of the same is kept already.
    pub fn has_kept(&self, board: &Snapshot) -> bool {
        let kept = self.kept.load();
        kept.as_ref()
            .is_some_and(|kept| (kept.version, kept.reference) == (board.version, board.reference))
    }

    pub fn was_rendered(&self) {
        if !self.between.is_zero() {
            self.rendered_at.store(Some(Instant::now().into()));
        }
    }

    /// How long it may not be rendered again.
    pub fn rest(&self) -> Duration {
        match self.rendered_at.load().as_ref() {
            Some(at) => self.between.saturating_sub(at.elapsed()),
            None => Duration::ZERO,
        }
    }
}
