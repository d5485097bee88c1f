//! What changes about facilities. Each is one transaction: the change, its audit row with before and after, the fresh
//! summary and the fact for the outbox.

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;

use super::form::short;
use super::model::Facts;
use super::queries;
use crate::audit::{self, Actor, Entry};
use crate::db::{Db, Scope};
use crate::error::{Error, OnConstraint, Problems, Result};
use crate::facilities::{self, Exception, Hours};
use crate::ids::FacilityId;
use crate::outbox::{self, Event};
use crate::summary::{self, Trigger, Work};

/// Adds a facility with its first blood bank.
pub async fn add(db: &Db, actor: &Actor, facts: &Facts, bank: &str) -> Result<FacilityId> {
    let mut tx = db.write(&Scope::All).await?;
    let id = sqlx::query_scalar!(
        r#"insert into facilities
             (name, kind, region, latitude, longitude, time_zone, count_hour, shares_availability, parent_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id as "id: FacilityId""#,
        facts.name,
        facts.kind.as_str(),
        facts.region,
        facts.latitude,
        facts.longitude,
        facts.zone.as_str(),
        facts.count_hour,
        facts.shares_availability,
        facts.parent.map(|id| id.0)
    )
    .fetch_one(&mut *tx)
    .await
    .on_constraint("facilities_name_key", name_taken)
    .on_constraint("facilities_parent_id_fkey", no_parent)?;
    sqlx::query!(
        "insert into blood_banks (facility_id, name) values ($1, $2)",
        id.0,
        bank
    )
    .execute(&mut *tx)
    .await?;
    summary::refresh(&mut tx, &[id], Trigger::Write).await?;
    let entry = entry(id, "added", "facility", Some(id.0), facts.name.as_str(), &(), facts);
    audit::record(&mut tx, actor, &entry).await?;
    outbox::push(&mut tx, &[id], &Event::FacilityChanged { facility: id }).await?;
    tx.commit().await?;
    Ok(id)
}

/// Changes the facts of a facility. With another zone its days have other bounds: the kept days are counted again and
/// today's summary is computed in the same transaction.
pub async fn change(db: &Db, actor: Actor, id: FacilityId, facts: &Facts) -> Result<()> {
    let mut work = Work::begin(db, actor, &[id]).await?;
    let before = queries::place(work.conn(), id).await?.facts;
    if before == *facts {
        return Ok(());
    }
    sqlx::query!(
        "update facilities
         set name = $2, kind = $3, region = $4, latitude = $5, longitude = $6, time_zone = $7, count_hour = $8,
             shares_availability = $9, parent_id = $10
         where id = $1",
        id.0,
        facts.name,
        facts.kind.as_str(),
        facts.region,
        facts.latitude,
        facts.longitude,
        facts.zone.as_str(),
        facts.count_hour,
        facts.shares_availability,
        facts.parent.map(|id| id.0)
    )
    .execute(work.conn())
    .await
    .on_constraint("facilities_name_key", name_taken)
    .on_constraint("facilities_parent_id_fkey", no_parent)
    .on_constraint("facilities_hierarchy_check", || {
        Error::invalid("parent", t!("A facility cannot belong to itself or to one below it."))
    })?;
    if before.zone != facts.zone {
        summary::recount(work.conn(), id).await?;
    }
    let entry = entry(
        id,
        "changed",
        "facility",
        Some(id.0),
        facts.name.as_str(),
        &before,
        facts,
    );
    work.commit(entry, &Event::FacilityChanged { facility: id }).await
}

fn name_taken() -> Error {
    Error::invalid("name", t!("Another facility has this name."))
}

fn no_parent() -> Error {
    Error::invalid("parent", t!("There is no such facility."))
}

/// Shuts a facility down: nobody can enter it, nobody can ask it. Refused while anything is unfinished, with the list.
pub async fn deactivate(db: &Db, actor: Actor, id: FacilityId) -> Result<()> {
    let mut work = Work::begin(db, actor, &[id]).await?;
    let place = queries::place(work.conn(), id).await?;
    if !place.active {
        return Err(Error::Conflict(t!("The facility is inactive already.").into()));
    }
    let lines = queries::unfinished(work.conn(), id).await?.lines();
    if !lines.is_empty() {
        return Err(Error::Conflict(t!(
            "Not yet: {list}. Finish these first.",
            list = lines.join(", ")
        )));
    }
    set_active(work, id, &place.facts.name, false).await
}

pub async fn reactivate(db: &Db, actor: Actor, id: FacilityId) -> Result<()> {
    let mut work = Work::begin(db, actor, &[id]).await?;
    let place = queries::place(work.conn(), id).await?;
    if place.active {
        return Err(Error::Conflict(t!("The facility is active already.").into()));
    }
    set_active(work, id, &place.facts.name, true).await
}

async fn set_active(mut work: Work, id: FacilityId, name: &str, active: bool) -> Result<()> {
    sqlx::query!("update facilities set active = $2 where id = $1", id.0, active)
        .execute(work.conn())
        .await?;
    let action = if active { "reactivated" } else { "deactivated" };
    let (before, after) = (json!({ "active": !active }), json!({ "active": active }));
    let entry = entry(id, action, "facility", Some(id.0), name, &before, &after);
    work.commit(entry, &Event::FacilityChanged { facility: id }).await
}

/// Adds a blood bank, or renames one.
pub async fn save_bank(db: &Db, actor: Actor, facility: FacilityId, bank: Option<i64>, name: &str) -> Result<()> {
    let mut problems = Problems::default();
    short(&mut problems, "bank-name", name, 120, t!("Give the name."));
    problems.check()?;
    let name = name.trim();
    let mut work = Work::begin(db, actor, &[facility]).await?;
    let banks = queries::banks(work.conn(), facility).await?;
    let before = match bank {
        Some(id) => Some(
            banks
                .into_iter()
                .find(|bank| bank.id == id)
                .ok_or(Error::NotFound)?
                .name,
        ),
        None => None,
    };
    let id = match bank {
        Some(id) => {
            sqlx::query_scalar!(
                "update blood_banks set name = $3 where facility_id = $1 and id = $2 returning id",
                facility.0,
                id,
                name
            )
            .fetch_one(work.conn())
            .await
        }
        None => {
            sqlx::query_scalar!(
                "insert into blood_banks (facility_id, name) values ($1, $2) returning id",
                facility.0,
                name
            )
            .fetch_one(work.conn())
            .await
        }
    }
    .on_constraint("blood_banks_name_key", || {
        Error::invalid("bank-name", t!("Another blood bank of this facility has this name."))
    })?;
    let action = if bank.is_some() { "renamed" } else { "added" };
    let (before, after) = (json!({ "name": before }), json!({ "name": name }));
    let entry = entry(facility, action, "blood bank", Some(id), name, &before, &after);
    work.commit(entry, &Event::FacilityChanged { facility }).await
}

/// Removes a blood bank that no record names. A facility keeps at least one.
pub async fn remove_bank(db: &Db, actor: Actor, facility: FacilityId, id: i64) -> Result<()> {
    let mut work = Work::begin(db, actor, &[facility]).await?;
    let banks = queries::banks(work.conn(), facility).await?;
    let bank = banks.iter().find(|bank| bank.id == id).ok_or(Error::NotFound)?;
    if bank.records > 0 {
        return Err(Error::Conflict(t!(
            "{name} holds {bank} units, and {records} records of stock or deliveries name it. Only an empty one can be removed.",
            name = bank.name,
            bank = bank.units,
            records = bank.records
        )));
    }
    if banks.len() == 1 {
        return Err(Error::Conflict(t!("A facility keeps at least one blood bank.").into()));
    }
    sqlx::query!(
        "delete from blood_banks where facility_id = $1 and id = $2",
        facility.0,
        id
    )
    .execute(work.conn())
    .await?;
    let (name, before) = (bank.name.clone(), json!({ "name": bank.name }));
    let entry = entry(facility, "removed", "blood bank", Some(id), &name, &before, &());
    work.commit(entry, &Event::FacilityChanged { facility }).await
}

/// Sets the hours of every weekday, from Monday; none is closed.
pub async fn set_week(db: &Db, actor: Actor, facility: FacilityId, week: &[Option<Hours>; 7]) -> Result<()> {
    let mut work = Work::begin(db, actor, &[facility]).await?;
    let before = calendar(&mut work, facility).await?.week;
    sqlx::query!("delete from facility_hours where facility_id = $1", facility.0)
        .execute(work.conn())
        .await?;
    let open: Vec<(i16, Hours)> = (1..)
        .zip(week)
        .filter_map(|(day, hours)| Some((day, (*hours)?)))
        .collect();
    sqlx::query!(
        "insert into facility_hours (facility_id, weekday, opens, closes)
         select $1, weekday, opens, closes from unnest($2::smallint[], $3::smallint[], $4::smallint[]) as day (weekday, opens, closes)",
        facility.0,
        &open.iter().map(|(day, _)| *day).collect::<Vec<_>>(),
        &open.iter().map(|(_, hours)| hours.opens).collect::<Vec<_>>(),
        &open.iter().map(|(_, hours)| hours.closes).collect::<Vec<_>>()
    )
    .execute(work.conn())
    .await?;
    let (before, after) = (json!({ "week": before }), json!({ "week": week }));
    let entry = entry(facility, "changed", "calendar", None, "week", &before, &after);
    work.commit(entry, &Event::FacilityChanged { facility }).await
}

/// Sets what holds on one date instead of the week; `None` takes the exception away.
pub async fn set_exception(
    db: &Db,
    actor: Actor,
    facility: FacilityId,
    day: NaiveDate,
    exception: Option<&Exception>,
) -> Result<()> {
    let mut work = Work::begin(db, actor, &[facility]).await?;
    let before = calendar(&mut work, facility).await?.exceptions.remove(&day);
    if before.as_ref() == exception {
        return Ok(());
    }
    sqlx::query!(
        "delete from facility_exceptions where facility_id = $1 and day = $2",
        facility.0,
        day
    )
    .execute(work.conn())
    .await?;
    if let Some(exception) = exception {
        sqlx::query!(
            "insert into facility_exceptions (facility_id, day, opens, closes, note) values ($1, $2, $3, $4, $5)",
            facility.0,
            day,
            exception.hours.map(|hours| hours.opens),
            exception.hours.map(|hours| hours.closes),
            exception.note
        )
        .execute(work.conn())
        .await?;
    }
    let name = day.to_string();
    let entry = entry(facility, "changed", "calendar", None, &name, &before, &exception);
    work.commit(entry, &Event::FacilityChanged { facility }).await
}

async fn calendar(work: &mut Work, facility: FacilityId) -> Result<facilities::WorkingCalendar> {
    let mut all = facilities::calendars(work.conn(), Some(facility)).await?;
    Ok(all.remove(&facility).unwrap_or_default())
}

fn entry<'a>(
    facility: FacilityId,
    action: &'a str,
    thing: &'a str,
    thing_id: Option<i64>,
    name: &str,
    before: &impl Serialize,
    after: &impl Serialize,
) -> Entry<'a> {
    Entry::new(action, thing)
        .of(facility)
        .about(thing_id)
        .detail(json!({ "name": name }))
        .before(json!(before))
        .after(json!(after))
}
