//! The Postgres of a test run: a private one in a temporary folder, or the server of `TEST_DATABASE_URL`. A template is
//! migrated once for each state of the migrations, and every test owns a clone of it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use pulseboard::db::embedded::{self, Cluster};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::sync::OnceCell;

/// A database that belongs to one test.
pub struct Database {
    pub name: String,
    server: &'static Server,
}

struct Server {
    options: PgConnectOptions,
    template: String,
    /// databases of tests that have ended
    left: Mutex<Vec<String>>,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();

impl Database {
    /// A clone of the migrated template.
    pub async fn clone_of_template() -> Database {
        let server = SERVER.get_or_init(Server::start).await;
        let name = format!("it_{:016x}", rand::random::<u64>());
        let mut connection = server.connect("postgres").await;
        run(
            &mut connection,
            &format!("create database {name} template {}", server.template),
        )
        .await;
        let left: Vec<String> = std::mem::take(&mut *server.left.lock().unwrap_or_else(PoisonError::into_inner));
        for gone in left {
            run(&mut connection, &format!("drop database if exists {gone} with (force)")).await;
        }
        connection.close().await.expect("the server is there");
        Database { name, server }
    }

    /// How the owner of the tables connects, who is a superuser.
    pub fn owner(&self) -> PgConnectOptions {
        self.server.options.clone().database(&self.name)
    }

    /// One connection as the owner, who sees every row.
    pub async fn connect(&self) -> PgConnection {
        self.server.connect(&self.name).await
    }
}

impl Drop for Database {
    /// The next test removes it: here nothing can be waited for.
    fn drop(&mut self) {
        let mut left = self.server.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.push(std::mem::take(&mut self.name));
    }
}

impl Server {
    async fn start() -> Server {
        let options = match std::env::var("TEST_DATABASE_URL") {
            Ok(url) => PgConnectOptions::from_str(&url).expect("TEST_DATABASE_URL is a URL of Postgres"),
            Err(_) => private().await,
        };
        let template = format!("it_template_{:016x}", hash_of_migrations());
        let server = Server {
            options: options.disable_statement_logging(),
            template,
            left: Mutex::default(),
        };
        server.make_template().await;
        server
    }

    async fn connect(&self, database: &str) -> PgConnection {
        let options = self.options.clone().database(database);
        options.connect().await.expect("the server of the tests answers")
    }

    /// Made once, also when several runs share the server: whoever comes second waits and finds it.
    async fn make_template(&self) {
        let mut connection = self.connect("postgres").await;
        run(&mut connection, "select pg_advisory_lock(5055)").await;
        let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(&self.template)
            .fetch_one(&mut connection)
            .await
            .expect("the catalogue can be read");
        if !exists {
            let unfinished = format!("{}_unfinished", self.template);
            run(
                &mut connection,
                &format!("drop database if exists {unfinished} with (force)"),
            )
            .await;
            run(&mut connection, &format!("create database {unfinished}")).await;
            pulseboard::db::migrate(&self.options.clone().database(&unfinished))
                .await
                .expect("the migrations apply");
            run(
                &mut connection,
                &format!("alter database {unfinished} rename to {}", self.template),
            )
            .await;
        }
        connection.close().await.expect("the server is there");
    }
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The folder of the private server and its cluster, which end with the process.
static PRIVATE: OnceLock<(PathBuf, Cluster)> = OnceLock::new();

async fn private() -> PgConnectOptions {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new()
        .prefix("pulseboard-it-")
        .permissions(std::fs::Permissions::from_mode(0o711)) // another account runs the server when we are root
        .tempdir_in(roomy_memory().unwrap_or_else(std::env::temp_dir))
        .expect("a temporary folder")
        .keep();
    let options = embedded::Options {
        data_dir: folder.clone(),
        pg_bin: std::env::var_os("PULSEBOARD_PG_BIN").map(PathBuf::from),
        for_tests: true,
    };
    let cluster = Cluster::start(&options).await.expect("the private Postgres starts");
    let connect = cluster.options(embedded::SUPERUSER, "postgres");
    let _ = PRIVATE.set((folder, cluster));
    // SAFETY: the handler only reads a static that is never changed again, and removes files.
    unsafe { libc::atexit(clean_up) };
    connect
}

/// A folder in memory with room for all: a clone is hundreds of files, and making and removing them on a disk was a tenth
/// of the time of a run. None where memory is short, as in a container with the usual 64 MB.
fn roomy_memory() -> Option<PathBuf> {
    const ROOM: u64 = 3 << 30;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: a path that ends with zero, and a struct that is read only when the call says that it filled it.
    let found = unsafe {
        if libc::statvfs(c"/dev/shm".as_ptr(), found.as_mut_ptr()) != 0 {
            return None;
        }
        found.assume_init()
    };
    (found.f_bavail * found.f_frsize >= ROOM).then(|| PathBuf::from("/dev/shm"))
}

/// Ends the server at once, since its data is thrown away, and removes the folder.
extern "C" fn clean_up() {
    let Some((folder, _)) = PRIVATE.get() else { return };
    let pid_file = folder.join("postgres").join("postmaster.pid");
    if let Some(pid) = first_line(&pid_file).and_then(|line| line.parse().ok()) {
        // SAFETY: the server is our child and its keeper reaps it only when it has ended.
        unsafe { libc::kill(pid, libc::SIGQUIT) };
        let deadline = std::time::Instant::now() + Duration::from_secs(2);
        while Path::new(&format!("/proc/{pid}")).exists() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let _ = std::fs::remove_dir_all(folder);
}

fn first_line(path: &Path) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.lines().next()?.trim().to_owned())
}

fn hash_of_migrations() -> u64 {
    let mut files: Vec<PathBuf> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
        .expect("the migrations")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.file_name().hash(&mut hasher);
        std::fs::read(&file).expect("a migration").hash(&mut hasher);
    }
    hasher.finish()
}
