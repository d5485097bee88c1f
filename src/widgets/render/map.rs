//! Figures where they are: a marker for each facility.

use sqlx::PgConnection;

use super::{Look, missing_is_zero, rendered};
use crate::charts::{Map, Pin, Position, Tone, View, rounded};
use crate::error::Result;
use crate::facilities::Facility;
use crate::figures::Dimension;
use crate::web::Markup;
use crate::widgets::compose::Loads;
use crate::widgets::source::total;
use crate::widgets::view::{ChartFragment, ChartView};
use crate::widgets::{Query, State};

pub async fn html(tx: &mut PgConnection, look: &Look<'_>, loads: &mut Loads<'_>) -> Result<String> {
    let query = look.query();
    let frame = loads.frame(tx, look, &query).await?;
    let nature = look.measure.nature;
    let rows: std::collections::HashMap<&str, _> = frame.rows.iter().map(|row| (row.first.as_str(), row)).collect();
    let known = |facility: &Facility| {
        let key = facility.id.to_string();
        let zero = missing_is_zero(&frame, look.measure, Dimension::Facility, &key).then_some(0.0);
        total(rows.get(key.as_str()).copied().into_iter(), nature).or(zero)
    };
    let pins = look
        .context
        .facilities
        .iter()
        .map(|facility| pin(look, &query, facility, known(facility)));
    let map = Map {
        id: look.drawing(),
        title: look.title(),
        pins: pins.collect(),
        figure: look.measure.title().to_string(),
        view: View::Pins,
        choosing: None,
    };
    let view = ChartView {
        frame: look.frame(frame.as_of),
        body: Markup(map.render().to_string()),
    };
    rendered(&ChartFragment { chart: &view })
}

fn pin(look: &Look<'_>, query: &Query, facility: &Facility, value: Option<f64>) -> Pin {
    let state = value.map_or(State::Unknown, |value| look.widget.thresholds.state(value));
    let (tone, word) = match (state, value) {
        (State::Critical, _) => (Tone::Critical, state.label()),
        (State::Warn, _) => (Tone::Low, state.label()),
        (State::Good, _) => (Tone::Good, state.label()),
        // without thresholds a known place is a place like any other
        (State::Unknown, Some(_)) => (Tone::Good, t!("Known")),
        (State::Unknown, None) => (Tone::Unknown, t!("No data")),
    };
    Pin {
        name: facility.name.clone(),
        at: Position {
            latitude: facility.latitude,
            longitude: facility.longitude,
        },
        href: look.href(query, &[(Dimension::Facility, &facility.id.to_string())]),
        tone,
        word: word.into(),
        weight: value.unwrap_or(0.0).max(0.0),
        figure: match value {
            Some(value) => format!("{} {}", rounded(value, look.widget.options.decimals), look.unit())
                .trim_end()
                .into(),
            None => t!("no data").into(),
        },
    }
}
