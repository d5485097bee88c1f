//! What the pages of alerts show.

use chrono::{DateTime, Utc};

use super::model::Severity;
use super::queries::{Past, Shown, Silence};
use super::state::{Phase, Turn};
use super::template;
use crate::clock::{Zone, age_label, time_label};
use crate::words::Dated;

/// One alert of a list.
#[derive(Clone, Debug)]
pub struct AlertView {
    pub id: i64,
    pub facility_id: Option<i64>,
    pub facility: String,
    pub rule: i64,
    pub name: String,
    /// kind of the severity's badge
    pub tone: &'static str,
    pub severity: &'static str,
    /// kind and word of the phase's badge
    pub phase: (&'static str, &'static str),
    pub words: String,
    pub href: String,
    pub since_iso: String,
    /// `14 min`
    pub age: String,
    /// `Taken on by Kim Ito 3 min ago: ...`; empty when nobody did
    pub acknowledged: String,
    pub silenced: bool,
    /// there is no data, and it stays as it was
    pub stale: bool,
    /// somebody may take it on
    pub open: bool,
    /// labels as `component=red_cells`, for the form that silences
    pub labels: String,
}

pub fn tone(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "low",
        Severity::Info => "",
    }
}

impl AlertView {
    pub fn of(shown: &Shown, now: DateTime<Utc>) -> Self {
        let phase = match shown.phase {
            Phase::Firing => ("critical", Phase::Firing.label()),
            Phase::Recovering => ("watch", Phase::Recovering.label()),
            Phase::Pending => ("", Phase::Pending.label()),
            Phase::Resolved => ("good", Phase::Resolved.label()),
        };
        let acknowledged = shown.acknowledged.as_ref().map_or_else(String::new, |(at, by, note)| {
            let ago = age_label(now - *at);
            match note.is_empty() {
                true => t!("Taken on by {by} {ago} ago", by, ago),
                false => t!("Taken on by {by} {ago} ago: {note}", by, ago, note),
            }
        });
        AlertView {
            id: shown.id,
            facility_id: shown.facility.map(|id| id.0),
            facility: shown.facility_name.clone(),
            rule: shown.rule,
            name: shown.name.clone(),
            tone: tone(shown.severity),
            severity: shown.severity.label(),
            phase,
            words: template::words(
                &shown.extra.message,
                (&shown.name, &shown.facility_name),
                &shown.condition,
                &shown.labels,
                shown.value,
                &shown.detail,
            ),
            stale: shown.stale,
            href: shown.condition.href(shown.facility, &shown.labels),
            since_iso: shown.active_at.to_rfc3339(),
            age: age_label(shown.resolved_at.unwrap_or(now) - shown.active_at),
            open: shown.phase != Phase::Resolved && acknowledged.is_empty() && shown.facility.is_some(),
            acknowledged,
            silenced: shown.silenced,
            labels: pairs(&shown.labels),
        }
    }
}

/// `component=red_cells, blood_group=O-`
pub fn pairs(labels: &super::model::Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(", ")
}

/// One line of the history.
#[derive(Clone, Debug)]
pub struct PastView {
    pub at_iso: String,
    pub at: String,
    pub name: String,
    pub tone: &'static str,
    pub severity: &'static str,
    pub words: String,
    pub turn: String,
}

impl PastView {
    pub fn of(past: &Past, zone: Zone) -> Self {
        let turn = past.turn.parse::<Turn>().map_or_else(|_| t!("Taken on"), Turn::label);
        PastView {
            at_iso: past.at.to_rfc3339(),
            at: format!("{} {}", zone.wall(past.at).dated("%-d %b"), time_label(zone, past.at)),
            name: past.rule_name.clone(),
            tone: tone(past.severity),
            severity: past.severity.label(),
            words: past.condition.words(&past.labels, past.value, &past.detail),
            turn: match &past.actor {
                Some(by) => t!("{what} by {name}", what = turn, name = by),
                None => turn.into(),
            },
        }
    }
}

/// A silence that is not over.
#[derive(Clone, Debug)]
pub struct SilenceView {
    pub id: i64,
    pub what: String,
    pub until: String,
    pub why: String,
}

impl SilenceView {
    pub fn of(silence: &Silence, zone: Zone) -> Self {
        let rule = silence.rule_name.clone().unwrap_or_else(|| t!("Every rule").into());
        let labels = pairs(&silence.labels);
        SilenceView {
            id: silence.id,
            what: if labels.is_empty() {
                rule
            } else {
                format!("{rule}: {labels}")
            },
            until: format!(
                "{} {}",
                zone.wall(silence.ends_at).dated("%-d %b"),
                time_label(zone, silence.ends_at)
            ),
            why: format!("{} ({})", silence.reason, silence.made_by),
        }
    }
}
