//! Conditions over live metrics and over what catalogs find: what they watch, what they need to know, and what is wrong
//! with one that somebody typed.

pub mod judge;
pub mod load;
pub mod replay;
pub mod words;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::model::{Crossing, Labels};
use crate::detect::Reason;
use crate::error::Problems;
use crate::metrics::many::By;
use crate::metrics::{Aggregates, MetricKind};
use crate::text;
use crate::text_enum::text_enum;

text_enum! {
    /// What is taken of a window. Of a ratio it is always the ratio.
    pub enum Aggregate {
        Avg = "avg" / "Average",
        Min = "min" / "Lowest",
        Max = "max" / "Highest",
        Sum = "sum" / "Sum",
        Count = "count" / "Number of points",
        Rate = "rate" / "Rate per second",
        Distinct = "distinct" / "Different values",
        P50 = "p50" / "Median",
        P90 = "p90" / "90th percentile",
        P95 = "p95" / "95th percentile",
        P99 = "p99" / "99th percentile",
    }
}

impl Aggregate {
    /// None without a point; but of events that are counted or added up, no event is zero.
    pub fn of(self, found: &Aggregates, kind: MetricKind) -> Option<f64> {
        if kind == MetricKind::Ratio {
            return found.ratio;
        }
        let adds_up = matches!(kind, MetricKind::Count | MetricKind::Sum);
        match self {
            Aggregate::Sum | Aggregate::Rate | Aggregate::Distinct if found.count == 0 => adds_up.then_some(0.0),
            Aggregate::Count if found.count == 0 && !adds_up => None,
            Aggregate::Avg => found.avg,
            Aggregate::Min => found.min,
            Aggregate::Max => found.max,
            Aggregate::Sum => found.sum,
            Aggregate::Count => Some(found.count as f64),
            Aggregate::Rate => found.rate,
            Aggregate::Distinct => found.distinct.map(|n| n as f64),
            Aggregate::P50 => found.p50,
            Aggregate::P90 => found.p90,
            Aggregate::P95 => found.p95,
            Aggregate::P99 => found.p99,
        }
    }

    pub fn is_quantile(self) -> bool {
        matches!(self, Aggregate::P50 | Aggregate::P90 | Aggregate::P95 | Aggregate::P99)
    }
}

text_enum! {
    /// What a value is compared with.
    pub enum Usual {
        /// the same window so many days before, each of 24 hours
        Days = "days" / "The same window days before",
        /// the same window so many weeks before
        Weeks = "weeks" / "The same window weeks before",
        /// the median of the same windows of so many weeks
        Median = "median" / "The median of the last weeks",
    }
}

text_enum! {
    pub enum Unit {
        Percent = "percent" / "percent",
        Absolute = "absolute" / "in its own unit",
    }
}

text_enum! {
    pub enum Operation {
        Over = "/" / "divided by",
        Minus = "-" / "minus",
        Plus = "+" / "plus",
        Times = "*" / "times",
    }
}

text_enum! {
    /// What becomes of a rule whose metric has no data at all.
    pub enum NoData {
        /// alerts stay as they are, and are marked as stale
        Keep = "keep" / "Alerts stay as they are",
        Fine = "ok" / "It is in order",
        Broken = "alerting" / "It is an alert",
    }
}

/// A window of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    pub metric: String,
    pub aggregate: Aggregate,
    /// length of the sliding window
    pub minutes: u32,
    /// each of these tags has this value
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Labels,
    /// an alert for each value of this tag; empty: one for all
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

impl Reading {
    pub fn by(&self) -> By {
        match self.by.as_str() {
            "" => By::Facility,
            tag => By::Tag(tag.to_owned()),
        }
    }

    pub fn span(&self) -> TimeDelta {
        TimeDelta::minutes(self.minutes.into())
    }
}

/// What is watched, and when it is broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case", deny_unknown_fields)]
pub enum Watch {
    Level {
        of: Reading,
        crosses: Crossing,
        value: f64,
    },
    /// a series of the last day has had no point for so long; an alert for each series
    Absent {
        metric: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        tags: Labels,
        minutes: u32,
    },
    Change {
        of: Reading,
        usual: Usual,
        /// days or weeks
        back: u32,
        unit: Unit,
        crosses: Crossing,
        /// by how much more or less than usual
        value: f64,
    },
    /// the detector finds a whole window unusual
    Unusual {
        of: Reading,
        sensitivity: f64,
    },
    /// two metrics put together, such as errors / requests
    Pair {
        of: Reading,
        operation: Operation,
        other: String,
        other_aggregate: Aggregate,
        crosses: Crossing,
        value: f64,
    },
    /// a catalog's correlation was found within this time; an alert for each key
    Case {
        emits: String,
        minutes: u32,
    },
}

/// What else is known of an alert, for its words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A window that is read, and how long ago it ended.
pub type Needed = (Reading, TimeDelta);

pub const MOST_MINUTES: u32 = 7 * 24 * 60;
const MOST_WEEKS: u32 = 8;

impl Watch {
    /// The windows of one evaluation: the one that is judged, then those that it is compared with.
    pub fn needs(&self) -> Vec<Needed> {
        match self {
            Watch::Level { of, .. } => vec![(of.clone(), TimeDelta::zero())],
            Watch::Change { of, usual, back, .. } => {
                let back = i64::from(*back);
                let shifts = match usual {
                    Usual::Days => vec![TimeDelta::days(back)],
                    Usual::Weeks => vec![TimeDelta::weeks(back)],
                    Usual::Median => (1..=back).map(TimeDelta::weeks).collect(),
                };
                let all = std::iter::once(TimeDelta::zero()).chain(shifts);
                all.map(|shift| (of.clone(), shift)).collect()
            }
            Watch::Pair {
                of,
                other,
                other_aggregate,
                ..
            } => {
                let beside = Reading {
                    metric: other.clone(),
                    aggregate: *other_aggregate,
                    ..of.clone()
                };
                vec![(of.clone(), TimeDelta::zero()), (beside, TimeDelta::zero())]
            }
            Watch::Absent { .. } | Watch::Unusual { .. } | Watch::Case { .. } => Vec::new(),
        }
    }

    pub fn limit(&self) -> Option<f64> {
        match self {
            Watch::Level { value, .. } | Watch::Change { value, .. } | Watch::Pair { value, .. } => Some(*value),
            Watch::Absent { minutes, .. } => Some(f64::from(*minutes)),
            Watch::Unusual { sensitivity, .. } => Some(1.0 - sensitivity),
            Watch::Case { .. } => None,
        }
    }

    /// What is wrong with it, by the fields of its form.
    pub fn check(&self, problems: &mut Problems) {
        let mut metric = |field: &'static str, name: &str| {
            if name.trim().is_empty() || text::problem(name, 200).is_some() {
                problems.add(field, t!("Choose a metric."));
            }
        };
        match self {
            Watch::Absent { metric: name, .. } => metric("metric", name),
            Watch::Pair { of, other, .. } => {
                metric("metric", &of.metric);
                metric("other", other);
            }
            Watch::Level { of, .. } | Watch::Change { of, .. } | Watch::Unusual { of, .. } => {
                metric("metric", &of.metric);
            }
            Watch::Case { emits, .. } if emits.trim().is_empty() || text::problem(emits, 200).is_some() => {
                problems.add(
                    "emits",
                    t!("Name what a catalog finds, such as payment.takeover_suspected."),
                );
            }
            Watch::Case { .. } => {}
        }
        let minutes = match self {
            Watch::Level { of, .. } | Watch::Change { of, .. } | Watch::Unusual { of, .. } | Watch::Pair { of, .. } => {
                if !of.by.is_empty() && !is_name(&of.by) {
                    problems.add("tag", t!("A tag's name has no spaces and at most 60 characters."));
                }
                of.minutes
            }
            Watch::Absent { minutes, .. } | Watch::Case { minutes, .. } => *minutes,
        };
        // whoever was silent for a day is not known any more
        let most = if matches!(self, Watch::Absent { .. }) {
            23 * 60
        } else {
            MOST_MINUTES
        };
        if !(1..=most).contains(&minutes) {
            problems.add("minutes", t!("From 1 to {most} minutes.", most));
        }
        match self {
            Watch::Change { usual, back, value, .. } => {
                let most = if *usual == Usual::Days { 28 } else { MOST_WEEKS };
                if !(1..=most).contains(back) {
                    problems.add("back", t!("From 1 to {most}.", most));
                }
                if !(value.is_finite() && *value >= 0.0) {
                    problems.add("value", t!("Type by how much, without a sign."));
                }
            }
            Watch::Unusual { sensitivity, .. } if !(0.05..=0.95).contains(sensitivity) => {
                problems.add("sensitivity", t!("From 0.05 to 0.95."));
            }
            Watch::Level { value, .. } | Watch::Pair { value, .. } if !value.is_finite() => {
                problems.add("value", t!("Type a number."));
            }
            _ => {}
        }
    }
}

/// Whether this can be the name of a tag or a label.
pub fn is_name(name: &str) -> bool {
    (1..=60).contains(&name.chars().count())
        && !name.contains([' ', ',', '=', '{', '}'])
        && text::problem(name, 60).is_none()
}
