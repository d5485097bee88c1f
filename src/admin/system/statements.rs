//! The statements that cost the database most, where it counts them.

use sqlx::PgPool;

/// A statement, without its values.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Statement {
    pub query: String,
    pub calls: i64,
    pub mean_ms: f64,
    pub total_ms: f64,
}

/// The ten of the program's own that took most time together; none where the extension `pg_stat_statements` is not there or not loaded.
pub async fn slowest(db: &PgPool) -> Option<Vec<Statement>> {
    // not checked at build time: the view belongs to an extension that most databases lack
    sqlx::query_as(
        "select left(query, 400) as query, calls, mean_exec_time as mean_ms, total_exec_time as total_ms
         from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
           and userid = (select oid from pg_roles where rolname = current_user)
         order by total_exec_time desc limit 10",
    )
    .fetch_all(db)
    .await
    .ok()
}
