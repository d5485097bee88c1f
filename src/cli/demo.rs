//! `pulseboard demo`: a private Postgres, a synthetic network, its simulated activity, and the server, in one process.

use std::time::Instant;

use anyhow::Context;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use super::Demo;
use super::run::{Opened, progress_bar, stop_signal};
use crate::auth::Passwords;
use crate::boot;
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::db::{self, Db, PoolSizes, embedded};
use crate::synthetic::{self, DemoUser, Plan};
use crate::{boards, keys, telemetry};

pub async fn run(mut config: Config, demo: &Demo) -> anyhow::Result<()> {
    let begun = Instant::now();
    let say = |words: String| eprintln!("[{:>5.1} s] {words}", begun.elapsed().as_secs_f64());
    config.synthetic = true;
    if std::env::var_os("PULSEBOARD_LOG_FILTER").is_none() && config.log_filter == "info" {
        // the log is for those who ask for it; a demo shows its address and log-ins
        config.log_filter = "warn".into();
    }
    let guard = telemetry::init(&config)?;
    if demo.reset && config.database_url.is_none() {
        say(format!("removing {}", config.data_dir.display()));
        embedded::wipe(&config.data_dir)?;
    }
    say(match &config.database_url {
        Some(_) => "using the Postgres of DATABASE_URL".into(),
        None => format!("starting a private Postgres in {}", config.data_dir.display()),
    });
    let opened = Opened::open(&config).await?;
    if demo.reset && config.database_url.is_some() {
        say("emptying the database".into());
        empty(&opened.options).await?;
    }
    if config.secret.is_none() && config.database_url.is_none() {
        config.secret = Some(Secret::kept_in(&config.data_dir.join("secret"))?);
    }
    say("bringing the schema up to date".into());
    db::migrate(&opened.options)
        .await
        .context("this demo was made by another version; `--reset` starts over")?;

    let db = Db::open(
        opened.options.clone(),
        PoolSizes {
            web: 4,
            ingest: 2,
            jobs: 4,
        },
        Clock::system(),
    )
    .await?;
    let users = populate(&db, &opened, demo, &say).await?;
    let api_key = keys::create_for_demo(&db).await?;
    db.close().await;

    say("starting the server".into());
    let running = boot::start(&config, opened.options.clone()).await?;
    let stop = CancellationToken::new();
    let simulation = (!demo.still).then(|| {
        say("simulating activity".into());
        tokio::spawn(synthetic::simulate(running.app.db.clone(), stop.clone(), demo.seed))
    });
    let domains = (!demo.still).then(|| {
        let (db, pipeline) = (running.app.db.clone(), running.app.ingest.clone());
        tokio::spawn(synthetic::feed(db, pipeline, stop.clone(), demo.seed))
    });
    let url = format!("http://{}", running.address);
    if demo.json {
        println!(
            "{}",
            serde_json::json!({ "url": url, "users": users, "api_key": api_key })
        );
    } else {
        print_welcome(&url, &users, &api_key);
    }
    say("serving; Ctrl-C stops it, and the data stays".into());

    stop_signal().await;
    eprintln!();
    say("stopping".into());
    stop.cancel();
    for task in [simulation, domains].into_iter().flatten() {
        let _ = task.await;
    }
    running.stop().await;
    opened.close().await?;
    guard.shutdown().await;
    Ok(())
}

/// A network and its log-ins, unless they are there.
async fn populate(db: &Db, opened: &Opened, demo: &Demo, say: &impl Fn(String)) -> anyhow::Result<Vec<DemoUser>> {
    let facilities: i64 = sqlx::query_scalar!(r#"select count(*) as "count!" from facilities"#)
        .fetch_one(db.unscoped())
        .await?;
    if facilities == 0 {
        say(format!(
            "inventing {} facilities with {} days of history (seed {})",
            demo.facilities, demo.days, demo.seed
        ));
        let plan = Plan {
            facilities: demo.facilities as usize,
            days: demo.days,
            seed: demo.seed,
        };
        synthetic::seed(db, &plan, progress_bar).await?;
        boards::provision::shipped(db).await?;
        opened.analyze().await?;
    } else {
        say(format!("found {facilities} facilities"));
    }
    synthetic::demo_users(db, &Passwords::default())
        .await
        .context("cannot add the demo's log-ins")
}

async fn empty(owner: &PgConnectOptions) -> anyhow::Result<()> {
    use sqlx::ConnectOptions;
    let mut connection = owner.connect().await?;
    sqlx::raw_sql("drop schema public cascade; create schema public")
        .execute(&mut connection)
        .await?;
    Ok(())
}

fn print_welcome(url: &str, users: &[DemoUser], api_key: &str) {
    println!("\n  Pulseboard is at {url}\n");
    println!("  {:<15} {:<34} password", "role", "e-mail");
    for user in users {
        println!("  {:<15} {:<34} {}", user.role, user.email, user.password);
    }
    println!("\n  API key: {api_key}\n  curl -H \"Authorization: Bearer {api_key}\" {url}/api/v1/facilities\n");
}
