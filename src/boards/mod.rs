//! Boards: documents of widgets that belong to people, facilities, regions or the network. What every viewer sees alike is
//! rendered once for each change, kept ready with its compressed form, and sent to every open screen.

mod ask;
mod builtin;
mod charts;
pub mod commands;
mod compose;
mod diff;
mod filters;
mod kept;
mod library;
pub mod links;
mod lists;
mod matrix;
mod model;
mod pages;
mod past;
mod people;
pub mod provision;
mod publish;
mod queries;
mod renderings;
mod rights;
mod routes;
mod snapshot;
mod template;
mod tiles;
mod view;

pub use ask::{Address, Ask, Target};
pub use commands::By;
pub use links::LinkRates;
pub use model::{Board, Definition, File, Owner};
pub use pages::LinkRow;
pub use publish::{Boards, Found, From};
pub use queries::default_of_person;
pub use rights::{Level, Reader, Right, Share, With, may};
pub use routes::links::all as links_to_end;
pub use routes::{routes, seen_by};
pub use snapshot::{SLIDES, Snapshot};
