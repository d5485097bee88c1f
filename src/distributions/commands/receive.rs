//! Booking a delivery: what arrived becomes stock of the receiver, what did not is written off by the sender.

use super::{LONGEST_NOTE, entry, note_of, sent_here};
use crate::auth::Editor;
use crate::blood::{DiscardReason, MovementKind, UnitStatus};
use crate::db::Db;
use crate::distributions::{Distribution, Line, Outcome, Status, queries};
use crate::error::{Error, Problems, Result};
use crate::ids::{DistributionId, UnitId};
use crate::inventory::ledger::{self, Change};
use crate::inventory::{self, NewUnit};
use crate::outbox::Event;
use crate::requests;
use crate::summary::Work;

/// What the receiver found.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// the blood bank that takes it; the facility's first when not given
    pub bank: Option<i64>,
    /// lines that are not here arrived as they were sent
    pub lines: Vec<LineReceipt>,
}

/// What became of one line.
#[derive(Clone, Debug)]
pub struct LineReceipt {
    /// as in the distribution: the sender's row
    pub unit: UnitId,
    pub outcome: Outcome,
    /// units of a lot that arrived; all when not given
    pub arrived: Option<i32>,
    pub note: String,
}

/// What one line came to.
struct Booked {
    arrived: i32,
    /// of these, how many can be used at once
    usable: i32,
    words: Option<String>,
}

/// Receives a delivery, once. Units are available, or quarantined when they are damaged, have expired, or come back from
/// a return. What is missing leaves the sender's books as discarded. `Conflict` when it was received already.
pub async fn receive(db: &Db, editor: &Editor, id: DistributionId, receipt: &Receipt) -> Result<()> {
    let seen = sent_here(db, editor, id).await?;
    let mut work = Work::begin(db, editor.actor(), &[seen.from, seen.to]).await?;
    let distribution = queries::find(work.conn(), editor.facility, id).await?;
    if distribution.status != Status::InTransit {
        return Err(Error::Conflict(t!("This delivery was booked already.").into()));
    }
    let lines = queries::lines(work.conn(), &distribution).await?;
    check(&lines, receipt)?;
    let bank = bank_of(&mut work, editor, receipt.bank).await?;
    let (mut arrived, mut usable, mut words) = (0, 0, Vec::new());
    for line in &lines {
        let found = receipt.lines.iter().find(|found| found.unit == line.unit);
        let booked = book(&mut work, &distribution, line, found, bank).await?;
        arrived += booked.arrived;
        usable += booked.usable;
        words.extend(booked.words);
    }
    finish(&mut work, &distribution, arrived, &words.join("; ")).await?;
    if let Some(request) = distribution.request {
        requests::commands::fulfil(&mut work, distribution.to, request, usable).await?;
    }
    let detail = serde_json::json!({
        "component": lines.first().map(|line| line.component), "quantity": arrived, "sent": distribution.sent,
        "request": distribution.request, "discrepancies": words,
    });
    let event = Event::UnitsDelivered {
        facility: distribution.from,
        distribution: id,
    };
    work.commit(
        entry(distribution.to, distribution.from, "received", id, detail),
        &event,
    )
    .await
}

/// What can be said of the form once the lines are known.
fn check(lines: &[Line], receipt: &Receipt) -> Result<()> {
    let mut problems = Problems::default();
    for found in &receipt.lines {
        let Some(line) = lines.iter().find(|line| line.unit == found.unit) else {
            problems.add("", t!("A unit that is not part of this delivery was named."));
            continue;
        };
        if found
            .arrived
            .is_some_and(|arrived| !(0..=line.quantity).contains(&arrived))
        {
            problems.add(
                format!("line-{}", line.unit),
                t!("Give 0 to {quantity}.", quantity = line.quantity),
            );
        }
        if let Err(error) = note_of("note", &found.note) {
            problems.add(format!("line-{}", line.unit), error.to_string());
        }
    }
    problems.check()
}

async fn bank_of(work: &mut Work, editor: &Editor, chosen: Option<i64>) -> Result<i64> {
    let banks = inventory::queries::blood_banks(work.conn(), editor.facility).await?;
    let found = match chosen {
        Some(chosen) => banks.iter().find(|bank| bank.id == chosen),
        None => banks.first(),
    };
    found
        .map(|bank| bank.id)
        .ok_or_else(|| Error::invalid("bank", t!("Choose a blood bank of this facility.")))
}

async fn book(
    work: &mut Work,
    distribution: &Distribution,
    line: &Line,
    found: Option<&LineReceipt>,
    bank: i64,
) -> Result<Booked> {
    let note = found.map_or("", |found| found.note.trim());
    let outcome = found.map_or(Outcome::Received, |found| found.outcome);
    let arrived = match outcome {
        Outcome::Missing => 0,
        _ => found.and_then(|found| found.arrived).unwrap_or(line.quantity),
    };
    let missing = line.quantity - arrived;
    if missing > 0 {
        write_off(work, distribution, line, missing, note).await?;
    }
    if arrived > 0 {
        arrive(work, distribution, line, arrived, outcome, note, bank).await?;
    }
    let quarantined = outcome == Outcome::Damaged || line.expired;
    let words = match (missing, outcome) {
        (0, Outcome::Received) => None,
        (0, _) => Some(format!("{} {}", line.name(), outcome.as_str())),
        (_, _) if line.quantity == 1 => Some(t!("{name} missing", name = line.name())),
        (missing, _) => Some(t!(
            "{missing} of {quantity} of {name} missing",
            missing,
            quantity = line.quantity,
            name = line.name()
        )),
    };
    Ok(Booked {
        arrived,
        usable: if quarantined { 0 } else { arrived },
        words,
    })
}

/// The sender's row ends as transferred before the receiver's begins: a donation number is on one facility's books only.
async fn arrive(
    work: &mut Work,
    distribution: &Distribution,
    line: &Line,
    arrived: i32,
    outcome: Outcome,
    note: &str,
    bank: i64,
) -> Result<()> {
    let under_way = &[UnitStatus::InTransit];
    let leaves = Change {
        request: distribution.request,
        distribution: Some(distribution.id),
        ..Change::of(MovementKind::Delivered)
    };
    ledger::shift(
        work,
        distribution.from,
        line.unit,
        under_way,
        None,
        UnitStatus::Transferred,
        &leaves,
    )
    .await?;
    let why = match (outcome, distribution.return_of) {
        (Outcome::Damaged, _) => Some(joined("damaged on the way", note)),
        (_, Some(_)) => Some(joined("returned", &distribution.note)),
        _ if line.expired => Some(joined("expired on the way", note)),
        _ if note.is_empty() => None,
        _ => Some(note.to_owned()),
    };
    let quarantined = outcome == Outcome::Damaged || line.expired || distribution.return_of.is_some();
    let to = if quarantined {
        UnitStatus::Quarantined
    } else {
        UnitStatus::Available
    };
    let comes = Change {
        reason: why.as_deref(),
        temperature: distribution.temperature,
        request: distribution.request,
        distribution: Some(distribution.id),
        ..Change::of(MovementKind::Arrived)
    };
    let new = NewUnit {
        blood_bank: bank,
        component: line.component,
        group: line.group,
        quantity: arrived,
        donation_number: line.donation_number,
        lot: line.lot.clone(),
        collected_at: line.collected_at,
        expires_at: line.expires_at,
    };
    let received = ledger::arrive(work, distribution.to, &new, to, &comes).await?;
    sqlx::query!(
        "update distribution_units set quantity = $4, outcome = $5, received_id = $6
         where facility_id = $1 and distribution_id = $2 and inventory_id = $3",
        distribution.from.0,
        distribution.id.0,
        line.unit.0,
        arrived,
        outcome.as_str(),
        received.0
    )
    .execute(work.conn())
    .await?;
    Ok(())
}

/// Discards what did not arrive, at the sender. Part of a lot becomes a line of its own.
async fn write_off(work: &mut Work, distribution: &Distribution, line: &Line, missing: i32, note: &str) -> Result<()> {
    let reason = joined(&format!("{}: missing on receipt", DiscardReason::Other.as_str()), note);
    let change = Change {
        reason: Some(&reason),
        request: distribution.request,
        distribution: Some(distribution.id),
        ..Change::of(MovementKind::Discarded)
    };
    let (from, under_way) = (distribution.from, &[UnitStatus::InTransit]);
    let gone = ledger::shift(
        work,
        from,
        line.unit,
        under_way,
        Some(missing),
        UnitStatus::Discarded,
        &change,
    )
    .await?
    .id;
    if gone != line.unit {
        super::load(work, from, distribution.to, distribution.id, gone).await?;
    }
    sqlx::query!(
        "update distribution_units set outcome = 'missing' where facility_id = $1 and distribution_id = $2 and inventory_id = $3",
        from.0,
        distribution.id.0,
        gone.0
    )
    .execute(work.conn())
    .await?;
    Ok(())
}

async fn finish(work: &mut Work, distribution: &Distribution, arrived: i32, words: &str) -> Result<()> {
    let short = arrived < distribution.sent;
    let status = if short {
        Status::DeliveredShort
    } else {
        Status::Delivered
    };
    let note = match words {
        "" => distribution.note.clone(),
        words => joined(&distribution.note, words).chars().take(LONGEST_NOTE).collect(),
    };
    let user = work.actor.user.map(|user| user.0);
    sqlx::query!(
        "update blood_distributions
         set quantity = $3, status = $4, note = $5, date_delivered = clock_now(), received_by = $6
         where facility_id = $1 and id = $2",
        distribution.from.0,
        distribution.id.0,
        arrived,
        status.as_str(),
        note,
        user
    )
    .execute(work.conn())
    .await?;
    Ok(())
}

fn joined(first: &str, then: &str) -> String {
    match (first.trim(), then.trim()) {
        (first, "") => first.to_owned(),
        ("", then) => then.to_owned(),
        (first, then) => format!("{first}: {then}"),
    }
}
