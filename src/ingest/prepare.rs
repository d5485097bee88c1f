//! Everything about an item that needs no database: whose it is, whether it can be taken, what it is known by, which
//! points it makes. Done by the task of whoever sends, so that many senders use many cores.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::body;
use super::commands::dead_letters::{Cause, NewLetter};
use super::model::{Batch, Incoming, Item, Origin, Point, Verdict};
use super::pipeline::Refused;
use crate::catalog::{Filled, Rules};
use crate::db::copy::micros;
use crate::ids::FacilityId;
use crate::metrics::{Calendar, Definition, Definitions, LARGEST, MetricKind, NewSeries, Series, Tags};

/// A batch, ready to be written.
#[derive(Debug, Default)]
pub struct Prepared {
    /// one for each item; none where the writing decides
    pub verdicts: Vec<Option<Verdict>>,
    pub events: Vec<ReadyEvent>,
    pub points: Vec<ReadyPoint>,
    pub letters: Vec<NewLetter>,
    pub origin: String,
}

#[derive(Debug)]
pub struct ReadyEvent {
    pub index: usize,
    pub facility: i64,
    pub type_id: i32,
    /// microseconds since 1970
    pub at: i64,
    /// what source and id are known by
    pub key: (i64, i64),
    /// what tells one body from another
    pub digest: i64,
    pub event: Box<Incoming>,
    /// the data with what a catalog added; none: as it came
    pub enriched: Option<Box<RawValue>>,
    /// what a catalog finds in the data, for an event that names none
    pub subject: Option<String>,
    pub actor: Option<String>,
    /// steps of correlations that it can fill
    pub filled: Vec<Filled>,
    pub points: Vec<ReadyPoint>,
}

#[derive(Clone, Debug)]
pub struct ReadyPoint {
    /// of its item
    pub index: usize,
    pub facility: i64,
    pub at: i64,
    pub value: f64,
    /// its number, or what it will be known by
    pub series: Result<i32, Box<[u8]>>,
}

/// What is known while a batch is prepared.
pub struct Knowledge<'a> {
    pub definitions: &'a Definitions,
    pub series: &'a Series,
    pub facilities: &'a Calendar,
    pub rules: &'a Rules,
    pub now: DateTime<Utc>,
    /// somebody decided so: no age is too late
    pub of_any_age: bool,
}

/// Events that claim to be further ahead get the time at which they are received.
const FURTHEST_AHEAD: TimeDelta = TimeDelta::hours(23);
const CORRECTED: Verdict = Verdict::Accepted {
    note: Some("The time could not be read or was more than 23 hours ahead; the time of receipt was taken."),
};
const LONGEST_TEXT: usize = 1_024;
const LONGEST_NAME: usize = 200;
const MOST_TAGS: usize = 16;
const LONGEST_TAG: usize = 200;
const TOO_MANY_NAMES: &str = "There are too many names already; an administrator must define this one.";

/// The names in a batch that must be known before it is prepared: event types and metrics.
pub fn names(batch: &Batch) -> (HashSet<&str>, HashSet<&str>) {
    let (mut types, mut metrics) = (HashSet::new(), HashSet::new());
    for item in batch {
        match item {
            Item::Event(event) if is_name(&event.kind) => drop(types.insert(event.kind.as_str())),
            Item::Point(point) if is_name(&point.metric) => drop(metrics.insert(point.metric.as_str())),
            _ => {}
        }
    }
    (types, metrics)
}

/// Also answers the series that are not known yet.
pub fn prepare(origin: &Origin, batch: Batch, known: &Knowledge<'_>) -> (Prepared, HashMap<Vec<u8>, NewSeries>) {
    let mut prepared = Prepared {
        origin: origin.name.clone(),
        verdicts: Vec::with_capacity(batch.len()),
        ..Prepared::default()
    };
    let mut unknown = HashMap::new();
    for (index, item) in batch.into_iter().enumerate() {
        let verdict = match item {
            Item::Unreadable(reason) => Err(Verdict::Rejected(reason)),
            Item::Event(event) => prepared.event(index, origin, event, known, &mut unknown),
            Item::Point(point) => prepared.point(index, origin, point, known, &mut unknown),
        };
        prepared.verdicts.push(verdict.unwrap_or_else(Some));
    }
    (prepared, unknown)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains('\0')
}

fn rejected(reason: impl Into<String>) -> Verdict {
    Verdict::Rejected(reason.into())
}

impl Prepared {
    fn event(
        &mut self,
        index: usize,
        origin: &Origin,
        event: Box<Incoming>,
        known: &Knowledge<'_>,
        unknown: &mut HashMap<Vec<u8>, NewSeries>,
    ) -> Result<Option<Verdict>, Verdict> {
        let mut facility = place(origin, event.facility, known)?;
        for (name, text, longest) in [
            ("source", &event.source, LONGEST_TEXT),
            ("id", &event.id, LONGEST_TEXT),
            ("type", &event.kind, LONGEST_NAME),
        ] {
            if text.is_empty() || text.len() > longest || text.contains('\0') {
                return Err(rejected(format!("An event needs a {name} of at most {longest} bytes.")));
            }
        }
        if event
            .subject
            .as_ref()
            .is_some_and(|text| text.len() > LONGEST_TEXT || text.contains('\0'))
        {
            return Err(rejected(format!("Subjects have at most {LONGEST_TEXT} bytes.")));
        }
        if let Some(data) = &event.data {
            body::check(data.get()).map_err(rejected)?;
        }
        let event_type = known
            .definitions
            .event_type(&event.kind)
            .ok_or_else(|| rejected(TOO_MANY_NAMES))?;
        let rules = known.rules;
        let wanted = rules.know(&event.kind) || !event_type.metrics.is_empty() || event_type.actor_path.is_some();
        let mut tree = if wanted { tree(&event) } else { Value::Null };
        let found = rules
            .take(&event.kind, &mut tree["data"])
            .map_err(|violation| rejected(violation.to_string()))?;
        if let Some(named) = &found.facility {
            facility = place(origin, facility_id(named)?, known)?;
        }
        let (key, digest) = (key(facility, &event), digest(&event));
        let (at, verdict) = moment(event.time, known.now);
        if let Some(reason) = too_late(at, event_type.allowed_lateness, known) {
            self.letters
                .push(NewLetter::event(facility, Cause::Late, reason.clone(), &event));
            return Err(Verdict::Late(reason));
        }
        let actor = event_type.actor_path.as_ref().and_then(|path| text_at(&tree, path));
        let mut points = Vec::new();
        for metric in &event_type.metrics {
            if let Some((value, tags)) = derive(metric, &tree) {
                let series = find(known, facility, metric, tags, unknown);
                points.push(ReadyPoint {
                    index,
                    facility,
                    at: micros(at),
                    value,
                    series,
                });
            }
        }
        self.events.push(ReadyEvent {
            index,
            facility,
            type_id: event_type.id,
            at: micros(at),
            key,
            digest,
            enriched: rules
                .enrich(&event.kind)
                .then(|| to_raw_value(&tree["data"]).ok())
                .flatten(),
            subject: found.subject,
            actor: actor.or(found.actor),
            filled: rules.steps(&event.kind, &tree["data"]),
            points,
            event,
        });
        // the writing decides, and puts right only what is accepted
        Ok((verdict != Verdict::ACCEPTED).then_some(verdict))
    }

    fn point(
        &mut self,
        index: usize,
        origin: &Origin,
        point: Point,
        known: &Knowledge<'_>,
        unknown: &mut HashMap<Vec<u8>, NewSeries>,
    ) -> Result<Option<Verdict>, Verdict> {
        let facility = place(origin, point.facility, known)?;
        if !is_name(&point.metric) {
            return Err(rejected(format!("A metric's name has 1 to {LONGEST_NAME} bytes.")));
        }
        if !point.value.is_finite() || point.value.abs() > LARGEST {
            return Err(rejected("The value is no number that can be added up."));
        }
        let unfit = |text: &String| text.len() > LONGEST_TAG || text.contains('\0');
        if point.tags.len() > MOST_TAGS
            || point
                .tags
                .iter()
                .any(|(tag, value)| unfit(tag) || unfit(value) || tag.is_empty())
        {
            return Err(rejected(format!(
                "At most {MOST_TAGS} tags, each of at most {LONGEST_TAG} bytes."
            )));
        }
        let metric = known
            .definitions
            .metric(&point.metric)
            .ok_or_else(|| rejected(TOO_MANY_NAMES))?;
        if metric.kind == MetricKind::Ratio {
            return Err(rejected("This metric is computed from two others and takes no points."));
        }
        let (at, verdict) = moment(point.time, known.now);
        if let Some(reason) = too_late(at, metric.allowed_lateness, known) {
            self.letters
                .push(NewLetter::point(facility, Cause::Late, reason.clone(), &point));
            return Err(Verdict::Late(reason));
        }
        let series = find(known, facility, metric, point.tags, unknown);
        self.points.push(ReadyPoint {
            index,
            facility,
            at: micros(at),
            value: point.value,
            series,
        });
        Ok(Some(verdict))
    }

    /// What cannot be taken as it is, in the order of the batch.
    pub fn refused(&self) -> Vec<Refused> {
        let verdicts = self.verdicts.iter().enumerate();
        verdicts
            .filter_map(|(index, verdict)| match verdict {
                Some(Verdict::Rejected(reason)) => Some(Refused {
                    index,
                    reason: reason.clone(),
                }),
                _ => None,
            })
            .collect()
    }

    /// Puts in the numbers of series that were made meanwhile. What has none is rejected.
    pub fn resolve(&mut self, series: &Series) {
        let settle = |point: &mut ReadyPoint| {
            if let Err(key) = &point.series
                && let Some(id) = series.find(key)
            {
                point.series = Ok(id);
            }
            point.series.is_ok()
        };
        let too_many = "This metric has too many combinations of tags already.";
        self.events.retain_mut(|event| {
            let all = event.points.iter_mut().map(settle).filter(|settled| !settled).count() == 0;
            if !all {
                self.verdicts[event.index] = Some(rejected(too_many));
            }
            all
        });
        self.points.retain_mut(|point| {
            let settled = settle(point);
            if !settled {
                self.verdicts[point.index] = Some(rejected(too_many));
            }
            settled
        });
    }
}

/// As an event's data names a facility.
fn facility_id(value: &Value) -> Result<Option<FacilityId>, Verdict> {
    let id = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    id.map(|id| Some(FacilityId(id)))
        .ok_or_else(|| rejected("There is no such facility."))
}

/// The facility, if the sender may write for it.
fn place(origin: &Origin, named: Option<FacilityId>, known: &Knowledge<'_>) -> Result<i64, Verdict> {
    let facility = origin.facility(named).map_err(rejected)?;
    match known.facilities.contains_key(&facility) {
        true if named.is_none_or(|named| named.0 != 0) => Ok(facility),
        _ => Err(rejected("There is no such facility.")),
    }
}

fn moment(time: Option<DateTime<Utc>>, now: DateTime<Utc>) -> (DateTime<Utc>, Verdict) {
    match time {
        Some(time) if time > now + FURTHEST_AHEAD => (now, CORRECTED),
        Some(time) => (time, Verdict::ACCEPTED),
        None => (now, Verdict::ACCEPTED),
    }
}

fn too_late(at: DateTime<Utc>, allowed: Option<TimeDelta>, known: &Knowledge<'_>) -> Option<String> {
    let (allowed, now) = (allowed?, known.now);
    (now - at > allowed && !known.of_any_age).then(|| {
        format!(
            "It is {} old, and at most {} are allowed.",
            crate::clock::age_label(now - at),
            crate::clock::age_label(allowed)
        )
    })
}

/// What source and id are known by: the first half of SHA-256.
fn key(facility: i64, event: &Incoming) -> (i64, i64) {
    let hash = Sha256::new()
        .chain_update(facility.to_be_bytes())
        .chain_update((event.source.len() as u64).to_be_bytes())
        .chain_update(&event.source)
        .chain_update(&event.id)
        .finalize();
    (number(&hash[..8]), number(&hash[8..16]))
}

fn digest(event: &Incoming) -> i64 {
    let mut hash = Sha256::new();
    let time = event.time.map_or(i64::MIN, micros);
    hash.update(time.to_be_bytes());
    for text in [Some(&event.kind), event.subject.as_ref()] {
        hash.update((text.map_or(u64::MAX, |text| text.len() as u64)).to_be_bytes());
        hash.update(text.map_or("", String::as_str));
    }
    if let Some(data) = &event.data {
        body::feed(&mut hash, data.get());
    }
    number(&hash.finalize()[..8])
}

fn number(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().unwrap_or_default())
}

/// The event as the pointers of a catalog see it.
fn tree(event: &Incoming) -> Value {
    let data = event
        .data
        .as_ref()
        .and_then(|data| serde_json::from_str::<Value>(data.get()).ok());
    json!({ "source": event.source, "id": event.id, "type": event.kind, "subject": event.subject, "data": data })
}

fn text_at(tree: &Value, pointer: &str) -> Option<String> {
    match tree.pointer(pointer)? {
        Value::String(text) => Some(text.chars().take(LONGEST_TAG / 4).collect()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// The point that an event makes for a metric; none when it does not feed it.
fn derive(metric: &Definition, tree: &Value) -> Option<(f64, Tags)> {
    if !metric.conditions.iter().all(|condition| condition.holds(tree)) {
        return None;
    }
    let value = match metric.kind {
        MetricKind::Count => 1.0,
        MetricKind::Distinct => different(tree.pointer(metric.value_path.as_deref()?)?),
        MetricKind::Ratio => return None,
        MetricKind::Sum | MetricKind::Avg | MetricKind::Gauge => match tree.pointer(metric.value_path.as_deref()?)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.parse().ok()?,
            _ => return None,
        },
    };
    let tags = metric
        .dimensions
        .iter()
        .filter_map(|(tag, pointer)| Some((tag.clone(), text_at(tree, pointer)?)))
        .collect();
    (value.is_finite() && value.abs() <= LARGEST).then_some((value, tags))
}

/// A number that stands for a value, so that different values have different ones: 52 bits of its hash.
fn different(value: &Value) -> f64 {
    let hash = Sha256::digest(value.to_string().as_bytes());
    (number(&hash[..8]) as u64 >> 12) as f64
}

fn find(
    known: &Knowledge<'_>,
    facility: i64,
    metric: &Definition,
    mut tags: Tags,
    unknown: &mut HashMap<Vec<u8>, NewSeries>,
) -> Result<i32, Box<[u8]>> {
    tags.sort_unstable();
    let key = Series::key(facility, metric.id, &tags);
    match known.series.find(&key) {
        Some(id) => Ok(id),
        None => {
            let new = NewSeries {
                facility,
                metric: metric.id,
                tags,
            };
            let boxed = key.as_slice().into();
            unknown.entry(key).or_insert(new);
            Err(boxed)
        }
    }
}
