//! Log-in, first set-up and one's own account as pages. A problem is a sentence, or empty when all is well.

use askama::Template;

use super::Doors;
use super::commands::NewUser;
use crate::error::Problems;
use crate::web::Layout;

/// `GET /login`; `layout.user_name` is empty.
#[derive(Template)]
#[template(path = "auth/login.html")]
pub struct LoginPage<'a> {
    pub layout: &'a Layout,
    pub email: String,
    /// local path to go to afterwards
    pub next: String,
    /// wrong address or password: one sentence for both fields
    pub problem: String,
    /// the OpenID provider's name; none without one
    pub provider: Option<String>,
}

impl<'a> LoginPage<'a> {
    pub fn new(layout: &'a Layout, next: &str, doors: &Doors) -> Self {
        LoginPage {
            provider: doors.provider().map(|provider| provider.settings().label.clone()),
            layout,
            email: String::new(),
            next: next.into(),
            problem: String::new(),
        }
    }
}

/// `GET /setup`, until the first account exists.
#[derive(Template)]
#[template(path = "auth/setup.html")]
pub struct SetupPage<'a> {
    pub layout: &'a Layout,
    /// the one that the server printed
    pub code: String,
    pub code_problem: String,
    pub full_name: String,
    pub email: String,
    pub name_problem: String,
    pub email_problem: String,
    pub password_problem: String,
}

impl<'a> SetupPage<'a> {
    pub fn new(layout: &'a Layout, code: String) -> Self {
        let nothing = String::new;
        SetupPage {
            layout,
            code,
            code_problem: nothing(),
            full_name: nothing(),
            email: nothing(),
            name_problem: nothing(),
            email_problem: nothing(),
            password_problem: nothing(),
        }
    }

    pub fn again(layout: &'a Layout, code: String, new: NewUser, problems: &Problems) -> Self {
        SetupPage {
            code_problem: problem(problems, "code"),
            full_name: new.name,
            email: new.email,
            name_problem: problem(problems, "name"),
            email_problem: problem(problems, "email"),
            password_problem: problem(problems, "password"),
            ..SetupPage::new(layout, code)
        }
    }
}

#[derive(Clone, Debug)]
pub struct SessionRow {
    /// public name of the session, never its secret
    pub id: String,
    /// `Firefox on Linux`
    pub device: String,
    pub address: String,
    pub since_iso: String,
    pub since: String,
    pub seen_iso: String,
    pub seen: String,
    /// the session that asks
    pub here: bool,
}

/// `GET /account`
#[derive(Template)]
#[template(path = "auth/account.html")]
pub struct AccountPage<'a> {
    pub layout: &'a Layout,
    pub email: String,
    pub current_problem: String,
    pub new_problem: String,
    pub sessions: Vec<SessionRow>,
}

impl<'a> AccountPage<'a> {
    pub fn new(layout: &'a Layout, email: &str, sessions: Vec<SessionRow>, problems: &Problems) -> Self {
        AccountPage {
            layout,
            email: email.into(),
            current_problem: problem(problems, "current"),
            new_problem: problem(problems, "new"),
            sessions,
        }
    }
}

fn problem(problems: &Problems, field: &str) -> String {
    problems.of(field).unwrap_or_default().to_owned()
}
