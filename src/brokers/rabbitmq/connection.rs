//! The connection: queue, its consumer, and the exchange to which dead letters are published. Everything that waits for the
//! broker has a limit, since a connection can be half open.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, bail};
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind};

use crate::config::RabbitMq;

/// The longest wait for an answer of the broker.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds between signs of life; a broker that gave none for twice as long is gone.
const HEARTBEAT: u16 = 10;
const TAG: &str = "pulseboard";

/// Consuming.
pub struct Connected {
    connection: Connection,
    pub channel: Channel,
    pub consumer: Consumer,
    queue: ShortString,
    /// exchange of the dead letters, and the queue bound to it
    dead: ShortString,
}

impl Connected {
    /// Connects, declares what is needed, and begins to consume.
    pub async fn open(settings: &RabbitMq) -> anyhow::Result<Connected> {
        let mut uri: AMQPUri = settings.url.parse().map_err(anyhow::Error::msg)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let name = ConnectionProperties::default().with_connection_name("pulseboard".into());
        let connection = within("connecting", Connection::connect_uri(uri, name)).await?;
        let channel = within("opening a channel", connection.create_channel()).await?;
        let queue: ShortString = settings.queue.as_str().into();
        let dead: ShortString = format!("{}.dead", settings.queue).into();
        declare(&channel, settings, &queue, &dead).await?;
        let qos = channel.basic_qos(settings.prefetch, BasicQosOptions::default());
        within("setting the prefetch", qos).await?;
        within(
            "asking for confirms",
            channel.confirm_select(ConfirmSelectOptions::default()),
        )
        .await?;
        let consume = channel.basic_consume(
            queue.clone(),
            TAG.into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = within("consuming", consume).await?;
        Ok(Connected {
            connection,
            channel,
            consumer,
            queue,
            dead,
        })
    }

    /// Messages that nobody has yet.
    pub async fn depth(&self) -> anyhow::Result<u64> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::durable()
        };
        let queue = self
            .channel
            .queue_declare(self.queue.clone(), passive, FieldTable::default());
        Ok(u64::from(within("looking at the queue", queue).await?.message_count()))
    }

    /// Publishes a dead letter with its reason, as it came, and waits until the broker has it.
    pub async fn bury(&self, properties: &BasicProperties, body: &[u8], reason: &str) -> anyhow::Result<()> {
        let mut headers = properties.headers().clone().unwrap_or_default();
        headers.insert("x-pulseboard-reason".into(), AMQPValue::LongString(reason.into()));
        let queue = AMQPValue::LongString(self.queue.as_str().into());
        headers.insert("x-pulseboard-queue".into(), queue);
        let properties = properties.clone().with_headers(headers).with_delivery_mode(2);
        let publish = self.channel.basic_publish(
            self.dead.clone(),
            self.queue.clone(),
            BasicPublishOptions::default(),
            body,
            properties,
        );
        let confirm = within("publishing a dead letter", publish).await?;
        let confirm = within("a confirm", confirm).await?;
        if confirm.is_nack() {
            bail!("the broker refused a dead letter");
        }
        Ok(())
    }

    /// What is not acknowledged goes back to the queue at once.
    pub async fn close(self) {
        let cancel = self.channel.basic_cancel(TAG.into(), BasicCancelOptions::default());
        let _ = within("ending the consumer", cancel).await;
        let _ = within("closing", self.connection.close(200, "stopping".into())).await;
    }
}

/// Another program may have made them before, in the same way.
async fn declare(
    channel: &Channel,
    settings: &RabbitMq,
    queue: &ShortString,
    dead: &ShortString,
) -> anyhow::Result<()> {
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let exchange = channel.exchange_declare(dead.clone(), ExchangeKind::Fanout, durable, FieldTable::default());
    within("declaring the exchange of dead letters", exchange).await?;
    for (name, dead_letters) in [(dead, None), (queue, Some(dead))] {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        if let Some(dead) = dead_letters {
            // where an operator's policy limits deliveries, a message would vanish without this
            let exchange = AMQPValue::LongString(dead.as_str().into());
            arguments.insert("x-dead-letter-exchange".into(), exchange);
        }
        let queue = channel.queue_declare(name.clone(), QueueDeclareOptions::durable(), arguments);
        within("declaring a quorum queue", queue).await?;
    }
    let nothing = FieldTable::default();
    let bind = channel.queue_bind(
        dead.clone(),
        dead.clone(),
        "".into(),
        QueueBindOptions::default(),
        nothing,
    );
    within("binding the queue of dead letters", bind).await?;
    for key in settings.exchange.iter().flat_map(|_| &settings.routing_keys) {
        let exchange = settings.exchange.as_deref().unwrap_or_default().into();
        let key = key.as_str().into();
        let bind = channel.queue_bind(
            queue.clone(),
            exchange,
            key,
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        within("binding the queue to its exchange", bind).await?;
    }
    Ok(())
}

/// The broker's answer, unless it takes too long.
pub async fn within<T, E>(what: &str, asked: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.with_context(|| what.to_owned()),
        Err(_) => bail!("{what}: no answer within {} s", PATIENCE.as_secs()),
    }
}
