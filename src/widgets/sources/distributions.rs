//! Figures of distributions: what is under way, what arrived, what was sent, what was short.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::{days, measure};
use crate::charts::full;
use crate::clock::age_label;
use crate::distributions::{Distribution, Filter, figures, queries};
use crate::error::{Error, Result};
use crate::figures::Dimension;
use crate::ids::FacilityId;
use crate::web::Turn;
use crate::widgets::source::{Frame, Item, Items, Nature, Query, Source, Spot};
use crate::widgets::{Context, Measure, SeesRows};

pub struct Distributions;

const FLOW: &[Dimension] = &[
    Dimension::Day,
    Dimension::Facility,
    Dimension::Region,
    Dimension::Weekday,
    Dimension::Hour,
];

#[async_trait]
impl Source for Distributions {
    fn measures(&self) -> Vec<Measure> {
        let flow = |name, title| measure(name, title, mark!("units"), Nature::Count, FLOW);
        vec![
            Measure {
                items: true,
                ..measure(
                    "distributions.in_transit",
                    mark!("Units on their way here"),
                    "units",
                    Nature::Level,
                    &FLOW[1..3],
                )
            },
            flow("distributions.delivered", mark!("Units delivered")),
            flow("distributions.sent", mark!("Units sent")),
            flow("distributions.short", mark!("Units that did not arrive")),
        ]
    }

    async fn load(&self, tx: &mut PgConnection, query: &Query) -> Result<Frame> {
        let cut = &query.cut;
        let rows = match query.measure.as_str() {
            "distributions.in_transit" => queries::split(tx, cut, &Filter::arriving()).await?,
            "distributions.delivered" => figures::delivered(tx, cut).await?,
            "distributions.sent" => figures::sent(tx, cut).await?,
            "distributions.short" => figures::short(tx, cut).await?,
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
        if query.measure != "distributions.in_transit" {
            return Err(Error::NotFound);
        }
        let filter = Filter::arriving();
        let total = queries::totals(tx, facility, &filter).await?;
        let mut found = queries::turn(tx, facility, &filter, Turn::First).await?.rows;
        found.truncate(limit);
        Ok(Items {
            columns: vec![t!("Units"), t!("What"), t!("From"), t!("Sent")],
            rows: found.iter().map(|one| item(one, facility, context)).collect(),
            total: total.rows,
            as_of: None,
        })
    }

    fn href(&self, query: &Query, spot: &Spot) -> Option<String> {
        let facility = spot.facility?;
        let (first, last) = days(query, spot.day);
        let filter = match query.measure.as_str() {
            "distributions.in_transit" => Filter::arriving(),
            "distributions.delivered" => Filter::delivered(first, last),
            "distributions.sent" => Filter::dispatched(first, last),
            _ => return None,
        };
        Some(filter.href(facility))
    }
}

fn item(one: &Distribution, facility: FacilityId, context: &Context) -> Item {
    Item {
        key: format!("distribution-{}", one.id),
        href: one.href(facility),
        cells: vec![
            full(f64::from(one.sent)),
            one.contents(),
            one.from_name.clone(),
            t!("{age} ago", age = age_label(context.now - one.dispatched_at)),
        ],
        phase: "",
        word: "",
    }
}
