//! Questions about invitations. A transaction sees the offers of the facilities in its scope, so what others offer to
//! the same person stays with them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::auth::{Membership, Role, Token};
use crate::error::{Error, Result};
use crate::ids::{FacilityId, UserId};
use crate::users::rights::Account;

/// An invitation that nobody has accepted or withdrawn.
#[derive(Clone, Debug)]
pub struct Open {
    pub id: i64,
    pub email: String,
    pub name: String,
    pub network_admin: bool,
    pub by_name: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// offers of other facilities than those in scope
    pub elsewhere: bool,
    pub offers: Vec<Membership>,
}

impl Open {
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }
}

async fn offers(tx: &mut PgConnection, id: i64) -> Result<Vec<Membership>> {
    let found = sqlx::query_as!(
        Membership,
        r#"select facility_id as "facility: FacilityId", role as "role: Role" from invitation_offers
           where invitation_id = $1 order by facility_id"#,
        id
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The invitation with this id, if the scope of this transaction knows it.
pub async fn find(tx: &mut PgConnection, id: i64, everywhere: bool) -> Result<Open> {
    let row = sqlx::query!(
        r#"select i.email, i.name, i.network_admin, u.name as by_name, i.created_at, i.expires_at,
                  invitation_offer_count(i.id) as "all_offers!"
           from invitations i join users u on u.id = i.invited_by
           where i.id = $1 and i.accepted_at is null and i.withdrawn_at is null"#,
        id
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let offers = offers(tx, id).await?;
    if offers.is_empty() && !everywhere {
        return Err(Error::NotFound);
    }
    Ok(Open {
        id,
        email: row.email,
        name: row.name,
        network_admin: row.network_admin,
        by_name: row.by_name,
        created_at: row.created_at,
        expires_at: row.expires_at,
        elsewhere: row.all_offers > offers.len() as i64,
        offers,
    })
}

/// The invitation that a link opens, locked: what is left of it, since whoever invited may have lost the right to give
/// some or all of it. For a transaction that sees everything. [`Error::NotFound`] when the link is no longer good.
pub async fn of_token(tx: &mut PgConnection, token: &Token) -> Result<Open> {
    let row = sqlx::query!(
        "select id, invited_by from invitations
         where token_hash = $1 and accepted_at is null and withdrawn_at is null and expires_at > clock_now() for update",
        &token.hash()[..]
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let mut open = find(tx, row.id, true).await?;
    let by = crate::users::people::queries::details(tx, UserId(row.invited_by))
        .await?
        .account;
    if by.disabled || (open.network_admin && !by.network_admin) {
        return Err(Error::NotFound);
    }
    open.offers.retain(|offer| may_give(&by, offer));
    if open.offers.is_empty() && !open.network_admin {
        return Err(Error::NotFound);
    }
    Ok(open)
}

fn may_give(by: &Account, offer: &Membership) -> bool {
    by.role_in(offer.facility) >= Some(Role::FacilityAdmin)
}

/// Whether this address has an open invitation from the facilities in scope.
pub async fn is_invited(tx: &mut PgConnection, email: &str, everywhere: bool) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (
             select from invitations i
             where i.email = $1 and i.accepted_at is null and i.withdrawn_at is null and i.expires_at > clock_now()
               and ($2 or exists (select from invitation_offers where invitation_id = i.id))) as "invited!""#,
        email,
        everywhere
    )
    .fetch_one(tx)
    .await?;
    Ok(found)
}

/// Whether somebody with this address already belongs to one of the facilities: whoever manages these may know it.
pub async fn is_member(tx: &mut PgConnection, email: &str, offers: &[Membership]) -> Result<bool> {
    let facilities: Vec<i64> = offers.iter().map(|offer| offer.facility.0).collect();
    let found = sqlx::query_scalar!(
        r#"select exists (select from users u join memberships m on m.user_id = u.id
                         where u.email = $1 and m.facility_id = any ($2)) as "member!""#,
        email,
        &facilities
    )
    .fetch_one(tx)
    .await?;
    Ok(found)
}

/// Who has this address.
pub async fn account_of(tx: &mut PgConnection, email: &str) -> Result<Option<UserId>> {
    let found = sqlx::query_scalar!(r#"select id as "id: UserId" from users where email = $1"#, email)
        .fetch_optional(tx)
        .await?;
    Ok(found)
}
