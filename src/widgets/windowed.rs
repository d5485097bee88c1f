//! Widgets over windows of a metric: what their fields mean, and what can be asked of which metric.

use std::sync::Arc;

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::sources::Named;
use super::{Context, Kind, Widget};
use crate::error::{Error, Problems, Result};
use crate::metrics::figures::Aggregate;
use crate::metrics::{self, Definition, Definitions, MetricKind, Selection, Tags, queries};
use crate::text;

/// When a widget does not say.
const WINDOW: TimeDelta = TimeDelta::minutes(5);
const REACH: TimeDelta = TimeDelta::hours(3);
/// Windows of one widget at most.
const MOST_WINDOWS: i64 = 360;
/// Windows side by side reach back so far at most: they are added up from minutes.
pub(super) const FURTHEST: TimeDelta = TimeDelta::days(2);

/// What is wrong with the fields of such a widget.
pub(super) fn check(widget: &Widget, problems: &mut Problems) {
    let options = &widget.options;
    let read = |given: &Option<String>, usual| match given {
        Some(given) => metrics::span(given),
        None => Some(usual),
    };
    let (window, reach) = (read(&options.window, WINDOW), read(&options.reach, REACH));
    match window {
        None => problems.add("window", t!("Give a length such as 90s, 5m, 2h or 7d, at most 400d.")),
        Some(window) if widget.kind == Kind::Windows => match reach {
            None => problems.add("reach", t!("Give a length such as 30m, 3h or 2d.")),
            Some(_) if window.num_seconds() % 60 != 0 => {
                problems.add("window", t!("Windows side by side are whole minutes."));
            }
            Some(reach) if reach > FURTHEST => problems.add("reach", t!("Windows reach back 2 days at most.")),
            Some(reach) if reach < window => problems.add("reach", t!("It is shorter than one window.")),
            Some(reach) if reach.num_seconds() / window.num_seconds() > MOST_WINDOWS => {
                problems.add("window", t!("That is more than {MOST_WINDOWS} windows.", MOST_WINDOWS));
            }
            Some(_) => {}
        },
        Some(_) => {}
    }
    if let Some(given) = &options.tags {
        if let Some(problem) = text::problem(given, 400) {
            problems.add("tags", problem);
        } else if tags(given).is_none() {
            problems.add("tags", t!("Write tags as host=web-01, env=prod, at most eight."));
        }
    }
    let tag = widget.named().map_or("", |named| named.tag);
    if widget.kind == Kind::Top && tag.is_empty() {
        problems.add("tag", t!("Say of which tag the values are listed."));
    }
}

/// `host=web-01, env=prod`
fn tags(given: &str) -> Option<Tags> {
    let pairs = given.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let tags: Option<Tags> = pairs
        .map(|pair| {
            let (tag, value) = pair.split_once('=')?;
            let (tag, value) = (tag.trim(), value.trim());
            (!tag.is_empty()).then(|| (tag.to_owned(), value.to_owned()))
        })
        .collect();
    tags.filter(|tags| tags.len() <= 8)
}

/// A widget's question, ready to be asked.
pub(super) struct Asking<'a> {
    pub named: Named<'a>,
    pub definitions: Definitions,
    pub metric: Arc<Definition>,
    pub window: TimeDelta,
    pub reach: TimeDelta,
    /// of the facilities of the context and the tags of the widget, not grouped
    pub selection: Selection,
}

impl<'a> Asking<'a> {
    /// `NotFound` when there is no such metric, `Invalid` when this cannot be asked of it.
    pub async fn of(tx: &mut PgConnection, widget: &'a Widget, context: &Context) -> Result<Asking<'a>> {
        let named = widget.named().ok_or(Error::NotFound)?;
        let definitions = metrics::one(tx, named.metric).await?;
        let metric = definitions.metric(named.metric).ok_or(Error::NotFound)?.clone();
        unfit(widget.kind, named.aggregate, metric.kind).check()?;
        let options = &widget.options;
        let length = |given: &Option<String>, usual| given.as_deref().and_then(metrics::span).unwrap_or(usual);
        Ok(Asking {
            named,
            window: length(&options.window, WINDOW),
            reach: length(&options.reach, REACH),
            selection: Selection {
                tags: options.tags.as_deref().and_then(tags).unwrap_or_default(),
                group_by: vec![],
                facilities: Some(context.ids()),
            },
            metric,
            definitions,
        })
    }

    /// The same for each value of the widget's tag, where it has one.
    pub fn grouped(&self) -> Selection {
        let tag = self.named.tag;
        Selection {
            group_by: if tag.is_empty() { vec![] } else { vec![tag.into()] },
            ..self.selection.clone()
        }
    }

    /// What a ratio is multiplied by to be percent.
    pub fn factor(&self) -> f64 {
        if self.named.aggregate == Aggregate::Ratio {
            100.0
        } else {
            1.0
        }
    }
}

/// What is wrong with a number of a metric of this kind: the values of one that counts different ones are hashes, and a
/// ratio has no values at all.
fn unfit(kind: Kind, aggregate: Aggregate, metric: MetricKind) -> Problems {
    let mut problems = Problems::default();
    let hashes = [Aggregate::Distinct, Aggregate::Count, Aggregate::Rate];
    match metric {
        MetricKind::Ratio | MetricKind::Distinct if kind == Kind::Spread => {
            problems.add("metric", t!("This metric has no values that could be spread."));
        }
        _ if kind == Kind::Spread => {}
        MetricKind::Ratio if aggregate != Aggregate::Ratio => {
            problems.add("aggregate", t!("This metric is a ratio: choose Ratio."));
        }
        MetricKind::Distinct if !hashes.contains(&aggregate) => {
            problems.add(
                "aggregate",
                t!("This metric counts different values: choose Different values, Number of values or Rate."),
            );
        }
        MetricKind::Gauge | MetricKind::Count | MetricKind::Sum | MetricKind::Avg if aggregate == Aggregate::Ratio => {
            problems.add("aggregate", t!("This metric is no ratio."));
        }
        _ => {}
    }
    problems
}

/// What is wrong with a widget that the database alone can say: whether there is such a metric, and what can be asked of it.
pub async fn refused(tx: &mut PgConnection, widget: &Widget) -> Result<Problems> {
    let mut problems = Problems::default();
    let Some(named) = widget.named().filter(|_| widget.kind.is_windowed()) else {
        return Ok(problems);
    };
    match metrics::one(tx, named.metric).await?.metric(named.metric) {
        Some(metric) => problems = unfit(widget.kind, named.aggregate, metric.kind),
        None => problems.add("metric", t!("There is no metric of this name.")),
    }
    Ok(problems)
}

/// The names of metrics that the transaction sees, for those who choose one.
pub async fn known(tx: &mut PgConnection) -> Result<Vec<String>> {
    queries::names(tx, 300).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_pairs() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());

        assert_eq!(
            tags("host=web-01, env = prod"),
            Some(vec![pair("host", "web-01"), pair("env", "prod")])
        );
        assert_eq!(tags(""), Some(vec![]));
        assert_eq!((tags("host"), tags("=x")), (None, None));
    }
}
