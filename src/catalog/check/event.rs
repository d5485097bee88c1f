//! Whether an event type is whole, and which fields its data has once it is enriched.

use serde_json::Value;

use super::super::expression::Expression;
use super::super::model::{Catalog, Enrichment, EventType, Field, Table};
use super::no_such;
use crate::error::Problems;

/// The fields of an event type, as far as its schema names them.
pub struct Known {
    schema: Value,
    added: Vec<String>,
}

impl Known {
    /// Says so when the schema lists its fields and this is not one of them.
    pub fn check(&self, field: &Field, key: &str, problems: &mut Problems) {
        let pointer = field.pointer();
        let mut parts = pointer.split('/').skip(1);
        let first = parts.next().unwrap_or_default();
        if first.is_empty() {
            problems.add(
                key,
                t!("Give the name of a field, or a JSON pointer such as `/customer/country`."),
            );
        } else if !self.has(&self.schema, first) && !self.added.iter().any(|name| name == first) {
            let mut names = names(&self.schema);
            names.extend(self.added.iter().map(String::as_str));
            problems.add(key, no_such(t!("field"), first, &names));
        } else if let Some((inside, next)) = parts.next().and_then(|next| Some((self.inside(first)?, next)))
            && !self.has(inside, next)
        {
            problems.add(key, no_such(&t!("field in “{first}”", first), next, &names(inside)));
        }
    }

    fn inside(&self, name: &str) -> Option<&Value> {
        self.schema.get("properties")?.get(name)
    }

    /// A schema that names no properties may have any.
    fn has(&self, schema: &Value, name: &str) -> bool {
        match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => properties.contains_key(name),
            None => true,
        }
    }
}

fn names(schema: &Value) -> Vec<&str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

pub fn check_event(catalog: &Catalog, event: &EventType, key: &str, problems: &mut Problems) -> Known {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let name = &event.name;
    if name.len() > 100 || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
        problems.add(
            format!("{key}.type"),
            t!("Use 1 to 100 small letters, digits, points, hyphens and underscores, a letter first."),
        );
    }
    super::title(&event.title, &format!("{key}.title"), problems);
    let mut known = Known {
        schema: event.schema.clone(),
        added: vec![],
    };
    let wrong = match &event.schema {
        Value::Bool(_) | Value::Object(_) => jsonschema::validator_for(&event.schema).err().map(|error| {
            t!(
                "This is not a JSON Schema: {error} (at `{path}`).",
                error,
                path = error.instance_path()
            )
        }),
        _ => Some(t!("This is not a JSON Schema: expected a table.").into()),
    };
    if let Some(wrong) = wrong {
        problems.add(format!("{key}.schema"), wrong);
    }
    for (at, one) in event.enrich.iter().enumerate() {
        let key = format!("{key}.enrich[{at}]");
        check_enrichment(catalog, &known, one, &key, problems);
        known.added.push(one.field.clone());
    }
    for (place, pointer) in [
        ("facility", &event.facility),
        ("actor", &event.actor),
        ("subject", &event.subject),
    ] {
        let Some(pointer) = pointer else { continue };
        let key = format!("{key}.{place}");
        if pointer.starts_with('/') {
            known.check(&Field(pointer.clone()), &key, problems);
        } else {
            problems.add(
                key,
                t!(
                    "`{pointer}` is not a JSON pointer: expected one such as `/{pointer}`.",
                    pointer
                ),
            );
        }
    }
    known
}

fn check_enrichment(catalog: &Catalog, known: &Known, one: &Enrichment, key: &str, problems: &mut Problems) {
    let named = !one.field.is_empty()
        && one
            .field
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && one.field.len() <= 60;
    let taken = known.added.contains(&one.field) || known.inside(&one.field).is_some();
    if !named {
        problems.add(
            format!("{key}.field"),
            t!("Use 1 to 60 small letters, digits and underscores."),
        );
    } else if taken {
        problems.add(
            format!("{key}.field"),
            t!("The event has “{name}” already.", name = one.field),
        );
    }
    match (&one.expression, &one.table) {
        (Some(text), None) => {
            match Expression::parse(text) {
                Ok(expression) => {
                    for field in expression.fields() {
                        known.check(&Field(field.into()), &format!("{key}.as"), problems);
                    }
                }
                Err(mistake) => problems.add(format!("{key}.as"), t!("In `{text}`, {mistake}.", text, mistake)),
            }
            for (name, there) in [
                ("key", one.key.is_some()),
                ("column", one.column.is_some()),
                ("otherwise", one.otherwise.is_some()),
            ] {
                if there {
                    problems.add(
                        format!("{key}.{name}"),
                        t!("`{name}` belongs to `table`, not to `as`.", name),
                    );
                }
            }
        }
        (None, Some(table)) => check_look_up(catalog, known, one, table, key, problems),
        _ => problems.add(
            key,
            t!("Give either `as`, an expression, or `table`, `key` and `column`."),
        ),
    }
}

fn check_look_up(catalog: &Catalog, known: &Known, one: &Enrichment, table: &str, key: &str, problems: &mut Problems) {
    match &one.key {
        Some(field) => known.check(field, &format!("{key}.key"), problems),
        None => problems.add(format!("{key}.key"), t!("Say which field is looked for in the table.")),
    }
    let Some(found) = catalog.tables.iter().find(|one| one.name == table) else {
        let names: Vec<&str> = catalog.tables.iter().map(|one| &*one.name).collect();
        problems.add(format!("{key}.table"), no_such(t!("table"), table, &names));
        return;
    };
    let columns: Vec<&str> = found
        .rows
        .first()
        .into_iter()
        .flat_map(|row| row.keys().map(String::as_str))
        .collect();
    match &one.column {
        Some(column) if columns.contains(&&**column) => {}
        Some(column) => problems.add(format!("{key}.column"), no_such(t!("column"), column, &columns)),
        None => problems.add(
            format!("{key}.column"),
            t!("Say which column is wanted: {columns}.", columns = columns.join(", ")),
        ),
    }
}

pub fn check_table(table: &Table, key: &str, problems: &mut Problems) {
    super::slug(&table.name, &format!("{key}.name"), problems);
    if table.rows.is_empty() || table.rows.len() > 10_000 {
        problems.add(format!("{key}.rows"), t!("From 1 to 10000 rows."));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (at, row) in table.rows.iter().enumerate() {
        let first = table.rows[0].keys();
        if !row.keys().eq(first.clone()) {
            let columns: Vec<&str> = first.map(String::as_str).collect();
            problems.add(
                format!("{key}.rows[{at}]"),
                t!(
                    "Every row has the columns of the first: {columns}.",
                    columns = columns.join(", ")
                ),
            );
        }
        match row.get(&table.key) {
            None => problems.add(
                format!("{key}.rows[{at}]"),
                t!("It has no “{key}”, the table's key.", key = table.key),
            ),
            Some(value) if !seen.insert(value.to_string()) => {
                problems.add(format!("{key}.rows[{at}]"), t!("{value} is there already.", value));
            }
            Some(_) => {}
        }
    }
}
