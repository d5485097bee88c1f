//! Logging in at an OpenID provider: which person an identity is here, what its claims grant, and the pages on the way.

mod commands;
mod queries;
mod routes;
mod view;

pub use queries::connection_of;
pub use routes::{away, log_out_address, routes};
