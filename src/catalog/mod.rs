//! Catalogs: one file makes a domain work. It declares event types with their checks, the metrics they feed, how data is
//! enriched, which events together mean something, and boards to begin with.

mod check;
mod commands;
mod expression;
mod installed;
mod model;
mod plan;
mod queries;
mod read;
mod routes;
mod rules;
mod sequence;
mod shipped;
mod view;

pub use commands::correlate::{Seen, Untold, correlate, prune, told, untold};
pub use commands::{Imported, import, preview, remove};
pub use installed::Installed;
pub use model::Catalog;
pub use plan::{Act, Plan, Step, Thing};
pub use read::{BODY_LIMIT, LARGEST, lines, read};
pub use routes::routes;
pub use rules::{CorrelationRules, Filled, Found, Rules, Violation};
pub use sequence::{Candidate, Case, Pattern};
pub use shipped::{Shipped, shipped};
