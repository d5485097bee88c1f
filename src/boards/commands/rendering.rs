//! Keeping what was rendered, for other instances and the next start. No fact of its own: it changes nothing for anybody.

use crate::boards::Snapshot;
use crate::boards::renderings::PROGRAM;
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::ids::{BoardId, FacilityId};

/// Keeps the rendering of a facility's board instead of an older one, unless the summary has moved on meanwhile. `sheet`:
/// board and version, none for the built-in.
pub async fn keep(db: &Db, facility: FacilityId, sheet: Option<(BoardId, i32)>, board: &Snapshot) -> Result<()> {
    let mut tx = db.write_in_background(&Scope::of(facility)).await?;
    sqlx::query!(
        "insert into board_renderings as kept
           (facility_id, board_id, board_version, date, as_of, day_ends, reference_version, program, length, check_sum, body)
         select $1, $2, $3, s.date, s.updated_at, day_start(s.date + 1, f.time_zone), $5, $6, $7, $8, $9
         from dashboard_daily_summary s join facilities f on f.id = s.facility_id
         where s.facility_id = $1 and s.updated_at = $4 order by s.date desc limit 1
         on conflict (facility_id) do update
            set board_id = excluded.board_id, board_version = excluded.board_version, date = excluded.date,
                as_of = excluded.as_of, day_ends = excluded.day_ends,
                reference_version = excluded.reference_version, program = excluded.program, rendered_at = excluded.rendered_at,
                length = excluded.length, check_sum = excluded.check_sum, body = excluded.body
            where (excluded.as_of, excluded.reference_version) >= (kept.as_of, kept.reference_version)",
        facility.0,
        sheet.map(|(board, _)| board.0),
        sheet.map(|(_, version)| version),
        board.as_of,
        board.reference,
        PROGRAM,
        board.body.length() as i32,
        i64::from(board.body.check_sum()),
        &board.body.deflated()[..]
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Removes renderings that show a day which is over everywhere, and those of facilities that nobody asks for.
pub async fn prune(db: &Db) -> Result<u64> {
    let mut tx = db.write_in_background(&Scope::All).await?;
    let done = sqlx::query!("delete from board_renderings where rendered_at < clock_now() - interval '1 day'")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}
