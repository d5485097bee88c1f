//! What is written: a group of batches in one transaction, and the dead letters.

pub mod dead_letters;
mod events;
pub mod group;
pub mod retention;
