//! Figures where they are: a circle for each facility.

use sqlx::PgConnection;

use super::{Look, rendered};
use crate::charts::{Map, Spot, rounded};
use crate::error::Result;
use crate::figures::Dimension;
use crate::web::Markup;
use crate::widgets::State;
use crate::widgets::compose::Loads;
use crate::widgets::source::total;
use crate::widgets::view::{ChartFragment, ChartView};

pub async fn html(tx: &mut PgConnection, look: &Look<'_>, loads: &mut Loads<'_>) -> Result<String> {
    let query = look.query();
    let frame = loads.frame(tx, look, &query).await?;
    let nature = look.measure.nature;
    let rows: std::collections::HashMap<&str, _> = frame.rows.iter().map(|row| (row.first.as_str(), row)).collect();
    let mut spots: Vec<Spot> = look
        .context
        .facilities
        .iter()
        .map(|facility| {
            let key = facility.id.to_string();
            let value = total(rows.get(key.as_str()).copied().into_iter(), nature).or(super::missing_is_zero(
                &frame,
                look.measure,
                Dimension::Facility,
                &key,
            )
            .then_some(0.0));
            let state = value.map_or(State::Unknown, |value| look.widget.thresholds.state(value));
            let known = state != State::Unknown;
            Spot {
                name: facility.name.clone(),
                latitude: facility.latitude,
                longitude: facility.longitude,
                value,
                text: value.map_or_else(
                    || "no data".into(),
                    |value| rounded(value, look.widget.options.decimals),
                ),
                href: look.href(&query, &[(Dimension::Facility, &key)]),
                phase: if known { state.as_str() } else { "" },
                word: if known { state.label() } else { "" },
            }
        })
        .collect();
    // the small ones are drawn over the large ones, which stay to be seen
    spots.sort_by(|a, b| b.value.unwrap_or(-1.0).total_cmp(&a.value.unwrap_or(-1.0)));
    let (id, title) = (look.drawing(), look.title());
    let map = Map {
        id: &id,
        title: &title,
        unit: look.unit(),
        spots: &spots,
        outline: &[],
    };
    let view = ChartView {
        frame: look.frame(frame.as_of),
        body: Markup(map.render().to_string()),
    };
    rendered(&ChartFragment { chart: &view })
}
