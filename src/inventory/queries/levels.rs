//! What each shelf holds, should hold, and loses a day.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::blood::{BloodGroup, Component};
use crate::error::Result;
use crate::ids::FacilityId;
use crate::inventory::{Level, figures};

/// Every shelf of the facility: components in their order and in each the eight groups. See [`levels_of`].
pub async fn levels(tx: &mut PgConnection, facility: FacilityId) -> Result<Vec<Level>> {
    let found = levels_of(tx, &[facility.0], false).await?;
    Ok(found.into_iter().map(|(_, level)| level).collect())
}

/// Every shelf of some facilities, those of each `apart` or all added up (and then without a facility): components in
/// their order and in each the eight groups.
///
/// Demand is what left the shelf (issued, dispatched, expired, discarded) less what came back to it, over the last 28
/// complete local days. A unit counts once, when it leaves: discarding what has expired or was issued adds nothing.
pub async fn levels_of(
    tx: &mut PgConnection,
    facilities: &[i64],
    apart: bool,
) -> Result<Vec<(Option<FacilityId>, Level)>> {
    // added up over many, it is in the sums of closed days
    let summed = !apart && facilities.len() > 1;
    let demand = match summed {
        true => figures::demand(tx, facilities).await?,
        false => HashMap::new(),
    };
    let (mut components, mut groups, mut a_day) = (Vec::new(), Vec::new(), Vec::new());
    for ((component, group), units) in demand {
        components.push(component);
        groups.push(group);
        a_day.push(units);
    }
    let rows = sqlx::query!(
        r#"with days as materialized (
             select id, day_start(local_day(clock_now(), time_zone) - 28, time_zone) as starts,
                    day_start(local_day(clock_now(), time_zone), time_zone) as ends
             from facilities where id = any ($1)
           ), left_shelf as (
             select case when $4 then c.facility_id end as facility_id, c.component, c.blood_group,
                    sum(c.amount) / 28.0 as a_day
             from days
             cross join lateral (
               select * from counted c
               where c.facility_id = days.id and c.at >= days.starts and c.at < days.ends
                 and c.measure = 'inventory.demand'
               offset 0
             ) c
             where not $8
             group by 1, 2, 3
             union all
             select null::bigint, *
             from unnest($5::text[], $6::text[], $7::double precision[]) as summed (component, blood_group, a_day)
           ), on_shelf as (
             select case when $4 then facility_id end as facility_id, component, blood_group, sum(units)::bigint as units
             from issuable_shelves where facility_id = any ($1)
             group by 1, 2, 3
           ), wanted as (
             select case when $4 then facility_id end as facility_id, component, blood_group,
                    sum(minimum) as minimum, sum(reorder) as reorder, sum(target) as target
             from stock_thresholds where facility_id = any ($1)
             group by 1, 2, 3
           ), places as (
             select id from unnest($1) as f (id) where $4
             union all
             select null where not $4
           )
           select p.id as "facility: FacilityId", c.name as "component!: Component", g.name as "group!: BloodGroup",
                  coalesce(s.units, 0) as "issuable!", t.minimum::integer as "minimum?", t.reorder::integer as "reorder?",
                  t.target::integer as "target?", l.a_day::double precision as daily_demand
           from places p
           cross join unnest($2::text[]) with ordinality as c (name, place)
           cross join unnest($3::text[]) with ordinality as g (name, place)
           left join on_shelf s on coalesce(s.facility_id, 0) = coalesce(p.id, 0)
             and s.component = c.name and s.blood_group = g.name
           left join wanted t on coalesce(t.facility_id, 0) = coalesce(p.id, 0)
             and t.component = c.name and t.blood_group = g.name
           left join left_shelf l on coalesce(l.facility_id, 0) = coalesce(p.id, 0)
             and l.component = c.name and l.blood_group = g.name
           order by p.id, c.place, g.place"#,
        facilities,
        Component::ALL as &[Component],
        BloodGroup::ALL as &[BloodGroup],
        apart,
        &components,
        &groups,
        &a_day,
        summed
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let level = Level {
                component: row.component,
                group: row.group,
                issuable: row.issuable,
                minimum: row.minimum,
                reorder: row.reorder,
                target: row.target,
                daily_demand: row.daily_demand,
            };
            (row.facility, level)
        })
        .collect())
}
