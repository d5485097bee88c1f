//! Conditions over metrics in words.

use super::{Detail, Reading, Unit, Usual, Watch};
use crate::alerts::model::Labels;
use crate::charts::number;

/// `web-01, prod`: the values that tell one alert from the others of its rule.
fn which(labels: &Labels) -> String {
    let values: Vec<&str> = labels
        .values()
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .collect();
    values.join(", ")
}

fn about(labels: &Labels, what: String) -> String {
    match which(labels).as_str() {
        "" => what,
        which => t!("{which}: {what}", which, what),
    }
}

impl Reading {
    /// `95th percentile of cpu_usage over 5 min, where env = prod`
    fn words(&self) -> String {
        let what = t!(
            "{aggregate} of {metric} over {minutes} min",
            aggregate = self.aggregate.label(),
            metric = self.metric,
            minutes = self.minutes
        );
        let tags: Vec<String> = self
            .tags
            .iter()
            .map(|(tag, value)| format!("{tag} = {value}"))
            .collect();
        match tags.is_empty() {
            true => what,
            false => t!("{what}, where {tags}", what, tags = tags.join(", ")),
        }
    }

    fn each(&self, what: String) -> String {
        match self.by.as_str() {
            "" => what,
            tag => t!("{what}, for each {tag}", what, tag),
        }
    }
}

impl Watch {
    /// What breaks it, as the list of rules says.
    pub fn summary(&self) -> String {
        match self {
            Watch::Level { of, crosses, value } => of.each(t!(
                "{what} is {crosses} {value}",
                what = of.words(),
                crosses = crosses.label(),
                value = number(*value)
            )),
            Watch::Absent { metric, minutes, .. } => {
                t!(
                    "a series of {metric} has had no point for {minutes} min",
                    metric,
                    minutes
                )
            }
            Watch::Change {
                of,
                usual,
                back,
                unit,
                crosses,
                value,
            } => {
                let by = match unit {
                    Unit::Percent => t!("{n} %", n = number(*value)),
                    Unit::Absolute => number(*value),
                };
                let back = i64::from(*back);
                let than = match usual {
                    Usual::Days => n!("what it was {n} day before", "what it was {n} days before", back),
                    Usual::Weeks => n!("what it was {n} week before", "what it was {n} weeks before", back),
                    Usual::Median => n!("the median of {n} week", "the median of {n} weeks", back),
                };
                of.each(t!(
                    "{what} is {by} {crosses} {than}",
                    what = of.words(),
                    by,
                    crosses = crosses.label(),
                    than
                ))
            }
            Watch::Unusual { of, .. } => of.each(t!("{what} is unusual", what = of.words())),
            Watch::Pair {
                of,
                operation,
                other,
                other_aggregate,
                crosses,
                value,
            } => of.each(t!(
                "{what} {operation} {other} ({aggregate}) is {crosses} {value}",
                what = of.words(),
                operation = operation.label(),
                other,
                aggregate = other_aggregate.label(),
                crosses = crosses.label(),
                value = number(*value)
            )),
            Watch::Case { emits, minutes } => t!("{emits} was found within {minutes} min", emits, minutes),
        }
    }

    /// What is the matter with one alert, as people read it.
    pub fn words(&self, labels: &Labels, value: f64, detail: &Detail) -> String {
        let value = number(value);
        let what = match self {
            Watch::Level {
                of,
                crosses,
                value: limit,
            } => t!(
                "{what} is {value}, {crosses} {limit}",
                what = of.words(),
                value,
                crosses = crosses.label(),
                limit = number(*limit)
            ),
            Watch::Absent { metric, .. } => t!("no point of {metric} for {value} min", metric, value),
            Watch::Change { of, .. } => t!(
                "{what} is {value}, usually {usual}",
                what = of.words(),
                value,
                usual = detail.usual.map_or_else(|| "–".to_owned(), number)
            ),
            Watch::Unusual { of, .. } => t!(
                "{what} is {value}: {explanation}",
                what = of.words(),
                value,
                explanation = explanation(detail)
            ),
            Watch::Pair {
                of,
                operation,
                other,
                crosses,
                value: limit,
                ..
            } => t!(
                "{metric} {operation} {other} is {value}, {crosses} {limit}",
                metric = of.metric,
                operation = operation.label(),
                other,
                value,
                crosses = crosses.label(),
                limit = number(*limit)
            ),
            Watch::Case { emits, .. } => t!("{emits} was found {value} ×", emits, value),
        };
        about(labels, what)
    }
}

/// What the detector says of it.
pub fn explanation(detail: &Detail) -> String {
    detail.reason.map(|reason| reason.words()).unwrap_or_default()
}
