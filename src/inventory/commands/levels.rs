//! The levels at which a shelf is critical, low and full: set for a whole facility at once.

use std::collections::BTreeMap;

use serde_json::json;

use crate::audit::{Actor, Entry};
use crate::blood::{BloodGroup, Component};
use crate::db::Db;
use crate::error::{Error, OnConstraint, Result};
use crate::ids::FacilityId;
use crate::inventory::Thresholds;
use crate::inventory::queries;
use crate::outbox::Event;
use crate::summary::Work;

/// Replaces all levels of the facility; a shelf that is not named has none afterwards.
pub async fn set_thresholds(
    db: &Db,
    actor: Actor,
    facility: FacilityId,
    wanted: &BTreeMap<(Component, BloodGroup), Thresholds>,
) -> Result<()> {
    let mut work = Work::begin(db, actor, &[facility]).await?;
    let before = queries::thresholds(work.conn(), facility).await?;
    if before == *wanted {
        return Ok(());
    }
    sqlx::query!("delete from stock_thresholds where facility_id = $1", facility.0)
        .execute(work.conn())
        .await?;
    let column = |pick: fn(&Thresholds) -> i32| wanted.values().map(pick).collect::<Vec<i32>>();
    sqlx::query!(
        "insert into stock_thresholds (facility_id, component, blood_group, minimum, reorder, target)
         select $1, component, blood_group, minimum, reorder, target
         from unnest($2::text[], $3::text[], $4::integer[], $5::integer[], $6::integer[])
              as shelf (component, blood_group, minimum, reorder, target)",
        facility.0,
        &wanted
            .keys()
            .map(|(component, _)| component.to_string())
            .collect::<Vec<_>>(),
        &wanted.keys().map(|(_, group)| group.to_string()).collect::<Vec<_>>(),
        &column(|levels| levels.minimum),
        &column(|levels| levels.reorder),
        &column(|levels| levels.target)
    )
    .execute(work.conn())
    .await
    .on_constraint("stock_thresholds_order_check", || {
        Error::invalid("", t!("Minimum, reorder and target must rise in this order."))
    })?;
    let changed = |side: &BTreeMap<(Component, BloodGroup), Thresholds>| {
        let differs = |key: &(Component, BloodGroup)| before.get(key) != wanted.get(key);
        side.iter()
            .filter(|(key, _)| differs(key))
            .map(|((component, group), levels)| (format!("{component} {group}"), json!(levels.words())))
            .collect::<serde_json::Map<_, _>>()
    };
    let entry = Entry::new("changed", "stock levels")
        .of(facility)
        .before(changed(&before).into())
        .after(changed(wanted).into());
    work.commit(entry, &Event::FacilityChanged { facility }).await
}
