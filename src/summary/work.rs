//! The one way to change something in a facility: a transaction that holds the facility, and whose commit carries the
//! change, its audit row, the fresh summary and the fact for the outbox, or nothing at all.

use serde_json::{Map, Value};
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
    changes: Vec<Change>,
}

/// What one thing was and is, for the log.
struct Change {
    /// whose affair it is; none is all of them
    facility: Option<FacilityId>,
    thing: String,
    before: Option<&'static str>,
    after: Option<&'static str>,
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
            changes: Vec::new(),
        })
    }

    /// The connection, for the statements of the change.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Notes for the log what a thing (`unit 17`) was and is. `facility` is whose affair that is; none, when all of them know.
    pub fn changed(
        &mut self,
        facility: impl Into<Option<FacilityId>>,
        thing: String,
        before: Option<&'static str>,
        after: Option<&'static str>,
    ) {
        self.changes.push(Change {
            facility: facility.into(),
            thing,
            before,
            after,
        });
    }

    /// Records the change, refreshes the summaries of the facilities, tells the outbox, commits.
    pub async fn commit(mut self, mut entry: Entry<'_>, event: &Event) -> Result<()> {
        self.tell_changes(&mut entry);
        audit::record(&mut self.tx, &self.actor, &entry).await?;
        refresh::refresh(&mut self.tx, &self.facilities, Trigger::Write).await?;
        outbox::push(&mut self.tx, &self.facilities, event).await?;
        self.tx.commit().await?;
        self.db.committed(&self.facilities);
        Ok(())
    }

    /// What was noted becomes the entry's before and after, as far as it is the affair of the entry's facility.
    fn tell_changes(&self, entry: &mut Entry<'_>) {
        if entry.before.is_some() || entry.after.is_some() {
            return;
        }
        let told = |change: &&Change| change.facility.is_none() || change.facility == entry.facility;
        let (mut before, mut after) = (Map::new(), Map::new());
        for change in self.changes.iter().filter(told) {
            if let Some(was) = change.before {
                // what moved twice was at first what it was before the first time
                before.entry(&change.thing).or_insert_with(|| was.into());
            }
            match change.after {
                Some(is) => drop(after.insert(change.thing.clone(), is.into())),
                None => drop(after.remove(&change.thing)),
            }
        }
        entry.before = (!before.is_empty()).then_some(Value::Object(before));
        entry.after = (!after.is_empty()).then_some(Value::Object(after));
    }
}
