//! What a condition makes of figures, pure: the same for this moment and for each of the last week.

use std::collections::BTreeMap;

use super::{Detail, Operation, Unit, Watch};
use crate::metrics::many::Part;

/// A value for each part that is known; none where nothing was measured.
pub type Frame = BTreeMap<Part, Option<f64>>;

/// What was found of one part.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub part: Part,
    pub value: f64,
    pub broken: bool,
    pub detail: Detail,
}

/// Judges the first frame, beside those that it is compared with, in the order of [`Watch::needs`]. A part without a value
/// is left out: of that nothing is known.
pub fn judge(watch: &Watch, frames: &[Frame]) -> Vec<Judged> {
    let Some((now, beside)) = frames.split_first() else {
        return Vec::new();
    };
    let one = |part: &Part, value: Option<f64>| -> Option<Judged> {
        let others = beside.iter().filter_map(|frame| frame.get(part).copied().flatten());
        let (value, broken, usual) = match watch {
            Watch::Level {
                crosses, value: limit, ..
            } => (value?, crosses.is_crossed(value?, *limit), None),
            Watch::Change {
                unit,
                crosses,
                value: limit,
                ..
            } => {
                let (value, usual) = (value?, median(others.collect())?);
                let change = match unit {
                    Unit::Absolute => value - usual,
                    Unit::Percent if usual == 0.0 => return None,
                    Unit::Percent => (value - usual) / usual.abs() * 100.0,
                };
                let limit = match crosses {
                    crate::alerts::model::Crossing::Above => *limit,
                    crate::alerts::model::Crossing::Below => -limit,
                };
                (value, crosses.is_crossed(change, limit), Some(usual))
            }
            Watch::Pair {
                operation,
                crosses,
                value: limit,
                ..
            } => {
                let other = others.into_iter().next()?;
                let result = match (operation, value) {
                    // whoever had no error at all has no series of errors
                    (Operation::Over, value) => value.unwrap_or(0.0) / other,
                    (Operation::Minus, value) => value.unwrap_or(0.0) - other,
                    (Operation::Plus, value) => value.unwrap_or(0.0) + other,
                    (Operation::Times, value) => value? * other,
                };
                let result = Some(result).filter(|result| result.is_finite())?;
                (result, crosses.is_crossed(result, *limit), None)
            }
            Watch::Absent { minutes, .. } => (value?, value? >= f64::from(*minutes), None),
            Watch::Case { .. } => (value?, value? > 0.0, None),
            Watch::Unusual { .. } => return None,
        };
        let detail = Detail {
            usual,
            ..Detail::default()
        };
        Some(Judged {
            part: part.clone(),
            value,
            broken,
            detail,
        })
    };
    let mut found: Vec<Judged> = now.iter().filter_map(|(part, value)| one(part, *value)).collect();
    if matches!(watch, Watch::Pair { .. }) {
        let unseen = beside
            .iter()
            .flat_map(Frame::keys)
            .filter(|part| !now.contains_key(*part));
        found.extend(unseen.filter_map(|part| one(part, None)));
    }
    found
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some((values[low] + values[high]) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Aggregate, Reading, Usual};
    use super::*;
    use crate::alerts::model::Crossing;

    fn reading() -> Reading {
        Reading {
            metric: "cpu_usage".into(),
            aggregate: Aggregate::P95,
            minutes: 5,
            tags: BTreeMap::new(),
            by: "host".into(),
        }
    }

    fn part(host: &str) -> Part {
        (7, [("host".to_owned(), host.to_owned())].into())
    }

    fn frame<const N: usize>(values: [(&str, f64); N]) -> Frame {
        values
            .into_iter()
            .map(|(host, value)| (part(host), Some(value)))
            .collect()
    }

    fn broken(watch: &Watch, frames: &[Frame]) -> Vec<String> {
        let found = judge(watch, frames).into_iter().filter(|one| one.broken);
        found.map(|one| one.part.1["host"].clone()).collect()
    }

    #[test]
    fn a_change_is_against_the_median_of_what_is_known_of_the_weeks_before() {
        let watch = Watch::Change {
            of: reading(),
            usual: Usual::Median,
            back: 3,
            unit: Unit::Percent,
            crosses: Crossing::Below,
            value: 40.0,
        };
        let now = frame([("a", 59.0), ("b", 61.0), ("new", 1.0)]);
        let weeks = [
            frame([("a", 100.0), ("b", 100.0)]),
            frame([("a", 1.0), ("b", 100.0)]),
            frame([("a", 900.0)]),
        ];

        let frames: Vec<Frame> = std::iter::once(now).chain(weeks).collect();

        assert_eq!(broken(&watch, &frames), ["a"]);
        assert_eq!(judge(&watch, &frames).len(), 2, "of a new part nothing is usual yet");
    }

    #[test]
    fn a_share_of_what_did_not_happen_is_zero_and_over_nothing_there_is_none() {
        let watch = Watch::Pair {
            of: reading(),
            operation: Operation::Over,
            other: "requests".into(),
            other_aggregate: Aggregate::Sum,
            crosses: Crossing::Above,
            value: 0.05,
        };
        let errors = frame([("a", 6.0), ("b", 5.0), ("idle", 0.0)]);
        let requests = frame([("a", 100.0), ("b", 100.0), ("idle", 0.0), ("clean", 10.0)]);

        let found = judge(&watch, &[errors, requests]);

        let values: Vec<(&str, f64, bool)> = found
            .iter()
            .map(|one| (one.part.1["host"].as_str(), one.value, one.broken))
            .collect();
        assert_eq!(values, [("a", 0.06, true), ("b", 0.05, false), ("clean", 0.0, false)]);
    }
}
