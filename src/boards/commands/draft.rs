//! What somebody is changing and has not saved. A draft is their own and concerns nobody else, so it leaves no line in
//! the log and no fact: saving it does.

use super::super::queries::{self, Draft, Step};
use super::super::rights::Right;
use super::{By, begin, lock};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::ids::{BoardId, UserId};

/// Documents that can be taken back.
const MOST_STEPS: usize = 40;

/// Adds what a change made of the board to the draft, which begins with the current version if there is none. The
/// document is settled; what is wrong with it is said when it is saved.
pub async fn step(db: &Db, by: &By, id: BoardId, change: impl FnOnce(&mut Step) -> Result<()> + Send) -> Result<Draft> {
    let (mut tx, person) = open(db, by).await?;
    let whole = lock(&mut tx, by, id, Right::Edit).await?;
    let mut draft = match queries::draft(&mut *tx, id, person).await? {
        Some(draft) => draft,
        None => Draft {
            base_version: whole.board.version,
            steps: vec![Step {
                name: whole.board.name,
                description: whole.board.description,
                definition: whole.definition,
            }],
            updated_at: whole.board.updated_at,
        },
    };
    let last = draft.steps.last().ok_or(Error::NotFound)?;
    let mut next = last.clone();
    change(&mut next)?;
    next.definition.settle();
    if next != *last {
        draft.steps.push(next);
        if draft.steps.len() > MOST_STEPS {
            draft.steps.remove(0);
        }
    }
    write(tx, id, person, &draft).await?;
    Ok(draft)
}

/// Takes the last change back. With nothing left to take back it stays as it is.
pub async fn undo(db: &Db, by: &By, id: BoardId) -> Result<()> {
    let (mut tx, person) = open(db, by).await?;
    lock(&mut tx, by, id, Right::Edit).await?;
    let Some(mut draft) = queries::draft(&mut *tx, id, person).await? else {
        return Ok(());
    };
    if draft.steps.len() > 1 {
        draft.steps.pop();
    }
    write(tx, id, person, &draft).await
}

/// Puts the draft on top of a version that somebody else saved meanwhile: the writer has seen both.
pub async fn rebase(db: &Db, by: &By, id: BoardId, onto: i32, mine: &Step) -> Result<()> {
    let (mut tx, person) = open(db, by).await?;
    lock(&mut tx, by, id, Right::Edit).await?;
    let Some(mut draft) = queries::draft(&mut *tx, id, person).await? else {
        return Err(Error::NotFound);
    };
    draft.base_version = onto;
    draft.steps.push(mine.clone());
    write(tx, id, person, &draft).await
}

/// Forgets the draft.
pub async fn discard(db: &Db, by: &By, id: BoardId) -> Result<()> {
    let (mut tx, person) = open(db, by).await?;
    lock(&mut tx, by, id, Right::View).await?;
    sqlx::query!(
        "delete from board_drafts where board_id = $1 and person_id = $2",
        id.0,
        person.0
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn open(db: &Db, by: &By) -> Result<(Tx, UserId)> {
    let person = by.actor.user.ok_or(Error::Forbidden)?;
    Ok((begin(db).await?, person))
}

async fn write(mut tx: Tx, id: BoardId, person: UserId, draft: &Draft) -> Result<()> {
    let steps = serde_json::to_value(&draft.steps).map_err(anyhow::Error::from)?;
    sqlx::query!(
        "insert into board_drafts (board_id, person_id, base_version, steps, updated_at)
         values ($1, $2, $3, $4, clock_now())
         on conflict (board_id, person_id) do update
            set base_version = excluded.base_version, steps = excluded.steps, updated_at = excluded.updated_at",
        id.0,
        person.0,
        draft.base_version,
        steps
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
