//! Questions about facilities. The directory is common knowledge in the network and needs no scope.

use sqlx::{PgExecutor, PgPool};

use super::{Facility, FacilityKind};
use crate::auth::Person;
use crate::clock::Zone;
use crate::error::Result;
use crate::ids::{FacilityId, numbers};

/// One active facility.
pub async fn find(db: impl PgExecutor<'_>, id: FacilityId) -> Result<Facility> {
    let found = sqlx::query_as!(
        Facility,
        r#"select id as "id: FacilityId", name, kind as "kind: FacilityKind", region, time_zone as "zone: Zone",
                  latitude, longitude, count_hour
           from facilities where id = $1 and active"#,
        id.0
    )
    .fetch_one(db)
    .await?;
    Ok(found)
}

/// The zone in which a facility's days are counted.
pub async fn zone_of(db: &PgPool, id: FacilityId) -> Result<Zone> {
    Ok(sqlx::query_scalar!(
        r#"select time_zone as "zone: Zone" from facilities where id = $1"#,
        id.0
    )
    .fetch_one(db)
    .await?)
}

/// Every active facility by name: whom one can ask for blood.
pub async fn directory(db: &PgPool) -> Result<Vec<Facility>> {
    let found = sqlx::query_as!(
        Facility,
        r#"select id as "id: FacilityId", name, kind as "kind: FacilityKind", region, time_zone as "zone: Zone",
                  latitude, longitude, count_hour
           from facilities where active order by name"#
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// The facilities that a person may enter, by name.
pub async fn of_person(db: &PgPool, person: &Person) -> Result<Vec<Facility>> {
    let mine: Vec<FacilityId> = person
        .memberships
        .iter()
        .map(|membership| membership.facility)
        .collect();
    let found = sqlx::query_as!(
        Facility,
        r#"select id as "id: FacilityId", name, kind as "kind: FacilityKind", region, time_zone as "zone: Zone",
                  latitude, longitude, count_hour
           from facilities where active and ($1 or id = any ($2)) order by name"#,
        person.network_admin,
        &numbers(&mine)
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// The ids of all active facilities, in order.
pub async fn all(db: &PgPool) -> Result<Vec<FacilityId>> {
    Ok(
        sqlx::query_scalar!(r#"select id as "id: FacilityId" from facilities where active order by id"#)
            .fetch_all(db)
            .await?,
    )
}
