//! What changes alerts: the round that looks at everything, what people do about one, rules and channels, and the messages
//! that leave the house.

mod acts;
mod deliver;
mod detectors;
mod round;
mod rules;
mod tell;

pub use acts::{NewSilence, acknowledge, end_silence, silence};
pub use deliver::deliver;
pub use detectors::zones;
pub use round::round;
pub use rules::{NewChannel, add_channel, remove_channel, remove_rule, save_rule, test_channel};

use crate::db::{Db, Scope};
use crate::error::Result;

/// Removes the history of more than a year ago, and messages of more than a month.
pub async fn prune(db: &Db) -> Result<()> {
    let mut tx = db.write_in_background(&Scope::All).await?;
    sqlx::query!("delete from alert_history where at < clock_now() - interval '1 year'")
        .execute(&mut *tx)
        .await?;
    sqlx::query!("delete from alert_deliveries where coalesce(sent_at, failed_at) < clock_now() - interval '30 days'")
        .execute(&mut *tx)
        .await?;
    sqlx::query!("delete from alert_silences where ends_at < clock_now() - interval '30 days'")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
