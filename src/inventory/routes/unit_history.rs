//! The history of a unit, in words: each of its movements, and the positive test that it had.

use super::words::When;
use crate::blood::MovementKind;
use crate::charts::units;
use crate::inventory::Movement;
use crate::inventory::queries::PositiveTest;
use crate::reference::Reason;

/// A line of the history.
pub struct StepView {
    pub icon: &'static str,
    pub tone: &'static str,
    pub sentence: String,
    pub reason: String,
    pub who: String,
    pub at_iso: String,
    pub at: String,
}

/// The history, newest first.
pub fn steps(when: &When, movements: &[Movement], reasons: &[Reason], test: Option<PositiveTest>) -> Vec<StepView> {
    let moved = movements
        .iter()
        .map(|movement| (movement.at, step(when, movement, reasons)));
    let tested = test.into_iter().map(|test| {
        let view = StepView {
            icon: "triangle-alert",
            tone: "critical",
            sentence: t!("Marked unsafe").into(),
            reason: test.reason,
            who: test.actor_name,
            at_iso: test.at.to_rfc3339(),
            at: when.label(test.at),
        };
        (test.at, view)
    });
    let mut steps: Vec<_> = moved.chain(tested).collect();
    // stable, so that what happened at the same instant stays in its order
    steps.sort_by_key(|(at, _)| *at);
    steps.into_iter().rev().map(|(_, view)| view).collect()
}

fn step(when: &When, movement: &Movement, reasons: &[Reason]) -> StepView {
    let (icon, tone) = match movement.kind {
        MovementKind::Received | MovementKind::Arrived => ("package", "good"),
        MovementKind::Released => ("check", "good"),
        MovementKind::Dispatched | MovementKind::Delivered => ("truck", ""),
        MovementKind::Issued | MovementKind::Transfused => ("droplet", ""),
        MovementKind::Returned | MovementKind::Reversed => ("undo-2", ""),
        MovementKind::Discarded => ("trash-2", "serious"),
        MovementKind::Expired => ("hourglass", "serious"),
        MovementKind::Quarantined => ("triangle-alert", ""),
        MovementKind::Reserved | MovementKind::Unreserved => ("clock", ""),
        MovementKind::Split => ("arrow-left-right", ""),
    };
    StepView {
        icon,
        tone,
        sentence: told(movement),
        reason: because(movement, reasons),
        who: movement.actor_name.clone(),
        at_iso: movement.at.to_rfc3339(),
        at: when.label(movement.at),
    }
}

/// `Dispatched`, `3 units split off into a row of their own`.
fn told(movement: &Movement) -> String {
    match (movement.kind, movement.to) {
        (MovementKind::Split, None) => t!(
            "{value} split off into a row of their own",
            value = units(movement.quantity)
        ),
        (MovementKind::Split, Some(_)) => t!("{value} of the lot became this row", value = units(movement.quantity)),
        (kind, Some(to)) if matches!(kind, MovementKind::Received | MovementKind::Arrived) => {
            format!("{}, {}", kind.label(), to.label().to_lowercase())
        }
        (kind, _) => kind.label().to_owned(),
    }
}

/// Why, with the words of a discard's reason instead of its code, and the temperature.
fn because(movement: &Movement, reasons: &[Reason]) -> String {
    let reason = movement.reason.as_deref().unwrap_or_default();
    let (code, note) = reason.split_once(": ").unwrap_or((reason, ""));
    let mut text = match reasons.iter().find(|one| one.code == code) {
        Some(known) if movement.kind == MovementKind::Discarded && note.is_empty() => known.label.clone(),
        Some(known) if movement.kind == MovementKind::Discarded => format!("{}: {note}", known.label),
        _ => reason.to_owned(),
    };
    if let Some(degrees) = movement.temperature {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&format!("{degrees:.1} °C"));
    }
    text
}
