//! CloudEvents 1.0 over HTTP: an event's attributes in headers (binary), one JSON document (structured), or an array of
//! documents (batch).

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::value::RawValue;

use super::model::{Batch, Incoming, Item};
use super::wire::{self, Facility, Shape};
use crate::error::{Error, Result};

/// How the body holds events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Binary,
    Documents(Shape),
}

impl Mode {
    /// 415 when it is none of them.
    pub fn of(headers: &HeaderMap) -> Result<Self> {
        match &*wire::media_type(headers) {
            "application/cloudevents+json" | "application/cloudevents-batch+json" => Ok(Mode::Documents(Shape::Json)),
            _ if headers.contains_key("ce-specversion") => Ok(Mode::Binary),
            _ => Shape::of(headers).map(Mode::Documents).map_err(|_| {
                Error::Unsupported(
                    "Send CloudEvents: application/cloudevents+json, -batch+json, or ce- headers.".into(),
                )
            }),
        }
    }
}

/// Reads events; one that cannot be read keeps its place.
pub fn read(mode: Mode, headers: &HeaderMap, body: &[u8]) -> Result<Batch> {
    match mode {
        Mode::Binary => Ok(vec![binary(headers, body)?]),
        Mode::Documents(shape) => read_documents(shape, body),
    }
}

/// One event as a JSON document, or an array of them.
pub fn documents(body: &[u8]) -> Result<Batch> {
    read_documents(Shape::Json, body)
}

fn read_documents(shape: Shape, body: &[u8]) -> Result<Batch> {
    let all = wire::documents(shape, body)?.into_iter();
    Ok(all.map(|one| one.map_or_else(Item::Unreadable, structured)).collect())
}

#[derive(serde::Deserialize)]
struct EventIn<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data_base64: Option<&'a RawValue>,
    #[serde(default)]
    facility: Option<Facility>,
}

/// One event as a JSON document. Extension attributes other than `facility` are not kept.
pub fn structured(document: &RawValue) -> Item {
    let read: EventIn<'_> = match serde_json::from_str(document.get()) {
        Ok(read) => read,
        Err(error) => return Item::Unreadable(format!("This is no CloudEvent: {error}.")),
    };
    if read.specversion != "1.0" {
        return Item::Unreadable("The specversion must be 1.0.".into());
    }
    if read.data.is_some() && read.data_base64.is_some() {
        return Item::Unreadable("An event has data or data_base64, not both.".into());
    }
    Item::Event(Box::new(Incoming {
        source: read.source.into_owned(),
        id: read.id.into_owned(),
        kind: read.kind.into_owned(),
        time: read.time.and_then(|raw| wire::instant(raw.get())),
        subject: read.subject.map(Cow::into_owned),
        data: read.data.or(read.data_base64).map(ToOwned::to_owned),
        facility: read.facility.map(|facility| facility.0),
    }))
}

/// One event whose attributes are headers and whose data is the body.
fn binary(headers: &HeaderMap, body: &[u8]) -> Result<Item> {
    let attribute = |name: &str| {
        let value = headers.get(format!("ce-{name}"))?;
        Some(percent_decoded(value.as_bytes()))
    };
    if attribute("specversion").as_deref() != Some("1.0") {
        return Ok(Item::Unreadable("The specversion must be 1.0.".into()));
    }
    let (Some(source), Some(id), Some(kind)) = (attribute("source"), attribute("id"), attribute("type")) else {
        return Ok(Item::Unreadable("An event needs ce-source, ce-id and ce-type.".into()));
    };
    let media_type = wire::media_type(headers);
    let data = match body {
        [] => None,
        _ if media_type == "application/json" || media_type.ends_with("+json") || media_type.is_empty() => {
            let text = std::str::from_utf8(body).map_err(|_| Error::Malformed("The body is not UTF-8.".into()))?;
            let json = serde_json::from_str::<&RawValue>(text);
            Some(
                json.map_err(|error| Error::Malformed(format!("The data is no JSON: {error}.")))?
                    .to_owned(),
            )
        }
        _ if media_type == "text/plain" => {
            let text = serde_json::to_string(&String::from_utf8_lossy(body)).unwrap_or_default();
            RawValue::from_string(text).ok()
        }
        _ => return Err(Error::Unsupported("The data of an event is JSON or plain text.".into())),
    };
    let facility = match attribute("facility").map(|id| id.parse()) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Ok(Item::Unreadable("ce-facility is no number.".into())),
    };
    Ok(Item::Event(Box::new(Incoming {
        source,
        id,
        kind,
        time: attribute("time").map(|text| wire::moment(&text).unwrap_or(wire::UNREADABLE)),
        subject: attribute("subject"),
        data,
        facility,
    })))
}

/// The binding writes what is no visible ASCII as `%XX`.
fn percent_decoded(bytes: &[u8]) -> String {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match hex
            .and_then(|two| u8::from_str_radix(two, 16).ok())
            .filter(|_| bytes[at] == b'%')
        {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
