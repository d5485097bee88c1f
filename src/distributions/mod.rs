//! Distributions: units on their way from one facility to another, from dispatch to receipt, and the way back.
//! The sender's rows of stock end when the receiver books the delivery; the receiver's begin there.

pub mod commands;
pub mod figures;
mod form;
mod model;
pub mod queries;
mod routes;
mod view;

pub use commands::{Dispatch, LineReceipt, Receipt, SendBack};
pub use model::{Distribution, Filter, Line, Outcome, Status, Total};
pub use routes::routes;
