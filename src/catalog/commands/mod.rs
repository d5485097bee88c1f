//! What changes about catalogs, and the writing side of correlation, which runs inside the pipeline's transactions.

pub mod correlate;
mod import;

pub use import::{Imported, import, preview, remove};
