//! A gauge: half a ring that fills up to a value, with marks where thresholds and target lie.
//! Number, state and target stand beside it as words; the ring only says them again.

use std::f64::consts::PI;
use std::fmt::Write;

use askama::Template;

/// A value against what it should be.
#[derive(Clone, Debug)]
pub struct Gauge<'a> {
    /// unique on the page
    pub id: &'a str,
    pub title: &'a str,
    pub unit: &'a str,
    pub value: f64,
    /// the value as text
    pub text: String,
    pub href: Option<&'a str>,
    /// `good`, `low`, `critical`, `unknown` and the word for it
    pub phase: &'static str,
    pub word: &'static str,
    pub target: Option<f64>,
    /// thresholds by name
    pub marks: &'a [(&'static str, f64)],
}

/// The `<figure>` of a gauge.
#[derive(Template)]
#[template(path = "charts/_gauge.html")]
pub struct GaugeFragment<'a> {
    gauge: &'a Gauge<'a>,
    track: String,
    filled: String,
    marks: String,
    target: String,
    facts: Vec<(&'static str, String)>,
    share: Option<String>,
}

impl askama::filters::HtmlSafe for GaugeFragment<'_> {}

const CENTRE: (f64, f64) = (60.0, 60.0);
const RADIUS: f64 = 48.0;

impl Gauge<'_> {
    pub fn render(&self) -> GaugeFragment<'_> {
        // the target at five sixths, so that there is room to be above it
        let reach = self
            .marks
            .iter()
            .map(|(_, value)| *value)
            .chain(self.target.map(|target| target * 1.2));
        let top = reach
            .chain([self.value])
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max);
        let share = |value: f64| if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
        let mark = |value: f64, from: f64, to: f64| {
            let (a, b) = (point(share(value), from), point(share(value), to));
            format!("M{:.1} {:.1}L{:.1} {:.1}", a.0, a.1, b.0, b.1)
        };
        let marks = self.marks.iter().fold(String::new(), |mut path, (_, value)| {
            let _ = write!(path, "{}", mark(*value, RADIUS - 8.0, RADIUS + 8.0));
            path
        });
        let mut facts: Vec<(&'static str, String)> = vec![];
        facts.extend(self.target.map(|target| (t!("Target"), super::full(target))));
        facts.extend(self.marks.iter().map(|(name, value)| (*name, super::full(*value))));
        GaugeFragment {
            gauge: self,
            track: arc(1.0),
            filled: arc(share(self.value)),
            marks,
            target: self
                .target
                .map(|target| mark(target, RADIUS - 10.0, RADIUS + 12.0))
                .unwrap_or_default(),
            facts,
            share: self.target.filter(|target| *target > 0.0).map(|target| {
                t!(
                    "{share} % of the target",
                    share = format!("{:.0}", self.value / target * 100.0)
                )
            }),
        }
    }
}

/// A point of the half ring: 0 at its left end, 1 at its right.
fn point(share: f64, radius: f64) -> (f64, f64) {
    let angle = PI * (1.0 - share);
    (CENTRE.0 + radius * angle.cos(), CENTRE.1 - radius * angle.sin())
}

fn arc(share: f64) -> String {
    if share <= 0.0 {
        return String::new();
    }
    let (from, to) = (point(0.0, RADIUS), point(share, RADIUS));
    format!(
        "M{:.1} {:.1}A{RADIUS} {RADIUS} 0 0 1 {:.1} {:.1}",
        from.0, from.1, to.0, to.1
    )
}
