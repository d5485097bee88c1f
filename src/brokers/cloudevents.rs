//! CloudEvents as messages carry them: the binary and the structured mode of the AMQP and Kafka bindings. A message becomes
//! documents in the JSON format, so that what an event must be is said in one place, for HTTP and for brokers.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};

use crate::ingest::{Batch, read_event, read_events};

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

/// The events of a message, more than one where it holds a batch; one that cannot be read keeps its place.
///
/// # Errors
/// Why the message holds no event, in words.
pub fn events(binding: Binding, message: Message<'_>) -> Result<Batch, String> {
    if message.body.len() > LONGEST_BODY {
        let (got, most) = (message.body.len(), LONGEST_BODY);
        return Err(format!("The message has {got} bytes, more than {most}."));
    }
    let media = message.content_type.map(media_type).unwrap_or_default();
    match media.as_str() {
        "application/cloudevents"
        | "application/cloudevents+json"
        | "application/cloudevents-batch"
        | "application/cloudevents-batch+json" => read_events(message.body).map_err(|error| error.to_string()),
        other if other.starts_with("application/cloudevents") => Err(format!("{other} is not read here, only JSON.")),
        _ => {
            let event = binary(binding, message, &media)?;
            let document = to_raw_value(&event).map_err(|error| error.to_string())?;
            Ok(vec![read_event(&document)])
        }
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
        return Err("The message has neither the headers of a CloudEvent nor its content type.".into());
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

fn json(body: &[u8]) -> Result<Value, String> {
    serde_json::from_str(text(body)?).map_err(|error| format!("The body is no JSON: {error}."))
}

fn text(body: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(body).map_err(|error| format!("The body is not UTF-8 after {} bytes.", error.valid_up_to()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::FacilityId;
    use crate::ingest::{Incoming, Item};

    fn read(
        binding: Binding,
        content_type: Option<&str>,
        pairs: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Batch, String> {
        let owned = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let headers: Vec<(String, String)> = owned.collect();
        let message = Message {
            content_type,
            headers: &headers,
            body,
        };
        events(binding, message)
    }

    fn only(read: Result<Batch, String>) -> Box<Incoming> {
        match read.map(|mut batch| batch.remove(0)) {
            Ok(Item::Event(event)) => event,
            other => panic!("no event: {other:?}"),
        }
    }

    #[test]
    fn a_binary_message_of_either_binding_is_the_same_event() {
        let amqp = [
            ("cloudEvents:specversion", "1.0"),
            ("cloudEvents:id", "1"),
            ("cloudEvents_source", "/shop"),
            ("cloudEvents:type", "sale"),
            ("cloudEvents:time", "2026-11-30T10:00:00+01:00"),
            ("cloudEvents:facility", "7"),
        ];
        let kafka = amqp.map(|(name, value)| (name.replace("cloudEvents", "ce").replace(':', "_"), value));
        let kafka: Vec<(&str, &str)> = kafka.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let content_type = Some("application/json; charset=utf-8");

        for (binding, pairs) in [(Binding::Amqp, &amqp[..]), (Binding::Kafka, &kafka)] {
            let event = only(read(binding, content_type, pairs, br#"{"price":3}"#));

            assert_eq!((&*event.id, &*event.source, &*event.kind), ("1", "/shop", "sale"));
            assert_eq!(event.time.unwrap().to_rfc3339(), "2026-11-30T09:00:00+00:00");
            assert_eq!(event.data.unwrap().get(), r#"{"price":3}"#);
            assert_eq!(event.facility, Some(FacilityId(7)));
        }
    }

    #[test]
    fn data_that_is_no_json_is_text_or_base64_by_its_type() {
        let pairs = [
            ("ce_specversion", "1.0"),
            ("ce_id", "1"),
            ("ce_source", "/shop"),
            ("ce_type", "sale"),
        ];
        let data = |content_type, body: &[u8]| {
            let event = only(read(Binding::Kafka, content_type, &pairs, body));
            event.data.map(|data| data.get().to_owned())
        };

        assert_eq!(data(Some("text/plain"), b"hello").as_deref(), Some("\"hello\""));
        assert_eq!(
            data(Some("application/octet-stream"), &[0, 255]).as_deref(),
            Some("\"AP8=\"")
        );
        assert_eq!(data(None, b""), None);
    }

    #[test]
    fn a_structured_message_and_a_batch_hold_whole_events() {
        let one = br#"{"specversion":"1.0","id":"1","source":"/shop","type":"sale"}"#;
        let two = br#"[{"specversion":"1.0","id":"1","source":"/shop","type":"sale"},{"id":"2"}]"#;
        let structured = Some("application/cloudevents+json; charset=UTF-8");

        assert_eq!(only(read(Binding::Kafka, structured, &[], one)).id, "1");
        let batch = read(Binding::Amqp, Some("application/cloudevents-batch+json"), &[], two).unwrap();
        assert!(matches!(&batch[..], [Item::Event(_), Item::Unreadable(_)]), "{batch:?}");
    }

    #[test]
    fn what_holds_no_event_is_refused_with_the_reason() {
        let structured = Some("application/cloudevents+json");
        let large = vec![b' '; LONGEST_BODY + 1];
        let cases: [(Option<&str>, &[u8], &str); 5] = [
            (structured, b"{\"id\":\"\xff\"}", "not UTF-8"),
            (structured, b"{", "no JSON"),
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
