//! Kafka: any number of instances, each record once.

use std::collections::BTreeMap;

use pulseboard::brokers::Phase;
use pulseboard::config::{Beginning, Kafka, Mechanism};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;

use super::node::{self, KafkaBroker};
use super::{
    LIMIT, assert_each_once, dead_letters, event, patiently, refuse, start, state, stored, unique, until_stored,
};
use crate::support::TestApp;

/// The broker makes a topic with so many when it is first asked for.
const PARTITIONS: i32 = 4;

/// A topic that only this test knows.
pub(super) struct Topic {
    pub name: String,
    pub address: String,
    partitions: Vec<PartitionClient>,
    _client: Client,
}

impl Topic {
    pub async fn new() -> Topic {
        Topic::at(node::kafka().await).await
    }

    async fn at(address: String) -> Topic {
        let client = ClientBuilder::new(vec![address.clone()]).build().await.unwrap();
        let name = unique("events");
        let mut partitions = Vec::new();
        for partition in 0..PARTITIONS {
            let found = client.partition_client(name.clone(), partition, UnknownTopicHandling::Retry);
            let found = tokio::time::timeout(LIMIT, found).await.expect("the topic is made");
            partitions.push(found.unwrap());
        }
        Topic {
            name,
            address,
            partitions,
            _client: client,
        }
    }

    fn settings(&self) -> Kafka {
        Kafka {
            name: "shop".into(),
            brokers: vec![self.address.clone()],
            topics: vec![self.name.clone()],
            from: Beginning::Earliest,
            facility: None,
            tls: false,
            user: None,
            password: None,
            mechanism: Mechanism::Plain,
        }
    }

    pub async fn send(&self, partition: usize, records: Vec<Record>) {
        self.send_packed(partition, records, Compression::Gzip).await;
    }

    async fn send_packed(&self, partition: usize, records: Vec<Record>, compression: Compression) {
        let sent = self.partitions[partition].produce(records, compression);
        tokio::time::timeout(LIMIT, sent)
            .await
            .expect("the broker answers")
            .unwrap();
    }

    /// Spread over all partitions.
    async fn send_all(&self, ids: std::ops::Range<u32>) {
        for partition in 0..PARTITIONS {
            let own = ids.clone().filter(|id| id % PARTITIONS as u32 == partition as u32);
            let records: Vec<Record> = own.map(|id| structured(&id.to_string())).collect();
            if !records.is_empty() {
                self.send(partition as usize, records).await;
            }
        }
    }
}

fn record(headers: &[(&str, &str)], body: &[u8]) -> Record {
    let pairs = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    Record {
        key: None,
        value: Some(body.to_vec()),
        headers: pairs.collect::<BTreeMap<_, _>>(),
        timestamp: chrono::Utc::now(),
    }
}

pub(super) fn structured(id: &str) -> Record {
    record(
        &[("content-type", "application/cloudevents+json")],
        event(id).to_string().as_bytes(),
    )
}

fn ids(range: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    range.map(|id| id.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_both_modes_are_stored_and_an_instance_that_comes_later_reads_on() {
    let app = TestApp::new().await;
    let topic = Topic::new().await;
    let attributes = [
        ("ce_id", "binary"),
        ("ce_source", "/shop"),
        ("ce_type", "sale"),
        ("ce_specversion", "1.0"),
        ("content-type", "application/json"),
    ];
    topic
        .send(
            0,
            vec![record(&attributes, br#"{"price":3}"#), structured("structured")],
        )
        .await;

    let brokers = start(&app, &[], &[topic.settings()]);
    until_stored(&app, 2).await;
    brokers.stop().await;
    topic.send(0, vec![structured("later")]).await;
    let second = app.second_instance().await;
    let brokers = start(&second, &[], &[topic.settings()]);
    until_stored(&app, 3).await;
    state(&second, "nothing is behind", |state| state.behind == Some(0)).await;
    brokers.stop().await;

    assert_each_once(&app, ["binary", "later", "structured"].map(String::from)).await;
    let taken = second.brokers.all()[0].taken;
    assert_eq!(taken, 1, "what was read before is not read again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_read_however_their_sender_packs_them() {
    let app = TestApp::new().await;
    let topic = Topic::new().await;
    for (id, compression) in [
        ("plain", Compression::NoCompression),
        ("gzip", Compression::Gzip),
        ("lz4", Compression::Lz4),
        ("snappy", Compression::Snappy),
        ("zstd", Compression::Zstd),
    ] {
        topic.send_packed(2, vec![structured(id)], compression).await;
    }

    let brokers = start(&app, &[], &[topic.settings()]);
    until_stored(&app, 5).await;
    brokers.stop().await;

    assert_each_once(&app, ["gzip", "lz4", "plain", "snappy", "zstd"].map(String::from)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_join_and_leave_make_no_gap_and_nothing_twice() {
    let app = TestApp::new().await;
    let others = [app.second_instance().await, app.second_instance().await];
    let topic = Topic::new().await;
    let settings = [topic.settings()];
    topic.send_all(0..200).await;
    let first = start(&app, &[], &settings);
    until_stored(&app, 100).await;

    let second = start(&others[0], &[], &settings);
    let third = start(&others[1], &[], &settings);
    topic.send_all(200..400).await;
    for other in &others {
        state(other, "those that join get a share", |state| {
            [Some((1, 4)), Some((2, 4))].contains(&state.share)
        })
        .await;
    }
    topic.send_all(400..600).await;
    first.stop().await;
    topic.send_all(600..800).await;
    second.stop().await;
    topic.send_all(800..1000).await;
    until_stored(&app, 1000).await;
    third.stop().await;

    assert_each_once(&app, ids(0..1000)).await;
    let taken: u64 = [&app, &others[0], &others[1]]
        .iter()
        .map(|app| app.brokers.all()[0].taken)
        .sum();
    assert_eq!(taken, 1000, "each record was committed by one instance");
    let places: Vec<(i64, Option<String>)> =
        sqlx::query_as("select next_offset, holder from kafka_partitions order by partition")
            .fetch_all(&mut app.owner().await)
            .await
            .unwrap();
    assert_eq!(places, vec![(250, None); PARTITIONS as usize]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_read_under_a_lease_that_was_lost_is_not_stored() {
    let app = TestApp::new().await;
    let topic = Topic::new().await;
    let brokers = start(&app, &[], &[topic.settings()]);
    topic.send_all(0..40).await;
    until_stored(&app, 40).await;
    let mut owner = app.owner().await;
    // another instance took everything over, and is still reading what this one reads, too
    let taken = "update kafka_partitions set fence = fence + 1, holder = 'another', heartbeat_at = clock_timestamp() + interval '1 hour'";
    sqlx::query(taken).execute(&mut owner).await.unwrap();

    topic.send_all(40..80).await;
    state(&app, "the loss is seen", |state| state.share == Some((0, 4))).await;
    let meanwhile = stored(&app).await.len();
    // that instance is gone without a word
    let silent = "update kafka_partitions set heartbeat_at = clock_timestamp() - interval '1 minute'";
    sqlx::query(silent).execute(&mut owner).await.unwrap();
    until_stored(&app, 80).await;
    brokers.stop().await;

    assert_eq!(meanwhile, 40);
    assert_each_once(&app, ids(0..80)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_is_buried_after_five_tries_and_what_is_no_event_at_once() {
    let app = TestApp::new().await;
    refuse(&app, "poison").await;
    let topic = Topic::new().await;
    let plain = record(&[], b"hello \xff");
    let mut nowhere = event("nowhere");
    nowhere["facility"] = "987654321".into();
    let refused = record(
        &[("content-type", "application/cloudevents+json")],
        nowhere.to_string().as_bytes(),
    );
    let records = vec![structured("a"), structured("poison"), plain, refused, structured("b")];
    topic.send(1, records).await;

    let brokers = start(&app, &[], &[topic.settings()]);
    until_stored(&app, 2).await;
    state(&app, "three are buried", |state| state.dead == 3).await;
    brokers.stop().await;

    assert_each_once(&app, ["a", "b"].map(String::from)).await;
    let mut letters = dead_letters(&app).await;
    letters.sort();
    let told: Vec<(&str, &str)> = letters.iter().map(|(cause, reason, _)| (&**cause, &**reason)).collect();
    let [("invalid", neither), ("invalid", nowhere), ("poison", poison)] = told[..] else {
        panic!("{told:?}")
    };
    assert!(neither.contains("neither the headers"), "{neither}");
    assert_eq!(nowhere, "There is no such facility.");
    assert!(poison.contains("5 times"), "{poison}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_count_for_the_record_that_was_tried_and_for_no_other() {
    let app = TestApp::new().await;
    let topic = Topic::new().await;
    let idle = start(&app, &[], &[topic.settings()]);
    until_known(&app).await;
    idle.stop().await;
    // as instances leave it that were killed: nothing was tried in 0, the first record in 1 four times and in 2 five times
    let killed = "update kafka_partitions set tries = (array[6, 4, 5, 0]) [partition + 1],
                    tried_offset = case when partition in (1, 2) then 0 end";
    sqlx::query(killed).execute(&mut app.owner().await).await.unwrap();

    for (partition, id) in ["untried", "fifth", "poison"].into_iter().enumerate() {
        topic.send(partition, vec![structured(id)]).await;
    }
    let brokers = start(&app, &[], &[topic.settings()]);
    until_stored(&app, 2).await;
    state(&app, "one is buried", |state| state.dead == 1).await;
    brokers.stop().await;

    assert_each_once(&app, ["fifth", "untried"].map(String::from)).await;
    let letters = dead_letters(&app).await;
    assert_eq!(letters.len(), 1);
    assert!(
        letters[0].1.contains("never came to an end") && letters[0].2.contains("poison"),
        "{letters:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_read_from_its_end_goes_on_there_whoever_holds_it_next() {
    let app = TestApp::new().await;
    let topic = Topic::new().await;
    topic.send_all(0..8).await;
    let from_the_end = Kafka {
        from: Beginning::Latest,
        ..topic.settings()
    };
    let first = start(&app, &[], std::slice::from_ref(&from_the_end));
    state(&app, "all partitions are read", |state| {
        state.share == Some((PARTITIONS as usize, PARTITIONS as usize)) && state.behind == Some(0)
    })
    .await;
    until_known(&app).await;
    first.stop().await;

    // nobody reads meanwhile
    topic.send_all(8..16).await;
    let second = app.second_instance().await;
    let brokers = start(&second, &[], &[from_the_end]);
    until_stored(&app, 8).await;
    brokers.stop().await;

    assert_each_once(&app, ids(8..16)).await;
}

/// The place of every partition is noted.
async fn until_known(app: &TestApp) {
    let look = || async {
        let known: i64 = sqlx::query_scalar("select count(next_offset) from kafka_partitions")
            .fetch_one(&mut app.owner().await)
            .await
            .unwrap();
        (known == i64::from(PARTITIONS)).then_some(())
    };
    patiently(LIMIT, "every partition has its place", look).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_answers_nothing_is_given_up_and_tried_again() {
    let app = TestApp::new().await;
    let broker = KafkaBroker::start();
    let topic = Topic::at(broker.address.clone()).await;
    topic.send_all(0..8).await;
    let brokers = start(&app, &[], &[topic.settings()]);
    until_stored(&app, 8).await;

    broker.freeze();
    state(&app, "the silence is noticed", |state| {
        state.last_error.is_some() && state.phase == Phase::Waiting
    })
    .await;
    broker.thaw();
    state(&app, "it is back", |state| state.phase == Phase::Consuming).await;
    topic.send_all(8..16).await;
    until_stored(&app, 16).await;
    brokers.stop().await;

    assert_each_once(&app, ids(0..16)).await;
    assert_eq!(app.brokers.all()[0].phase, Phase::Stopped);
}
