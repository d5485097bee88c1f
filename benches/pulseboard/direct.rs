//! The product without its ready boards: the same router, layers and handlers, but before each request either all boards
//! in memory are forgotten, so that each is read from Postgres as it is kept there, or the board's facility is said to have
//! changed, so that each is composed from its source rows. The product itself has no such switch.

use anyhow::{Context, Result};
use axum::extract::Request;
use axum::middleware::{self, Next};
use pulseboard::app;
use pulseboard::boot;
use pulseboard::config::Config;
use pulseboard::ids::FacilityId;
use pulseboard::{telemetry, web};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// From where the pages are to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// the kept rendering, read for each request
    Kept,
    /// the source rows, composed for each request
    Source,
}

impl Origin {
    pub fn word(self) -> &'static str {
        match self {
            Origin::Kept => "kept",
            Origin::Source => "source",
        }
    }
}

/// `role-direct PORT kept|source`, with `DATABASE_URL`
pub fn run() -> Result<()> {
    let port = std::env::args().nth(2).context("role-direct: which port?")?;
    let kept = std::env::args().nth(3).is_some_and(|word| word == Origin::Kept.word());
    let settings = [
        ("listen", "127.0.0.1:0"),
        ("metrics_listen", "off"),
        // nothing may change a board while its kept rendering is measured
        ("refresh_every", "off"),
    ];
    let config = Config::load(None, &settings.map(|(key, value)| (key, value.to_owned())))?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let _guard = telemetry::init(&config)?;
        let running = boot::start(&config, config.require_database()?.parse()?).await?;
        let (db, boards) = (running.app.db.clone(), running.app.boards.clone());
        let forget = move |request: Request, next: Next| {
            if kept {
                boards.forget();
            } else if let Some(facility) = facility_of(request.uri().path()) {
                db.committed(&[facility]);
            }
            next.run(request)
        };
        let router = app::router(running.app.clone()).layer(middleware::from_fn(forget));
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        let (_stop, stopping) = watch::channel(false);
        web::server::serve(listener, router, stopping, web::server::Patience::default()).await;
        Ok(())
    })
}

fn facility_of(path: &str) -> Option<FacilityId> {
    path.strip_prefix("/facilities/")?.parse().ok()
}
