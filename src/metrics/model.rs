//! What is measured: event types, the metrics that they feed, and tags.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;

use crate::text_enum::text_enum;

text_enum! {
    /// How a metric is made of what comes in.
    pub enum MetricKind {
        /// plain points; what they mean, their sender knows
        Gauge = "gauge" / "Gauge",
        /// one for each event
        Count = "count" / "Count",
        /// the sum of a value of each event
        Sum = "sum" / "Sum",
        /// the mean of a value over events
        Avg = "avg" / "Average",
        /// how many different values there are
        Distinct = "distinct" / "Distinct",
        /// one metric divided by another
        Ratio = "ratio" / "Ratio",
    }
}

/// Each tag with its value, by name.
pub type Tags = Vec<(String, String)>;

/// What an event must show to feed a metric: at this JSON pointer one of these values.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub pointer: String,
    pub one_of: Vec<Value>,
}

impl Condition {
    pub fn holds(&self, event: &Value) -> bool {
        event
            .pointer(&self.pointer)
            .is_some_and(|value| self.one_of.contains(value))
    }
}

/// A metric as it is kept in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub id: i32,
    pub name: Arc<str>,
    pub kind: MetricKind,
    pub label: String,
    pub unit: String,
    pub catalog: Option<String>,
    pub event_type: Option<i32>,
    /// JSON pointer into the event, `/data/price`
    pub value_path: Option<String>,
    pub conditions: Vec<Condition>,
    /// tag, and the JSON pointer of its value
    pub dimensions: Tags,
    /// of a ratio, the names of the metrics it divides
    pub parts: Option<(String, String)>,
    /// points older than this are too late; none: any age is taken
    pub allowed_lateness: Option<TimeDelta>,
}

impl Definition {
    /// A metric that nobody defined.
    pub fn unknown(name: Arc<str>) -> Self {
        Definition {
            id: 0,
            name,
            kind: MetricKind::Gauge,
            label: String::new(),
            unit: String::new(),
            catalog: None,
            event_type: None,
            value_path: None,
            conditions: Vec::new(),
            dimensions: Vec::new(),
            parts: None,
            allowed_lateness: None,
        }
    }
}

/// A type of events as it is kept in memory, with the metrics that it feeds.
#[derive(Clone, Debug, PartialEq)]
pub struct EventType {
    pub id: i32,
    pub name: Arc<str>,
    pub catalog: Option<String>,
    pub allowed_lateness: Option<TimeDelta>,
    /// JSON Schema of `data`
    pub data_schema: Option<Value>,
    pub actor_path: Option<String>,
    pub subject_path: Option<String>,
    pub metrics: Vec<Arc<Definition>>,
}

impl EventType {
    /// One that nobody defined.
    pub fn unknown(name: Arc<str>) -> Self {
        EventType {
            id: 0,
            name,
            catalog: None,
            allowed_lateness: None,
            data_schema: None,
            actor_path: None,
            subject_path: None,
            metrics: Vec::new(),
        }
    }
}

/// An event type as a catalog installs it.
#[derive(Clone, Debug)]
pub struct NewEventType {
    pub name: String,
    pub catalog: String,
    pub allowed_lateness: Option<TimeDelta>,
    pub data_schema: Option<Value>,
    pub actor_path: Option<String>,
    pub subject_path: Option<String>,
    /// whole days that raw events are kept
    pub retention_days: i32,
}

/// A metric as a catalog installs it.
#[derive(Clone, Debug)]
pub struct NewMetric {
    pub name: String,
    pub catalog: String,
    pub kind: MetricKind,
    pub label: String,
    pub unit: String,
    /// the name of an event type that is there
    pub event_type: Option<String>,
    pub value_path: Option<String>,
    pub conditions: Vec<Condition>,
    pub dimensions: Tags,
    pub parts: Option<(String, String)>,
    pub allowed_lateness: Option<TimeDelta>,
    /// whole days that its points are kept
    pub points_days: i32,
}
