//! What changes about boards: one function per verb, each one transaction with its line in the log and its fact. The
//! right is asked inside the transaction, of the row that it has locked.

mod content;
mod draft;
mod life;
mod reach;
mod rendering;

pub use content::{Saved, rename, restore, save};
pub use draft::{discard, rebase, step, undo};
pub use life::{NewBoard, Provisioned, adopt, create, delete, delete_shipped, duplicate, provision, provision_in};
pub use reach::{
    Move, publish, reorder, set_default_of_facility, set_default_of_person, set_template, share, unshare, withdraw,
};
pub use rendering::{keep, prune};

use sqlx::PgConnection;

use super::queries::{self, Whole};
use super::rights::{Reader, Right};
use crate::audit::{self, Actor, Entry};
use crate::db::{Db, Scope, Tx};
use crate::error::{Error, Result};
use crate::ids::BoardId;
use crate::outbox::{self, Event};

/// Who changes a board: what they may see, and how the log names them.
#[derive(Clone, Debug)]
pub struct By {
    pub reader: Reader,
    pub actor: Actor,
}

impl By {
    fn id(&self) -> Option<i64> {
        self.actor.user.map(|user| user.0)
    }
}

/// The board, locked until the end of the transaction, if they may do so much with it.
async fn lock(tx: &mut PgConnection, by: &By, id: BoardId, least: Right) -> Result<Whole> {
    sqlx::query!("select id from boards where id = $1 for update", id.0)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NotFound)?;
    let whole = queries::whole(&mut *tx, id).await?;
    match whole.right(&by.reader)? {
        right if right >= least => Ok(whole),
        _ => Err(Error::Forbidden),
    }
}

async fn begin(db: &Db) -> Result<Tx> {
    // the log's rows belong to facilities; boards to no tenant
    db.write(&Scope::All).await
}

/// The line in the log, the fact, the commit. Facilities whose address shows the board hear of it too.
async fn commit(tx: Tx, by: &By, whole: &Whole, action: &str, detail: serde_json::Value) -> Result<()> {
    let event = Event::BoardChanged { board: whole.board.id };
    commit_with(tx, by, whole, action, detail, &event).await
}

/// The same where fewer may see the board afterwards: screens that show it are looked at again.
async fn commit_less(tx: Tx, by: &By, whole: &Whole, action: &str, detail: serde_json::Value) -> Result<()> {
    let event = Event::BoardAccessChanged { board: whole.board.id };
    commit_with(tx, by, whole, action, detail, &event).await
}

async fn commit_with(
    mut tx: Tx,
    by: &By,
    whole: &Whole,
    action: &str,
    detail: serde_json::Value,
    event: &Event,
) -> Result<()> {
    let board = &whole.board;
    let entry = Entry::new(action, "board")
        .of(board.owner.facility())
        .about(board.id.0)
        .detail(detail);
    audit::record(&mut tx, &by.actor, &entry).await?;
    outbox::push(&mut tx, &[], event).await?;
    tx.commit().await?;
    Ok(())
}
