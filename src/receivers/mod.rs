//! Metrics as Prometheus and OpenTelemetry push them, over HTTP with a key: remote-write 1.0 and 2.0, and OTLP. Each is answered
//! as its protocol wants it, since that decides whether the sender tries again.

mod messages;
mod otlp;
mod remote_write;
mod routes;
mod store;

pub use routes::{BODY_LIMIT, routes};

use chrono::{DateTime, Utc};

use crate::ingest::Point;

/// What a request says.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub points: Vec<Point>,
    /// values that cannot be points
    pub refused: usize,
    /// why the first of them was refused
    pub reason: Option<String>,
}

impl Reading {
    fn refuse(&mut self, count: usize, reason: String) {
        self.refused += count;
        self.reason.get_or_insert(reason);
    }
}

fn point(metric: &str, value: f64, at: DateTime<Utc>, tags: Vec<(String, String)>) -> Point {
    Point {
        metric: metric.to_owned(),
        value,
        time: Some(at),
        tags,
        facility: None,
    }
}

/// `cpu{host=web-01} 92.5`
#[cfg(test)]
fn line(point: &Point) -> String {
    let mut tags: Vec<String> = point.tags.iter().map(|(tag, value)| format!("{tag}={value}")).collect();
    tags.sort();
    format!("{}{{{}}} {}", point.metric, tags.join(","), point.value)
}
