//! What the simulator looks at before it acts: how full the shelves are, and what waits for somebody.

use sqlx::PgConnection;

use crate::blood::{BloodGroup, Component, UnitStatus};
use crate::error::Result;
use crate::ids::{DistributionId, FacilityId, RequestId, UnitId};

/// One kind of blood in a facility that keeps it, in units.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub component: Component,
    pub group: BloodGroup,
    pub minimum: i32,
    pub reorder: i32,
    pub target: i32,
    /// issuable
    pub available: i32,
    /// in quarantine, asked for or on the road
    pub coming: i32,
}

impl Shelf {
    /// What asking and collecting fill up to: some more than the target, so that most shelves are good.
    pub fn full(&self) -> i32 {
        self.target + (self.target / 2).max(1)
    }

    /// Units that are neither there nor on their way.
    pub fn missing(&self) -> i32 {
        self.full() - self.available - self.coming
    }
}

pub(super) async fn shelves(tx: &mut PgConnection, facility: FacilityId) -> Result<Vec<Shelf>> {
    let found = sqlx::query_as!(
        Shelf,
        r#"select t.component as "component: Component", t.blood_group as "group: BloodGroup", t.minimum, t.reorder, t.target,
                  coalesce(s.available, 0)::integer as "available!",
                  (coalesce(s.quarantined, 0) + coalesce(r.asked, 0))::integer as "coming!"
           from stock_thresholds t
           left join (
               select component, blood_group,
                      sum(quantity) filter (where status = 'available' and expires_at > clock_now()) as available,
                      sum(quantity) filter (where status = 'quarantined') as quarantined
               from blood_inventory
               where facility_id = $1 and status in ('available', 'quarantined')
               group by component, blood_group
           ) s using (component, blood_group)
           left join (
               select component, blood_group, sum(quantity - fulfilled) as asked
               from blood_requests
               where facility_id = $1 and closed_at is null and status in ('open', 'accepted', 'partly_fulfilled')
               group by component, blood_group
           ) r using (component, blood_group)
           where t.facility_id = $1
           order by t.component, t.blood_group"#,
        facility.0
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// At most twenty rows of a facility that have been in a status for some seconds, the oldest first.
pub(super) async fn units_in(
    tx: &mut PgConnection,
    facility: FacilityId,
    status: UnitStatus,
    seconds: i32,
) -> Result<Vec<UnitId>> {
    let found = sqlx::query_scalar!(
        r#"select i.id as "id: UnitId" from blood_inventory i
           where i.facility_id = $1 and i.status = $2 and i.quantity > 0
             and (i.status in ('expired', 'issued') or i.expires_at > clock_now())
             and (select max(m.at) from inventory_movements m where m.facility_id = $1 and m.inventory_id = i.id)
                 < clock_now() - make_interval(secs => $3)
           order by i.expires_at, i.id limit 20"#,
        facility.0,
        status.as_str(),
        f64::from(seconds)
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// A request that waits for this facility: for its answer, or for the units that it promised.
pub(super) struct Waiting {
    pub id: RequestId,
    pub from: FacilityId,
    pub component: Component,
    pub group: BloodGroup,
    pub quantity: i32,
}

/// Requests of the facility that are not closed.
pub(super) async fn pending(tx: &mut PgConnection, facility: FacilityId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from blood_requests
           where facility_id = $1 and status in ('open', 'accepted') and closed_at is null"#,
        facility.0
    )
    .fetch_one(tx)
    .await?;
    Ok(count)
}

/// Requests put to the facility some seconds ago that nobody has answered; the oldest first.
pub(super) async fn unanswered(tx: &mut PgConnection, facility: FacilityId, seconds: i32) -> Result<Vec<Waiting>> {
    let found = sqlx::query_as!(
        Waiting,
        r#"select r.id as "id: RequestId", r.facility_id as "from: FacilityId", r.component as "component: Component",
                  r.blood_group as "group: BloodGroup", r.quantity
           from request_recipients p
           join blood_requests r on r.facility_id = p.facility_id and r.id = p.request_id
           where p.to_facility_id = $1 and p.status = 'open' and r.status = 'open'
             and r.created_at < clock_now() - make_interval(secs => $2)
           order by r.urgency = 'emergency' desc, r.created_at limit 20"#,
        facility.0,
        f64::from(seconds)
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Requests that the facility accepted some seconds ago and for which units lie reserved; the oldest first. `quantity` is
/// what is reserved.
pub(super) async fn reserved(tx: &mut PgConnection, facility: FacilityId, seconds: i32) -> Result<Vec<Waiting>> {
    let found = sqlx::query_as!(
        Waiting,
        r#"select r.id as "id: RequestId", r.facility_id as "from: FacilityId", r.component as "component: Component",
                  r.blood_group as "group: BloodGroup", sum(i.quantity)::integer as "quantity!"
           from blood_inventory i
           join request_recipients p on p.request_id = i.reserved_for and p.to_facility_id = $1 and p.status = 'accepted'
           join blood_requests r on r.facility_id = p.facility_id and r.id = p.request_id
           where i.facility_id = $1 and i.status = 'reserved' and i.expires_at > clock_now() and r.closed_at is null
             and p.decided_at < clock_now() - make_interval(secs => $2)
           group by r.facility_id, r.id, p.decided_at
           order by p.decided_at limit 20"#,
        facility.0,
        f64::from(seconds)
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Deliveries that set out for the facility some seconds ago; the oldest first.
pub(super) async fn arriving(tx: &mut PgConnection, facility: FacilityId, seconds: i32) -> Result<Vec<DistributionId>> {
    let found = sqlx::query_scalar!(
        r#"select id as "id: DistributionId" from blood_distributions
           where dispatched_to_id = $1 and status = 'in_transit'
             and dispatched_at < clock_now() - make_interval(secs => $2)
           order by dispatched_at limit 20"#,
        facility.0,
        f64::from(seconds)
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The last sequence number that a facility gave to a donation of this year; its numbers begin with this.
pub(super) async fn last_donation(tx: &mut PgConnection, facility: FacilityId, beginning: &str) -> Result<u32> {
    let last = sqlx::query_scalar!(
        r#"select coalesce(max(substring(donation_number from 8)::integer), 0) as "last!" from blood_inventory
           where facility_id = $1 and donation_number like $2 || '%'"#,
        facility.0,
        beginning
    )
    .fetch_one(tx)
    .await?;
    Ok(last.max(0) as u32)
}
