//! Questions about links. A link that is unknown, ended or past its end is not there.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::{Link, LinkKind};
use crate::auth::{Person, Role, Token};
use crate::boards::ask::Target;
use crate::error::{Error, Result};
use crate::ids::{BoardId, FacilityId, LinkId, UserId};

struct Row {
    id: LinkId,
    kind: LinkKind,
    board: Option<i64>,
    home: Option<i64>,
    name: String,
    facility_ids: Vec<i64>,
    maker: UserId,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Result<Link> {
        Ok(Link {
            id: self.id,
            kind: self.kind,
            target: target(self.board, self.home).ok_or(Error::NotFound)?,
            name: self.name,
            facilities: self.facility_ids.into_iter().map(FacilityId).collect(),
            maker: self.maker,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
        })
    }
}

fn target(board: Option<i64>, home: Option<i64>) -> Option<Target> {
    let board = board.map(|id| Target::Board(BoardId(id)));
    board.or(home.map(|id| Target::Home(FacilityId(id))))
}

/// The good link with this token, looked up by its hash.
pub async fn by_token(db: &PgPool, kind: LinkKind, token: &Token, now: DateTime<Utc>) -> Result<Link> {
    sqlx::query_as!(
        Row,
        r#"select id as "id: LinkId", kind as "kind: LinkKind", board_id as board, home_facility_id as home, name,
                  facility_ids, created_by as "maker: UserId", expires_at, last_used_at
           from board_links where token_hash = $1 and kind = $2 and revoked_at is null and (expires_at is null or expires_at > $3)"#,
        &token.hash()[..],
        kind.as_str(),
        now
    )
    .fetch_one(db)
    .await?
    .read()
}

/// The same link again, if it is still good.
pub async fn by_id(db: &PgPool, id: LinkId, now: DateTime<Utc>) -> Result<Link> {
    sqlx::query_as!(
        Row,
        r#"select id as "id: LinkId", kind as "kind: LinkKind", board_id as board, home_facility_id as home, name,
                  facility_ids, created_by as "maker: UserId", expires_at, last_used_at
           from board_links where id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)"#,
        id.0,
        now
    )
    .fetch_one(db)
    .await?
    .read()
}

/// A link in a list, without what opens it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: LinkId,
    pub kind: LinkKind,
    pub target: Target,
    pub name: String,
    /// of the board; empty for the home of a facility
    pub board_name: String,
    pub facilities: i64,
    pub maker: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub last_used_address: Option<String>,
}

/// The good links of a board that this person may end.
pub async fn of_board(db: &PgPool, person: &Person, board: BoardId, now: DateTime<Utc>) -> Result<Vec<Listed>> {
    list(db, person, Some(board), now).await
}

/// Every good link that this person may end, walls first, then by when they were last used; the latest 200.
pub async fn ending(db: &PgPool, person: &Person, now: DateTime<Utc>) -> Result<Vec<Listed>> {
    list(db, person, None, now).await
}

/// One's own, and those that show nothing outside the facilities that one manages.
async fn list(db: &PgPool, person: &Person, board: Option<BoardId>, now: DateTime<Utc>) -> Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"select l.id as "id: LinkId", l.kind as "kind: LinkKind", l.board_id, l.home_facility_id, l.name,
                  coalesce(b.name, '') as "board_name!", cardinality(l.facility_ids) as "facilities!", u.name as maker,
                  l.created_at, l.expires_at, l.last_used_at, l.last_used_address
           from board_links l join users u on u.id = l.created_by left join boards b on b.id = l.board_id
           where l.revoked_at is null and (l.expires_at is null or l.expires_at > $1) and ($2::bigint is null or l.board_id = $2)
             and ($3 or l.created_by = $4 or l.facility_ids <@ $5)
           order by l.kind desc, l.last_used_at desc nulls last, l.id desc limit 200"#,
        now,
        board.map(|board| board.0),
        person.network_admin,
        person.id.0,
        &managed(person)
    )
    .fetch_all(db)
    .await?;
    let listed = rows.into_iter().filter_map(|row| {
        Some(Listed {
            id: row.id,
            kind: row.kind,
            target: target(row.board_id, row.home_facility_id)?,
            name: row.name,
            board_name: row.board_name,
            facilities: i64::from(row.facilities),
            maker: row.maker,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            last_used_address: row.last_used_address,
        })
    });
    Ok(listed.collect())
}

/// The facilities whose administrator they are.
pub(super) fn managed(person: &Person) -> Vec<i64> {
    let managed = person.memberships.iter().filter(|one| one.role >= Role::FacilityAdmin);
    managed.map(|one| one.facility.0).collect()
}
