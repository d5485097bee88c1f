//! The network's own tables: how long components live, what it aims at, why units are discarded. Each line names its
//! source, and every change is in the audit log with what stood there before.

mod commands;
mod model;
mod queries;
mod routes;
mod view;

pub use commands::{save_reason, set_life, set_target};
pub use model::{Life, Reason, Target};
pub use queries::{active_reason, days_of_stock, reasons};
pub use routes::routes;
