//! API keys: what programs ask with. Made and revoked by administrators for facilities that they manage; the key itself is
//! shown once and never kept.

mod commands;
mod queries;
mod routes;

pub use commands::{NewKey, create, create_for_demo, revoke};
pub use routes::routes;
