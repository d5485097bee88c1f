//! Keeps somebody's preferences.

use serde_json::json;

use crate::audit::{self, Entry};
use crate::auth::{Caller, Preferences, Start};
use crate::db::{Db, Scope};
use crate::error::{Error, OnConstraint, Result};

/// Writes all of them, and the theme: `system`, `light` or `dark`.
pub async fn save(db: &Db, caller: &Caller, preferences: &Preferences, theme: &str) -> Result<()> {
    let start = match preferences.start {
        Start::Facility(facility) => Some(facility.0),
        Start::Usual | Start::Network => None,
    };
    let mut tx = db.write(&Scope::All).await?;
    sqlx::query!(
        "update users set time_zone = $2, date_format = $3, refresh = $4, start_facility_id = $5, start_at_network = $6,
                          mail_access = $7, theme = $8, language = $9, number_format = $10
         where id = $1",
        caller.id.0,
        preferences.zone.map(|zone| zone.as_str()),
        preferences.dates.as_str(),
        preferences.refresh.as_str(),
        start,
        preferences.start == Start::Network,
        preferences.mail_access,
        theme,
        preferences.language.map(|language| language.as_str()),
        preferences.numbers.as_str()
    )
    .execute(&mut *tx)
    .await
    .on_constraint("users_theme_check", || {
        Error::invalid("theme", t!("Choose system, light or dark."))
    })?;
    let entry = Entry::new("preferences chosen", "user")
        .about(caller.id.0)
        .before(words(&caller.preferences, &caller.theme))
        .after(words(preferences, theme));
    audit::record(&mut tx, &caller.actor(), &entry).await?;
    tx.commit().await?;
    Ok(())
}

fn words(preferences: &Preferences, theme: &str) -> serde_json::Value {
    let start = match preferences.start {
        Start::Usual => json!("usual"),
        Start::Network => json!("network"),
        Start::Facility(facility) => json!(facility),
    };
    json!({
        "language": preferences.language,
        "numbers": preferences.numbers,
        "zone": preferences.zone,
        "dates": preferences.dates,
        "refresh": preferences.refresh,
        "start": start,
        "mail_access": preferences.mail_access,
        "theme": theme,
    })
}
