//! Questions about facilities for those who administer them: inactive ones too, and what keeps one from closing.

use sqlx::PgConnection;

use super::model::{Facts, State, Unfinished};
use crate::audit::{self, Edit};
use crate::clock::Zone;
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::facilities::FacilityKind;
use crate::ids::{FacilityId, numbers};

/// A facility as its administrators see it.
#[derive(Clone, Debug)]
pub struct Place {
    pub id: FacilityId,
    pub facts: Facts,
    pub active: bool,
}

/// What a list of facilities shows.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: FacilityId,
    pub name: String,
    pub kind: FacilityKind,
    pub region: String,
    pub latitude: f64,
    pub longitude: f64,
    pub zone: Zone,
    pub parent: Option<FacilityId>,
    pub parent_name: Option<String>,
    pub active: bool,
    pub banks: i64,
    pub people: i64,
}

/// Every facility of the scope by name.
pub async fn all(db: &Db, scope: &Scope) -> Result<Vec<Listed>> {
    let mine: Option<Vec<i64>> = match scope {
        Scope::All => None,
        Scope::Facilities(ids) => Some(numbers(ids)),
    };
    let mut tx = db.read(scope).await?;
    let found = sqlx::query_as!(
        Listed,
        r#"select f.id as "id: FacilityId", f.name, f.kind as "kind: FacilityKind", f.region, f.latitude, f.longitude,
                  f.time_zone as "zone: Zone", f.parent_id as "parent: FacilityId", p.name as "parent_name?", f.active,
                  coalesce(b.banks, 0) as "banks!", coalesce(m.people, 0) as "people!"
           from facilities f
           left join facilities p on p.id = f.parent_id
           left join (select facility_id, count(*) as banks from blood_banks group by facility_id) b on b.facility_id = f.id
           left join (select facility_id, count(*) as people from memberships group by facility_id) m on m.facility_id = f.id
           where $1::bigint[] is null or f.id = any ($1)
           order by f.name, f.id"#,
        mine.as_deref()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(found)
}

impl Listed {
    pub fn is(&self, state: State) -> bool {
        match state {
            State::Active => self.active,
            State::Inactive => !self.active,
            State::All => true,
        }
    }
}

/// One facility, active or not.
pub async fn place(tx: &mut PgConnection, id: FacilityId) -> Result<Place> {
    let row = sqlx::query!(
        r#"select name, kind as "kind: FacilityKind", region, latitude, longitude, time_zone as "zone: Zone", count_hour,
                  shares_availability, parent_id as "parent: FacilityId", active
           from facilities where id = $1"#,
        id.0
    )
    .fetch_one(tx)
    .await?;
    Ok(Place {
        id,
        active: row.active,
        facts: Facts {
            name: row.name,
            kind: row.kind,
            region: row.region,
            latitude: row.latitude,
            longitude: row.longitude,
            zone: row.zone,
            count_hour: row.count_hour,
            shares_availability: row.shares_availability,
            parent: row.parent,
        },
    })
}

/// A blood bank and what it holds.
#[derive(Clone, Debug)]
pub struct Bank {
    pub id: i64,
    pub name: String,
    /// rows of stock and deliveries that name it, those of the past included
    pub records: i64,
    /// units in it now
    pub units: i64,
}

pub async fn banks(tx: &mut PgConnection, facility: FacilityId) -> Result<Vec<Bank>> {
    let found = sqlx::query_as!(
        Bank,
        r#"select b.id, b.name,
                  (select count(*) from blood_inventory i where i.facility_id = $1 and i.blood_bank_id = b.id)
                  + (select count(*) from blood_distributions d where d.facility_id = $1 and d.blood_bank_id = b.id) as "records!",
                  (select coalesce(sum(i.quantity), 0) from blood_inventory i
                   where i.facility_id = $1 and i.blood_bank_id = b.id
                     and i.status in ('quarantined', 'available', 'reserved', 'expired')) as "units!"
           from blood_banks b where b.facility_id = $1 order by b.name"#,
        facility.0
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// What the facility still has to do. The transaction must see its rows.
pub async fn unfinished(tx: &mut PgConnection, facility: FacilityId) -> Result<Unfinished> {
    let found = sqlx::query_as!(
        Unfinished,
        r#"select
             (select count(*) from blood_requests
              where facility_id = $1 and status in ('open', 'accepted', 'partly_fulfilled')) as "requests_raised!",
             (select count(*) from request_recipients r
              join blood_requests q on q.facility_id = r.facility_id and q.id = r.request_id
              where r.to_facility_id = $1 and r.status in ('open', 'accepted')
                and q.status in ('open', 'accepted', 'partly_fulfilled')) as "requests_to_answer!",
             (select count(*) from blood_distributions
              where facility_id = $1 and status = 'in_transit') as "deliveries_out!",
             (select count(*) from blood_distributions
              where dispatched_to_id = $1 and status = 'in_transit') as "deliveries_in!",
             (select coalesce(sum(quantity), 0) from blood_inventory
              where facility_id = $1
                and status in ('quarantined', 'available', 'reserved', 'issued', 'expired')) as "units!",
             (select count(*) from facilities where parent_id = $1 and active) as "below!""#,
        facility.0
    )
    .fetch_one(tx)
    .await?;
    Ok(found)
}

/// What administrators changed about a facility, the newest first.
pub async fn history(tx: &mut PgConnection, facility: FacilityId, limit: i64) -> Result<Vec<Edit>> {
    let things = ["facility", "blood bank", "calendar", "stock levels"];
    audit::history(tx, Some(facility), &things, limit).await
}
