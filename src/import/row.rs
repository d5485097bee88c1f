//! A row of a file as an event or a point. A column is an attribute by its name; what has no name of its own is a field of an
//! event's data, or a tag of a point.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde_json::{Map, Value};

use crate::ids::FacilityId;
use crate::ingest::{Incoming, Item, Point};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Events,
    Metrics,
}

/// For what a file leaves out.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// of events
    pub source: Option<String>,
    /// of events
    pub event_type: Option<String>,
    /// of points
    pub metric: Option<String>,
    pub facility: Option<FacilityId>,
    /// what the ids of events without one begin with: the same file makes the same ids
    pub id_prefix: String,
}

/// The row as an item.
///
/// # Errors
/// Why it is none, in words.
pub fn item(kind: Kind, row: Map<String, Value>, number: u64, defaults: &Defaults) -> Result<Item, String> {
    match kind {
        Kind::Events => event(row, number, defaults).map(|event| Item::Event(Box::new(event))),
        Kind::Metrics => point(row, defaults).map(Item::Point),
    }
}

fn event(mut row: Map<String, Value>, number: u64, defaults: &Defaults) -> Result<Incoming, String> {
    let facility = facility(row.remove("facility"))?.or(defaults.facility);
    let id = text(&mut row, &["id"])?.unwrap_or_else(|| format!("{}:{number}", defaults.id_prefix));
    let source = text(&mut row, &["source"])?.or_else(|| defaults.source.clone());
    let kind = text(&mut row, &["type"])?.or_else(|| defaults.event_type.clone());
    let time = time(&mut row, &["time", "timestamp"])?;
    let subject = text(&mut row, &["subject"])?;
    let version = text(&mut row, &["specversion"])?;
    if version.is_some_and(|version| version != "1.0") {
        return Err("specversion is not 1.0".into());
    }
    row.remove("datacontenttype");
    let given = row.remove("data").filter(|data| !is_empty(data)).map(nested);
    let data = match given {
        Some(Value::Object(mut data)) => {
            data.extend(row.into_iter().filter(|(_, value)| !is_empty(value)));
            Value::Object(data)
        }
        Some(other) => other,
        None => Value::Object(row.into_iter().filter(|(_, value)| !is_empty(value)).collect()),
    };
    let data = serde_json::value::to_raw_value(&data).map_err(|error| error.to_string())?;
    Ok(Incoming {
        source: source.ok_or("source is missing; name one for all with --source")?,
        id,
        kind: kind.ok_or("type is missing; name one for all with --type")?,
        time,
        subject,
        data: Some(data),
        facility,
    })
}

fn point(mut row: Map<String, Value>, defaults: &Defaults) -> Result<Point, String> {
    let facility = facility(row.remove("facility"))?.or(defaults.facility);
    let metric = text(&mut row, &["metric_name", "metric"])?.or_else(|| defaults.metric.clone());
    let value = match row.remove("value") {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let value = value
        .filter(|value: &f64| value.is_finite())
        .ok_or("value is not a number")?;
    let time = time(&mut row, &["timestamp", "time"])?;
    let mut tags = match row.remove("tags").filter(|tags| !is_empty(tags)).map(nested) {
        None => Map::new(),
        Some(Value::Object(tags)) => tags,
        Some(_) => return Err("tags are not an object".into()),
    };
    tags.extend(row);
    let tags = tags
        .into_iter()
        .filter(|(_, value)| !is_empty(value))
        .map(|(tag, value)| match value {
            Value::String(text) => Ok((tag, text)),
            Value::Number(_) | Value::Bool(_) => Ok((tag, value.to_string())),
            _ => Err(format!("the tag {tag} is neither text nor number")),
        });
    Ok(Point {
        metric: metric.ok_or("metric_name is missing; name one for all with --metric")?,
        value,
        time,
        tags: tags.collect::<Result<_, _>>()?,
        facility,
    })
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// JSON inside a cell, as CSV has it.
fn nested(value: Value) -> Value {
    match &value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(value),
        _ => value,
    }
}

fn text(row: &mut Map<String, Value>, names: &[&str]) -> Result<Option<String>, String> {
    for name in names {
        match row.remove(*name).filter(|value| !is_empty(value)) {
            None => {}
            Some(Value::String(text)) => return Ok(Some(text)),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => return Ok(Some(value.to_string())),
            Some(_) => return Err(format!("{name} is not a text")),
        }
    }
    Ok(None)
}

fn facility(value: Option<Value>) -> Result<Option<FacilityId>, String> {
    let number = match value.filter(|value| !is_empty(value)) {
        None => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_i64(),
    };
    number
        .map(|id| Some(FacilityId(id)))
        .ok_or_else(|| "facility is not a number".into())
}

fn time(row: &mut Map<String, Value>, names: &[&str]) -> Result<Option<DateTime<Utc>>, String> {
    let Some(text) = text(row, names)? else {
        return Ok(None);
    };
    let time = moment(text.trim());
    time.map(Some).ok_or_else(|| format!("{text:?} is not a time"))
}

/// RFC 3339, `2014-04-01 00:00:00` in UTC, a day, or seconds, milliseconds, microseconds or nanoseconds since 1970.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(number) = text.parse::<f64>() {
        // each unit by where it lies between 1973 and 5138
        let seconds = match number.abs() {
            size if size < 1e11 => number,
            size if size < 1e14 => number / 1e3,
            size if size < 1e17 => number / 1e6,
            _ => number / 1e9,
        };
        return DateTime::from_timestamp_micros((seconds * 1e6).round() as i64);
    }
    let zoned =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %:z"));
    let naive = || {
        let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
        let time = formats
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
        time.or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
    };
    zoned
        .map(|time| time.with_timezone(&Utc))
        .ok()
        .or_else(|| Some(naive()?.and_utc()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: Kind, row: Value, defaults: &Defaults) -> Result<Item, String> {
        let Value::Object(row) = row else { panic!("an object") };
        item(kind, row, 3, defaults)
    }

    fn defaults() -> Defaults {
        Defaults {
            id_prefix: "abc".into(),
            ..Defaults::default()
        }
    }

    #[test]
    fn columns_of_no_name_are_data_of_events_and_tags_of_points() {
        let given = Defaults {
            source: Some("/shop".into()),
            event_type: Some("sale".into()),
            ..defaults()
        };
        let sale = json!({ "time": "2026-11-30", "price": 3, "note": "", "data": "{\"sku\":\"x\"}" });
        let cpu = json!({ "metric_name": "cpu", "value": "92.5", "timestamp": "1721199945", "host": "web-01", "tags": { "n": 1 } });

        let Ok(Item::Event(event)) = read(Kind::Events, sale, &given) else {
            panic!("an event")
        };
        let Ok(Item::Point(point)) = read(Kind::Metrics, cpu, &defaults()) else {
            panic!("a point")
        };

        assert_eq!((&*event.id, &*event.source, &*event.kind), ("abc:3", "/shop", "sale"));
        let data: Value = serde_json::from_str(event.data.unwrap().get()).unwrap();
        assert_eq!(data, json!({ "sku": "x", "price": 3 }));
        assert_eq!((&*point.metric, point.value), ("cpu", 92.5));
        assert_eq!(point.time.unwrap().timestamp(), 1_721_199_945);
        let mut tags = point.tags;
        tags.sort();
        assert_eq!(tags, [("host".into(), "web-01".into()), ("n".into(), "1".into())]);
    }

    #[test]
    fn a_time_is_read_in_every_usual_way() {
        let wanted = "2014-04-01T00:00:00+00:00";
        for text in [
            "2014-04-01T00:00:00Z",
            "2014-04-01T02:00:00+02:00",
            "2014-04-01 00:00:00",
            "2014-04-01 00:00:00 +00:00",
            "2014-04-01",
            "1396310400",
            "1396310400000",
            "1396310400000000",
            "1396310400000000000",
        ] {
            assert_eq!(
                moment(text).map(|time| time.to_rfc3339()).as_deref(),
                Some(wanted),
                "{text}"
            );
        }
        assert_eq!(moment("yesterday"), None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let cases = [
            (Kind::Events, json!({ "type": "a" }), "--source"),
            (Kind::Events, json!({ "source": "a" }), "--type"),
            (
                Kind::Events,
                json!({ "source": "a", "type": "b", "time": "x" }),
                "not a time",
            ),
            (Kind::Metrics, json!({ "value": 1 }), "--metric"),
            (Kind::Metrics, json!({ "metric": "a", "value": "NaN" }), "value"),
            (Kind::Metrics, json!({ "metric": "a", "value": 1, "tags": [1] }), "tags"),
            (
                Kind::Metrics,
                json!({ "metric": "a", "value": 1, "facility": "x" }),
                "facility",
            ),
        ];
        for (kind, row, reason) in cases {
            let refused = read(kind, row.clone(), &defaults()).unwrap_err();
            assert!(refused.contains(reason), "{row}: {refused}");
        }
    }
}
