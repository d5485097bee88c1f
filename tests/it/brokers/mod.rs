//! Events from a real RabbitMQ and a real broker of Kafka's protocol: each counts once, whatever fails meanwhile.

mod kafka;
mod node;
mod proxy;
mod rabbitmq;
mod settings;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use pulseboard::brokers::{BrokerState, Brokers, States};
use pulseboard::config::{Kafka, RabbitMq};
use serde_json::{Value, json};

use crate::support::TestApp;

/// For what a broker does: much longer than it takes, because the machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);

/// Asks again until the answer is `Some`. Panics with `what` after the limit.
async fn patiently<T, F: Future<Output = Option<T>>>(limit: Duration, what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    let asked = tokio::time::timeout(limit, asking).await;
    asked.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// The consumers of an instance, as its settings have them.
fn start(app: &TestApp, rabbitmq: &[RabbitMq], kafka: &[Kafka]) -> Brokers {
    Brokers::start(&app.db, &app.ingest, &app.brokers, rabbitmq, kafka)
}

fn event(id: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/tests", "type": "tests.happened", "data": { "n": 1 } })
}

/// A name that no other test has.
fn unique(name: &str) -> String {
    format!("{name}-{:08x}", rand::random::<u32>())
}

/// How often each event is stored.
async fn stored(app: &TestApp) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as("select id, count(*) from events group by id")
        .fetch_all(&mut app.owner().await)
        .await
        .unwrap();
    rows.into_iter().collect()
}

async fn until_stored(app: &TestApp, wanted: usize) {
    let all = || async { (stored(app).await.len() >= wanted).then_some(()) };
    patiently(LIMIT, &format!("{wanted} events are stored"), all).await;
}

/// All of these, each once.
async fn assert_each_once(app: &TestApp, ids: impl IntoIterator<Item = String>) {
    let wanted: BTreeMap<String, i64> = ids.into_iter().map(|id| (id, 1)).collect();
    assert_eq!(stored(app).await, wanted);
}

/// Cause, reason and body of each dead letter.
async fn dead_letters(app: &TestApp) -> Vec<(String, String, String)> {
    sqlx::query_as("select cause, reason, body from dead_letters order by id")
        .fetch_all(&mut app.owner().await)
        .await
        .unwrap()
}

/// The database refuses to store the event with this id, as it would with a mistake in a rule.
async fn refuse(app: &TestApp, id: &str) {
    let sql = format!(
        "create function refuse() returns trigger language plpgsql as $$
         begin if new.id = '{id}' then raise exception 'this event breaks the program'; end if; return new; end $$;
         create trigger refuse before insert on events for each row execute function refuse()"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut app.owner().await)
        .await
        .unwrap();
}

async fn state(app: &TestApp, what: &str, is: impl Fn(&BrokerState) -> bool) {
    state_of(&app.brokers, what, is).await;
}

async fn state_of(brokers: &States, what: &str, is: impl Fn(&BrokerState) -> bool) {
    let look = || async { brokers.all().iter().any(&is).then_some(()) };
    patiently(LIMIT, what, look).await;
}
