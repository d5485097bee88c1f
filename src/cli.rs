//! The command line: every command and flag with its help. What the commands do lives with the features; the flags that are
//! settings flow into [`Config`](crate::config::Config).

mod demo;
mod detect;
mod import;
pub mod run;

use std::io;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::config::{Config, ConfigError};

/// Live dashboards for people who run things together, from Postgres, in one binary.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Examples:
  pulseboard demo                                     try it, with a synthetic network and its own Postgres
  pulseboard migrate && pulseboard serve              production, settings from the environment
  pulseboard config                                   what would be used, and where each value comes from

Settings come from flags, then the environment, then a TOML file, then defaults."
)]
pub struct Cli {
    #[command(flatten)]
    pub settings: Settings,
    #[command(subcommand)]
    pub command: Command,
}

/// The settings that are flags too.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// TOML file with settings [env: PULSEBOARD_CONFIG] [default: pulseboard.toml here, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Postgres server to use instead of a private one [env: DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Folder of the private Postgres [env: PULSEBOARD_DATA_DIR] [default: demo-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<String>,
    /// Folder with initdb and postgres, 14 to 18 [env: PULSEBOARD_PG_BIN]
    #[arg(long, global = true, value_name = "DIR")]
    pub pg_bin: Option<String>,
    /// Where pages are served [env: PULSEBOARD_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Where metrics are served, or off [env: PULSEBOARD_METRICS_LISTEN] [default: 127.0.0.1:9090]
    #[arg(long, global = true, value_name = "ADDR")]
    pub metrics_listen: Option<String>,
    /// The address people type [env: PULSEBOARD_BASE_URL] [default: made from --listen]
    #[arg(long, global = true, value_name = "URL")]
    pub base_url: Option<String>,
    /// json or pretty [env: PULSEBOARD_LOG_FORMAT] [default: pretty at a terminal, else json]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Which log lines, such as info,pulseboard=debug [env: PULSEBOARD_LOG_FILTER] [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log_filter: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server (needs DATABASE_URL and PULSEBOARD_SECRET)
    #[command(after_help = "Examples:
  DATABASE_URL=postgres://app@db/board PULSEBOARD_SECRET=... pulseboard serve
  pulseboard serve --role jobs --config /etc/pulseboard.toml

Stops within 25 s of SIGTERM: no new work, streams told to reconnect, requests finished.")]
    Serve(Serve),
    /// Try it: a synthetic network that lives, with a private Postgres
    #[command(after_help = "Examples:
  pulseboard demo
  pulseboard demo --reset --facilities 12 --listen 127.0.0.1:9000
  pulseboard demo --json                              one line of JSON with the address and log-ins, once it serves")]
    Demo(Demo),
    /// Bring the database to this version's schema (as the owner: PULSEBOARD_DATABASE_OWNER_URL)
    #[command(after_help = "Example:
  PULSEBOARD_DATABASE_OWNER_URL=postgres://owner@db/board pulseboard migrate")]
    Migrate,
    /// Fill an empty database with a synthetic network
    #[command(after_help = "Example:
  pulseboard seed --facilities 1000 --days 365")]
    Seed(Seed),
    /// Recompute every figure from its source rows and print each difference
    #[command(after_help = "Examples:
  pulseboard verify                                   the database of the settings
  pulseboard verify --data demo-data                  a demo's, running or not

Ends with 0 when nothing differs, with 1 otherwise.")]
    Verify,
    /// Take in events or points from a file: CSV, NDJSON (plain, .gz, .zst) or Parquet
    #[command(after_help = "Examples:
  pulseboard import events orders.ndjson.zst
  pulseboard import metrics cpu.csv --metric cpu_usage --facility 7
  pulseboard import events sales.parquet --source /shop --type shop.sold --dry-run

Cut off, the same command goes on exactly where it committed.")]
    Import(Import),
    /// Add people, shut them out, change passwords
    User {
        #[command(subcommand)]
        command: User,
    },
    /// Find what is unusual in a series: a CSV file with columns timestamp and value
    #[command(after_help = "Examples:
  pulseboard detect cpu.csv > scored.csv
  tail -f -n +1 requests.csv | pulseboard detect - --explain
  pulseboard detect cpu.csv --sensitivity 0.7

Writes a row for every row, as soon as it is read: timestamp,value,anomaly_score,alert. The score is between 0 and 1 and depends only
on the rows up to it; alert is 1 where the score is at least 1 - sensitivity. A row without a value, or with NaN, has score 0.")]
    Detect(Detect),
    /// Print the effective settings and where each comes from, secrets masked
    #[command(after_help = "Example:
  pulseboard config --config /etc/pulseboard.toml")]
    Config,
    /// Print the completion script of a shell
    #[command(after_help = "Examples:
  pulseboard completions bash > ~/.local/share/bash-completion/completions/pulseboard
  pulseboard completions zsh > \"${fpath[1]}/_pulseboard\"
  pulseboard completions fish > ~/.config/fish/completions/pulseboard.fish")]
    Completions { shell: Shell },
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Which part of the work: web, ingest, jobs or all [env: PULSEBOARD_ROLE] [default: all]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Start over: remove the demo's data first
    #[arg(long)]
    pub reset: bool,
    /// Print one line of JSON once it serves, for scripts
    #[arg(long)]
    pub json: bool,
    /// Facilities in the network
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub facilities: u32,
    /// Days of history
    #[arg(long, value_name = "N", default_value_t = 45, value_parser = clap::value_parser!(u32).range(1..=1_500))]
    pub days: u32,
    /// The same seed makes the same network
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Leave the network still: no simulated activity
    #[arg(long)]
    pub still: bool,
}

#[derive(Debug, Args)]
pub struct Seed {
    /// Facilities in the network
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub facilities: u32,
    /// Days of history
    #[arg(long, value_name = "N", default_value_t = 45, value_parser = clap::value_parser!(u32).range(1..=1_500))]
    pub days: u32,
    /// The same seed makes the same network
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct Detect {
    /// The file, or - for standard input
    #[arg(value_name = "FILE.csv")]
    pub file: PathBuf,
    /// From 0, never an alert, to 1
    #[arg(long, value_name = "N", default_value_t = 0.5, value_parser = detect::sensitivity)]
    pub sensitivity: f64,
    /// Add a column that says in words what is unusual about an alert
    #[arg(long)]
    pub explain: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// What the rows are
    #[arg(value_enum)]
    pub kind: ImportKind,
    /// The file: .csv, .ndjson, .jsonl (also with .gz or .zst behind) or .parquet
    pub file: PathBuf,
    /// Read every row and say what is wrong with which; store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Facility, by id, of rows that name none
    #[arg(long, value_name = "ID")]
    pub facility: Option<i64>,
    /// Source of events that name none
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// Type of events that name none
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Metric of points that name none
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
}

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportKind {
    /// CloudEvents: id, source, type, time, subject, facility, data; other columns go into data
    Events,
    /// Points: metric_name, value, timestamp, facility, tags; other columns are tags
    Metrics,
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a person
    #[command(after_help = "Examples:
  pulseboard user add --email ada@example.org --name 'Ada Diallo' --role network-admin
  pulseboard user add --email kofi@example.org --name 'Kofi Mensah' --role staff --facility 7 --password-stdin < password.txt

Asks for the password at a terminal.")]
    Add(AddUser),
    /// Shut a person out: ends their sessions and refuses their log-ins
    Disable {
        /// The e-mail they log in with
        email: String,
    },
    /// Take away somebody's second factor, for when phone and recovery codes are lost: ends their sessions
    ResetTwoFactor {
        /// The e-mail they log in with
        email: String,
    },
    /// Set a new password: ends their sessions
    #[command(after_help = "Example:
  pulseboard user password ada@example.org --password-stdin < password.txt")]
    Password {
        /// The e-mail they log in with
        email: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, Args)]
pub struct AddUser {
    /// The e-mail they log in with
    #[arg(long)]
    pub email: String,
    /// Their name, as others see it
    #[arg(long)]
    pub name: String,
    /// What they may do
    #[arg(long, value_enum)]
    pub role: UserRole,
    /// Facility they work at, by id; may be repeated. Everybody but a network admin needs one
    #[arg(long, value_name = "ID", required_if_eq_any([("role", "viewer"), ("role", "staff"), ("role", "facility-admin")]))]
    pub facility: Vec<i64>,
    /// Read the password from standard input
    #[arg(long)]
    pub password_stdin: bool,
}

/// What a person may do, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UserRole {
    /// Looks at the boards of their facilities
    Viewer,
    /// Receives, requests, issues
    Staff,
    /// Also manages people and settings of their facilities
    FacilityAdmin,
    /// Everything, everywhere
    NetworkAdmin,
}

impl UserRole {
    /// The name in the database: `network_admin`.
    pub fn as_str(self) -> &'static str {
        match self {
            UserRole::Viewer => "viewer",
            UserRole::Staff => "staff",
            UserRole::FacilityAdmin => "facility_admin",
            UserRole::NetworkAdmin => "network_admin",
        }
    }
}

impl Cli {
    /// The effective settings: these flags, then the environment, the file, the defaults.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(self.settings.config.clone(), &self.flags())
    }

    fn flags(&self) -> Vec<(&'static str, String)> {
        let settings = &self.settings;
        let role = match &self.command {
            Command::Serve(serve) => serve.role.as_ref(),
            _ => None,
        };
        [
            ("database_url", settings.database_url.as_ref()),
            ("data_dir", settings.data.as_ref()),
            ("pg_bin", settings.pg_bin.as_ref()),
            ("listen", settings.listen.as_ref()),
            ("metrics_listen", settings.metrics_listen.as_ref()),
            ("base_url", settings.base_url.as_ref()),
            ("log_format", settings.log_format.as_ref()),
            ("log_filter", settings.log_filter.as_ref()),
            ("role", role),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?.clone())))
        .collect()
    }
}

/// `pulseboard config`
pub fn print_config(config: &Config) {
    print!("{}", config.masked());
}

/// `pulseboard completions`
pub fn print_completions(shell: Shell) {
    clap_complete::generate(shell, &mut Cli::command(), "pulseboard", &mut io::stdout());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_are_taken_before_and_after_the_command() {
        let before = parse("pulseboard --listen 127.0.0.1:1 serve --role jobs").unwrap();
        let after = parse("pulseboard serve --role jobs --listen 127.0.0.1:1").unwrap();

        assert_eq!(before.flags(), after.flags());
        let config = before.config().unwrap();
        assert_eq!((config.listen.port(), config.role), (1, crate::config::Role::Jobs));
    }

    #[test]
    fn only_a_network_admin_needs_no_facility() {
        assert!(parse("pulseboard user add --email a@b.c --name A --role network-admin").is_ok());
        assert!(parse("pulseboard user add --email a@b.c --name A --role staff --facility 7 --facility 8").is_ok());
        assert!(parse("pulseboard user add --email a@b.c --name A --role staff").is_err());
    }

    #[test]
    fn every_command_has_help_and_examples_name_real_flags() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
        assert!(parse("pulseboard demo --reset --facilities 12 --listen 127.0.0.1:9000 --data d --json").is_ok());
        assert!(parse("pulseboard seed --facilities 1000 --days 365").is_ok());
        assert!(parse("pulseboard verify --data demo-data").is_ok());
        assert!(parse("pulseboard import metrics cpu.csv --metric cpu_usage --facility 7").is_ok());
        assert!(parse("pulseboard import events sales.parquet --source /shop --type shop.sold --dry-run").is_ok());
    }
}
