//! The application as a test has it: its own database, the real router without a socket, and the tasks that carry a
//! committed fact to every open screen.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::TimeDelta;
use pulseboard::alerts::Reach;
use pulseboard::app::{self, App};
use pulseboard::boot;
use pulseboard::clock::Clock;
use pulseboard::config::{Secret, SignIn};
use pulseboard::db::{Db, PoolSizes};
use pulseboard::live::Limits;
use pulseboard::mail::Mail;
use pulseboard::web::Frame;
use sqlx::PgConnection;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::canary::Canaries;
use super::client::Client;
use super::cluster::Database;
use super::eventually;

pub use pulseboard::app::Options;

/// The code that the set-up page of a test asks for.
pub const SETUP_CODE: &str = "the-code-of-the-tests";

/// One instance of the application. Ends with the test.
pub struct TestApp {
    pub app: App,
    pub database: Arc<Database>,
    pub(super) shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

/// What a client needs of its instance.
pub struct Shared {
    pub(super) app: App,
    pub(super) router: Router,
    pub(super) canaries: Canaries,
}

/// As in production, but small.
pub fn options() -> Options {
    Options {
        session_idle: Duration::from_secs(15 * 60),
        session_longest: Duration::from_secs(8 * 3600),
        freshness: Duration::from_secs(300),
        streams: Limits {
            per_user: 6,
            per_instance: 100,
        },
        frame: Frame::default(),
        synthetic: false,
        setup_token: SETUP_CODE.into(),
        mail: Mail::off("https://board.example.org"),
        reach: Reach::default(),
        secret: Secret::new("kT7v0Qm2Zs9Lx4Wd8Rb6Hy1Nc3Gf5Jp-kT7v").expect("a secret"),
        sign_in: SignIn::default(),
        base_url: "http://localhost".into(),
    }
}

impl TestApp {
    /// An empty installation.
    pub async fn new() -> TestApp {
        TestApp::with(options()).await
    }

    /// An empty installation with settings of its own.
    pub async fn with(options: Options) -> TestApp {
        let database = Arc::new(Database::clone_of_template().await);
        TestApp::start(database, Clock::system(), Canaries::default(), &options).await
    }

    /// A second instance on the same database, with the same clock.
    pub async fn second_instance(&self) -> TestApp {
        TestApp::start(
            self.database.clone(),
            self.app.db.clock.clone(),
            self.shared.canaries.clone(),
            &options(),
        )
        .await
    }

    async fn start(database: Arc<Database>, clock: Clock, canaries: Canaries, options: &Options) -> TestApp {
        let instances_before = listeners(&mut database.connect().await).await;
        let sizes = PoolSizes {
            web: 4,
            ingest: 2,
            jobs: 4,
        };
        let db = Db::open(database.owner(), sizes, clock)
            .await
            .expect("the database opens");
        let app = App::new(db, options);
        let tasks = boot::tasks(&app);
        listens(&database, instances_before + 1).await;
        let shared = Shared {
            router: app::router(app.clone()),
            app: app.clone(),
            canaries,
        };
        TestApp {
            app,
            database,
            shared: Arc::new(shared),
            tasks,
        }
    }

    /// A browser in which nobody is logged in.
    pub fn client(&self) -> Client {
        Client::new(self.shared.clone())
    }

    /// Moves the clock of the whole application.
    pub fn travel(&self, by: TimeDelta) {
        self.app.db.clock.advance(by);
    }

    /// One connection that sees every row, to look behind the application.
    pub async fn owner(&self) -> PgConnection {
        self.database.connect().await
    }

    /// Fails with the differences unless every figure is what its source rows say.
    pub async fn verify(&self) {
        let differences = pulseboard::summary::verify(&self.app.db).await.expect("verify runs");
        assert!(differences.is_empty(), "{differences:#?}");
    }
}

impl Deref for TestApp {
    type Target = App;
    fn deref(&self) -> &App {
        &self.app
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.hub.stop();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A page opened before its instance listens would be told to look at everything again in the middle of a test.
async fn listens(database: &Database, instances: i64) {
    let owner = Mutex::new(database.connect().await);
    eventually("the instance listens", || async {
        (listeners(&mut *owner.lock().await).await >= instances).then_some(())
    })
    .await;
}

/// Instances that listen to this database.
async fn listeners(owner: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'",
    )
    .fetch_one(owner)
    .await
    .expect("the catalogue can be read")
}
