//! Figures of metrics that catalogs or senders define. Their measures are not listed, for they are data; a name says it all:
//! `metrics.sum.shop_revenue`, and with the tag that it can be split by `metrics.sum.shop_revenue/category`.

use async_trait::async_trait;
use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::error::{Error, Result};
use crate::figures::{Dimension, Row};
use crate::metrics::figures::{self, Aggregate};
use crate::widgets::Measure;
use crate::widgets::source::{Frame, Nature, Query, Source};

pub struct Metrics;

const PREFIX: &str = "metrics.";
const BY: &[Dimension] = &[
    Dimension::Day,
    Dimension::Facility,
    Dimension::Region,
    Dimension::Weekday,
    Dimension::Hour,
];
const BY_AND_TAG: &[Dimension] = &[
    Dimension::Tag,
    Dimension::Day,
    Dimension::Facility,
    Dimension::Region,
    Dimension::Weekday,
    Dimension::Hour,
];

/// A measure's name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    pub aggregate: Aggregate,
    pub metric: &'a str,
    /// empty for none
    pub tag: &'a str,
}

impl<'a> Named<'a> {
    /// None for a name that is not of a metric.
    pub fn read(measure: &'a str) -> Option<Named<'a>> {
        let fits = |text: &str| text.len() <= 200 && text.chars().all(|c| c.is_ascii_graphic());
        Named::typed(measure).filter(|named| !named.metric.is_empty() && fits(named.metric) && fits(named.tag))
    }

    /// The same with whatever somebody typed for the metric and the tag.
    pub fn typed(measure: &'a str) -> Option<Named<'a>> {
        let (aggregate, rest) = measure.strip_prefix(PREFIX)?.split_once('.')?;
        let (metric, tag) = rest.split_once('/').unwrap_or((rest, ""));
        Some(Named {
            aggregate: aggregate.parse().ok()?,
            metric,
            tag,
        })
    }

    /// The name of the measure.
    pub fn measure(self) -> String {
        let Named { aggregate, metric, tag } = self;
        match tag {
            "" => format!("{PREFIX}{aggregate}.{metric}"),
            tag => format!("{PREFIX}{aggregate}.{metric}/{tag}"),
        }
    }
}

#[async_trait]
impl Source for Metrics {
    fn measures(&self) -> Vec<Measure> {
        vec![]
    }

    fn named(&self, name: &str) -> Option<Measure> {
        let named = Named::read(name)?;
        let words = named.metric.replace(['_', '.'], " ");
        let title = match named.tag {
            "" => words,
            tag => t!("{words} by {tag}", words, tag),
        };
        let (nature, unit) = match named.aggregate {
            Aggregate::Sum => (Nature::Count, ""),
            Aggregate::Average => (Nature::Ratio, ""),
            Aggregate::Ratio => (Nature::Ratio, "%"),
            // those of windows are no figures by day, and nothing is added up of them
            _ => (Nature::Worst, ""),
        };
        Some(Measure {
            name: name.to_owned().into(),
            title: title.into(),
            unit: unit.into(),
            nature,
            by: if !named.aggregate.is_daily() {
                &[]
            } else if named.tag.is_empty() {
                BY
            } else {
                BY_AND_TAG
            },
            past: true,
            items: false,
            hours: false,
        })
    }

    async fn load(&self, tx: &mut PgConnection, query: &Query) -> Result<Frame> {
        let named = Named::read(&query.measure).ok_or(Error::NotFound)?;
        if !named.aggregate.is_daily() || !figures::exists(tx, named.metric).await? {
            return Err(Error::NotFound);
        }
        let cut = &query.cut;
        let mut rows = figures::split(tx, cut, named.metric, named.aggregate, named.tag).await?;
        if named.aggregate == Aggregate::Ratio {
            rows = rows.into_iter().map(percent).collect();
        }
        // from the first day with anything on, a day without is a zero
        let first = rows.iter().filter_map(|row| row.first.parse::<NaiveDate>().ok()).min();
        let known = match (cut.by.first(), first) {
            (Some(Dimension::Day), Some(first)) => first.iter_days().take_while(|day| *day <= cut.last).collect(),
            _ => vec![],
        };
        Ok(Frame {
            by: cut.by.clone(),
            rows,
            as_of: super::now(tx).await?,
            last_is_partial: query.live,
            known,
        })
    }
}

fn percent(row: Row) -> Row {
    Row {
        value: row.value * 100.0,
        ..row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_number_of_which_metric_and_by_which_tag() {
        assert_eq!(
            Named::read("metrics.sum.shop_revenue/category"),
            Some(Named {
                aggregate: Aggregate::Sum,
                metric: "shop_revenue",
                tag: "category"
            })
        );
        assert_eq!(
            Named::read("metrics.avg.cpu.usage").map(|named| named.metric),
            Some("cpu.usage")
        );
        for other in [
            "inventory.stock",
            "metrics.sum",
            "metrics.total.x",
            "metrics.sum.",
            "metrics.sum.a b",
        ] {
            assert_eq!(Named::read(other), None, "{other}");
        }
    }
}
