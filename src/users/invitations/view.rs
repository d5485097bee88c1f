//! Invitations as pages: made one by one or from a table by administrators, accepted by whoever got the link.

use askama::Template;

use super::import::Row;
use crate::web::{Layout, OptionView};

/// A facility and a role to offer.
#[derive(Clone, Debug)]
pub struct OfferRow {
    pub facilities: Vec<OptionView>,
    pub roles: Vec<OptionView>,
}

/// `GET /admin/users/new`
#[derive(Template)]
#[template(path = "admin/invite.html")]
pub struct InvitePage<'a> {
    pub layout: &'a Layout,
    pub email: String,
    pub full_name: String,
    pub offers: Vec<OfferRow>,
    pub network_admin: bool,
    /// the viewer administers the network
    pub by_network: bool,
    pub by_mail: bool,
    pub email_problem: String,
    pub name_problem: String,
    pub offers_problem: String,
}

/// A link that is shown once, where there is no mail.
#[derive(Clone, Debug)]
pub struct LinkRow {
    pub email: String,
    pub link: String,
}

/// After inviting without mail.
#[derive(Template)]
#[template(path = "admin/links.html")]
pub struct LinksPage<'a> {
    pub layout: &'a Layout,
    pub links: Vec<LinkRow>,
}

/// `GET /admin/invitations/{invitation_id}`
#[derive(Template)]
#[template(path = "admin/invitation.html")]
pub struct InvitationPage<'a> {
    pub layout: &'a Layout,
    pub id: i64,
    pub full_name: String,
    pub email: String,
    pub by: String,
    pub offers: Vec<String>,
    pub since: String,
    pub until: String,
    pub over: bool,
    pub may_send: bool,
    pub by_mail: bool,
}

/// `GET /admin/users/import`
#[derive(Template)]
#[template(path = "admin/import.html")]
pub struct ImportPage<'a> {
    pub layout: &'a Layout,
    pub text: String,
    pub problem: String,
    /// after a look at it
    pub rows: Vec<Row>,
    pub bad: usize,
    /// how many would be invited; 0 = not yet
    pub people: usize,
    pub by_mail: bool,
}

/// `GET /invitation/{invitation}`
#[derive(Template)]
#[template(path = "auth/invitation.html")]
pub struct AcceptPage<'a> {
    pub layout: &'a Layout,
    pub by: String,
    pub email: String,
    pub offers: Vec<String>,
    pub full_name: String,
    /// there is an account with this address
    pub known: bool,
    /// its owner is logged in
    pub oneself: bool,
    /// name of somebody else who is logged in here
    pub somebody_else: String,
    pub name_problem: String,
    pub password_problem: String,
}
