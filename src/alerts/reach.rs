//! Where messages may be sent: never to an address inside our own network, however it is spelt, unless the installation
//! names the host (OWASP, server-side request forgery). The name is resolved once, every answer is looked at, and the
//! connection goes to one of those answers, so that a name cannot change its mind in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::redirect::Policy;

/// Time for a whole exchange.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hosts that may be sent to. Empty: every public one. Otherwise only these, wherever they are.
#[derive(Clone, Debug, Default)]
pub struct Reach(Arc<[String]>);

/// Why nothing is sent to an address.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    #[error("This is not an address of the web, such as https://hooks.example.org/path.")]
    NotAUrl,
    #[error("The address must begin with https.")]
    NotHttps,
    #[error("The address must not hold a user name or a password.")]
    HoldsCredentials,
    #[error("This host is not among those that the setting webhook_hosts allows.")]
    NotListed,
    #[error("This host is inside a private network; the setting webhook_hosts can allow it by name.")]
    Private,
    #[error("This host's name cannot be resolved.")]
    Unresolved,
    #[error("The connection cannot be prepared.")]
    Client,
}

impl Unreachable {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Unreachable::NotAUrl => t!("This is not an address of the web, such as https://hooks.example.org/path."),
            Unreachable::NotHttps => t!("The address must begin with https."),
            Unreachable::HoldsCredentials => t!("The address must not hold a user name or a password."),
            Unreachable::NotListed => t!("This host is not among those that the setting webhook_hosts allows."),
            Unreachable::Private => {
                t!("This host is inside a private network; the setting webhook_hosts can allow it by name.")
            }
            Unreachable::Unresolved => t!("This host's name cannot be resolved."),
            Unreachable::Client => t!("The connection cannot be prepared."),
        }
    }
}

impl Reach {
    pub fn new(hosts: impl IntoIterator<Item = String>) -> Self {
        Reach(hosts.into_iter().map(|host| host.to_lowercase()).collect())
    }

    fn lists(&self, host: &str) -> bool {
        self.0.iter().any(|one| one == host)
    }

    /// What can be said of an address without asking for its name.
    pub fn check(&self, url: &str) -> Result<Url, Unreachable> {
        let url = Url::parse(url.trim()).map_err(|_| Unreachable::NotAUrl)?;
        let host = url.host_str().ok_or(Unreachable::NotAUrl)?.to_lowercase();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unreachable::HoldsCredentials);
        }
        let listed = self.lists(&host);
        if !self.0.is_empty() && !listed {
            return Err(Unreachable::NotListed);
        }
        match url.scheme() {
            "https" => {}
            "http" if listed => {}
            "http" => return Err(Unreachable::NotHttps),
            _ => return Err(Unreachable::NotAUrl),
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if literal.is_ok_and(|address| !listed && !is_public(address)) {
            return Err(Unreachable::Private);
        }
        Ok(url)
    }

    /// A client that can reach the host of this address and no other.
    pub async fn client(&self, url: &Url) -> Result<reqwest::Client, Unreachable> {
        let host = url.host_str().ok_or(Unreachable::NotAUrl)?.to_lowercase();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default().unwrap_or(443);
        let looked_up = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((bare, port))).await;
        let found: Vec<SocketAddr> = looked_up
            .map_err(|_| Unreachable::Unresolved)?
            .map_err(|_| Unreachable::Unresolved)?
            .collect();
        if found.is_empty() {
            return Err(Unreachable::Unresolved);
        }
        if !self.lists(&host) && !found.iter().all(|address| is_public(address.ip())) {
            return Err(Unreachable::Private);
        }
        // whoever came first chose the same one
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(Policy::none())
            .no_proxy()
            .resolve_to_addrs(&host, &found)
            .build()
            .map_err(|_| Unreachable::Client)
    }
}

/// Whether an address belongs to the public network.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let benchmark = a == 198 && (b == 18 || b == 19);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || shared
        || protocol
        || benchmark)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let last = Ipv4Addr::from((u32::from(parts[6]) << 16) | u32::from(parts[7]));
    match parts {
        // NAT64 and 6to4 carry an address of the other kind
        [0x64, 0xff9b, ..] => is_public_v4(last),
        [0x2002, high, low, ..] => is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))),
        [0x2001, 0xdb8, ..] => false,
        // global unicast is 2000::/3 and nothing else
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_address_is_refused_however_it_is_spelt() {
        let reach = Reach::default();

        for inner in [
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://10.1.2.3/",
            "https://172.16.0.1/",
            "https://192.168.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
        ] {
            assert_eq!(reach.check(inner), Err(Unreachable::Private), "{inner}");
        }
    }

    #[test]
    fn only_the_web_and_only_with_tls() {
        let reach = Reach::default();

        assert!(reach.check("https://hooks.example.org/x?y=1").is_ok());
        assert_eq!(reach.check("http://hooks.example.org/"), Err(Unreachable::NotHttps));
        assert_eq!(reach.check("file:///etc/passwd"), Err(Unreachable::NotAUrl));
        assert_eq!(reach.check("gopher://x/"), Err(Unreachable::NotAUrl));
        assert_eq!(reach.check("hooks.example.org"), Err(Unreachable::NotAUrl));
        assert_eq!(
            reach.check("https://a:b@hooks.example.org/"),
            Err(Unreachable::HoldsCredentials)
        );
    }

    #[test]
    fn where_hosts_are_listed_only_those_are_reached() {
        let reach = Reach::new(["localhost".to_owned()]);

        assert!(reach.check("http://localhost:9/").is_ok());
        assert_eq!(reach.check("https://hooks.example.org/"), Err(Unreachable::NotListed));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
        let url = Url::parse("https://localhost/").unwrap();

        assert_eq!(Reach::default().client(&url).await.err(), Some(Unreachable::Private));
    }
}
