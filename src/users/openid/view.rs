//! The page between here and the provider.

use askama::Template;

use crate::web::Layout;

/// Takes the browser to another site. A form may not be answered with a redirect to one (the policy `form-action`), a
/// page that goes on by itself may.
#[derive(Template)]
#[template(path = "auth/away.html")]
pub struct AwayPage<'a> {
    pub layout: &'a Layout,
    /// the provider's name
    pub label: &'a str,
    pub address: &'a str,
    /// the way leads to logging out there
    pub leaving: bool,
}
