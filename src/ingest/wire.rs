//! Points and JSON as senders write them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use http::{HeaderMap, header};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use super::model::{Batch, Item, Point};
use crate::error::{Error, Result};
use crate::ids::FacilityId;

/// How a body is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// one document or an array of them
    Json,
    /// one document a line
    Lines,
}

impl Shape {
    /// 415 for anything else.
    pub fn of(headers: &HeaderMap) -> Result<Self> {
        match &*media_type(headers) {
            "application/json" => Ok(Shape::Json),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Shape::Lines),
            _ => Err(Error::Unsupported(
                "Send application/json or application/x-ndjson.".into(),
            )),
        }
    }
}

/// The media type without its parameters.
pub fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let bare = value.unwrap_or_default().split(';').next().unwrap_or_default();
    bare.trim().to_ascii_lowercase()
}

/// Reads points; one that cannot be read keeps its place. 400 when the body as a whole is no JSON.
pub fn read(shape: Shape, body: &[u8]) -> Result<Batch> {
    let documents = documents(shape, body)?;
    Ok(documents
        .into_iter()
        .map(|one| one.map_or_else(Item::Unreadable, point))
        .collect())
}

/// The documents of a body, each as it came; one that is no JSON keeps its place when each has a line of its own.
pub fn documents(shape: Shape, body: &[u8]) -> Result<Vec<Result<&RawValue, String>>> {
    let text = std::str::from_utf8(body).map_err(|_| Error::Malformed("The body is not UTF-8.".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if shape == Shape::Lines {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        return Ok(lines
            .map(|line| serde_json::from_str(line).map_err(|error| format!("This is no JSON: {error}.")))
            .collect());
    }
    let no_json = |error: serde_json::Error| Error::Malformed(format!("The body is no JSON: {error}."));
    if text.trim_start().starts_with('[') {
        let all: Vec<&RawValue> = serde_json::from_str(text).map_err(no_json)?;
        Ok(all.into_iter().map(Ok).collect())
    } else {
        Ok(vec![Ok(serde_json::from_str(text).map_err(no_json)?)])
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PointIn<'a> {
    #[serde(borrow)]
    metric_name: Cow<'a, str>,
    value: f64,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tags: Option<BTreeMap<Cow<'a, str>, TagValue>>,
    #[serde(default)]
    facility: Option<Facility>,
}

/// One point as a JSON document.
pub fn point(document: &RawValue) -> Item {
    match serde_json::from_str::<PointIn<'_>>(document.get()) {
        Ok(read) => Item::Point(Point {
            metric: read.metric_name.into_owned(),
            value: read.value,
            time: read.timestamp.and_then(|raw| instant(raw.get())),
            tags: read
                .tags
                .unwrap_or_default()
                .into_iter()
                .map(|(tag, value)| (tag.into_owned(), value.0))
                .collect(),
            facility: read.facility.map(|facility| facility.0),
        }),
        Err(error) => Item::Unreadable(format!("This is no point: {error}.")),
    }
}

/// An instant that could not be read: so far ahead that the time of receipt is taken, with a note.
pub const UNREADABLE: DateTime<Utc> = DateTime::<Utc>::MAX_UTC;
/// From here a number counts milliseconds: as seconds it would be the year 5138.
const MILLISECONDS: f64 = 1e11;

/// Seconds or milliseconds since 1970, or RFC 3339; none for `null`.
pub fn instant(json: &str) -> Option<DateTime<Utc>> {
    if json == "null" {
        return None;
    }
    let read = match json.strip_prefix('"') {
        Some(text) => moment(text.trim_end_matches('"')),
        None => count(json),
    };
    Some(read.unwrap_or(UNREADABLE))
}

/// RFC 3339, or a number as text.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Some(at.to_utc()),
        Err(_) => count(text),
    }
}

fn count(text: &str) -> Option<DateTime<Utc>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|whole: &i64| (*whole as f64).abs() < 1e15)?;
    // nine digits of the fraction, exactly
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos: i64 = digits.parse::<i64>().ok()? * if text.starts_with('-') { -1 } else { 1 };
    let micros = if (whole as f64).abs() < MILLISECONDS {
        whole * 1_000_000 + nanos / 1_000
    } else {
        whole * 1_000 + nanos / 1_000_000
    };
    DateTime::from_timestamp_micros(micros)
}

/// A text, a number or a truth, as text.
struct TagValue(String);

impl<'de> Deserialize<'de> for TagValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = TagValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a truth")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<TagValue, E> {
                Ok(TagValue(text.into()))
            }
            fn visit_string<E: de::Error>(self, text: String) -> std::result::Result<TagValue, E> {
                Ok(TagValue(text))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> std::result::Result<TagValue, E> {
                Ok(TagValue(number.to_string()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> std::result::Result<TagValue, E> {
                Ok(TagValue(number.to_string()))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> std::result::Result<TagValue, E> {
                Ok(TagValue(number.to_string()))
            }
            fn visit_bool<E: de::Error>(self, yes: bool) -> std::result::Result<TagValue, E> {
                Ok(TagValue(yes.to_string()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The number of a facility, as a number or, where attributes are texts, as text.
pub struct Facility(pub FacilityId);

impl<'de> Deserialize<'de> for Facility {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let TagValue(text) = TagValue::deserialize(deserializer)?;
        text.parse()
            .map(|id| Facility(FacilityId(id)))
            .map_err(|_| de::Error::custom("facility is no number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(json: &str) -> Item {
        read(Shape::Json, json.as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn a_point_is_read_as_it_is_written_in_the_manual() {
        let json =
            r#"{"metric_name":"cpu_usage","value":92.5,"timestamp":1721199945,"tags":{"host":"web-01","env":"prod"}}"#;

        let Item::Point(point) = read_one(json) else {
            panic!("no point")
        };

        assert_eq!((point.metric.as_str(), point.value), ("cpu_usage", 92.5));
        assert_eq!(point.time.unwrap().to_rfc3339(), "2024-07-17T07:05:45+00:00");
        assert_eq!(
            point.tags,
            [("env".into(), "prod".into()), ("host".into(), "web-01".into())]
        );
    }

    #[test]
    fn times_may_be_seconds_milliseconds_or_rfc_3339() {
        for (json, wanted) in [
            ("1721199945", "2024-07-17T07:05:45+00:00"),
            ("1721199945.25", "2024-07-17T07:05:45.250+00:00"),
            ("1721199945250", "2024-07-17T07:05:45.250+00:00"),
            (r#""2024-07-17T09:05:45+02:00""#, "2024-07-17T07:05:45+00:00"),
            (r#""1721199945""#, "2024-07-17T07:05:45+00:00"),
            ("-1.5", "1969-12-31T23:59:58.500+00:00"),
        ] {
            assert_eq!(instant(json).unwrap().to_rfc3339(), wanted, "{json}");
        }
        for unreadable in ["1e999", r#""yesterday""#, "true", "[]", "99999999999999999"] {
            assert_eq!(instant(unreadable), Some(UNREADABLE), "{unreadable}");
        }
        assert_eq!(instant("null"), None);
    }

    #[test]
    fn a_bad_one_among_good_ones_keeps_its_place() {
        let good = r#"{"metric_name":"a","value":1}"#;
        let array = format!(
            r#"[{good},{{"metric_name":"a"}},{{"metric_name":"a","value":"1"}},{{"metric_name":"a","value":1,"x":2}},7,{good}]"#
        );
        let lines = format!("{good}\n\nnot json\n{good}\n");

        let is_point = |batch: Batch| {
            batch
                .iter()
                .map(|item| matches!(item, Item::Point(_)))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            is_point(read(Shape::Json, array.as_bytes()).unwrap()),
            [true, false, false, false, false, true]
        );
        assert_eq!(
            is_point(read(Shape::Lines, lines.as_bytes()).unwrap()),
            [true, false, true]
        );
        assert!(
            read(Shape::Json, b"not json").is_err()
                && read(Shape::Json, b"[1,").is_err()
                && read(Shape::Json, b"\xff").is_err()
        );
    }
}
