//! The people of a demonstration: one log-in for each role, with passwords that are meant to be read.

use futures_util::future::try_join_all;

use crate::audit::Actor;
use crate::auth::{Passwords, Role};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::users::{self, NewUser};

/// A log-in to print.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DemoUser {
    pub email: &'static str,
    pub password: &'static str,
    pub role: Role,
    /// where they work; a network administrator works everywhere and is shown here first
    #[serde(rename = "facility_id")]
    pub facility: FacilityId,
}

const PEOPLE: [(&str, &str, &str, Role); 4] = [
    ("viewer@demo.invalid", "Vera Winslow", "quiet-harbour-71", Role::Viewer),
    ("staff@demo.invalid", "Stefan Hollis", "steady-lantern-52", Role::Staff),
    (
        "admin@demo.invalid",
        "Ada Merrin",
        "amber-orchard-38",
        Role::FacilityAdmin,
    ),
    (
        "network@demo.invalid",
        "Noor Castell",
        "brave-compass-94",
        Role::NetworkAdmin,
    ),
];

/// Adds those of the four who are missing, all but the last at the same hospital, and answers with all of them.
/// [`Error::Conflict`] where there is no facility yet.
pub async fn demo_users(db: &Db, passwords: &Passwords) -> Result<Vec<DemoUser>> {
    let facility = workplace(db).await?;
    let known = sqlx::query_scalar!("select email from users where email like '%@demo.invalid'")
        .fetch_all(db.unscoped())
        .await?;
    let missing = PEOPLE
        .iter()
        .filter(|(email, ..)| !known.iter().any(|known| known == email))
        .map(|&(email, name, password, role)| NewUser {
            email: email.into(),
            name: name.into(),
            password: password.into(),
            role,
            facilities: if role == Role::NetworkAdmin {
                vec![]
            } else {
                vec![facility]
            },
        });
    let actor = Actor::system();
    let new: Vec<NewUser> = missing.collect();
    try_join_all(new.iter().map(|user| users::add(db, passwords, &actor, user))).await?;
    let shown = |&(email, _, password, role): &(&'static str, _, &'static str, Role)| DemoUser {
        email,
        password,
        role,
        facility,
    };
    Ok(PEOPLE.iter().map(shown).collect())
}

/// A hospital that others depend on, so that its board has work to do; any facility where there is none.
async fn workplace(db: &Db) -> Result<FacilityId> {
    sqlx::query_scalar!(
        r#"select f.id as "id: FacilityId" from facilities f where f.active
           order by f.kind = 'hospital' desc, (select count(*) from facilities c where c.parent_id = f.id) desc, f.id
           limit 1"#
    )
    .fetch_optional(db.unscoped())
    .await?
    .ok_or_else(|| Error::Conflict("There is no facility yet.".into()))
}
