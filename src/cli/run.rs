//! What each command does.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use anyhow::{Context, bail};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::{AddUser, Cli, Command, Seed, User, demo, detect, import, print_completions, print_config};
use crate::audit::{self, Actor};
use crate::auth::{Passwords, Role};
use crate::boot;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::embedded::{self, Cluster};
use crate::db::{self, Db, PoolSizes};
use crate::ids::FacilityId;
use crate::synthetic::{self, Plan, Progress};
use crate::users::{self, NewUser};
use crate::{summary, telemetry};

/// Runs the command and answers the exit code.
pub async fn run(cli: Cli) -> anyhow::Result<i32> {
    // a filter of files, which has nothing to do with an installation's settings
    if let Command::Detect(asked) = &cli.command {
        return detect::run(asked).map(|()| 0);
    }
    let config = cli.config()?;
    match cli.command {
        Command::Completions { shell } => print_completions(shell),
        Command::Config => print_config(&config),
        Command::Detect(_) => {}
        Command::Serve(_) => serve(&config).await?,
        Command::Demo(demo) => demo::run(config, &demo).await?,
        Command::Migrate => migrate(&config).await?,
        Command::Seed(seed) => fill(&config, &seed).await?,
        Command::Verify => return verify(&config).await,
        Command::Import(wanted) => return import::run(&config, &wanted).await,
        Command::User { command } => user(&config, command).await?,
    }
    Ok(0)
}

/// `serve`: production, on a server of one's own.
async fn serve(config: &Config) -> anyhow::Result<()> {
    let url = config.require_database()?;
    config.require_secret()?;
    let options: PgConnectOptions = url.parse()?;
    let guard = telemetry::init(config)?;
    if !db::schema_is_current(&options).await? {
        bail!("the database does not have this version's schema; run `pulseboard migrate` as its owner first");
    }
    let running = boot::start(config, options).await?;
    tracing::info!(address = %running.address, "serving");
    stop_signal().await;
    tracing::info!("stopping");
    running.stop().await;
    guard.shutdown().await;
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupted.await;
        }
    }
}

async fn migrate(config: &Config) -> anyhow::Result<()> {
    let url = match &config.database_owner_url {
        Some(url) => url,
        None => config.require_database()?,
    };
    let done = db::migrate(&url.parse()?).await?;
    println!("{} of {} migrations applied", done.applied, done.total);
    Ok(())
}

/// A database for a command: the configured server, or the private one in the data folder.
pub struct Opened {
    pub options: PgConnectOptions,
    cluster: Option<Cluster>,
}

impl Opened {
    pub async fn open(config: &Config) -> anyhow::Result<Opened> {
        if let Some(url) = &config.database_url {
            return Ok(Opened {
                options: url.parse()?,
                cluster: None,
            });
        }
        let cluster = Cluster::start(&embedded::Options {
            data_dir: config.data_dir.clone(),
            pg_bin: config.pg_bin.clone(),
            for_tests: false,
        })
        .await?;
        let options = cluster.options(embedded::SUPERUSER, embedded::SUPERUSER);
        Ok(Opened {
            options,
            cluster: Some(cluster),
        })
    }

    pub async fn pools(&self) -> anyhow::Result<Db> {
        Db::open(
            self.options.clone(),
            PoolSizes {
                web: 4,
                ingest: 2,
                jobs: 4,
            },
            Clock::system(),
        )
        .await
    }

    /// Tells the planner what was just written, which only the owner of the tables may.
    pub async fn analyze(&self) -> anyhow::Result<()> {
        sqlx::raw_sql("analyze")
            .execute(&mut self.options.connect().await?)
            .await?;
        Ok(())
    }

    pub async fn close(self) -> anyhow::Result<()> {
        match self.cluster {
            Some(cluster) => cluster.stop().await,
            None => Ok(()),
        }
    }
}

async fn fill(config: &Config, seed: &Seed) -> anyhow::Result<()> {
    let opened = Opened::open(config).await?;
    db::migrate(&opened.options).await?;
    let db = opened.pools().await?;
    let begun = Instant::now();
    let plan = Plan {
        facilities: seed.facilities as usize,
        days: seed.days,
        seed: seed.seed,
    };
    let seeded = synthetic::seed(&db, &plan, progress_bar).await?;
    opened.analyze().await?;
    eprintln!();
    println!("{seeded:?} in {:.1} s", begun.elapsed().as_secs_f64());
    db.close().await;
    opened.close().await
}

/// One line that is written over, at a terminal; a line for every tenth elsewhere.
pub fn progress_bar(progress: Progress) {
    const WIDTH: u32 = 32;
    let days = progress.days.max(1);
    let filled = (progress.day * WIDTH / days).min(WIDTH) as usize;
    let bar = format!("[{}{}]", "#".repeat(filled), " ".repeat(WIDTH as usize - filled));
    if std::io::stderr().is_terminal() {
        eprint!("\r  {bar} day {}/{days}, {} rows", progress.day, progress.rows);
        let _ = std::io::stderr().flush();
    } else if progress.day.is_multiple_of((days / 10).max(1)) {
        eprintln!("  {bar} day {}/{days}, {} rows", progress.day, progress.rows);
    }
}

/// 0 when nothing differs, 1 otherwise.
async fn verify(config: &Config) -> anyhow::Result<i32> {
    if config.database_url.is_none() && !embedded::exists(&config.data_dir) {
        bail!(
            "there is no database in {}; name a demo's folder with --data, or set DATABASE_URL",
            config.data_dir.display()
        );
    }
    let opened = Opened::open(config).await?;
    let db = opened.pools().await?;
    let begun = Instant::now();
    let differences = summary::verify(&db).await?;
    let seal = audit::seal(&mut *db.background().acquire().await?).await?;
    for difference in &differences {
        println!(
            "{} | facility {} | {} | expected {} | found {}",
            difference.check, difference.facility_id, difference.thing, difference.expected, difference.found
        );
    }
    println!(
        "{} differences, {:.1} s",
        differences.len(),
        begun.elapsed().as_secs_f64()
    );
    println!(
        "audit log: {} rows in {} chains, seal {}",
        seal.rows, seal.chains, seal.hash
    );
    db.close().await;
    opened.close().await?;
    Ok(i32::from(!differences.is_empty()))
}

async fn user(config: &Config, command: User) -> anyhow::Result<()> {
    let opened = Opened::open(config).await?;
    let db = opened.pools().await?;
    let passwords = Passwords::default();
    let actor = Actor::command_line();
    match command {
        User::Add(AddUser {
            email,
            name,
            role,
            facility,
            password_stdin,
        }) => {
            let role: Role = role.as_str().parse()?;
            let facilities = facility.into_iter().map(FacilityId).collect();
            let new = NewUser {
                email,
                name,
                password: ask_password(password_stdin)?,
                role,
                facilities,
            };
            let id = users::add(&db, &passwords, &actor, &new).await?;
            println!("added {} as user {id}", new.email);
        }
        User::Disable { email } => {
            users::disable(&db, &actor, &email)
                .await
                .with_context(|| format!("nobody logs in as {email}"))?;
            println!("disabled {email}; their sessions have ended");
        }
        User::ResetTwoFactor { email } => {
            let user = users::find_by_email(&db, &email)
                .await?
                .with_context(|| format!("nobody logs in as {email}"))?;
            users::remove_second_factor(&db, &actor, user)
                .await
                .with_context(|| format!("{email} has no second factor"))?;
            println!("the second factor of {email} is gone; their sessions have ended");
        }
        User::Password { email, password_stdin } => {
            let password = ask_password(password_stdin)?;
            users::reset_password(&db, &passwords, &actor, &email, &password).await?;
            println!("the password of {email} is changed; their sessions have ended");
        }
    }
    db.close().await;
    opened.close().await
}

fn ask_password(from_stdin: bool) -> anyhow::Result<String> {
    if !from_stdin {
        return rpassword::prompt_password("Password: ")
            .context("cannot ask for a password here; use --password-stdin");
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
