//! The mails about accounts: an invitation, a link for a new password, and word of changed rights. Each says who it is
//! from, what happens next, and what to do when it comes unexpected.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::people::queries::Details;
use crate::error::Result;
use crate::mail::{self, Mail, Message};
use crate::words::Dated;

/// What an invitation is good for, in words: `Lakeside: Staff`.
pub struct Invited<'a> {
    pub email: &'a str,
    pub name: &'a str,
    pub by: &'a str,
    pub offers: &'a [String],
    pub expires_at: DateTime<Utc>,
}

#[derive(Template)]
#[template(path = "mail/invitation.txt")]
struct InvitationText<'a>(&'a Invited<'a>, &'a str, &'a str);
#[derive(Template)]
#[template(path = "mail/invitation.html")]
struct InvitationHtml<'a>(&'a Invited<'a>, &'a str, &'a str);

/// The same for somebody new and for somebody who has an account.
pub fn invitation(mail: &Mail, invited: &Invited<'_>) -> Result<Message> {
    let link = mail.link(&format!("/invitation/{}", mail::TOKEN));
    let until = invited.expires_at.dated("%-d %B %Y");
    Ok(Message {
        to_address: invited.email.into(),
        to_name: invited.name.into(),
        subject: t!("You are invited to Pulseboard").into(),
        text: text(&InvitationText(invited, &link, &until))?,
        html: text(&InvitationHtml(invited, &link, &until))?,
        expires_at: invited.expires_at,
    })
}

#[derive(Template)]
#[template(path = "mail/password.txt")]
struct PasswordText<'a>(&'a str, &'a str);
#[derive(Template)]
#[template(path = "mail/password.html")]
struct PasswordHtml<'a>(&'a str, &'a str);

/// A link for a new password.
pub fn password(mail: &Mail, email: &str, name: &str, expires_at: DateTime<Utc>) -> Result<Message> {
    let link = mail.link(&format!("/password/reset/{}", mail::TOKEN));
    Ok(Message {
        to_address: email.into(),
        to_name: name.into(),
        subject: t!("Your new password for Pulseboard").into(),
        text: text(&PasswordText(name, &link))?,
        html: text(&PasswordHtml(name, &link))?,
        expires_at,
    })
}

#[derive(Template)]
#[template(path = "mail/access.txt")]
struct AccessText<'a>(&'a str, &'a str, &'a str);
#[derive(Template)]
#[template(path = "mail/access.html")]
struct AccessHtml<'a>(&'a str, &'a str, &'a str);

/// Word that somebody else changed what they may do. It does not say what: mail is read by many.
pub fn access_changed(mail: &Mail, person: &Details, by: &str, now: DateTime<Utc>) -> Result<Message> {
    let link = mail.link("/account");
    Ok(Message {
        to_address: person.email.clone(),
        to_name: person.name.clone(),
        subject: t!("Your access to Pulseboard changed").into(),
        text: text(&AccessText(&person.name, by, &link))?,
        html: text(&AccessHtml(&person.name, by, &link))?,
        expires_at: now + TimeDelta::days(2),
    })
}

fn text(template: &impl Template) -> Result<String> {
    Ok(template.render().map_err(anyhow::Error::from)?)
}
