//! Brokers as the settings file names them, read by a whole instance.

use pulseboard::boot;
use pulseboard::config::Config;

use super::kafka::{self, Topic};
use super::rabbitmq::{self, Queue};
use super::{assert_each_once, state_of, until_stored};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_reads_the_brokers_of_its_settings_until_it_is_told_to_stop() {
    let app = TestApp::new().await;
    let (queue, topic) = (Queue::new().await, Topic::new().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pulseboard.toml");
    let (url, queue_name) = (rabbitmq::url(queue.port), &queue.name);
    let (address, topic_name) = (&topic.address, &topic.name);
    let text = format!(
        "[[rabbitmq]]\nname = \"orders\"\nurl = \"{url}\"\nqueue = \"{queue_name}\"\n\n\
         [[kafka]]\nname = \"payments\"\nbrokers = [\"{address}\"]\ntopics = [\"{topic_name}\"]\n"
    );
    std::fs::write(&file, text).unwrap();
    let flags = [
        ("listen", "127.0.0.1:0".to_owned()),
        ("metrics_listen", "off".to_owned()),
        ("data_dir", folder.path().to_string_lossy().into_owned()),
    ];
    let config = Config::load(Some(file), &flags).unwrap();

    let running = boot::start(&config, app.database.owner()).await.unwrap();
    queue.send("by RabbitMQ").await;
    topic.send(0, vec![kafka::structured("by Kafka")]).await;
    until_stored(&app, 2).await;
    for name in ["orders", "payments"] {
        let is_through = |state: &pulseboard::brokers::BrokerState| state.name == name && state.taken == 1;
        state_of(&running.app.brokers, "one message is taken", is_through).await;
    }
    running.stop().await;

    assert_each_once(&app, ["by Kafka", "by RabbitMQ"].map(String::from)).await;
    queue.until_depth("", 0).await;
}
