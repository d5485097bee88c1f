//! What administrators change about people: one function per verb, each one transaction. The rules are asked with both
//! rows locked; whatever touches rights voids the person's sessions, everywhere, within five seconds.

use serde_json::json;
use sqlx::PgConnection;

use super::queries::{self, Details};
use crate::audit::{self, Actor, Entry};
use crate::auth::{Manager, Membership, Role};
use crate::db::{Db, Scope, Tx};
use crate::error::{Error, OnConstraint, Result};
use crate::ids::{FacilityId, UserId};
use crate::mail::Mail;
use crate::outbox::{self, Event};
use crate::users::commands::{end_all_sessions, is_name};
use crate::users::rights::{self, Account, Refusal};
use crate::users::{self, letters};
use crate::words;

/// Both sides of a change, as the database has them now, and nobody changes them meanwhile.
pub struct Locked {
    pub tx: Tx,
    pub actor: Account,
    pub target: Details,
    /// administrators of the network besides the target who can log in
    pub other_network_admins: usize,
}

impl Locked {
    /// Locks the actor, the target and all administrators of the network, in the order of their ids, so that two who
    /// take each other's rights away wait for each other and the second is judged by what the first has done.
    pub async fn both(db: &Db, manager: &Manager, target: UserId) -> Result<Locked> {
        let mut tx = db.write(&Scope::All).await?;
        let locked = sqlx::query!(
            "select id, network_admin and disabled_at is null as can_administer from users
             where id in ($1, $2) or network_admin order by id for no key update",
            manager.id.0,
            target.0
        )
        .fetch_all(&mut *tx)
        .await?;
        let others = locked
            .iter()
            .filter(|row| row.can_administer == Some(true) && row.id != target.0);
        let actor = queries::details(&mut tx, manager.id).await?.account;
        let details = queries::details(&mut tx, target).await?;
        if actor.disabled {
            return Err(Error::Forbidden);
        }
        if !details.account.is_known_to(&actor) && actor.id != target {
            return Err(Error::NotFound);
        }
        Ok(Locked {
            other_network_admins: others.count(),
            tx,
            actor,
            target: details,
        })
    }

    /// Voids what the person holds: their sessions and streams end on every instance.
    async fn rights_changed(&mut self) -> Result<()> {
        let user = self.target.account.id;
        sqlx::query!("update users set auth_epoch = auth_epoch + 1 where id = $1", user.0)
            .execute(&mut *self.tx)
            .await?;
        end_all_sessions(&mut self.tx, user).await?;
        outbox::push(&mut self.tx, &[], &Event::AccessChanged { user }).await
    }

    /// Where an account-wide change is logged: in a facility of whoever belongs to one, so that those who manage them
    /// can read it; for the network otherwise.
    fn home(&self) -> Option<FacilityId> {
        let memberships = &self.target.account.memberships;
        memberships.first().map(|one| one.facility)
    }
}

/// A refused try to raise one's own rights is noted where an auditor finds it, although nothing changed.
pub async fn note_refusal(db: &Db, actor: &Actor, refusal: Refusal, tried: serde_json::Value) -> Result<Error> {
    if refusal == Refusal::OwnRights {
        tracing::warn!(
            user.id = actor.user.map(|id| id.0),
            "somebody tried to raise their own rights"
        );
        let mut tx = db.write(&Scope::All).await?;
        // for the network to see: those who manage the facility may be the ones who try
        record(&mut tx, actor, "refused", actor.user.unwrap_or(UserId(0)), None, tried).await?;
        tx.commit().await?;
    }
    Ok(refusal.into())
}

/// Corrects somebody's name.
pub async fn rename(db: &Db, manager: &Manager, id: UserId, name: &str) -> Result<()> {
    let name = name.trim();
    if !is_name(name) {
        return Err(Error::invalid("name", t!("Give a name of at most 120 characters.")));
    }
    let mut both = Locked::both(db, manager, id).await?;
    rights::may_change_account(&both.actor, &both.target.account)?;
    if both.target.name == name {
        return Ok(());
    }
    sqlx::query!("update users set name = $2 where id = $1", id.0, name)
        .execute(&mut *both.tx)
        .await?;
    let (home, before) = (both.home(), &both.target.name);
    let detail = json!({ "before": { "name": before }, "after": { "name": name } });
    record(&mut both.tx, &manager.actor(), "renamed", id, home, detail).await?;
    outbox::push(&mut both.tx, &[], &Event::AccessChanged { user: id }).await?;
    both.tx.commit().await?;
    Ok(())
}

/// Gives somebody a role in a facility, another one than they had, or none.
pub async fn change_role(
    db: &Db,
    mail: &Mail,
    manager: &Manager,
    id: UserId,
    facility: FacilityId,
    role: Option<Role>,
) -> Result<()> {
    let mut both = Locked::both(db, manager, id).await?;
    let before = both.target.account.membership(facility);
    let detail = json!({ "facility": facility, "before": { "role": before }, "after": { "role": role } });
    if let Err(refusal) = rights::may_change_role(&both.actor, &both.target.account, facility, role) {
        drop(both);
        return Err(note_refusal(db, &manager.actor(), refusal, detail).await?);
    }
    if before == role {
        return Ok(());
    }
    write_role(&mut both.tx, id, facility, role).await?;
    both.rights_changed().await?;
    record(
        &mut both.tx,
        &manager.actor(),
        "role changed",
        id,
        Some(facility),
        detail,
    )
    .await?;
    if both.target.mail_access && id != manager.id {
        let locale = users::queries::locale(&mut both.tx, id).await?;
        let letter = words::under(locale, || {
            letters::access_changed(mail, &both.target, &manager.name, db.clock.now())
        })?;
        mail.queue(&mut both.tx, &letter, None).await?;
    }
    both.tx.commit().await?;
    Ok(())
}

async fn write_role(tx: &mut PgConnection, user: UserId, facility: FacilityId, role: Option<Role>) -> Result<()> {
    let Some(role) = role else {
        sqlx::query!(
            "delete from memberships where user_id = $1 and facility_id = $2",
            user.0,
            facility.0
        )
        .execute(tx)
        .await?;
        return Ok(());
    };
    sqlx::query!(
        "insert into memberships (user_id, facility_id, role) values ($1, $2, $3)
         on conflict (user_id, facility_id) do update set role = excluded.role",
        user.0,
        facility.0,
        role.as_str()
    )
    .execute(tx)
    .await
    .on_constraint("memberships_facility_id_fkey", || {
        Error::invalid("facility", t!("There is no such facility."))
    })?;
    Ok(())
}

/// Adds roles to an account whose owner has agreed to them; what they have already stays as it is.
pub async fn join(tx: &mut PgConnection, user: UserId, offers: &[Membership]) -> Result<()> {
    for offer in offers {
        sqlx::query!(
            "insert into memberships (user_id, facility_id, role) values ($1, $2, $3) on conflict do nothing",
            user.0,
            offer.facility.0,
            offer.role.as_str()
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Makes somebody an administrator of the network, or no longer.
pub async fn change_network_admin(db: &Db, mail: &Mail, manager: &Manager, id: UserId, after: bool) -> Result<()> {
    let mut both = Locked::both(db, manager, id).await?;
    let before = both.target.account.network_admin;
    let detail = json!({ "before": { "network_admin": before }, "after": { "network_admin": after } });
    let others = both.other_network_admins;
    if let Err(refusal) = rights::may_change_network_admin(&both.actor, &both.target.account, after, others) {
        drop(both);
        return Err(note_refusal(db, &manager.actor(), refusal, detail).await?);
    }
    if before == after {
        return Ok(());
    }
    sqlx::query!("update users set network_admin = $2 where id = $1", id.0, after)
        .execute(&mut *both.tx)
        .await?;
    both.rights_changed().await?;
    record(&mut both.tx, &manager.actor(), "role changed", id, None, detail).await?;
    if both.target.mail_access && id != manager.id {
        let locale = users::queries::locale(&mut both.tx, id).await?;
        let letter = words::under(locale, || {
            letters::access_changed(mail, &both.target, &manager.name, db.clock.now())
        })?;
        mail.queue(&mut both.tx, &letter, None).await?;
    }
    both.tx.commit().await?;
    Ok(())
}

/// Locks somebody out, or lets them in again.
pub async fn change_disabled(db: &Db, manager: &Manager, id: UserId, after: bool) -> Result<()> {
    let mut both = Locked::both(db, manager, id).await?;
    let before = both.target.account.disabled;
    rights::may_change_disabled(&both.actor, &both.target.account, after, both.other_network_admins)?;
    if before == after {
        return Ok(());
    }
    sqlx::query!(
        "update users set disabled_at = case when $2 then clock_now() end where id = $1",
        id.0,
        after
    )
    .execute(&mut *both.tx)
    .await?;
    both.rights_changed().await?;
    let (home, action) = (both.home(), if after { "disabled" } else { "enabled" });
    let detail = json!({ "before": { "disabled": before }, "after": { "disabled": after } });
    record(&mut both.tx, &manager.actor(), action, id, home, detail).await?;
    both.tx.commit().await?;
    Ok(())
}

/// Ends one of somebody's sessions, named by the first bytes of its hash, or all of them.
pub async fn end_sessions(db: &Db, manager: &Manager, id: UserId, session: Option<&[u8]>) -> Result<()> {
    let mut both = Locked::both(db, manager, id).await?;
    rights::may_change_account(&both.actor, &both.target.account)?;
    let ended = sqlx::query!(
        "update sessions set revoked_at = clock_timestamp()
         where user_id = $1 and revoked_at is null and ($2::bytea is null or substring(id_hash for 8) = $2)",
        id.0,
        session
    )
    .execute(&mut *both.tx)
    .await?
    .rows_affected();
    if ended > 0 {
        let home = both.home();
        let detail = json!({ "sessions": ended });
        record(&mut both.tx, &manager.actor(), "sessions ended", id, home, detail).await?;
        outbox::push(&mut both.tx, &[], &Event::SessionsEnded { user: id }).await?;
    }
    both.tx.commit().await?;
    Ok(())
}

/// Writes what happened to an account into this transaction; `change` holds `before` and `after`, if anything changed.
pub async fn record(
    tx: &mut PgConnection,
    actor: &Actor,
    action: &str,
    user: UserId,
    facility: Option<FacilityId>,
    mut change: serde_json::Value,
) -> Result<()> {
    let mut entry = Entry::new(action, "user").of(facility).about(user.0);
    entry.before = Some(change["before"].take()).filter(|side| !side.is_null());
    entry.after = Some(change["after"].take()).filter(|side| !side.is_null());
    if let Some(rest) = change.as_object_mut() {
        rest.retain(|key, _| !["before", "after"].contains(&key.as_str()));
    }
    audit::record(tx, actor, &entry.detail(change)).await
}
