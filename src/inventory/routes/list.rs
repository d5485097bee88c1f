//! The list of stock: whatever a filter means, with the number that it adds up to.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use axum_extra::extract::Query;

use super::delivery_form::{LOT_ROWS, SINGLE_ROWS};
use super::words::{BadgeView, ExpiryView, When, badge, components, expiry, groups};
use crate::app::App;
use crate::auth::{Role, Viewer};
use crate::blood::UnitStatus;
use crate::charts::{self, full};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::inventory::queries::{self, Total};
use crate::inventory::{Cursor, Filter, Unit};
use crate::web::{EmptyView, Here, Layout, LinkView, OptionView, PagesView, TurnQuery, Turned, options};

#[derive(Template)]
#[template(path = "inventory/index.html")]
struct ListPage {
    layout: Layout,
    facility: FacilityId,
    /// `120 units in 87 rows`
    summary: String,
    components: Vec<OptionView>,
    groups: Vec<OptionView>,
    statuses: Vec<OptionView>,
    expiring: Vec<OptionView>,
    issuable: bool,
    search: String,
    filtered: bool,
    /// rows that a delivery has just made: `3 units are booked`, and each by name; both empty otherwise
    booked_words: String,
    booked: Vec<LinkView>,
    rows: Vec<UnitRow>,
    empty: Option<EmptyView>,
    pages: PagesView,
}

/// A row of stock in a list.
struct UnitRow {
    id: i64,
    href: String,
    name: String,
    group: &'static str,
    component: &'static str,
    quantity: String,
    status: BadgeView,
    is_unsafe: bool,
    /// `until 15:30 on 21 Nov`, or empty
    reserved: String,
    expiry: ExpiryView,
    received: String,
}

/// What a delivery has just booked.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Booked {
    /// rows of stock, joined by dots
    booked: String,
}

/// `GET /facilities/{facility_id}/inventory`
pub async fn index(
    State(app): State<App>,
    viewer: Viewer,
    here: Here,
    Query(filter): Query<Filter>,
    Query(turn): Query<TurnQuery>,
    Query(just): Query<Booked>,
) -> Result<Html<String>> {
    let facility = viewer.facility;
    let when = When {
        zone: app.chrome.facility(facility).await?.zone,
        now: app.db.clock.now(),
    };
    let mut tx = app.db.read(&viewer.scope()).await?;
    let total = queries::totals(&mut tx, facility, &filter).await?;
    let found = app
        .db
        .timed("stock", queries::turn(&mut tx, facility, &filter, turn.read()))
        .await?;
    let booked = just_booked(&mut tx, facility, &just.booked).await?;
    drop(tx);
    let layout = app
        .chrome
        .facility_page(&viewer, &here, t!("Stock"), "inventory")
        .await?
        .following();
    let mut page = ListPage::new(layout, facility, &when, &filter, total, &found, &here);
    if !booked.is_empty() {
        let all: i64 = booked.iter().map(|unit| i64::from(unit.quantity)).sum();
        page.booked_words = n!("{n} unit is booked", "{n} units are booked", all);
    }
    page.booked = booked
        .iter()
        .map(|unit| LinkView {
            value: unit.name(),
            href: unit.href(facility),
        })
        .collect();
    page.empty = found.rows.is_empty().then(|| nothing(&viewer, &filter));
    Ok(Html(page.render().map_err(anyhow::Error::from)?))
}

/// What a delivery has just booked, as far as it is this facility's.
async fn just_booked(tx: &mut Tx, facility: FacilityId, rows: &str) -> Result<Vec<Unit>> {
    let mut booked = Vec::new();
    for id in rows
        .split('.')
        .filter_map(|row| row.parse().ok())
        .take(SINGLE_ROWS + LOT_ROWS)
    {
        match queries::unit(tx, facility, id).await {
            Ok(unit) => booked.push(unit),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(booked)
}

impl ListPage {
    fn new(
        layout: Layout,
        facility: FacilityId,
        when: &When,
        filter: &Filter,
        total: Total,
        found: &Turned<Unit>,
        here: &Here,
    ) -> Self {
        let key = |unit: &Unit| Cursor {
            expires_at: unit.expires_at,
            id: unit.id,
        };
        let shown = t!(
            "{rows} shown of {all}, the first to expire first",
            rows = found.rows.len(),
            all = total.rows
        );
        ListPage {
            layout,
            facility,
            summary: t!(
                "{units} in {rows}",
                units = charts::units(total.units),
                rows = n!("{n} row", "{n} rows", total.rows)
            ),
            components: components(
                t!("All components"),
                filter.component.map_or("", |component| component.as_str()),
            ),
            groups: groups(t!("All groups"), filter.group.map_or("", |group| group.as_str())),
            statuses: statuses(filter),
            expiring: expiring(filter),
            issuable: filter.issuable,
            search: filter.search.clone(),
            filtered: !filter.is_empty(),
            booked_words: String::new(),
            booked: Vec::new(),
            rows: found
                .rows
                .iter()
                .map(|unit| UnitRow::new(facility, when, unit, here))
                .collect(),
            empty: None,
            pages: found.pages(&here.carry(&filter.href(facility)), shown, key),
        }
    }
}

impl UnitRow {
    fn new(facility: FacilityId, when: &When, unit: &Unit, here: &Here) -> Self {
        UnitRow {
            id: unit.id.0,
            href: here.onward(unit.href(facility)),
            name: unit.name(),
            group: unit.group.label(),
            component: unit.component.label(),
            quantity: full(f64::from(unit.quantity)),
            status: badge(unit.status),
            is_unsafe: unit.is_unsafe,
            reserved: unit
                .reserved_until
                .map_or_else(String::new, |until| t!("until {when}", when = when.label(until))),
            expiry: expiry(when, unit),
            received: when.label(unit.received_at),
        }
    }
}

fn statuses(filter: &Filter) -> Vec<OptionView> {
    let all = UnitStatus::ALL.iter().map(|status| (status.as_str(), status.label()));
    let chosen = filter.status.map_or("", |status| status.as_str());
    options(std::iter::once(("", t!("In the facility"))).chain(all), chosen)
}

/// The usual spans, and whatever span a link asked for.
fn expiring(filter: &Filter) -> Vec<OptionView> {
    let usual = [
        ("", t!("Any expiry")),
        ("24", t!("Within 24 hours")),
        ("72", t!("Within 72 hours")),
        ("168", t!("Within 7 days")),
    ];
    let chosen = filter
        .expiring_hours
        .map_or_else(String::new, |hours| hours.to_string());
    let mut spans = options(usual, &chosen);
    if !spans.iter().any(|span| span.selected) {
        spans.push(OptionView {
            label: t!("Within {chosen} hours", chosen),
            value: chosen,
            selected: true,
        });
    }
    spans
}

fn nothing(viewer: &Viewer, filter: &Filter) -> EmptyView {
    let facility = viewer.facility;
    let (kind, title, text, label, href) = match filter.is_empty() {
        true => (
            "never",
            t!("No stock yet"),
            t!("Units appear here when a delivery is booked or a transfer arrives."),
            t!("Receive stock"),
            if viewer.role >= Role::Staff {
                format!("/facilities/{facility}/inventory/new")
            } else {
                String::new()
            },
        ),
        false => (
            "filter",
            t!("No unit fits these filters"),
            t!("Without a status only units in the facility are listed; a search finds all that ever were."),
            t!("Clear the filters"),
            Filter::default().href(facility),
        ),
    };
    EmptyView::new(kind, title, text, label, href)
}
