//! The way to Postgres: pools, and transactions that state their scope.
//! Tenant tables show a transaction only the facilities of its scope, so every read and write begins here.

pub mod copy;
pub mod embedded;
mod migrate;

pub use migrate::{Migrations, migrate, schema_is_current};

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use dashmap::DashMap;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};

use crate::clock::Clock;
use crate::error::Result;
use crate::ids::FacilityId;
use crate::telemetry::Vitals;

pub type Tx = Transaction<'static, Postgres>;

/// The role that owns nothing; every connection of the program works as it.
pub const APP_ROLE: &str = "pulseboard_app";

/// The facilities whose rows a transaction may see and write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every facility: jobs, network administrators, figures that are shared by consent.
    All,
    Facilities(Vec<FacilityId>),
}

impl Scope {
    pub fn of(facility: FacilityId) -> Self {
        Scope::Facilities(vec![facility])
    }

    /// The value of `app.scope`.
    pub fn setting(&self) -> String {
        match self {
            Scope::All => "all".into(),
            Scope::Facilities(ids) => {
                let ids: Vec<String> = ids.iter().map(FacilityId::to_string).collect();
                format!("{{{}}}", ids.join(","))
            }
        }
    }
}

/// The pools of one instance. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    /// for requests of people: 5 s a statement
    web: PgPool,
    /// for events and points: 10 s a statement, as long as their senders wait
    ingest: PgPool,
    /// for jobs, reactions and exports: 120 s a statement
    jobs: PgPool,
    pub clock: Clock,
    /// what this instance counts about itself
    pub vitals: Vitals,
    /// commits of this process by facility
    commits: Arc<DashMap<FacilityId, u64>>,
}

const READ_ONLY: &str = "isolation level repeatable read read only";
/// Facilities for which one plan fits all.
const FEW: usize = 4;
const PLANNED_ONCE: &str = "; set local plan_cache_mode = force_generic_plan";

/// Sizes of the pools.
#[derive(Clone, Copy, Debug)]
pub struct PoolSizes {
    pub web: u32,
    pub ingest: u32,
    pub jobs: u32,
}

impl Db {
    /// Opens the pools as [`APP_ROLE`]. Fails when the server cannot be reached or the role is missing.
    pub async fn open(options: PgConnectOptions, sizes: PoolSizes, clock: Clock) -> anyhow::Result<Self> {
        let web = pool(&options, sizes.web, Duration::from_secs(5)).await?;
        let ingest = pool(&options, sizes.ingest, Duration::from_secs(10)).await?;
        let jobs = pool(&options, sizes.jobs, Duration::from_secs(120)).await?;
        Ok(Db {
            web,
            ingest,
            jobs,
            clock,
            vitals: Vitals::default(),
            commits: Arc::default(),
        })
    }

    /// A consistent, read-only look at the facilities of `scope`.
    pub async fn read(&self, scope: &Scope) -> Result<Tx> {
        self.begin(&self.web, READ_ONLY, scope).await
    }

    /// A transaction that may write rows of `scope`; nothing is written before its commit. Its statements are planned once
    /// for a connection: they go by keys, so the plan is the same whatever the values, and making it takes longer than to
    /// follow it.
    pub async fn write(&self, scope: &Scope) -> Result<Tx> {
        self.begin(&self.web, PLANNED_ONCE, scope).await
    }

    /// Like [`Db::read`] on the jobs' pool: for work that nobody waits for.
    pub async fn read_in_background(&self, scope: &Scope) -> Result<Tx> {
        self.begin(&self.jobs, READ_ONLY, scope).await
    }

    /// Like [`Db::read_in_background`] for a board, for which nobody waits longer than 5 s. It asks a dozen questions. Of one
    /// facility each is the same whatever its values, so the plans are kept: making them anew took four fifths of the time.
    /// Over many facilities a plan has to know how many, and what of them is asked, or it joins a thousand rows with a
    /// thousand others one by one.
    pub async fn look(&self, scope: &Scope) -> Result<Tx> {
        let planned = match scope {
            Scope::Facilities(few) if few.len() <= FEW => "force_generic_plan",
            _ => "force_custom_plan",
        };
        let mode = format!(
            "isolation level repeatable read read only; set local statement_timeout = '5s'; \
             set local plan_cache_mode = {planned}"
        );
        self.begin(&self.jobs, &mode, scope).await
    }

    /// Like [`Db::write`] on the jobs' pool.
    pub async fn write_in_background(&self, scope: &Scope) -> Result<Tx> {
        self.begin(&self.jobs, PLANNED_ONCE, scope).await
    }

    /// A transaction for what programs send: it writes rows of any facility, whose senders were checked before.
    pub async fn ingest(&self) -> Result<Tx> {
        self.begin(&self.ingest, PLANNED_ONCE, &Scope::All).await
    }

    /// A connection of its own, beside the pools.
    pub async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect_with(&self.web.connect_options()).await?)
    }

    /// Outside any scope: people, sessions, the directory of facilities.
    pub fn unscoped(&self) -> &PgPool {
        &self.web
    }

    /// The jobs' pool, outside any scope.
    pub fn background(&self) -> &PgPool {
        &self.jobs
    }

    /// Says that a transaction which changed these facilities has committed. Whoever wrote must see it on the very next
    /// page, before the outbox has told anybody.
    pub fn committed(&self, facilities: &[FacilityId]) {
        for facility in facilities {
            *self.commits.entry(*facility).or_insert(0) += 1;
        }
    }

    /// Grows with every commit of this process that changed the facility.
    pub fn commits_of(&self, facility: FacilityId) -> u64 {
        self.commits.get(&facility).map_or(0, |count| *count)
    }

    /// Runs a query that somebody waits for, and counts how long it took under this name.
    pub async fn timed<T>(&self, query: &'static str, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = work.await;
        self.took(query, begun.elapsed());
        done
    }

    /// Counts how long a query took that somebody waited for.
    pub fn took(&self, query: &'static str, time: Duration) {
        metrics::histogram!("pulseboard_query_seconds", "query" => query).record(time);
        self.vitals.query(time);
    }

    /// Of each pool its name, the connections in use, and how many it may open.
    pub fn pools(&self) -> [(&'static str, u32, u32); 3] {
        [("web", &self.web), ("ingest", &self.ingest), ("jobs", &self.jobs)].map(|(name, pool)| {
            let used = pool.size().saturating_sub(pool.num_idle() as u32);
            (name, used, pool.options().get_max_connections())
        })
    }

    /// Connections in use and idle, of all pools.
    pub fn connections(&self) -> (u32, u32) {
        let pools = [&self.web, &self.ingest, &self.jobs];
        let idle: u32 = pools.iter().map(|pool| pool.num_idle() as u32).sum();
        let open: u32 = pools.iter().map(|pool| pool.size()).sum();
        (open.saturating_sub(idle), idle)
    }

    pub async fn close(&self) {
        self.web.close().await;
        self.ingest.close().await;
        self.jobs.close().await;
    }

    async fn begin(&self, pool: &PgPool, mode: &str, scope: &Scope) -> Result<Tx> {
        // One round trip: the settings end with the transaction, so a pooled
        // connection cannot carry them over. The text holds numbers only.
        let begin = format!(
            "begin {mode}; set local app.scope = '{}'; set local app.clock_offset = '{}'",
            scope.setting(),
            self.clock.setting(),
        );
        // A client that hangs up drops this future wherever it waits, and sqlx cannot take back a `begin` that is on its
        // way: the connection would return to the pool inside a transaction with this scope. A task sees it through.
        let pool = pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(AssertSqlSafe(begin)).await });
        Ok(begun.await.map_err(anyhow::Error::from)??)
    }
}

/// A connection unused for longer is asked whether it lives before it is used.
const RESTED: Duration = Duration::from_secs(1);

async fn pool(options: &PgConnectOptions, size: u32, statement_timeout: Duration) -> anyhow::Result<PgPool> {
    let options = options.clone().application_name("pulseboard").options([
        ("role", APP_ROLE.to_string()),
        ("statement_timeout", statement_timeout.as_millis().to_string()),
        ("lock_timeout", "2000".into()),
        ("idle_in_transaction_session_timeout", "15000".into()),
        ("timezone", "UTC".into()),
        // our statements take a millisecond; compiling one, which a pessimistic plan sets off, takes fifty
        ("jit", "off".into()),
    ]);
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(2))
        .max_lifetime(Duration::from_secs(30 * 60))
        .idle_timeout(Duration::from_secs(10 * 60))
        // whether a connection still lives is asked of those that rested, not anew for each transaction under load
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > RESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await
        .context("cannot open the database")
}
