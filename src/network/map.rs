//! The listed facilities on a map, by how many of their shelves are critical.

use super::queries::FacilityFigures;
use crate::charts::{Map, Pin, Position, Tone, View, full};

pub fn of(listed: &[FacilityFigures]) -> Map {
    Map {
        id: "network-map".into(),
        title: t!("Critical stock by place").into(),
        pins: listed.iter().map(pin).collect(),
        figure: t!("Stock").into(),
        view: View::Pins,
        choosing: None,
    }
}

fn pin(figures: &FacilityFigures) -> Pin {
    let (tone, word) = match figures.critical {
        0 => (Tone::Good, t!("No critical shelf")),
        1..=3 => (Tone::Low, t!("1 to 3 critical shelves")),
        _ => (Tone::Critical, t!("4 or more critical shelves")),
    };
    Pin {
        name: figures.name.clone(),
        at: Position {
            latitude: figures.latitude,
            longitude: figures.longitude,
        },
        href: Some(format!("/facilities/{}", figures.id)),
        tone,
        word: word.into(),
        weight: figures.issuable as f64,
        figure: t!(
            "{value} issuable units, {critical} critical",
            value = full(figures.issuable as f64),
            critical = figures.critical
        ),
    }
}
