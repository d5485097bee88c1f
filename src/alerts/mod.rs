//! Alerts: rules over the figures that boards show, the life of each alert, and how people hear of it. A round looks every
//! two seconds at the facilities of which something happened; the state machine and the grouping are pure functions.

mod channel;
pub mod commands;
mod failure;
mod group;
mod live;
mod mail;
pub mod model;
mod observe;
pub mod queries;
mod reach;
mod routes;
mod state;
mod template;
mod view;

use std::sync::Arc;

pub use channel::signature;
pub use commands::{deliver, prune, round};
pub use reach::Reach;
pub use routes::routes;
pub use state::{Instance, Phase, Seen, Timing, Turn, step};

use crate::auth::Vault;
use crate::mail::Mail;

/// How often a round looks, in seconds.
pub const EVERY: u64 = 2;

/// What messages need to leave the house. Cheap to clone.
#[derive(Clone)]
pub struct Outlets {
    pub vault: Vault,
    pub mail: Mail,
    pub reach: Reach,
    /// scheme and host of our pages
    pub base_url: Arc<str>,
}
