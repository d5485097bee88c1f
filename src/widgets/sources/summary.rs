//! The three figures of the daily summary as they were kept, and how long ago that was.

use async_trait::async_trait;
use chrono::Days;
use sqlx::PgConnection;

use super::{days, measure};
use crate::error::{Error, Result};
use crate::figures::{Cut, Dimension};
use crate::summary::{self, Figure};
use crate::widgets::Measure;
use crate::widgets::source::{Frame, Nature, Query, Source, Spot};
use crate::{distributions, inventory, requests};

pub struct Summary;

const BY: &[Dimension] = &[Dimension::Day, Dimension::Facility, Dimension::Region];

#[async_trait]
impl Source for Summary {
    fn measures(&self) -> Vec<Measure> {
        vec![
            measure(
                "summary.stock",
                mark!("Issuable stock"),
                mark!("units"),
                Nature::Level,
                BY,
            ),
            measure(
                "summary.transferred",
                mark!("Units delivered"),
                mark!("units"),
                Nature::Count,
                BY,
            ),
            measure(
                "summary.requests",
                mark!("Requests raised"),
                mark!("requests"),
                Nature::Count,
                BY,
            ),
            measure(
                "summary.age",
                mark!("Age of the summary"),
                mark!("min"),
                Nature::Worst,
                &BY[1..],
            ),
        ]
    }

    async fn load(&self, tx: &mut PgConnection, query: &Query) -> Result<Frame> {
        let cut = &query.cut;
        let refreshed = summary::refreshed(tx, &cut.facilities).await?;
        let by_day = cut.by.contains(&Dimension::Day);
        let rows = match query.measure.as_str() {
            "summary.stock" if by_day => summary::kept(tx, cut, Figure::Stock).await?,
            // where it is tomorrow already, the latest level is tomorrow's
            "summary.stock" if query.live => {
                let cut = Cut {
                    last: cut.last + Days::new(1),
                    ..cut.clone()
                };
                summary::latest_stock(tx, &cut).await?
            }
            "summary.stock" => summary::latest_stock(tx, cut).await?,
            "summary.transferred" => summary::kept(tx, cut, Figure::Transferred).await?,
            "summary.requests" => summary::kept(tx, cut, Figure::Requests).await?,
            "summary.age" => summary::age(tx, cut).await?,
            _ => return Err(Error::NotFound),
        };
        let mut frame = super::frame(tx, query, rows).await?;
        frame.as_of = match (query.live, refreshed.oldest) {
            (true, Some(oldest)) => oldest,
            _ => frame.as_of,
        };
        Ok(frame)
    }

    fn href(&self, query: &Query, spot: &Spot) -> Option<String> {
        let facility = spot.facility?;
        let (first, last) = days(query, spot.day);
        match query.measure.as_str() {
            "summary.stock" => (query.live && spot.day.is_none())
                .then(|| inventory::Filter::issuable().href(facility))
                .or_else(|| (first == last).then(|| format!("/facilities/{facility}?day={last}"))),
            "summary.transferred" => Some(distributions::Filter::delivered(first, last).href(facility)),
            "summary.requests" => Some(requests::Filter::raised(first, last).href(facility)),
            _ => Some(format!("/facilities/{facility}")),
        }
    }
}
