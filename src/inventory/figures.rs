//! Figures of stock over many facilities: what moved by day, and which shelves are below their level.

use std::collections::HashMap;

use chrono::Days;
use sqlx::PgConnection;

use super::Level;
use crate::blood::{BloodGroup, Component};
use crate::error::Result;
use crate::figures::{Cut, Dimension, Row};
use crate::ids::FacilityId;
use crate::summary;
use crate::text_enum::text_enum;

/// Days over which demand is averaged.
const DEMAND_DAYS: u64 = 28;

text_enum! {
    /// A movement that is counted.
    pub enum Flow {
        /// into the books from outside the network; transfers are counted as deliveries
        Received = "received" / "Units received",
        Issued = "issued" / "Units issued",
        Discarded = "discarded" / "Units discarded",
        Expired = "expired" / "Units expired",
    }
}

impl Flow {
    /// Its name among all that is counted.
    fn measure(self) -> &'static str {
        match self {
            Flow::Received => "inventory.received",
            Flow::Issued => "inventory.issued",
            Flow::Discarded => "inventory.discarded",
            Flow::Expired => "inventory.expired",
        }
    }
}

/// Units that moved, on the local days of their facilities, as `counted` (migrations/0014_closed_days.sql) says it.
pub async fn moved(tx: &mut PgConnection, cut: &Cut, flow: Flow) -> Result<Vec<Row>> {
    summary::counted(tx, cut, flow.measure()).await
}

/// Units that left the shelves a day, less those that came back, by component and group, over the last 28 complete local
/// days of each facility.
pub async fn demand(tx: &mut PgConnection, facilities: &[i64]) -> Result<HashMap<(String, String), f64>> {
    // where it is tomorrow already, other days are complete
    let days = sqlx::query!(
        r#"select local_day(clock_now(), time_zone) as "today!", array_agg(id) as "facilities!"
           from facilities where id = any ($1) group by 1"#,
        facilities
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut demand = HashMap::new();
    for day in days {
        let cut = Cut {
            facilities: day.facilities,
            first: day.today - Days::new(DEMAND_DAYS),
            last: day.today - Days::new(1),
            by: vec![Dimension::Component, Dimension::Group],
            group: None,
            component: None,
        };
        for row in summary::counted(tx, &cut, "inventory.demand").await? {
            *demand.entry((row.first, row.second)).or_default() += row.value / DEMAND_DAYS as f64;
        }
    }
    Ok(demand)
}

/// Shelves that hold less than they should.
#[derive(Clone, Debug, Default)]
pub struct Shortfalls {
    /// under reorder, critical ones among them
    pub low: i64,
    /// under minimum
    pub critical: i64,
    /// shelves that have levels at all
    pub watched: i64,
    /// the worst first, at most as many as asked for
    pub worst: Vec<(FacilityId, Level)>,
}

/// The shelves of some facilities whose issuable units are under their reorder level, by [`Level::phase`]'s thresholds;
/// demand is not looked at.
pub async fn shortfalls(tx: &mut PgConnection, cut: &Cut, limit: i64) -> Result<Shortfalls> {
    let rows = sqlx::query!(
        r#"with shelves as (
             select t.facility_id, t.component, t.blood_group, t.minimum, t.reorder, t.target,
                    coalesce(s.units, 0) as units
             from stock_thresholds t
             left join (
               select facility_id, component, blood_group, sum(units)::bigint as units
               from issuable_shelves
               where facility_id = any ($1)
               group by facility_id, component, blood_group
             ) s using (facility_id, component, blood_group)
             where t.facility_id = any ($1) and ($2::text is null or t.blood_group = $2)
               and ($3::text is null or t.component = $3)
           ), counts as (
             select count(*) filter (where units < minimum) as critical, count(*) filter (where units < reorder) as low,
                    count(*) as watched
             from shelves
           )
           select c.critical as "critical!", c.low as "low!", c.watched as "watched!",
                  s.facility_id as "facility?: FacilityId", s.component as "component?: Component",
                  s.blood_group as "group?: BloodGroup", s.units as "units?", s.minimum as "minimum?",
                  s.reorder as "reorder?", s.target as "target?"
           from counts c
           left join lateral (
             select * from shelves where units < reorder
             order by units >= minimum, units::double precision / reorder, reorder desc, facility_id, component, blood_group
             limit $4
           ) s on true
           order by s.units >= s.minimum, s.units::double precision / s.reorder, s.reorder desc, s.facility_id,
                    s.component, s.blood_group"#,
        &cut.facilities,
        cut.group(),
        cut.component(),
        limit
    )
    .fetch_all(tx)
    .await?;
    let mut found = Shortfalls::default();
    for row in rows {
        (found.critical, found.low, found.watched) = (row.critical, row.low, row.watched);
        let (Some(facility), Some(component), Some(group), Some(issuable)) =
            (row.facility, row.component, row.group, row.units)
        else {
            continue;
        };
        let level = Level {
            component,
            group,
            issuable,
            minimum: row.minimum,
            reorder: row.reorder,
            target: row.target,
            daily_demand: None,
        };
        found.worst.push((facility, level));
    }
    Ok(found)
}
