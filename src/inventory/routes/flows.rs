//! The list of what moved: the rows behind the figures of received, issued, discarded and expired units.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use axum_extra::extract::Query;
use chrono::{Days, NaiveDate};

use super::words::{When, components, groups};
use crate::app::App;
use crate::auth::Viewer;
use crate::charts::{self, full};
use crate::clock::local_day;
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::inventory::figures::Flow;
use crate::inventory::flows::{self, FlowFilter, Moved, PAGE};
use crate::web::{Here, Layout, OptionView, PagesView, options};
use crate::words::Dated;

/// Days that a list looks back at most, as boards do.
const LONGEST_DAYS: i64 = 400;

#[derive(Template)]
#[template(path = "inventory/movements.html")]
struct MovementsPage {
    layout: Layout,
    facility: FacilityId,
    title: String,
    summary: String,
    kinds: Vec<OptionView>,
    from: String,
    to: String,
    components: Vec<OptionView>,
    groups: Vec<OptionView>,
    problem: String,
    rows: Vec<MovedRow>,
    pages: PagesView,
}

struct MovedRow {
    id: i64,
    at_iso: String,
    at: String,
    href: String,
    name: String,
    group: &'static str,
    component: &'static str,
    quantity: String,
    reason: String,
    who: String,
}

/// As the address has it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Asked {
    kind: String,
    from: String,
    to: String,
    group: String,
    component: String,
    before: Option<i64>,
}

impl Asked {
    /// What is meant, with what is wrong with the days.
    fn read(&self, today: NaiveDate) -> (FlowFilter, &'static str) {
        let day = |text: &str| match text.trim() {
            "" => Ok(today),
            text => text.parse::<NaiveDate>(),
        };
        let (days, problem) = match (day(&self.from), day(&self.to)) {
            (Ok(first), Ok(last)) if last < first => ((today, today), t!("The last day lies before the first.")),
            (Ok(first), Ok(last)) if (last - first).num_days() >= LONGEST_DAYS => {
                ((today, today), t!("Choose at most 400 days."))
            }
            (Ok(first), Ok(last)) => ((first, last), ""),
            _ => ((today, today), t!("A day is written 2026-11-21.")),
        };
        let filter = FlowFilter {
            flow: self.kind.parse().unwrap_or(Flow::Issued),
            first: days.0,
            last: days.1,
            group: self.group.parse().ok(),
            component: self.component.parse().ok(),
        };
        (filter, problem)
    }
}

/// `GET /facilities/{facility_id}/movements?kind=issued&from=2026-11-01&to=2026-11-21`
pub async fn index(
    State(app): State<App>,
    viewer: Viewer,
    here: Here,
    Query(asked): Query<Asked>,
) -> Result<Html<String>> {
    let facility = viewer.facility;
    let when = When {
        zone: app.chrome.facility(facility).await?.zone,
        now: app.db.clock.now(),
    };
    let today = local_day(when.zone, when.now);
    let (filter, problem) = asked.read(today);
    if filter.last > today + Days::new(1) || filter.first < today - Days::new(36_500) {
        return Err(Error::invalid("from", t!("These days lie beyond the calendar.")));
    }
    let mut tx = app.db.read(&viewer.scope()).await?;
    let total = flows::total(&mut tx, facility, &filter).await?;
    let mut found = flows::page(&mut tx, facility, &filter, asked.before).await?;
    drop(tx);
    let more = found.len() as i64 > PAGE;
    found.truncate(PAGE as usize);
    let last = found.last().filter(|_| more).map(|last| last.id);
    let address = here.carry(&filter.href(facility));
    let title = filter.flow.label().to_owned();
    let page = MovementsPage {
        layout: app.chrome.facility_page(&viewer, &here, &title, "inventory").await?,
        facility,
        summary: t!(
            "{units} in {rows}, {days}",
            units = charts::units(total.units),
            rows = n!("{n} row", "{n} rows", total.rows),
            days = days(&filter)
        ),
        title,
        kinds: options(
            Flow::ALL.iter().map(|one| (one.as_str(), one.label())),
            filter.flow.as_str(),
        ),
        from: filter.first.to_string(),
        to: filter.last.to_string(),
        components: components(t!("All components"), filter.component.map_or("", |one| one.as_str())),
        groups: groups(t!("All groups"), filter.group.map_or("", |one| one.as_str())),
        problem: problem.into(),
        rows: found.iter().map(|moved| row(moved, facility, &when, &here)).collect(),
        pages: PagesView {
            summary: t!(
                "{rows} shown of {all}, the latest first",
                rows = found.len(),
                all = total.rows
            ),
            previous: asked.before.map(|_| address.clone()),
            next: last.map(|id| format!("{address}&before={id}")),
        },
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?))
}

fn days(filter: &FlowFilter) -> String {
    let word = |day: NaiveDate| day.dated("%-d %b %Y");
    match filter.first == filter.last {
        true => word(filter.first),
        false => t!("{from} to {to}", from = word(filter.first), to = word(filter.last)),
    }
}

fn row(moved: &Moved, facility: FacilityId, when: &When, here: &Here) -> MovedRow {
    let number = moved.donation_number.clone();
    MovedRow {
        id: moved.id,
        at_iso: moved.at.to_rfc3339(),
        at: when.label(moved.at),
        href: here.below(&format!("/facilities/{facility}/inventory/{}", moved.unit)),
        name: number
            .or_else(|| moved.lot.as_ref().map(|lot| t!("Lot {lot}", lot)))
            .unwrap_or_else(|| t!("Unit {id}", id = moved.unit)),
        group: moved.group.label(),
        component: moved.component.label(),
        quantity: full(f64::from(moved.quantity)),
        reason: moved.reason.clone().unwrap_or_default().replace('_', " "),
        who: moved.actor_name.clone(),
    }
}
