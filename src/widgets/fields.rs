//! A widget as a plain form: the fields that each kind has, their values as texts, and the widget that texts make.
//! The editor draws its form from this, so that a kind needs no screen of its own.

use std::str::FromStr;

use super::sources::Named;
use super::{Compare, Dimension, Direction, Kind, SourceRef, Widget};
use crate::error::Problems;
use crate::metrics::figures::Aggregate;

/// A field of the editor's form.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// also the name of its problem
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    pub input: Input,
}

/// How a field is filled in.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// a choice out of the measures that this kind can show
    Measure,
    /// a choice of one dimension of the chosen measure
    By,
    /// the name of a metric, out of those that have come or any other
    Metric,
    Text,
    /// a whole number, smallest and largest
    Whole(u32, u32),
    /// any number
    Decimal,
    /// values and labels
    Choice(&'static [(&'static str, &'static str)]),
    /// a text of many lines
    Markdown,
}

macro_rules! field {
    ($name:literal, $label:expr, $input:expr, $hint:expr) => {
        Field {
            name: $name,
            label: $label,
            hint: $hint,
            input: $input,
        }
    };
}

const MEASURE: Field = field!("measure", mark!("Shows"), Input::Measure, "");
const BY: Field = field!("by", mark!("Split by"), Input::By, "");
const AND: Field = field!(
    "and",
    mark!("And by"),
    Input::By,
    mark!("Leave it empty to split once.")
);
const UNIT: Field = field!(
    "unit",
    mark!("Unit"),
    Input::Text,
    mark!("Words after the number; empty for the measure's own.")
);
const DECIMALS: Field = field!(
    "decimals",
    mark!("Decimals"),
    Input::Whole(0, 4),
    mark!("Empty for as many as the figure needs.")
);
const LIMIT: Field = field!(
    "limit",
    mark!("At most"),
    Input::Whole(1, 100),
    mark!("Rows or bars; the rest is summed as Other.")
);
const ROWS: Field = field!("limit", mark!("Rows"), Input::Whole(1, 100), mark!("8 when empty."));
const DAYS: Field = field!(
    "days",
    mark!("Days back"),
    Input::Whole(1, 400),
    mark!("With today; empty follows the time range of the board.")
);
const HOURS: Field = field!(
    "hours",
    mark!("Hours ahead"),
    Input::Whole(1, 8784),
    mark!("For what expires soon: within so many hours. 72 when empty.")
);
const COMPARE: Field = field!(
    "compare",
    mark!("Compare with"),
    Input::Choice(&[
        ("week", mark!("The week before")),
        ("previous", mark!("The time before of the same length")),
        ("none", mark!("Nothing")),
    ]),
    ""
);
const DIRECTION: Field = field!(
    "direction",
    mark!("Thresholds"),
    Input::Choice(&[
        ("above", mark!("High values are bad")),
        ("below", mark!("Low values are bad"))
    ]),
    ""
);
const WARN: Field = field!("warn", mark!("Warning at"), Input::Decimal, "");
const CRITICAL: Field = field!("critical", mark!("Critical at"), Input::Decimal, "");
const TARGET: Field = field!("target", mark!("Target"), Input::Decimal, "");
const MARKDOWN: Field = field!(
    "markdown",
    mark!("Text"),
    Input::Markdown,
    mark!("Markdown: headings, lists, tables, links.")
);
const DRILL: Field = field!(
    "drill",
    mark!("Title leads to"),
    Input::Text,
    mark!("A path of this site, such as /facilities/7/inventory; empty for the list behind the figure.")
);

const METRIC: Field = field!(
    "metric",
    mark!("Metric"),
    Input::Metric,
    mark!("Its name, such as cpu_usage.")
);
const AGGREGATE: Field = field!(
    "aggregate",
    mark!("Number"),
    Input::Choice(&[
        ("avg", mark!("Average")),
        ("sum", mark!("Sum")),
        ("count", mark!("Number of values")),
        ("rate", mark!("Rate a second")),
        ("min", mark!("Lowest")),
        ("max", mark!("Highest")),
        ("distinct", mark!("Different values")),
        ("p50", mark!("Median (p50)")),
        ("p90", mark!("90th percentile (p90)")),
        ("p95", mark!("95th percentile (p95)")),
        ("p99", mark!("99th percentile (p99)")),
        ("ratio", mark!("Ratio")),
    ]),
    ""
);
const WINDOW: Field = field!(
    "window",
    mark!("Window"),
    Input::Text,
    mark!("Such as 90s, 1m, 5m, 15m, 2h or 7d; 5m when empty.")
);
const REACH: Field = field!(
    "reach",
    mark!("Over the last"),
    Input::Text,
    mark!("Such as 30m, 3h or 2d; 3h when empty.")
);
const TAG: Field = field!(
    "tag",
    mark!("A line for each"),
    Input::Text,
    mark!("The name of a tag, such as host; empty for one line.")
);
const TAG_OF_TOP: Field = field!(
    "tag",
    mark!("Of each"),
    Input::Text,
    mark!("The name of a tag, such as host.")
);
const TAGS: Field = field!(
    "tags",
    mark!("Only where"),
    Input::Text,
    mark!("Tags and their values, such as host=web-01, env=prod; empty for all.")
);

pub(super) const LIVE: &[Field] = &[
    METRIC, AGGREGATE, WINDOW, TAGS, UNIT, DECIMALS, DIRECTION, WARN, CRITICAL, DRILL,
];
pub(super) const WINDOWS: &[Field] = &[METRIC, AGGREGATE, WINDOW, REACH, TAG, TAGS, LIMIT, UNIT, TARGET, DRILL];
pub(super) const TOP: &[Field] = &[
    METRIC, AGGREGATE, TAG_OF_TOP, WINDOW, TAGS, LIMIT, UNIT, DECIMALS, DIRECTION, WARN, CRITICAL, DRILL,
];
pub(super) const SPREAD: &[Field] = &[METRIC, WINDOW, TAGS, UNIT, DRILL];
pub(super) const NUMBER: &[Field] = &[
    MEASURE, COMPARE, DAYS, HOURS, UNIT, DECIMALS, DIRECTION, WARN, CRITICAL, DRILL,
];
pub(super) const CHART: &[Field] = &[MEASURE, BY, AND, DAYS, HOURS, LIMIT, UNIT, DECIMALS, TARGET, DRILL];
pub(super) const BARS: &[Field] = CHART;
pub(super) const TABLE: &[Field] = &[
    MEASURE, BY, AND, DAYS, HOURS, LIMIT, UNIT, DECIMALS, DIRECTION, WARN, CRITICAL, DRILL,
];
pub(super) const LIST: &[Field] = &[MEASURE, HOURS, ROWS, DRILL];
pub(super) const GAUGE: &[Field] = &[
    MEASURE, TARGET, DAYS, HOURS, UNIT, DECIMALS, DIRECTION, WARN, CRITICAL, DRILL,
];
pub(super) const MAP: &[Field] = &[
    MEASURE, BY, DAYS, HOURS, UNIT, DECIMALS, DIRECTION, WARN, CRITICAL, DRILL,
];
pub(super) const HEATMAP: &[Field] = &[MEASURE, BY, AND, DAYS, HOURS, UNIT, DECIMALS, DRILL];
pub(super) const ACTIVITY: &[Field] = &[ROWS];
pub(super) const TEXT: &[Field] = &[MARKDOWN];
pub(super) const ALERT: &[Field] = &[ROWS];

/// The names of every field that a widget's form may have; all but `id` and `kind` may be left out.
pub const NAMES: [&str; 29] = [
    "id",
    "kind",
    "title",
    "measure",
    "by",
    "and",
    "limit",
    "unit",
    "decimals",
    "days",
    "hours",
    "compare",
    "markdown",
    "warn",
    "critical",
    "direction",
    "target",
    "drill",
    "metric",
    "aggregate",
    "window",
    "reach",
    "tag",
    "tags",
    "x",
    "y",
    "w",
    "h",
    "locked",
];

impl Widget {
    /// Its metric, where its measure is of one.
    pub(super) fn named(&self) -> Option<Named<'_>> {
        Named::read(&self.source.as_ref()?.measure)
    }

    /// A field as the form shows it; empty when it is not set or does not exist.
    pub fn value(&self, name: &str) -> String {
        fn text<T: ToString>(value: Option<T>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        let (options, thresholds, place) = (&self.options, &self.thresholds, &self.place);
        let typed = || Named::typed(&self.source.as_ref()?.measure);
        let by = |at: usize| text(self.source.as_ref().and_then(|source| source.by.get(at)));
        match name {
            "id" => self.id.clone(),
            "kind" => self.kind.to_string(),
            "title" => self.title.clone(),
            "measure" => text(self.source.as_ref().map(|source| &source.measure)),
            "by" => by(0),
            "and" => by(1),
            "limit" => text(options.limit),
            "unit" => text(options.unit.as_ref()),
            "decimals" => text(options.decimals),
            "days" => text(options.days),
            "hours" => text(options.hours),
            "compare" => options.compare.to_string(),
            "metric" => text(typed().map(|named| named.metric)),
            "aggregate" => text(typed().map(|named| named.aggregate)),
            "tag" => text(typed().map(|named| named.tag)),
            "window" => text(options.window.as_ref()),
            "reach" => text(options.reach.as_ref()),
            "tags" => text(options.tags.as_ref()),
            "markdown" => text(options.markdown.as_ref()),
            "warn" => text(thresholds.warn),
            "critical" => text(thresholds.critical),
            "direction" => thresholds.direction.to_string(),
            "target" => text(thresholds.target),
            "drill" => text(self.drill.as_ref()),
            "x" => place.x.to_string(),
            "y" => place.y.to_string(),
            "w" => place.w.to_string(),
            "h" => place.h.to_string(),
            "locked" => if self.locked { "true" } else { "" }.into(),
            _ => String::new(),
        }
    }

    /// The widget that a form's names and values make. A name that is absent is left out, an unknown one is passed over;
    /// the problems are those of single texts, and [`Widget::check`] still has to be asked.
    pub fn from_form(pairs: &[(String, String)]) -> (Widget, Problems) {
        let mut form = Form {
            pairs,
            problems: Problems::default(),
        };
        let kind = form.choice::<Kind>("kind").unwrap_or_else(|| {
            form.problems.add("kind", t!("Choose a kind."));
            Kind::Number
        });
        let mut widget = Widget::new(kind, form.text("id").unwrap_or_default());
        widget.title = form.text("title").unwrap_or_default().into();
        widget.source = form.text("measure").map(|measure| SourceRef {
            measure: measure.into(),
            by: ["by", "and"]
                .iter()
                .filter_map(|name| form.choice::<Dimension>(name))
                .collect(),
        });
        if kind.is_windowed()
            && let Some(metric) = form.text("metric")
        {
            let aggregate = form.choice::<Aggregate>("aggregate").unwrap_or(Aggregate::Average);
            let takes_tag = kind.describe().fields.iter().any(|field| field.name == "tag");
            let tag = form.text("tag").filter(|_| takes_tag).unwrap_or_default();
            widget.source = Some(SourceRef {
                measure: Named { aggregate, metric, tag }.measure(),
                by: vec![],
            });
        }
        widget.options.window = form.text("window").map(String::from);
        widget.options.reach = form.text("reach").map(String::from);
        widget.options.tags = form.text("tags").map(String::from);
        widget.options.limit = form.number("limit");
        widget.options.unit = form.text("unit").map(String::from);
        widget.options.decimals = form.number("decimals");
        widget.options.days = form.number("days");
        widget.options.hours = form.number("hours");
        widget.options.compare = form.choice::<Compare>("compare").unwrap_or_default();
        widget.options.markdown = form.text("markdown").map(String::from);
        widget.thresholds.warn = form.number("warn");
        widget.thresholds.critical = form.number("critical");
        widget.thresholds.direction = form.choice::<Direction>("direction").unwrap_or_default();
        widget.thresholds.target = form.number("target");
        widget.drill = form.text("drill").map(String::from);
        let place = widget.place;
        widget.place.x = form.number("x").unwrap_or(place.x);
        widget.place.y = form.number("y").unwrap_or(place.y);
        widget.place.w = form.number("w").unwrap_or(place.w);
        widget.place.h = form.number("h").unwrap_or(place.h);
        widget.locked = form.text("locked").is_some();
        widget.keep_what_fits();
        (widget, form.problems)
    }

    /// Forgets what its kind does not take: the form that was sent may show the fields of the kind before.
    fn keep_what_fits(&mut self) {
        let description = self.kind.describe();
        let takes = |name: &str| description.fields.iter().any(|field| field.name == name);
        if !takes("measure") && !takes("metric") {
            self.source = None;
        } else if let Some(source) = self.source.as_mut().filter(|_| !takes("by")) {
            source.by.clear();
        }
        let options = &mut self.options;
        options.limit = options.limit.filter(|_| takes("limit"));
        options.unit = options.unit.take().filter(|_| takes("unit"));
        options.decimals = options.decimals.filter(|_| takes("decimals"));
        options.days = options.days.filter(|_| takes("days"));
        options.hours = options.hours.filter(|_| takes("hours"));
        options.window = options.window.take().filter(|_| takes("window"));
        options.reach = options.reach.take().filter(|_| takes("reach"));
        options.tags = options.tags.take().filter(|_| takes("tags"));
        options.markdown = options.markdown.take().filter(|_| takes("markdown"));
        if !takes("compare") {
            options.compare = Compare::default();
        }
        let thresholds = &mut self.thresholds;
        thresholds.target = thresholds.target.filter(|_| takes("target"));
        if !takes("warn") {
            (thresholds.warn, thresholds.critical) = (None, None);
            thresholds.direction = Direction::default();
        }
    }
}

/// Texts by name, and what is wrong with them.
struct Form<'a> {
    pairs: &'a [(String, String)],
    problems: Problems,
}

impl<'a> Form<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.pairs.iter().find(|(given, _)| given == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    fn choice<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let read = self.text(name)?.parse();
        if read.is_err() {
            self.problems.add(name, t!("Choose one of the list."));
        }
        read.ok()
    }

    fn number<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let read = self.text(name)?.replace(',', ".").parse();
        if read.is_err() {
            self.problems.add(name, t!("Give a number."));
        }
        read.ok()
    }
}
