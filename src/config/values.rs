//! The types of settings and the parsers of their texts. A parser gives `None` for what it does not accept; the words for the
//! person stand in the list of settings.

use std::fmt;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::Uri;
use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;

/// A text that is not one of the accepted values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an accepted value")]
pub struct NotAccepted;

/// Which part of the work a process does; any number of each run on one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Pages and streams.
    Web,
    /// Events from outside.
    Ingest,
    /// The scheduler.
    Jobs,
    All,
}

impl Role {
    /// Whether this process serves pages.
    pub fn serves_web(self) -> bool {
        matches!(self, Role::Web | Role::All)
    }

    /// Whether this process takes events in.
    pub fn takes_events(self) -> bool {
        matches!(self, Role::Ingest | Role::All)
    }

    /// Whether this process runs scheduled work.
    pub fn runs_jobs(self) -> bool {
        matches!(self, Role::Jobs | Role::All)
    }
}

impl FromStr for Role {
    type Err = NotAccepted;

    fn from_str(text: &str) -> Result<Role, NotAccepted> {
        match text {
            "web" => Ok(Role::Web),
            "ingest" => Ok(Role::Ingest),
            "jobs" => Ok(Role::Jobs),
            "all" => Ok(Role::All),
            _ => Err(NotAccepted),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Pretty,
}

impl LogFormat {
    /// For people at a terminal, for programs elsewhere.
    pub(super) fn for_terminal() -> LogFormat {
        if std::io::stderr().is_terminal() {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            LogFormat::Json => "json",
            LogFormat::Pretty => "pretty",
        }
    }
}

impl FromStr for LogFormat {
    type Err = NotAccepted;

    fn from_str(text: &str) -> Result<LogFormat, NotAccepted> {
        [LogFormat::Json, LogFormat::Pretty]
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or(NotAccepted)
    }
}

/// Scheme, host and port as a browser sends them in `Origin`: lower case, no default port, no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The address of a listener on this machine, for when nobody named a better one.
    pub fn of_listener(listen: SocketAddr) -> Origin {
        let host = match listen.ip() {
            ip if ip.is_unspecified() => "localhost".to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        match listen.port() {
            80 => Origin(format!("http://{host}")),
            port => Origin(format!("http://{host}:{port}")),
        }
    }

    /// `https://board.example.org`, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether people reach it over TLS: then cookies are `__Host-` and `Secure`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = NotAccepted;

    fn from_str(text: &str) -> Result<Origin, NotAccepted> {
        let uri: Uri = text.parse().map_err(|_| NotAccepted)?;
        let scheme = uri
            .scheme_str()
            .filter(|scheme| ["http", "https"].contains(scheme))
            .ok_or(NotAccepted)?;
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or(NotAccepted)?
            .to_lowercase();
        let has_login = uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'));
        if uri.path() != "/" || uri.query().is_some() || has_login {
            return Err(NotAccepted);
        }
        Ok(match (scheme, uri.port_u16()) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => Origin(format!("{scheme}://{host}")),
            (_, Some(port)) => Origin(format!("{scheme}://{host}:{port}")),
        })
    }
}

/// Addresses that share their first bits: `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    prefix: u32,
}

impl Network {
    /// Whether the address lies inside; IPv4 and IPv4-mapped IPv6 are the same address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let different = self.bits ^ to_bits(ip);
        different.checked_shr(128 - self.prefix).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = NotAccepted;

    fn from_str(text: &str) -> Result<Network, NotAccepted> {
        let (address, prefix) = text
            .split_once('/')
            .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let ip: IpAddr = address.parse().map_err(|_| NotAccepted)?;
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(longest), |prefix| prefix.parse().ok());
        let prefix = prefix.filter(|prefix| *prefix <= longest).ok_or(NotAccepted)?;
        Ok(Network {
            bits: to_bits(ip),
            prefix: 128 - longest + prefix,
        })
    }
}

fn to_bits(ip: IpAddr) -> u128 {
    let mapped = |ip: Ipv4Addr| ip.to_ipv6_mapped();
    let ip: Ipv6Addr = match ip {
        IpAddr::V4(ip) => mapped(ip),
        IpAddr::V6(ip) => ip,
    };
    ip.to_bits()
}

/// `90s`, `5m`, `8h`, `2d`, `250ms`: a whole number and one unit.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

pub(super) fn duration_in(text: &str, accepted: RangeInclusive<Duration>) -> Option<Duration> {
    duration(text).filter(|duration| accepted.contains(duration))
}

pub(super) fn number_in<T: FromStr + PartialOrd>(text: &str, accepted: RangeInclusive<T>) -> Option<T> {
    text.parse().ok().filter(|number| accepted.contains(number))
}

/// `Some(None)` for `off`.
pub(super) fn or_off<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text == "off" {
        Some(None)
    } else {
        parse(text).map(Some)
    }
}

pub(super) fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

pub(super) fn postgres_url(text: &str) -> Option<String> {
    let scheme = text.starts_with("postgres://") || text.starts_with("postgresql://");
    (scheme && text.parse::<PgConnectOptions>().is_ok()).then(|| text.to_owned())
}

pub(super) fn http_url(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let accepted = uri.host().is_some_and(|host| !host.is_empty()) && ["http", "https"].contains(&uri.scheme_str()?);
    accepted.then(|| text.trim_end_matches('/').to_owned())
}

pub(super) fn host(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
    (!text.is_empty() && text.len() <= 253 && text.chars().all(fits)).then(|| text.to_owned())
}

pub(super) fn hosts(text: &str) -> Option<Vec<String>> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(host)
        .collect()
}

/// An address, or a name and an address in angle brackets.
pub(super) fn mailbox(text: &str) -> Option<String> {
    text.parse::<lettre::message::Mailbox>().ok().map(|_| text.to_owned())
}

pub(super) fn networks(text: &str) -> Option<Vec<Network>> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| item.parse().ok())
        .collect()
}

pub(super) fn log_filter(text: &str) -> Option<String> {
    EnvFilter::try_new(text).ok().map(|_| text.to_owned())
}
