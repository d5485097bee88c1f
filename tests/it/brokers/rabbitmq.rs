//! RabbitMQ: what is acknowledged, what comes again, what is buried.

use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use pulseboard::auth::Role;
use pulseboard::brokers::{BrokerState, Phase};
use pulseboard::config::RabbitMq;

use super::proxy::Proxy;
use super::{
    LIMIT, assert_each_once, dead_letters, event, node, patiently, refuse, start, state, stored, unique, until_stored,
};
use crate::support::TestApp;

/// A queue that only this test knows, and a way to it besides the program's.
pub(super) struct Queue {
    pub name: String,
    pub port: u16,
    channel: Channel,
    _connection: Connection,
}

pub(super) fn url(port: u16) -> String {
    format!("amqp://guest:guest@127.0.0.1:{port}/%2f")
}

impl Queue {
    pub async fn new() -> Queue {
        let port = node::rabbitmq().await;
        // it accepts connections a moment before it lets anybody in
        let connect = || async {
            let url = url(port);
            let connecting = Connection::connect(&url, ConnectionProperties::default());
            connecting.await.ok()
        };
        let connection = patiently(LIMIT, "RabbitMQ lets us in", connect).await;
        let channel = connection.create_channel().await.unwrap();
        let name = unique("events");
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let dead = AMQPValue::LongString(format!("{name}.dead").as_str().into());
        arguments.insert("x-dead-letter-exchange".into(), dead);
        let declare = channel.queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), arguments);
        declare.await.unwrap();
        Queue {
            name,
            port,
            channel,
            _connection: connection,
        }
    }

    fn settings(&self) -> RabbitMq {
        self.settings_by(self.port)
    }

    fn settings_by(&self, port: u16) -> RabbitMq {
        RabbitMq {
            name: "shop".into(),
            url: url(port),
            queue: self.name.clone(),
            exchange: None,
            routing_keys: vec!["#".into()],
            facility: None,
            prefetch: 50,
        }
    }

    async fn publish(&self, properties: BasicProperties, body: &[u8]) {
        let (queue, options) = (self.name.as_str().into(), BasicPublishOptions::default());
        let sent = self
            .channel
            .basic_publish("".into(), queue, options, body, properties.with_delivery_mode(2));
        sent.await.unwrap().await.unwrap();
    }

    pub async fn send(&self, id: &str) {
        let properties = BasicProperties::default().with_content_type("application/cloudevents+json".into());
        self.publish(properties, event(id).to_string().as_bytes()).await;
    }

    async fn send_all(&self, ids: std::ops::Range<u32>) {
        for id in ids {
            self.send(&id.to_string()).await;
        }
    }

    /// Messages that wait here, or in the queue of the dead letters.
    async fn depth(&self, suffix: &str) -> Option<u32> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::durable()
        };
        let name = format!("{}{suffix}", self.name);
        let asked = self
            .channel
            .queue_declare(name.as_str().into(), passive, FieldTable::default());
        asked.await.ok().map(|queue| queue.message_count())
    }

    pub async fn until_depth(&self, suffix: &str, wanted: u32) {
        let look = || async { (self.depth(suffix).await == Some(wanted)).then_some(()) };
        patiently(LIMIT, &format!("{wanted} messages in the queue{suffix}"), look).await;
    }
}

fn ids(range: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    range.map(|id| id.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_both_modes_are_stored_and_then_acknowledged() {
    let app = TestApp::new().await;
    let queue = Queue::new().await;
    let mut headers = FieldTable::default();
    for (name, value) in [
        ("id", "binary"),
        ("source", "/shop"),
        ("type", "sale"),
        ("specversion", "1.0"),
    ] {
        let value = AMQPValue::LongString(value.into());
        headers.insert(format!("cloudEvents:{name}").as_str().into(), value);
    }
    let properties = BasicProperties::default().with_content_type("application/json".into());
    queue.publish(properties.with_headers(headers), br#"{"price":3}"#).await;
    queue.send("structured").await;

    let brokers = start(&app, &[queue.settings()], &[]);
    until_stored(&app, 2).await;
    brokers.stop().await;

    assert_each_once(&app, ["binary", "structured"].map(String::from)).await;
    queue.until_depth("", 0).await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let shown = admin.get("/admin/system").await.ok().text("table.brokers");
    assert!(shown.contains("shop") && shown.contains("Stopped"), "{shown}");
    let all = app.brokers.all();
    assert_eq!((all[0].phase, all[0].taken, all[0].dead), (Phase::Stopped, 2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_the_prefetch_is_on_its_way_and_what_was_not_committed_stays_in_the_queue() {
    let app = TestApp::new().await;
    let queue = Queue::new().await;
    queue.send_all(0..60).await;
    let mut lock = app.owner().await;
    let mut held = sqlx::Connection::begin(&mut lock).await.unwrap();
    sqlx::query("lock table events in exclusive mode")
        .execute(&mut *held)
        .await
        .unwrap();

    let settings = RabbitMq {
        prefetch: 20,
        ..queue.settings()
    };
    let brokers = start(&app, &[settings], &[]);
    queue.until_depth("", 40).await;
    let meanwhile = stored(&app).await.len();
    held.commit().await.unwrap();
    until_stored(&app, 60).await;
    brokers.stop().await;

    assert_eq!(meanwhile, 0);
    assert_each_once(&app, ids(0..60)).await;
    queue.until_depth("", 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_delivered_again_after_its_commit_counts_once() {
    let app = TestApp::new().await;
    let queue = Queue::new().await;
    queue.send_all(0..20).await;
    let proxy = Proxy::to(queue.port).await;
    // acknowledgements are lost on the way back: the commit stands, and the broker knows nothing of it
    let mut lock = app.owner().await;
    let mut held = sqlx::Connection::begin(&mut lock).await.unwrap();
    sqlx::query("lock table events in exclusive mode")
        .execute(&mut *held)
        .await
        .unwrap();

    let brokers = start(&app, &[queue.settings_by(proxy.port)], &[]);
    queue.until_depth("", 0).await;
    // sent is not yet read: somebody has to wait for the lock
    crate::support::eventually("a commit is under way", || async {
        sqlx::query_scalar::<_, i64>(
            "select count(*) from pg_locks l join pg_database d on d.oid = l.database
             where d.datname = current_database() and not l.granted and l.locktype = 'relation' having count(*) > 0",
        )
        .fetch_optional(&mut app.owner().await)
        .await
        .expect("the locks can be read")
    })
    .await;
    proxy.cut().await;
    held.commit().await.unwrap();
    // what was taken before the cut; the rest had not left the client
    until_stored(&app, 1).await;
    let is_cut = |state: &BrokerState| state.phase != Phase::Consuming && state.last_error.is_some();
    state(&app, "the loss is seen", is_cut).await;
    queue.until_depth("", 20).await;
    // what it believes to have acknowledged comes again, too
    let before = app.brokers.all()[0].taken;
    proxy.mend().await;
    until_stored(&app, 20).await;
    state(&app, "all are taken", |state| state.taken >= before + 20).await;
    brokers.stop().await;

    assert_each_once(&app, ids(0..20)).await;
    queue.until_depth("", 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_is_buried_after_five_tries_while_the_others_flow() {
    let app = TestApp::new().await;
    refuse(&app, "poison").await;
    let queue = Queue::new().await;
    queue.send_all(0..10).await;
    queue.send("poison").await;
    queue.send_all(10..20).await;

    let brokers = start(&app, &[queue.settings()], &[]);
    until_stored(&app, 20).await;
    queue.until_depth(".dead", 1).await;
    brokers.stop().await;

    assert_each_once(&app, ids(0..20)).await;
    let letters = dead_letters(&app).await;
    assert_eq!(letters.len(), 1);
    let (cause, reason, body) = &letters[0];
    assert_eq!(cause, "poison");
    assert!(
        reason.starts_with("Tried 5 times") && reason.contains("breaks the program"),
        "{reason}"
    );
    assert!(body.contains("poison"));
    let dead = format!("{}.dead", queue.name);
    let buried = queue
        .channel
        .basic_get(dead.as_str().into(), BasicGetOptions::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(buried.data, event("poison").to_string().as_bytes());
    let headers = buried.properties.headers().clone().unwrap();
    assert!(
        headers
            .inner()
            .keys()
            .any(|name| name.as_str() == "x-pulseboard-reason")
    );
    queue.until_depth("", 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_holds_no_event_is_buried_at_once_with_the_reason() {
    let app = TestApp::new().await;
    let queue = Queue::new().await;
    let structured = BasicProperties::default().with_content_type("application/cloudevents+json".into());
    queue.publish(structured.clone(), b"{\"id\":\"\xff\"}").await;
    queue.publish(structured.clone(), &vec![b' '; 2 * 1024 * 1024]).await;
    queue
        .publish(structured, br#"{"specversion":"1.0","id":"x","source":"/s"}"#)
        .await;
    queue.send("good").await;

    let brokers = start(&app, &[queue.settings()], &[]);
    until_stored(&app, 1).await;
    queue.until_depth(".dead", 3).await;
    brokers.stop().await;

    let reasons: Vec<String> = dead_letters(&app).await.into_iter().map(|letter| letter.1).collect();
    assert_eq!(reasons.len(), 3);
    for (reason, wanted) in reasons
        .iter()
        .zip(["not UTF-8", "more than 1048576", "missing field `type`"])
    {
        assert!(reason.contains(wanted), "{reason}");
    }
    assert_each_once(&app, ["good".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_waits_on_its_connection_for_a_database_that_is_away() {
    let app = TestApp::new().await;
    let queue = Queue::new().await;
    let brokers = start(&app, &[queue.settings()], &[]);
    state(&app, "it consumes", |state| state.phase == Phase::Consuming).await;
    let since = app.brokers.all()[0].since;
    let mut owner = app.owner().await;
    let away = "create function away() returns trigger language plpgsql as $$
                  begin raise exception 'starting up' using errcode = '57P03'; end $$;
                create trigger away before insert on dead_letters for each row execute function away()";
    sqlx::raw_sql(away).execute(&mut owner).await.unwrap();

    queue.publish(BasicProperties::default(), b"no event").await;
    let first = patiently(LIMIT, "it fails", || async { app.brokers.all()[0].last_error.clone() }).await;
    state(&app, "it is tried again", |state| {
        state.last_error.as_ref().is_some_and(|(at, _)| *at > first.0)
    })
    .await;
    sqlx::raw_sql("drop trigger away on dead_letters")
        .execute(&mut owner)
        .await
        .unwrap();
    queue.until_depth(".dead", 1).await;
    let connected_since = app.brokers.all()[0].since;
    brokers.stop().await;

    assert_eq!(connected_since, since, "it was not connected anew");
    assert_eq!(dead_letters(&app).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_and_comes_back_has_its_consumer_within_thirty_seconds() {
    let app = TestApp::new().await;
    let queue = Queue::new().await;
    let proxy = Proxy::to(queue.port).await;
    queue.send_all(0..5).await;
    let brokers = start(&app, &[queue.settings_by(proxy.port)], &[]);
    until_stored(&app, 5).await;

    proxy.cut().await;
    state(&app, "the loss is seen", |state| {
        state.phase != Phase::Consuming && state.last_error.is_some()
    })
    .await;
    queue.send_all(5..10).await;
    let before = stored(&app).await.len();
    proxy.mend().await;
    let back = std::time::Instant::now();
    until_stored(&app, 10).await;
    let took = back.elapsed();
    brokers.stop().await;

    assert_eq!(before, 5);
    assert!(took.as_secs() < 30, "{took:?}");
    assert_each_once(&app, ids(0..10)).await;
}
