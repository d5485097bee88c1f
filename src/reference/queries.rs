//! Questions about the reference tables, which everybody may read.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgExecutor};

use super::model::{Life, Reason, Target};
use crate::audit::{self, Edit};
use crate::blood::Component;
use crate::error::Result;

/// Every component's life, by component.
pub async fn lives(db: impl PgExecutor<'_>) -> Result<Vec<Life>> {
    let found = sqlx::query_as!(
        Life,
        r#"select component as "component: Component", life_days, life_hours, storage, source
           from component_lives order by component"#
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// What the network aims at, by figure and component.
pub async fn targets(db: impl PgExecutor<'_>) -> Result<Vec<Target>> {
    let found = sqlx::query_as!(
        Target,
        "select kpi, component, target, unit, source from kpi_targets order by kpi, component"
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Days that the issuable stock of a component should last; one without a target is not among them, unless there is a
/// target for all.
pub async fn days_of_stock(db: impl PgExecutor<'_>) -> Result<BTreeMap<Component, f64>> {
    let rows = sqlx::query!("select component, target from kpi_targets where kpi = 'days_of_stock' and target > 0")
        .fetch_all(db)
        .await?;
    let of = |name: &str| rows.iter().find(|row| row.component == name).map(|row| row.target);
    let all = of("all");
    let aims = Component::ALL.iter().filter_map(|component| {
        let days = of(component.as_str()).or(all)?;
        Some((*component, days))
    });
    Ok(aims.collect())
}

/// All discard reasons in their order, retired ones too.
pub async fn reasons(db: impl PgExecutor<'_>) -> Result<Vec<Reason>> {
    let found = sqlx::query_as!(
        Reason,
        "select code, label, place, active, built_in, source from discard_reasons order by place, label"
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Whether a reason can be chosen.
pub async fn active_reason(db: impl PgExecutor<'_>, code: &str) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from discard_reasons where code = $1 and active) as "found!""#,
        code
    )
    .fetch_one(db)
    .await?;
    Ok(found)
}

/// Who changed what in these tables, the newest first. The transaction must see everything.
pub async fn history(tx: &mut PgConnection, limit: i64) -> Result<Vec<Edit>> {
    audit::history(tx, None, &["component life", "target", "discard reason"], limit).await
}
