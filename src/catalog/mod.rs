//! Catalogs: one file makes a domain work. It declares event types with their checks, the metrics they feed, how data is
//! enriched, which events together mean something, and boards to begin with.

mod check;
mod expression;
mod model;
mod plan;
mod read;
mod rules;
mod sequence;
mod shipped;

pub use model::Catalog;
pub use plan::{Act, Plan, Step, Thing};
pub use read::{LARGEST, lines, read};
pub use rules::{Filled, Found, Rules, Violation};
pub use sequence::{Candidate, Case, Pattern};
pub use shipped::{Shipped, shipped};
