//! The private cluster with real servers: start, warm start, a killed app, a second app, other accounts.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Instant as Clock;

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::*;

/// Set for the process that plays an app about to be killed; holds its data folder.
const PLAY_APP: &str = "PULSEBOARD_TEST_PLAY_APP";

fn options(data_dir: &Path) -> Options {
    Options {
        data_dir: data_dir.to_path_buf(),
        pg_bin: std::env::var_os("PULSEBOARD_PG_BIN").map(PathBuf::from),
        for_tests: true,
    }
}

/// A folder that the server's account can reach also when the tests run as root.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
    dir
}

async fn connect(cluster: &Cluster) -> PgConnection {
    cluster.options(SUPERUSER, "postgres").connect().await.unwrap()
}

async fn setting(connection: &mut PgConnection, name: &'static str) -> String {
    sqlx::query(AssertSqlSafe(format!("show {name}")))
        .fetch_one(connection)
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn a_cluster_keeps_its_rows_over_a_restart_and_starts_warm_in_under_three_seconds() {
    let dir = folder();
    let cold = Clock::now();
    let first = Cluster::start(&Options {
        for_tests: false,
        ..options(dir.path())
    })
    .await
    .unwrap();
    let cold = cold.elapsed();
    let mut connection = connect(&first).await;
    sqlx::query("create table kept as select 42 as answer")
        .execute(&mut connection)
        .await
        .unwrap();
    for (name, value) in [
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("synchronous_commit", "on"),
        ("fsync", "on"),
        ("max_connections", "60"),
        ("server_encoding", "UTF8"),
    ] {
        assert_eq!(setting(&mut connection, name).await, value, "{name}");
    }
    drop(connection);
    first.stop().await.unwrap();

    let warm = Clock::now();
    let second = Cluster::start(&options(dir.path())).await.unwrap();
    let warm = warm.elapsed();

    println!("cold start {cold:?}, warm start {warm:?}");
    let mut connection = PgConnection::connect(&second.url(SUPERUSER, "postgres")).await.unwrap();
    let answer: i32 = sqlx::query("select answer from kept")
        .fetch_one(&mut connection)
        .await
        .unwrap()
        .get(0);
    assert_eq!(answer, 42);
    assert!(warm < Duration::from_secs(3));
    drop(connection);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn only_the_socket_folders_owner_can_enter_it() {
    let dir = folder();

    let cluster = Cluster::start(&options(dir.path())).await.unwrap();

    let mode = fs::metadata(cluster.socket_dir()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_start_uses_the_running_server_and_leaves_it_running() {
    let dir = folder();
    let first = Cluster::start(&options(dir.path())).await.unwrap();

    let second = Cluster::start(&options(dir.path())).await.unwrap();
    assert!(first.is_owned() && !second.is_owned());
    assert!(wipe(dir.path()).unwrap_err().to_string().contains("in use"));
    second.stop().await.unwrap();

    assert!(connect(&first).await.close().await.is_ok());
    first.stop().await.unwrap();
    wipe(dir.path()).unwrap();
    assert!(!dir.path().join("postgres").exists());
}

#[tokio::test]
async fn two_starts_at_once_make_one_server() {
    let dir = folder();
    let options = options(dir.path());

    let (one, other) = tokio::join!(Cluster::start(&options), Cluster::start(&options));

    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.is_owned(), other.is_owned());
    assert_eq!(one.socket_dir(), other.socket_dir());
    let (owner, guest) = if one.is_owned() { (one, other) } else { (other, one) };
    guest.stop().await.unwrap();
    owner.stop().await.unwrap();
}

#[tokio::test]
async fn a_data_folder_with_a_long_name_gets_a_short_socket_path() {
    let dir = folder();
    let long = dir.path().join("a-long-name, with a comma/".repeat(6));

    let cluster = Cluster::start(&options(&long)).await.unwrap();

    assert!(!cluster.socket_dir().starts_with(dir.path()));
    assert!(connect(&cluster).await.close().await.is_ok());
    let socket_dir = cluster.socket_dir().to_path_buf();
    cluster.stop().await.unwrap();
    fs::remove_dir(socket_dir).unwrap();
}

#[tokio::test]
async fn data_of_another_major_version_is_refused_in_one_line() {
    let dir = folder();
    let cluster = dir.path().join("postgres");
    fs::create_dir(&cluster).unwrap();
    fs::write(cluster.join("PG_VERSION"), "9\n").unwrap();

    let error = Cluster::start(&options(dir.path())).await.unwrap_err().to_string();

    assert!(
        error.contains("made by PostgreSQL 9") && !error.contains('\n'),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let dir = folder();
    Cluster::start(&options(dir.path()))
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
    fs::write(dir.path().join("postgres/postgresql.conf"), "no_such_setting = 1\n").unwrap();

    let error = Cluster::start(&options(dir.path())).await.unwrap_err().to_string();

    assert!(error.contains("no_such_setting"), "{error}");
}

#[test]
fn a_folder_that_the_servers_account_cannot_enter_is_named() {
    let dir = folder();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let stranger = Account {
        name: "stranger".into(),
        uid: 4_000_000,
        gid: 4_000_000,
    };

    let error = places::check_reachable(dir.path(), Some(&stranger))
        .unwrap_err()
        .to_string();

    assert!(
        error.contains("stranger") && error.contains(&dir.path().display().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn killing_the_app_stops_its_server_and_the_next_start_has_the_rows() {
    let dir = folder();
    let mut app = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "db::embedded::tests::play_an_app_that_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(PLAY_APP, dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let ready = dir.path().join("ready");
    wait_until(|| ready.exists()).await;
    let places = Places::open(dir.path()).unwrap();
    assert!(places.live_pid().is_some());

    app.kill().unwrap();
    app.wait().unwrap();

    wait_until(|| places.live_pid().is_none()).await;
    let cluster = Cluster::start(&options(dir.path())).await.unwrap();
    assert!(cluster.is_owned());
    let mut connection = connect(&cluster).await;
    assert_eq!(
        sqlx::query("select from written")
            .fetch_all(&mut connection)
            .await
            .unwrap()
            .len(),
        1
    );
    drop(connection);
    cluster.stop().await.unwrap();
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn play_an_app_that_is_killed() {
    let Some(data_dir) = std::env::var_os(PLAY_APP).map(PathBuf::from) else {
        return;
    };
    let cluster = Cluster::start(&options(&data_dir)).await.unwrap();
    sqlx::query("create table written as select 1 as one")
        .execute(&mut connect(&cluster).await)
        .await
        .unwrap();
    fs::write(data_dir.join("ready"), "").unwrap();
    std::future::pending::<()>().await;
}

async fn wait_until(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < deadline, "waited for 20 s");
        sleep(POLL).await;
    }
}
