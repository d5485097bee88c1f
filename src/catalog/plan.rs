//! What importing a catalog would do, in words, and why it cannot be done. Pure: what is there already is told to it, so
//! that the page which asks and the import which does it come to the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::model::{Catalog, Correlation, EventType, Metric, MetricKind, StarterBoard};
use crate::text_enum::text_enum;

text_enum! {
    /// What happens to a thing.
    pub enum Act {
        Add = "add" / "New",
        Change = "change" / "Changed",
        Remove = "remove" / "Taken out",
    }
}

text_enum! {
    /// Kinds of things in a catalog.
    pub enum Thing {
        Catalog = "catalog" / "Catalog",
        Event = "event" / "Event",
        Metric = "metric" / "Metric",
        Correlation = "correlation" / "Correlation",
        Board = "board" / "Board",
    }
}

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub act: Act,
    pub thing: Thing,
    /// its name within the catalog
    pub name: String,
    pub title: String,
    /// what changes, or what it is
    pub words: String,
}

/// What would happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// why it cannot be done; nothing is, as long as there is one
    pub refusals: Vec<String>,
}

/// What is there before.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// the installed version of this catalog
    pub catalog: Option<Catalog>,
    /// event types and metrics of other catalogs, with the name of theirs
    pub types_of_others: BTreeMap<String, String>,
    pub metrics_of_others: BTreeMap<String, String>,
    /// event types of which events are kept
    pub types_with_events: BTreeSet<String>,
    /// kinds of the metrics for which something is recorded, installed or not
    pub recorded: BTreeMap<String, String>,
}

impl Plan {
    pub fn new(before: &Before, new: &Catalog) -> Plan {
        let mut plan = Plan::default();
        plan.check_version(before.catalog.as_ref(), new);
        let empty = Catalog {
            events: vec![],
            metrics: vec![],
            correlations: vec![],
            boards: vec![],
            ..new.clone()
        };
        let old = before.catalog.as_ref().unwrap_or(&empty);
        if before.catalog.is_some() {
            plan.head(old, new);
        }
        plan.compare(Thing::Event, &old.events, &new.events);
        plan.compare(Thing::Metric, &old.metrics, &new.metrics);
        plan.compare(Thing::Correlation, &old.correlations, &new.correlations);
        plan.compare(Thing::Board, &old.boards, &new.boards);
        plan.refuse(before, old, new);
        plan
    }

    /// Whether there is something to do and nothing against it.
    pub fn can_be_done(&self) -> bool {
        self.refusals.is_empty() && !self.steps.is_empty()
    }

    /// Tells this plan from any other: what somebody agreed to is what is done.
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(text)[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn check_version(&mut self, old: Option<&Catalog>, new: &Catalog) {
        let Some(old) = old else { return };
        if old.version > new.version {
            self.refusals.push(t!(
                "Version {old} is installed, and this is version {new}: an older one does not replace a newer one.",
                old = old.version,
                new = new.version
            ));
        } else if old.version == new.version && old != new {
            self.refusals.push(t!(
                "Version {old} is installed already and differs from this file: give the file version {next}.",
                old = old.version,
                next = old.version + 1
            ));
        }
    }

    fn head(&mut self, old: &Catalog, new: &Catalog) {
        let mut changes = Vec::new();
        change(&mut changes, t!("version"), &old.version, &new.version);
        change(&mut changes, t!("title"), &old.title, &new.title);
        change(&mut changes, t!("retention"), &old.retention, &new.retention);
        change(&mut changes, t!("retention of points"), &old.points, &new.points);
        let lateness = |catalog: &Catalog| catalog.allowed_lateness.map_or(t!("any").into(), |one| one.to_string());
        change(&mut changes, t!("allowed lateness"), &lateness(old), &lateness(new));
        if old.description != new.description {
            changes.push(t!("other description").into());
        }
        if old.tables != new.tables {
            changes.push(t!("other tables to look into, for events from now on").into());
        }
        if !changes.is_empty() {
            self.steps.push(Step {
                act: Act::Change,
                thing: Thing::Catalog,
                name: new.name.clone(),
                title: new.title.clone(),
                words: changes.join("; "),
            });
        }
    }

    fn compare<T: Part>(&mut self, thing: Thing, old: &[T], new: &[T]) {
        for one in new {
            let before = old.iter().find(|before| before.key() == one.key());
            let (act, words) = match before {
                None => (Act::Add, one.words()),
                Some(before) if before != one => (Act::Change, one.changes(before).join("; ")),
                Some(_) => continue,
            };
            self.step(act, thing, one, words);
        }
        for gone in old.iter().filter(|old| !new.iter().any(|new| new.key() == old.key())) {
            self.step(Act::Remove, thing, gone, gone.farewell().into());
        }
    }

    fn step<T: Part>(&mut self, act: Act, thing: Thing, part: &T, words: String) {
        self.steps.push(Step {
            act,
            thing,
            name: part.key().into(),
            title: part.title().into(),
            words,
        });
    }

    fn refuse(&mut self, before: &Before, old: &Catalog, new: &Catalog) {
        let mut refuse = |words: String| self.refusals.push(words);
        for event in &new.events {
            if let Some(other) = before.types_of_others.get(&event.name) {
                refuse(t!(
                    "The catalog “{other}” has an event “{name}” already.",
                    other,
                    name = event.name
                ));
            }
        }
        for metric in &new.metrics {
            if let Some(other) = before.metrics_of_others.get(&metric.name) {
                refuse(t!(
                    "The catalog “{other}” has a metric “{name}” already.",
                    other,
                    name = metric.name
                ));
            }
            let was = old.metrics.iter().find(|old| old.name == metric.name);
            let recorded = before.recorded.get(&metric.name).map(String::as_str);
            let kept = was.map(|was| stored(was.kind)).or(recorded);
            if let Some(kept) = kept.filter(|kept| *kept != stored(metric.kind)) {
                refuse(t!(
                    "The metric “{name}” is of the kind “{kept}” and would be “{kind}”: what is recorded cannot become that. \
                     Give the new one another name.",
                    name = metric.name,
                    kept,
                    kind = stored(metric.kind)
                ));
            }
        }
        for gone in old
            .events
            .iter()
            .filter(|old| !new.events.iter().any(|new| new.name == old.name))
        {
            if before.types_with_events.contains(&gone.name) {
                refuse(t!(
                    "The event “{name}” is not in the new version, but events of it are kept. Leave it in the file, or remove \
                     the whole catalog.",
                    name = gone.name
                ));
            }
        }
    }
}

/// As `metric_definitions` calls a kind.
pub fn stored(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Average => "avg",
        kind => kind.as_str(),
    }
}

/// Something that a catalog has several of.
trait Part: PartialEq {
    fn key(&self) -> &str;
    fn title(&self) -> &str;
    /// What a new one is.
    fn words(&self) -> String;
    /// What is different from before.
    fn changes(&self, before: &Self) -> Vec<String>;
    /// What its end means.
    fn farewell(&self) -> &'static str;
}

impl Part for EventType {
    fn key(&self) -> &str {
        &self.name
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn words(&self) -> String {
        let fields = self.schema.get("properties").and_then(serde_json::Value::as_object);
        let checked = match fields.map_or(0, serde_json::Map::len) {
            0 => t!("any data").into(),
            some => n!("{n} field is checked", "{n} fields are checked", some),
        };
        match self.enrich.len() {
            0 => checked,
            added => n!("{checked}, {n} added", "{checked}, {n} added", added, checked),
        }
    }

    fn changes(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        change(&mut changes, t!("title"), &before.title, &self.title);
        if before.schema != self.schema {
            changes.push(t!("other checks, for events from now on").into());
        }
        if before.enrich != self.enrich {
            changes.push(t!("other added fields, for events from now on").into());
        }
        if (&before.facility, &before.actor, &before.subject) != (&self.facility, &self.actor, &self.subject) {
            changes.push(t!("facility, actor or subject found elsewhere").into());
        }
        changes
    }

    fn farewell(&self) -> &'static str {
        t!("no such event was ever kept")
    }
}

impl Part for Metric {
    fn key(&self) -> &str {
        &self.name
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn words(&self) -> String {
        let what = match (&self.event, &self.value, &self.of, &self.per) {
            (_, _, Some(of), Some(per)) => t!("{of} divided by {per}", of, per),
            (Some(event), Some(value), ..) => {
                t!("{kind} of {value} in {event}", kind = self.kind, value = value.0, event)
            }
            (Some(event), None, ..) => t!("{kind} of {event}", kind = self.kind, event),
            _ => self.kind.label().to_lowercase(),
        };
        match self.by.is_empty() {
            true => what,
            false => t!("{what}, by {tags}", what, tags = tags(self)),
        }
    }

    fn changes(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        change(&mut changes, t!("title"), &before.title, &self.title);
        change(&mut changes, t!("unit"), &before.unit, &self.unit);
        change(&mut changes, t!("kind"), &before.kind, &self.kind);
        change(&mut changes, t!("split by"), &tags(before), &tags(self));
        if (&before.event, &before.value, &before.condition) != (&self.event, &self.value, &self.condition) {
            changes.push(t!("counts other events or values from now on; what is recorded stays").into());
        }
        if (&before.of, &before.per) != (&self.of, &self.per) {
            changes.push(t!("now {words}", words = self.words()));
        }
        changes
    }

    fn farewell(&self) -> &'static str {
        t!("nothing feeds it any more; what was recorded stays")
    }
}

fn tags(metric: &Metric) -> String {
    let tags: Vec<&str> = metric.by.iter().map(|field| field.tag()).collect();
    tags.join(", ")
}

impl Part for Correlation {
    fn key(&self) -> &str {
        &self.emits
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn words(&self) -> String {
        let steps: Vec<String> = self
            .steps
            .iter()
            .map(|step| format!("{} × {}", step.count, step.event))
            .collect();
        t!(
            "{steps} within {within} for one {key}",
            steps = steps.join(t!(", then ")),
            within = self.within,
            key = self.key.tag()
        )
    }

    fn changes(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        change(&mut changes, t!("title"), &before.title, &self.title);
        change(&mut changes, t!("pattern"), &before.words(), &self.words());
        let conditions = |one: &Self| one.steps.iter().map(|step| step.condition.clone()).collect::<Vec<_>>();
        if conditions(before) != conditions(self) {
            changes.push(t!("other conditions, for events from now on").into());
        }
        changes
    }

    fn farewell(&self) -> &'static str {
        t!("is not looked for any more")
    }
}

impl Part for StarterBoard {
    fn key(&self) -> &str {
        &self.slug
    }

    fn title(&self) -> &str {
        &self.name
    }

    fn words(&self) -> String {
        n!(
            "{n} widget, for the whole network",
            "{n} widgets, for the whole network",
            self.definition.widgets.len()
        )
    }

    fn changes(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        change(&mut changes, t!("name"), &before.name, &self.name);
        if before.description != self.description {
            changes.push(t!("other description").into());
        }
        if before.definition != self.definition {
            changes
                .push(t!("other widgets, as its next version; what was edited here stays among its versions").into());
        }
        changes
    }

    fn farewell(&self) -> &'static str {
        t!("is deleted with its versions")
    }
}

fn change<T: PartialEq + std::fmt::Display>(changes: &mut Vec<String>, what: &str, before: &T, after: &T) {
    if before != after {
        changes.push(t!("{what} “{before}” becomes “{after}”", what, before, after));
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
