//! The client, with a limit on everything: it would try a broker that is away for ever.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rskafka::BackoffConfig;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder, Credentials, SaslConfig};
use rskafka::record::RecordAndOffset;

use crate::config::{Beginning, Kafka, Mechanism};

use super::Lease;

const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of one answer, at least and at most; a larger record comes alone.
const ANSWER: std::ops::Range<i32> = 1..1_048_576;
/// How long the broker waits for records before it answers that there are none.
const LONGEST_WAIT_MS: i32 = 500;

pub async fn connect(settings: &Kafka) -> anyhow::Result<Client> {
    let mut builder = ClientBuilder::new(settings.brokers.clone())
        .client_id("pulseboard")
        .backoff_config(BackoffConfig {
            max_backoff: Duration::from_secs(5),
            deadline: Some(PATIENCE),
            ..BackoffConfig::default()
        });
    if settings.tls {
        builder = builder.tls_config(Arc::new(tls()?));
    }
    if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
        let credentials = Credentials::new(user.clone(), password.clone());
        builder = builder.sasl_config(match settings.mechanism {
            Mechanism::Plain => SaslConfig::Plain(credentials),
            Mechanism::ScramSha256 => SaslConfig::ScramSha256(credentials),
            Mechanism::ScramSha512 => SaslConfig::ScramSha512(credentials),
        });
    }
    within("connecting", builder.build()).await
}

/// The partitions of these topics, as far as they exist.
pub async fn partitions(client: &Client, topics: &[String]) -> anyhow::Result<Vec<(String, i32)>> {
    let all = within("listing the topics", client.list_topics()).await?;
    let wanted = all.into_iter().filter(|topic| topics.contains(&topic.name));
    let pairs = wanted.flat_map(|topic| {
        topic
            .partitions
            .into_iter()
            .map(move |number| (topic.name.clone(), number))
    });
    Ok(pairs.collect())
}

pub async fn partition(client: &Client, lease: &Lease) -> anyhow::Result<PartitionClient> {
    let found = client.partition_client(lease.topic.clone(), lease.partition, UnknownTopicHandling::Retry);
    within("finding the leader", found).await
}

/// Where a partition begins that was never read.
pub async fn beginning(partition: &PartitionClient, from: Beginning) -> anyhow::Result<i64> {
    let at = match from {
        Beginning::Earliest => OffsetAt::Earliest,
        Beginning::Latest => OffsetAt::Latest,
    };
    within("asking for the first offset", partition.get_offset(at)).await
}

/// Records from an offset on, with where the partition ends; none when the broker has not kept that offset.
pub async fn fetch(partition: &PartitionClient, offset: i64) -> anyhow::Result<Option<(Vec<RecordAndOffset>, i64)>> {
    let fetch = partition.fetch_records(offset, ANSWER, LONGEST_WAIT_MS);
    match tokio::time::timeout(PATIENCE, fetch).await {
        Ok(Ok(answer)) => Ok(Some(answer)),
        Ok(Err(Error::ServerError {
            protocol_error: ProtocolError::OffsetOutOfRange,
            ..
        })) => Ok(None),
        Ok(Err(error)) => Err(error).context("reading"),
        Err(_) => bail!("reading: no answer within {} s", PATIENCE.as_secs()),
    }
}

async fn within<T>(what: &str, asked: impl Future<Output = Result<T, Error>>) -> anyhow::Result<T> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.with_context(|| what.to_owned()),
        Err(_) => bail!("{what}: no answer within {} s", PATIENCE.as_secs()),
    }
}

/// The certificates that this machine trusts.
fn tls() -> anyhow::Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        bail!("this machine has no certificates of authorities, so no broker could be trusted");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}
