//! The facilities themselves, with their blood banks and the levels of their shelves.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::column;
use crate::error::Result;
use crate::synthetic::population::{CELLS, component_of, group_of};
use crate::synthetic::sites::{Place, Site};

/// Answers how many blood banks there are.
pub(super) async fn add(tx: &mut PgConnection, sites: &[Site], since: DateTime<Utc>) -> Result<i64> {
    let places: Vec<&Place> = sites.iter().map(|site| &site.place).collect();
    let ids = column(&places, |place| place.id);
    let parents = column(&places, |place| place.parent.map(|parent| places[parent].id));
    sqlx::query!(
        "insert into facilities (id, name, kind, region, latitude, longitude, time_zone, parent_id, count_hour, created_at)
         overriding system value
         select *, $10 from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[],
                                   $7::text[], $8::bigint[], $9::smallint[])",
        &ids,
        column(&places, |place| place.name.as_str()) as _,
        column(&places, |place| place.kind) as _,
        column(&places, |place| place.region.as_str()) as _,
        &column(&places, |place| place.latitude),
        &column(&places, |place| place.longitude),
        column(&places, |place| place.zone.as_str()) as _,
        parents as _,
        &column(&places, |place| place.count_hour),
        since
    )
    .execute(&mut *tx)
    .await?;
    let banks: Vec<(i64, i64, &str)> = places
        .iter()
        .flat_map(|place| place.banks.iter().map(|&(id, name)| (place.id, id, name)))
        .collect();
    sqlx::query!(
        "insert into blood_banks (facility_id, id, name) overriding system value
         select * from unnest($1::bigint[], $2::bigint[], $3::text[])",
        &column(&banks, |bank| bank.0),
        &column(&banks, |bank| bank.1),
        column(&banks, |bank| bank.2) as _
    )
    .execute(tx)
    .await?;
    Ok(banks.len() as i64)
}

pub(super) async fn add_levels(tx: &mut PgConnection, sites: &[Site]) -> Result<()> {
    let levels: Vec<_> = sites
        .iter()
        .flat_map(|site| (0..CELLS).filter_map(move |cell| Some((site.place.id, cell, site.levels[cell]?))))
        .collect();
    sqlx::query!(
        "insert into stock_thresholds (facility_id, component, blood_group, minimum, reorder, target)
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[])",
        &column(&levels, |row| row.0),
        column(&levels, |row| component_of(row.1)) as _,
        column(&levels, |row| group_of(row.1)) as _,
        &column(&levels, |row| row.2.minimum),
        &column(&levels, |row| row.2.reorder),
        &column(&levels, |row| row.2.target)
    )
    .execute(tx)
    .await?;
    Ok(())
}
