//! The people who use an installation: how they come to be, log in and out, what they may do, and how they like it.

mod commands;
mod invitations;
mod letters;
mod passwords;
mod people;
mod preferences;
mod queries;
mod rights;
mod routes;
mod setup;
mod view;

pub use commands::{NewUser, add, change_password, disable, end_session, reset_password, set_theme};
pub use routes::routes;
pub use setup::Setup;
