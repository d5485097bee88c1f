//! Finding anything by a few letters: pages, facilities, and a unit by the number on its bag. The same answer is a page of
//! its own and the list inside the command palette.

mod find;
mod routes;

pub use routes::routes;
