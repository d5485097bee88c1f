//! Brokers that events come from: `[[rabbitmq]]` and `[[kafka]]` in the file, any number of each.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

/// A queue of a RabbitMQ, and what its events may say.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct RabbitMq {
    /// how the System page and dead letters call it
    pub name: String,
    /// `amqp://user:password@host:5672/vhost`, or `amqps` for TLS
    pub url: String,
    /// declared as a quorum queue
    #[serde(default = "default_queue")]
    pub queue: String,
    /// an exchange that is there already, to bind the queue to
    pub exchange: Option<String>,
    #[serde(default = "every_key")]
    pub routing_keys: Vec<String>,
    /// the one facility that its events belong to; none: whichever an event names
    pub facility: Option<i64>,
    /// messages that are on their way at once
    #[serde(default = "default_prefetch")]
    pub prefetch: u16,
}

/// Topics of a Kafka, and what their events may say.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// how the System page and dead letters call it; partitions are counted under this name, so a new one starts anew
    pub name: String,
    /// `host:9092`, of which one must answer
    pub brokers: Vec<String>,
    pub topics: Vec<String>,
    /// where a partition begins that was never read
    #[serde(default)]
    pub from: Beginning,
    pub facility: Option<i64>,
    #[serde(default)]
    pub tls: bool,
    /// SASL, with `mechanism`
    pub user: Option<String>,
    pub password: Option<String>,
    #[serde(default)]
    pub mechanism: Mechanism,
}

/// Where a partition begins that was never read.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Beginning {
    /// with whatever the broker still has
    #[default]
    Earliest,
    /// with what comes from now on
    Latest,
}

/// How a password is proven to a Kafka.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum Mechanism {
    #[default]
    #[serde(rename = "plain")]
    Plain,
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
}

fn default_queue() -> String {
    "pulseboard".into()
}

fn every_key() -> Vec<String> {
    vec!["#".into()]
}

fn default_prefetch() -> u16 {
    500
}

impl fmt::Debug for RabbitMq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("RabbitMq");
        shown.field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("Kafka");
        shown.field("name", &self.name).finish_non_exhaustive()
    }
}

/// A TOML list of tables, as the file has it or as one text.
pub(super) fn rabbitmq(text: &str) -> Option<Vec<RabbitMq>> {
    let all: Vec<RabbitMq> = list(text)?;
    let fits = |one: &RabbitMq| {
        let scheme = ["amqp://", "amqps://"].iter().any(|scheme| one.url.starts_with(scheme));
        scheme && is_name(&one.queue) && one.prefetch > 0 && !one.routing_keys.is_empty()
    };
    let named = are_names(all.iter().map(|one| &one.name));
    (named && all.iter().all(fits)).then_some(all)
}

pub(super) fn kafka(text: &str) -> Option<Vec<Kafka>> {
    let all: Vec<Kafka> = list(text)?;
    let fits = |one: &Kafka| {
        let is_address = |broker: &String| {
            let parts = broker.rsplit_once(':');
            parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        !one.brokers.is_empty()
            && one.brokers.iter().all(is_address)
            && !one.topics.is_empty()
            && one.topics.iter().all(|topic| is_name(topic))
            && one.user.is_some() == one.password.is_some()
    };
    let named = are_names(all.iter().map(|one| &one.name));
    (named && all.iter().all(fits)).then_some(all)
}

/// Every one a name, none twice.
fn are_names<'a>(names: impl Iterator<Item = &'a String>) -> bool {
    let mut known = BTreeSet::new();
    let mut names = names;
    names.all(|name| is_name(name) && known.insert(name))
}

fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[derive(Deserialize)]
struct Whole<T> {
    list: Vec<T>,
}

fn list<T: serde::de::DeserializeOwned>(text: &str) -> Option<Vec<T>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let whole: Whole<T> = toml::from_str(&format!("list = {}", text.replace(['\n', '\r'], " "))).ok()?;
    Some(whole.list)
}

/// The list with every password hidden: those of addresses, and those that stand for themselves.
pub(super) fn masked(text: &str, masked_url: impl Fn(&str) -> String) -> String {
    let Some(mut tables) = list::<toml::Table>(text) else {
        return "not shown".to_owned();
    };
    for table in &mut tables {
        for (key, value) in table.iter_mut() {
            if let ("url", toml::Value::String(url)) = (key.as_str(), &*value) {
                *value = toml::Value::String(masked_url(url));
            } else if key.contains("password") {
                *value = toml::Value::String("***".into());
            }
        }
    }
    toml::Value::Array(tables.into_iter().map(toml::Value::Table).collect()).to_string()
}
