//! The life of an alert: pending, firing, recovering, resolved. One pure function over what was and what is seen now, as
//! Prometheus and Grafana define it; the database only keeps what it answers.

use chrono::{DateTime, TimeDelta, Utc};

use crate::text_enum::text_enum;

text_enum! {
    /// Where an alert is in its life.
    pub enum Phase {
        /// broken, not yet for as long as the rule asks
        Pending = "pending" / "Pending",
        Firing = "firing" / "Firing",
        /// in order again, and kept firing for a while in case it breaks anew
        Recovering = "recovering" / "Recovering",
        Resolved = "resolved" / "Resolved",
    }
}

impl Phase {
    /// Whether people should look.
    pub fn is_up(self) -> bool {
        matches!(self, Phase::Firing | Phase::Recovering)
    }
}

text_enum! {
    /// A change in the life of an alert, as its history tells it.
    pub enum Turn {
        Pended = "pended" / "Began",
        Fired = "fired" / "Fired",
        /// in order before it fired; nobody was told
        Dropped = "dropped" / "Ended before it fired",
        /// in order, and kept firing for now
        Eased = "eased" / "In order, kept firing for now",
        /// broken again while it was recovering
        Relapsed = "relapsed" / "Broke again",
        Resolved = "resolved" / "Resolved",
        /// what it was about is not reported any more
        Vanished = "vanished" / "Not reported any more",
        /// the rule was changed to wait longer than it has lasted
        Held = "held" / "Waits longer",
    }
}

/// How long a rule waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// `for`: broken for so long before it fires; zero fires at once
    pub hold: TimeDelta,
    /// keeps firing for so long after it was last broken
    pub keep: TimeDelta,
}

/// What one evaluation found of one set of labels. An evaluation that failed finds nothing and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    Broken(f64),
    Fine,
    /// others of the rule were found, this one was not
    Missing,
}

/// An alert: one set of labels of one rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instance {
    pub phase: Phase,
    /// first broken
    pub active_at: DateTime<Utc>,
    pub fired_at: Option<DateTime<Utc>>,
    /// in order since, while recovering
    pub eased_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    /// evaluations in a row that did not find it
    pub missed: i16,
    /// when it was last broken
    pub value: f64,
}

/// A resolved alert is shown for so long.
pub const SHOWN_RESOLVED: TimeDelta = TimeDelta::minutes(15);
/// Evaluations that may miss an alert before it counts as gone.
const PATIENCE: i16 = 2;

/// The alert after an evaluation at `now`, none when there is nothing to keep, and what of it is news.
pub fn step(
    before: Option<&Instance>,
    seen: Seen,
    timing: Timing,
    now: DateTime<Utc>,
) -> (Option<Instance>, Option<Turn>) {
    let before = before.filter(|one| one.resolved_at.is_none_or(|at| now - at < SHOWN_RESOLVED));
    match (before, seen) {
        (None, Seen::Broken(value)) => begun(value, timing, now),
        (Some(one), Seen::Broken(value)) if one.phase == Phase::Resolved => begun(value, timing, now),
        (Some(one), Seen::Broken(value)) => broken(*one, value, timing, now),
        (None, _) => (None, None),
        (Some(one), _) if one.phase == Phase::Resolved => (Some(*one), None),
        (Some(one), Seen::Fine) => fine(*one, timing, now),
        (Some(one), Seen::Missing) => missing(*one, now),
    }
}

fn begun(value: f64, timing: Timing, now: DateTime<Utc>) -> (Option<Instance>, Option<Turn>) {
    let at_once = timing.hold <= TimeDelta::zero();
    let alert = Instance {
        phase: if at_once { Phase::Firing } else { Phase::Pending },
        active_at: now,
        fired_at: at_once.then_some(now),
        eased_at: None,
        resolved_at: None,
        missed: 0,
        value,
    };
    (Some(alert), Some(if at_once { Turn::Fired } else { Turn::Pended }))
}

fn broken(mut alert: Instance, value: f64, timing: Timing, now: DateTime<Utc>) -> (Option<Instance>, Option<Turn>) {
    (alert.value, alert.missed) = (value, 0);
    let long_enough = now - alert.active_at >= timing.hold;
    let turn = match alert.phase {
        Phase::Pending if long_enough => {
            (alert.phase, alert.fired_at) = (Phase::Firing, Some(now));
            Some(Turn::Fired)
        }
        Phase::Firing if !long_enough => {
            (alert.phase, alert.fired_at) = (Phase::Pending, None);
            Some(Turn::Held)
        }
        Phase::Recovering => {
            (alert.phase, alert.eased_at) = (Phase::Firing, None);
            Some(Turn::Relapsed)
        }
        _ => None,
    };
    (Some(alert), turn)
}

fn fine(mut alert: Instance, timing: Timing, now: DateTime<Utc>) -> (Option<Instance>, Option<Turn>) {
    alert.missed = 0;
    if alert.phase == Phase::Pending {
        return (None, Some(Turn::Dropped));
    }
    let eased_at = *alert.eased_at.get_or_insert(now);
    if now - eased_at >= timing.keep {
        return resolved(alert, Turn::Resolved, now);
    }
    let turn = (alert.phase == Phase::Firing).then_some(Turn::Eased);
    alert.phase = Phase::Recovering;
    (Some(alert), turn)
}

fn missing(mut alert: Instance, now: DateTime<Utc>) -> (Option<Instance>, Option<Turn>) {
    alert.missed += 1;
    match alert.phase {
        _ if alert.missed <= PATIENCE => (Some(alert), None),
        Phase::Pending => (None, Some(Turn::Dropped)),
        _ => resolved(alert, Turn::Vanished, now),
    }
}

fn resolved(mut alert: Instance, turn: Turn, now: DateTime<Utc>) -> (Option<Instance>, Option<Turn>) {
    alert.phase = Phase::Resolved;
    alert.resolved_at = Some(now);
    (Some(alert), Some(turn))
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
