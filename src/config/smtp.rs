//! How mail leaves the installation: one server, its log-in, and the address that mails come from.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::values::NotAccepted;

/// The server that mails are handed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// user and password; none for a server that knows this machine
    pub login: Option<(String, Password)>,
    /// the sender: `board@example.org` or `Pulseboard <board@example.org>`
    pub from: String,
}

/// Whether the way to the server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// Always, with a certificate that is checked: from the first byte on port 465, by STARTTLS elsewhere.
    Required,
    /// If the server offers it; accepted only for a server on this machine.
    Opportunistic,
}

impl FromStr for SmtpTls {
    type Err = NotAccepted;

    fn from_str(text: &str) -> Result<SmtpTls, NotAccepted> {
        match text {
            "required" => Ok(SmtpTls::Required),
            "opportunistic" => Ok(SmtpTls::Opportunistic),
            _ => Err(NotAccepted),
        }
    }
}

impl Smtp {
    /// Whether mails stay on this machine until the server has them.
    pub fn is_local(host: &str) -> bool {
        host.eq_ignore_ascii_case("localhost")
            || host
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    }
}

/// A password that never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    pub fn new(text: &str) -> Option<Password> {
        (!text.is_empty()).then(|| Password(text.to_owned()))
    }

    /// For the server, and nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}
