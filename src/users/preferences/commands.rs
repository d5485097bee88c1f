//! Keeps somebody's preferences.

use crate::auth::{Preferences, Start};
use crate::db::Db;
use crate::error::{Error, OnConstraint, Result};
use crate::ids::UserId;

/// Writes all of them, and the theme: `system`, `light` or `dark`.
pub async fn save(db: &Db, user: UserId, preferences: &Preferences, theme: &str) -> Result<()> {
    let start = match preferences.start {
        Start::Facility(facility) => Some(facility.0),
        Start::Usual | Start::Network => None,
    };
    sqlx::query!(
        "update users set time_zone = $2, date_format = $3, refresh = $4, start_facility_id = $5, start_at_network = $6,
                          mail_access = $7, theme = $8
         where id = $1",
        user.0,
        preferences.zone.map(|zone| zone.as_str()),
        preferences.dates.as_str(),
        preferences.refresh.as_str(),
        start,
        preferences.start == Start::Network,
        preferences.mail_access,
        theme
    )
    .execute(db.unscoped())
    .await
    .on_constraint("users_theme_check", || {
        Error::invalid("theme", "Choose system, light or dark.")
    })?;
    Ok(())
}
