//! Stock: units with their donation numbers and lots of alike units, from receipt to transfusion, discard or transfer.
//! Every change goes through [`ledger`], which moves a row and writes the movement that explains it.

pub mod commands;
pub mod figures;
pub mod flows;
pub mod ledger;
mod model;
pub mod pick;
pub mod queries;
mod routes;

pub use commands::{end_reservations, expire_due, next_due};
pub use model::{Cursor, Filter, Level, Movement, NewUnit, Phase, Thresholds, Unit};
pub use queries::everywhere;
pub use routes::routes;
