//! Bringing the schema to the version of this binary. Run as the owner of the tables, never as the program's role.

use anyhow::Context;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};

static MIGRATOR: Migrator = sqlx::migrate!();

/// What a run of [`migrate`] did.
pub struct Migrations {
    pub applied: usize,
    pub total: usize,
}

/// Applies what is missing. Several starters at once apply each migration once:
/// the migrator takes an advisory lock. A migration that fails changes nothing.
pub async fn migrate(owner: &PgConnectOptions) -> anyhow::Result<Migrations> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(owner.clone().application_name("pulseboard migrate"))
        .await
        .context("cannot connect to migrate")?;
    let before = applied(&pool).await?;
    MIGRATOR
        .run(&pool)
        .await
        .context("a migration failed; nothing of it was kept")?;
    let after = applied(&pool).await?;
    // The connecting role must be able to become the program's role.
    sqlx::query("do $$ begin execute format('grant pulseboard_app to %I', current_user); end $$")
        .execute(&pool)
        .await
        .context("cannot let the connecting role act as pulseboard_app")?;
    pool.close().await;
    Ok(Migrations {
        applied: after - before,
        total: after,
    })
}

/// Whether the schema is the one this binary was built for.
pub async fn schema_is_current(options: &PgConnectOptions) -> anyhow::Result<bool> {
    let mut connection = options.connect().await.context("cannot connect to the database")?;
    let known: Option<Vec<i64>> =
        sqlx::query_scalar("select array_agg(version order by version) from _sqlx_migrations where success")
            .fetch_one(&mut connection)
            .await
            .unwrap_or(None);
    let wanted: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    Ok(known.is_some_and(|known| wanted.iter().all(|version| known.contains(version))))
}

async fn applied(pool: &PgPool) -> anyhow::Result<usize> {
    let exists: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(pool)
        .await?;
    if !exists {
        return Ok(0);
    }
    let count: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations where success")
        .fetch_one(pool)
        .await?;
    Ok(count as usize)
}
