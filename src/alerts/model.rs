//! What a rule is: a condition over figures, how long it waits, and how much it matters.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::live::{Detail, NoData, Watch, is_name};
use super::state::Timing;
use super::template;
use crate::blood::{BloodGroup, Component};
use crate::charts::full;
use crate::error::{Problems, Result};
use crate::figures::Dimension;
use crate::ids::FacilityId;
use crate::requests::Urgency;
use crate::text;
use crate::text_enum::text_enum;
use crate::widgets::{Nature, sources};

text_enum! {
    /// How much an alert matters, from least to most.
    pub enum Severity {
        Info = "info" / "Info",
        Warning = "warning" / "Warning",
        Critical = "critical" / "Critical",
    }
}

text_enum! {
    /// The level that a shelf is under.
    pub enum ShelfLevel {
        Minimum = "minimum" / "its minimum",
        Reorder = "reorder" / "its reorder level",
    }
}

text_enum! {
    pub enum Crossing {
        Above = "above" / "above",
        Below = "below" / "below",
    }
}

impl Crossing {
    pub fn is_crossed(self, value: f64, limit: f64) -> bool {
        match self {
            Crossing::Above => value > limit,
            Crossing::Below => value < limit,
        }
    }
}

text_enum! {
    /// What of the installation itself is counted: failures of the last hour, and what waits for somebody.
    pub enum Trouble {
        FailedJobs = "failed_jobs" / "Scheduled jobs that failed",
        FailedMails = "failed_mails" / "Mails that were given up",
        DeadLetters = "dead_letters" / "Dead letters to look at",
    }
}

/// What tells the alerts of one rule and facility apart: `{"component": "red_cells", "blood_group": "O-"}`.
pub type Labels = BTreeMap<String, String>;

/// When a rule is broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// a shelf holds fewer issuable units than one of its levels; an alert for each shelf
    Shelves { under: ShelfLevel },
    /// an urgent request waits for the facility's answer; an alert for each request
    Unanswered {},
    /// a figure of boards crosses a value; an alert for each part, when it is split
    Figure {
        measure: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Dimension>,
        /// local days that are counted, today the last of them; levels of this moment pass it over
        days: u32,
        /// hours ahead, for measures that look ahead
        #[serde(default)]
        hours: u32,
        crosses: Crossing,
        value: f64,
    },
    /// something of the installation itself went wrong
    Installation { what: Trouble, value: f64 },
    /// a live metric, or what a catalog finds, is not as it should be
    Live { watch: Watch },
}

/// What a figure may be split by: its parts stay few.
pub const PARTS: [Dimension; 3] = [Dimension::Component, Dimension::Group, Dimension::Urgency];
const MOST_DAYS: u32 = 31;
const MOST_HOURS: u32 = 24 * 14;

impl Condition {
    /// What is wrong with it, by the fields of its form.
    pub fn check(&self, problems: &mut Problems) {
        let (measure, by, days, hours, value) = match self {
            Condition::Figure {
                measure,
                by,
                days,
                hours,
                value,
                ..
            } => (measure, by, days, hours, value),
            Condition::Live { watch } => return watch.check(problems),
            _ => return,
        };
        let Some((_, known)) = sources().find(measure) else {
            return problems.add("measure", t!("Choose a figure."));
        };
        if by.is_some_and(|by| !PARTS.contains(&by) || !known.by.contains(&by)) {
            problems.add("by", t!("This figure cannot be told apart by that."));
        }
        if !(1..=MOST_DAYS).contains(days) {
            problems.add("days", t!("From 1 to {most} days.", most = MOST_DAYS));
        }
        if known.hours && !(1..=MOST_HOURS).contains(hours) {
            problems.add("hours", t!("From 1 to {most} hours.", most = MOST_HOURS));
        }
        if !value.is_finite() {
            problems.add("value", t!("Type a number."));
        }
    }

    /// One of a facility's, or of the installation as a whole.
    pub fn is_of_installation(&self) -> bool {
        matches!(self, Condition::Installation { .. })
    }

    /// What breaks it, as the list of rules says.
    pub fn summary(&self) -> String {
        match self {
            Condition::Shelves { under } => t!("issuable units of a shelf are under {level}", level = under.label()),
            Condition::Unanswered {} => t!("an urgent or emergency request has no answer").into(),
            Condition::Figure {
                measure,
                by,
                days,
                hours,
                crosses,
                value,
            } => {
                let (title, span) = (title(measure).to_lowercase(), span(measure, *days, *hours));
                let (crosses, value) = (crosses.label(), full(*value));
                let what = t!("{title}{span} {crosses} {value}", title, span, crosses, value);
                match by {
                    None => what,
                    Some(by) => t!("{what}, for each {tag}", what, tag = by.label().to_lowercase()),
                }
            }
            Condition::Installation { what, value } => t!(
                "{title}{span} {crosses} {value}",
                title = what.label().to_lowercase(),
                span = "",
                crosses = Crossing::Above.label(),
                value = full(*value)
            ),
            Condition::Live { watch } => watch.summary(),
        }
    }

    /// What is the matter with one alert, as people read it.
    pub fn words(&self, labels: &Labels, value: f64, detail: &Detail) -> String {
        let number = full(value);
        let thing = thing(labels);
        match self {
            Condition::Shelves { under } => t!(
                "{thing}: {number} issuable, under {level}",
                thing,
                number,
                level = under.label()
            ),
            Condition::Unanswered {} => {
                let of = labels.get("from").map(String::as_str).unwrap_or_default();
                let urgency = labels.get("urgency").and_then(|one| one.parse::<Urgency>().ok());
                let urgency = urgency.unwrap_or(Urgency::Urgent).label().to_lowercase();
                t!(
                    "{of} waits for {number} × {thing}, {urgency}",
                    of,
                    number,
                    thing,
                    urgency
                )
            }
            Condition::Figure {
                measure, days, hours, ..
            } => {
                let (title, span) = (title(measure).to_lowercase(), span(measure, *days, *hours));
                match thing.is_empty() {
                    true => t!("{number} {title}{span}", number, title, span),
                    false => t!("{thing}: {number} {title}{span}", thing, number, title, span),
                }
            }
            Condition::Installation { what, .. } => {
                t!("{number}: {title}", number, title = what.label().to_lowercase())
            }
            Condition::Live { watch } => watch.words(labels, value, detail),
        }
    }

    /// The page where somebody can do something about it.
    pub fn href(&self, facility: Option<FacilityId>, labels: &Labels) -> String {
        let Some(facility) = facility else {
            return "/admin/system".into();
        };
        let here = format!("/facilities/{facility}");
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for (label, field) in [("component", "component"), ("blood_group", "group")] {
            pairs.extend(labels.get(label).map(|value| (field, value.as_str())));
        }
        match self {
            Condition::Unanswered {} => {
                let request = labels.get("request").map(String::as_str).unwrap_or_default();
                format!("{here}/requests/{request}")
            }
            Condition::Shelves { .. } => {
                pairs.insert(0, ("issuable", "true"));
                format!("{here}/inventory{}", crate::web::query_string(&pairs))
            }
            Condition::Figure { measure, hours, .. } if measure == "inventory.expiring" => {
                let hours = hours.to_string();
                pairs.insert(0, ("expiring_hours", &hours));
                pairs.insert(0, ("issuable", "true"));
                format!("{here}/inventory{}", crate::web::query_string(&pairs))
            }
            _ => here,
        }
    }
}

fn title(measure: &str) -> String {
    sources()
        .find(measure)
        .map_or_else(|| measure.to_owned(), |(_, known)| known.title.to_string())
}

/// ` within 24 h`, ` today`, ` in 7 days`; empty for a level of this moment.
fn span(measure: &str, days: u32, hours: u32) -> String {
    match sources().find(measure) {
        Some((_, known)) if known.hours => format!(" {}", t!("within {hours} h", hours)),
        Some((_, known)) if known.nature == Nature::Level => String::new(),
        _ if days == 1 => format!(" {}", t!("today")),
        _ => format!(" {}", n!("in {n} day", "in {n} days", i64::from(days))),
    }
}

/// `O− red cells`, as far as the labels say.
fn thing(labels: &Labels) -> String {
    let group = labels.get("blood_group").and_then(|one| one.parse::<BloodGroup>().ok());
    let component = labels.get("component").and_then(|one| one.parse::<Component>().ok());
    let urgency = labels.get("urgency").and_then(|one| one.parse::<Urgency>().ok());
    let group = group.map(|group| group.label().to_string());
    let component = component.map(|one| match group {
        Some(_) => one.label().to_lowercase(),
        None => one.label().to_string(),
    });
    let words: Vec<String> = [group, component].into_iter().flatten().collect();
    match (words.is_empty(), urgency) {
        (true, Some(urgency)) => urgency.label().into(),
        _ => words.join(" "),
    }
}

/// A rule as it is kept.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: i64,
    /// none: it holds in every facility
    pub facility: Option<FacilityId>,
    /// it came with the program
    pub built_in: bool,
    pub name: String,
    pub severity: Severity,
    pub condition: Condition,
    /// seconds
    pub hold: i32,
    /// seconds
    pub keep: i32,
    pub enabled: bool,
    pub version: i32,
    pub extra: Extra,
}

/// What else a rule may say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extra {
    /// labels of each of its alerts
    pub labels: Labels,
    /// what its messages say of an alert, with `{variables}`; empty: what the condition says
    pub message: String,
    pub no_data: NoData,
}

impl Default for Extra {
    fn default() -> Self {
        Extra {
            labels: Labels::new(),
            message: String::new(),
            no_data: NoData::Keep,
        }
    }
}

impl Rule {
    pub fn timing(&self) -> Timing {
        Timing {
            hold: TimeDelta::seconds(self.hold.into()),
            keep: TimeDelta::seconds(self.keep.into()),
        }
    }
}

/// A rule as somebody asks for it.
#[derive(Clone, Debug, Serialize)]
pub struct NewRule {
    pub facility: Option<FacilityId>,
    pub name: String,
    pub severity: Severity,
    pub condition: Condition,
    pub hold: i32,
    pub keep: i32,
    pub enabled: bool,
    pub extra: Extra,
}

impl NewRule {
    /// `Invalid` with everything that is wrong.
    pub fn check(&self) -> Result<()> {
        let mut problems = Problems::default();
        if self.name.trim().is_empty() {
            problems.add("name", t!("Say what the alert is about."));
        } else if let Some(problem) = text::problem(&self.name, 80) {
            problems.add("name", problem);
        }
        if !(0..=7 * 24 * 3600).contains(&self.hold) {
            problems.add("hold", t!("From 0 minutes to 7 days."));
        }
        if !(0..=24 * 3600).contains(&self.keep) {
            problems.add("keep", t!("From 0 minutes to 24 hours."));
        }
        self.condition.check(&mut problems);
        let labels = &self.extra.labels;
        if labels.len() > 10
            || labels
                .iter()
                .any(|(name, value)| !is_name(name) || text::problem(value, 100).is_some())
        {
            problems.add("labels", t!("At most ten labels, such as team=night, tier=1."));
        }
        if let Err(problem) = template::check(&self.extra.message) {
            problems.add("message", problem);
        }
        problems.check()
    }
}
