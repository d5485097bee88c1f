//! What a catalog is: the document that makes a domain work. Its file is TOML with these names; [`super::read`] reads it
//! and says what is wrong with it. Pure: nothing here asks the database.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::boards::{Definition, File};
use crate::config;
use crate::text_enum::text_enum;

/// One domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// of this format
    pub pulseboard_catalog: u32,
    /// short slug, unique in the installation
    pub name: String,
    /// grows with every change of the file that is imported
    pub version: u32,
    pub title: String,
    #[serde(default)]
    pub description: String,
    /// raw events are kept so long
    #[serde(default = "Period::ninety_days")]
    pub retention: Period,
    /// points of its metrics are kept so long; their sums stay
    #[serde(default = "Period::five_weeks")]
    pub points: Period,
    /// older events go to the dead letters; none: any age
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_lateness: Option<Period>,
    /// tables that enrichment looks into
    #[serde(default, rename = "table")]
    pub tables: Vec<Table>,
    #[serde(rename = "event")]
    pub events: Vec<EventType>,
    #[serde(default, rename = "metric")]
    pub metrics: Vec<Metric>,
    #[serde(default, rename = "correlation")]
    pub correlations: Vec<Correlation>,
    #[serde(default, rename = "board")]
    pub boards: Vec<StarterBoard>,
}

/// A table of the file: rows of named cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub name: String,
    /// the column that is looked for
    pub key: String,
    pub rows: Vec<BTreeMap<String, Value>>,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventType {
    /// `shop.order`, as events carry it
    #[serde(rename = "type")]
    pub name: String,
    pub title: String,
    /// JSON pointer into `data` to the id of a facility; none: events belong to whom their sender belongs to
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility: Option<String>,
    /// JSON pointers to who did it, and what it is about
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// JSON Schema of `data`
    #[serde(default = "anything")]
    pub schema: Value,
    /// fields that are added to `data`, in this order
    #[serde(default)]
    pub enrich: Vec<Enrichment>,
}

/// A field that is added: out of a table, or computed `as` an expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrichment {
    pub field: String,
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// the field whose value is looked for
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// when the table has no such row; null without
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Value>,
}

text_enum! {
    /// How a metric makes a number of many events.
    pub enum MetricKind {
        Count = "count" / "Number of events",
        Sum = "sum" / "Sum",
        Average = "average" / "Average",
        Distinct = "distinct" / "Number of different values",
        Ratio = "ratio" / "Ratio",
    }
}

/// A number that events feed. Every metric is kept by minute, hour and day, and can be asked for any window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// `shop_revenue`
    pub name: String,
    pub title: String,
    #[serde(default)]
    pub unit: String,
    pub kind: MetricKind,
    /// of all kinds but ratios
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// what is added up, averaged or told apart
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Field>,
    /// each field must have this value, or one of these
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<Field, Accepted>,
    /// fields that it is split by
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Field>,
    /// of a ratio: names of two other metrics of this catalog
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
}

/// Steps that follow each other for one key within a time; together they are an event of their own. One event fills one
/// step; whatever comes between does not matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// the event type of this catalog that it makes
    pub emits: String,
    pub title: String,
    /// the field that all events share
    pub key: Field,
    /// from the first event to the last, both included
    pub within: Period,
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub event: String,
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<Field, Accepted>,
    #[serde(default = "one")]
    pub count: usize,
}

/// A board to begin with, as a board's file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StarterBoard {
    /// tells the boards of a catalog apart
    pub slug: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub definition: Definition,
}

impl StarterBoard {
    /// As the network keeps it.
    pub fn file(&self) -> File {
        let mut definition = self.definition.clone();
        definition.settle();
        File {
            pulseboard_board: File::FORMAT,
            name: self.name.clone(),
            description: self.description.clone(),
            template_for: None,
            definition,
        }
    }
}

/// A value or several, one of which a field must have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Accepted {
    Any(Vec<Value>),
    One(Value),
}

impl Accepted {
    pub fn values(&self) -> &[Value] {
        match self {
            Accepted::Any(values) => values,
            Accepted::One(value) => std::slice::from_ref(value),
        }
    }
}

/// A field of an event's data: its name, or a JSON pointer to one that lies deeper.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field(pub String);

impl Field {
    /// Into `data`.
    pub fn pointer(&self) -> String {
        match self.0.starts_with('/') {
            true => self.0.clone(),
            false => format!("/{}", self.0.replace('~', "~0").replace('/', "~1")),
        }
    }

    /// As a tag is called: the last part.
    pub fn tag(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

/// A length of time as the settings write it: `90d`, `12h`, `10m`, `30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    fn five_weeks() -> Period {
        Period(Duration::from_secs(35 * 24 * 3600))
    }

    fn ninety_days() -> Period {
        Period(Duration::from_secs(90 * 24 * 3600))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (number, unit) = match seconds {
            _ if seconds.is_multiple_of(86_400) => (seconds / 86_400, "d"),
            _ if seconds.is_multiple_of(3600) => (seconds / 3600, "h"),
            _ if seconds.is_multiple_of(60) => (seconds / 60, "m"),
            _ => (seconds, "s"),
        };
        write!(f, "{number}{unit}")
    }
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match config::duration(&text) {
            Some(duration) if duration.subsec_millis() == 0 => Ok(Period(duration)),
            _ => Err(serde::de::Error::custom(format!(
                "`{text}` is not a length of time: expected a whole number and one of s, m, h, d, such as `10m`"
            ))),
        }
    }
}

fn anything() -> Value {
    Value::Bool(true)
}

fn one() -> usize {
    1
}
