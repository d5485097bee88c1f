//! The servers: a sample of each host every minute. Load follows the people, latency follows the load, memory grows until
//! the nightly restart, and in a bad hour one host is on its knees and logs errors.

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde_json::json;

use super::{Domain, World, seconds, tenths};

/// Host, memory in megabytes, processor use at rest and at work, latency in milliseconds.
const HOSTS: [(&str, f64, f64, f64, f64); 6] = [
    ("web-01", 16384.0, 8.0, 34.0, 38.0),
    ("web-02", 16384.0, 8.0, 33.0, 38.0),
    ("api-01", 32768.0, 10.0, 30.0, 22.0),
    ("api-02", 32768.0, 10.0, 31.0, 22.0),
    ("db-01", 65536.0, 14.0, 24.0, 4.0),
    ("cache-01", 32768.0, 4.0, 9.0, 0.8),
];
const CODES: [&str; 4] = ["timeout", "connection_reset", "out_of_memory", "bad_gateway"];

pub(super) struct Servers {
    /// how far each host is from its usual use: it drifts
    drift: [f64; HOSTS.len()],
}

impl Servers {
    pub fn new() -> Self {
        Servers {
            drift: [0.0; HOSTS.len()],
        }
    }
}

impl Domain for Servers {
    fn minute(&mut self, at: DateTime<Utc>, world: &mut World) {
        let (activity, incident) = (world.rhythm.activity(at), world.rhythm.incident(at));
        let struck = at.num_days_from_ce() as usize % HOSTS.len();
        let World { dice, agenda, .. } = world;
        for (place, (host, memory, rest, work, latency)) in HOSTS.into_iter().enumerate() {
            self.drift[place] = 0.92 * self.drift[place] + 1.6 * dice.normal();
            let trouble = if place == struck {
                incident.sqrt()
            } else {
                0.1 * incident
            };
            let usual = rest + work * activity + self.drift[place];
            let cpu = (usual + trouble * (98.0 - usual)).clamp(0.5, 100.0);
            let since_restart = f64::from((at.hour() + 20) % 24) / 24.0;
            let used = memory * (0.42 + 0.3 * since_restart + 0.2 * trouble + 0.005 * dice.normal()).clamp(0.1, 0.99);
            // a queue: the closer to full, the longer the wait
            let wait = latency / (1.02 - cpu / 100.0).max(0.05);
            let when = at + seconds(place as f64 * 7.0 + dice.between(0.0, 3.0));
            let requests = dice.poisson(140.0 * activity);
            agenda.add(
                when,
                "server.sampled",
                json!({
                    "host": host, "cpu": tenths(cpu), "memory_used_mb": used.round(),
                    "latency_ms": tenths(dice.heavy(wait, 0.25)), "requests": requests,
                }),
            );
            for _ in 0..dice.poisson(0.015 * activity + 2.0 * trouble * trouble) {
                let severity = ["warning", "error", "critical"][dice.weighted([5.0, 4.0, trouble].into_iter())];
                agenda.add(
                    at + seconds(dice.between(0.0, 60.0)),
                    "server.error",
                    json!({ "host": host, "severity": severity, "code": dice.pick(&CODES) }),
                );
            }
        }
    }
}
