//! A heat map: a table whose cells are the darker the larger their number. The number stands in the cell, so nobody
//! needs the colour.

use askama::Template;

use super::{Narrowing, rounded};

/// Steps of the scale, besides nothing at all.
const STEPS: f64 = 6.0;

/// Numbers by row and column.
#[derive(Clone, Debug)]
pub struct Heat<'a> {
    /// unique on the page
    pub id: &'a str,
    pub title: &'a str,
    pub unit: &'a str,
    /// what the rows are: `Weekday`
    pub heading: &'a str,
    pub columns: &'a [String],
    pub rows: &'a [String],
    /// by row and column; none where nothing is known
    pub values: &'a [Vec<Option<f64>>],
    /// where a click on a cell leads, likewise
    pub narrow: &'a [Vec<Option<Narrowing>>],
    pub decimals: Option<u8>,
    /// whether the sum of a row means something
    pub sums: bool,
}

/// The `<figure>` of a heat map.
#[derive(Template)]
#[template(path = "charts/_heat.html")]
pub struct HeatFragment<'a> {
    heat: &'a Heat<'a>,
    rows: Vec<HeatRow<'a>>,
    highest: String,
    many: bool,
}

/// A row's name, its cells as step, text and way, and its sum.
type HeatRow<'a> = (&'a str, Vec<(u8, String, Option<&'a Narrowing>)>, Option<String>);

impl askama::filters::HtmlSafe for HeatFragment<'_> {}

impl Heat<'_> {
    pub fn render(&self) -> HeatFragment<'_> {
        let top = self.values.iter().flatten().flatten().copied().fold(0.0, f64::max);
        let step = |value: f64| match value {
            value if value <= 0.0 || top <= 0.0 => 0,
            value => (value / top * STEPS).ceil().clamp(1.0, STEPS) as u8,
        };
        let rows = self
            .rows
            .iter()
            .zip(self.values)
            .zip(self.narrow)
            .map(|((name, values), ways)| {
                let cells = values
                    .iter()
                    .zip(ways)
                    .map(|(value, way)| match value {
                        Some(value) => (step(*value), rounded(*value, self.decimals), way.as_ref()),
                        None => (0, "–".into(), None),
                    })
                    .collect();
                let sum = self.sums.then(|| rounded(values.iter().flatten().sum(), self.decimals));
                (name.as_str(), cells, sum)
            })
            .collect();
        HeatFragment {
            heat: self,
            rows,
            highest: rounded(top, self.decimals),
            many: self.columns.len() > 12,
        }
    }
}
