//! The one way to change something in a facility: a transaction that holds the facility, and whose commit carries the
//! change, its audit row, the fresh summary and the fact for the outbox, or nothing at all.

use sqlx::PgConnection;

use super::refresh::{self, Trigger};
use crate::audit::{self, Actor, Entry};
use crate::db::{Db, Scope, Tx};
use crate::error::Result;
use crate::ids::FacilityId;
use crate::outbox::{self, Event};

pub struct Work {
    db: Db,
    tx: Tx,
    pub actor: Actor,
    facilities: Vec<FacilityId>,
}

impl Work {
    /// Begins, and waits until nobody else changes any of these facilities. Their rows, and only theirs, can be seen.
    /// Dropped without [`Work::commit`], it leaves no trace.
    pub async fn begin(db: &Db, actor: Actor, facilities: &[FacilityId]) -> Result<Work> {
        let mut facilities = facilities.to_vec();
        facilities.sort();
        facilities.dedup();
        let mut tx = db.write(&Scope::Facilities(facilities.clone())).await?;
        refresh::lock(&mut tx, &facilities).await?;
        Ok(Work {
            db: db.clone(),
            tx,
            actor,
            facilities,
        })
    }

    /// The connection, for the statements of the change.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Records the change, refreshes the summaries of the facilities, tells the outbox, commits.
    pub async fn commit(mut self, entry: Entry<'_>, event: &Event) -> Result<()> {
        audit::record(&mut self.tx, &self.actor, &entry).await?;
        refresh::refresh(&mut self.tx, &self.facilities, Trigger::Write).await?;
        outbox::push(&mut self.tx, &self.facilities, event).await?;
        self.tx.commit().await?;
        self.db.committed(&self.facilities);
        Ok(())
    }
}
