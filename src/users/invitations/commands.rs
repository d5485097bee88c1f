//! Inviting, sending again, withdrawing and accepting: each one transaction.

use serde_json::json;
use sqlx::PgConnection;

use super::import::Table;
use super::queries::{self, Open};
use super::{Made, NewInvitation, VALID};
use crate::audit::{self, Actor, Entry, Origin};
use crate::auth::{Caller, Manager, Membership, Passwords, Role, Token, problem_with_password};
use crate::db::{Db, Scope, Tx};
use crate::error::{Error, OnConstraint, Problems, Result};
use crate::ids::{FacilityId, UserId};
use crate::mail::{Mail, is_deliverable};
use crate::outbox::{self, Event};
use crate::users::commands::{end_all_sessions, is_address, is_name};
use crate::users::letters::{self, Invited};
use crate::users::people;
use crate::users::rights::{self, Account};

impl NewInvitation {
    /// What can be said without the database.
    pub fn check(&self) -> Problems {
        let mut problems = Problems::default();
        if !is_address(&self.email) || !is_deliverable(&self.email) {
            problems.add("email", t!("This is not an e-mail address."));
        }
        if !is_name(&self.name) {
            problems.add("name", t!("Give a name of at most 120 characters."));
        }
        let mut facilities: Vec<FacilityId> = self.offers.iter().map(|offer| offer.facility).collect();
        facilities.sort_unstable();
        facilities.dedup();
        if facilities.len() < self.offers.len() {
            problems.add("offers", t!("Choose each facility once."));
        } else if self.offers.is_empty() && !self.network_admin {
            problems.add("offers", t!("Choose at least one facility and a role."));
        }
        problems
    }
}

/// Why this person cannot be invited, as far as the manager may know; empty when they can.
pub async fn obstacles(
    tx: &mut PgConnection,
    manager: &Manager,
    actor: &Account,
    new: &NewInvitation,
) -> Result<Problems> {
    let mut problems = new.check();
    if !problems.is_empty() {
        return Ok(problems);
    }
    if rights::may_invite(actor, &new.offers, new.network_admin).is_err() {
        problems.add("offers", t!("You do not manage this facility."));
    } else if queries::is_member(tx, &new.email, &new.offers).await? {
        problems.add(
            "email",
            t!("This person already has a role there. Change it on their page."),
        );
    } else if manager.network_admin && queries::account_of(tx, &new.email).await?.is_some() {
        problems.add(
            "email",
            t!("Somebody with this address exists. Add the role on their page."),
        );
    } else if queries::is_invited(tx, &new.email, manager.network_admin).await? {
        problems.add(
            "email",
            t!("This person is invited already. Send the invitation again instead."),
        );
    }
    Ok(problems)
}

/// Begins a transaction of somebody who manages people, with their rights as the database has them now.
pub async fn begin(db: &Db, manager: &Manager) -> Result<(Tx, Account)> {
    let mut tx = db.write(&manager.scope()).await?;
    let actor = people::queries::details(&mut tx, manager.id).await?.account;
    if actor.disabled {
        return Err(Error::Forbidden);
    }
    Ok((tx, actor))
}

/// Invites somebody, or says what is in the way. `facility` names a facility for the mail.
pub async fn invite(
    db: &Db,
    mail: &Mail,
    manager: &Manager,
    new: &NewInvitation,
    facility: &(dyn Fn(FacilityId) -> String + Sync),
) -> Result<Made> {
    let (mut tx, actor) = begin(db, manager).await?;
    obstacles(&mut tx, manager, &actor, new).await?.check()?;
    let (id, made) = write(db, &mut tx, mail, manager, new, facility).await?;
    outbox::push(&mut tx, &[], &Event::PeopleChanged).await?;
    record_invited(&mut tx, &manager.actor(), &[(id, new)]).await?;
    tx.commit().await?;
    Ok(made)
}

/// Marks each line of a table whose invitation could not be made.
pub async fn look_at(db: &Db, manager: &Manager, table: &mut Table) -> Result<()> {
    let (mut tx, actor) = begin(db, manager).await?;
    mark(&mut tx, manager, &actor, table).await
}

async fn mark(tx: &mut PgConnection, manager: &Manager, actor: &Account, table: &mut Table) -> Result<()> {
    for (_, new) in table.invitations.clone() {
        let problems = obstacles(tx, manager, actor, &new).await?;
        if let Some((_, problem)) = problems.iter().next() {
            table.refuse(&new.email, problem);
        }
    }
    Ok(())
}

/// Invites everybody in a table, or nobody: then the table says which lines are in the way.
pub async fn invite_all(
    db: &Db,
    mail: &Mail,
    manager: &Manager,
    table: &mut Table,
    facility: &(dyn Fn(FacilityId) -> String + Sync),
) -> Result<Vec<Made>> {
    let (mut tx, actor) = begin(db, manager).await?;
    mark(&mut tx, manager, &actor, table).await?;
    if !table.is_good() {
        return Err(Error::invalid("csv", t!("Some lines cannot be taken.")));
    }
    let (mut made, mut written) = (Vec::new(), Vec::new());
    for (_, new) in &table.invitations {
        let (id, one) = write(db, &mut tx, mail, manager, new, facility).await?;
        made.push(one);
        written.push((id, new));
    }
    outbox::push(&mut tx, &[], &Event::PeopleChanged).await?;
    record_invited(&mut tx, &manager.actor(), &written).await?;
    tx.commit().await?;
    Ok(made)
}

/// The rows of one invitation and its mail; the caller has checked it, writes the log, and commits.
async fn write(
    db: &Db,
    tx: &mut PgConnection,
    mail: &Mail,
    manager: &Manager,
    new: &NewInvitation,
    facility: &(dyn Fn(FacilityId) -> String + Sync),
) -> Result<(i64, Made)> {
    let (token, expires_at) = (Token::new(), db.clock.now() + VALID);
    let id = sqlx::query_scalar!(
        "insert into invitations (email, name, network_admin, invited_by, token_hash, expires_at)
         values ($1, $2, $3, $4, $5, $6) returning id",
        new.email,
        new.name,
        new.network_admin,
        manager.id.0,
        &token.hash()[..],
        expires_at
    )
    .fetch_one(&mut *tx)
    .await?;
    let facilities: Vec<i64> = new.offers.iter().map(|offer| offer.facility.0).collect();
    let roles: Vec<String> = new.offers.iter().map(|offer| offer.role.to_string()).collect();
    sqlx::query!(
        "insert into invitation_offers (facility_id, invitation_id, role)
         select facility, $1, role from unnest($2::bigint[], $3::text[]) as one (facility, role)",
        id,
        &facilities,
        &roles
    )
    .execute(&mut *tx)
    .await
    .on_constraint("invitation_offers_facility_id_fkey", || {
        Error::invalid("offers", t!("There is no such facility."))
    })?;
    let invited = Invited {
        email: &new.email,
        name: &new.name,
        by: &manager.name,
        offers: &words(&new.offers, new.network_admin, facility),
        expires_at,
    };
    mail.queue(tx, &letters::invitation(mail, &invited)?, Some(&token))
        .await?;
    let made = Made {
        email: new.email.clone(),
        token,
    };
    Ok((id, made))
}

/// `Lakeside: Staff`, for each facility.
pub fn words(offers: &[Membership], network_admin: bool, facility: &dyn Fn(FacilityId) -> String) -> Vec<String> {
    let network = network_admin.then(|| t!("The whole network: Administrator").to_owned());
    let roles = offers
        .iter()
        .map(|offer| format!("{}: {}", facility(offer.facility), offer.role.label()));
    network.into_iter().chain(roles).collect()
}

/// Only those who could make this very invitation may have its link.
fn may_send(open: &Open, actor: &Account) -> Result<()> {
    let elsewhere = open.elsewhere && !actor.network_admin;
    if elsewhere || rights::may_invite(actor, &open.offers, open.network_admin).is_err() {
        return Err(Error::Forbidden);
    }
    Ok(())
}

/// Sends an invitation again, with a new link for another seven days; the old link ends.
pub async fn send_again(
    db: &Db,
    mail: &Mail,
    manager: &Manager,
    id: i64,
    facility: &(dyn Fn(FacilityId) -> String + Sync),
) -> Result<Made> {
    let (mut tx, actor) = begin(db, manager).await?;
    let open = queries::find(&mut tx, id, manager.network_admin).await?;
    may_send(&open, &actor)?;
    let (token, expires_at) = (Token::new(), db.clock.now() + VALID);
    sqlx::query!(
        "update invitations set token_hash = $2, expires_at = $3, invited_by = $4 where id = $1",
        id,
        &token.hash()[..],
        expires_at,
        manager.id.0
    )
    .execute(&mut *tx)
    .await?;
    record(
        &mut tx,
        &manager.actor(),
        "invited again",
        id,
        open.offers.first().copied(),
    )
    .await?;
    let invited = Invited {
        email: &open.email,
        name: &open.name,
        by: &manager.name,
        offers: &words(&open.offers, open.network_admin, facility),
        expires_at,
    };
    mail.queue(&mut tx, &letters::invitation(mail, &invited)?, Some(&token))
        .await?;
    outbox::push(&mut tx, &[], &Event::PeopleChanged).await?;
    tx.commit().await?;
    Ok(Made {
        email: open.email,
        token,
    })
}

/// Takes back what the facilities in the manager's hands offer; the invitation ends when nothing is left of it.
pub async fn withdraw(db: &Db, manager: &Manager, id: i64) -> Result<()> {
    let (mut tx, _) = begin(db, manager).await?;
    let open = queries::find(&mut tx, id, manager.network_admin).await?;
    sqlx::query!("delete from invitation_offers where invitation_id = $1", id)
        .execute(&mut *tx)
        .await?;
    if manager.network_admin || (!open.elsewhere && !open.network_admin) {
        sqlx::query!("update invitations set withdrawn_at = clock_now() where id = $1", id)
            .execute(&mut *tx)
            .await?;
    }
    record(
        &mut tx,
        &manager.actor(),
        "invitation withdrawn",
        id,
        open.offers.first().copied(),
    )
    .await?;
    outbox::push(&mut tx, &[], &Event::PeopleChanged).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes the account of somebody new, with what they were invited to.
pub async fn accept_as_new(
    db: &Db,
    passwords: &Passwords,
    token: &Token,
    name: &str,
    password: &str,
    origin: Origin,
) -> Result<UserId> {
    let mut tx = db.write(&Scope::All).await?;
    let open = queries::of_token(&mut tx, token).await?;
    drop(tx);
    let mut problems = Problems::default();
    if !is_name(name) {
        problems.add("name", t!("Give a name of at most 120 characters."));
    }
    if let Some(problem) = problem_with_password(password, &open.email) {
        problems.add("password", problem);
    }
    problems.check()?;
    // hashing takes its time: not under a lock
    let hash = passwords.hash(password).await?;
    let mut tx = db.write(&Scope::All).await?;
    let open = queries::of_token(&mut tx, token).await?;
    let id = sqlx::query_scalar!(
        r#"insert into users (email, name, password_hash, network_admin) values ($1, $2, $3, $4) returning id as "id: UserId""#,
        open.email,
        name.trim(),
        hash,
        open.network_admin
    )
    .fetch_one(&mut *tx)
    .await
    .on_constraint("users_email_key", || {
        Error::invalid("name", t!("There is an account with your address. Log in to accept."))
    })?;
    let actor = Actor::person(id, name.trim(), origin);
    finish(&mut tx, &actor, &open, id).await?;
    tx.commit().await?;
    Ok(id)
}

/// Adds to the account of whoever is logged in what they were invited to. Their sessions end; the caller begins one anew.
pub async fn accept_as(db: &Db, token: &Token, person: &Caller) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    let open = queries::of_token(&mut tx, token).await?;
    if open.email != person.email {
        return Err(Error::Conflict(
            t!("This invitation is for another address than yours. Log out first.").into(),
        ));
    }
    sqlx::query!(
        "update users set auth_epoch = auth_epoch + 1, network_admin = network_admin or $2 where id = $1",
        person.id.0,
        open.network_admin
    )
    .execute(&mut *tx)
    .await?;
    end_all_sessions(&mut tx, person.id).await?;
    finish(&mut tx, &person.actor(), &open, person.id).await?;
    tx.commit().await?;
    Ok(())
}

async fn finish(tx: &mut PgConnection, actor: &Actor, open: &Open, user: UserId) -> Result<()> {
    outbox::push(tx, &[], &Event::AccessChanged { user }).await?;
    people::commands::join(tx, user, &open.offers).await?;
    sqlx::query!(
        "update invitations set accepted_at = clock_now() where id = $1",
        open.id
    )
    .execute(&mut *tx)
    .await?;
    for offer in &open.offers {
        let detail = json!({ "before": { "role": null }, "after": { "role": offer.role }, "invitation": open.id });
        people::commands::record(tx, actor, "joined", user, Some(offer.facility), detail).await?;
    }
    if open.network_admin {
        let detail = json!({ "after": { "network_admin": true }, "invitation": open.id });
        people::commands::record(tx, actor, "joined", user, None, detail).await?;
    }
    Ok(())
}

async fn record(tx: &mut PgConnection, actor: &Actor, action: &str, id: i64, offer: Option<Membership>) -> Result<()> {
    let role: Option<Role> = offer.map(|offer| offer.role);
    let entry = Entry::new(action, "invitation")
        .of(offer.map(|offer| offer.facility))
        .about(id)
        .detail(json!({ "role": role }));
    audit::record(tx, actor, &entry).await
}

/// What was offered, facility by facility and the whole network last: in this order the log's chains are locked.
async fn record_invited(tx: &mut PgConnection, actor: &Actor, made: &[(i64, &NewInvitation)]) -> Result<()> {
    let mut lines: Vec<(Option<Membership>, i64)> = Vec::new();
    for (id, new) in made {
        lines.extend(new.offers.iter().map(|offer| (Some(*offer), *id)));
        lines.extend(new.network_admin.then_some((None, *id)));
    }
    lines.sort_by_key(|(offer, _)| (offer.is_none(), offer.map(|offer| offer.facility)));
    for (offer, id) in lines {
        record(tx, actor, "invited", id, offer).await?;
    }
    Ok(())
}
