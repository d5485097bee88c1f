//! The people who use an installation: logging in and out, their account, and how the first of them comes to be.

mod arrive;
mod commands;
mod doors;
mod openid;
mod queries;
mod routes;
mod setup;
mod two_factor;
mod view;

pub use commands::{NewUser, add, change_password, disable, end_session, reset_password, set_theme};
pub use doors::Doors;
pub use queries::find_by_email;
pub use routes::{device, routes};
pub use setup::Setup;
pub use two_factor::commands::remove_second_factor;
