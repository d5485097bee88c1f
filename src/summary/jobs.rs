//! The scheduled refresh: every facility, one statement.

use super::refresh::{self, Trigger};
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::facilities;
use crate::jobs::{self, Claim};
use crate::outbox::{self, Event};

/// Refreshes today's row of every active facility. With a claim, only while it is still held.
pub async fn refresh_all(db: &Db, claim: Option<&Claim>) -> Result<()> {
    let all = facilities::all(db.background()).await?;
    let mut tx = db.write_in_background(&Scope::All).await?;
    if let Some(claim) = claim {
        jobs::confirm(&mut tx, claim).await?;
    }
    refresh::lock(&mut tx, &all).await?;
    refresh::refresh(&mut tx, &all, Trigger::Schedule).await?;
    outbox::push(
        &mut tx,
        &all,
        &Event::SummaryRefreshed {
            facilities: all.clone(),
        },
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
