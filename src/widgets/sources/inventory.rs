//! Figures of stock: levels of this moment, how long they last, and what moved.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::PgConnection;

use super::measure;
use crate::blood::UnitStatus;
use crate::charts::full;
use crate::clock::{age_label, local_day};
use crate::error::{Error, Result};
use crate::figures::{Cut, Dimension, Row};
use crate::ids::FacilityId;
use crate::inventory::figures::{Flow, moved};
use crate::inventory::flows::FlowFilter;
use crate::inventory::{Filter, Unit, queries};
use crate::widgets::source::{Frame, Item, Items, Nature, Query, Source, Spot};
use crate::widgets::{Context, Measure, SeesRows};

pub struct Inventory;

const SHELF: &[Dimension] = &[
    Dimension::Component,
    Dimension::Group,
    Dimension::Facility,
    Dimension::Region,
];
const FLOW: &[Dimension] = &[
    Dimension::Day,
    Dimension::Component,
    Dimension::Group,
    Dimension::Facility,
    Dimension::Region,
    Dimension::Weekday,
    Dimension::Hour,
];
const FLOW_WITH_REASON: &[Dimension] = &[
    Dimension::Day,
    Dimension::Reason,
    Dimension::Component,
    Dimension::Group,
    Dimension::Facility,
    Dimension::Region,
    Dimension::Weekday,
    Dimension::Hour,
];

#[async_trait]
impl Source for Inventory {
    fn measures(&self) -> Vec<Measure> {
        let level = |name, title| Measure {
            items: true,
            ..measure(name, title, mark!("units"), Nature::Level, SHELF)
        };
        let flow = |name, title, by| measure(name, title, mark!("units"), Nature::Count, by);
        vec![
            level("inventory.issuable", mark!("Issuable units")),
            Measure {
                hours: true,
                ..level("inventory.expiring", mark!("Units expiring soon"))
            },
            level("inventory.quarantined", mark!("Units in quarantine")),
            level("inventory.reserved", mark!("Reserved units")),
            measure(
                "inventory.days",
                mark!("Days of stock"),
                mark!("days"),
                Nature::Ratio,
                SHELF,
            ),
            flow("inventory.received", Flow::Received.label(), FLOW),
            flow("inventory.issued", Flow::Issued.label(), FLOW),
            flow("inventory.discarded", Flow::Discarded.label(), FLOW_WITH_REASON),
            flow("inventory.expired", Flow::Expired.label(), FLOW),
        ]
    }

    async fn load(&self, tx: &mut PgConnection, query: &Query) -> Result<Frame> {
        let cut = &query.cut;
        let rows = match (filter(query), flow(query), query.measure.as_str()) {
            (Some(filter), _, _) => queries::split(tx, cut, &filter).await?,
            (_, Some(flow), _) => moved(tx, cut, flow).await?,
            (_, _, "inventory.days") => days_of_stock(tx, cut).await?,
            _ => return Err(Error::NotFound),
        };
        super::frame(tx, query, rows).await
    }

    async fn items(
        &self,
        tx: &mut PgConnection,
        _: SeesRows,
        facility: FacilityId,
        query: &Query,
        context: &Context,
        limit: usize,
    ) -> Result<Items> {
        let filter = Filter {
            group: query.cut.group,
            component: query.cut.component,
            ..filter(query).ok_or(Error::NotFound)?
        };
        let total = queries::totals(tx, facility, &filter).await?;
        let mut units = queries::page(tx, facility, &filter, None).await?;
        units.truncate(limit);
        Ok(Items {
            columns: vec![
                t!("Donation or lot"),
                t!("Group"),
                t!("Component"),
                t!("Units"),
                t!("Expires in"),
            ],
            rows: units.iter().map(|unit| item(unit, facility, context)).collect(),
            total: total.rows,
            as_of: None,
        })
    }

    fn href(&self, query: &Query, spot: &Spot) -> Option<String> {
        let facility = spot.facility?;
        if let Some(flow) = flow(query) {
            let filter = FlowFilter {
                flow,
                first: spot.day.unwrap_or(query.cut.first),
                last: spot.day.unwrap_or(query.cut.last),
                group: spot.group.or(query.cut.group),
                component: spot.component.or(query.cut.component),
            };
            return Some(filter.href(facility));
        }
        let base = match query.measure.as_str() {
            "inventory.days" => Filter::issuable(),
            _ => filter(query)?,
        };
        let filter = Filter {
            group: spot.group.or(query.cut.group),
            component: spot.component.or(query.cut.component),
            ..base
        };
        Some(filter.href(facility))
    }
}

/// The filter of the list whose units a level counts.
fn filter(query: &Query) -> Option<Filter> {
    let with = |status| Filter {
        status: Some(status),
        ..Filter::default()
    };
    match query.measure.as_str() {
        "inventory.issuable" => Some(Filter::issuable()),
        "inventory.expiring" => Some(Filter::expiring_within(query.hours)),
        "inventory.quarantined" => Some(with(UnitStatus::Quarantined)),
        "inventory.reserved" => Some(with(UnitStatus::Reserved)),
        _ => None,
    }
}

/// What a flow counts.
fn flow(query: &Query) -> Option<Flow> {
    query.measure.strip_prefix("inventory.")?.parse().ok()
}

/// Issuable units over what leaves the shelves a day; see [`queries::levels_of`].
async fn days_of_stock(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Row>> {
    let by_place = cut
        .by
        .iter()
        .any(|one| matches!(one, Dimension::Facility | Dimension::Region));
    let levels = queries::levels_of(tx, &cut.facilities, by_place).await?;
    let regions: BTreeMap<i64, String> = match cut.by.contains(&Dimension::Region) {
        true => sqlx::query!("select id, region from facilities where id = any ($1)", &cut.facilities)
            .fetch_all(tx)
            .await?
            .into_iter()
            .map(|row| (row.id, row.region))
            .collect(),
        false => BTreeMap::new(),
    };
    let mut sums: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
    for (facility, level) in levels {
        if cut.group.is_some_and(|group| group != level.group)
            || cut.component.is_some_and(|component| component != level.component)
        {
            continue;
        }
        let key = |at: usize| match cut.by.get(at) {
            Some(Dimension::Component) => level.component.to_string(),
            Some(Dimension::Group) => level.group.to_string(),
            Some(Dimension::Facility) => facility.map(|id| id.to_string()).unwrap_or_default(),
            Some(Dimension::Region) => facility.and_then(|id| regions.get(&id.0).cloned()).unwrap_or_default(),
            _ => String::new(),
        };
        let sum = sums.entry((key(0), key(1))).or_default();
        sum.0 += level.issuable as f64;
        sum.1 += level.daily_demand.unwrap_or_default();
    }
    Ok(sums
        .into_iter()
        .map(|((first, second), (value, over))| Row {
            first,
            second,
            value,
            over: Some(over.max(0.0)),
        })
        .collect())
}

fn item(unit: &Unit, facility: FacilityId, context: &Context) -> Item {
    let day = local_day(context.zone, unit.expires_at);
    let (phase, word) = match (day - context.today).num_days() {
        _ if unit.expires_at <= context.now => ("critical", t!("Expired")),
        ..=0 => ("critical", t!("Today")),
        1 => ("low", t!("Tomorrow")),
        2..=7 => ("watch", t!("Soon")),
        _ => ("", ""),
    };
    Item {
        key: format!("unit-{}", unit.id),
        href: unit.href(facility),
        cells: vec![
            unit.name(),
            unit.group.label().into(),
            unit.component.label().into(),
            full(f64::from(unit.quantity)),
            age_label(unit.life_left(context.now)),
        ],
        phase,
        word,
    }
}
