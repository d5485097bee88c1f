//! Home boards as some instance rendered them last, kept in Postgres for instances whose memory has none: one that has
//! just started sends what another one made. What is found is proven to hold by the statement that finds it.

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::{Connection, PgConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::Snapshot;
use super::ask::{Address, Ask};
use super::publish::Key;
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::ids::{BoardId, FacilityId};
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

/// Reads renderings. After a start, when every screen comes back, the looks are many: those that come while one is under way
/// are answered together by the next, so that a round trip is shared by whoever waits for it.
#[derive(Default)]
pub(super) struct Renderings(OnceLock<mpsc::Sender<Look>>);

/// Somebody who waits for a rendering.
struct Look {
    facility: FacilityId,
    sheet: Option<(BoardId, i32)>,
    found: oneshot::Sender<Option<Snapshot>>,
}

/// So many are read with one statement, about 16 kB each.
const TOGETHER: usize = 64;
/// The connection is closed when nobody needed it for so long.
const UNUSED: Duration = Duration::from_secs(60);

impl Renderings {
    /// What is kept of this board, if nothing changed since it was rendered. `None` as well when Postgres could not be asked.
    pub(super) async fn find(&self, db: &Db, key: &Key) -> Option<Snapshot> {
        let facility = facility_of(&key.ask)?;
        let looks = self.0.get_or_init(|| {
            let (looks, inbox) = mpsc::channel(TOGETHER);
            tokio::spawn(answer(db.clone(), inbox));
            looks
        });
        let (found, answer) = oneshot::channel();
        let look = Look {
            facility,
            sheet: key.sheet,
            found,
        };
        looks.send(look).await.ok()?;
        answer.await.ok()?
    }
}

/// Answers looks, on a connection of its own, until nobody can have any more.
async fn answer(db: Db, mut inbox: mpsc::Receiver<Look>) {
    let mut connection: Option<PgConnection> = None;
    let mut looks = Vec::with_capacity(TOGETHER);
    loop {
        let came = timeout(UNUSED, inbox.recv_many(&mut looks, TOGETHER)).await;
        if !looks.is_empty() {
            // who waits is told nothing and asks the source
            if let Err(error) = find(&mut connection, &db, &mut looks).await {
                tracing::warn!(%error, "kept renderings could not be read");
                connection = None;
                looks.clear();
            }
        } else if let Some(unused) = connection.take() {
            let _ = unused.close().await;
        }
        if came == Ok(0) {
            return;
        }
    }
}

/// One statement, which is a transaction of its own, states its scope and clock before it looks: the look refers to both,
/// so it comes after them.
async fn find(connection: &mut Option<PgConnection>, db: &Db, looks: &mut Vec<Look>) -> Result<()> {
    let connection = match connection {
        Some(open) => open,
        None => connection.insert(db.connect().await?),
    };
    let facilities: Vec<i64> = looks.iter().map(|look| look.facility.0).collect();
    let boards: Vec<Option<i64>> = looks.iter().map(|look| look.sheet.map(|(board, _)| board.0)).collect();
    let versions: Vec<Option<i32>> = looks
        .iter()
        .map(|look| look.sheet.map(|(_, version)| version))
        .collect();
    let scope = Scope::Facilities(looks.iter().map(|look| look.facility).collect());
    let mut rows = sqlx::query!(
        r#"select kept.nth as "nth!", kept.as_of as "as_of!", kept.length as "length!", kept.check_sum as "check_sum!",
                  kept.body as "body!"
           from (select set_config('app.scope', $6, true) || set_config('app.clock_offset', $5, true) as stated offset 0) here
           cross join lateral (
             select look.nth, r.as_of, r.length, r.check_sum, r.body
             from unnest($1::bigint[], $2::bigint[], $3::integer[]) with ordinality
               as look (facility_id, board_id, board_version, nth)
             join board_renderings r on r.facility_id = look.facility_id
             join dashboard_daily_summary s on s.facility_id = r.facility_id and s.date = r.date and s.updated_at = r.as_of
             where here.stated is not null and r.day_ends > clock_now() and r.program = $4
               and r.board_id is not distinct from look.board_id and r.board_version is not distinct from look.board_version
               and r.reference_version = (select reference_version from installation)
             offset 0
           ) kept"#,
        &facilities,
        &boards as &[Option<i64>],
        &versions as &[Option<i32>],
        PROGRAM,
        db.clock.setting(),
        scope.setting()
    )
    .fetch(connection);
    let mut waiting: Vec<_> = looks.drain(..).map(|look| Some(look.found)).collect();
    while let Some(row) = rows.try_next().await? {
        let body = Part::kept(row.body.into(), row.check_sum as u32, row.length as usize);
        if let Some(found) = waiting.get_mut(row.nth as usize - 1).and_then(Option::take) {
            // whoever has gone meanwhile is told in vain
            let _ = found.send(Some(Snapshot::kept(row.as_of, body)));
        }
    }
    for found in waiting.into_iter().flatten() {
        let _ = found.send(None);
    }
    Ok(())
}

/// What stands for the tables that all facilities share. Asked before a board is read, so that a rendering never claims
/// a version that it has not seen.
pub(super) async fn reference_version(db: &Db) -> Result<i64> {
    Ok(sqlx::query_scalar!("select reference_version from installation")
        .fetch_one(db.background())
        .await?)
}
