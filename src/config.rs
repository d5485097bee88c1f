//! The settings: what they are, where they come from (flag, environment, file, default, in this order), and what is accepted.
//! A wrong or missing one is a single line that names it.

mod brokers;
mod secret;
mod sign_in;
mod smtp;
mod sources;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use brokers::{Beginning, Kafka, Mechanism, RabbitMq};
pub use secret::Secret;
pub use sign_in::{Mapping, OpenId, SignIn};
pub use smtp::{Password, Smtp, SmtpTls};
pub use sources::{ConfigError, Source};
pub use values::{LogFormat, Network, Origin, Role, duration};

use sources::{Layers, Mask, Setting};

/// Every setting with its names and what it accepts; `pulseboard config` prints them in this order.
const SETTINGS: &[Setting] = &[
    Setting::new("database_url", "DATABASE_URL", "postgres://user:password@host/database")
        .flag("database-url")
        .mask(Mask::Url),
    Setting::new(
        "database_owner_url",
        "PULSEBOARD_DATABASE_OWNER_URL",
        "postgres://owner:password@host/database",
    )
    .mask(Mask::Url),
    Setting::new("pg_bin", "PULSEBOARD_PG_BIN", "a folder with initdb and postgres").flag("pg-bin"),
    Setting::new("data_dir", "PULSEBOARD_DATA_DIR", "a folder").flag("data"),
    Setting::new(
        "listen",
        "PULSEBOARD_LISTEN",
        "an address and port such as 127.0.0.1:8080",
    )
    .flag("listen"),
    Setting::new(
        "metrics_listen",
        "PULSEBOARD_METRICS_LISTEN",
        "an address and port such as 127.0.0.1:9090, or off",
    )
    .flag("metrics-listen"),
    Setting::new(
        "base_url",
        "PULSEBOARD_BASE_URL",
        "scheme and host, without a path, such as https://board.example.org",
    )
    .flag("base-url"),
    Setting::new(
        "secret",
        "PULSEBOARD_SECRET",
        "at least 32 random bytes as text, for example from `openssl rand -base64 48`",
    )
    .mask(Mask::All),
    Setting::new("role", "PULSEBOARD_ROLE", "web, ingest, jobs or all").flag("role"),
    Setting::new(
        "refresh_every",
        "PULSEBOARD_REFRESH_EVERY",
        "a duration from 10s to 24h such as 5m, or off",
    ),
    Setting::new(
        "freshness",
        "PULSEBOARD_FRESHNESS",
        "a duration from 1s to 24h such as 5m",
    ),
    Setting::new("session_idle", "PULSEBOARD_SESSION_IDLE", "a duration from 5m to 30m"),
    Setting::new("session_max", "PULSEBOARD_SESSION_MAX", "a duration from 30m to 12h"),
    Setting::new(
        "two_factor.required_for",
        "PULSEBOARD_TWO_FACTOR_REQUIRED_FOR",
        "roles out of viewer, staff, facility_admin, network_admin, separated by commas",
    ),
    Setting::new(
        "oidc.issuer",
        "PULSEBOARD_OIDC_ISSUER",
        "an https address such as https://login.example.org, exactly as the provider writes it",
    ),
    Setting::new(
        "oidc.client_id",
        "PULSEBOARD_OIDC_CLIENT_ID",
        "the name of this installation at the provider",
    ),
    Setting::new(
        "oidc.client_secret",
        "PULSEBOARD_OIDC_CLIENT_SECRET",
        "the secret that the provider gave",
    )
    .mask(Mask::All),
    Setting::new(
        "oidc.label",
        "PULSEBOARD_OIDC_LABEL",
        "the provider's name as people know it, at most 200 characters",
    ),
    Setting::new(
        "oidc.scopes",
        "PULSEBOARD_OIDC_SCOPES",
        "scopes besides openid, separated by commas, such as profile,email,groups",
    ),
    Setting::new(
        "oidc.role_claim",
        "PULSEBOARD_OIDC_ROLE_CLAIM",
        "the name of a claim such as groups or realm_access.roles",
    ),
    Setting::new(
        "oidc.mapping",
        "PULSEBOARD_OIDC_MAPPING",
        "[{ value = \"...\", facility = \"its name\", role = \"viewer, staff or facility_admin\" }, { value = \"...\", network_admin = true }]",
    ),
    Setting::new("oidc.create_people", "PULSEBOARD_OIDC_CREATE_PEOPLE", "true or false"),
    Setting::new(
        "trusted_proxies",
        "PULSEBOARD_TRUSTED_PROXIES",
        "addresses or networks such as 10.0.0.0/8, ::1, separated by commas",
    ),
    Setting::new(
        "webhook_hosts",
        "PULSEBOARD_WEBHOOK_HOSTS",
        "names of hosts such as hooks.example.org, separated by commas",
    ),
    Setting::new("log_format", "PULSEBOARD_LOG_FORMAT", "json or pretty").flag("log-format"),
    Setting::new(
        "log_filter",
        "PULSEBOARD_LOG_FILTER",
        "levels such as info or info,pulseboard=debug",
    )
    .flag("log-filter"),
    Setting::new(
        "otel_endpoint",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "an http or https address such as http://127.0.0.1:4318",
    )
    .mask(Mask::Url),
    Setting::new(
        "pool_web",
        "PULSEBOARD_POOL_WEB",
        "a number of connections from 1 to 500",
    ),
    Setting::new(
        "pool_ingest",
        "PULSEBOARD_POOL_INGEST",
        "a number of connections from 1 to 500",
    ),
    Setting::new(
        "pool_jobs",
        "PULSEBOARD_POOL_JOBS",
        "a number of connections from 1 to 500",
    ),
    Setting::new("max_streams", "PULSEBOARD_MAX_STREAMS", "a number from 1 to 100000"),
    Setting::new(
        "streams_per_user",
        "PULSEBOARD_STREAMS_PER_USER",
        "a number from 1 to 1000",
    ),
    Setting::new("synthetic", "PULSEBOARD_SYNTHETIC", "true or false"),
    Setting::new(
        "boards_folder",
        "PULSEBOARD_BOARDS_FOLDER",
        "a folder with boards as JSON files",
    ),
    Setting::new(
        "smtp.host",
        "PULSEBOARD_SMTP_HOST",
        "the name or address of a mail server such as smtp.example.org",
    ),
    Setting::new("smtp.port", "PULSEBOARD_SMTP_PORT", "a port such as 587, 465 or 25"),
    Setting::new(
        "smtp.tls",
        "PULSEBOARD_SMTP_TLS",
        "required, or opportunistic for a server on this machine",
    ),
    Setting::new("smtp.user", "PULSEBOARD_SMTP_USER", "the name to log in with"),
    Setting::new(
        "smtp.password",
        "PULSEBOARD_SMTP_PASSWORD",
        "the password to log in with, together with smtp.user",
    )
    .mask(Mask::All),
    Setting::new(
        "smtp.from",
        "PULSEBOARD_SMTP_FROM",
        "an address such as board@example.org or \"Pulseboard <board@example.org>\"",
    ),
    Setting::new(
        "rabbitmq",
        "PULSEBOARD_RABBITMQ",
        "[{ name = \"...\", url = \"amqps://user:password@host/vhost\" }], each with queue, exchange, routing_keys, facility, prefetch as wanted",
    )
    .mask(Mask::Brokers),
    Setting::new(
        "kafka",
        "PULSEBOARD_KAFKA",
        "[{ name = \"...\", brokers = [\"host:9092\"], topics = [\"...\"] }], each with from, facility, tls, user, password, mechanism as wanted",
    )
    .mask(Mask::Brokers),
];

/// The effective settings.
#[derive(Clone)]
pub struct Config {
    /// The server to use; without it commands that may do so run a private one in `data_dir`.
    pub database_url: Option<String>,
    /// The role that owns the tables, for `migrate`; `database_url` when it is not set.
    pub database_owner_url: Option<String>,
    /// Folder with the programs of the private Postgres.
    pub pg_bin: Option<PathBuf>,
    /// Folder of the private Postgres.
    pub data_dir: PathBuf,
    /// Where pages are served.
    pub listen: SocketAddr,
    /// Where `/metrics` is served; `None` = nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// The address people type: for links, the origin check, and the cookie (`https` makes it `__Host-` and `Secure`).
    pub base_url: Origin,
    /// Keys hashes and tokens; see [`Config::require_secret`].
    pub secret: Option<Secret>,
    /// Which part of the work this process does.
    pub role: Role,
    /// Period of the scheduled refresh; `None` = off.
    pub refresh_every: Option<Duration>,
    /// Age from which a summary is refreshed when somebody looks at it.
    pub freshness: Duration,
    /// A session ends after this time without a request.
    pub session_idle: Duration,
    /// A session ends after this time whatever happens.
    pub session_max: Duration,
    /// Ways in besides a password.
    pub sign_in: SignIn,
    /// Peers whose forwarded client address is believed.
    pub trusted_proxies: Vec<Network>,
    /// The only hosts that alerts are sent to, also inside the network; empty = every public one.
    pub webhook_hosts: Vec<String>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are written, in the syntax of `EnvFilter`.
    pub log_filter: String,
    /// Where traces are sent (OTLP over HTTP); `None` = nowhere.
    pub otel_endpoint: Option<String>,
    /// Connections for pages.
    pub pool_web: u32,
    /// Connections for events.
    pub pool_ingest: u32,
    /// Connections for scheduled work.
    pub pool_jobs: u32,
    /// Live streams this process holds at most.
    pub max_streams: usize,
    /// Live streams of one user at most.
    pub streams_per_user: usize,
    /// Whether the data is generated; every page then says so.
    pub synthetic: bool,
    /// Boards that are files: read at every start.
    pub boards_folder: Option<PathBuf>,
    /// How mail is sent; `None` = not at all, and links are shown to whoever asked for them.
    pub smtp: Option<Smtp>,
    /// Queues that events come from.
    pub rabbitmq: Vec<RabbitMq>,
    /// Topics that events come from.
    pub kafka: Vec<Kafka>,
    shown: Vec<sources::Shown>,
}

impl Config {
    /// Reads the settings: `flags` (key and value, from the command line), then the environment, then the file.
    /// The file is `--config`, `PULSEBOARD_CONFIG`, or `pulseboard.toml` here if there is one.
    ///
    /// # Errors
    /// The first wrong setting, in one line.
    pub fn load(file: Option<PathBuf>, flags: &[(&'static str, String)]) -> Result<Config, ConfigError> {
        let env = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let file = file
            .or_else(|| env("PULSEBOARD_CONFIG").map(PathBuf::from))
            .or_else(|| Some(PathBuf::from("pulseboard.toml")).filter(|path| path.exists()));
        Config::read(Layers::gather(SETTINGS, flags, env, file.as_deref())?)
    }

    /// The database of this process.
    ///
    /// # Errors
    /// When none is set: for commands that run only on a server of one's own.
    pub fn require_database(&self) -> Result<&str, ConfigError> {
        self.database_url
            .as_deref()
            .ok_or_else(|| sources::missing(SETTINGS, "database_url"))
    }

    /// The secret, for commands that cannot make up one.
    ///
    /// # Errors
    /// When none is set.
    pub fn require_secret(&self) -> Result<&Secret, ConfigError> {
        self.secret.as_ref().ok_or_else(|| sources::missing(SETTINGS, "secret"))
    }

    /// Every setting with its value and source, secrets and passwords masked; valid TOML.
    pub fn masked(&self) -> String {
        sources::table(&self.shown)
    }

    fn read(mut layers: Layers) -> Result<Config, ConfigError> {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let day = minutes(24 * 60);
        let listen: SocketAddr = layers.read("listen", "127.0.0.1:8080", |text| text.parse().ok())?;
        let session_idle = layers.read("session_idle", "15m", |text| {
            values::duration_in(text, minutes(5)..=minutes(30))
        })?;
        let data_dir = crate::db::embedded::default_data_dir();
        let log_format = LogFormat::for_terminal();
        Ok(Config {
            database_url: layers.read_optional("database_url", values::postgres_url)?,
            database_owner_url: layers.read_optional("database_owner_url", values::postgres_url)?,
            pg_bin: layers.read_optional("pg_bin", values::path)?,
            data_dir: layers.read("data_dir", &data_dir.to_string_lossy(), values::path)?,
            listen,
            metrics_listen: layers.read("metrics_listen", "127.0.0.1:9090", |text| {
                values::or_off(text, |t| t.parse().ok())
            })?,
            base_url: layers.read("base_url", &Origin::of_listener(listen).to_string(), |text| {
                text.parse().ok()
            })?,
            secret: layers.read_optional("secret", |text| Secret::new(text).ok())?,
            role: layers.read("role", "all", |text| text.parse().ok())?,
            refresh_every: layers.read("refresh_every", "5m", |text| {
                values::or_off(text, |t| values::duration_in(t, Duration::from_secs(10)..=day))
            })?,
            freshness: layers.read("freshness", "5m", |text| {
                values::duration_in(text, Duration::from_secs(1)..=day)
            })?,
            session_idle,
            session_max: layers.read("session_max", "8h", |text| {
                values::duration_in(text, minutes(30)..=minutes(12 * 60))
            })?,
            sign_in: read_sign_in(&mut layers)?,
            trusted_proxies: layers.read("trusted_proxies", "", values::networks)?,
            webhook_hosts: layers.read("webhook_hosts", "", values::hosts)?,
            log_format: layers.read("log_format", log_format.name(), |text| text.parse().ok())?,
            log_filter: layers.read("log_filter", "info", values::log_filter)?,
            otel_endpoint: layers.read_optional("otel_endpoint", values::http_url)?,
            pool_web: layers.read("pool_web", "8", |text| values::number_in(text, 1..=500))?,
            pool_ingest: layers.read("pool_ingest", "4", |text| values::number_in(text, 1..=500))?,
            pool_jobs: layers.read("pool_jobs", "3", |text| values::number_in(text, 1..=500))?,
            max_streams: layers.read("max_streams", "2000", |text| values::number_in(text, 1..=100_000))?,
            streams_per_user: layers.read("streams_per_user", "6", |text| values::number_in(text, 1..=1_000))?,
            synthetic: layers.read("synthetic", "false", |text| text.parse().ok())?,
            boards_folder: layers.read_optional("boards_folder", values::path)?,
            smtp: smtp(&mut layers)?,
            rabbitmq: layers.read("rabbitmq", "", brokers::rabbitmq)?,
            kafka: layers.read("kafka", "", brokers::kafka)?,
            shown: layers.shown(),
        })
    }
}

/// The mail server, if one is named; then an address to send from is needed too.
fn smtp(layers: &mut Layers) -> Result<Option<Smtp>, ConfigError> {
    let host = layers.read_optional("smtp.host", values::host)?;
    let local = host.as_deref().is_none_or(Smtp::is_local);
    let tls = layers.read("smtp.tls", "required", |text| {
        text.parse().ok().filter(|tls| *tls == SmtpTls::Required || local)
    })?;
    let port = layers.read("smtp.port", "587", |text| values::number_in(text, 1..=65535))?;
    let user = layers.read_optional("smtp.user", |text| Some(text.to_owned()))?;
    let password = layers.read_optional("smtp.password", Password::new)?;
    let from = layers.read_optional("smtp.from", values::mailbox)?;
    let Some(host) = host else { return Ok(None) };
    let login = match (user, password) {
        (None, None) => None,
        (Some(user), Some(password)) => Some((user, password)),
        (None, Some(_)) => return Err(sources::missing(SETTINGS, "smtp.user")),
        (Some(_), None) => return Err(sources::missing(SETTINGS, "smtp.password")),
    };
    let from = from.ok_or_else(|| sources::missing(SETTINGS, "smtp.from"))?;
    Ok(Some(Smtp {
        host,
        port,
        tls,
        login,
        from,
    }))
}

fn read_sign_in(layers: &mut Layers) -> Result<SignIn, ConfigError> {
    let second_factor_for = layers.read("two_factor.required_for", "", sign_in::roles)?;
    let issuer = layers.read_optional("oidc.issuer", sign_in::issuer)?;
    let client_id = layers.read_optional("oidc.client_id", sign_in::text)?;
    let client_secret = layers.read_optional("oidc.client_secret", sign_in::text)?;
    let label = layers.read("oidc.label", "your organisation", sign_in::text)?;
    let scopes = layers.read("oidc.scopes", "profile,email", sign_in::scopes)?;
    let role_claim = layers.read("oidc.role_claim", "groups", sign_in::text)?;
    let mapping = layers.read("oidc.mapping", "[]", sign_in::mapping)?;
    let create_people = layers.read("oidc.create_people", "false", |text| text.parse().ok())?;
    let openid = match (issuer, client_id) {
        (Some(issuer), Some(client_id)) => Some(OpenId {
            issuer,
            client_id,
            client_secret,
            label,
            scopes,
            role_claim,
            mapping,
            create_people,
        }),
        (Some(_), None) => return Err(sources::missing(SETTINGS, "oidc.client_id")),
        (None, Some(_)) => return Err(sources::missing(SETTINGS, "oidc.issuer")),
        (None, None) => None,
    };
    Ok(SignIn {
        second_factor_for,
        openid,
    })
}

/// The same as [`Config::masked`], so that a stray `{:?}` shows no password.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}
