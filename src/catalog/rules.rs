//! Catalogs made ready for work: what the pipeline asks of each event. Schemas and expressions are read once, when
//! catalogs change, and then only applied.

use std::collections::HashMap;
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;

use super::expression::{Expression, equal};
use super::model::{Accepted, Catalog, Correlation, EventType, Field};
use super::sequence::Pattern;

/// Letters of a correlation's key at most.
const LONGEST_KEY: usize = 200;

/// What all installed catalogs together say of events.
#[derive(Default)]
pub struct Rules {
    types: HashMap<String, TypeRules>,
    correlations: Vec<Arc<CorrelationRules>>,
    /// which steps an event of a type may fill: places in `correlations`, and of the step
    steps: HashMap<String, Vec<(usize, usize)>>,
}

struct TypeRules {
    validator: Validator,
    facility: Option<String>,
    actor: Option<String>,
    subject: Option<String>,
    enrich: Vec<(String, Added)>,
}

enum Added {
    Computed(Expression),
    LookedUp {
        pointer: String,
        cells: Arc<HashMap<String, Value>>,
        otherwise: Value,
    },
}

/// A correlation ready for work.
#[derive(Debug, PartialEq)]
pub struct CorrelationRules {
    /// the event type that it makes
    pub emits: String,
    pub pattern: Pattern,
    key: String,
    conditions: Vec<Vec<(String, Vec<Value>)>>,
}

/// Why an event's data cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("data{path}: {reason}")]
pub struct Violation {
    /// JSON pointer into `data`, empty for the whole
    pub path: String,
    pub reason: String,
}

/// What is found in an event's data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// as the data says it, where the type says where
    pub facility: Option<Value>,
    pub actor: Option<String>,
    pub subject: Option<String>,
}

/// A step of a correlation that an event can fill, and for which key.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    pub correlation: Arc<CorrelationRules>,
    pub key: String,
    /// a bit for each step
    pub steps: u8,
}

impl Rules {
    /// Of catalogs that were read, and so are whole. What does not compile is left out with a line in the log: it came
    /// from a newer program.
    pub fn new(catalogs: &[Catalog]) -> Rules {
        let mut rules = Rules::default();
        for catalog in catalogs {
            for event in &catalog.events {
                match TypeRules::new(catalog, event) {
                    Ok(found) => {
                        rules.types.insert(event.name.clone(), found);
                    }
                    Err(error) => tracing::error!(event = event.name, %error, "an event type cannot be used"),
                }
            }
            for correlation in &catalog.correlations {
                let place = rules.correlations.len();
                for (at, step) in correlation.steps.iter().enumerate().take(8) {
                    rules.steps.entry(step.event.clone()).or_default().push((place, at));
                }
                rules.correlations.push(Arc::new(CorrelationRules::new(correlation)));
            }
        }
        rules
    }

    /// Whether a catalog says something of this type.
    pub fn know(&self, event_type: &str) -> bool {
        self.types.contains_key(event_type)
    }

    /// Whether data of this type is kept with more than what came.
    pub fn enrich(&self, event_type: &str) -> bool {
        self.types.get(event_type).is_some_and(|rules| !rules.enrich.is_empty())
    }

    /// Checks an event's data and adds what enrichment adds. An event of a type that no catalog knows passes as it is.
    pub fn take(&self, event_type: &str, data: &mut Value) -> Result<Found, Violation> {
        let Some(rules) = self.types.get(event_type) else {
            return Ok(Found::default());
        };
        if let Some(error) = rules.validator.iter_errors(data).next() {
            return Err(Violation {
                path: error.instance_path().to_string(),
                reason: shortened(&error.to_string()),
            });
        }
        for (field, added) in &rules.enrich {
            let value = match added {
                Added::Computed(expression) => expression.value(data),
                Added::LookedUp {
                    pointer,
                    cells,
                    otherwise,
                } => {
                    let cell = data.pointer(pointer).and_then(|value| cells.get(&name_of(value)));
                    cell.unwrap_or(otherwise).clone()
                }
            };
            if let Value::Object(fields) = data {
                fields.insert(field.clone(), value);
            }
        }
        let at = |pointer: &Option<String>| pointer.as_deref().and_then(|pointer| data.pointer(pointer));
        let name = |pointer: &Option<String>| at(pointer).filter(|value| !value.is_null()).map(name_of);
        Ok(Found {
            facility: at(&rules.facility).cloned(),
            actor: name(&rules.actor),
            subject: name(&rules.subject),
        })
    }

    /// The steps of correlations that an event with this (enriched) data can fill.
    pub fn steps(&self, event_type: &str, data: &Value) -> Vec<Filled> {
        let mut filled: Vec<Filled> = Vec::new();
        for &(correlation, step) in self.steps.get(event_type).into_iter().flatten() {
            let rules = &self.correlations[correlation];
            let key = data.pointer(&rules.key).filter(|value| !value.is_null());
            let Some(key) = key.filter(|_| holds(&rules.conditions[step], data)) else {
                continue;
            };
            match filled.iter_mut().find(|one| Arc::ptr_eq(&one.correlation, rules)) {
                Some(known) => known.steps |= 1 << step,
                None => filled.push(Filled {
                    correlation: rules.clone(),
                    key: name_of(key).chars().take(LONGEST_KEY).collect(),
                    steps: 1 << step,
                }),
            }
        }
        filled
    }
}

impl TypeRules {
    fn new(catalog: &Catalog, event: &EventType) -> anyhow::Result<TypeRules> {
        let enrich = event.enrich.iter().map(|one| {
            let added = match (&one.expression, &one.table) {
                (Some(text), _) => Added::Computed(Expression::parse(text)?),
                (None, table) => {
                    let table = catalog.tables.iter().find(|found| Some(&found.name) == table.as_ref());
                    let table = table.ok_or_else(|| anyhow::anyhow!("no table for {}", one.field))?;
                    let column = one.column.as_deref().unwrap_or_default();
                    let cells = table.rows.iter().filter_map(|row| {
                        let key = row.get(&table.key).map(name_of)?;
                        Some((key, row.get(column)?.clone()))
                    });
                    Added::LookedUp {
                        pointer: one.key.as_ref().map(Field::pointer).unwrap_or_default(),
                        cells: Arc::new(cells.collect()),
                        otherwise: one.otherwise.clone().unwrap_or(Value::Null),
                    }
                }
            };
            Ok((one.field.clone(), added))
        });
        Ok(TypeRules {
            validator: jsonschema::validator_for(&event.schema)
                .map_err(|error| anyhow::anyhow!("its schema: {error}"))?,
            facility: event.facility.clone(),
            actor: event.actor.clone(),
            subject: event.subject.clone(),
            enrich: enrich.collect::<anyhow::Result<_>>()?,
        })
    }
}

impl CorrelationRules {
    fn new(correlation: &Correlation) -> CorrelationRules {
        let condition = |(field, accepted): (&Field, &Accepted)| (field.pointer(), accepted.values().to_vec());
        let steps = &correlation.steps;
        CorrelationRules {
            emits: correlation.emits.clone(),
            pattern: Pattern {
                counts: steps.iter().map(|step| step.count).collect(),
                within: chrono::TimeDelta::from_std(correlation.within.0).unwrap_or(chrono::TimeDelta::MAX),
            },
            key: correlation.key.pointer(),
            conditions: steps
                .iter()
                .map(|step| step.condition.iter().map(condition).collect())
                .collect(),
        }
    }
}

/// Whether every pointer shows one of its values.
fn holds(condition: &[(String, Vec<Value>)], data: &Value) -> bool {
    condition.iter().all(|(pointer, accepted)| {
        let found = data.pointer(pointer).unwrap_or(&Value::Null);
        accepted.iter().any(|value| equal(value, found))
    })
}

/// A value as a name: a text without its quotes.
pub fn name_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The reason may quote the whole document.
fn shortened(reason: &str) -> String {
    const LONGEST: usize = 300;
    match reason.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
