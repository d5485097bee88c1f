//! Figures of stock over many facilities: what moved by day, and which shelves are below their level.

use sqlx::PgConnection;

use super::Level;
use crate::blood::{BloodGroup, Component};
use crate::error::Result;
use crate::figures::{Cut, Row, figures};
use crate::ids::FacilityId;
use crate::text_enum::text_enum;

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

/// Units that moved, on the local days of their facilities. Of a reason that has a note only the reason is told apart.
pub async fn moved(tx: &mut PgConnection, cut: &Cut, flow: Flow) -> Result<Vec<Row>> {
    let found = figures!(
        "sum(x.amount)",
        "null",
        "select m.facility_id, f.region, f.time_zone, m.at, local_day(m.at, f.time_zone) as day, m.component,
                m.blood_group, null::text as urgency, split_part(m.reason, ':', 1) as reason, m.quantity as amount
         from here f
         join inventory_movements m on m.facility_id = f.id and m.at >= f.starts and m.at < f.ends
         where m.kind = $8",
        cut,
        flow.as_str()
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
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
               select facility_id, component, blood_group, sum(quantity) as units
               from blood_inventory
               where facility_id = any ($1) and status = 'available' and expires_at > clock_now()
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
