//! Invitations: somebody is asked to join by a link that works once, within seven days. Nobody learns by inviting
//! whether an address has an account: a new person chooses a name and a password, one with an account logs in and agrees.

pub(super) mod commands;
pub(super) mod import;
pub(super) mod queries;
mod routes;
mod view;

pub(super) use routes::routes;

use chrono::TimeDelta;

use crate::auth::{Membership, Token};

/// How long the link of an invitation works.
pub const VALID: TimeDelta = TimeDelta::days(7);

/// Somebody to invite.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    pub email: String,
    pub name: String,
    pub network_admin: bool,
    pub offers: Vec<Membership>,
}

/// An invitation that was just made, with the secret of its link: nothing shows it ever again.
#[derive(Debug)]
pub struct Made {
    pub email: String,
    pub token: Token,
}
