//! Installing event types and metrics.

use serde_json::{Map, Value};
use sqlx::PgConnection;

use crate::db::Db;
use crate::error::{Error, OnConstraint, Result};
use crate::metrics::model::{NewEventType, NewMetric};

/// Event types and gauges that are named for the first time, by being sent.
pub(in crate::metrics) async fn name(db: &Db, types: &[String], metrics: &[String]) -> Result<()> {
    let mut tx = db.ingest().await?;
    sqlx::query!(
        "insert into event_types (name) select unnest($1::text[]) on conflict (name) do nothing",
        types
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into metric_definitions (name, kind) select unnest($1::text[]), 'gauge' on conflict (name) do nothing",
        metrics
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Installs an event type, or changes the one of this name; answers its number. `Conflict` when another catalog has it.
pub async fn define_event_type(tx: &mut PgConnection, new: &NewEventType) -> Result<i32> {
    sqlx::query_scalar!(
        "insert into event_types (name, catalog, allowed_lateness, data_schema, actor_path, subject_path, retention)
         values ($1, $2, make_interval(secs => $3), $4, $5, $6, make_interval(days => $7))
         on conflict (name) do update
           set catalog = excluded.catalog, allowed_lateness = excluded.allowed_lateness, data_schema = excluded.data_schema,
               actor_path = excluded.actor_path, subject_path = excluded.subject_path, retention = excluded.retention
           where event_types.catalog is null or event_types.catalog = excluded.catalog
         returning id",
        new.name,
        new.catalog,
        new.allowed_lateness.map(|span| span.num_seconds() as f64),
        new.data_schema,
        new.actor_path,
        new.subject_path,
        new.retention_days
    )
    .fetch_optional(tx)
    .await
    .on_constraint("event_types_name_check", || Error::invalid("name", t!("An event type needs a name.")))?
    .ok_or_else(|| Error::Conflict(t!("Another catalog defines the event type {name}.", name = new.name)))
}

/// Installs a metric, or changes the one of this name; answers its number. `Conflict` when another catalog has it.
pub async fn define_metric(tx: &mut PgConnection, new: &NewMetric) -> Result<i32> {
    let condition: Map<String, Value> = new
        .conditions
        .iter()
        .map(|one| (one.pointer.clone(), Value::Array(one.one_of.clone())))
        .collect();
    let dimensions: Map<String, Value> = new
        .dimensions
        .iter()
        .map(|(tag, pointer)| (tag.clone(), pointer.as_str().into()))
        .collect();
    let event_type = match &new.event_type {
        Some(name) => Some(
            sqlx::query_scalar!("select id from event_types where name = $1", name)
                .fetch_optional(&mut *tx)
                .await?
                .ok_or_else(|| Error::invalid("event_type", t!("There is no event type {name}.", name)))?,
        ),
        None => None,
    };
    let (numerator, denominator) = new.parts.clone().unzip();
    sqlx::query_scalar!(
        "insert into metric_definitions (name, catalog, kind, label, unit, event_type_id, value_path, condition, dimensions,
                                         numerator, denominator, allowed_lateness, points_kept)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, make_interval(secs => $12),
                 make_interval(days => $13))
         on conflict (name) do update
           set catalog = excluded.catalog, kind = excluded.kind, label = excluded.label, unit = excluded.unit,
               event_type_id = excluded.event_type_id, value_path = excluded.value_path, condition = excluded.condition,
               dimensions = excluded.dimensions, numerator = excluded.numerator, denominator = excluded.denominator,
               allowed_lateness = excluded.allowed_lateness, points_kept = excluded.points_kept
           where metric_definitions.catalog is null or metric_definitions.catalog = excluded.catalog
         returning id",
        new.name,
        new.catalog,
        new.kind.as_str(),
        new.label,
        new.unit,
        event_type,
        new.value_path,
        Value::Object(condition),
        Value::Object(dimensions),
        numerator,
        denominator,
        new.allowed_lateness.map(|span| span.num_seconds() as f64),
        new.points_days
    )
    .fetch_optional(tx)
    .await
    .on_constraint("metric_definitions_name_check", || Error::invalid("name", t!("A metric needs a name.")))?
    .ok_or_else(|| Error::Conflict(t!("Another catalog defines the metric {name}.", name = new.name)))
}
