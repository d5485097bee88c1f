//! The levels of a facility's shelves: a grid of groups and components, with a proposal from the demand and a copy from
//! another facility.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};

use crate::app::App;
use crate::auth::{FacilityAdmin, Role};
use crate::blood::{BloodGroup, Component};
use crate::error::{Error, Problems, Result};
use crate::ids::FacilityId;
use crate::inventory::{Level, Thresholds, commands, queries};
use crate::reference;
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, OptionView, rejected, saved};

#[derive(Template)]
#[template(path = "inventory/thresholds.html")]
struct ThresholdsPage {
    layout: Layout,
    facility: i64,
    name: String,
    /// what the fields were filled from, when not from what is stored
    filled: String,
    components: Vec<ColumnView>,
    rows: Vec<RowView>,
    sources: Vec<OptionView>,
    problem: String,
    refused: bool,
}

struct ColumnView {
    label: &'static str,
    /// `aim 6 days`
    aim: String,
}

struct RowView {
    group: &'static str,
    cells: Vec<CellView>,
}

struct CellView {
    /// `red_cells:O-`
    key: String,
    /// `Red cells O−`
    name: String,
    minimum: String,
    reorder: String,
    target: String,
    /// `2.4 a day`
    demand: String,
    problem: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    propose: String,
    copy: String,
}

/// One value of each for every shelf, in the same order.
#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Grid {
    cell: Vec<String>,
    minimum: Vec<String>,
    reorder: Vec<String>,
    target: Vec<String>,
}

type Levels = BTreeMap<(Component, BloodGroup), Thresholds>;

/// `GET /facilities/{facility_id}/thresholds?propose=1` or `?copy=7`
pub(super) async fn edit(
    State(app): State<App>,
    here: Here,
    admin: FacilityAdmin,
    Query(filled): Query<Filled>,
) -> Result<Response> {
    let mut page = page(&app, &here, &admin).await?;
    let mut tx = app.db.read(&admin.scope()).await?;
    let levels = queries::levels(&mut tx, admin.facility).await?;
    let days = reference::days_of_stock(&mut *tx).await?;
    drop(tx);
    if !filled.propose.is_empty() {
        let proposed = proposal(&levels, &days);
        page.filled = t!(
            "Proposed from the demand of the last 28 days for {proposed} shelves; the others are as they were. Nothing is saved yet.",
            proposed = proposed.len()
        );
        fill(&mut page, &proposed);
    } else if !filled.copy.is_empty() {
        let source: FacilityId = filled.copy.parse().map_err(|_| Error::NotFound)?;
        if admin.person.role_in(source) < Some(Role::FacilityAdmin) {
            return Err(Error::NotFound);
        }
        let name = app.chrome.facility(source).await?.name.clone();
        let mut tx = app.db.read(&crate::db::Scope::of(source)).await?;
        let copied = queries::thresholds(&mut tx, source).await?;
        for cell in page.rows.iter_mut().flat_map(|row| &mut row.cells) {
            (cell.minimum, cell.reorder, cell.target) = Default::default();
        }
        page.filled = t!("Copied from {name}. Nothing is saved yet.", name);
        fill(&mut page, &copied);
    }
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `POST /facilities/{facility_id}/thresholds`
pub(super) async fn save(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    admin: FacilityAdmin,
    Form(grid): Form<Grid>,
) -> Result<Response> {
    let done = match grid.levels() {
        Ok(levels) => commands::set_thresholds(&app.db, admin.actor(), admin.facility, &levels).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(saved(
            hx,
            &format!("/facilities/{}/thresholds", admin.facility),
            Done::ThresholdsSaved,
        )),
        Err(Error::Invalid(problems)) => {
            let mut page = page(&app, &here, &admin).await?;
            page.refused = true;
            page.problem = problems.of("").unwrap_or_default().into();
            for cell in page.rows.iter_mut().flat_map(|row| &mut row.cells) {
                if let Some(at) = grid.cell.iter().position(|key| *key == cell.key) {
                    let typed = |all: &[String]| all.get(at).cloned().unwrap_or_default();
                    (cell.minimum, cell.reorder) = (typed(&grid.minimum), typed(&grid.reorder));
                    cell.target = typed(&grid.target);
                }
                cell.problem = problems.of(&cell.key).unwrap_or_default().into();
            }
            rejected(&page)
        }
        Err(error) => Err(error),
    }
}

/// Levels from the mean daily demand and the days that the network wants a component to last: the target covers these
/// days, a third of it is the minimum (as NHSBT aims at six days of red cells and warns under two), two thirds make
/// somebody order. Shelves without demand or without an aim get no proposal.
fn proposal(levels: &[Level], days: &BTreeMap<Component, f64>) -> Levels {
    let shelves = levels.iter().filter_map(|level| {
        let demand = level.daily_demand.filter(|demand| *demand > 0.0)?;
        let target = (demand * days.get(&level.component)?).ceil().clamp(1.0, 100_000.0);
        let thresholds = Thresholds {
            minimum: (target / 3.0).ceil() as i32,
            reorder: (target * 2.0 / 3.0).ceil() as i32,
            target: target as i32,
        };
        Some(((level.component, level.group), thresholds))
    });
    shelves.collect()
}

fn key(component: Component, group: BloodGroup) -> String {
    format!("{component}:{group}")
}

fn fill(page: &mut ThresholdsPage, levels: &Levels) {
    for ((component, group), thresholds) in levels {
        let key = key(*component, *group);
        if let Some(cell) = page
            .rows
            .iter_mut()
            .flat_map(|row| &mut row.cells)
            .find(|cell| cell.key == key)
        {
            cell.minimum = thresholds.minimum.to_string();
            cell.reorder = thresholds.reorder.to_string();
            cell.target = thresholds.target.to_string();
        }
    }
}

async fn page(app: &App, here: &Here, admin: &FacilityAdmin) -> Result<ThresholdsPage> {
    let mut tx = app.db.read(&admin.scope()).await?;
    let levels = queries::levels(&mut tx, admin.facility).await?;
    let days = reference::days_of_stock(&mut *tx).await?;
    drop(tx);
    let layout = app
        .chrome
        .facility_page(admin, here, t!("Stock levels"), "admin/facilities")
        .await?;
    let text = |value: Option<i32>| value.map(|value| value.to_string()).unwrap_or_default();
    let all = app.chrome.all().await?;
    let managed = all
        .iter()
        .filter(|one| one.id != admin.facility && admin.person.role_in(one.id) >= Some(Role::FacilityAdmin));
    Ok(ThresholdsPage {
        facility: admin.facility.0,
        name: layout.facility_name.clone(),
        layout,
        filled: String::new(),
        components: Component::ALL
            .iter()
            .map(|component| ColumnView {
                label: component.label(),
                aim: match days.get(component) {
                    Some(1.0) => t!("aim 1 day").into(),
                    Some(days) => t!("aim {days} days", days),
                    None => t!("no aim").into(),
                },
            })
            .collect(),
        rows: BloodGroup::ALL
            .iter()
            .map(|&group| RowView {
                group: group.label(),
                cells: levels
                    .iter()
                    .filter(|level| level.group == group)
                    .map(|level| CellView {
                        key: key(level.component, group),
                        name: format!("{} {}", level.component.label(), group.label()),
                        minimum: text(level.minimum),
                        reorder: text(level.reorder),
                        target: text(level.target),
                        demand: match level.daily_demand {
                            Some(demand) if demand > 0.0 => format!("{demand:.1} a day"),
                            _ => t!("no demand").into(),
                        },
                        problem: String::new(),
                    })
                    .collect(),
            })
            .collect(),
        sources: managed
            .map(|one| OptionView {
                value: one.id.to_string(),
                label: one.name.clone(),
                selected: false,
            })
            .collect(),
        problem: String::new(),
        refused: false,
    })
}

impl Grid {
    /// The levels; each problem stands at the key of its shelf.
    fn levels(&self) -> Result<Levels> {
        let count = self.cell.len();
        if count == 0
            || [&self.minimum, &self.reorder, &self.target]
                .iter()
                .any(|all| all.len() != count)
        {
            return Err(Error::invalid("", t!("The form is not complete. Load the page again.")));
        }
        let mut problems = Problems::default();
        let mut levels = Levels::new();
        for (at, key) in self.cell.iter().enumerate() {
            let shelf = key.split_once(':').and_then(|(component, group)| {
                Some((component.parse::<Component>().ok()?, group.parse::<BloodGroup>().ok()?))
            });
            let Some(shelf) = shelf else {
                return Err(Error::invalid("", t!("The form names a shelf that does not exist.")));
            };
            match Thresholds::typed(&self.minimum[at], &self.reorder[at], &self.target[at]) {
                Ok(Some(thresholds)) => {
                    levels.insert(shelf, thresholds);
                }
                Ok(None) => {}
                Err(problem) => problems.add(key.as_str(), problem),
            }
        }
        problems.check()?;
        Ok(levels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_covers_the_days_of_stock_and_rises_from_minimum_to_target() {
        let level = |component, demand| Level {
            component,
            group: BloodGroup::ONegative,
            issuable: 0,
            minimum: None,
            reorder: None,
            target: None,
            daily_demand: demand,
        };
        let days = BTreeMap::from([(Component::RedCells, 6.0), (Component::Platelets, 1.0)]);

        let proposed = proposal(
            &[
                level(Component::RedCells, Some(2.4)),
                level(Component::Platelets, Some(0.2)),
                level(Component::Plasma, Some(3.0)),
                level(Component::WholeBlood, None),
            ],
            &days,
        );

        let words = |component| proposed.get(&(component, BloodGroup::ONegative)).map(Thresholds::words);
        assert_eq!(words(Component::RedCells).as_deref(), Some("5 / 10 / 15"));
        assert_eq!(words(Component::Platelets).as_deref(), Some("1 / 1 / 1"));
        assert_eq!(proposed.len(), 2, "no aim or no demand, no proposal");
    }
}
