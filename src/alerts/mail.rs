//! An alert as a mail, which the job that sends all mails sends.

use askama::Template;
use chrono::{DateTime, Utc};

use super::channel::Message;
use crate::error::Result;
use crate::mail;

#[derive(Template)]
#[template(path = "mail/alert.txt")]
struct AlertText<'a> {
    subject: &'a str,
    lines: &'a [String],
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/alert.html")]
struct AlertHtml<'a> {
    subject: &'a str,
    lines: &'a [String],
    link: &'a str,
}

/// The letter, which the caller queues in the transaction that marks it as sent. `expires_at`: after this it is not sent
/// any more.
pub fn letter(to: &str, message: &Message<'_>, expires_at: DateTime<Utc>) -> Result<mail::Message> {
    let (subject, lines, link) = (message.subject(), message.lines(), message.link());
    let text = AlertText {
        subject: &subject,
        lines: &lines,
        link: &link,
    };
    let html = AlertHtml {
        subject: &subject,
        lines: &lines,
        link: &link,
    };
    Ok(mail::Message {
        to_address: to.into(),
        to_name: String::new(),
        text: text.render().map_err(anyhow::Error::from)?,
        html: html.render().map_err(anyhow::Error::from)?,
        subject,
        expires_at,
    })
}
