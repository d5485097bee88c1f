//! How far the import of a file is.

use sqlx::PgConnection;

use crate::db::Db;
use crate::error::{Error, Result};

/// Rows that are through already: those of an import that was cut off, or of a whole one.
pub async fn begin(db: &Db, hash: &[u8], file: &str) -> Result<u64> {
    let rows = sqlx::query_scalar!(
        "insert into imports (hash, file) values ($1, $2) on conflict (hash) do update set file = excluded.file returning rows",
        hash,
        file
    )
    .fetch_one(db.background())
    .await?;
    Ok(rows as u64)
}

/// In the transaction that stores the rows: from one number of rows to the next.
///
/// # Errors
/// When another process imports the same file at this moment.
pub async fn advance(tx: &mut PgConnection, hash: &[u8], from: u64, to: u64) -> Result<()> {
    let moved = sqlx::query!(
        "update imports set rows = $3, moved_at = clock_timestamp() where hash = $1 and rows = $2",
        hash,
        from as i64,
        to as i64
    )
    .execute(tx)
    .await?;
    if moved.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::Conflict(
            "Another process imports this file at the moment.".into(),
        ))
    }
}

pub async fn finish(db: &Db, hash: &[u8]) -> Result<()> {
    sqlx::query!(
        "update imports set finished_at = coalesce(finished_at, clock_timestamp()) where hash = $1",
        hash
    )
    .execute(db.background())
    .await?;
    Ok(())
}
