//! Booking a delivery: the form with its rows, and what comes of it.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, Response};

use super::delivery_form::{DeliveryForm, SINGLE_ROWS};
use super::words::{When, components, groups};
use crate::app::App;
use crate::auth::Editor;
use crate::blood::{Component, ComponentLife, UnitStatus};
use crate::error::{Error, Problems, Result};
use crate::ids::FacilityId;
use crate::inventory::{commands, queries};
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, OptionView, rejected, saved};

#[derive(Template)]
#[template(path = "inventory/new.html")]
struct DeliveryPage {
    layout: Layout,
    facility: FacilityId,
    /// of the form as a whole, or empty
    problem: String,
    /// how many fields have one
    problems: usize,
    banks: Vec<OptionView>,
    bank_problem: String,
    quarantine: bool,
    note: String,
    note_problem: String,
    singles: Vec<RowView>,
    lots: Vec<RowView>,
    /// `red_cells=42d platelets=120h`: what the script proposes expiries from
    lives: String,
}

struct RowView {
    row: usize,
    number: Cell,
    quantity: Cell,
    component: Cell,
    components: Vec<OptionView>,
    group: Cell,
    groups: Vec<OptionView>,
    collected: Cell,
    expires: Cell,
}

/// A control of a row: its name, what was typed, its problem or nothing.
struct Cell {
    name: String,
    value: String,
    problem: String,
}

/// What the page needs from the database.
struct Shelf {
    banks: Vec<queries::BloodBank>,
    lives: HashMap<Component, ComponentLife>,
    when: When,
}

/// `GET /facilities/{facility_id}/inventory/new`
pub async fn new(State(app): State<App>, editor: Editor, here: Here) -> Result<Html<String>> {
    let shelf = Shelf::of(&app, &editor).await?;
    let layout = app
        .chrome
        .facility_page(&editor, &here, t!("Receive stock"), "inventory")
        .await?;
    let page = DeliveryPage::new(layout, &editor, &shelf, &DeliveryForm::default(), &Problems::default());
    Ok(Html(page.render().map_err(anyhow::Error::from)?))
}

/// `POST /facilities/{facility_id}/inventory`
pub async fn create(
    State(app): State<App>,
    hx: Hx,
    editor: Editor,
    here: Here,
    Form(form): Form<DeliveryForm>,
) -> Result<Response> {
    let shelf = Shelf::of(&app, &editor).await?;
    let booked = match form.read(&shelf.when, &shelf.lives) {
        Ok(receipt) => commands::receive(&app.db, &editor, &receipt).await,
        Err(problems) => Err(Error::Invalid(problems)),
    };
    match booked {
        Ok(units) => {
            let units: Vec<String> = units.iter().map(ToString::to_string).collect();
            let list = format!("/facilities/{}/inventory?booked={}", editor.facility, units.join("."));
            Ok(saved(hx, &list, Done::Received))
        }
        Err(Error::Invalid(problems)) => {
            // the address of the form cannot be looked at: that is the list
            let here = Here {
                path: format!("{}/new", here.path),
                ..here
            };
            let layout = app
                .chrome
                .facility_page(&editor, &here, t!("Receive stock"), "inventory")
                .await?;
            rejected(&DeliveryPage::new(layout, &editor, &shelf, &form, &problems))
        }
        Err(error) => Err(error),
    }
}

impl Shelf {
    async fn of(app: &App, editor: &Editor) -> Result<Self> {
        let mut tx = app.db.read(&editor.scope()).await?;
        Ok(Shelf {
            banks: queries::blood_banks(&mut tx, editor.facility).await?,
            lives: queries::lives(&mut tx).await?.into_iter().collect(),
            when: When {
                zone: app.chrome.facility(editor.facility).await?.zone,
                now: app.db.clock.now(),
            },
        })
    }
}

impl DeliveryPage {
    fn new(layout: Layout, editor: &Editor, shelf: &Shelf, form: &DeliveryForm, problems: &Problems) -> Self {
        let text = |field: &str| problems.of(field).unwrap_or_default().to_owned();
        let banks = shelf.banks.iter().map(|bank| OptionView {
            value: bank.id.to_string(),
            label: bank.name.clone(),
            selected: bank.id.to_string() == form.blood_bank,
        });
        let mut rows: Vec<RowView> = (1..=form.rows.len())
            .map(|row| RowView::new(row, form, problems))
            .collect();
        let lots = rows.split_off(SINGLE_ROWS);
        DeliveryPage {
            layout,
            facility: editor.facility,
            problem: text(""),
            problems: problems.iter().count(),
            banks: banks.collect(),
            bank_problem: text("blood_bank"),
            quarantine: form.to == UnitStatus::Quarantined.as_str(),
            note: form.note.clone(),
            note_problem: text("note"),
            singles: rows,
            lots,
            lives: lives_text(&shelf.lives),
        }
    }
}

impl RowView {
    fn new(row: usize, form: &DeliveryForm, problems: &Problems) -> Self {
        let typed = &form.rows[row - 1];
        let cell = |name: &str, value: &str| {
            let name = format!("{name}_{row}");
            let problem = problems.of(&name).unwrap_or_default().to_owned();
            Cell {
                name,
                value: value.to_owned(),
                problem,
            }
        };
        // only the very first row has nothing above it
        let none = if row == 1 { t!("Choose") } else { t!("as above") };
        RowView {
            row,
            number: cell("number", &typed.number),
            quantity: cell("quantity", &typed.quantity),
            component: cell("component", &typed.component),
            components: components(none, &typed.component),
            group: cell("group", &typed.group),
            groups: groups(none, &typed.group),
            collected: cell("collected", &typed.collected),
            expires: cell("expires", &typed.expires),
        }
    }

    fn is_wrong(&self) -> bool {
        self.problems().next().is_some()
    }

    /// All problems of the row, for the line below it.
    fn problems(&self) -> impl Iterator<Item = &Cell> {
        let cells = [
            &self.number,
            &self.quantity,
            &self.component,
            &self.group,
            &self.collected,
            &self.expires,
        ];
        cells.into_iter().filter(|cell| !cell.problem.is_empty())
    }
}

fn lives_text(lives: &HashMap<Component, ComponentLife>) -> String {
    let mut words: Vec<String> = lives
        .iter()
        .map(|(component, life)| match life {
            ComponentLife::Days(days) => format!("{component}={days}d"),
            ComponentLife::Hours(hours) => format!("{component}={hours}h"),
        })
        .collect();
    words.sort();
    words.join(" ")
}
