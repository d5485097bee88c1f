//! Requests: one need of a facility, put to one or several others, of whom the first that accepts closes the rest.
//! Both sides read the same rows; each step, with its time and reason, is a line of the request's timeline.

pub mod commands;
pub mod figures;
mod form;
mod model;
pub mod queries;
mod routes;
mod view;

pub use model::{
    Acceptance, Delivery, Filter, NewRequest, Recipient, RecipientStatus, Request, RequestStatus, Side, State, Step,
    StepKind, Urgency, href,
};
pub use routes::routes;
pub(crate) use view::{RejectView, TabView, amount, component_options, group_options, when};
