//! A forgotten password: a link by mail, good once and for half an hour. Asking for it says nothing about who has an
//! account, in words or in time.

pub(super) mod commands;
mod routes;

pub(super) use routes::{LinkOverPage, from_link, routes};

use chrono::TimeDelta;

/// How long the link works.
pub const VALID: TimeDelta = TimeDelta::minutes(30);
