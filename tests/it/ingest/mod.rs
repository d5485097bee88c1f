//! Events and points on their way in, and what they add up to.

mod exactness;
mod faults;
pub mod http;
mod letters;

use pulseboard::ids::FacilityId;
use pulseboard::ingest::{Incoming, Item, Origin, Point};
use serde_json::value::RawValue;

/// An order of a shop.
pub fn event(id: &str, data: &str) -> Item {
    Item::Event(Box::new(Incoming {
        source: "shop".into(),
        id: id.into(),
        kind: "shop.order".into(),
        time: None,
        subject: None,
        data: Some(RawValue::from_string(data.into()).expect("JSON")),
        facility: None,
    }))
}

/// A value, now.
pub fn point(metric: &str, value: f64) -> Item {
    Item::Point(Point {
        metric: metric.into(),
        value,
        time: None,
        tags: vec![("host".into(), "web-01".into())],
        facility: None,
    })
}

/// Somebody who may send for these facilities; none: for all.
pub fn origin(facilities: Option<&[FacilityId]>) -> Origin {
    Origin {
        name: "a test".into(),
        facilities: facilities.map(<[FacilityId]>::to_vec),
    }
}
