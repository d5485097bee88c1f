//! The product without its ready boards: the same router, layers and handlers, but before each request the board's
//! facility is said to have changed, so that every page is composed from Postgres. The product itself has no such switch.

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

/// `role-direct PORT`, with `DATABASE_URL`
pub fn run() -> Result<()> {
    let port = std::env::args().nth(2).context("role-direct: which port?")?;
    let settings = [("listen", "127.0.0.1:0"), ("metrics_listen", "off")];
    let config = Config::load(None, &settings.map(|(key, value)| (key, value.to_owned())))?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let _guard = telemetry::init(&config)?;
        let running = boot::start(&config, config.require_database()?.parse()?).await?;
        let db = running.app.db.clone();
        let forget = move |request: Request, next: Next| {
            if let Some(facility) = facility_of(request.uri().path()) {
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
