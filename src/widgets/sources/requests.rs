//! Figures of requests: what waits, what was raised and fulfilled, and how much of what was asked for came.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::{days, measure};
use crate::charts::full;
use crate::clock::age_label;
use crate::error::{Error, Result};
use crate::figures::{Dimension, Row};
use crate::ids::FacilityId;
use crate::requests::{Filter, Request, Side, State, Urgency, figures, queries};
use crate::widgets::source::{Frame, Item, Items, Nature, Query, Source, Spot};
use crate::widgets::{Context, Measure, SeesRows};

pub struct Requests;

const STANDING: &[Dimension] = &[
    Dimension::Urgency,
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
    Dimension::Urgency,
    Dimension::Weekday,
    Dimension::Hour,
];

#[async_trait]
impl Source for Requests {
    fn measures(&self) -> Vec<Measure> {
        let standing = |name, title| Measure {
            items: true,
            ..measure(name, title, mark!("requests"), Nature::Level, STANDING)
        };
        vec![
            standing("requests.waiting", mark!("Requests to answer")),
            standing("requests.open", mark!("Open requests")),
            standing("requests.open_urgent", mark!("Open urgent requests")),
            Measure {
                items: true,
                ..measure(
                    "requests.raised",
                    mark!("Requests raised"),
                    "requests",
                    Nature::Count,
                    FLOW,
                )
            },
            measure(
                "requests.fulfilled",
                mark!("Requests fulfilled"),
                "requests",
                Nature::Count,
                FLOW,
            ),
            measure("requests.fill_rate", mark!("Fill rate"), "%", Nature::Ratio, FLOW),
        ]
    }

    async fn load(&self, tx: &mut PgConnection, query: &Query) -> Result<Frame> {
        let cut = &query.cut;
        let rows = match query.measure.as_str() {
            "requests.raised" => figures::raised(tx, cut).await?,
            "requests.fulfilled" => figures::fulfilled(tx, cut).await?,
            "requests.fill_rate" => figures::fill_rate(tx, cut).await?.into_iter().map(percent).collect(),
            _ => queries::split(tx, cut, &filter(query).ok_or(Error::NotFound)?).await?,
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
        let total = queries::total(tx, facility, &filter).await?;
        let found = queries::page(tx, facility, &filter, None, limit as i64).await?;
        Ok(Items {
            columns: vec![t!("Request"), t!("From"), t!("Urgency"), t!("Status"), t!("Age")],
            rows: found.iter().map(|request| item(request, facility, context)).collect(),
            total,
            as_of: None,
        })
    }

    fn href(&self, query: &Query, spot: &Spot) -> Option<String> {
        let facility = spot.facility?;
        let (first, last) = days(query, spot.day);
        let base = match query.measure.as_str() {
            "requests.raised" => Filter::raised(first, last),
            "requests.fulfilled" => Filter::closed(State::Fulfilled, first, last),
            "requests.fill_rate" => Filter::closed(State::Settled, first, last),
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

/// The filter of the list whose requests a measure counts.
fn filter(query: &Query) -> Option<Filter> {
    match query.measure.as_str() {
        "requests.waiting" => Some(Filter::waiting()),
        "requests.open" => Some(Filter {
            state: State::Open,
            ..Filter::default()
        }),
        "requests.open_urgent" => Some(Filter::open_urgent()),
        "requests.raised" => Some(Filter {
            side: Side::Outgoing,
            ..Filter::default()
        }),
        _ => None,
    }
}

fn percent(row: Row) -> Row {
    Row {
        value: row.value * 100.0,
        ..row
    }
}

fn item(request: &Request, facility: FacilityId, context: &Context) -> Item {
    let (phase, word) = match request.needed_by {
        Some(by) if request.closed_at.is_none() && by <= context.now => ("critical", t!("Overdue")),
        _ => match request.urgency {
            Urgency::Emergency => ("critical", Urgency::Emergency.label()),
            Urgency::Urgent => ("low", Urgency::Urgent.label()),
            Urgency::Routine => ("", ""),
        },
    };
    Item {
        key: format!("request-{}", request.id),
        href: request.href(facility),
        cells: vec![
            format!(
                "{} × {} {}",
                full(f64::from(request.quantity)),
                request.group.label(),
                request.component.label().to_lowercase()
            ),
            request.facility_name.clone(),
            request.urgency.label().into(),
            request.status_word().into(),
            age_label(context.now - request.created_at),
        ],
        phase,
        word,
    }
}
