//! Starting and stopping: opens the pools, starts the tasks of this instance's role, serves, and stops in order:
//! no new work, streams end, requests finish, tasks end, pools close.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::app::{self, App, Options};
use crate::brokers::Brokers;
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::db::{self, Db, PoolSizes};
use crate::jobs::{self, Schedule};
use crate::live::Limits;
use crate::mail::{self, Mail};
use crate::web::server::Patience;
use crate::web::{self, Frame};
use crate::{
    alerts, audit, boards, brokers, catalog, health, ingest, inventory, outbox, reactions, summary, telemetry,
};

/// A running instance.
pub struct Running {
    pub app: App,
    /// where pages are served
    pub address: std::net::SocketAddr,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    tasks: Vec<JoinHandle<()>>,
    schedule: Option<Schedule>,
    brokers: Option<Brokers>,
}

/// Starts an instance on an open database whose schema is current.
pub async fn start(config: &Config, database: PgConnectOptions) -> anyhow::Result<Running> {
    let sizes = PoolSizes {
        web: config.pool_web,
        ingest: config.pool_ingest,
        jobs: config.pool_jobs + 1,
    };
    let db = Db::open(database, sizes, Clock::system()).await?;
    let app = App::new(db, &options(config)?);
    if app.setup.is_open().await? {
        tracing::warn!(
            "nobody can log in yet; become the administrator at {}",
            app.setup.address(config.base_url.as_str())
        );
    }
    if let Some(folder) = &config.boards_folder {
        boards::provision::folder(&app.db, folder).await;
    }
    let (stop, stopping) = watch::channel(false);
    let mut servers = Vec::new();
    let listener = web::server::listen(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let router = app::router_of(app.clone(), config.role);
    servers.push(tokio::spawn(web::server::serve(
        listener,
        router,
        stopping.clone(),
        Patience::default(),
    )));
    if let Some(private) = config.metrics_listen {
        match web::server::listen(private) {
            Ok(listener) => {
                let router = health::private_router(app.clone());
                servers.push(tokio::spawn(web::server::serve(
                    listener,
                    router,
                    stopping.clone(),
                    Patience::default(),
                )));
            }
            // another instance on this machine has it, and tells enough of both
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                tracing::warn!(address = %private, "metrics are not served: the port is taken");
            }
            Err(error) => return Err(error).with_context(|| format!("cannot serve metrics on {private}")),
        }
    }
    let schedule = if config.role.runs_jobs() {
        Some(schedule(&app, config).await?)
    } else {
        None
    };
    let brokers = config
        .role
        .takes_events()
        .then(|| Brokers::start(&app.db, &app.ingest, &app.brokers, &config.rabbitmq, &config.kafka));
    Ok(Running {
        tasks: tasks(&app),
        app,
        address,
        stop,
        servers,
        schedule,
        brokers,
    })
}

impl Running {
    /// Stops in order, within 25 s.
    pub async fn stop(self) {
        self.app.hub.stop();
        self.stop.send_replace(true);
        if let Some(brokers) = self.brokers {
            brokers.stop().await;
        }
        if let Some(schedule) = self.schedule {
            schedule.stop().await;
        }
        for server in self.servers {
            let _ = server.await;
        }
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
        let _ = tokio::time::timeout(Duration::from_secs(5), self.app.db.close()).await;
    }
}

fn options(config: &Config) -> anyhow::Result<Options> {
    Ok(Options {
        session_idle: config.session_idle,
        session_longest: config.session_max,
        freshness: config.freshness,
        streams: Limits {
            per_user: config.streams_per_user,
            per_instance: config.max_streams,
        },
        frame: Frame {
            secure: config.base_url.is_https(),
            trusted_proxies: config.trusted_proxies.clone().into(),
            traced: config.otel_endpoint.is_some(),
            ..Frame::default()
        },
        synthetic: config.synthetic,
        setup_token: setup_token(config),
        mail: Mail::new(&mail::Settings::of(config))?,
        secret: config.secret.clone().unwrap_or_else(Secret::generate),
        sign_in: config.sign_in.clone(),
        reach: alerts::Reach::new(config.webhook_hosts.clone()),
        base_url: config.base_url.as_str().into(),
    })
}

/// 128 bits, printed in the log and known to nobody else. They follow from the secret, so that every instance behind a
/// load balancer knows the same; without a secret there is one instance, and they are drawn anew at each start.
fn setup_token(config: &Config) -> Arc<str> {
    let code = match &config.secret {
        Some(secret) => {
            let digest = Sha256::new()
                .chain_update(b"set-up code\0")
                .chain_update(secret.as_bytes())
                .finalize();
            digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
        }
        None => format!("{:032x}", rand::random::<u128>()),
    };
    code.into()
}

/// What every instance does besides answering.
pub fn tasks(app: &App) -> Vec<JoinHandle<()>> {
    let sweeping = app.clone();
    let watching = app.clone();
    let writing = (0..ingest::WRITERS).map(|_| {
        let pipeline = app.ingest.clone();
        keep_going("ingest", move || {
            let pipeline = pipeline.clone();
            async move { pipeline.write().await }
        })
    });
    let mut tasks = vec![
        keep_going("cases", {
            let pipeline = app.ingest.clone();
            move || {
                let pipeline = pipeline.clone();
                async move { pipeline.tell_cases().await }
            }
        }),
        keep_going("telling", {
            let pipeline = app.ingest.clone();
            move || {
                let pipeline = pipeline.clone();
                async move { pipeline.tell().await }
            }
        }),
        keep_going("watching", move || {
            let app = watching.clone();
            async move {
                loop {
                    tokio::time::sleep(telemetry::EVERY).await;
                    if let Err(error) = app.watch.tick(&app).await {
                        tracing::warn!(%error, "the state of this instance could not be sampled");
                    }
                }
            }
        }),
        keep_going("reactions", {
            let app = app.clone();
            move || reactions::run(app.clone())
        }),
        keep_going("publishing", {
            let boards = app.boards.clone();
            move || {
                let boards = boards.clone();
                async move { boards.publish().await }
            }
        }),
        keep_going("sliding", {
            let boards = app.boards.clone();
            move || {
                let boards = boards.clone();
                async move {
                    loop {
                        tokio::time::sleep(boards::SLIDES).await;
                        boards.slide();
                    }
                }
            }
        }),
        keep_going("sweeping", move || {
            let app = sweeping.clone();
            async move {
                loop {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                    app.hub.sweep();
                    app.boards.sweep();
                    // whatever a lost notification kept from us is seen now
                    app.boards.catch_up().await;
                }
            }
        }),
    ];
    tasks.extend(writing);
    tasks
}

/// A task that panics is started again, after a breath.
fn keep_going<F: Future<Output = ()> + Send + 'static>(
    name: &'static str,
    task: impl Fn() -> F + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            // aborting this task must end the one inside, too
            if let Err(error) = AbortOnDropHandle::new(tokio::spawn(task())).await
                && error.is_panic()
            {
                tracing::error!(task = name, "a task panicked and is started again");
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    })
}

/// What happens once in the whole installation, however many instances there are.
async fn schedule(app: &App, config: &Config) -> anyhow::Result<Schedule> {
    let db = app.db.clone();
    let schedule = Schedule::new(db.clone()).await?;
    if let Some(period) = config.refresh_every {
        let db = db.clone();
        schedule
            .every("refresh", period, move |claim| {
                let db = db.clone();
                async move { summary::refresh_all(&db, Some(&claim)).await }
            })
            .await?;
    }
    {
        let db = db.clone();
        schedule
            .every("expire", Duration::from_secs(5), move |claim| {
                let db = db.clone();
                async move { inventory::expire_due(&db, Some(&claim)).await }
            })
            .await?;
    }
    {
        let db = db.clone();
        schedule
            .every("reservations", Duration::from_secs(30), move |claim| {
                let db = db.clone();
                async move { inventory::end_reservations(&db, Some(&claim)).await }
            })
            .await?;
    }
    {
        let db = db.clone();
        schedule
            .every("close", Duration::from_secs(20), move |claim| {
                let db = db.clone();
                async move { summary::close_days(&db, Some(&claim)).await.map(drop) }
            })
            .await?;
    }
    {
        let db = db.clone();
        schedule
            .every("verify", Duration::from_secs(24 * 3600), move |_| {
                let db = db.clone();
                async move { verify(&db).await }
            })
            .await?;
    }
    {
        let db = db.clone();
        schedule
            .every("retention", Duration::from_secs(3600), move |_| {
                let db = db.clone();
                async move { ingest::keep(&db).await }
            })
            .await?;
    }
    {
        let db = db.clone();
        schedule
            .every("alerts", Duration::from_secs(alerts::EVERY), move |claim| {
                let db = db.clone();
                async move { alerts::round(&db, Some(&claim)).await.map(|_| ()) }
            })
            .await?;
    }
    {
        let (db, outlets) = (db.clone(), app.outlets.clone());
        schedule
            .every("alert messages", Duration::from_secs(3), move |_| {
                let (db, outlets) = (db.clone(), outlets.clone());
                async move { alerts::deliver(&db, &outlets).await.map(|_| ()) }
            })
            .await?;
    }
    if app.mail.is_on() {
        let (db, mail) = (db.clone(), app.mail.clone());
        schedule
            .every("mail", Duration::from_secs(3), move |_| {
                let (db, mail) = (db.clone(), mail.clone());
                async move { mail.deliver(&db).await.map(|_| ()) }
            })
            .await?;
    }
    {
        let (db, auth, mail, rates) = (db.clone(), app.auth.clone(), app.mail.clone(), app.link_rates.clone());
        schedule
            .every("prune", Duration::from_secs(3600), move |_| {
                let (db, auth, mail, rates) = (db.clone(), auth.clone(), mail.clone(), rates.clone());
                async move {
                    let mut tx = db.write_in_background(&db::Scope::All).await?;
                    outbox::prune(&mut tx).await?;
                    catalog::prune(&mut tx).await?;
                    tx.commit().await?;
                    jobs::prune(&db).await?;
                    brokers::prune(&db).await?;
                    auth.sessions.prune().await?;
                    auth.throttle.prune().await?;
                    mail.prune(&db).await?;
                    boards::commands::prune(&db).await?;
                    alerts::prune(&db).await?;
                    auth.keys.prune();
                    rates.prune();
                    Ok(())
                }
            })
            .await?;
    }
    schedule.start().await?;
    Ok(schedule)
}

async fn verify(db: &Db) -> crate::error::Result<()> {
    let differences = summary::verify(db).await?;
    // the log of the process lies elsewhere, so this line says later whether the audit log was rewritten
    let seal = audit::seal(&mut *db.background().acquire().await?).await?;
    tracing::info!(rows = seal.rows, chains = seal.chains, seal = seal.hash, "audit log");
    metrics::gauge!("pulseboard_verify_differences").set(differences.len() as f64);
    for difference in differences.iter().take(20) {
        tracing::error!(?difference, "a figure is not what its source rows say");
    }
    Ok(())
}
