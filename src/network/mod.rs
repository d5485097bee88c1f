//! The network: all facilities that a person may see, and where blood can be found now.

mod find;
mod map;
mod queries;
mod routes;
mod view;

pub use routes::routes;
