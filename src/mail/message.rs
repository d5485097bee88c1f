//! What a mail says, and to whom. A name, a subject or an address that could end a header early is refused.

use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::message::{Mailbox, MultiPart};

use crate::error::{Error, Result};

/// A mail to one person, as plain text and as simple HTML.
#[derive(Clone, Debug)]
pub struct Message {
    pub to_address: String,
    pub to_name: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// after this it is not sent any more
    pub expires_at: DateTime<Utc>,
}

/// Whether mail can be sent to this address.
pub fn is_deliverable(address: &str) -> bool {
    address.len() <= 254 && !is_unfit(address) && address.parse::<Address>().is_ok()
}

fn is_unfit(header: &str) -> bool {
    header.chars().any(char::is_control)
}

impl Message {
    pub(super) fn check(&self) -> Result<()> {
        if !is_deliverable(&self.to_address) {
            return Err(Error::invalid("email", t!("Mail cannot be sent to this address.")));
        }
        if is_unfit(&self.to_name) || is_unfit(&self.subject) {
            return Err(Error::invalid("name", t!("A name cannot hold line breaks.")));
        }
        Ok(())
    }

    /// The mail as the server takes it.
    pub(super) fn build(self, from: &Mailbox) -> anyhow::Result<lettre::Message> {
        self.check()?;
        let to = Mailbox::new(Some(self.to_name), self.to_address.parse()?);
        Ok(lettre::Message::builder()
            .from(from.clone())
            .to(to)
            .subject(self.subject)
            // answered by nobody: no out-of-office replies
            .raw_header(lettre::message::header::HeaderValue::new(
                lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".into(),
            ))
            .multipart(MultiPart::alternative_plain_html(self.text, self.html))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, address: &str, subject: &str) -> Message {
        Message {
            to_address: address.into(),
            to_name: name.into(),
            subject: subject.into(),
            text: "Hello".into(),
            html: "<p>Hello</p>".into(),
            expires_at: Utc::now(),
        }
    }

    #[test]
    fn no_name_subject_or_address_adds_a_header() {
        let from: Mailbox = "Pulseboard <board@example.org>".parse().unwrap();
        let evil = "x\r\nBcc: everybody@example.org";
        assert!(message(evil, "a@example.org", "s").check().is_err());
        assert!(message("A", "a@example.org", evil).check().is_err());
        assert!(
            message("A", "a@example.org\r\nBcc: b@example.org", "s")
                .check()
                .is_err()
        );
        assert!(message("A", "a@example.org, b@example.org", "s").check().is_err());

        for (name, subject) in [
            (evil, "s"),
            ("A", evil),
            ("\"; Bcc: b@example.org", "s"),
            ("Ä <b@c.de>", "Grüße"),
        ] {
            let Ok(built) = message(name, "a@example.org", subject).build(&from) else {
                continue;
            };
            let text = String::from_utf8_lossy(&built.formatted()).into_owned();
            let head = text.split("\r\n\r\n").next().unwrap();
            assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
            assert_eq!(built.envelope().to().len(), 1);
        }
    }
}
