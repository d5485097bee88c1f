//! Questions over many facilities. The list is read in the person's own scope. Availability is read over all facilities
//! that share it, and only as sums: no unit of another facility is ever named.

use chrono::{DateTime, NaiveDate, Utc};

use crate::blood::{BloodGroup, Component};
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::facilities::FacilityKind;
use crate::ids::FacilityId;

/// One facility with today's figures.
pub struct FacilityFigures {
    pub id: FacilityId,
    pub name: String,
    pub kind: FacilityKind,
    pub region: String,
    /// degrees, WGS 84
    pub latitude: f64,
    pub longitude: f64,
    /// its local date
    pub today: NaiveDate,
    pub issuable: i64,
    pub transferred: i64,
    pub requests: i64,
    /// group and component cells under their minimum
    pub critical: i64,
    /// when its summary was last refreshed; none if never
    pub updated_at: Option<DateTime<Utc>>,
}

/// Every facility of the scope.
pub async fn figures(db: &Db, scope: &Scope) -> Result<Vec<FacilityFigures>> {
    let mine: Option<Vec<i64>> = match scope {
        Scope::All => None,
        Scope::Facilities(ids) => Some(crate::ids::numbers(ids)),
    };
    let mut tx = db.read(scope).await?;
    let found = sqlx::query_as!(
        FacilityFigures,
        r#"with stock as (
             select facility_id, component, blood_group, sum(quantity) as units
             from blood_inventory where status = 'available' and expires_at > clock_now()
             group by facility_id, component, blood_group
           ), critical as (
             select t.facility_id, count(*) as cells
             from stock_thresholds t
             left join stock s using (facility_id, component, blood_group)
             where coalesce(s.units, 0) < t.minimum
             group by t.facility_id
           )
           select f.id as "id: FacilityId", f.name, f.kind as "kind: FacilityKind", f.region,
                  f.latitude, f.longitude, local_day(clock_now(), f.time_zone) as "today!",
                  coalesce(d.total_stock, 0) as "issuable!", coalesce(d.total_transferred, 0) as "transferred!",
                  coalesce(d.total_requests, 0) as "requests!", coalesce(c.cells, 0) as "critical!",
                  d.updated_at as "updated_at?"
           from facilities f
           left join lateral (
             -- the limit keeps it a look-up for each facility: joined freely, all kept days of all of them are read
             select * from dashboard_daily_summary d
             where d.facility_id = f.id and d.date = local_day(clock_now(), f.time_zone) limit 1
           ) d on true
           left join critical c on c.facility_id = f.id
           where f.active and ($1::bigint[] is null or f.id = any ($1))
           order by f.name"#,
        mine.as_deref()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(found)
}

/// What a facility could give, of one group.
pub struct Availability {
    pub facility: FacilityId,
    pub group: BloodGroup,
    pub units: i64,
    pub soonest_expiry: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// Issuable units of these groups at every facility that lets the network see how much it holds.
pub async fn availability(db: &Db, component: Component, groups: &[BloodGroup]) -> Result<Vec<Availability>> {
    let groups: Vec<String> = groups.iter().map(|group| group.as_str().to_owned()).collect();
    let mut tx = db.read(&Scope::All).await?;
    let found = sqlx::query_as!(
        Availability,
        r#"with stock as (
             select facility_id, blood_group, sum(quantity) as units, min(expires_at) as soonest
             from blood_inventory
             where status = 'available' and component = $1 and blood_group = any ($2) and expires_at > clock_now()
             group by facility_id, blood_group
           )
           select s.facility_id as "facility: FacilityId", s.blood_group as "group: BloodGroup", s.units as "units!",
                  s.soonest as "soonest_expiry!", d.updated_at as "updated_at?"
           from stock s
           join facilities f on f.id = s.facility_id and f.active and f.shares_availability
           left join lateral (
             -- the limit keeps it a look-up for each facility: joined freely, all kept days of all of them are read
             select * from dashboard_daily_summary d
             where d.facility_id = f.id and d.date = local_day(clock_now(), f.time_zone) limit 1
           ) d on true"#,
        component.as_str(),
        &groups
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(found)
}
