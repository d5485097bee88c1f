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
        Remove = "remove" / "Removed",
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
            self.refusals.push(format!(
                "Version {} is installed, and this is version {}: an older one does not replace a newer one.",
                old.version, new.version
            ));
        } else if old.version == new.version && old != new {
            self.refusals.push(format!(
                "Version {} is installed already and differs from this file: give the file version {}.",
                old.version,
                old.version + 1
            ));
        }
    }

    fn head(&mut self, old: &Catalog, new: &Catalog) {
        let mut changes = Vec::new();
        change(&mut changes, "version", &old.version, &new.version);
        change(&mut changes, "title", &old.title, &new.title);
        change(&mut changes, "retention", &old.retention, &new.retention);
        let lateness = |catalog: &Catalog| catalog.allowed_lateness.map_or("any".into(), |one| one.to_string());
        change(&mut changes, "allowed lateness", &lateness(old), &lateness(new));
        if old.description != new.description {
            changes.push("other description".into());
        }
        if old.tables != new.tables {
            changes.push("other tables to look into, for events from now on".into());
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
            let before = old.iter().find(|before| before.name() == one.name());
            let (act, words) = match before {
                None => (Act::Add, one.words()),
                Some(before) if before != one => (Act::Change, one.changes(before).join("; ")),
                Some(_) => continue,
            };
            self.step(act, thing, one, words);
        }
        for gone in old.iter().filter(|old| !new.iter().any(|new| new.name() == old.name())) {
            self.step(Act::Remove, thing, gone, gone.farewell().into());
        }
    }

    fn step<T: Part>(&mut self, act: Act, thing: Thing, part: &T, words: String) {
        self.steps.push(Step {
            act,
            thing,
            name: part.name().into(),
            title: part.title().into(),
            words,
        });
    }

    fn refuse(&mut self, before: &Before, old: &Catalog, new: &Catalog) {
        let mut refuse = |words: String| self.refusals.push(words);
        for event in &new.events {
            if let Some(other) = before.types_of_others.get(&event.name) {
                refuse(format!("The catalog “{other}” has an event “{}” already.", event.name));
            }
        }
        for metric in &new.metrics {
            if let Some(other) = before.metrics_of_others.get(&metric.name) {
                refuse(format!("The catalog “{other}” has a metric “{}” already.", metric.name));
            }
            let was = old.metrics.iter().find(|old| old.name == metric.name);
            let recorded = before.recorded.get(&metric.name).map(String::as_str);
            let kept = was.map(|was| stored(was.kind)).or(recorded);
            if let Some(kept) = kept.filter(|kept| *kept != stored(metric.kind)) {
                refuse(format!(
                    "The metric “{}” is of the kind “{kept}” and would be “{}”: what is recorded cannot become that. Give \
                     the new one another name.",
                    metric.name,
                    stored(metric.kind)
                ));
            }
        }
        for gone in old
            .events
            .iter()
            .filter(|old| !new.events.iter().any(|new| new.name == old.name))
        {
            if before.types_with_events.contains(&gone.name) {
                refuse(format!(
                    "The event “{}” is not in the new version, but events of it are kept. Leave it in the file, or remove the \
                     whole catalog.",
                    gone.name
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
    fn name(&self) -> &str;
    fn title(&self) -> &str;
    /// What a new one is.
    fn words(&self) -> String;
    /// What is different from before.
    fn changes(&self, before: &Self) -> Vec<String>;
    /// What its end means.
    fn farewell(&self) -> &'static str;
}

impl Part for EventType {
    fn name(&self) -> &str {
        &self.name
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn words(&self) -> String {
        let fields = self.schema.get("properties").and_then(serde_json::Value::as_object);
        let checked = match fields.map_or(0, serde_json::Map::len) {
            0 => "any data".into(),
            1 => "1 field is checked".to_owned(),
            some => format!("{some} fields are checked"),
        };
        match self.enrich.len() {
            0 => checked,
            added => format!("{checked}, {added} added"),
        }
    }

    fn changes(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        change(&mut changes, "title", &before.title, &self.title);
        if before.schema != self.schema {
            changes.push("other checks, for events from now on".into());
        }
        if before.enrich != self.enrich {
            changes.push("other added fields, for events from now on".into());
        }
        if (&before.facility, &before.actor, &before.subject) != (&self.facility, &self.actor, &self.subject) {
            changes.push("facility, actor or subject found elsewhere".into());
        }
        changes
    }

    fn farewell(&self) -> &'static str {
        "no such event was ever kept"
    }
}

impl Part for Metric {
    fn name(&self) -> &str {
        &self.name
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn words(&self) -> String {
        let what = match (&self.event, &self.value, &self.of, &self.per) {
            (_, _, Some(of), Some(per)) => format!("{of} divided by {per}"),
            (Some(event), Some(value), ..) => format!("{} of {} in {event}", self.kind, value.0),
            (Some(event), None, ..) => format!("{} of {event}", self.kind),
            _ => self.kind.label().to_lowercase(),
        };
        match self.by.is_empty() {
            true => what,
            false => format!("{what}, by {}", tags(self)),
        }
    }

    fn changes(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        change(&mut changes, "title", &before.title, &self.title);
        change(&mut changes, "unit", &before.unit, &self.unit);
        change(&mut changes, "kind", &before.kind, &self.kind);
        change(&mut changes, "split by", &tags(before), &tags(self));
        if (&before.event, &before.value, &before.condition) != (&self.event, &self.value, &self.condition) {
            changes.push("counts other events or values from now on; what is recorded stays".into());
        }
        if (&before.of, &before.per) != (&self.of, &self.per) {
            changes.push(format!("now {}", self.words()));
        }
        if before.indexed != self.indexed {
            changes.push(
                if self.indexed {
                    "an index over its tags"
                } else {
                    "no index over its tags"
                }
                .into(),
            );
        }
        changes
    }

    fn farewell(&self) -> &'static str {
        "nothing feeds it any more; what was recorded stays"
    }
}

fn tags(metric: &Metric) -> String {
    let tags: Vec<&str> = metric.by.iter().map(|field| field.tag()).collect();
    tags.join(", ")
}

impl Part for Correlation {
    fn name(&self) -> &str {
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
        format!(
            "{} within {} for one {}",
            steps.join(", then "),
            self.within,
            self.key.tag()
        )
    }

    fn changes(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        change(&mut changes, "title", &before.title, &self.title);
        change(&mut changes, "pattern", &before.words(), &self.words());
        let conditions = |one: &Self| one.steps.iter().map(|step| step.condition.clone()).collect::<Vec<_>>();
        if conditions(before) != conditions(self) {
            changes.push("other conditions, for events from now on".into());
        }
        changes
    }

    fn farewell(&self) -> &'static str {
        "is not looked for any more"
    }
}

impl Part for StarterBoard {
    fn name(&self) -> &str {
        &self.slug
    }

    fn title(&self) -> &str {
        &self.name
    }

    fn words(&self) -> String {
        format!("{} widgets, for the whole network", self.definition.widgets.len())
    }

    fn changes(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        change(&mut changes, "name", &before.name, &self.name);
        if before.description != self.description {
            changes.push("other description".into());
        }
        if before.definition != self.definition {
            changes.push("other widgets, as its next version; what was edited here stays among its versions".into());
        }
        changes
    }

    fn farewell(&self) -> &'static str {
        "is deleted with its versions"
    }
}

fn change<T: PartialEq + std::fmt::Display>(changes: &mut Vec<String>, what: &str, before: &T, after: &T) {
    if before != after {
        changes.push(format!("{what} “{before}” becomes “{after}”"));
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
