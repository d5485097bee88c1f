//! The form of a rule: its fields as text, and the rule that they make.

use crate::alerts::live::{Aggregate, NoData, Operation, Reading, Unit, Usual, Watch};
use crate::alerts::model::{Condition, Crossing, Extra, Labels, NewRule, Rule, Severity};
use crate::alerts::view::pairs;
use crate::error::{Error, Problems, Result};
use crate::figures::Dimension;
use crate::text_enum::text_enum;

use super::choice;

text_enum! {
    /// What a rule watches; each has fields of its own.
    pub(super) enum Kind {
        Figure = "figure" / "A figure of boards",
        Level = "level" / "A metric crosses a value",
        Absent = "absent" / "A metric is silent",
        Change = "change" / "A metric changes against the usual",
        Unusual = "unusual" / "A metric is unusual",
        Pair = "pair" / "Two metrics put together",
        Case = "case" / "A catalog finds a correlation",
    }
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RuleForm {
    pub version: String,
    pub facility: String,
    pub name: String,
    pub severity: String,
    pub kind: String,
    pub measure: String,
    pub by: String,
    pub days: String,
    pub hours: String,
    pub metric: String,
    pub aggregate: String,
    /// length of the window, or of the silence
    pub minutes: String,
    /// `env=prod, region=eu`
    pub tags: String,
    /// that the series are told apart by
    pub tag: String,
    pub usual: String,
    pub back: String,
    pub unit: String,
    pub sensitivity: String,
    pub operation: String,
    pub other: String,
    pub other_aggregate: String,
    pub emits: String,
    pub crosses: String,
    pub value: String,
    /// minutes
    pub hold: String,
    /// minutes
    pub keep: String,
    pub labels: String,
    pub message: String,
    pub no_data: String,
    pub enabled: String,
    /// pressed: only show what it would find
    pub preview: String,
}

fn minutes(text: &str) -> Option<i32> {
    let minutes: i32 = match text.trim() {
        "" => 0,
        text => text.parse().ok()?,
    };
    minutes.checked_mul(60)
}

fn whole(text: &str) -> u32 {
    text.trim().parse().unwrap_or(0)
}

/// `env=prod, region=eu`
fn labels(text: &str) -> Option<Labels> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

impl RuleForm {
    pub fn usual(kind: Kind) -> Self {
        RuleForm {
            severity: Severity::Warning.as_str().into(),
            kind: kind.as_str().into(),
            measure: "inventory.issuable".into(),
            crosses: match kind {
                Kind::Figure | Kind::Change => Crossing::Below.as_str().into(),
                _ => Crossing::Above.as_str().into(),
            },
            days: "1".into(),
            hours: "24".into(),
            minutes: "5".into(),
            usual: Usual::Median.as_str().into(),
            back: "4".into(),
            unit: Unit::Percent.as_str().into(),
            sensitivity: "0.5".into(),
            operation: Operation::Over.as_str().into(),
            aggregate: Aggregate::Avg.as_str().into(),
            other_aggregate: Aggregate::Sum.as_str().into(),
            no_data: NoData::Keep.as_str().into(),
            hold: if kind == Kind::Absent || kind == Kind::Unusual || kind == Kind::Case {
                "0"
            } else {
                "5"
            }
            .into(),
            keep: "5".into(),
            enabled: "true".into(),
            ..RuleForm::default()
        }
    }

    pub fn kind(&self) -> Kind {
        self.kind.parse().unwrap_or(Kind::Figure)
    }

    pub fn of(rule: &Rule) -> Self {
        let kind = match &rule.condition {
            Condition::Live { watch } => match watch {
                Watch::Level { .. } => Kind::Level,
                Watch::Absent { .. } => Kind::Absent,
                Watch::Change { .. } => Kind::Change,
                Watch::Unusual { .. } => Kind::Unusual,
                Watch::Pair { .. } => Kind::Pair,
                Watch::Case { .. } => Kind::Case,
            },
            _ => Kind::Figure,
        };
        let mut form = RuleForm {
            version: rule.version.to_string(),
            facility: rule.facility.map(|id| id.to_string()).unwrap_or_default(),
            name: rule.name.clone(),
            severity: rule.severity.as_str().into(),
            hold: (rule.hold / 60).to_string(),
            keep: (rule.keep / 60).to_string(),
            labels: pairs(&rule.extra.labels),
            message: rule.extra.message.clone(),
            no_data: rule.extra.no_data.as_str().into(),
            enabled: if rule.enabled { "true".into() } else { String::new() },
            ..RuleForm::usual(kind)
        };
        match &rule.condition {
            Condition::Figure {
                measure,
                by,
                days,
                hours,
                crosses,
                value,
            } => {
                form.measure = measure.clone();
                form.by = by.map(|by| by.as_str().to_owned()).unwrap_or_default();
                form.days = days.to_string();
                form.hours = hours.to_string();
                form.crosses = crosses.as_str().into();
                form.value = value.to_string();
            }
            Condition::Live { watch } => form.watches(watch),
            _ => {}
        }
        form
    }

    fn reads(&mut self, of: &Reading) {
        self.metric = of.metric.clone();
        self.aggregate = of.aggregate.as_str().into();
        self.minutes = of.minutes.to_string();
        self.tags = pairs(&of.tags);
        self.tag = of.by.clone();
    }

    fn watches(&mut self, watch: &Watch) {
        match watch {
            Watch::Level { of, crosses, value } => {
                self.reads(of);
                (self.crosses, self.value) = (crosses.to_string(), value.to_string());
            }
            Watch::Absent { metric, tags, minutes } => {
                (self.metric, self.tags, self.minutes) = (metric.clone(), pairs(tags), minutes.to_string());
            }
            Watch::Change {
                of,
                usual,
                back,
                unit,
                crosses,
                value,
            } => {
                self.reads(of);
                (self.usual, self.back, self.unit) = (usual.to_string(), back.to_string(), unit.to_string());
                (self.crosses, self.value) = (crosses.to_string(), value.to_string());
            }
            Watch::Unusual { of, sensitivity } => {
                self.reads(of);
                self.sensitivity = sensitivity.to_string();
            }
            Watch::Pair {
                of,
                operation,
                other,
                other_aggregate,
                crosses,
                value,
            } => {
                self.reads(of);
                (self.operation, self.other) = (operation.to_string(), other.clone());
                self.other_aggregate = other_aggregate.to_string();
                (self.crosses, self.value) = (crosses.to_string(), value.to_string());
            }
            Watch::Case { emits, minutes } => (self.emits, self.minutes) = (emits.clone(), minutes.to_string()),
        }
    }

    /// `fixed`: the condition of a rule that has another kind.
    pub fn rule(&self, fixed: Option<&Condition>) -> Result<NewRule> {
        let mut problems = Problems::default();
        let facility = choice::facility(&self.facility, &mut problems);
        let (hold, keep) = (minutes(&self.hold), minutes(&self.keep));
        for (field, minutes) in [("hold", hold), ("keep", keep)] {
            if minutes.is_none() {
                problems.add(field, t!("Type whole minutes."));
            }
        }
        let condition = match fixed {
            Some(fixed) => fixed.clone(),
            None => self.condition(&mut problems),
        };
        let named = labels(&self.labels).unwrap_or_else(|| {
            problems.add("labels", t!("Write labels such as team=night, tier=1."));
            Labels::new()
        });
        problems.check()?;
        Ok(NewRule {
            facility,
            name: self.name.clone(),
            severity: self
                .severity
                .parse()
                .map_err(|_| Error::invalid("severity", t!("Choose one of these.")))?,
            condition,
            hold: hold.unwrap_or_default(),
            keep: keep.unwrap_or_default(),
            enabled: self.enabled == "true",
            extra: Extra {
                labels: named,
                message: self.message.trim().to_owned(),
                no_data: self.no_data.parse().unwrap_or(NoData::Keep),
            },
        })
    }

    fn condition(&self, problems: &mut Problems) -> Condition {
        let kind = self.kind();
        let value = self.value.trim().parse::<f64>().ok().filter(|value| value.is_finite());
        if value.is_none() && matches!(kind, Kind::Figure | Kind::Level | Kind::Change | Kind::Pair) {
            problems.add("value", t!("Type a number."));
        }
        let value = value.unwrap_or_default();
        let crosses = self.crosses.parse().unwrap_or(Crossing::Above);
        let tags = labels(&self.tags).unwrap_or_else(|| {
            problems.add("tags", t!("Write tags such as env=prod, region=eu."));
            Labels::new()
        });
        let metric = self.metric.trim().to_owned();
        let of = Reading {
            metric: metric.clone(),
            aggregate: self.aggregate.parse().unwrap_or(Aggregate::Avg),
            minutes: whole(&self.minutes),
            tags: tags.clone(),
            by: self.tag.trim().to_owned(),
        };
        let watch = match kind {
            Kind::Figure => {
                return Condition::Figure {
                    measure: self.measure.clone(),
                    by: self.by.parse::<Dimension>().ok(),
                    days: whole(&self.days),
                    hours: whole(&self.hours),
                    crosses,
                    value,
                };
            }
            Kind::Level => Watch::Level { of, crosses, value },
            Kind::Absent => Watch::Absent {
                metric,
                tags,
                minutes: of.minutes,
            },
            Kind::Change => Watch::Change {
                of,
                usual: self.usual.parse().unwrap_or(Usual::Median),
                back: whole(&self.back),
                unit: self.unit.parse().unwrap_or(Unit::Percent),
                crosses,
                value,
            },
            Kind::Unusual => Watch::Unusual {
                of,
                sensitivity: self.sensitivity.trim().parse().unwrap_or(0.0),
            },
            Kind::Pair => Watch::Pair {
                of,
                operation: self.operation.parse().unwrap_or(Operation::Over),
                other: self.other.trim().to_owned(),
                other_aggregate: self.other_aggregate.parse().unwrap_or(Aggregate::Sum),
                crosses,
                value,
            },
            Kind::Case => Watch::Case {
                emits: self.emits.trim().to_owned(),
                minutes: of.minutes,
            },
        };
        Condition::Live { watch }
    }
}
