//! The rows behind a flow: each movement that was counted as received, issued, discarded or expired on some days.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::figures::Flow;
use super::queries::Total;
use crate::blood::{BloodGroup, Component};
use crate::error::Result;
use crate::ids::{FacilityId, UnitId};
use crate::web::query_string;

/// Which movements are meant: of one kind, on local days of the facility, both included. The list and the figure that
/// [`super::figures::moved`] counts have the same condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowFilter {
    pub flow: Flow,
    pub first: NaiveDate,
    pub last: NaiveDate,
    pub group: Option<BloodGroup>,
    pub component: Option<Component>,
}

impl FlowFilter {
    /// The address of the list.
    pub fn href(&self, facility: FacilityId) -> String {
        let (first, last) = (self.first.to_string(), self.last.to_string());
        let pairs = [
            ("kind", self.flow.as_str()),
            ("from", first.as_str()),
            ("to", last.as_str()),
            ("group", self.group.map_or("", BloodGroup::as_str)),
            ("component", self.component.map_or("", Component::as_str)),
        ];
        format!("/facilities/{facility}/movements{}", query_string(&pairs))
    }
}

/// A movement with what moved.
#[derive(Clone, Debug)]
pub struct Moved {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub unit: UnitId,
    pub donation_number: Option<String>,
    pub lot: Option<String>,
    pub component: Component,
    pub group: BloodGroup,
    pub quantity: i32,
    pub reason: Option<String>,
    pub actor_name: String,
}

/// Rows on a page of the list.
pub const PAGE: i64 = 50;

/// How many rows there are, and units in them.
pub async fn total(tx: &mut PgConnection, facility: FacilityId, filter: &FlowFilter) -> Result<Total> {
    let row = sqlx::query!(
        r#"select count(*) as "rows!", coalesce(sum(m.quantity), 0) as "units!"
           from facilities f join inventory_movements m on m.facility_id = f.id
           where f.id = $1 and m.at >= day_start($2, f.time_zone) and m.at < day_start($3::date + 1, f.time_zone)
             and m.kind = $4 and ($5::text is null or m.blood_group = $5) and ($6::text is null or m.component = $6)"#,
        facility.0,
        filter.first,
        filter.last,
        filter.flow.as_str(),
        filter.group.map(BloodGroup::as_str),
        filter.component.map(Component::as_str)
    )
    .fetch_one(tx)
    .await?;
    Ok(Total {
        rows: row.rows,
        units: row.units,
    })
}

/// A page of them, the latest first; those before a movement, and one more than a page when there are more.
pub async fn page(
    tx: &mut PgConnection,
    facility: FacilityId,
    filter: &FlowFilter,
    before: Option<i64>,
) -> Result<Vec<Moved>> {
    let found = sqlx::query_as!(
        Moved,
        r#"select m.id, m.at, m.inventory_id as "unit: UnitId", b.donation_number, b.lot, m.component as "component: Component",
                  m.blood_group as "group: BloodGroup", m.quantity, m.reason, m.actor_name
           from facilities f join inventory_movements m on m.facility_id = f.id
           join blood_inventory b on b.facility_id = m.facility_id and b.id = m.inventory_id
           where f.id = $1 and m.at >= day_start($2, f.time_zone) and m.at < day_start($3::date + 1, f.time_zone)
             and m.kind = $4 and ($5::text is null or m.blood_group = $5) and ($6::text is null or m.component = $6)
             and ($7::bigint is null or (m.at, m.id) < (select at, id from inventory_movements where facility_id = $1 and id = $7))
           order by m.at desc, m.id desc limit $8"#,
        facility.0,
        filter.first,
        filter.last,
        filter.flow.as_str(),
        filter.group.map(BloodGroup::as_str),
        filter.component.map(Component::as_str),
        before,
        PAGE + 1
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
