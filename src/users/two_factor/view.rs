//! Two-factor log-in as pages. A problem is a sentence, or empty when all is well.

use askama::Template;

use super::qr::{QrView, qr};
use super::queries::State;
use crate::auth::Totp;
use crate::error::{Problems, Result};
use crate::web::Layout;

/// The secret to put into an app. It is somebody's own and shown to nobody else.
pub struct SecretView {
    pub qr: QrView,
    /// for typing, in groups of four
    pub base32: String,
    /// opens an app on the same device
    pub address: String,
    pub problem: String,
}

impl SecretView {
    pub fn new(totp: &Totp, problems: &Problems) -> Result<Self> {
        let address = totp.address()?;
        Ok(SecretView {
            qr: qr(&address)?,
            base32: totp.base32(),
            address,
            problem: problem(problems, "code"),
        })
    }
}

/// `GET /login/code`: the second step of a log-in.
#[derive(Template)]
#[template(path = "auth/code.html")]
pub struct CodePage<'a> {
    pub layout: &'a Layout,
    pub problem: String,
}

/// `GET /login/two-factor`: somebody whose role demands a second factor and who has none.
#[derive(Template)]
#[template(path = "auth/two_factor_first.html")]
pub struct FirstPage<'a> {
    pub layout: &'a Layout,
    pub secret: SecretView,
}

/// The recovery codes, once.
#[derive(Template)]
#[template(path = "auth/recovery_codes.html")]
pub struct CodesPage<'a> {
    pub layout: &'a Layout,
    pub codes: Vec<String>,
    /// two-factor log-in was turned on just now
    pub just_on: bool,
    pub next: String,
}

/// An OpenID provider on the page of one's own ways in.
pub struct ProviderView {
    pub label: String,
    pub connected: bool,
}

/// `GET /account/two-factor`
#[derive(Template)]
#[template(path = "auth/two_factor.html")]
pub struct TwoFactorPage<'a> {
    pub layout: &'a Layout,
    pub on: bool,
    pub codes_left: i64,
    /// while it is being set up
    pub secret: Option<SecretView>,
    pub demanded: bool,
    pub has_password: bool,
    pub renew_problem: String,
    pub password_problem: String,
    pub code_problem: String,
    pub provider: Option<ProviderView>,
}

impl TwoFactorPage<'_> {
    pub fn codes_left(state: State) -> i64 {
        match state {
            State::On { codes_left } => codes_left,
            _ => 0,
        }
    }
}

pub fn problem(problems: &Problems, field: &str) -> String {
    problems.of(field).unwrap_or_default().to_owned()
}
