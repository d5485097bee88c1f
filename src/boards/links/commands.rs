//! Making and ending links.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgPool;

use super::queries::managed;
use super::{LIVES, LinkKind};
use crate::audit::{self, Entry};
use crate::auth::{Caller, Token};
use crate::boards::ask::Target;
use crate::db::{Db, Scope};
use crate::error::{Error, Problems, Result};
use crate::ids::{FacilityId, LinkId, numbers};
use crate::outbox::{self, Event};
use crate::text;

/// A link as somebody asks for it. That they may make one of this kind for the target, and see the facilities, the caller
/// has found out.
#[derive(Clone, Debug)]
pub struct NewLink {
    pub kind: LinkKind,
    pub target: Target,
    pub name: String,
    pub facilities: Vec<FacilityId>,
    /// of a public link; a wall's has no end
    pub days: i64,
}

impl NewLink {
    fn check(&self) -> Result<()> {
        let mut problems = Problems::default();
        if self.name.trim().is_empty() {
            problems.add("name", t!("Say who gets the link, or where the screen hangs."));
        } else if let Some(problem) = text::problem(&self.name, 80) {
            problems.add("name", problem);
        }
        if self.kind == LinkKind::Public && !LIVES.contains(&self.days) {
            problems.add("days", t!("Choose one of these."));
        }
        if self.facilities.is_empty() {
            problems.add(
                "figures",
                t!("The board shows no facility, so the link would show nothing."),
            );
        }
        problems.check()
    }
}

/// Links that somebody may have at a time: more are hardly meant.
const MOST: i64 = 100;

/// Makes a link and answers its token, which nobody can read again.
pub async fn make(db: &Db, caller: &Caller, new: &NewLink) -> Result<Token> {
    new.check()?;
    let token = Token::new();
    let now = db.clock.now();
    let expires_at = (new.kind == LinkKind::Public).then(|| now + TimeDelta::days(new.days));
    let (board, home) = match new.target {
        Target::Board(board) => (Some(board.0), None),
        Target::Home(facility) => (None, Some(facility.0)),
    };
    let mut tx = db.write(&Scope::All).await?;
    let id = sqlx::query_scalar!(
        "insert into board_links (kind, board_id, home_facility_id, name, token_hash, facility_ids, created_by, created_at, expires_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9
         where (select count(*) from board_links where created_by = $7 and revoked_at is null
                and (expires_at is null or expires_at > $8)) < $10
         returning id",
        new.kind.as_str(),
        board,
        home,
        new.name.trim(),
        &token.hash()[..],
        &numbers(&new.facilities),
        caller.id.0,
        now,
        expires_at,
        MOST
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(|| Error::invalid("name", t!("You have a hundred links. End some of them first.")))?;
    let entry = Entry::new("made", "board_link").about(id).of(home.map(FacilityId)).after(json!({
        "kind": new.kind, "name": new.name.trim(), "board": board, "facilities": new.facilities, "expires_at": expires_at,
    }));
    audit::record(&mut tx, &caller.actor(), &entry).await?;
    tx.commit().await?;
    Ok(token)
}

/// Ends a link for good. One that this person neither made nor manages is not there.
pub async fn end(db: &Db, caller: &Caller, id: LinkId) -> Result<()> {
    let mut tx = db.write(&Scope::All).await?;
    let ended = sqlx::query!(
        "update board_links set revoked_at = clock_now()
         where id = $1 and revoked_at is null and ($2 or created_by = $3 or facility_ids <@ $4)
         returning kind, name, board_id, home_facility_id",
        id.0,
        caller.network_admin,
        caller.id.0,
        &managed(caller)
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let entry = Entry::new("ended", "board_link")
        .about(id.0)
        .of(ended.home_facility_id.map(FacilityId))
        .detail(json!({ "kind": ended.kind, "name": ended.name, "board": ended.board_id }));
    audit::record(&mut tx, &caller.actor(), &entry).await?;
    outbox::push(&mut tx, &[], &Event::LinkEnded { link: id }).await?;
    tx.commit().await?;
    Ok(())
}

/// Somebody looked. Written at most once a minute; nobody is told.
pub async fn note_use(db: &PgPool, id: LinkId, address: Option<IpAddr>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update board_links set last_used_at = $2, last_used_address = $3
         where id = $1 and (last_used_at is null or last_used_at <= $2::timestamptz - interval '1 minute')",
        id.0,
        now,
        address.map(|address| address.to_string())
    )
    .execute(db)
    .await?;
    Ok(())
}
