//! Importing a catalog, all of it in one transaction or nothing, and removing one.

use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::super::model::{Catalog, EventType, Metric, MetricKind};
use super::super::plan::{Plan, stored};
use super::super::{queries, read};
use crate::audit::{self, Actor, Entry};
use crate::boards;
use crate::db::{Db, Scope, Tx};
use crate::error::{Error, OnConstraint, Result};
use crate::metrics::{self, Condition, NewEventType, NewMetric};
use crate::outbox::{self, Event};
use crate::words::{self, Locale};

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    Done(Plan),
    /// Refused by the plan, or there is nothing to do; nothing was written.
    Not(Plan),
    /// It would do something else than what was shown; nothing was written.
    Otherwise(Plan),
}

impl Imported {
    pub fn is_done(&self) -> bool {
        matches!(self, Imported::Done(_))
    }
}

/// Imports the catalog of a file. `seen` is the fingerprint of the plan that somebody agreed to. `Invalid` names the keys
/// of the file that are wrong.
pub async fn import(db: &Db, actor: &Actor, content: &str, seen: Option<&str>) -> Result<Imported> {
    let catalog = read::read(content).map_err(Error::Invalid)?;
    let mut tx = begin(db).await?;
    let before = queries::before(&mut tx, &catalog).await?;
    let plan = Plan::new(&before, &catalog);
    if !plan.can_be_done() {
        return Ok(Imported::Not(plan));
    }
    if seen.is_some_and(|seen| seen != plan.fingerprint()) {
        return Ok(Imported::Otherwise(plan));
    }
    sqlx::query!(
        "insert into catalogs (name, version, title, content, imported_by) values ($1, $2, $3, $4, $5)
         on conflict (name) do update
           set version = excluded.version, title = excluded.title, content = excluded.content, imported_at = clock_now(),
               imported_by = excluded.imported_by",
        catalog.name,
        catalog.version as i32,
        catalog.title,
        content,
        actor.name
    )
    .execute(&mut *tx)
    .await?;
    for event in &catalog.events {
        metrics::define_event_type(&mut tx, &new_event_type(&catalog, event)).await?;
    }
    for metric in &catalog.metrics {
        metrics::define_metric(&mut tx, &new_metric(&catalog, metric)).await?;
    }
    if let Some(old) = &before.catalog {
        let gone = |all: Vec<&str>, new: Vec<&str>| -> Vec<String> {
            let gone = all.into_iter().filter(|name| !new.contains(name));
            gone.map(str::to_owned).collect()
        };
        let types = |catalog: &'_ Catalog| catalog.events.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        let names = |catalog: &'_ Catalog| catalog.metrics.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        let (old_types, new_types) = (types(old), types(&catalog));
        let (old_names, new_names) = (names(old), names(&catalog));
        let types = gone(refs(&old_types), refs(&new_types));
        let names = gone(refs(&old_names), refs(&new_names));
        release(&mut tx, &catalog.name, Some(&types), Some(&names)).await?;
    }
    keep_boards(&mut tx, actor, &catalog).await?;
    // the log is in one language
    let steps = words::under(Locale::default(), || Plan::new(&before, &catalog)).steps;
    let detail = json!({ "name": catalog.name, "title": catalog.title, "version": catalog.version, "steps": steps });
    commit(tx, actor, "imported", detail).await?;
    Ok(Imported::Done(plan))
}

/// What importing would do now.
pub async fn preview(db: &Db, content: &str) -> Result<Plan> {
    let catalog = read::read(content).map_err(Error::Invalid)?;
    let mut tx = db.write(&Scope::All).await?;
    let before = queries::before(&mut tx, &catalog).await?;
    Ok(Plan::new(&before, &catalog))
}

/// Removes a catalog with its boards: its events are checked no more and feed nothing, what was recorded stays.
pub async fn remove(db: &Db, actor: &Actor, name: &str) -> Result<()> {
    let mut tx = begin(db).await?;
    let removed = sqlx::query!("select title, version from catalogs where name = $1", name)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NotFound)?;
    for board in queries::boards(&mut tx, name).await? {
        boards::commands::delete_shipped(&mut tx, actor, board.id).await?;
    }
    release(&mut tx, name, None, None).await?;
    sqlx::query!("delete from catalogs where name = $1", name)
        .execute(&mut *tx)
        .await?;
    let detail = json!({ "name": name, "title": removed.title, "version": removed.version });
    commit(tx, actor, "removed", detail).await
}

/// One import at a time, so that each sees what the one before did.
async fn begin(db: &Db) -> Result<Tx> {
    let mut tx = db.write(&Scope::All).await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtext('catalogs'))")
        .execute(&mut *tx)
        .await?;
    Ok(tx)
}

async fn commit(mut tx: Tx, actor: &Actor, action: &str, detail: serde_json::Value) -> Result<()> {
    let entry = Entry::new(action, "catalog").detail(detail);
    audit::record(&mut tx, actor, &entry).await?;
    outbox::push(&mut tx, &[], &Event::DefinitionsChanged).await?;
    tx.commit().await?;
    Ok(())
}

fn refs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn new_event_type(catalog: &Catalog, event: &EventType) -> NewEventType {
    let pointer = |pointer: &Option<String>| pointer.as_ref().map(|pointer| format!("/data{pointer}"));
    NewEventType {
        name: event.name.clone(),
        catalog: catalog.name.clone(),
        allowed_lateness: lateness(catalog),
        data_schema: Some(event.schema.clone()),
        actor_path: pointer(&event.actor),
        subject_path: pointer(&event.subject),
        retention_days: catalog.retention.0.as_secs().div_ceil(24 * 3600) as i32,
    }
}

fn new_metric(catalog: &Catalog, metric: &Metric) -> NewMetric {
    let inside = |field: &super::super::model::Field| format!("/data{}", field.pointer());
    let kind = match metric.kind {
        MetricKind::Count => metrics::MetricKind::Count,
        MetricKind::Sum => metrics::MetricKind::Sum,
        MetricKind::Average => metrics::MetricKind::Avg,
        MetricKind::Distinct => metrics::MetricKind::Distinct,
        MetricKind::Ratio => metrics::MetricKind::Ratio,
    };
    debug_assert_eq!(kind.as_str(), stored(metric.kind));
    NewMetric {
        name: metric.name.clone(),
        catalog: catalog.name.clone(),
        kind,
        label: metric.title.clone(),
        unit: metric.unit.clone(),
        event_type: metric.event.clone(),
        value_path: metric.value.as_ref().map(inside),
        conditions: metric
            .condition
            .iter()
            .map(|(field, accepted)| Condition {
                pointer: inside(field),
                one_of: accepted.values().to_vec(),
            })
            .collect(),
        dimensions: metric
            .by
            .iter()
            .map(|field| (field.tag().to_owned(), inside(field)))
            .collect(),
        parts: metric.of.clone().zip(metric.per.clone()),
        allowed_lateness: lateness(catalog),
        points_days: catalog.points.0.as_secs().div_ceil(24 * 3600) as i32,
    }
}

fn lateness(catalog: &Catalog) -> Option<chrono::TimeDelta> {
    chrono::TimeDelta::from_std(catalog.allowed_lateness?.0).ok()
}

/// Takes event types and metrics out of a catalog, all of them when no names are given: they keep what was recorded, and
/// nothing feeds them.
async fn release(
    tx: &mut PgConnection,
    catalog: &str,
    types: Option<&[String]>,
    metrics: Option<&[String]>,
) -> Result<()> {
    sqlx::query!(
        "update metric_definitions set catalog = null, event_type_id = null
         where catalog = $1 and ($2::text[] is null or name = any ($2))",
        catalog,
        metrics
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update event_types set catalog = null, data_schema = null, actor_path = null, subject_path = null,
                allowed_lateness = null
         where catalog = $1 and ($2::text[] is null or name = any ($2))",
        catalog,
        types
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Boards as the file has them. One whose part of the file did not change is left as people made it since.
async fn keep_boards(tx: &mut PgConnection, actor: &Actor, catalog: &Catalog) -> Result<()> {
    for board in &catalog.boards {
        let file = board.file();
        let hash: [u8; 32] = Sha256::digest(file.text().as_bytes()).into();
        let slug = format!("{}-{}", catalog.name, board.slug);
        let (id, _) = boards::commands::provision_in(tx, actor, &slug, &file, &hash).await?;
        sqlx::query!(
            "insert into catalog_boards (catalog, slug, board_id) values ($1, $2, $3)
             on conflict (catalog, slug) do update set board_id = excluded.board_id",
            catalog.name,
            board.slug,
            id.0
        )
        .execute(&mut *tx)
        .await
        .on_constraint("catalog_boards_board_id_fkey", || {
            Error::Conflict(t!("The board was deleted meanwhile.").into())
        })?;
    }
    for gone in queries::boards(tx, &catalog.name).await? {
        if !catalog.boards.iter().any(|board| board.slug == gone.slug) {
            boards::commands::delete_shipped(tx, actor, gone.id).await?;
        }
    }
    Ok(())
}
