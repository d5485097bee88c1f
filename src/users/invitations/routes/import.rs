//! Inviting from a table: a look at it first, then all or nobody.

use axum::extract::State;
use axum::response::Response;

use super::told;
use crate::app::App;
use crate::auth::Manager;
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::users::invitations::commands;
use crate::users::invitations::import::{self, Table};
use crate::users::invitations::view::ImportPage;
use crate::users::people::routes::managed::{managed, name_of};
use crate::users::routes::page;
use crate::web::{Form, Here, Hx, Layout, rejected};

fn empty<'a>(app: &App, layout: &'a Layout) -> ImportPage<'a> {
    ImportPage {
        layout,
        text: String::new(),
        problem: String::new(),
        rows: vec![],
        bad: 0,
        people: 0,
        by_mail: app.mail.is_on(),
    }
}

/// `GET /admin/users/import`
pub async fn form(State(app): State<App>, here: Here, manager: Manager) -> Result<Response> {
    let layout = app.chrome.page(&manager, &here, t!("Import"), "admin/users").await?;
    page(&empty(&app, &layout))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportForm {
    csv: String,
    /// after a look at the table
    #[serde(default)]
    invite: bool,
}

/// `POST /admin/users/import`
pub async fn take(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Form(form): Form<ImportForm>,
) -> Result<Response> {
    let layout = app.chrome.page(&manager, &here, t!("Import"), "admin/users").await?;
    let places = managed(&app, &manager).await?;
    let find = |name: &str| {
        let same =
            |place: &&std::sync::Arc<crate::facilities::Facility>| place.name.to_lowercase() == name.to_lowercase();
        places.iter().find(same).map(|place| place.id)
    };
    let blank = ImportPage {
        text: form.csv.clone(),
        ..empty(&app, &layout)
    };
    let mut table = match import::read(&form.csv, &find) {
        Ok(table) => table,
        Err(problem) => return rejected(&ImportPage { problem, ..blank }),
    };
    let name = |id: FacilityId| name_of(&places, id.0);
    if form.invite && table.is_good() {
        match commands::invite_all(&app.db, &app.mail, &manager, &mut table, &name).await {
            Ok(made) => return told(&app, &layout, hx, made),
            // somebody else was faster: the table says with which line
            Err(Error::Invalid(_)) => {}
            Err(error) => return Err(error),
        }
    } else {
        commands::look_at(&app.db, &manager, &mut table).await?;
    }
    let good = table.is_good();
    let shown = ImportPage {
        bad: table.rows.iter().filter(|row| !row.problem.is_empty()).count(),
        people: if good { table.invitations.len() } else { 0 },
        problem: problem_of(&table),
        rows: table.rows,
        ..blank
    };
    if good { page(&shown) } else { rejected(&shown) }
}

fn problem_of(table: &Table) -> String {
    match table.rows.iter().filter(|row| !row.problem.is_empty()).count() {
        0 => String::new(),
        1 => t!("One line cannot be taken. Correct it and look again; nobody was invited.").into(),
        bad => t!(
            "{bad} lines cannot be taken. Correct them and look again; nobody was invited.",
            bad
        ),
    }
}
