//! What stands on a board: saved as a new version, never over a version that the writer has not seen.

use sqlx::PgConnection;

use super::super::model::{LONGEST_NOTE, check_names};
use super::super::queries::{self, Step, Version, Whole};
use super::super::rights::Right;
use super::{By, begin, commit, lock};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::BoardId;
use crate::text;

/// What became of a saving.
#[derive(Debug)]
pub enum Saved {
    /// this is the current version now
    As(i32),
    /// somebody saved this one meanwhile; nothing was written
    Behind(Box<Version>),
}

/// Saves the document as the next version, if `base` is still the current one. The writer's draft is then done with.
///
/// `Invalid` names fields as [`super::super::model::Definition::check`] does. A locked widget stays as it is unless
/// the writer owns the board.
pub async fn save(db: &Db, by: &By, id: BoardId, base: i32, step: &Step, note: &str) -> Result<Saved> {
    let mut problems = check_names(&step.name, &step.description);
    for (field, problem) in step.definition.check().iter() {
        problems.add(field, problem);
    }
    if let Some(problem) = text::problem(note, LONGEST_NOTE) {
        problems.add("note", problem);
    }
    problems.check()?;
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::Edit).await?;
    if whole.board.version != base {
        drop(tx);
        let theirs = queries::version(db.unscoped(), &whole, whole.board.version).await?;
        return Ok(Saved::Behind(Box::new(theirs)));
    }
    if whole.right(&by.reader)? < Right::Own {
        keep_locks(&whole, step)?;
    }
    let unchanged = step.name.trim() == whole.board.name
        && step.description.trim() == whole.board.description
        && step.definition == whole.definition;
    if unchanged && note.trim().is_empty() {
        drop_draft(&mut tx, by, id).await?;
        tx.commit().await?;
        return Ok(Saved::As(base));
    }
    add_version(&mut tx, by, id, step, note.trim()).await?;
    drop_draft(&mut tx, by, id).await?;
    let detail = serde_json::json!({ "name": step.name.trim(), "version": base + 1, "note": note.trim() });
    commit(tx, by, &whole, "changed", detail).await?;
    Ok(Saved::As(base + 1))
}

/// Gives a board another name and description.
pub async fn rename(db: &Db, by: &By, id: BoardId, name: &str, description: &str) -> Result<()> {
    check_names(name, description).check()?;
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::Edit).await?;
    let step = Step {
        name: name.into(),
        description: description.into(),
        definition: whole.definition.clone(),
    };
    add_version(&mut tx, by, id, &step, "Renamed").await?;
    let detail = serde_json::json!({ "from": whole.board.name, "name": name.trim() });
    commit(tx, by, &whole, "renamed", detail).await
}

/// Puts an old version on top again, as a new one.
pub async fn restore(db: &Db, by: &By, id: BoardId, version: i32) -> Result<i32> {
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::Edit).await?;
    let old = queries::version(db.unscoped(), &whole, version).await?;
    if version == whole.board.version {
        return Err(Error::Conflict(t!("This is the current version already.").into()));
    }
    let step = Step {
        name: old.name,
        description: old.description,
        definition: old.definition,
    };
    if whole.right(&by.reader)? < Right::Own {
        keep_locks(&whole, &step)?;
    }
    add_version(&mut tx, by, id, &step, &format!("Restored version {version}")).await?;
    let next = whole.board.version + 1;
    let detail = serde_json::json!({ "name": step.name, "version": next, "from": version });
    commit(tx, by, &whole, "restored", detail).await?;
    Ok(next)
}

/// Whoever only edits leaves locked widgets as they are, wherever they stand.
fn keep_locks(before: &Whole, step: &Step) -> Result<()> {
    let locked = before.definition.widgets.iter().filter(|widget| widget.locked);
    for widget in locked {
        let now = step.definition.widget(&widget.id);
        let kept = now.is_some_and(|now| {
            let mut now = now.clone();
            // what stands above it may push it down
            now.place.y = widget.place.y;
            now == *widget
        });
        if !kept {
            return Err(Error::invalid(
                "widgets",
                t!(
                    "“{id}” is locked: an administrator of the board can change it.",
                    id = widget.id
                ),
            ));
        }
    }
    let known = |id: &str| before.definition.widget(id).is_some_and(|widget| widget.locked);
    match step.definition.widgets.iter().find(|one| one.locked && !known(&one.id)) {
        Some(_) => Err(Error::invalid(
            "widgets",
            t!("Only an administrator of the board can lock a widget."),
        )),
        None => Ok(()),
    }
}

async fn add_version(tx: &mut PgConnection, by: &By, id: BoardId, step: &Step, note: &str) -> Result<()> {
    let definition = serde_json::to_value(&step.definition).map_err(anyhow::Error::from)?;
    sqlx::query!(
        "with changed as (
             update boards set version = version + 1, name = $2, description = $3, updated_at = clock_now(), updated_by = $4
             where id = $1 returning version)
         insert into board_versions (board_id, version, at, by_id, by_name, note, name, description, definition)
         select $1, version, clock_now(), $4, $5, $6, $2, $3, $7 from changed",
        id.0,
        step.name.trim(),
        step.description.trim(),
        by.id(),
        by.actor.name,
        note,
        definition
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn drop_draft(tx: &mut PgConnection, by: &By, id: BoardId) -> Result<()> {
    sqlx::query!(
        "delete from board_drafts where board_id = $1 and person_id = $2",
        id.0,
        by.id()
    )
    .execute(tx)
    .await?;
    Ok(())
}
