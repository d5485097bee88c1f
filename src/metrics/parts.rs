//! The days that the big tables are divided by. A row goes straight into the part of its day, since COPY cannot pass row
//! level security; whatever is older than the days there are goes to the part `old`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, NaiveDate};

use super::commands;
use crate::db::Db;
use crate::error::Result;

const LONGEST_MEMORY: Duration = Duration::from_secs(300);

/// The days there are, from memory. Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    db: Db,
    known: Arc<ArcSwapOption<Known>>,
}

struct Known {
    asked: Instant,
    days: Arc<HashSet<(&'static str, NaiveDate)>>,
}

/// The days of both tables at one time.
#[derive(Clone)]
pub struct Days(Arc<HashSet<(&'static str, NaiveDate)>>);

impl Days {
    /// The part of a table that holds this instant, without its schema.
    pub fn part(&self, table: &'static str, micros: i64) -> String {
        let day = DateTime::from_timestamp_micros(micros).unwrap_or_default().date_naive();
        match self.0.contains(&(table, day)) {
            true => format!("{table}_{}", day.format("%Y%m%d")),
            false => format!("{table}_old"),
        }
    }
}

impl Parts {
    pub fn new(db: Db) -> Self {
        Parts {
            db,
            known: Arc::default(),
        }
    }

    /// The days there are; makes today's and the next when they are missing, so that no schedule has to have run.
    pub async fn days(&self) -> Result<Days> {
        let today = self.db.clock.now().date_naive();
        if let Some(known) = &*self.known.load()
            && known.asked.elapsed() < LONGEST_MEMORY
            && known.days.contains(&("points", today))
        {
            return Ok(Days(known.days.clone()));
        }
        commands::parts::make_ahead(&self.db).await?;
        let asked = Instant::now();
        let rows = sqlx::query!("select of_table, day from parts.days")
            .fetch_all(self.db.unscoped())
            .await?;
        let days = Arc::new(
            rows.into_iter()
                .map(|row| (if row.of_table == "events" { "events" } else { "points" }, row.day))
                .collect::<HashSet<_>>(),
        );
        self.known.store(Some(Arc::new(Known {
            asked,
            days: days.clone(),
        })));
        Ok(Days(days))
    }

    /// A part was not there any more.
    pub fn forget(&self) {
        self.known.store(None);
    }
}
