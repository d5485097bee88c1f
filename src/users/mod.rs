//! The people who use an installation: logging in and out, their account, and how the first of them comes to be.

mod commands;
mod queries;
mod routes;
mod setup;
mod view;

pub use commands::{NewUser, add, change_password, disable, end_session, reset_password, set_theme};
pub use routes::{device, routes};
pub use setup::Setup;
