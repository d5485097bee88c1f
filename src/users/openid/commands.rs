//! What a log-in at the provider changes: a new person where that is allowed, rights as the mapping grants them, and
//! which account an identity is connected with. An identity is issuer and subject; an e-mail address proves nothing.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::audit::Actor;
use crate::auth::oidc::Identity;
use crate::auth::{Caller, Role};
use crate::config::OpenId;
use crate::db::{Db, Scope};
use crate::error::{Error, OnConstraint, Result};
use crate::ids::UserId;
use crate::outbox::{self, Event};
use crate::users::commands::{end_all_sessions, record};

/// What the claims grant: the roles by facility, and whether they administer the network.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rights {
    network_admin: bool,
    roles: BTreeMap<i64, Role>,
}

/// The person of this identity, with the rights that its claims grant now.
///
/// # Errors
/// `Conflict` with words for the person, when they may not come in.
pub async fn arrive(db: &Db, settings: &OpenId, identity: &Identity) -> Result<UserId> {
    let actor = Actor::named(&settings.label);
    let mut tx = db.write(&Scope::All).await?;
    let known = sqlx::query!(
        r#"update identities set last_used_at = clock_now() from users u
           where issuer = $1 and subject = $2 and u.id = user_id
           returning u.id as "id: UserId", u.disabled_at is not null as "disabled!""#,
        identity.issuer,
        identity.subject
    )
    .fetch_optional(&mut *tx)
    .await?;
    if known.as_ref().is_some_and(|known| known.disabled) {
        return Err(refused(t!(
            "Your account here is shut out. Ask an administrator of your facility."
        )));
    }
    let granted = match settings.mapping.is_empty() {
        true => None,
        false => Some(granted(&mut tx, settings, identity).await?),
    };
    let nothing = granted.as_ref().is_some_and(|granted| *granted == Rights::default());
    let user = match known {
        Some(known) => known.id,
        None if !settings.create_people => {
            return Err(refused(t!(
                "Nobody here is connected with your account there. Log in with your password and connect the two under \
                 Ways to log in, or ask an administrator of your facility."
            )));
        }
        None if nothing || granted.is_none() => return Err(no_rights()),
        None => create(&mut tx, &actor, identity).await?,
    };
    if let Some(granted) = &granted {
        apply(&mut tx, &actor, user, granted).await?;
    }
    tx.commit().await?;
    match nothing {
        // the last administrator of the network stays one, whatever the provider says
        true if !is_network_admin(db, user).await? => Err(no_rights()),
        _ => Ok(user),
    }
}

/// Connects the identity with the account of whoever is logged in.
///
/// # Errors
/// `Conflict` when it is connected with another account here, or the account with another identity.
pub async fn connect(db: &Db, person: &Caller, identity: &Identity) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    let owner = sqlx::query_scalar!(
        "select user_id from identities where issuer = $1 and subject = $2",
        identity.issuer,
        identity.subject
    )
    .fetch_optional(&mut *tx)
    .await?;
    match owner {
        Some(owner) if owner == person.id.0 => return Ok(()),
        Some(_) => {
            return Err(refused(t!(
                "Your account there is connected with somebody else's account here."
            )));
        }
        None => {}
    }
    connect_with(&mut tx, person.id, identity).await?;
    record(&mut tx, &person.actor(), "connected with the provider", person.id).await?;
    Ok(tx.commit().await?)
}

/// Undoes [`connect`].
///
/// # Errors
/// `Conflict` when nothing would be left to log in with.
pub async fn disconnect(db: &Db, person: &Caller, issuer: &str) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    let gone = sqlx::query!(
        "delete from identities i using users u
         where i.user_id = $1 and i.issuer = $2 and u.id = i.user_id and u.password_hash is not null",
        person.id.0,
        issuer
    )
    .execute(&mut *tx)
    .await?;
    if gone.rows_affected() == 0 {
        return Err(refused(t!(
            "There is nothing to disconnect, or no password to log in with afterwards."
        )));
    }
    record(&mut tx, &person.actor(), "disconnected from the provider", person.id).await?;
    Ok(tx.commit().await?)
}

fn refused(words: &str) -> Error {
    Error::Conflict(words.into())
}

fn no_rights() -> Error {
    refused(t!(
        "Your account there grants you nothing here yet. Ask an administrator of your facility."
    ))
}

async fn create(tx: &mut PgConnection, actor: &Actor, identity: &Identity) -> Result<UserId> {
    let email = identity.email.as_deref().unwrap_or_default().trim().to_lowercase();
    if email.is_empty() || identity.email_is_doubtful {
        return Err(refused(t!(
            "The provider vouches for no e-mail address of yours, which an account here needs."
        )));
    }
    let name = identity.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name: String = name
        .unwrap_or_else(|| email.split('@').next().unwrap_or_default())
        .chars()
        .take(120)
        .collect();
    let taken = || {
        refused(t!(
            "Somebody with your e-mail address has an account here already. If it is yours, log in with its password \
             and connect the two under Ways to log in."
        ))
    };
    let id = sqlx::query_scalar!(
        r#"insert into users (email, name) values ($1, $2) returning id as "id: UserId""#,
        email,
        name
    )
    .fetch_one(&mut *tx)
    .await
    .on_constraint("users_email_key", taken)
    .on_constraint("users_email_check", || {
        refused(t!("The provider's e-mail address of yours is none."))
    })?;
    connect_with(tx, id, identity).await?;
    record(tx, actor, "added", id).await?;
    Ok(id)
}

async fn connect_with(tx: &mut PgConnection, user: UserId, identity: &Identity) -> Result<()> {
    sqlx::query!(
        "insert into identities (issuer, subject, user_id, last_used_at) values ($1, $2, $3, clock_now())",
        identity.issuer,
        identity.subject,
        user.0
    )
    .execute(tx)
    .await
    .on_constraint("identities_user_key", || {
        refused(t!(
            "Your account here is connected with another account there; disconnect that first."
        ))
    })
    .on_constraint("identities_pkey", || {
        refused(t!("This was done a moment ago. Begin again."))
    })?;
    Ok(())
}

/// What the values of the claim grant; of two roles in one facility, the higher.
async fn granted(tx: &mut PgConnection, settings: &OpenId, identity: &Identity) -> Result<Rights> {
    let mut rights = Rights::default();
    let matching = settings
        .mapping
        .iter()
        .filter(|one| identity.values.contains(&one.value));
    for one in matching {
        rights.network_admin |= one.network_admin;
        let (Some(facility), Some(Ok(role))) = (&one.facility, one.role.as_deref().map(str::parse::<Role>)) else {
            continue;
        };
        let id = sqlx::query_scalar!("select id from facilities where name = $1 and active", facility)
            .fetch_optional(&mut *tx)
            .await?;
        match id {
            Some(id) => {
                let present = rights.roles.entry(id).or_insert(role);
                *present = role.max(*present);
            }
            None => tracing::warn!(
                facility,
                "the setting oidc.mapping names a facility that does not exist"
            ),
        }
    }
    Ok(rights)
}

/// Makes the rights those that were granted. When that changes any, sessions opened with the old ones end.
async fn apply(tx: &mut PgConnection, actor: &Actor, user: UserId, granted: &Rights) -> Result<()> {
    // in one order, so that of two administrators who lose it at once the second sees that they are the last
    let admins =
        sqlx::query_scalar!("select id from users where network_admin and disabled_at is null order by id for update")
            .fetch_all(&mut *tx)
            .await?;
    let is_admin = sqlx::query_scalar!("select network_admin from users where id = $1 for update", user.0)
        .fetch_one(&mut *tx)
        .await?;
    let is_last = admins == [user.0];
    if is_last && !granted.network_admin {
        tracing::warn!(
            user.id = user.0,
            "the provider no longer grants it, but the last network administrator stays one"
        );
    }
    let network_admin = granted.network_admin || is_last;
    let present = sqlx::query!(
        r#"select facility_id, role as "role: Role" from memberships where user_id = $1"#,
        user.0
    )
    .fetch_all(&mut *tx)
    .await?;
    let present: BTreeMap<i64, Role> = present.into_iter().map(|row| (row.facility_id, row.role)).collect();
    if network_admin == is_admin && present == granted.roles {
        return Ok(());
    }
    let (facilities, roles): (Vec<i64>, Vec<String>) = granted
        .roles
        .iter()
        .map(|(id, role)| (*id, role.as_str().to_owned()))
        .unzip();
    sqlx::query!("delete from memberships where user_id = $1", user.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "insert into memberships (user_id, facility_id, role) select $1, * from unnest($2::bigint[], $3::text[])",
        user.0,
        &facilities,
        &roles
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update users set network_admin = $2, auth_epoch = auth_epoch + 1 where id = $1",
        user.0,
        network_admin
    )
    .execute(&mut *tx)
    .await?;
    end_all_sessions(tx, user).await?;
    record(tx, actor, "rights changed", user).await?;
    outbox::push(tx, &[], &Event::AccessChanged { user }).await
}

async fn is_network_admin(db: &Db, user: UserId) -> Result<bool> {
    let is = sqlx::query_scalar!("select network_admin from users where id = $1", user.0)
        .fetch_one(db.unscoped())
        .await?;
    Ok(is)
}
