//! How a board that is not ready is made so: from what another instance kept, or from the source, one at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::slot::{Key, Slot};
use super::{Boards, From};
use crate::boards::queries::Whole;
use crate::boards::{Snapshot, commands, compose, renderings};
use crate::error::Result;

/// A rendering is kept for other instances this long after it was made, or the one that has followed it by then: however
/// often a board changes, it is written once in this time.
const KEPT_AFTER: Duration = Duration::from_secs(1);

impl Boards {
    /// What another instance rendered, where memory has nothing and it still holds; rendered here otherwise.
    pub(super) async fn fetch(
        &self,
        key: &Key,
        whole: Option<&Whole>,
        slot: &Arc<Slot>,
    ) -> Result<(Arc<Snapshot>, From)> {
        // whatever is in memory and does not hold is older than a change that was heard of here
        if slot.current.load().is_none()
            && let Some(kept) = self.kept(key, slot).await
        {
            return Ok((kept, From::Kept));
        }
        Ok((self.render(key, whole, slot).await?, From::Source))
    }

    async fn kept(&self, key: &Key, slot: &Slot) -> Option<Arc<Snapshot>> {
        let _turn = slot.rendering.lock().await;
        if slot.current.load().is_some() {
            return None;
        }
        // a change from now on makes what follows outdated again
        slot.outdated.store(false, Ordering::Release);
        let commits = self.commits(key);
        let begun = Instant::now();
        let kept = Arc::new(self.0.renderings.find(&self.0.db, key).await?);
        self.0.db.took("rendering", begun.elapsed());
        slot.current.store(Some(kept.clone()));
        slot.commits.store(commits, Ordering::Release);
        Some(kept)
    }

    /// Renders the board, or waits for whoever is just doing so.
    pub(super) async fn render(&self, key: &Key, whole: Option<&Whole>, slot: &Arc<Slot>) -> Result<Arc<Snapshot>> {
        let _turn = slot.rendering.lock().await;
        if let Some(fresh) = self.ready(key, slot) {
            return Ok(fresh);
        }
        // a change from now on makes what follows outdated again
        slot.outdated.store(false, Ordering::Release);
        let commits = self.commits(key);
        let begun = Instant::now();
        let rendered = match self.composed(key, whole).await {
            Ok(snapshot) => Arc::new(snapshot),
            Err(error) => {
                slot.outdated.store(true, Ordering::Release);
                return Err(error);
            }
        };
        self.0.db.took("board", begun.elapsed());
        slot.was_rendered();
        slot.current.store(Some(rendered.clone()));
        // not before: whoever wrote and looks meanwhile would find the old one and take it for theirs
        slot.commits.store(commits, Ordering::Release);
        self.keep_soon(key, slot);
        Ok(rendered)
    }

    async fn composed(&self, key: &Key, whole: Option<&Whole>) -> Result<Snapshot> {
        let inner = &self.0;
        let reference = match renderings::facility_of(&key.ask) {
            Some(_) => renderings::reference_version(&inner.db).await?,
            None => 0,
        };
        let mut snapshot = compose::snapshot(&inner.db, &inner.chrome, &key.ask, whole).await?;
        snapshot.reference = reference;
        Ok(snapshot)
    }

    /// Keeps a home board for other instances, once nobody waits for it.
    fn keep_soon(&self, key: &Key, slot: &Arc<Slot>) {
        let Some(facility) = renderings::facility_of(&key.ask) else {
            return;
        };
        if slot.keeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let (boards, sheet, slot) = (self.clone(), key.sheet, slot.clone());
        tokio::spawn(async move {
            tokio::time::sleep(KEPT_AFTER).await;
            slot.keeping.store(false, Ordering::Release);
            let Some(board) = slot.current.load_full() else { return };
            // nothing in the database proves later that no points have come since
            if board.shows_metrics || slot.has_kept(&board) {
                return;
            }
            match commands::keep(&boards.0.db, facility, sheet, &board).await {
                Ok(()) => slot.kept.store(Some(board)),
                Err(error) => tracing::warn!(facility.id = facility.0, %error, "a rendering could not be kept"),
            }
        });
    }
}
