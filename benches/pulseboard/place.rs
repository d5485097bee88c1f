//! Where it is measured: a private Postgres with durable settings in a temporary folder, the synthetic network, people
//! with sessions, and the real binary as a process of its own.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pulseboard::auth::{Passwords, session_hash};
use pulseboard::clock::Clock;
use pulseboard::db::embedded::{self, Cluster, SUPERUSER};
use pulseboard::db::{self, Db, PoolSizes};
use pulseboard::ids::FacilityId;
use pulseboard::synthetic::{self, Plan};
use tower_sessions::session::Id;

use super::direct::Origin;
use super::machine;

/// The program that users run, built by cargo for this run.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_pulseboard");

pub struct Place {
    pub folder: PathBuf,
    pub cluster: Cluster,
    pub db: Db,
    /// the hospital whose board is asked for
    pub hospital: FacilityId,
    pub facilities: Vec<FacilityId>,
    /// process id of the Postgres server
    pub postmaster: u32,
}

impl Place {
    /// Starts Postgres and fills it. The folder is removed by [`Place::close`].
    pub async fn open() -> Result<Place> {
        let folder = std::env::temp_dir().join(format!("pulseboard-bench-{}", std::process::id()));
        let cluster = Cluster::start(&embedded::Options {
            data_dir: folder.clone(),
            pg_bin: None,
            for_tests: false,
        })
        .await?;
        let pid_file = std::fs::read_to_string(folder.join("postgres/postmaster.pid"))?;
        let options = cluster.options(SUPERUSER, SUPERUSER);
        db::migrate(&options).await?;
        let db = Db::open(
            options,
            PoolSizes {
                web: 4,
                ingest: 2,
                jobs: 4,
            },
            Clock::system(),
        )
        .await?;
        let plan = Plan {
            facilities: 40,
            ..Plan::default()
        };
        synthetic::seed(&db, &plan, |_| ()).await?;
        let users = synthetic::demo_users(&db, &Passwords::default()).await?;
        sqlx::query("vacuum analyze")
            .execute(&mut Self::owner(&cluster, SUPERUSER).await?)
            .await?;
        Ok(Place {
            hospital: users.first().context("no demo users")?.facility,
            facilities: pulseboard::facilities::all(db.background()).await?,
            postmaster: pid_file.lines().next().unwrap_or_default().parse()?,
            folder,
            cluster,
            db,
        })
    }

    /// A connection of the cluster's owner.
    pub async fn owner(cluster: &Cluster, database: &str) -> Result<sqlx::PgConnection> {
        use sqlx::ConnectOptions;
        Ok(cluster.options(SUPERUSER, database).connect().await?)
    }

    pub async fn close(self) -> Result<()> {
        self.db.close().await;
        self.cluster.stop().await?;
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }

    /// The cookie of a session of somebody who is there already.
    pub async fn cookie_of(&self, email: &str) -> Result<String> {
        let user: i64 = sqlx::query_scalar("select id from users where email = $1")
            .bind(email)
            .fetch_one(self.db.unscoped())
            .await?;
        Ok(self.sessions(&[user]).await?.remove(0))
    }

    /// New people who may look at the hospital, each with a session: their cookies.
    pub async fn viewers(&self, count: i64) -> Result<Vec<String>> {
        let users: Vec<i64> = sqlx::query_scalar(
            "with new as (insert into users (email, name)
                          select 'viewer-' || gen_random_uuid() || '@bench.invalid', 'Viewer ' || n
                          from generate_series(1, $1) n returning id)
             insert into memberships (user_id, facility_id, role) select id, $2, 'viewer' from new returning user_id",
        )
        .bind(count)
        .bind(self.hospital.0)
        .fetch_all(self.db.unscoped())
        .await?;
        self.sessions(&users).await
    }

    async fn sessions(&self, users: &[i64]) -> Result<Vec<String>> {
        Self::sessions_in(self.db.unscoped(), users).await
    }

    /// New sessions of these people of any database: their cookies.
    pub async fn sessions_in(pool: &sqlx::PgPool, users: &[i64]) -> Result<Vec<String>> {
        let ids: Vec<Id> = users.iter().map(|_| Id(rand::random())).collect();
        let hashes: Vec<Vec<u8>> = ids.iter().map(|id| session_hash(id).to_vec()).collect();
        sqlx::query(
            "insert into sessions (id_hash, user_id, data, expires_at)
             select s.hash, u.id, jsonb_build_object('user_id', u.id, 'epoch', u.auth_epoch), now() + interval '8 hours'
             from unnest($1::bytea[], $2::bigint[]) as s (hash, user_id) join users u on u.id = s.user_id",
        )
        .bind(hashes)
        .bind(users)
        .execute(pool)
        .await?;
        Ok(ids.iter().map(|id| format!("sid={id}")).collect())
    }

    /// The real server, as `pulseboard serve` starts it; its log goes to a file.
    pub fn serve(&self, settings: &[(&str, &str)]) -> Result<Server> {
        let port = free_port()?;
        let process = Command::new(PROGRAM)
            .arg("serve")
            .env("DATABASE_URL", self.cluster.url(SUPERUSER, SUPERUSER))
            .env(
                "PULSEBOARD_SECRET",
                format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>()),
            )
            .env("PULSEBOARD_LISTEN", format!("127.0.0.1:{port}"))
            .env("PULSEBOARD_METRICS_LISTEN", "off")
            .env("PULSEBOARD_SYNTHETIC", "true")
            .envs(settings.iter().copied())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stderr(File::create(self.folder.join("server.log"))?)
            .spawn()?;
        let server = Server { process, port };
        wait_for(port)?;
        Ok(server)
    }

    /// The product's router without its ready boards: see `direct.rs`.
    pub fn serve_uncached(&self, origin: Origin) -> Result<Server> {
        let port = free_port()?;
        let process = Command::new(std::env::current_exe()?)
            .args(["role-direct", &port.to_string(), origin.word()])
            .env("DATABASE_URL", self.cluster.url(SUPERUSER, SUPERUSER))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stderr(File::create(self.folder.join("direct.log"))?)
            .spawn()?;
        let server = Server { process, port };
        wait_for(port)?;
        Ok(server)
    }

    pub fn postgres_cpu(&self) -> Duration {
        machine::cpu_of_family(self.postmaster)
    }
}

/// A server in a process of its own; asked to stop when dropped.
pub struct Server {
    pub process: Child,
    pub port: u16,
}

impl Server {
    pub fn cpu(&self) -> Duration {
        machine::cpu_of(self.process.id())
    }

    pub fn memory(&self) -> Result<u64> {
        machine::memory_of(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: a signal to a child that has not been waited for, so the id is still its own.
        unsafe { libc::kill(self.process.id() as i32, libc::SIGTERM) };
        let _ = self.process.wait();
    }
}

/// A port that is free now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until somebody listens.
pub fn wait_for(port: u16) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if begun.elapsed() > Duration::from_secs(20) {
            bail!("no server on port {port} after 20 s");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
