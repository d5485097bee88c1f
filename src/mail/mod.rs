//! Mails: written into a table by the transaction of what they tell, and sent by a job with retries, so that a slow mail
//! server never holds a request. Without a server there are none, and whoever asked for a link is shown it instead.

mod message;
mod post;
mod queue;
mod seal;

pub use message::{Message, is_deliverable};

use std::sync::Arc;

use lettre::{AsyncSmtpTransport, Tokio1Executor};
use sqlx::PgConnection;

use crate::auth::Token;
use crate::config::{Config, Smtp};
use crate::db::Db;
use crate::error::Result;
use seal::Seal;

/// What mails must know of the installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// scheme and host of every link: never taken from a request
    pub base_url: Arc<str>,
    pub smtp: Option<Smtp>,
    /// seals the tokens of links on their way
    pub secret: Arc<[u8]>,
}

impl Settings {
    pub fn of(config: &Config) -> Settings {
        let drawn = || rand::random::<[u8; 32]>().to_vec();
        let secret = config.secret.as_ref().map(|secret| secret.as_bytes().to_vec());
        Settings {
            base_url: config.base_url.as_str().into(),
            smtp: config.smtp.clone(),
            secret: secret.unwrap_or_else(drawn).into(),
        }
    }
}

/// Writes mails and sends them. Cheap to clone.
#[derive(Clone)]
pub struct Mail(Arc<Parts>);

struct Parts {
    base_url: Arc<str>,
    seal: Seal,
    server: Option<Server>,
}

/// A pool of connections to the mail server, and the sender's address.
struct Server {
    from: lettre::message::Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Mail {
    pub fn new(settings: &Settings) -> anyhow::Result<Mail> {
        let server = settings.smtp.as_ref().map(post::connect).transpose()?;
        Ok(Mail(Arc::new(Parts {
            base_url: settings.base_url.clone(),
            seal: Seal::new(&settings.secret),
            server,
        })))
    }

    /// No mail server, as on a machine where somebody tries the product.
    pub fn off(base_url: &str) -> Mail {
        Mail(Arc::new(Parts {
            base_url: base_url.into(),
            seal: Seal::new(&[]),
            server: None,
        }))
    }

    /// Whether mails can be sent at all.
    pub fn is_on(&self) -> bool {
        self.0.server.is_some()
    }

    /// The whole address of one of our pages.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.0.base_url)
    }

    /// Puts a mail on its way within this transaction. `token` stands where the texts have [`TOKEN`]; the token is kept sealed.
    /// Does nothing without a server. Fails for an address or a subject that no mail could carry.
    pub async fn queue(&self, tx: &mut PgConnection, message: &Message, token: Option<&Token>) -> Result<()> {
        if !self.is_on() {
            return Ok(());
        }
        message.check()?;
        queue::push(tx, message, token.map(|token| self.0.seal.close(token))).await
    }

    /// Sends what is due, several at once, and answers how many went out.
    pub async fn deliver(&self, db: &Db) -> Result<usize> {
        match &self.0.server {
            Some(server) => post::deliver(db, server, &self.0.seal).await,
            None => Ok(0),
        }
    }

    /// Removes mails of more than a month ago.
    pub async fn prune(&self, db: &Db) -> Result<u64> {
        queue::prune(db).await
    }
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_on() { "Mail(on)" } else { "Mail(off)" })
    }
}

/// Stands in the text of a mail where its token goes when it is sent.
pub const TOKEN: &str = "%TOKEN%";
