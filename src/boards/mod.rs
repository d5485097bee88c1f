//! The board of a facility: a page of widgets, each also a fragment of its own. What every viewer sees alike is rendered
//! once for each change, kept ready with its compressed form, and sent to every open screen.

mod charts;
mod compose;
mod lists;
mod matrix;
mod pages;
mod past;
mod publish;
mod routes;
mod snapshot;
mod tiles;
mod view;

pub use publish::{Boards, Found};
pub use routes::routes;
pub use snapshot::Snapshot;
