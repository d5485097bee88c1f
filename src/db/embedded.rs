//! The private Postgres: a cluster of our own in a data folder, run from the machine's binaries.
//! It listens on a Unix socket only, lives exactly as long as the app, and is never started twice on one folder.

mod account;
mod binaries;
mod keeper;
mod places;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::time::{Instant, sleep, timeout};

use account::Account;
use keeper::Keeper;
use places::Places;

pub use binaries::Binaries;

/// The superuser that `initdb` makes; roles of the app are made by its migrations.
pub const SUPERUSER: &str = "postgres";

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(25);

/// What a private cluster needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the app's data; the cluster lies in `postgres/` below it.
    pub data_dir: PathBuf,
    /// Folder with `initdb` and `postgres`; found by itself when `None`.
    pub pg_bin: Option<PathBuf>,
    /// Trades durability for speed: for data that a test throws away.
    pub for_tests: bool,
}

/// A running private server, ours or one that another process of the app runs on the same folder.
#[derive(Debug)]
pub struct Cluster {
    socket_dir: PathBuf,
    owned: Option<Owned>,
}

/// Held by the process that started the server: the folder's lock and the thread that watches the server.
#[derive(Debug)]
struct Owned {
    keeper: Keeper,
    _lock: File,
}

impl Cluster {
    /// Starts the cluster in `options.data_dir`, making it first if there is none, or connects to the one that runs there.
    ///
    /// # Errors
    /// One readable line: no usable Postgres, another major version's data, a folder that the server's account cannot enter,
    /// or the last lines of the server's log.
    pub async fn start(options: &Options) -> Result<Cluster> {
        let places = Places::open(&options.data_dir)?;
        let lock = open_lock(&places.lock)?;
        let deadline = Instant::now() + START_LIMIT;

        while lock.try_lock().is_err() {
            // Another process owns the folder: its server is running, or about to.
            if let Some(socket_dir) = places.running_socket()
                && answers(&socket_dir).await
            {
                return Ok(Cluster {
                    socket_dir,
                    owned: None,
                });
            }
            if Instant::now() > deadline {
                bail!(
                    "{} is in use by another process whose server does not answer",
                    places.root.display()
                );
            }
            sleep(POLL).await;
        }
        if let Some(socket_dir) = outlasting_server(&places).await {
            return Ok(Cluster {
                socket_dir,
                owned: None,
            });
        }
        own(places, lock, options, deadline).await
    }

    /// Whether this process started the server and will stop it.
    pub fn is_owned(&self) -> bool {
        self.owned.is_some()
    }

    /// The folder of the Unix socket, for `psql -h`.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// Connection options for `user` on `database`; the server trusts whoever can enter the socket folder.
    pub fn options(&self, user: &str, database: &str) -> PgConnectOptions {
        connect_options(&self.socket_dir, user, database)
    }

    /// The same as a URL, as `psql`, `pg_dump` and sqlx read it.
    pub fn url(&self, user: &str, database: &str) -> String {
        let host = percent_encoded(&self.socket_dir.to_string_lossy());
        format!(
            "postgres://{}@localhost/{}?host={host}",
            percent_encoded(user),
            percent_encoded(database)
        )
    }

    /// Stops the server with a fast shutdown (open transactions are rolled back) and waits up to 10 s for its end.
    /// A server that another process started is left alone.
    ///
    /// # Errors
    /// When the server is still running after 10 s; it then goes on stopping by itself.
    pub async fn stop(mut self) -> Result<()> {
        let Some(owned) = self.owned.take() else { return Ok(()) };
        owned.keeper.signal(libc::SIGINT);
        timeout(STOP_LIMIT, owned.keeper.ended())
            .await
            .context("the private Postgres did not stop within 10 s")?;
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(owned) = &self.owned {
            owned.keeper.signal(libc::SIGINT);
        }
    }
}

/// Where a demo keeps its data unless told: `demo-data` here, or, when root stands in a folder that
/// the server's account cannot enter (root's home is 0700), a folder under `/var/lib`.
pub fn default_data_dir() -> PathBuf {
    let here = PathBuf::from("demo-data");
    let reachable = std::env::current_dir().is_ok_and(|dir| {
        Account::for_data(&dir.join(&here)).is_ok_and(|account| places::check_reachable(&dir, account.as_ref()).is_ok())
    });
    if reachable {
        here
    } else {
        PathBuf::from("/var/lib/pulseboard/demo")
    }
}

/// Whether a private cluster has been made in this folder.
pub fn exists(data_dir: &Path) -> bool {
    data_dir.exists() && Places::open(data_dir).is_ok_and(|places| places.exists())
}

/// Removes the cluster of a data folder and nothing else that lies there.
///
/// # Errors
/// When a process still uses the folder, or files cannot be removed.
pub fn wipe(data_dir: &Path) -> Result<()> {
    if !data_dir.exists() {
        return Ok(());
    }
    let places = Places::open(data_dir)?;
    let lock = open_lock(&places.lock)?;
    if lock.try_lock().is_err() || places.live_pid().is_some() {
        bail!(
            "{} is in use: stop the server that runs on it first",
            places.root.display()
        );
    }
    places.remove_cluster()
}

/// Starts the server on a folder whose lock we hold.
async fn own(places: Places, lock: File, options: &Options, deadline: Instant) -> Result<Cluster> {
    let found = Binaries::find(options.pg_bin.as_deref(), places.major()?)?;
    let account = Account::for_data(&places.cluster)?;
    let account = account.as_ref();
    places::check_reachable(&places.root, account)?;
    places::check_reachable(&found.dir, account)?;
    if !places.exists() {
        init(&places, &found, account).await?;
    }
    let socket_dir = places.socket_dir(account)?;

    let mut args: Vec<OsString> = vec!["-D".into(), places.cluster.clone().into()];
    for setting in settings(&socket_dir, options.for_tests) {
        args.extend(["-c".into(), setting.into()]);
    }
    let keeper = Keeper::start(found.program("postgres"), args, account.cloned(), places.open_log()?).await?;
    loop {
        if answers(&socket_dir).await {
            return Ok(Cluster {
                socket_dir,
                owned: Some(Owned { keeper, _lock: lock }),
            });
        }
        if let Some(how) = keeper.has_ended() {
            bail!(
                "the private Postgres in {} ended at once ({how}): {}",
                places.root.display(),
                places.last_words()
            );
        }
        if Instant::now() > deadline {
            keeper.signal(libc::SIGINT);
            bail!(
                "the private Postgres in {} is not ready after 60 s: {}",
                places.root.display(),
                places.last_words()
            );
        }
        sleep(POLL).await;
    }
}

/// Makes a new cluster beside its final place and moves it there whole, so that a killed start leaves no half cluster.
async fn init(places: &Places, found: &Binaries, account: Option<&Account>) -> Result<()> {
    let fresh = places.fresh_dir(account)?;
    let args: Vec<OsString> = [
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
        "--no-sync",
        "-U",
    ]
    .into_iter()
    .map(OsString::from)
    .chain([SUPERUSER.into(), "-D".into(), fresh.clone().into()])
    .collect();
    let initdb = Keeper::start(found.program("initdb"), args, account.cloned(), places.open_log()?).await?;
    let how = initdb.ended().await;
    if !how.success() {
        bail!(
            "initdb failed in {} ({how}): {}",
            places.root.display(),
            places.last_words()
        );
    }
    // An empty folder may stand there; rename replaces it, and refuses one with files in it.
    fs::rename(&fresh, &places.cluster)
        .with_context(|| format!("cannot move the new cluster to {}", places.cluster.display()))
}

fn settings(socket_dir: &Path, for_tests: bool) -> Vec<String> {
    let mut settings: Vec<String> = [
        "listen_addresses=",
        "port=5432",
        "unix_socket_permissions=0700",
        "timezone=UTC",
        "log_timezone=UTC",
        "client_connection_check_interval=5s",
    ]
    .map(String::from)
    .into();
    settings.push(format!("unix_socket_directories={}", quoted_list_item(socket_dir)));
    let profile: &[&str] = if for_tests {
        &[
            "max_connections=200",
            "shared_buffers=128MB",
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
        ]
    } else {
        &["max_connections=60", "shared_buffers=128MB", "synchronous_commit=on"]
    };
    settings.extend(profile.iter().map(|setting| setting.to_string()));
    settings
}

/// `unix_socket_directories` is a comma-separated list; quotes keep a comma or space inside a folder's name.
fn quoted_list_item(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('"', "\"\""))
}

/// Waits for a server whose owner died to finish its shutdown. Gives its socket if it outlasts the wait and answers:
/// then somebody else started it on purpose.
async fn outlasting_server(places: &Places) -> Option<PathBuf> {
    let deadline = Instant::now() + STOP_LIMIT;
    while places.live_pid().is_some() {
        if Instant::now() > deadline {
            let socket_dir = places.running_socket()?;
            return answers(&socket_dir).await.then_some(socket_dir);
        }
        sleep(POLL).await;
    }
    None
}

async fn answers(socket_dir: &Path) -> bool {
    let options = connect_options(socket_dir, SUPERUSER, "postgres");
    match timeout(Duration::from_secs(2), options.connect()).await {
        Ok(Ok(connection)) => connection.close().await.is_ok(),
        _ => false,
    }
}

/// Names everything that sqlx would otherwise take from `PG*` variables meant for another server.
fn connect_options(socket_dir: &Path, user: &str, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(5432)
        .username(user)
        .database(database)
        .ssl_mode(PgSslMode::Disable)
}

fn open_lock(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
