//! What holds a catalog together beyond its form: names that are unique and exist, fields that events have, expressions
//! that can be read, schemas that are schemas.

mod event;

use std::collections::BTreeSet;

use self::event::{Known, check_event, check_table};
use super::model::{Accepted, Catalog, Correlation, Field, Metric, MetricKind};
use super::read::FORMAT;
use crate::error::Problems;
use crate::text;

/// Of each kind at most.
const MOST: usize = 200;
const DAY: u64 = 24 * 3600;

pub fn check(catalog: &Catalog) -> Problems {
    let mut problems = Problems::default();
    check_head(catalog, &mut problems);
    for (at, table) in catalog.tables.iter().enumerate() {
        check_table(table, &format!("table[{at}]"), &mut problems);
    }
    let known: Vec<Known> = catalog
        .events
        .iter()
        .enumerate()
        .map(|(at, event)| check_event(catalog, event, &format!("event[{at}]"), &mut problems))
        .collect();
    let fields = |name: &str| {
        catalog
            .events
            .iter()
            .position(|event| event.name == name)
            .map(|at| &known[at])
    };
    for (at, metric) in catalog.metrics.iter().enumerate() {
        check_metric(catalog, metric, &format!("metric[{at}]"), fields, &mut problems);
    }
    for (at, correlation) in catalog.correlations.iter().enumerate() {
        check_correlation(
            catalog,
            correlation,
            &format!("correlation[{at}]"),
            fields,
            &mut problems,
        );
    }
    for (at, board) in catalog.boards.iter().enumerate() {
        let key = format!("board[{at}]");
        slug(&board.slug, &format!("{key}.slug"), &mut problems);
        title(&board.name, &format!("{key}.name"), &mut problems);
        for (field, problem) in board.definition.check().iter() {
            problems.add(format!("{key}.{field}"), problem);
        }
    }
    unique(
        "table",
        "name",
        catalog.tables.iter().map(|one| &*one.name),
        &mut problems,
    );
    unique(
        "event",
        "type",
        catalog.events.iter().map(|one| &*one.name),
        &mut problems,
    );
    unique(
        "metric",
        "name",
        catalog.metrics.iter().map(|one| &*one.name),
        &mut problems,
    );
    unique(
        "correlation",
        "emits",
        catalog.correlations.iter().map(|one| &*one.emits),
        &mut problems,
    );
    unique(
        "board",
        "slug",
        catalog.boards.iter().map(|one| &*one.slug),
        &mut problems,
    );
    problems
}

fn check_head(catalog: &Catalog, problems: &mut Problems) {
    if catalog.pulseboard_catalog != FORMAT {
        problems.add(
            "pulseboard_catalog",
            t!(
                "The format is {found}; this program reads {FORMAT}.",
                found = catalog.pulseboard_catalog,
                FORMAT
            ),
        );
    }
    slug(&catalog.name, "name", problems);
    title(&catalog.title, "title", problems);
    if !(1..=1_000_000).contains(&catalog.version) {
        problems.add("version", t!("From 1 to 1000000."));
    }
    if let Some(problem) = text::problem(&catalog.description, 1000) {
        problems.add("description", problem);
    }
    if !(DAY..=3650 * DAY).contains(&catalog.retention.0.as_secs()) {
        problems.add("retention", t!("From `1d` to `3650d`."));
    }
    if !(DAY..=400 * DAY).contains(&catalog.points.0.as_secs()) {
        problems.add("points", t!("From `1d` to `400d`."));
    }
    if catalog
        .allowed_lateness
        .is_some_and(|lateness| lateness > catalog.retention)
    {
        problems.add(
            "allowed_lateness",
            t!("At most the retention, `{retention}`.", retention = catalog.retention),
        );
    }
    if catalog.events.is_empty() {
        problems.add("event", t!("A catalog has at least one event."));
    }
    for (key, number) in [
        ("table", catalog.tables.len()),
        ("event", catalog.events.len()),
        ("metric", catalog.metrics.len()),
        ("correlation", catalog.correlations.len()),
        ("board", catalog.boards.len()),
    ] {
        if number > MOST {
            problems.add(key, t!("A catalog has at most {MOST} of these.", MOST));
        }
    }
}

fn check_metric<'a>(
    catalog: &Catalog,
    metric: &Metric,
    key: &str,
    fields: impl Fn(&str) -> Option<&'a Known>,
    problems: &mut Problems,
) {
    let name = &metric.name;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.len() > 60 || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
        problems.add(
            format!("{key}.name"),
            t!("Use 1 to 60 small letters, digits and underscores, a letter first."),
        );
    }
    title(&metric.title, &format!("{key}.title"), problems);
    if let Some(problem) = text::problem(&metric.unit, 20) {
        problems.add(format!("{key}.unit"), problem);
    }
    let kind = metric.kind;
    let mut field = |name: &str, there: bool, wanted: bool| match (there, wanted) {
        (true, false) => problems.add(format!("{key}.{name}"), t!("A {kind} takes no `{name}`.", kind, name)),
        (false, true) => problems.add(format!("{key}.{name}"), t!("A {kind} needs `{name}`.", kind, name)),
        _ => {}
    };
    let ratio = kind == MetricKind::Ratio;
    field("event", metric.event.is_some(), !ratio);
    field("value", metric.value.is_some(), !ratio && kind != MetricKind::Count);
    field("of", metric.of.is_some(), ratio);
    field("per", metric.per.is_some(), ratio);
    if ratio {
        field("where", !metric.condition.is_empty(), false);
        field("by", !metric.by.is_empty(), false);
        let plain = catalog.metrics.iter().filter(|one| one.kind != MetricKind::Ratio);
        let names: Vec<&str> = plain.map(|one| &*one.name).collect();
        for (part, name) in [("of", &metric.of), ("per", &metric.per)] {
            if let Some(name) = name.as_deref().filter(|name| !names.contains(name)) {
                problems.add(
                    format!("{key}.{part}"),
                    no_such(t!("metric that is no ratio"), name, &names),
                );
            }
        }
    }
    let Some(event) = &metric.event else { return };
    let Some(known) = fields(event) else {
        problems.add(format!("{key}.event"), no_such_event(catalog, event));
        return;
    };
    if let Some(value) = &metric.value {
        known.check(value, &format!("{key}.value"), problems);
    }
    check_condition(&metric.condition, known, key, problems);
    if metric.by.len() > 8 {
        problems.add(format!("{key}.by"), t!("At most 8 fields."));
    }
    let mut tags = BTreeSet::new();
    for (at, field) in metric.by.iter().enumerate() {
        known.check(field, &format!("{key}.by[{at}]"), problems);
        if !tags.insert(field.tag()) {
            problems.add(
                format!("{key}.by[{at}]"),
                t!("`{name}` is there already.", name = field.tag()),
            );
        }
    }
}

fn check_condition<'a>(
    condition: impl IntoIterator<Item = (&'a Field, &'a Accepted)>,
    known: &Known,
    key: &str,
    problems: &mut Problems,
) {
    for (field, accepted) in condition {
        let key = format!("{key}.where.{}", field.0);
        known.check(field, &key, problems);
        if accepted.values().is_empty() {
            problems.add(&key, t!("Give at least one value."));
        } else if accepted
            .values()
            .iter()
            .any(|value| value.is_array() || value.is_object())
        {
            problems.add(
                &key,
                t!("A value is a text, a number, true or false, or a list of these."),
            );
        }
    }
}

fn check_correlation<'a>(
    catalog: &Catalog,
    correlation: &Correlation,
    key: &str,
    fields: impl Fn(&str) -> Option<&'a Known>,
    problems: &mut Problems,
) {
    title(&correlation.title, &format!("{key}.title"), problems);
    if !(1..=7 * DAY).contains(&correlation.within.0.as_secs()) {
        problems.add(format!("{key}.within"), t!("From `1s` to `7d`."));
    }
    if fields(&correlation.emits).is_none() {
        problems.add(format!("{key}.emits"), no_such_event(catalog, &correlation.emits));
    }
    if correlation.steps.len() > 8 {
        problems.add(format!("{key}.step"), t!("At most 8 steps."));
    }
    if correlation.steps.iter().map(|step| step.count).sum::<usize>() < 2 {
        problems.add(format!("{key}.step"), t!("A correlation is of two events or more."));
    }
    for (at, step) in correlation.steps.iter().enumerate() {
        let place = format!("{key}.step[{at}]");
        if !(1..=100).contains(&step.count) {
            problems.add(format!("{place}.count"), t!("From 1 to 100."));
        }
        if catalog.correlations.iter().any(|one| one.emits == step.event) {
            problems.add(
                format!("{place}.event"),
                t!("What a correlation makes is no step of another."),
            );
        }
        match fields(&step.event) {
            None => problems.add(format!("{place}.event"), no_such_event(catalog, &step.event)),
            Some(known) => {
                known.check(&correlation.key, &format!("{key}.key"), problems);
                check_condition(&step.condition, known, &place, problems);
            }
        }
    }
}

fn no_such_event(catalog: &Catalog, name: &str) -> String {
    let names: Vec<&str> = catalog.events.iter().map(|event| &*event.name).collect();
    no_such(t!("event of this catalog"), name, &names)
}

/// `There is no event of this catalog “x”: expected one of a, b.`
fn no_such(what: &str, name: &str, accepted: &[&str]) -> String {
    match accepted {
        [] => t!("There is no {what} “{name}”, and none at all.", what, name),
        some => t!(
            "There is no {what} “{name}”: expected one of {names}.",
            what,
            name,
            names = some.join(", ")
        ),
    }
}

fn unique<'a>(key: &str, field: &str, names: impl Iterator<Item = &'a str>, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (at, name) in names.enumerate() {
        if !seen.insert(name) {
            problems.add(format!("{key}[{at}].{field}"), t!("“{name}” is there already.", name));
        }
    }
}

fn slug(name: &str, key: &str, problems: &mut Problems) {
    if !crate::widgets::is_slug(name) {
        problems.add(
            key,
            t!("Use 1 to 32 small letters, digits and hyphens, a letter first."),
        );
    }
}

fn title(words: &str, key: &str, problems: &mut Problems) {
    if words.trim().is_empty() {
        problems.add(key, t!("Say it in some words."));
    } else if let Some(problem) = text::problem(words, 80) {
        problems.add(key, problem);
    }
}
