//! Horizontal bars by category: a table whose rows carry their own bar, so that the chart is its own data table.
//! What the bar says is said by the number beside it too.

use askama::Template;

use super::path::tenths;
use super::{Narrowing, full};

/// One category.
#[derive(Clone, Debug)]
pub struct Rank {
    pub label: String,
    /// where a click on it leads
    pub href: Option<String>,
    /// where a click on its bar leads
    pub narrow: Option<Narrowing>,
    pub value: Option<f64>,
    /// the rest in one row: its bar would dwarf the others, so it has none
    pub rest: bool,
    /// `good`, `low`, `critical` and the word for it; empty for none
    pub phase: &'static str,
    pub word: &'static str,
}

/// A chart of categories in the order given.
#[derive(Clone, Debug)]
pub struct Ranks<'a> {
    /// unique on the page
    pub id: &'a str,
    pub title: &'a str,
    /// what the categories are: `Component`
    pub heading: String,
    pub unit: &'a str,
    pub ranks: &'a [Rank],
    /// digits after the point; none for as many as a number needs
    pub decimals: Option<u8>,
    pub target: Option<f64>,
    /// what all of it comes to, where shares of that are said
    pub whole: Option<f64>,
}

/// The `<figure>` of such a chart.
#[derive(Template)]
#[template(path = "charts/_rank.html")]
pub struct RanksFragment<'a> {
    chart: &'a Ranks<'a>,
    rows: Vec<Row<'a>>,
    /// where it lies in the drawing, and in words
    target: Option<(String, String)>,
    phased: bool,
}

struct Row<'a> {
    rank: &'a Rank,
    x: String,
    width: String,
    text: String,
    /// of the whole, or empty
    share: String,
}

impl askama::filters::HtmlSafe for RanksFragment<'_> {}

impl Ranks<'_> {
    pub fn render(&self) -> RanksFragment<'_> {
        let known = || {
            self.ranks
                .iter()
                .filter_map(|rank| rank.value)
                .filter(|value| value.is_finite())
        };
        let ends = known()
            .chain(self.target)
            .fold((0.0f64, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
        let span = if ends.1 > ends.0 { ends.1 - ends.0 } else { 1.0 };
        // tenths of a unit of a drawing that is a thousand wide
        let at = |value: f64| ((value - ends.0) / span * 10_000.0).round() as i32;
        RanksFragment {
            chart: self,
            rows: self
                .ranks
                .iter()
                .map(|rank| {
                    let value = rank.value.filter(|value| value.is_finite()).unwrap_or(0.0);
                    let (from, to) = (at(value.min(0.0)), at(value.max(0.0)));
                    Row {
                        rank,
                        x: tenths(from),
                        width: tenths((to - from).max(20)),
                        share: self
                            .whole
                            .filter(|whole| *whole > 0.0)
                            .zip(rank.value)
                            .map(|(whole, value)| format!("{}\u{202f}%", full(value * 100.0 / whole)))
                            .unwrap_or_default(),
                        text: rank
                            .value
                            .map_or_else(|| t!("no data").into(), |value| super::rounded(value, self.decimals)),
                    }
                })
                .collect(),
            target: self.target.map(|target| (tenths(at(target)), full(target))),
            phased: self.ranks.iter().any(|rank| !rank.phase.is_empty()),
        }
    }
}
