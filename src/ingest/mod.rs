//! Events and points on their way in: one bounded buffer, from which everything that waits is checked, freed of
//! duplicates, written and summed up in one transaction. Whoever sent it is answered after its commit.

mod body;
mod cloud_events;
mod commands;
mod model;
mod once;
mod packed;
mod pipeline;
mod prepare;
mod queries;
mod replay;
mod routes;
mod wire;

pub use cloud_events::{documents as read_events, structured as read_event};
pub use commands::dead_letters::{Cause, DeadLetter, keep as keep_dead_letter};
pub use commands::group::{Once, Outcome};
pub use commands::retention::keep;
pub use model::{Batch, Incoming, Item, Origin, Point, Verdict};
pub use once::answer_once;
pub use packed::read as read_body;
pub use pipeline::{Effect, Pipeline, Refused, WRITERS};
pub use routes::{BODY_LIMIT, letter_routes, routes};
