//! Rules and channels: made and changed by administrators of the facility, or of the network for all.

use serde_json::json;

use crate::alerts::channel::{ChannelKind, PAGERDUTY, Target};
use crate::alerts::group::Muted;
use crate::alerts::model::{NewRule, Severity};
use crate::alerts::{Outlets, queries};
use crate::audit::{self, Entry};
use crate::auth::Manager;
use crate::db::{Db, Scope};
use crate::error::{Error, OnConstraint, Problems, Result};
use crate::ids::FacilityId;
use crate::mail::is_deliverable;
use crate::outbox::{self, Event};
use crate::text;
use crate::words::{Language, Locale, under};

/// The scope in which a manager may change what belongs to a facility, or to the network.
fn owned(manager: &Manager, facility: Option<FacilityId>) -> Result<Scope> {
    match facility {
        None if manager.network_admin => Ok(Scope::All),
        None => Err(Error::invalid("facility", t!("Choose one of your facilities."))),
        Some(facility) if manager.manages(facility) => Ok(manager.scope()),
        Some(_) => Err(Error::invalid("facility", t!("Choose one of your facilities."))),
    }
}

/// Adds a rule, or changes the one with this id and version. Of a rule that came with the program the condition stays.
pub async fn save_rule(db: &Db, manager: &Manager, id: Option<(i64, i32)>, new: &NewRule) -> Result<()> {
    new.check()?;
    let scope = owned(manager, new.facility)?;
    let mut tx = db.write(&scope).await?;
    let (before, id) = match id {
        None => {
            let id = sqlx::query_scalar!(
                "insert into alert_rules (facility_id, name, severity, condition, hold_seconds, keep_seconds, enabled, extra)
                 values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
                new.facility.map(|id| id.0),
                new.name.trim(),
                new.severity.as_str(),
                json!(new.condition),
                new.hold,
                new.keep,
                new.enabled,
                json!(new.extra)
            )
            .fetch_one(&mut *tx)
            .await?;
            (None, id)
        }
        Some((id, version)) => {
            let rules = queries::rules(&mut tx).await?;
            let old = rules.into_iter().find(|rule| rule.id == id).ok_or(Error::NotFound)?;
            if old.facility != new.facility {
                return Err(Error::invalid("facility", t!("A rule stays where it was made.")));
            }
            let done = sqlx::query!(
                "update alert_rules set name = $3, severity = $4, condition = $5, hold_seconds = $6, keep_seconds = $7,
                        enabled = $8, extra = $9, version = version + 1
                 where id = $1 and version = $2",
                id,
                version,
                new.name.trim(),
                new.severity.as_str(),
                json!(new.condition),
                new.hold,
                new.keep,
                new.enabled,
                json!(new.extra)
            )
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() == 0 {
                return Err(Error::Conflict(
                    t!("Somebody else changed this rule meanwhile. Open it again to see what it is now.").into(),
                ));
            }
            let before = json!({
                "name": old.name, "severity": old.severity, "condition": old.condition, "hold": old.hold,
                "keep": old.keep, "enabled": old.enabled, "extra": old.extra,
            });
            (Some(before), id)
        }
    };
    let action = if before.is_some() { "changed" } else { "added" };
    let entry = Entry::new(action, "alert rule")
        .of(new.facility)
        .about(id)
        .detail(json!({ "name": new.name.trim() }))
        .after(json!({
            "name": new.name.trim(), "severity": new.severity, "condition": new.condition, "hold": new.hold,
            "keep": new.keep, "enabled": new.enabled, "extra": new.extra,
        }));
    audit::record(&mut tx, &manager.actor(), &Entry { before, ..entry }).await?;
    // the next look is at everything
    sqlx::query!("update alert_rounds set swept_at = '-infinity'")
        .execute(&mut *tx)
        .await?;
    outbox::push(
        &mut tx,
        &new.facility.into_iter().collect::<Vec<_>>(),
        &Event::AlertsChanged,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a rule and its alerts; its history stays. Those that came with the program can only be switched off.
pub async fn remove_rule(db: &Db, manager: &Manager, id: i64) -> Result<()> {
    let mut tx = db.write(&manager.scope()).await?;
    let gone = sqlx::query!(
        r#"delete from alert_rules
           where id = $1 and slug is null and ($2 or facility_id = any ((select scope_facilities())::bigint[]))
           returning name, facility_id as "facility: FacilityId""#,
        id,
        manager.network_admin
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let entry = Entry::new("removed", "alert rule")
        .of(gone.facility)
        .about(id)
        .detail(json!({ "name": gone.name }));
    audit::record(&mut tx, &manager.actor(), &entry).await?;
    outbox::push(
        &mut tx,
        &gone.facility.into_iter().collect::<Vec<_>>(),
        &Event::AlertsChanged,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// A channel as somebody asks for it.
#[derive(Clone, Debug)]
pub struct NewChannel {
    pub facility: Option<FacilityId>,
    pub name: String,
    pub kind: ChannelKind,
    pub target: Target,
    pub least: Severity,
    pub muted: Option<Muted>,
    /// of its messages
    pub language: Language,
}

impl NewChannel {
    fn check(&self, outlets: &Outlets) -> Result<()> {
        let mut problems = Problems::default();
        if self.name.trim().is_empty() {
            problems.add("name", t!("Say whom it tells."));
        } else if let Some(problem) = text::problem(&self.name, 80) {
            problems.add("name", problem);
        }
        match self.kind {
            ChannelKind::Email if !outlets.mail.is_on() => {
                problems.add("kind", t!("No mail server is set up; see the setting smtp.host."));
            }
            ChannelKind::Email if !is_deliverable(&self.target.to) => {
                problems.add("to", t!("Mail cannot be sent to this address."));
            }
            ChannelKind::Email => {}
            _ => {
                if let Err(refused) = outlets.reach.check(&self.target.to) {
                    problems.add("to", refused.words());
                }
            }
        }
        if self.kind == ChannelKind::PagerDuty && self.target.key.trim().is_empty() {
            problems.add("key", t!("Type the integration's routing key."));
        }
        if self.muted.as_ref().is_some_and(|muted| muted.from == muted.to) {
            problems.add("muted_from", t!("Choose two different times, or none."));
        }
        problems.check()
    }
}

/// Adds a channel. Answers the secret that signs a webhook, which nobody can read again.
pub async fn add_channel(db: &Db, outlets: &Outlets, manager: &Manager, new: &NewChannel) -> Result<Option<String>> {
    let mut new = new.clone();
    if new.kind == ChannelKind::PagerDuty && new.target.to.trim().is_empty() {
        new.target.to = PAGERDUTY.into();
    }
    new.check(outlets)?;
    let scope = owned(manager, new.facility)?;
    let secret = (new.kind == ChannelKind::Webhook).then(|| format!("whs_{:032x}", rand::random::<u128>()));
    let seal = |plain: &[u8]| outlets.vault.seal("alert channel", plain);
    let target = serde_json::to_vec(&new.target).map_err(anyhow::Error::from)?;
    let sealed_secret = secret.as_ref().map(|secret| seal(secret.as_bytes())).transpose()?;
    let mut tx = db.write(&scope).await?;
    let id = sqlx::query_scalar!(
        "insert into alert_channels (facility_id, name, kind, sealed_target, hint, sealed_secret, least_severity, muted, language)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
        new.facility.map(|id| id.0),
        new.name.trim(),
        new.kind.as_str(),
        seal(&target)?,
        new.target.hint(),
        sealed_secret,
        new.least.as_str(),
        new.muted.as_ref().map(|muted| json!(muted)),
        new.language.as_str()
    )
    .fetch_one(&mut *tx)
    .await
    .on_constraint("alert_channels_name_check", || {
        Error::invalid("name", t!("Use 1 to 80 characters."))
    })?;
    let entry = Entry::new("added", "alert channel")
        .of(new.facility)
        .about(id)
        .after(json!({
            "name": new.name.trim(), "kind": new.kind, "to": new.target.hint(), "least": new.least, "muted": new.muted, "language": new.language,
        }));
    audit::record(&mut tx, &manager.actor(), &entry).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Removes a channel and what is on its way to it.
pub async fn remove_channel(db: &Db, manager: &Manager, id: i64) -> Result<()> {
    let mut tx = db.write(&manager.scope()).await?;
    let gone = sqlx::query!(
        r#"delete from alert_channels
           where id = $1 and ($2 or facility_id = any ((select scope_facilities())::bigint[]))
           returning name, facility_id as "facility: FacilityId""#,
        id,
        manager.network_admin
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let entry = Entry::new("removed", "alert channel")
        .of(gone.facility)
        .about(id)
        .detail(json!({ "name": gone.name }));
    audit::record(&mut tx, &manager.actor(), &entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Sends a message that says that it is a test.
pub async fn test_channel(db: &Db, manager: &Manager, id: i64) -> Result<()> {
    let mut tx = db.write(&manager.scope()).await?;
    let channel = sqlx::query!(
        r#"select facility_id as "facility: FacilityId", language as "language: Language" from alert_channels
           where id = $1 and ($2 or facility_id = any ((select scope_facilities())::bigint[]))"#,
        id,
        manager.network_admin
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let key = format!("test-{:016x}", rand::random::<u64>());
    let (rule, words) = under(Locale::of(channel.language), || {
        let words = t!("Sent by {name} to see whether it arrives.", name = manager.name);
        (t!("A test message"), words)
    });
    let message = json!({
        "key": key, "group": key, "status": "firing", "rule": rule, "severity": "info", "facility": "",
        "at": db.clock.now(), "resolved": [], "path": "/admin/alerts",
        "firing": [{ "labels": {}, "value": 0, "words": words, "path": "/admin/alerts" }],
    });
    sqlx::query!(
        "insert into alert_deliveries (facility_id, channel_id, group_key, message) values ($1, $2, $3, $4)",
        channel.facility.map(|id| id.0),
        id,
        key,
        message
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
