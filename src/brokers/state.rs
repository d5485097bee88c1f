//! How each broker is doing, as this instance sees it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// What an instance does with a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connecting,
    Consuming,
    /// the last try failed; another follows
    Waiting,
    Stopped,
}

/// One broker of the settings.
#[derive(Clone, Debug)]
pub struct BrokerState {
    /// `RabbitMQ` or `Kafka`
    pub kind: &'static str,
    pub name: String,
    /// queue or topics
    pub place: String,
    pub phase: Phase,
    /// of the phase
    pub since: DateTime<Utc>,
    /// messages that wait at the broker for this instance; none: not known
    pub behind: Option<u64>,
    /// messages taken and dead letters since the start
    pub taken: u64,
    pub dead: u64,
    pub last_error: Option<(DateTime<Utc>, String)>,
    /// partitions that this instance reads, and all
    pub share: Option<(usize, usize)>,
}

/// All brokers of this instance. Cheap to clone.
#[derive(Clone, Default)]
pub struct States(Arc<Mutex<Vec<BrokerState>>>);

impl States {
    pub fn all(&self) -> Vec<BrokerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add(&self, kind: &'static str, name: &str, place: &str) -> Reporter {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(BrokerState {
            kind,
            name: name.to_owned(),
            place: place.to_owned(),
            phase: Phase::Connecting,
            since: Utc::now(),
            behind: None,
            taken: 0,
            dead: 0,
            last_error: None,
            share: None,
        });
        Reporter {
            states: self.clone(),
            at: all.len() - 1,
        }
    }
}

/// Through which a consumer says how it is.
#[derive(Clone)]
pub(super) struct Reporter {
    states: States,
    at: usize,
}

impl Reporter {
    pub fn phase(&self, phase: Phase) {
        self.change(|state| {
            if state.phase != phase {
                state.phase = phase;
                state.since = Utc::now();
            }
        });
    }

    /// Notes what went wrong, for the page, and for the log in words that name the broker.
    pub fn failed(&self, error: &str) {
        self.change(|state| {
            tracing::warn!(
                broker = state.name,
                kind = state.kind,
                error,
                "a broker failed; it is tried again"
            );
            metrics::counter!("pulseboard_broker_errors_total", "broker" => state.name.clone()).increment(1);
            state.last_error = Some((Utc::now(), error.to_owned()));
        });
    }

    pub fn behind(&self, behind: Option<u64>) {
        self.change(|state| {
            state.behind = behind;
            if let Some(behind) = behind {
                metrics::gauge!("pulseboard_broker_behind", "broker" => state.name.clone()).set(behind as f64);
            }
        });
    }

    pub fn took(&self, taken: usize, dead: usize) {
        self.change(|state| {
            state.taken += taken as u64;
            state.dead += dead as u64;
            let name = state.name.clone();
            metrics::counter!("pulseboard_broker_messages_total", "broker" => name).increment(taken as u64);
        });
    }

    pub fn share(&self, own: usize, all: usize) {
        self.change(|state| state.share = Some((own, all)));
    }

    fn change(&self, change: impl FnOnce(&mut BrokerState)) {
        let mut all = self.states.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = all.get_mut(self.at) {
            change(state);
        }
    }
}
