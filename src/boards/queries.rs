//! Questions about boards. Nothing leaves this file that the reader may not see: every answer about a board has passed
//! [`may`], and these tables are read nowhere else.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgExecutor, PgPool};

use super::model::{Board, Definition, Owner, OwnerKind};
use super::rights::{Level, Reader, Right, Share, With, may, sees_names};
use crate::auth::Role;
use crate::error::{Error, Result};
use crate::facilities::FacilityKind;
use crate::ids::{BoardId, FacilityId, UserId};

/// A board with its content and its shares, as memory keeps it.
#[derive(Debug)]
pub struct Whole {
    pub board: Board,
    pub definition: Definition,
    pub shares: Vec<Share>,
}

impl Whole {
    /// What the reader may do with it; without the right to look it does not exist.
    pub fn right(&self, reader: &Reader) -> Result<Right> {
        match may(reader, &self.board, &self.shares) {
            Right::None => Err(Error::NotFound),
            right => Ok(right),
        }
    }
}

/// A row of `boards`, on the way to a [`Board`].
struct Row {
    id: BoardId,
    owner: OwnerKind,
    owner_person_id: Option<i64>,
    owner_facility_id: Option<i64>,
    owner_region: Option<String>,
    name: String,
    description: String,
    version: i32,
    published: bool,
    position: i32,
    template_for: Option<FacilityKind>,
    slug: Option<String>,
    updated_at: DateTime<Utc>,
    updated_by: String,
    shares: Value,
}

/// As the query gathers a share.
#[derive(serde::Deserialize)]
struct ShareRow {
    id: i64,
    person_id: Option<i64>,
    role: Option<Role>,
    facility_id: Option<i64>,
    level: Level,
}

impl Row {
    fn read(self) -> Result<(Board, Vec<Share>)> {
        let broken = || Error::Internal(anyhow::anyhow!("board {} has no owner", self.id));
        let owner = match self.owner {
            OwnerKind::Person => Owner::Person(UserId(self.owner_person_id.ok_or_else(broken)?)),
            OwnerKind::Facility => Owner::Facility(FacilityId(self.owner_facility_id.ok_or_else(broken)?)),
            OwnerKind::Region => Owner::Region(self.owner_region.clone().ok_or_else(broken)?),
            OwnerKind::Network => Owner::Network,
        };
        let rows: Vec<ShareRow> = serde_json::from_value(self.shares).map_err(anyhow::Error::from)?;
        let shares = rows.into_iter().filter_map(|row| {
            let with = match (row.person_id, row.role, row.facility_id) {
                (Some(person), _, _) => With::Person(UserId(person)),
                (_, Some(role), _) => With::Role(role),
                (_, _, Some(facility)) => With::Facility(FacilityId(facility)),
                _ => return None,
            };
            Some(Share {
                id: row.id,
                with,
                level: row.level,
            })
        });
        let shares = shares.collect();
        let board = Board {
            id: self.id,
            owner,
            name: self.name,
            description: self.description,
            version: self.version,
            published: self.published,
            position: self.position,
            template_for: self.template_for,
            slug: self.slug,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        };
        Ok((board, shares))
    }
}

/// A board, whoever asks: for memory, which asks [`Whole::right`] before it hands it on, and for the program's own work.
pub(super) async fn whole(db: impl PgExecutor<'_>, id: BoardId) -> Result<Whole> {
    let row = sqlx::query!(
        r#"select b.id as "id: BoardId", b.owner as "owner: OwnerKind", b.owner_person_id, b.owner_facility_id, b.owner_region,
                  b.name, b.description, b.version, b.published, b.position, b.template_for as "template_for: FacilityKind",
                  b.slug, b.updated_at, v.by_name as updated_by, v.definition,
                  (select coalesce(jsonb_agg(to_jsonb(s)), '[]') from board_shares s where s.board_id = b.id) as "shares!"
           from boards b join board_versions v on v.board_id = b.id and v.version = b.version
           where b.id = $1"#,
        id.0
    )
    .fetch_one(db)
    .await?;
    let definition = serde_json::from_value(row.definition).map_err(anyhow::Error::from)?;
    let (board, shares) = Row {
        id: row.id,
        owner: row.owner,
        owner_person_id: row.owner_person_id,
        owner_facility_id: row.owner_facility_id,
        owner_region: row.owner_region,
        name: row.name,
        description: row.description,
        version: row.version,
        published: row.published,
        position: row.position,
        template_for: row.template_for,
        slug: row.slug,
        updated_at: row.updated_at,
        updated_by: row.updated_by,
        shares: row.shares,
    }
    .read()?;
    Ok(Whole {
        board,
        definition,
        shares,
    })
}

/// A board as the reader may see it, and what they may do with it.
pub async fn find(db: &PgPool, reader: &Reader, id: BoardId) -> Result<(Whole, Right)> {
    let whole = whole(db, id).await?;
    let right = whole.right(reader)?;
    Ok((whole, right))
}

/// One line of the list of boards.
#[derive(Clone, Debug)]
pub struct Listed {
    pub board: Board,
    pub right: Right,
    /// whether the reader sees it only because somebody shared it
    pub shared: bool,
}

/// Every board that the reader may see, in the order of their owners: by position, then by name.
pub async fn list(db: &PgPool, reader: &Reader) -> Result<Vec<Listed>> {
    let facilities: Vec<i64> = reader.memberships.iter().map(|one| one.facility.0).collect();
    let regions: Vec<String> = reader.memberships.iter().map(|one| one.region.clone()).collect();
    // what could be seen; `may` decides
    let rows = sqlx::query_as!(
        Row,
        r#"select b.id as "id: BoardId", b.owner as "owner: OwnerKind", b.owner_person_id, b.owner_facility_id, b.owner_region,
                  b.name, b.description, b.version, b.published, b.position, b.template_for as "template_for: FacilityKind",
                  b.slug, b.updated_at, v.by_name as updated_by,
                  (select coalesce(jsonb_agg(to_jsonb(s)), '[]') from board_shares s where s.board_id = b.id) as "shares!"
           from boards b join board_versions v on v.board_id = b.id and v.version = b.version
           where b.owner = 'network' or b.owner_person_id = $1
              or b.owner_facility_id = any ($2) or b.owner_region = any ($3)
              or ($4 and b.owner <> 'person')
              or exists (select from board_shares s where s.board_id = b.id
                         and (s.person_id = $1 or s.role is not null or s.facility_id = any ($2)))
           order by b.position, lower(b.name), b.id"#,
        reader.user.map(|user| user.0),
        &facilities,
        &regions,
        reader.network_admin
    )
    .fetch_all(db)
    .await?;
    let mut seen = Vec::with_capacity(rows.len());
    for row in rows {
        let (mut board, shares) = row.read()?;
        let right = may(reader, &board, &shares);
        if !sees_names(reader, &board) {
            board.updated_by.clear();
        }
        if right > Right::None {
            let shared = may(reader, &board, &[]) == Right::None;
            seen.push(Listed { board, right, shared });
        }
    }
    Ok(seen)
}

/// A saved version.
#[derive(Clone, Debug)]
pub struct Version {
    pub version: i32,
    pub at: DateTime<Utc>,
    /// for those who may know it ([`sees_names`])
    pub by: String,
    pub note: String,
    pub name: String,
    pub description: String,
    pub definition: Definition,
}

/// The versions of a board that the reader has found, the newest first; those before `before`, so many.
pub async fn versions(db: &PgPool, found: &Whole, before: Option<i32>, limit: i64) -> Result<Vec<Version>> {
    let rows = sqlx::query!(
        "select version, at, by_name, note, name, description, definition from board_versions
         where board_id = $1 and version < $2 order by version desc limit $3",
        found.board.id.0,
        before.unwrap_or(i32::MAX),
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Version {
                version: row.version,
                at: row.at,
                by: row.by_name,
                note: row.note,
                name: row.name,
                description: row.description,
                definition: serde_json::from_value(row.definition).map_err(anyhow::Error::from)?,
            })
        })
        .collect()
}

/// One version of a board that the reader has found.
pub async fn version(db: &PgPool, found: &Whole, version: i32) -> Result<Version> {
    let mut one = versions(db, found, version.checked_add(1), 1).await?;
    one.pop().filter(|one| one.version == version).ok_or(Error::NotFound)
}

/// What somebody is changing and has not saved.
#[derive(Clone, Debug)]
pub struct Draft {
    pub base_version: i32,
    /// the documents since editing began, the oldest first; never empty
    pub steps: Vec<Step>,
    pub updated_at: DateTime<Utc>,
}

/// A document on the way to a version.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Step {
    pub name: String,
    pub description: String,
    pub definition: Definition,
}

/// The reader's own draft of a board.
pub async fn draft(db: impl PgExecutor<'_>, board: BoardId, person: UserId) -> Result<Option<Draft>> {
    let row = sqlx::query!(
        "select base_version, steps, updated_at from board_drafts where board_id = $1 and person_id = $2",
        board.0,
        person.0
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Draft {
            base_version: row.base_version,
            steps: serde_json::from_value(row.steps).map_err(anyhow::Error::from)?,
            updated_at: row.updated_at,
        })
    })
    .transpose()
}

/// The board with which a person starts; whether they may still see it, the reader of the board finds out.
pub async fn default_of_person(db: &PgPool, person: UserId) -> Result<Option<BoardId>> {
    let found = sqlx::query_scalar!(
        r#"select board_id as "id: BoardId" from board_defaults where person_id = $1"#,
        person.0
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// What a facility's address shows: its own choice, or what the network chose for its kind; only what is published.
pub(super) async fn home_of(db: &PgPool, facility: FacilityId) -> Result<Option<BoardId>> {
    let found = sqlx::query_scalar!(
        r#"select id as "id!: BoardId" from (
             select b.id, 0 as rank from board_defaults d join boards b on b.id = d.board_id
             where d.facility_id = $1 and b.published and b.owner <> 'person'
             union all
             select b.id, 1 from facilities f join boards b on b.template_for = f.kind
             where f.id = $1 and b.published
           ) found order by rank limit 1"#,
        facility.0
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// The facilities whose address shows this board by their own choice.
pub async fn homes(db: impl PgExecutor<'_>, board: BoardId) -> Result<Vec<FacilityId>> {
    let found = sqlx::query_scalar!(
        r#"select facility_id as "id!: FacilityId" from board_defaults where board_id = $1 and facility_id is not null"#,
        board.0
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}
