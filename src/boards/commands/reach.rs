//! Who sees a board, and where: published or not, its order among others, its shares, the places it stands for.

use super::super::model::{Board, Owner};
use super::super::people;
use super::super::queries::Whole;
use super::super::rights::{Level, Right, With};
use super::life::another_template;
use super::{By, begin, commit, commit_less, lock};
use sqlx::PgConnection;

use crate::auth::Role;
use crate::db::Db;
use crate::error::{Error, OnConstraint, Result};
use crate::facilities::FacilityKind;
use crate::ids::{BoardId, FacilityId};
use crate::text_enum::text_enum;

/// Shows the board to all who may see it.
pub async fn publish(db: &Db, by: &By, id: BoardId) -> Result<()> {
    set_published(db, by, id, true, "published").await
}

/// Takes the board from all who may not edit it. A facility that showed it shows the built-in board again.
pub async fn withdraw(db: &Db, by: &By, id: BoardId) -> Result<()> {
    set_published(db, by, id, false, "withdrawn").await
}

async fn set_published(db: &Db, by: &By, id: BoardId, published: bool, action: &str) -> Result<()> {
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::Own).await?;
    sqlx::query!("update boards set published = $2 where id = $1", id.0, published)
        .execute(&mut *tx)
        .await?;
    if published {
        commit(tx, by, &whole, action, named(&whole)).await
    } else {
        commit_less(tx, by, &whole, action, named(&whole)).await
    }
}

text_enum! {
    /// Which way in the list.
    pub enum Move {
        Up = "up" / "Move up",
        Down = "down" / "Move down",
    }
}

/// Moves the board by one place among those of the same owner.
pub async fn reorder(db: &Db, by: &By, id: BoardId, to: Move) -> Result<()> {
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::Own).await?;
    let up = to == Move::Up;
    sqlx::query!(
        "with mine as (
             select b.id, row_number() over (order by b.position, lower(b.name), b.id) as place
             from boards b join boards this on this.id = $1 and this.owner = b.owner
              and this.owner_person_id is not distinct from b.owner_person_id
              and this.owner_facility_id is not distinct from b.owner_facility_id
              and this.owner_region is not distinct from b.owner_region),
         moved as (
             select id, place * 2 + case when id = $1 then case when $2 then -3 else 3 end else 0 end as place from mine)
         update boards set position = moved.place from moved where boards.id = moved.id",
        id.0,
        up
    )
    .execute(&mut *tx)
    .await?;
    commit(tx, by, &whole, "moved", named(&whole)).await
}

/// Lets others in; a share with the same people is changed. Somebody, or a facility, that the sharer may not know of is
/// refused as one that does not exist.
pub async fn share(db: &Db, by: &By, id: BoardId, with: With, level: Level) -> Result<()> {
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::Own).await?;
    // what was shared by somebody who may know more stays, and may be changed
    if !whole.shares.iter().any(|share| share.with == with) {
        may_know(&mut tx, by, with).await?;
    }
    if with == With::Role(Role::NetworkAdmin) {
        return Err(Error::invalid(
            "role",
            t!("Choose another role; this one needs no share."),
        ));
    }
    let (person, role, facility) = parts(Some(with));
    sqlx::query!(
        "insert into board_shares (board_id, person_id, role, facility_id, level, created_at, created_by)
         values ($1, $2, $3, $4, $5, clock_now(), $6)
         on conflict (board_id, coalesce(person_id, 0), coalesce(role, ''), coalesce(facility_id, 0))
         do update set level = excluded.level",
        id.0,
        person,
        role,
        facility,
        level.as_str(),
        by.id()
    )
    .execute(&mut *tx)
    .await
    .on_constraint("board_shares_person_id_fkey", || {
        Error::invalid("person", t!("There is no such person."))
    })
    .on_constraint("board_shares_facility_id_fkey", || {
        Error::invalid("facility", t!("There is no such facility."))
    })?;
    let detail = serde_json::json!({ "name": whole.board.name, "person": person, "role": role, "facility": facility, "level": level });
    commit_less(tx, by, &whole, "shared", detail).await
}

/// As the columns of a share.
fn parts(with: Option<With>) -> (Option<i64>, Option<&'static str>, Option<i64>) {
    match with {
        None => (None, None, None),
        Some(With::Person(person)) => (Some(person.0), None, None),
        Some(With::Role(role)) => (None, Some(role.as_str()), None),
        Some(With::Facility(facility)) => (None, None, Some(facility.0)),
    }
}

async fn may_know(tx: &mut PgConnection, by: &By, with: With) -> Result<()> {
    let known = match with {
        With::Person(person) => !people::names(tx, &by.reader, &[person]).await?.is_empty(),
        With::Facility(facility) => by.reader.may_enter(facility),
        With::Role(_) => true,
    };
    match (known, with) {
        (true, _) => Ok(()),
        (false, With::Person(_)) => Err(Error::invalid(
            "person",
            t!("Nobody whom you may see is meant by this."),
        )),
        (false, _) => Err(Error::invalid("facility", t!("Choose one of your facilities."))),
    }
}

/// Takes a share back.
pub async fn unshare(db: &Db, by: &By, id: BoardId, share: i64) -> Result<()> {
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::Own).await?;
    let gone = sqlx::query!("delete from board_shares where board_id = $1 and id = $2", id.0, share)
        .execute(&mut *tx)
        .await?;
    if gone.rows_affected() == 0 {
        return Err(Error::NotFound);
    }
    let with = whole.shares.iter().find(|one| one.id == share).map(|share| share.with);
    let (person, role, facility) = parts(with);
    let detail = serde_json::json!({ "name": whole.board.name, "person": person, "role": role, "facility": facility });
    commit_less(tx, by, &whole, "unshared", detail).await
}

/// Makes the board the one with which they start; none for the built-in choice.
pub async fn set_default_of_person(db: &Db, by: &By, id: BoardId, on: bool) -> Result<()> {
    let person = by.actor.user.ok_or(Error::Forbidden)?;
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::View).await?;
    if on {
        sqlx::query!(
            "insert into board_defaults (person_id, board_id) values ($1, $2)
             on conflict (person_id) do update set board_id = excluded.board_id",
            person.0,
            id.0
        )
        .execute(&mut *tx)
        .await?;
    } else {
        sqlx::query!(
            "delete from board_defaults where person_id = $1 and board_id = $2",
            person.0,
            id.0
        )
        .execute(&mut *tx)
        .await?;
    }
    let action = if on { "chosen" } else { "unchosen" };
    commit(tx, by, &whole, action, named(&whole)).await
}

/// Makes the board the one that the facility's address shows, or takes it from there. Every member must be able to see
/// it, so it is the facility's own, its region's or the network's. A draft stands there once it is published.
pub async fn set_default_of_facility(
    db: &Db,
    by: &By,
    id: BoardId,
    facility: FacilityId,
    region: &str,
    on: bool,
) -> Result<()> {
    let role = by.reader.memberships.iter().find(|one| one.facility == facility);
    if !by.reader.network_admin {
        match role.map(|one| one.role) {
            None => return Err(Error::NotFound),
            Some(role) if role < Role::FacilityAdmin => return Err(Error::Forbidden),
            Some(_) => {}
        }
    }
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::View).await?;
    if on {
        fits(&whole.board, facility, region)?;
        sqlx::query!(
            "insert into board_defaults (facility_id, board_id) values ($1, $2)
             on conflict (facility_id) do update set board_id = excluded.board_id",
            facility.0,
            id.0
        )
        .execute(&mut *tx)
        .await?;
    } else {
        sqlx::query!(
            "delete from board_defaults where facility_id = $1 and board_id = $2",
            facility.0,
            id.0
        )
        .execute(&mut *tx)
        .await?;
    }
    let detail = serde_json::json!({ "name": whole.board.name, "facility": facility });
    let action = if on { "made home" } else { "no longer home" };
    commit(tx, by, &whole, action, detail).await
}

fn fits(board: &Board, facility: FacilityId, region: &str) -> Result<()> {
    let seen_by_all = match &board.owner {
        Owner::Person(_) => false,
        Owner::Facility(owner) => *owner == facility,
        Owner::Region(owner) => owner == region,
        Owner::Network => true,
    };
    if !seen_by_all {
        return Err(Error::invalid(
            "facility",
            t!(
                "Not every member of the facility can see this board. Take one of the facility, its region or the network."
            ),
        ));
    }
    Ok(())
}

/// Lets every facility of a kind start with this board, which is the network's; none takes that from it.
pub async fn set_template(db: &Db, by: &By, id: BoardId, kind: Option<FacilityKind>) -> Result<()> {
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::Own).await?;
    if whole.board.owner != Owner::Network {
        return Err(Error::invalid(
            "template_for",
            t!("Only a board of the network can be a start for facilities."),
        ));
    }
    sqlx::query!(
        "update boards set template_for = $2 where id = $1",
        id.0,
        kind.map(FacilityKind::as_str)
    )
    .execute(&mut *tx)
    .await
    .on_constraint("boards_template_for_key", another_template)?;
    let detail = serde_json::json!({ "name": whole.board.name, "template_for": kind });
    commit(tx, by, &whole, "made template", detail).await
}

fn named(whole: &Whole) -> serde_json::Value {
    serde_json::json!({ "name": whole.board.name })
}
