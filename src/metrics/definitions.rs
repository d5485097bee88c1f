//! Event types and metrics in memory: every event needs them, and they change when a catalog is installed. An instance
//! that missed the news of a change reads them anew within half a minute.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use serde_json::Value;
use sqlx::PgConnection;

use super::commands::define;
use super::model::{Condition, Definition, EventType, MetricKind, Tags};
use crate::db::Db;
use crate::error::Result;

const LONGEST_MEMORY: Duration = Duration::from_secs(30);
/// Names that may come up by being sent; catalogs may define more.
const MOST_NAMES: usize = 20_000;

/// All event types and metrics at one time.
#[derive(Debug, Default)]
pub struct Definitions {
    types: HashMap<Arc<str>, Arc<EventType>>,
    metrics: HashMap<Arc<str>, Arc<Definition>>,
}

impl Definitions {
    pub fn event_type(&self, name: &str) -> Option<&Arc<EventType>> {
        self.types.get(name)
    }

    pub fn metric(&self, name: &str) -> Option<&Arc<Definition>> {
        self.metrics.get(name)
    }

    /// What `Registry::with` would answer, without making anything: names that are not known get number 0.
    pub fn imagine(&self, types: &HashSet<&str>, metrics: &HashSet<&str>) -> Definitions {
        let mut all = Definitions {
            types: self.types.clone(),
            metrics: self.metrics.clone(),
        };
        for name in types {
            let name: Arc<str> = (*name).into();
            let unknown = || Arc::new(EventType::unknown(name.clone()));
            all.types.entry(name.clone()).or_insert_with(unknown);
        }
        for name in metrics {
            let name: Arc<str> = (*name).into();
            let unknown = || Arc::new(Definition::unknown(name.clone()));
            all.metrics.entry(name.clone()).or_insert_with(unknown);
        }
        all
    }

    pub fn metrics(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.metrics.values()
    }

    pub fn event_types(&self) -> impl Iterator<Item = &Arc<EventType>> {
        self.types.values()
    }
}

/// The definitions, kept. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    db: Db,
    known: Arc<ArcSwapOption<(Instant, Arc<Definitions>)>>,
}

impl Registry {
    pub fn new(db: Db) -> Self {
        Registry {
            db,
            known: Arc::default(),
        }
    }

    pub async fn current(&self) -> Result<Arc<Definitions>> {
        match &*self.known.load() {
            Some(known) if known.0.elapsed() < LONGEST_MEMORY => Ok(known.1.clone()),
            _ => self.reload().await,
        }
    }

    /// A catalog was installed or changed.
    pub fn forget(&self) {
        self.known.store(None);
    }

    /// The definitions with these names among them: an event type that nobody defined feeds nothing, a metric is a gauge.
    /// Some stay unknown once there are very many.
    pub async fn with(&self, types: &HashSet<&str>, metrics: &HashSet<&str>) -> Result<Arc<Definitions>> {
        let current = self.current().await?;
        let missing = |names: &HashSet<&str>, known: &dyn Fn(&str) -> bool| -> Vec<String> {
            let mut names: Vec<String> = names
                .iter()
                .filter(|name| !known(name))
                .map(|name| (*name).into())
                .collect();
            // in one order, so that two who add the same names do not block each other
            names.sort();
            names
        };
        let types = missing(types, &|name| current.types.contains_key(name));
        let metrics = missing(metrics, &|name| current.metrics.contains_key(name));
        let full = current.types.len().max(current.metrics.len()) >= MOST_NAMES;
        if full || (types.is_empty() && metrics.is_empty()) {
            return Ok(current);
        }
        define::name(&self.db, &types, &metrics).await?;
        self.reload().await
    }

    async fn reload(&self) -> Result<Arc<Definitions>> {
        let asked = Instant::now();
        let fresh = Arc::new(load(&self.db).await?);
        self.known.store(Some(Arc::new((asked, fresh.clone()))));
        Ok(fresh)
    }
}

async fn load(db: &Db) -> Result<Definitions> {
    let mut definitions = Definitions::default();
    let mut fed: HashMap<i32, Vec<Arc<Definition>>> = HashMap::new();
    for definition in metrics(&mut *db.unscoped().acquire().await?, None).await? {
        if let Some(event_type) = definition.event_type {
            fed.entry(event_type).or_default().push(definition.clone());
        }
        definitions.metrics.insert(definition.name.clone(), definition);
    }
    let rows = sqlx::query!(
        r#"select id, name, catalog, data_schema, actor_path, subject_path,
                  extract(epoch from allowed_lateness)::float8 as lateness
           from event_types order by id"#
    )
    .fetch_all(db.unscoped())
    .await?;
    for row in rows {
        let event_type = Arc::new(EventType {
            id: row.id,
            name: row.name.into(),
            catalog: row.catalog,
            allowed_lateness: row.lateness.map(seconds),
            data_schema: row.data_schema,
            actor_path: row.actor_path,
            subject_path: row.subject_path,
            metrics: fed.remove(&row.id).unwrap_or_default(),
        });
        definitions.types.insert(event_type.name.clone(), event_type);
    }
    Ok(definitions)
}

/// One metric with those that it divides; nothing when there is no such metric.
pub async fn one(connection: &mut PgConnection, name: &str) -> Result<Definitions> {
    let mut definitions = Definitions::default();
    for definition in metrics(connection, Some(name)).await? {
        definitions.metrics.insert(definition.name.clone(), definition);
    }
    Ok(definitions)
}

/// All metrics, or one with its parts.
async fn metrics(connection: &mut PgConnection, name: Option<&str>) -> Result<Vec<Arc<Definition>>> {
    let rows = sqlx::query!(
        r#"select id, name, kind as "kind: MetricKind", label, unit, catalog, event_type_id, value_path, condition, dimensions,
                  numerator, denominator, extract(epoch from allowed_lateness)::float8 as lateness
           from metric_definitions m
           where $1::text is null or name = $1
                 or exists (select from metric_definitions whole
                            where whole.name = $1 and m.name in (whole.numerator, whole.denominator))
           order by id"#,
        name
    )
    .fetch_all(connection)
    .await?;
    let definitions = rows.into_iter().map(|row| {
        Arc::new(Definition {
            id: row.id,
            name: row.name.into(),
            kind: row.kind,
            label: row.label,
            unit: row.unit,
            catalog: row.catalog,
            event_type: row.event_type_id,
            value_path: row.value_path,
            conditions: conditions(row.condition),
            dimensions: dimensions(row.dimensions),
            parts: row.numerator.zip(row.denominator),
            allowed_lateness: row.lateness.map(seconds),
        })
    });
    Ok(definitions.collect())
}

fn seconds(seconds: f64) -> chrono::TimeDelta {
    chrono::TimeDelta::seconds(seconds as i64)
}

fn conditions(json: Value) -> Vec<Condition> {
    let Value::Object(map) = json else { return Vec::new() };
    map.into_iter()
        .map(|(pointer, one_of)| Condition {
            pointer,
            one_of: match one_of {
                Value::Array(values) => values,
                one => vec![one],
            },
        })
        .collect()
}

fn dimensions(json: Value) -> Tags {
    let Value::Object(map) = json else { return Vec::new() };
    map.into_iter()
        .filter_map(|(tag, pointer)| Some((tag, pointer.as_str()?.to_owned())))
        .collect()
}
