//! How a board begins and ends: made, copied, brought in from a file, deleted.

use sqlx::PgConnection;

use super::super::model::{Board, Definition, File, LONGEST_NAME, Owner, check_names};
use super::super::rights::{Right, may};
use super::super::{queries, template};
use super::{By, begin, commit, commit_less, lock};
use crate::audit::{self, Actor, Entry};
use crate::db::{Db, Scope};
use crate::error::{Error, OnConstraint, Result};
use crate::facilities::{Facility, FacilityKind};
use crate::ids::BoardId;
use crate::outbox::{self, Event};

/// A board on its way into the books.
#[derive(Clone, Debug)]
pub struct NewBoard {
    pub owner: Owner,
    pub name: String,
    pub description: String,
    pub definition: Definition,
    /// what the first version says of itself
    pub note: String,
}

/// Makes a board. A person's is theirs at once; any other is a draft until it is published.
pub async fn create(db: &Db, by: &By, new: &NewBoard) -> Result<BoardId> {
    let mut problems = check_names(&new.name, &new.description);
    for (field, problem) in new.definition.check().iter() {
        problems.add(field, problem);
    }
    problems.check()?;
    let mut tx = begin(db).await?;
    let published = matches!(new.owner, Owner::Person(_));
    let id = insert(&mut tx, by, new, published).await?;
    let whole = queries::whole(&mut *tx, id).await?;
    if may(&by.reader, &whole.board, &[]) < Right::Own {
        return Err(Error::invalid("owner", t!("You cannot make a board for this owner.")));
    }
    let detail = serde_json::json!({ "name": new.name, "owner": new.owner.kind() });
    commit(tx, by, &whole, "created", detail).await?;
    Ok(id)
}

/// Makes the facility a board of its own out of what its address shows, a draft that will stand there once it is
/// published; the one that was begun before, if there is one.
pub async fn adopt(db: &Db, by: &By, facility: &Facility) -> Result<BoardId> {
    let begun = sqlx::query_scalar!(
        r#"select d.board_id as "id: BoardId" from board_defaults d join boards b on b.id = d.board_id
           where d.facility_id = $1 and b.owner_facility_id = $1"#,
        facility.id.0
    )
    .fetch_optional(db.unscoped())
    .await?;
    if let Some(id) = begun {
        return Ok(id);
    }
    let definition = match queries::home_of(db.unscoped(), facility.id).await? {
        Some(id) => queries::whole(db.unscoped(), id).await?.definition,
        None => template::of_facility().clone(),
    };
    let new = NewBoard {
        owner: Owner::Facility(facility.id),
        name: facility.name.chars().take(LONGEST_NAME).collect(),
        description: String::new(),
        definition,
        note: "Copied from what was shown before".into(),
    };
    let id = create(db, by, &new).await?;
    super::set_default_of_facility(db, by, id, facility.id, &facility.region, true).await?;
    Ok(id)
}

/// Copies a board that they may see to themselves.
pub async fn duplicate(db: &Db, by: &By, id: BoardId) -> Result<BoardId> {
    let (whole, _) = queries::find(db.unscoped(), &by.reader, id).await?;
    let owner = by.reader.user.map(Owner::Person).ok_or(Error::Forbidden)?;
    let mut definition = whole.definition;
    definition.widgets.iter_mut().for_each(|widget| widget.locked = false);
    let name: String = whole.board.name.chars().take(73).collect();
    let new = NewBoard {
        owner,
        name: t!("{name} (copy)", name),
        description: whole.board.description,
        definition,
        note: t!("Copied from {name}", name = whole.board.name),
    };
    create(db, by, &new).await
}

/// Deletes a board with its versions, shares and drafts.
pub async fn delete(db: &Db, by: &By, id: BoardId) -> Result<Board> {
    let mut tx = begin(db).await?;
    let whole = lock(&mut tx, by, id, Right::Own).await?;
    sqlx::query!("delete from boards where id = $1", id.0)
        .execute(&mut *tx)
        .await?;
    let detail = serde_json::json!({ "name": whole.board.name, "definition": whole.definition });
    commit_less(tx, by, &whole, "deleted", detail).await?;
    Ok(whole.board)
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioned {
    Created,
    Updated,
    Unchanged,
}

/// Makes the network's board of this slug what its file says. A file that did not change since it was last read leaves
/// alone what was edited in the browser meanwhile.
pub async fn provision(db: &Db, slug: &str, file: &File, hash: &[u8]) -> Result<(BoardId, Provisioned)> {
    let mut tx = db.write_in_background(&Scope::All).await?;
    let done = provision_in(&mut tx, &Actor::system(), slug, file, hash).await?;
    tx.commit().await?;
    Ok(done)
}

/// The same within a transaction of the caller's.
pub async fn provision_in(
    tx: &mut PgConnection,
    actor: &Actor,
    slug: &str,
    file: &File,
    hash: &[u8],
) -> Result<(BoardId, Provisioned)> {
    let known = sqlx::query!(
        r#"select id as "id: BoardId", version, file_hash from boards where slug = $1 for update"#,
        slug
    )
    .fetch_optional(&mut *tx)
    .await?;
    let definition = serde_json::to_value(&file.definition).map_err(anyhow::Error::from)?;
    let (id, what, action) = match known {
        Some(known) if known.file_hash.as_deref() == Some(hash) => return Ok((known.id, Provisioned::Unchanged)),
        Some(known) => (known.id, Provisioned::Updated, "updated"),
        None => {
            let id = sqlx::query_scalar!(
                r#"insert into boards (owner, name, version, published, slug, created_at, updated_at)
                   values ('network', $1, 1, true, $2, clock_now(), clock_now()) returning id as "id: BoardId""#,
                file.name.trim(),
                slug
            )
            .fetch_one(&mut *tx)
            .await?;
            (id, Provisioned::Created, "created")
        }
    };
    sqlx::query!(
        "with changed as (
             update boards set name = $2, description = $3, template_for = $4, file_hash = $5,
                    version = case when $6 then version else version + 1 end, updated_at = clock_now(), updated_by = null
             where id = $1 returning version)
         insert into board_versions (board_id, version, at, by_name, note, name, description, definition)
         select $1, version, clock_now(), $7, 'From its file', $2, $3, $8 from changed",
        id.0,
        file.name.trim(),
        file.description.trim(),
        file.template_for.map(FacilityKind::as_str),
        hash,
        what == Provisioned::Created,
        actor.name,
        definition
    )
    .execute(&mut *tx)
    .await
    .on_constraint("boards_template_for_key", another_template)?;
    let entry = Entry::new(action, "board")
        .about(id.0)
        .detail(serde_json::json!({ "name": file.name, "file": slug }));
    audit::record(&mut *tx, actor, &entry).await?;
    outbox::push(tx, &[], &Event::BoardChanged { board: id }).await?;
    Ok((id, what))
}

/// Deletes a board that came with something else, within a transaction of the caller's.
pub async fn delete_shipped(tx: &mut PgConnection, actor: &Actor, id: BoardId) -> Result<()> {
    let Some(name) = sqlx::query_scalar!("delete from boards where id = $1 returning name", id.0)
        .fetch_optional(&mut *tx)
        .await?
    else {
        return Ok(());
    };
    let entry = Entry::new("deleted", "board")
        .about(id.0)
        .detail(serde_json::json!({ "name": name }));
    audit::record(&mut *tx, actor, &entry).await?;
    outbox::push(tx, &[], &Event::BoardChanged { board: id }).await
}

/// One board for each kind.
pub(super) fn another_template() -> Error {
    Error::invalid(
        "template_for",
        t!("Another board is the one with which facilities of this kind start. Take that from it first."),
    )
}

/// The rows of a new board; the caller commits.
async fn insert(tx: &mut PgConnection, by: &By, new: &NewBoard, published: bool) -> Result<BoardId> {
    let (person, facility, region) = match &new.owner {
        Owner::Person(person) => (Some(person.0), None, None),
        Owner::Facility(facility) => (None, Some(facility.0), None),
        Owner::Region(region) => (None, None, Some(region.as_str())),
        Owner::Network => (None, None, None),
    };
    let definition = serde_json::to_value(&new.definition).map_err(anyhow::Error::from)?;
    let id = sqlx::query_scalar!(
        r#"with made as (
             insert into boards (owner, owner_person_id, owner_facility_id, owner_region, name, description, published,
                                 position, created_at, created_by, updated_at, updated_by)
             select $1, $2, $3, $4, $5, $6, $7, coalesce(max(position), 0) + 1, clock_now(), $8, clock_now(), $8
             from boards where owner = $1 returning id)
           insert into board_versions (board_id, version, at, by_id, by_name, note, name, description, definition)
           select id, 1, clock_now(), $8, $9, $10, $5, $6, $11 from made returning board_id as "id: BoardId""#,
        new.owner.kind().as_str(),
        person,
        facility,
        region,
        new.name.trim(),
        new.description.trim(),
        published,
        by.id(),
        by.actor.name,
        new.note,
        definition
    )
    .fetch_one(tx)
    .await
    .on_constraint("boards_owner_facility_id_fkey", || {
        Error::invalid("owner", t!("There is no such facility."))
    })?;
    Ok(id)
}
