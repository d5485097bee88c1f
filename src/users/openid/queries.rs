//! Questions about identities.

use crate::db::Db;
use crate::error::Result;
use crate::ids::UserId;
use crate::users::Doors;
use crate::users::two_factor::ProviderView;

/// The provider as one's own page of ways in shows it; none without a provider.
pub async fn connection_of(db: &Db, doors: &Doors, user: UserId) -> Result<Option<ProviderView>> {
    let Some(provider) = doors.provider() else {
        return Ok(None);
    };
    let settings = provider.settings();
    let connected = sqlx::query_scalar!(
        r#"select exists (select from identities where user_id = $1 and issuer = $2) as "connected!""#,
        user.0,
        settings.issuer
    )
    .fetch_one(db.unscoped())
    .await?;
    Ok(Some(ProviderView {
        label: settings.label.clone(),
        connected,
    }))
}
