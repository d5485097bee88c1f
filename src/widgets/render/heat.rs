//! Figures by two things, the darker the larger.

use sqlx::PgConnection;

use super::{Look, label, missing_is_zero, ordered, rendered};
use crate::charts::Heat;
use crate::error::Result;
use crate::web::Markup;
use crate::widgets::Nature;
use crate::widgets::compose::Loads;
use crate::widgets::source::total;
use crate::widgets::view::{ChartFragment, ChartView};

/// Rows and columns at most.
const SIDE: usize = 40;

pub async fn html(tx: &mut PgConnection, look: &Look<'_>, loads: &mut Loads<'_>) -> Result<String> {
    let frame = loads.frame(tx, look, &look.query()).await?;
    let [first, second] = look.by else {
        return look.nothing(frame.as_of);
    };
    if frame.rows.is_empty() {
        return look.nothing(frame.as_of);
    }
    let mut rows = ordered(*first, &frame.rows, |row| &row.first, look.measure, &look.span);
    let mut columns = ordered(*second, &frame.rows, |row| &row.second, look.measure, &look.span);
    rows.truncate(SIDE);
    columns.truncate(SIDE);
    let values: Vec<Vec<Option<f64>>> = rows
        .iter()
        .map(|row| {
            let zero = missing_is_zero(&frame, look.measure, *first, row).then_some(0.0);
            columns
                .iter()
                .map(|column| {
                    let here = frame
                        .rows
                        .iter()
                        .filter(|one| one.first == *row && one.second == *column);
                    total(here, look.measure.nature).or(zero)
                })
                .collect()
        })
        .collect();
    let ways: Vec<Vec<_>> = rows
        .iter()
        .map(|row| {
            let way = |column: &String| look.context.narrowed(&[(*first, row), (*second, column)]);
            columns.iter().map(way).collect()
        })
        .collect();
    let names = |keys: &[String], dimension| -> Vec<String> {
        keys.iter().map(|key| label(dimension, key, look.context)).collect()
    };
    let (id, title, heading) = (look.drawing(), look.title(), look.heading(*first));
    let heat = Heat {
        id: &id,
        title: &title,
        unit: look.unit(),
        heading: &heading,
        columns: &names(&columns, *second),
        rows: &names(&rows, *first),
        values: &values,
        narrow: &ways,
        decimals: look.widget.options.decimals,
        sums: matches!(look.measure.nature, Nature::Count | Nature::Level),
    };
    let view = ChartView {
        frame: look.frame(frame.as_of),
        body: Markup(heat.render().to_string()),
    };
    rendered(&ChartFragment { chart: &view })
}
