//! Administering places: facilities with their hierarchy, their blood banks and their working calendar.
//! What a facility is to everybody else stands in `facilities`; here it is added, changed and shut down.

mod commands;
mod edit;
mod form;
mod list;
mod map;
mod model;
mod queries;
mod routes;
mod view;

pub use commands::{add, change, deactivate, reactivate, remove_bank, save_bank, set_exception, set_week};
pub use model::Facts;
pub use routes::routes;
