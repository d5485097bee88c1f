//! CloudEvents as messages carry them: the binary and the structured mode of the AMQP and Kafka bindings. A message becomes
//! events in the JSON format, so that what an event must be is said in one place, for HTTP and for brokers.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::ids::FacilityId;
use crate::ingest::{Incoming, Item};

/// A message, whatever broker it came from.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub content_type: Option<&'a str>,
    /// headers or application properties
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// What stands before the name of an attribute in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    Amqp,
    Kafka,
}

impl Binding {
    fn attribute(self, header: &str) -> Option<&str> {
        let prefixes: &[&str] = match self {
            Binding::Amqp => &["cloudEvents:", "cloudEvents_"],
            Binding::Kafka => &["ce_"],
        };
        prefixes.iter().find_map(|prefix| header.strip_prefix(prefix))
    }
}

/// Larger bodies are not looked at.
pub const LONGEST_BODY: usize = 1024 * 1024;

/// The events of a message, in the JSON format. More than one where the message holds a batch.
///
/// # Errors
/// Why no event can be read from it, in words.
pub fn events(binding: Binding, message: Message<'_>) -> Result<Vec<Value>, String> {
    if message.body.len() > LONGEST_BODY {
        let (got, most) = (message.body.len(), LONGEST_BODY);
        return Err(format!("the message has {got} bytes, more than {most}"));
    }
    let media = message.content_type.map(media_type).unwrap_or_default();
    match media.as_str() {
        "application/cloudevents" | "application/cloudevents+json" => Ok(vec![json(message.body)?]),
        "application/cloudevents-batch" | "application/cloudevents-batch+json" => match json(message.body)? {
            Value::Array(events) => Ok(events),
            _ => Err("a batch is a JSON array of events".into()),
        },
        other if other.starts_with("application/cloudevents") => Err(format!("{other} is not read here, only JSON")),
        _ => Ok(vec![binary(binding, message, &media)?]),
    }
}

/// `application/json` of `Application/JSON; charset=utf-8`
fn media_type(content_type: &str) -> String {
    let media = content_type.split(';').next().unwrap_or_default();
    media.trim().to_ascii_lowercase()
}

/// Attributes in headers, `data` as the body.
fn binary(binding: Binding, message: Message<'_>, media: &str) -> Result<Value, String> {
    let mut event = Map::new();
    for (header, value) in message.headers {
        if let Some(name) = binding.attribute(header) {
            event.insert(name.to_ascii_lowercase(), Value::String(value.clone()));
        }
    }
    if event.is_empty() {
        return Err("the message has neither the headers of a CloudEvent nor its content type".into());
    }
    if let Some(content_type) = message.content_type {
        event.insert("datacontenttype".into(), Value::String(content_type.to_owned()));
    }
    if message.body.is_empty() {
        return Ok(Value::Object(event));
    }
    // the JSON format says so of a missing type, and most senders leave it away
    if media.is_empty() || media.ends_with("/json") || media.ends_with("+json") {
        event.insert("data".into(), json(message.body)?);
    } else if media.starts_with("text/") || media.ends_with("xml") {
        event.insert("data".into(), Value::String(text(message.body)?.to_owned()));
    } else {
        event.insert(
            "data_base64".into(),
            Value::String(BASE64_STANDARD.encode(message.body)),
        );
    }
    Ok(Value::Object(event))
}

/// An event in the JSON format as an item of a batch.
pub fn item(event: Value) -> Item {
    match incoming(event) {
        Ok(event) => Item::Event(Box::new(event)),
        Err(reason) => Item::Unreadable(reason),
    }
}

fn incoming(event: Value) -> Result<Incoming, String> {
    let Value::Object(mut event) = event else {
        return Err("an event is a JSON object".into());
    };
    let mut attribute = |name: &str| match event.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} is not a text")),
    };
    let version = attribute("specversion")?.unwrap_or_default();
    if version != "1.0" {
        return Err(format!("specversion is {version:?}, not 1.0"));
    }
    let mut needed = |name: &str| attribute(name)?.ok_or_else(|| format!("{name} is missing"));
    let (id, source, kind) = (needed("id")?, needed("source")?, needed("type")?);
    // one that cannot be read counts as received now, as if it were not there
    let time = attribute("time")?.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    let subject = attribute("subject")?;
    let binary = attribute("data_base64")?.map(Value::String);
    let facility = match event.remove("facility") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(
            text.parse()
                .map_err(|_| format!("facility is {text:?}, not a number"))?,
        ),
        Some(other) => Some(other.as_i64().ok_or("facility is not a number")?),
    };
    let data = event
        .remove("data")
        .or(binary)
        .map(|data| serde_json::value::to_raw_value(&data));
    Ok(Incoming {
        source,
        id,
        kind,
        time: time.map(|time| time.with_timezone(&Utc)),
        subject,
        data: data.transpose().map_err(|error| error.to_string())?,
        facility: facility.map(FacilityId),
    })
}

fn json(body: &[u8]) -> Result<Value, String> {
    serde_json::from_str(text(body)?).map_err(|error| format!("the body is not JSON: {error}"))
}

fn text(body: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(body).map_err(|error| format!("the body is not UTF-8 after {} bytes", error.valid_up_to()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        owned.collect()
    }

    fn read(
        binding: Binding,
        content_type: Option<&str>,
        pairs: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<Value>, String> {
        let headers = headers(pairs);
        let message = Message {
            content_type,
            headers: &headers,
            body,
        };
        events(binding, message)
    }

    #[test]
    fn a_binary_message_of_either_binding_is_the_same_event() {
        let amqp = [
            ("cloudEvents:id", "1"),
            ("cloudEvents_source", "/shop"),
            ("cloudEvents:type", "sale"),
        ];
        let kafka = [
            ("ce_id", "1"),
            ("ce_source", "/shop"),
            ("ce_type", "sale"),
            ("other", "x"),
        ];
        let wanted = json!({ "id": "1", "source": "/shop", "type": "sale",
            "datacontenttype": "application/json; charset=utf-8", "data": { "price": 3 } });

        for (binding, pairs) in [(Binding::Amqp, &amqp[..]), (Binding::Kafka, &kafka[..])] {
            let read = read(
                binding,
                Some("application/json; charset=utf-8"),
                pairs,
                br#"{"price":3}"#,
            );

            assert_eq!(read, Ok(vec![wanted.clone()]));
        }
    }

    #[test]
    fn data_that_is_no_json_is_text_or_base64_by_its_type() {
        let id = [("ce_id", "1")];

        let text = read(Binding::Kafka, Some("text/plain"), &id, b"hello").unwrap();
        let bytes = read(Binding::Kafka, Some("application/octet-stream"), &id, &[0, 255]).unwrap();
        let none = read(Binding::Kafka, None, &id, b"").unwrap();

        assert_eq!(text[0]["data"], "hello");
        assert_eq!(bytes[0]["data_base64"], "AP8=");
        assert_eq!(none, [json!({ "id": "1" })]);
    }

    #[test]
    fn a_structured_message_and_a_batch_hold_whole_events() {
        let one = br#"{"id":"1"}"#;
        let two = br#"[{"id":"1"},{"id":"2"}]"#;

        let structured = read(
            Binding::Kafka,
            Some("application/cloudevents+json; charset=UTF-8"),
            &[],
            one,
        );
        let batch = read(Binding::Amqp, Some("application/cloudevents-batch+json"), &[], two);

        assert_eq!(structured, Ok(vec![json!({ "id": "1" })]));
        assert_eq!(batch, Ok(vec![json!({ "id": "1" }), json!({ "id": "2" })]));
    }

    #[test]
    fn an_event_needs_its_four_attributes_and_may_have_more() {
        let whole = json!({ "specversion": "1.0", "id": "1", "source": "/shop", "type": "sale", "subject": "cart/9",
            "time": "2026-11-30T10:00:00+01:00", "facility": "7", "data": { "price": 3 } });

        let Ok(event) = incoming(whole.clone()) else {
            panic!("a whole event")
        };

        assert_eq!((&*event.id, &*event.source, &*event.kind), ("1", "/shop", "sale"));
        assert_eq!(event.time.unwrap().to_rfc3339(), "2026-11-30T09:00:00+00:00");
        assert_eq!(
            (event.facility, event.data.unwrap().get()),
            (Some(FacilityId(7)), r#"{"price":3}"#)
        );
        for (name, value) in [
            ("id", json!(null)),
            ("specversion", json!("0.3")),
            ("source", json!(5)),
            ("facility", json!("x")),
        ] {
            let mut bad = whole.clone();
            bad[name] = value;
            assert!(
                matches!(item(bad), Item::Unreadable(reason) if reason.contains(name)),
                "{name}"
            );
        }
    }

    #[test]
    fn what_holds_no_event_is_refused_with_the_reason() {
        let structured = Some("application/cloudevents+json");
        let large = vec![b' '; LONGEST_BODY + 1];
        let cases: [(Option<&str>, &[u8], &str); 5] = [
            (structured, b"{\"id\":\"\xff\"}", "not UTF-8 after 7 bytes"),
            (structured, b"{", "not JSON"),
            (Some("application/cloudevents+avro"), b"", "only JSON"),
            (None, b"{}", "neither the headers"),
            (structured, &large, "more than 1048576"),
        ];

        for (content_type, body, reason) in cases {
            let refused = read(Binding::Amqp, content_type, &[], body).unwrap_err();

            assert!(refused.contains(reason), "{refused}");
        }
    }
}
