//! What changes in the reference tables: each with its audit row, before and after.

use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;

use super::model::{Life, Reason, Target};
use super::queries;
use crate::audit::{self, Actor, Entry};
use crate::db::{Db, Scope, Tx};
use crate::error::{Error, OnConstraint, Result};
use crate::outbox::{self, Event};

/// Sets the life of a component. It holds for units received from now on; those in the books keep their expiry.
pub async fn set_life(db: &Db, actor: &Actor, life: &Life) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    lock(&mut tx).await?;
    let before = queries::lives(&mut *tx).await?;
    let before = before
        .into_iter()
        .find(|one| one.component == life.component)
        .ok_or(Error::NotFound)?;
    sqlx::query!(
        "update component_lives set life_days = $2, life_hours = $3, storage = $4, source = $5 where component = $1",
        life.component.as_str(),
        life.life_days,
        life.life_hours,
        life.storage,
        life.source
    )
    .execute(&mut *tx)
    .await?;
    finish(
        tx,
        actor,
        "changed",
        "component life",
        life.component.label(),
        &Some(before),
        life,
    )
    .await
}

/// Sets one of the targets that there are.
pub async fn set_target(db: &Db, actor: &Actor, target: &Target) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    lock(&mut tx).await?;
    let before = queries::targets(&mut *tx).await?;
    let same = |one: &Target| (&one.kpi, &one.component) == (&target.kpi, &target.component);
    let before = before
        .into_iter()
        .find(same)
        .ok_or_else(|| Error::invalid("target", t!("There is no such target.")))?;
    let target = &Target {
        unit: before.unit.clone(),
        ..target.clone()
    };
    sqlx::query!(
        "update kpi_targets set target = $3, source = $4 where kpi = $1 and component = $2",
        target.kpi,
        target.component,
        target.target,
        target.source
    )
    .execute(&mut *tx)
    .await
    .on_constraint("kpi_targets_target_check", || {
        Error::invalid("target", t!("From 0 to 10,000."))
    })?;
    let name = format!("{}, {}", target.name(), target.component.replace('_', " "));
    finish(tx, actor, "changed", "target", &name, &Some(before), target).await
}

/// Adds a discard reason, or changes one: its code stays for ever.
pub async fn save_reason(db: &Db, actor: &Actor, reason: &Reason, new: bool) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    lock(&mut tx).await?;
    let before = queries::reasons(&mut *tx)
        .await?
        .into_iter()
        .find(|one| one.code == reason.code);
    let reason = &Reason {
        built_in: before.as_ref().is_some_and(|before| before.built_in),
        ..reason.clone()
    };
    match (&before, new) {
        (Some(_), true) => return Err(Error::invalid("code", t!("There is a reason with this code already."))),
        (None, false) => return Err(Error::NotFound),
        _ => {}
    }
    sqlx::query!(
        "insert into discard_reasons (code, label, place, active, source) values ($1, $2, $3, $4, $5)
         on conflict (code) do update set label = excluded.label, place = excluded.place, active = excluded.active,
           source = excluded.source",
        reason.code,
        reason.label,
        reason.place,
        reason.active,
        reason.source
    )
    .execute(&mut *tx)
    .await
    .on_constraint("discard_reasons_label_key", || {
        Error::invalid("label", t!("Another reason has this name."))
    })
    .on_constraint("discard_reasons_code_check", || {
        Error::invalid(
            "code",
            t!("Small letters, digits and underscores, at most 40; a letter first."),
        )
    })
    .on_constraint("discard_reasons_built_in_check", || {
        Error::invalid(
            "label",
            t!("The program itself records this reason, so it cannot be retired."),
        )
    })?;
    let action = match (&before, reason.active) {
        (None, _) => "added",
        (Some(before), false) if before.active => "retired",
        _ => "changed",
    };
    finish(tx, actor, action, "discard reason", &reason.label, &before, reason).await
}

/// One writer at a time, so that each history row says what really stood there before.
async fn lock(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('reference'))")
        .execute(tx)
        .await?;
    Ok(())
}

async fn finish<T: Serialize + PartialEq>(
    mut tx: Tx,
    actor: &Actor,
    action: &str,
    thing: &str,
    name: &str,
    before: &Option<T>,
    after: &T,
) -> Result<()> {
    if before.as_ref() == Some(after) {
        return Ok(());
    }
    let entry = Entry::new(action, thing)
        .detail(json!({ "name": name }))
        .before(json!(before))
        .after(json!(after));
    audit::record(&mut tx, actor, &entry).await?;
    // no board that was rendered before holds any longer
    sqlx::query!("update installation set reference_version = reference_version + 1")
        .execute(&mut *tx)
        .await?;
    outbox::push(&mut tx, &[], &Event::ReferenceChanged).await?;
    tx.commit().await?;
    Ok(())
}
