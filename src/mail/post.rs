//! The way to the mail server: a few connections that are kept open, every mail with a time limit of its own.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use lettre::message::Mailbox;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::message::Message;
use super::queue::{self, Due};
use super::seal::Seal;
use super::{Server, TOKEN};
use crate::config::{Smtp, SmtpTls};
use crate::db::Db;
use crate::error::Result;

/// Mails on their way at the same time.
const AT_ONCE: u32 = 4;
/// The server has this long for each step of a mail.
const PATIENCE: Duration = Duration::from_secs(10);
/// A mail has this long altogether, less than until somebody else would try it.
const LONGEST: Duration = Duration::from_secs(25);
/// From the first byte; elsewhere the connection is upgraded by STARTTLS.
const IMPLICIT_TLS_PORT: u16 = 465;

pub(super) fn connect(smtp: &Smtp) -> anyhow::Result<Server> {
    let host = smtp.host.trim_matches(['[', ']']);
    let tls = match smtp.tls {
        SmtpTls::Required if smtp.port == IMPLICIT_TLS_PORT => Tls::Wrapper(TlsParameters::new(host.into())?),
        SmtpTls::Required => Tls::Required(TlsParameters::new(host.into())?),
        SmtpTls::Opportunistic => Tls::Opportunistic(TlsParameters::new(host.into())?),
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(smtp.port)
        .tls(tls)
        .timeout(Some(PATIENCE))
        .pool_config(
            PoolConfig::new()
                .max_size(AT_ONCE)
                .idle_timeout(Duration::from_secs(30)),
        );
    if let Some((user, password)) = &smtp.login {
        transport = transport.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
    }
    Ok(Server {
        from: smtp.from.parse::<Mailbox>()?,
        transport: transport.build(),
    })
}

pub(super) async fn deliver(db: &Db, server: &Server, seal: &Seal) -> Result<usize> {
    let due = queue::take(db).await?;
    let sending = stream::iter(due).map(|mail| attempt(db, server, seal, mail));
    let outcomes: Vec<Result<bool>> = sending.buffer_unordered(AT_ONCE as usize).collect().await;
    outcomes
        .into_iter()
        .try_fold(0, |sent, outcome| Ok(sent + usize::from(outcome?)))
}

/// Whether it went out.
async fn attempt(db: &Db, server: &Server, seal: &Seal, mail: Due) -> Result<bool> {
    let (id, last) = (mail.id, mail.is_last_try());
    let Some(message) = opened(seal, mail) else {
        queue::missed(db, id, "its link was sealed under another secret", true).await?;
        tracing::warn!(
            mail = id,
            "a mail's link was sealed under another secret; ask for a new one"
        );
        return Ok(false);
    };
    let message = match message.build(&server.from) {
        Ok(message) => message,
        Err(error) => {
            queue::missed(db, id, &error.to_string(), true).await?;
            return Ok(false);
        }
    };
    let (error, for_good) = match tokio::time::timeout(LONGEST, server.transport.send(message)).await {
        Ok(Ok(_)) => {
            metrics::counter!("pulseboard_mails", "outcome" => "sent").increment(1);
            queue::sent(db, id).await?;
            return Ok(true);
        }
        Ok(Err(error)) => (error.to_string(), error.is_permanent() || last),
        Err(_) => ("the server took too long".into(), last),
    };
    metrics::counter!("pulseboard_mails", "outcome" => if for_good { "failed" } else { "delayed" }).increment(1);
    // the server's words may name the recipient: they stay in the row
    tracing::warn!(mail = id, for_good, "a mail could not be sent");
    queue::missed(db, id, &error, for_good).await?;
    Ok(false)
}

fn opened(seal: &Seal, mail: Due) -> Option<Message> {
    let token = match mail.sealed() {
        Some(sealed) => seal.open(&sealed)?.reveal(),
        None => String::new(),
    };
    Some(Message {
        text: mail.body_text.replace(TOKEN, &token),
        html: mail.body_html.replace(TOKEN, &token),
        to_address: mail.to_address,
        to_name: mail.to_name,
        subject: mail.subject,
        expires_at: mail.expires_at,
    })
}
