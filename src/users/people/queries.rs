//! Questions about people, answered within what their administrator manages: memberships elsewhere are left out, and
//! whoever has none inside is not there at all.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::auth::{Membership, Role};
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::ids::{FacilityId, UserId, numbers};
use crate::text_enum::text_enum;
use crate::users::rights::Account;

text_enum! {
    pub enum State {
        Active = "active" / "Active",
        NeverSeen = "never_seen" / "Never logged in",
        Invited = "invited" / "Invited",
        Disabled = "disabled" / "Disabled",
    }
}

/// Which people; empty fields say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// part of a name or an address
    pub search: String,
    pub facility: Option<FacilityId>,
    pub role: Option<Role>,
    pub state: Option<State>,
}

/// A place in the list, which is sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    pub invitation: bool,
    pub id: i64,
}

/// Where a page of the list begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum From {
    #[default]
    Start,
    After(Place),
    Before(Place),
}

/// A person, or somebody who was invited.
#[derive(Clone, Debug)]
pub struct Listed {
    pub invitation: bool,
    pub id: i64,
    pub name: String,
    /// by which the list is sorted
    pub name_key: String,
    pub email: String,
    pub network_admin: bool,
    pub disabled: bool,
    pub last_seen_at: Option<DateTime<Utc>>,
    /// of an invitation
    pub expires_at: Option<DateTime<Utc>>,
    pub facilities: Vec<i64>,
    pub roles: Vec<String>,
}

impl Listed {
    pub fn state(&self) -> State {
        match self.last_seen_at {
            _ if self.invitation => State::Invited,
            _ if self.disabled => State::Disabled,
            None => State::NeverSeen,
            Some(_) => State::Active,
        }
    }

    pub fn place(&self) -> Place {
        Place {
            name: self.name_key.clone(),
            invitation: self.invitation,
            id: self.id,
        }
    }
}

/// Everybody whom the scope of this transaction knows, and what the filter leaves of them. Parameters 1 to 6.
macro_rules! found {
    ($query:ident!($($kind:ty,)? $text:literal), $scope:expr, $filter:expr $(, $more:expr)*) => {
        sqlx::$query!(
            $($kind,)?
            "with listed as (
               select false as invitation, u.id, u.name, lower(u.name) as name_key, u.email, u.network_admin,
                      u.disabled_at is not null as disabled, u.last_seen_at, null::timestamptz as expires_at,
                      m.facilities, m.roles
               from users u
               left join lateral (
                 select array_agg(facility_id order by facility_id) as facilities, array_agg(role order by facility_id) as roles
                 from memberships where user_id = u.id and ($1 or facility_id = any ($2))) m on true
               where $1 or m.facilities is not null
               union all
               select true, i.id, i.name, lower(i.name), i.email, i.network_admin, false, null, i.expires_at,
                      o.facilities, o.roles
               from invitations i
               left join lateral (
                 select array_agg(facility_id order by facility_id) as facilities, array_agg(role order by facility_id) as roles
                 from invitation_offers where invitation_id = i.id) o on true
               where i.accepted_at is null and i.withdrawn_at is null and ($1 or o.facilities is not null)
             ), found as (
               select * from listed
               where (name ilike $3 or email ilike $3)
                 and ($4::bigint is null or $4 = any (facilities))
                 and case when $5::text is null then true
                          when $5 = 'network_admin' then network_admin
                          else exists (select from unnest(facilities, roles) as one (facility, role)
                                       where role = $5 and ($4 is null or facility = $4)) end
                 and case $6::text when 'invited' then invitation
                                   when 'disabled' then disabled
                                   when 'never_seen' then not invitation and not disabled and last_seen_at is null
                                   when 'active' then not disabled and last_seen_at is not null
                                   else true end
             ) " + $text,
            everywhere($scope),
            &inside($scope),
            pattern(&$filter.search),
            $filter.facility.map(|id| id.0),
            $filter.role.map(Role::as_str),
            $filter.state.map(State::as_str)
            $(, $more)*
        )
    };
}

/// How many there are.
pub async fn count(tx: &mut PgConnection, scope: &Scope, filter: &Filter) -> Result<i64> {
    Ok(found!(
        query_scalar!(r#"select count(*) as "count!" from found"#),
        scope,
        filter
    )
    .fetch_one(tx)
    .await?)
}

/// At most `limit` of them by name, in order.
pub async fn list(
    tx: &mut PgConnection,
    scope: &Scope,
    filter: &Filter,
    from: &From,
    limit: i64,
) -> Result<Vec<Listed>> {
    let (place, backwards) = match from {
        From::Start => (None, false),
        From::After(place) => (Some(place), false),
        From::Before(place) => (Some(place), true),
    };
    let (name, invitation, id) = match place {
        Some(place) => (Some(place.name.as_str()), place.invitation, place.id),
        None => (None, false, 0),
    };
    if backwards {
        let mut rows = found!(
            query_as!(
                Listed,
                r#"select invitation as "invitation!", id as "id!", name as "name!", name_key as "name_key!", email as "email!",
                          network_admin as "network_admin!", disabled as "disabled!", last_seen_at, expires_at,
                          coalesce(facilities, '{}') as "facilities!", coalesce(roles, '{}') as "roles!"
                   from found where (name_key, invitation, id) < ($7, $8, $9)
                   order by name_key desc, invitation desc, id desc limit $10"#
            ),
            scope,
            filter,
            name,
            invitation,
            id,
            limit
        )
        .fetch_all(tx)
        .await?;
        rows.reverse();
        return Ok(rows);
    }
    Ok(found!(
        query_as!(
            Listed,
            r#"select invitation as "invitation!", id as "id!", name as "name!", name_key as "name_key!", email as "email!",
                      network_admin as "network_admin!", disabled as "disabled!", last_seen_at, expires_at,
                      coalesce(facilities, '{}') as "facilities!", coalesce(roles, '{}') as "roles!"
               from found where $7::text is null or (name_key, invitation, id) > ($7, $8, $9)
               order by name_key, invitation, id limit $10"#
        ),
        scope,
        filter,
        name,
        invitation,
        id,
        limit
    )
    .fetch_all(tx)
    .await?)
}

/// Those within `scope` whose name or address holds this text: id, name and address, by name, at most so many.
pub async fn whom(db: &Db, scope: &Scope, text: &str, limit: i64) -> Result<Vec<(UserId, String, String)>> {
    let filter = Filter {
        search: text.into(),
        ..Filter::default()
    };
    let mut tx = db.read(scope).await?;
    let found = list(&mut tx, scope, &filter, &From::Start, limit).await?;
    let people = found.into_iter().filter(|one| !one.invitation);
    Ok(people.map(|one| (UserId(one.id), one.name, one.email)).collect())
}

fn everywhere(scope: &Scope) -> bool {
    *scope == Scope::All
}

fn inside(scope: &Scope) -> Vec<i64> {
    match scope {
        Scope::All => vec![],
        Scope::Facilities(ids) => numbers(ids),
    }
}

/// Anywhere in the text, each character as it was typed.
fn pattern(search: &str) -> String {
    let escaped = search
        .trim()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

/// One person with everything that their page shows.
#[derive(Clone, Debug)]
pub struct Details {
    pub account: Account,
    pub name: String,
    pub email: String,
    pub mail_access: bool,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// Whoever has this id; [`Error::NotFound`] when nobody does. Their memberships are all there: whoever shows them
/// leaves out those of others.
pub async fn details(tx: &mut PgConnection, id: UserId) -> Result<Details> {
    let row = sqlx::query!(
        r#"select email, name, network_admin, disabled_at is not null as "disabled!", created_at, last_seen_at, mail_access
           from users where id = $1"#,
        id.0
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let memberships = sqlx::query_as!(
        Membership,
        r#"select facility_id as "facility: FacilityId", role as "role: Role" from memberships
           where user_id = $1 order by facility_id"#,
        id.0
    )
    .fetch_all(tx)
    .await?;
    Ok(Details {
        account: Account {
            id,
            network_admin: row.network_admin,
            disabled: row.disabled,
            memberships,
        },
        name: row.name,
        email: row.email,
        mail_access: row.mail_access,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
    })
}

/// A line of the log about a person: what they did, or what was done to their account.
#[derive(Clone, Debug)]
pub struct Logged {
    pub at: DateTime<Utc>,
    pub actor_name: String,
    pub action: String,
    pub thing: String,
    pub thing_id: Option<i64>,
    pub facility_id: Option<i64>,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
}

/// The newest lines that the scope of this transaction may read.
pub async fn latest_about(tx: &mut PgConnection, id: UserId, limit: i64) -> Result<Vec<Logged>> {
    let found = sqlx::query_as!(
        Logged,
        r#"select at as "at!", actor_name as "actor_name!", action as "action!", thing as "thing!", thing_id, facility_id,
                  before, after
           from (
             (select id, at, actor_name, action, thing, thing_id, facility_id, before, after
              from audit_log where thing = 'user' and thing_id = $1 order by id desc limit $2)
             union
             (select id, at, actor_name, action, thing, thing_id, facility_id, before, after
              from audit_log where actor_id = $1 order by id desc limit $2)
           ) a order by id desc limit $2"#,
        id.0,
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
