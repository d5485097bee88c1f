//! The synthetic network: invented facilities, people and blood, for demonstrations, tests and benchmarks.
//! [`seed`] fills an empty database with a past that obeys every rule of the product, [`simulate`] keeps it alive.

mod calendar;
mod close;
mod commands;
mod dice;
mod domains;
mod feed;
mod history;
mod ledger;
mod names;
mod network;
mod orders;
mod population;
mod simulator;
mod sites;
mod transport;
mod users;

pub use commands::seed;
pub use domains::{DOMAINS, Happening, Stream};
pub use feed::{feed, item};
pub use simulator::{Pace, simulate, simulate_at};
pub use users::{DemoUser, demo_users};

/// What to invent. The same plan at the same instant gives the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// of three sizes, about 1 blood center to 3 hospitals to 6 clinics
    pub facilities: usize,
    /// of history, today included
    pub days: u32,
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            facilities: 40,
            days: 90,
            seed: 1,
        }
    }
}

/// How far the seeding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// days of history written
    pub day: u32,
    pub days: u32,
    /// rows written so far, all tables
    pub rows: u64,
}

/// What was written: rows by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    pub facilities: u64,
    pub inventory: u64,
    pub movements: u64,
    pub requests: u64,
    pub distributions: u64,
    pub summaries: u64,
    pub audited: u64,
}
