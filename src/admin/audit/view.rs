//! A line of the log in words: what changed, field by field.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::audit::{Line, Via};
use crate::words::Dated;

/// A line as the page shows it.
pub struct LineView {
    pub id: i64,
    pub iso: String,
    pub day: String,
    pub time: String,
    pub who: String,
    /// the account, for a filter; none for programs
    pub actor: Option<i64>,
    /// `Session 3f…, 10.0.0.7`
    pub from: String,
    pub action: String,
    /// `unit 17`
    pub thing: String,
    pub facility: String,
    /// what else is known: `quantity 3, reason expired`
    pub detail: String,
    pub changes: Vec<ChangeView>,
    pub seq: i64,
    pub hash: String,
}

/// One field that changed.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangeView {
    pub field: String,
    pub before: String,
    pub after: String,
}

impl LineView {
    pub fn of(line: &Line) -> Self {
        let mut from = vec![match (&line.via_id, line.via) {
            (Some(name), Via::Session | Via::Key) => format!("{} {}", line.via.label(), &name[..name.len().min(8)]),
            _ => line.via.label().to_owned(),
        }];
        from.extend(line.address.clone());
        LineView {
            id: line.id,
            iso: line.at.to_rfc3339(),
            day: line.at.dated("%-d %b %Y"),
            time: line.at.format("%H:%M:%S").to_string(),
            who: line.actor.clone(),
            actor: line.actor_id.map(|id| id.0),
            from: from.join(", "),
            action: line.action.clone(),
            thing: match line.thing_id {
                Some(id) => format!("{} {id}", words(&line.thing)),
                None => words(&line.thing),
            },
            facility: line.facility.clone().unwrap_or_else(|| t!("Installation").into()),
            detail: pairs(&line.detail),
            changes: changes(line.before.as_ref(), line.after.as_ref()),
            seq: line.seq,
            hash: line.hash.clone(),
        }
    }
}

/// Field by field, in the order of their names; what is no object is one field without a name.
fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<ChangeView> {
    let fields = |value: Option<&Value>| match value {
        Some(Value::Object(fields)) => fields.keys().cloned().collect::<BTreeSet<String>>(),
        Some(Value::Null) | None => BTreeSet::new(),
        Some(_) => BTreeSet::from([String::new()]),
    };
    let said = |value: Option<&Value>, field: &str| match value {
        Some(Value::Object(fields)) => fields.get(field).map_or_else(String::new, plain),
        Some(other) if field.is_empty() => plain(other),
        _ => String::new(),
    };
    let all = &fields(before) | &fields(after);
    all.into_iter()
        .map(|field| ChangeView {
            before: said(before, &field),
            after: said(after, &field),
            field: words(&field),
        })
        .collect()
}

fn pairs(detail: &Value) -> String {
    let Value::Object(fields) = detail else {
        return plain(detail);
    };
    let pairs = fields.iter().map(|(field, value)| (words(field), plain(value)));
    pairs
        .filter(|(_, value)| !value.is_empty())
        .map(|(field, value)| format!("{field} {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `red_cells` as people write it.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // a code of ours, such as `red_cells`
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => words(text),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(_) => format!("({})", pairs(value)),
        Value::Number(number) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_told_field_by_field() {
        let told = changes(
            Some(&json!({"name": "North", "count_hour": 6})),
            Some(&json!({"name": "South", "groups": ["A", "B"]})),
        );

        let rows: Vec<_> = told
            .iter()
            .map(|one| (&*one.field, &*one.before, &*one.after))
            .collect();
        assert_eq!(
            rows,
            [
                ("count hour", "6", ""),
                ("groups", "", "A, B"),
                ("name", "North", "South")
            ]
        );
    }

    #[test]
    fn a_new_thing_has_nothing_before() {
        let told = changes(None, Some(&json!({"active": true})));

        assert_eq!((told.len(), &*told[0].before, &*told[0].after), (1, "", "yes"));
    }
}
