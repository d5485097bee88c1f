//! Home boards as some instance rendered them last, kept in Postgres for instances whose memory has none: one that has
//! just started sends what another one made. What is found is proven to hold by the statement that finds it.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;

use super::Snapshot;
use super::ask::{Address, Ask};
use super::publish::Key;
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::ids::FacilityId;
use crate::web::Part;
use crate::words::Locale;

/// A digest of the sources of this program, which decide how a board looks.
pub(super) const PROGRAM: &str = env!("PULSEBOARD_SOURCES");

/// The facility whose rendering this is, where it is one that is kept: the address as anybody asks for it, in English with
/// its usual numbers, for a facility has one rendering.
pub(super) fn facility_of(ask: &Ask) -> Option<FacilityId> {
    match ask.address {
        Address::Home(facility) if ask.is_plain() && ask.locale == Locale::default() => Some(facility),
        _ => None,
    }
}

/// Reads renderings, on a connection of its own: giving one back to a pool is a round trip more for each look, and after a
/// start, when every screen comes back, the looks are many.
#[derive(Default)]
pub(super) struct Renderings(Mutex<Option<(Instant, PgConnection)>>);

/// The connection is closed when nobody needed it for so long.
const UNUSED: Duration = Duration::from_secs(60);

impl Renderings {
    /// What is kept of this board, if nothing changed since it was rendered.
    pub(super) async fn find(&self, db: &Db, key: &Key) -> Result<Option<Snapshot>> {
        let Some(facility) = facility_of(&key.ask) else {
            return Ok(None);
        };
        let mut place = self.0.lock().await;
        // taken out, so that a look which fails or is given up takes the connection with it
        let mut connection = match place.take() {
            Some((_, connection)) => connection,
            None => db.connect().await?,
        };
        let found = find(&mut connection, db, facility, key).await?;
        *place = Some((Instant::now(), connection));
        Ok(found)
    }

    /// Closes a connection that nobody needs.
    pub(super) async fn sweep(&self) {
        let mut place = self.0.lock().await;
        if place.as_ref().is_some_and(|(used, _)| used.elapsed() > UNUSED)
            && let Some((_, connection)) = place.take()
        {
            let _ = connection.close().await;
        }
    }
}

/// One statement, which is a transaction of its own, states its scope and clock before it looks: the look refers to both,
/// so it comes after them.
async fn find(connection: &mut PgConnection, db: &Db, facility: FacilityId, key: &Key) -> Result<Option<Snapshot>> {
    let found = sqlx::query!(
        r#"select kept.as_of as "as_of!", kept.length as "length!", kept.check_sum as "check_sum!", kept.body as "body!"
           from (select set_config('app.scope', $6, true) || set_config('app.clock_offset', $5, true) as stated offset 0) here
           cross join lateral (
             select r.as_of, r.length, r.check_sum, r.body
             from board_renderings r
             join dashboard_daily_summary s on s.facility_id = r.facility_id and s.date = r.date and s.updated_at = r.as_of
             where r.facility_id = $1 and here.stated is not null and r.day_ends > clock_now() and r.program = $4
               and r.board_id is not distinct from $2 and r.board_version is not distinct from $3
               and r.reference_version = (select reference_version from installation)
           ) kept"#,
        facility.0,
        key.sheet.map(|(board, _)| board.0),
        key.sheet.map(|(_, version)| version),
        PROGRAM,
        db.clock.setting(),
        Scope::of(facility).setting()
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|row| {
        let body = Part::kept(row.body.into(), row.check_sum as u32, row.length as usize);
        Snapshot::kept(row.as_of, body)
    }))
}

/// What stands for the tables that all facilities share. Asked before a board is read, so that a rendering never claims
/// a version that it has not seen.
pub(super) async fn reference_version(db: &Db) -> Result<i64> {
    Ok(sqlx::query_scalar!("select reference_version from installation")
        .fetch_one(db.background())
        .await?)
}
