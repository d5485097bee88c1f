//! The second factor: an authenticator app, ten recovery codes, and the second step of a log-in that asks for one of
//! them.

pub mod commands;
mod model;
mod qr;
mod queries;
mod routes;
mod view;

pub use commands::begin;
pub use queries::{State, state_of};
pub use routes::routes;
pub use view::ProviderView;
