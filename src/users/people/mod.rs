//! The people of an installation as their administrators see and change them: a list, and a page for each.

pub(super) mod commands;
mod export;
pub(super) mod queries;
pub(super) mod routes;
mod view;

pub use queries::whom;
pub(super) use routes::routes;
