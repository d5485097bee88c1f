//! What is kept how long. Something that came late counts from when it came.

use crate::db::{Db, Scope};
use crate::error::Result;
use crate::metrics;

/// Makes the next days and removes what is older than it has to be kept: events by their catalog's word, the points and
/// the sums of minutes and hours by ours, dead letters after a month, answers to batches after three days.
pub async fn keep(db: &Db) -> Result<()> {
    metrics::keep(db).await?;
    let mut tx = db.write_in_background(&Scope::All).await?;
    sqlx::query!(
        r#"select drop_days('events', (select (clock_now() - greatest(max(retention), interval '90 days'))::date from event_types))
           as gone"#
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from events e using event_types t
         where t.id = e.type_id and e.at < clock_now() - t.retention and e.received_at < clock_now() - t.retention"
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from event_ids
         where since < clock_now() - (select greatest(max(retention), interval '90 days') from event_types)"
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("delete from dead_letters where at < clock_now() - interval '30 days'")
        .execute(&mut *tx)
        .await?;
    sqlx::query!("delete from idempotent_batches where at < clock_now() - interval '72 hours'")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
