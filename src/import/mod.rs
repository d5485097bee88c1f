//! Events and points from files: CSV, lines of JSON and Parquet, plain or packed. Rows are read one after the other, stored in
//! batches, and each batch notes in its own transaction how far it went.

mod commands;
mod reader;
mod row;
mod run;

pub use row::{Defaults, Kind};
pub use run::{Plan, Progress, Report, check, run};
