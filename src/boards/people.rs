//! With whom somebody may share: people of their own facilities. To anybody else the answer is the same as to somebody
//! who does not exist.

use std::collections::HashMap;

use sqlx::PgExecutor;

use super::rights::Reader;
use crate::auth::Role;
use crate::error::Result;
use crate::ids::UserId;

/// Somebody that a board can be shared with.
#[derive(Clone, Debug)]
pub struct Acquaintance {
    pub id: UserId,
    pub name: String,
    /// for those who manage people, and for whoever typed it
    pub email: Option<String>,
    /// facilities that both are of
    pub places: Vec<String>,
}

const MOST: i64 = 12;

/// People whose name holds these letters, or whose address this is, among those that the reader may see; by name.
pub async fn find(db: impl PgExecutor<'_>, reader: &Reader, text: &str) -> Result<Vec<Acquaintance>> {
    let typed = text.trim().to_lowercase();
    let found = sqlx::query!(
        r#"select u.id as "id: UserId", u.name, u.email,
                  array(select f.name from memberships m join facilities f on f.id = m.facility_id and f.active
                        where m.user_id = u.id and ($4 or m.facility_id = any ($3)) order by f.name limit 3) as "places!"
           from users u
           where u.disabled_at is null and u.id is distinct from $1 and (position($2 in lower(u.name)) > 0 or u.email = $2)
             and ($4 or exists (select from memberships m where m.user_id = u.id and m.facility_id = any ($3)))
           order by lower(u.name), u.id limit $5"#,
        reader.user.map(|user| user.0),
        typed,
        &places(reader),
        reader.network_admin,
        MOST
    )
    .fetch_all(db)
    .await?;
    let manages = reader.network_admin || reader.memberships.iter().any(|one| one.role >= Role::FacilityAdmin);
    let acquaintances = found.into_iter().map(|row| Acquaintance {
        id: row.id,
        name: row.name,
        email: Some(row.email).filter(|email| manages || *email == typed),
        places: row.places,
    });
    Ok(acquaintances.collect())
}

/// The names of those of these people that the reader may see.
pub async fn names(db: impl PgExecutor<'_>, reader: &Reader, people: &[UserId]) -> Result<HashMap<UserId, String>> {
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let found = sqlx::query!(
        r#"select u.id as "id: UserId", u.name from users u
           where u.id = any ($1)
             and ($3 or u.id = $4 or exists (select from memberships m where m.user_id = u.id and m.facility_id = any ($2)))"#,
        &ids,
        &places(reader),
        reader.network_admin,
        reader.user.map(|user| user.0)
    )
    .fetch_all(db)
    .await?;
    Ok(found.into_iter().map(|row| (row.id, row.name)).collect())
}

fn places(reader: &Reader) -> Vec<i64> {
    reader.memberships.iter().map(|one| one.facility.0).collect()
}
