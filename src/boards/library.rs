//! Boards as requests need them: content and shares, and which board a facility's address shows. Kept in memory for at
//! most five seconds and forgotten at once when a fact says that a board changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;

use super::queries::{self, Whole};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::{BoardId, FacilityId};

const LONGEST_MEMORY: Duration = Duration::from_secs(5);

/// Cheap to clone.
#[derive(Clone)]
pub struct Library {
    db: Db,
    boards: Arc<DashMap<BoardId, (Instant, Arc<Whole>)>>,
    homes: Arc<DashMap<FacilityId, (Instant, Option<BoardId>)>>,
}

impl Library {
    pub fn new(db: Db) -> Self {
        Library {
            db,
            boards: Arc::default(),
            homes: Arc::default(),
        }
    }

    /// A board, whoever asks: the caller asks [`Whole::right`].
    pub async fn board(&self, id: BoardId) -> Result<Arc<Whole>> {
        if let Some(known) = self.boards.get(&id)
            && known.0.elapsed() < LONGEST_MEMORY
        {
            return Ok(known.1.clone());
        }
        let asked = Instant::now();
        let whole = Arc::new(queries::whole(self.db.unscoped(), id).await?);
        self.boards.insert(id, (asked, whole.clone()));
        Ok(whole)
    }

    /// The board that a facility's address shows; none for the built-in one.
    pub async fn home(&self, facility: FacilityId) -> Result<Option<Arc<Whole>>> {
        let known = self.homes.get(&facility).map(|known| *known);
        let id = match known {
            Some((at, id)) if at.elapsed() < LONGEST_MEMORY => id,
            _ => {
                let asked = Instant::now();
                let id = queries::home_of(self.db.unscoped(), facility).await?;
                self.homes.insert(facility, (asked, id));
                id
            }
        };
        let Some(id) = id else { return Ok(None) };
        match self.board(id).await {
            Ok(whole) => Ok(Some(whole).filter(|whole| whole.board.published)),
            // deleted a moment ago
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Something about this board changed, or where it is shown.
    pub fn forget(&self, board: BoardId) {
        self.boards.remove(&board);
        self.homes.clear();
    }

    pub fn forget_all(&self) {
        self.boards.clear();
        self.homes.clear();
    }
}
