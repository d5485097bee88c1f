//! What is known of installed catalogs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::model::Catalog;
use super::plan::Before;
use super::read;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::BoardId;

/// An installed catalog, as a list shows it.
#[derive(Clone, Debug)]
pub struct Installed {
    pub name: String,
    pub version: i32,
    pub title: String,
    pub imported_at: DateTime<Utc>,
    pub imported_by: String,
    pub events: i64,
    pub metrics: i64,
}

/// A board that a catalog brought.
#[derive(Clone, Debug)]
pub struct CatalogBoard {
    pub slug: String,
    pub id: BoardId,
    pub name: String,
}

pub async fn installed(db: &Db) -> Result<Vec<Installed>> {
    Ok(sqlx::query_as!(
        Installed,
        r#"select name, version, title, imported_at, imported_by,
                  (select count(*) from event_types t where t.catalog = c.name) as "events!",
                  (select count(*) from metric_definitions m where m.catalog = c.name) as "metrics!"
           from catalogs c order by title, name"#
    )
    .fetch_all(db.unscoped())
    .await?)
}

/// The file of an installed catalog, as it was imported.
pub async fn content(db: &Db, name: &str) -> Result<String> {
    sqlx::query_scalar!("select content from catalogs where name = $1", name)
        .fetch_optional(db.unscoped())
        .await?
        .ok_or(Error::NotFound)
}

/// The files of all installed catalogs.
pub async fn contents(db: &Db) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!("select content from catalogs order by name")
        .fetch_all(db.unscoped())
        .await?)
}

/// The boards that a catalog brought and that are still there.
pub async fn boards(tx: &mut PgConnection, catalog: &str) -> Result<Vec<CatalogBoard>> {
    Ok(sqlx::query_as!(
        CatalogBoard,
        r#"select c.slug, b.id as "id: BoardId", b.name from catalog_boards c join boards b on b.id = c.board_id
           where c.catalog = $1 order by c.slug"#,
        catalog
    )
    .fetch_all(tx)
    .await?)
}

/// What is there before a catalog is imported.
pub async fn before(tx: &mut PgConnection, new: &Catalog) -> Result<Before> {
    let content = sqlx::query_scalar!("select content from catalogs where name = $1", new.name)
        .fetch_optional(&mut *tx)
        .await?;
    let catalog = content
        .map(|content| read::read(&content))
        .transpose()
        .map_err(|_| Error::Conflict(t!("The installed catalog was imported by a newer program.").into()))?;
    let types: Vec<String> = new.events.iter().map(|event| event.name.clone()).collect();
    let names: Vec<String> = new.metrics.iter().map(|metric| metric.name.clone()).collect();
    let types_of_others = sqlx::query!(
        r#"select name, catalog as "catalog!" from event_types where name = any ($1) and catalog <> $2"#,
        &types,
        new.name
    )
    .fetch_all(&mut *tx)
    .await?;
    let metrics_of_others = sqlx::query!(
        r#"select name, catalog as "catalog!" from metric_definitions where name = any ($1) and catalog <> $2"#,
        &names,
        new.name
    )
    .fetch_all(&mut *tx)
    .await?;
    let recorded = sqlx::query!(
        "select name, kind from metric_definitions m
         where name = any ($1) and exists (select from series s where s.metric_id = m.id)",
        &names
    )
    .fetch_all(&mut *tx)
    .await?;
    let old_types = catalog
        .iter()
        .flat_map(|old| &old.events)
        .map(|event| event.name.clone());
    let gone: Vec<String> = old_types.filter(|name| !types.contains(name)).collect();
    // facility by facility, as the index has it
    let kept = sqlx::query_scalar!(
        "select t.name from event_types t
         where t.name = any ($1) and exists (
             select from (select id from facilities union all select 0) f
             where exists (select from events e where e.facility_id = f.id and e.type_id = t.id))",
        &gone
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Before {
        catalog,
        types_of_others: types_of_others.into_iter().map(|row| (row.name, row.catalog)).collect(),
        metrics_of_others: metrics_of_others
            .into_iter()
            .map(|row| (row.name, row.catalog))
            .collect(),
        types_with_events: kept.into_iter().collect(),
        recorded: recorded
            .into_iter()
            .map(|row| (row.name, row.kind))
            .collect::<BTreeMap<_, _>>(),
    })
}
