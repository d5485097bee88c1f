//! Facilities on a map.

use super::queries::Listed;
use crate::charts::{Map, Pin, Position, Tone, View};
use crate::facilities::FacilityKind;

/// The facilities that a list shows, each a link to its page.
pub fn of_list(listed: &[&Listed]) -> Map {
    Map {
        id: "facility-map".into(),
        title: t!("Where they are").into(),
        pins: listed.iter().map(|one| pin(one, true)).collect(),
        figure: t!("Kind").into(),
        view: View::Pins,
        choosing: None,
    }
}

/// The map on which a place is chosen, between the other facilities.
pub fn picker(others: &[Listed], chosen: Option<(f64, f64)>, near: bool) -> Map {
    let chosen = chosen.map(|(latitude, longitude)| Position { latitude, longitude });
    Map {
        id: "place".into(),
        title: t!("Place on the map").into(),
        pins: others.iter().map(|one| pin(one, false)).collect(),
        figure: t!("Kind").into(),
        view: match chosen {
            Some(at) if near => View::Near(at),
            _ => View::Pins,
        },
        choosing: Some(chosen),
    }
}

fn pin(one: &Listed, linked: bool) -> Pin {
    let (tone, word) = if one.active {
        (Tone::Good, t!("Active"))
    } else {
        (Tone::Unknown, t!("Inactive"))
    };
    Pin {
        name: one.name.clone(),
        at: Position {
            latitude: one.latitude,
            longitude: one.longitude,
        },
        href: linked.then(|| format!("/admin/facilities/{}", one.id)),
        tone,
        word: word.into(),
        weight: match one.kind {
            FacilityKind::BloodCenter => 1.0,
            FacilityKind::Hospital => 0.4,
            FacilityKind::Clinic => 0.1,
        },
        figure: one.kind.label().into(),
    }
}
