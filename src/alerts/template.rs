//! What a rule's messages say of an alert: a text with variables in braces. `value`, `limit`, `usual`, `score`,
//! `explanation`, `rule` and `facility` are known of every alert; other names are those of its labels.

use super::live::{Detail, words::explanation};
use super::model::{Condition, Labels};
use crate::charts::number;
use crate::text;

const LONGEST: usize = 500;

/// A piece of a text.
enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Why a text cannot be taken: a brace without its other one.
pub fn check(template: &str) -> Result<(), String> {
    if let Some(problem) = text::problem(template, LONGEST) {
        return Err(problem.to_string());
    }
    pieces(template)
        .map(|_| ())
        .ok_or_else(|| t!("Write a variable as {example}.", example = "{value}"))
}

fn pieces(template: &str) -> Option<Vec<Piece<'_>>> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, later) = after.split_once('}')?;
        if before.contains('}') || name.is_empty() || name.contains('{') {
            return None;
        }
        found.extend([Piece::Text(before), Piece::Variable(name)]);
        rest = later;
    }
    (!rest.contains('}')).then(|| {
        found.push(Piece::Text(rest));
        found
    })
}

/// One alert in the words of its rule; an alert does not have every label, and then it says a dash.
pub fn words(
    template: &str,
    (rule, facility): (&str, &str),
    condition: &Condition,
    labels: &Labels,
    value: f64,
    detail: &Detail,
) -> String {
    let Some(pieces) = pieces(template).filter(|_| !template.trim().is_empty()) else {
        return condition.words(labels, value, detail);
    };
    let limit = match condition {
        Condition::Live { watch } => watch.limit(),
        Condition::Figure { value, .. } | Condition::Installation { value, .. } => Some(*value),
        _ => None,
    };
    let dash = || "–".to_owned();
    let variable = |name: &str| match name {
        "value" => number(value),
        "limit" => limit.map_or_else(dash, number),
        "usual" => detail.usual.map_or_else(dash, number),
        "score" => detail.score.map_or_else(dash, |score| format!("{score:.2}")),
        "explanation" if detail.reason.is_some() => explanation(detail),
        "explanation" => condition.words(labels, value, detail),
        "rule" => rule.to_owned(),
        "facility" => facility.to_owned(),
        label => labels.get(label).cloned().unwrap_or_else(dash),
    };
    pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Variable(name) => variable(name),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::model::Trouble;
    use super::*;

    fn said(template: &str) -> String {
        let condition = Condition::Installation {
            what: Trouble::FailedJobs,
            value: 2.0,
        };
        let labels: Labels = [("host".to_owned(), "web-01".to_owned())].into();
        words(
            template,
            ("Jobs", "Lakeside"),
            &condition,
            &labels,
            3.0,
            &Detail::default(),
        )
    }

    #[test]
    fn variables_are_values_and_labels() {
        assert_eq!(
            said("{rule} on {host}: {value} > {limit}, {other}"),
            "Jobs on web-01: 3 > 2, –"
        );
        assert_eq!(said(""), "3: scheduled jobs that failed");
    }

    #[test]
    fn a_brace_without_its_other_one_is_refused() {
        for wrong in ["{value", "value}", "{}", "{a{b}}"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
        assert!(check("{host} is slow: {value} ms").is_ok());
    }
}
