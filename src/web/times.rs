//! How long requests take, by route and kind of status.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dashmap::DashMap;
use http::StatusCode;
use metrics::Histogram;

const STATUS: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// The histograms by route, then by status. Cheap to clone. They are remembered, since looking one up by its name and
/// labels takes longer than recording.
#[derive(Clone, Debug, Default)]
pub struct Times(Arc<DashMap<String, [OnceLock<Histogram>; STATUS.len()]>>);

impl Times {
    pub fn record(&self, route: &str, status: StatusCode, took: Duration) {
        let kind = match status.as_u16() / 100 {
            2 => 0,
            3 => 1,
            4 => 2,
            _ => 3,
        };
        let made = || metrics::histogram!("pulseboard_http_request_seconds", "route" => route.to_owned(), "status" => STATUS[kind]);
        if let Some(known) = self.0.get(route) {
            known[kind].get_or_init(made).record(took);
            return;
        }
        self.0.entry(route.to_owned()).or_default()[kind]
            .get_or_init(made)
            .record(took);
    }
}
