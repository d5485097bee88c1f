//! A batch of history as rows: one statement for each table, in the order of the foreign keys.

use sqlx::PgConnection;

use super::column;
use crate::blood::UnitStatus;
use crate::error::Result;
use crate::synthetic::Seeded;
use crate::synthetic::ledger::{Audit, Batch, Carried, Distribution, Label, Lot, Recipient, Request, Step};
use crate::synthetic::population::{component_of, group_of};

pub(super) async fn write(tx: &mut PgConnection, batch: &Batch, seeded: &mut Seeded) -> Result<()> {
    seeded.inventory += write_lots(tx, &batch.lots).await?;
    seeded.movements += write_moves(tx, &batch.lots).await?;
    seeded.requests += write_requests(tx, &batch.requests).await?;
    write_recipients(tx, &batch.recipients).await?;
    write_steps(tx, &batch.steps).await?;
    seeded.distributions += write_distributions(tx, &batch.distributions).await?;
    write_carried(tx, &batch.carried).await?;
    seeded.audited += write_audits(tx, &batch.audits).await?;
    Ok(())
}

async fn write_lots(tx: &mut PgConnection, lots: &[(Lot, UnitStatus)]) -> Result<u64> {
    let done = sqlx::query!(
        "insert into blood_inventory (facility_id, id, blood_bank_id, component, blood_group, quantity, donation_number,
                                      lot, collected_at, expires_at, status, unsafe, reserved_for, reserved_until, received_at)
         overriding system value
         select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::int[], $7::text[],
                              $8::text[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::bool[],
                              $13::bigint[], $14::timestamptz[], $15::timestamptz[])",
        &column(lots, |(lot, _)| lot.facility),
        &column(lots, |(lot, _)| lot.id),
        &column(lots, |(lot, _)| lot.bank),
        column(lots, |(lot, _)| component_of(lot.cell)) as _,
        column(lots, |(lot, _)| group_of(lot.cell)) as _,
        &column(lots, |(lot, _)| lot.quantity),
        column(lots, |(lot, _)| donation(&lot.label)) as _,
        column(lots, |(lot, _)| lot_name(&lot.label)) as _,
        &column(lots, |(lot, _)| lot.collected_at),
        &column(lots, |(lot, _)| lot.expires_at),
        column(lots, |(_, status)| *status) as _,
        &column(lots, |(lot, _)| lot.is_unsafe),
        column(lots, |(lot, _)| lot.reserved.map(|(request, _)| request)) as _,
        column(lots, |(lot, _)| lot.reserved.map(|(_, until)| until)) as _,
        &column(lots, |(lot, _)| lot.moves[0].at)
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

async fn write_moves(tx: &mut PgConnection, lots: &[(Lot, UnitStatus)]) -> Result<u64> {
    // with each, the lot and the status before
    let moves: Vec<_> = lots
        .iter()
        .flat_map(|(lot, _)| {
            let before = std::iter::once(None).chain(lot.moves.iter().map(|step| Some(step.to)));
            lot.moves.iter().zip(before).map(move |(step, from)| (lot, step, from))
        })
        .collect();
    let done = sqlx::query!(
        "insert into inventory_movements (facility_id, inventory_id, at, actor_name, kind, from_status, to_status,
                                          quantity, component, blood_group, reason, request_id, distribution_id)
         select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
                              $8::int[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[])",
        &column(&moves, |row| row.0.facility),
        &column(&moves, |row| row.0.id),
        &column(&moves, |row| row.1.at),
        column(&moves, |row| row.1.actor) as _,
        column(&moves, |row| row.1.kind) as _,
        column(&moves, |row| row.2) as _,
        column(&moves, |row| row.1.to) as _,
        &column(&moves, |row| row.0.quantity),
        column(&moves, |row| component_of(row.0.cell)) as _,
        column(&moves, |row| group_of(row.0.cell)) as _,
        column(&moves, |row| row.1.reason) as _,
        column(&moves, |row| row.1.request) as _,
        column(&moves, |row| row.1.distribution) as _
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

async fn write_requests(tx: &mut PgConnection, requests: &[Request]) -> Result<u64> {
    let done = sqlx::query!(
        "insert into blood_requests (facility_id, id, component, blood_group, quantity, urgency, status, needed_by, reason,
                                     fulfilled, created_at, closed_at)
         overriding system value
         select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[],
                              $8::timestamptz[], $9::text[], $10::int[], $11::timestamptz[], $12::timestamptz[])",
        &column(requests, |row| row.facility),
        &column(requests, |row| row.id),
        column(requests, |row| component_of(row.cell)) as _,
        column(requests, |row| group_of(row.cell)) as _,
        &column(requests, |row| row.quantity),
        column(requests, |row| row.urgency) as _,
        column(requests, |row| row.status) as _,
        &column(requests, |row| row.needed_by),
        column(requests, |row| row.reason) as _,
        &column(requests, |row| row.fulfilled),
        &column(requests, |row| row.created_at),
        column(requests, |row| row.closed_at) as _
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

async fn write_recipients(tx: &mut PgConnection, recipients: &[Recipient]) -> Result<()> {
    sqlx::query!(
        "insert into request_recipients (facility_id, request_id, to_facility_id, status, accepted_quantity, reason, decided_at)
         select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::int[], $6::text[], $7::timestamptz[])",
        &column(recipients, |row| row.facility),
        &column(recipients, |row| row.request),
        &column(recipients, |row| row.to),
        column(recipients, |row| row.status) as _,
        column(recipients, |row| row.accepted) as _,
        column(recipients, |row| row.reason) as _,
        column(recipients, |row| row.decided_at) as _
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn write_steps(tx: &mut PgConnection, steps: &[Step]) -> Result<()> {
    sqlx::query!(
        "insert into request_events (facility_id, request_id, at, by_facility_id, actor_name, step, reason)
         select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], $7::text[])",
        &column(steps, |row| row.facility),
        &column(steps, |row| row.request),
        &column(steps, |row| row.at),
        &column(steps, |row| row.by),
        column(steps, |row| row.actor) as _,
        column(steps, |row| row.step) as _,
        column(steps, |row| row.reason) as _
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn write_distributions(tx: &mut PgConnection, distributions: &[Distribution]) -> Result<u64> {
    let done = sqlx::query!(
        "insert into blood_distributions (facility_id, id, blood_bank_id, dispatched_to_id, request_id, sent, quantity, status,
                                          temperature_celsius, dispatched_at, date_delivered)
         overriding system value
         select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::int[],
                              $8::text[], $9::real[], $10::timestamptz[], $11::timestamptz[])",
        &column(distributions, |row| row.facility),
        &column(distributions, |row| row.id),
        &column(distributions, |row| row.bank),
        &column(distributions, |row| row.to),
        column(distributions, |row| row.request) as _,
        &column(distributions, |row| row.sent),
        &column(distributions, |row| row.quantity),
        column(distributions, |row| row.status) as _,
        column(distributions, |row| row.temperature) as _,
        &column(distributions, |row| row.dispatched_at),
        column(distributions, |row| row.delivered_at) as _
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

async fn write_carried(tx: &mut PgConnection, carried: &[Carried]) -> Result<()> {
    sqlx::query!(
        "insert into distribution_units (facility_id, distribution_id, inventory_id, dispatched_to_id, component, blood_group,
                                         quantity, donation_number, lot, collected_at, expires_at, outcome, received_id)
         select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::int[],
                              $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::bigint[])",
        &column(carried, |row| row.facility),
        &column(carried, |row| row.distribution),
        &column(carried, |row| row.inventory),
        &column(carried, |row| row.to),
        column(carried, |row| component_of(row.cell)) as _,
        column(carried, |row| group_of(row.cell)) as _,
        &column(carried, |row| row.quantity),
        column(carried, |row| donation(&row.label)) as _,
        column(carried, |row| lot_name(&row.label)) as _,
        &column(carried, |row| row.collected_at),
        &column(carried, |row| row.expires_at),
        column(carried, |row| row.outcome) as _,
        column(carried, |row| row.received) as _
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn write_audits(tx: &mut PgConnection, audits: &[Audit]) -> Result<u64> {
    let done = sqlx::query!(
        "insert into audit_log (at, facility_id, other_facility_id, actor_name, action, thing, thing_id, detail)
         select * from unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                              $7::bigint[], $8::jsonb[])",
        &column(audits, |row| row.at),
        &column(audits, |row| row.facility),
        column(audits, |row| row.other) as _,
        column(audits, |row| row.actor.as_str()) as _,
        column(audits, |row| row.action) as _,
        column(audits, |row| row.thing) as _,
        &column(audits, |row| row.thing_id),
        column(audits, |row| row.detail.clone()) as _
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

fn donation(label: &Label) -> Option<&str> {
    match label {
        Label::Donation(number) => Some(number),
        Label::Lot(_) => None,
    }
}

fn lot_name(label: &Label) -> Option<&str> {
    match label {
        Label::Lot(name) => Some(name),
        Label::Donation(_) => None,
    }
}
