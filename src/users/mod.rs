//! The people who use an installation: how they come to be, log in and out, what they may do, and how they like it.

mod arrive;
mod commands;
mod doors;
mod invitations;
mod letters;
mod openid;
mod passwords;
mod people;
mod preferences;
mod queries;
mod rights;
mod routes;
mod setup;
mod two_factor;
mod view;

pub use commands::{NewUser, add, change_password, disable, end_session, reset_password, set_theme};
pub use doors::Doors;
pub use people::whom;
pub use queries::find_by_email;
pub use routes::{device, routes};
pub use setup::Setup;
pub use two_factor::commands::remove_second_factor;
