//! The rules of installed catalogs in memory: every event needs them, and they change when a catalog is imported. An
//! instance that missed the news of a change reads them anew within half a minute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use super::{Rules, queries, read};
use crate::db::Db;
use crate::error::Result;

const LONGEST_MEMORY: Duration = Duration::from_secs(30);

/// The rules, kept. Cheap to clone.
#[derive(Clone)]
pub struct Installed {
    db: Db,
    known: Arc<ArcSwapOption<Known>>,
}

struct Known {
    read_at: Instant,
    contents: Vec<String>,
    rules: Arc<Rules>,
}

impl Installed {
    pub fn new(db: Db) -> Self {
        Installed {
            db,
            known: Arc::default(),
        }
    }

    pub async fn rules(&self) -> Result<Arc<Rules>> {
        match &*self.known.load() {
            Some(known) if known.read_at.elapsed() < LONGEST_MEMORY => Ok(known.rules.clone()),
            known => self.reload(known.as_deref()).await,
        }
    }

    /// A catalog was imported or removed.
    pub fn forget(&self) {
        self.known.store(None);
    }

    /// Making rules costs more than seeing that nothing changed.
    async fn reload(&self, before: Option<&Known>) -> Result<Arc<Rules>> {
        let read_at = Instant::now();
        let contents = queries::contents(&self.db).await?;
        let rules = match before.filter(|before| before.contents == contents) {
            Some(before) => before.rules.clone(),
            None => {
                let catalogs: Vec<_> = contents
                    .iter()
                    .filter_map(|content| {
                        read::read(content)
                            .inspect_err(|problems| tracing::error!(%problems, "an installed catalog cannot be read"))
                            .ok()
                    })
                    .collect();
                Arc::new(Rules::new(&catalogs))
            }
        };
        self.known.store(Some(Arc::new(Known {
            read_at,
            contents,
            rules: rules.clone(),
        })));
        Ok(rules)
    }
}
