//! Ways to tell people: what each is given, and the words that each kind of receiver wants.

use chrono::{DateTime, Utc};
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::model::Severity;
use super::state::Phase;
use crate::text_enum::text_enum;

text_enum! {
    pub enum ChannelKind {
        Email = "email" / "E-mail",
        Webhook = "webhook" / "Webhook",
        Slack = "slack" / "Slack or compatible",
        PagerDuty = "pagerduty" / "PagerDuty or compatible",
    }
}

/// Where PagerDuty takes events (Events API v2).
pub const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// The address of a channel; kept sealed, for whoever knows it could send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Target {
    /// an e-mail address, or where to post
    pub to: String,
    /// PagerDuty's routing key
    #[serde(default)]
    pub key: String,
}

impl Target {
    /// What may be shown of it: a mail's domain, a host.
    pub fn hint(&self) -> String {
        match self.to.split_once("://") {
            Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned(),
            None => match self.to.split_once('@') {
                Some((name, domain)) => format!("{}…@{domain}", name.chars().next().unwrap_or('…')),
                None => String::new(),
            },
        }
    }
}

/// A message as the queue has it; see `commands::tell`.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    pub value: &'a Value,
    /// scheme and host of our pages
    pub base_url: &'a str,
}

impl Message<'_> {
    fn text(&self, field: &str) -> &str {
        self.value[field].as_str().unwrap_or_default()
    }

    pub fn is_resolved(&self) -> bool {
        self.text("status") == "resolved"
    }

    /// `Critical: Stock under its minimum, Lakeside`, `Resolved: ...`
    pub fn subject(&self) -> String {
        let severity = match self.is_resolved() {
            true => Phase::Resolved.label(),
            false => self.text("severity").parse::<Severity>().map_or("", Severity::label),
        };
        let rule = self.text("rule");
        match self.text("facility") {
            "" => t!("{severity}: {rule}", severity, rule),
            facility => t!("{severity}: {rule}, {facility}", severity, rule, facility),
        }
    }

    /// What is the matter, a line each.
    pub fn lines(&self) -> Vec<String> {
        let firing = self.value["firing"].as_array().into_iter().flatten();
        firing
            .filter_map(|one| one["words"].as_str().map(str::to_owned))
            .collect()
    }

    pub fn link(&self) -> String {
        format!("{}{}", self.base_url, self.text("path"))
    }

    /// What a webhook is sent: the message with whole addresses.
    pub fn webhook(&self) -> Value {
        let mut body = self.value.clone();
        body["version"] = json!(1);
        body["subject"] = json!(self.subject());
        body["url"] = json!(self.link());
        if let Some(firing) = body["firing"].as_array_mut() {
            for one in firing {
                let path = one["path"].as_str().unwrap_or_default();
                one["url"] = json!(format!("{}{path}", self.base_url));
            }
        }
        body
    }

    /// Slack's incoming webhook, which Mattermost and Rocket.Chat take too. `<`, `>` and `&` mean something there.
    pub fn slack(&self) -> Value {
        let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut text = format!("*{}*", plain(&self.subject()));
        for line in self.lines().iter().take(20) {
            text.push_str("\n• ");
            text.push_str(&plain(line));
        }
        text.push_str(&format!("\n<{}|{}>", self.link(), t!("Open the alerts")));
        json!({ "text": text })
    }

    /// PagerDuty Events API v2. One incident for each group, which its key finds again.
    pub fn pagerduty(&self, routing_key: &str) -> Value {
        let group = self.text("group");
        if self.is_resolved() {
            return json!({ "routing_key": routing_key, "event_action": "resolve", "dedup_key": group });
        }
        json!({
            "routing_key": routing_key, "event_action": "trigger", "dedup_key": group, "client": "Pulseboard",
            "client_url": self.link(),
            "payload": {
                "summary": self.subject(), "source": self.text("facility"), "severity": self.text("severity"),
                "timestamp": self.text("at"), "custom_details": self.value["firing"],
            },
        })
    }
}

/// The header `Pulseboard-Signature` of a webhook: the time and HMAC-SHA256 over `time.body`, so that a receiver can tell
/// our messages from others' and old ones from new.
pub fn signature(secret: &[u8], at: DateTime<Utc>, body: &[u8]) -> String {
    let time = at.timestamp().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    context.update(time.as_bytes());
    context.update(b".");
    context.update(body);
    let digest: String = context
        .sign()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={time},v1={digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(value: &Value) -> Message<'_> {
        Message {
            value,
            base_url: "https://board.example.org",
        }
    }

    #[test]
    fn slack_cannot_be_made_to_ping_everybody_by_a_name() {
        let value = json!({ "status": "firing", "severity": "critical", "rule": "<!channel> & co", "facility": "Lakeside",
                            "path": "/facilities/7/alerts", "firing": [{ "words": "O- <b>" }] });

        let text = message(&value).slack()["text"].as_str().unwrap().to_owned();

        assert!(text.starts_with("*Critical: &lt;!channel&gt; &amp; co, Lakeside*\n• O- &lt;b&gt;\n"));
        assert!(text.ends_with("<https://board.example.org/facilities/7/alerts|Open the alerts>"));
    }

    #[test]
    fn pagerduty_finds_the_incident_again_when_it_resolves() {
        let firing = json!({ "status": "firing", "severity": "critical", "rule": "R", "facility": "F", "group": "1-7-9", "path": "/x" });
        let resolved = json!({ "status": "resolved", "rule": "R", "group": "1-7-9" });

        let (begun, ended) = (message(&firing).pagerduty("key"), message(&resolved).pagerduty("key"));

        assert_eq!(begun["event_action"], "trigger");
        assert_eq!(ended["event_action"], "resolve");
        assert_eq!(begun["dedup_key"], ended["dedup_key"]);
    }

    #[test]
    fn a_signature_is_over_the_time_and_the_body() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();

        let signed = signature(b"secret", at, b"{}");

        // python3: hmac.new(b"secret", b"1700000000.{}", "sha256").hexdigest()
        assert_eq!(
            signed,
            "t=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
        );
    }

    #[test]
    fn a_hint_shows_neither_path_nor_name() {
        let hint = |to: &str| {
            let target = Target {
                to: to.into(),
                key: String::new(),
            };
            target.hint()
        };

        assert_eq!(hint("https://hooks.example.org/T0/secret"), "hooks.example.org");
        assert_eq!(hint("night.shift@example.org"), "n…@example.org");
    }
}
