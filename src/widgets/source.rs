//! Where figures come from: one trait, which every feature with figures implements, and the list of all that do.
//! A widget knows nothing of the tables behind a measure, and a source nothing of how its figures will look.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::sources::Named;
use super::{Context, Kind, SeesRows, Span, Widget};
use crate::blood::{BloodGroup, Component};
use crate::error::{Error, Problems, Result};
use crate::figures::{Cut, Dimension, Row};
use crate::ids::FacilityId;
use crate::words::{self, Locale};

/// What kind of number a measure is, which decides what may be added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// how much there is: adds up over facilities and never over days
    Level,
    /// how often something happened: adds up over everything
    Count,
    /// one sum over another: adds up over nothing
    Ratio,
    /// the worst of many, such as an age
    Worst,
}

/// A figure that widgets can show.
#[derive(Clone, Debug)]
pub struct Measure {
    /// `inventory.issuable`
    pub name: Cow<'static, str>,
    pub title: Cow<'static, str>,
    /// as it stands after a number; empty for none
    pub unit: Cow<'static, str>,
    pub nature: Nature,
    /// what it can be split by
    pub by: &'static [Dimension],
    /// whether it is known for days before today; without a past there is no comparison
    pub past: bool,
    /// whether the rows behind it can be listed
    pub items: bool,
    /// whether it looks so many hours ahead
    pub hours: bool,
}

impl Measure {
    /// Its title in the language of the task.
    pub fn title(&self) -> &str {
        words::ours(&self.title)
    }

    /// Its unit in the language of the task.
    pub fn unit(&self) -> &str {
        words::ours(&self.unit)
    }

    /// Whether a widget of this kind can show it.
    pub fn suits(&self, kind: Kind) -> bool {
        let description = kind.describe();
        let named = Named::read(&self.name);
        if kind.is_windowed() {
            return named.is_some();
        }
        if named.is_some_and(|named| !named.aggregate.is_daily()) {
            return false;
        }
        description.needs_source() && (kind != Kind::List || self.items) && kind.accepts(&kind.default_by(self.by))
    }

    /// The question by component and group out of whose answer this one can be told; none for the same question, or where
    /// it adds up to something else.
    pub(super) fn by_shelf(&self, query: &Query) -> Option<Query> {
        const SHELF: [Dimension; 2] = [Dimension::Component, Dimension::Group];
        let by = &query.cut.by;
        let adds_up = self.nature == Nature::Level && !self.past && SHELF.iter().all(|one| self.by.contains(one));
        if !adds_up || query.cut.facilities.len() < 2 || *by == SHELF || !by.iter().all(|one| SHELF.contains(one)) {
            return None;
        }
        let mut shelves = query.clone();
        shelves.cut.by = SHELF.to_vec();
        Some(shelves)
    }
}

/// A question to a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    pub measure: String,
    pub cut: Cut,
    /// hours ahead, for measures that look ahead
    pub hours: u32,
    /// the cut's last day is today, which is not over
    pub live: bool,
}

/// Hours ahead when a widget does not say.
pub const SOON_HOURS: u32 = 72;

impl Query {
    /// What a widget asks about a span of days.
    pub fn new(measure: &Measure, widget: &Widget, by: &[Dimension], span: &Span, context: &Context) -> Self {
        let filter = &context.filter;
        Query {
            measure: measure.name.to_string(),
            cut: Cut {
                facilities: context.ids(),
                first: span.first,
                last: span.last,
                by: by.to_vec(),
                group: filter.group.filter(|_| measure.by.contains(&Dimension::Group)),
                component: filter.component.filter(|_| measure.by.contains(&Dimension::Component)),
            },
            hours: if measure.hours {
                widget.options.hours.unwrap_or(SOON_HOURS)
            } else {
                0
            },
            live: span.last >= context.today,
        }
    }
}

/// The answer: a number for each combination of keys. Combinations without anything are not in it.
#[derive(Clone, Debug)]
pub struct Frame {
    pub by: Vec<Dimension>,
    pub rows: Vec<Row>,
    pub as_of: DateTime<Utc>,
    /// the last day is not over
    pub last_is_partial: bool,
    /// split by day: the days of which anything is known, in order; on these a missing number is zero
    pub known: Vec<NaiveDate>,
}

impl Frame {
    /// The numbers of all rows together; none without any row, or when they are ratios of nothing.
    pub fn total(&self, nature: Nature) -> Option<f64> {
        total(self.rows.iter(), nature)
    }

    /// The same split by some of its dimensions only, or in another order; right for what adds up.
    pub(super) fn folded(self, by: &[Dimension]) -> Frame {
        let mut rows: BTreeMap<(String, String), (f64, Option<f64>)> = BTreeMap::new();
        for row in &self.rows {
            let key = |at: usize| match by.get(at).and_then(|one| self.by.iter().position(|had| had == one)) {
                Some(0) => row.first.clone(),
                Some(_) => row.second.clone(),
                None => String::new(),
            };
            let sum = rows.entry((key(0), key(1))).or_default();
            sum.0 += row.value;
            if let Some(over) = row.over {
                sum.1 = Some(sum.1.unwrap_or_default() + over);
            }
        }
        let rows = rows.into_iter().map(|((first, second), (value, over))| Row {
            first,
            second,
            value,
            over,
        });
        Frame {
            rows: rows.collect(),
            by: by.to_vec(),
            ..self
        }
    }
}

/// The numbers of some rows together.
pub fn total<'a>(rows: impl Iterator<Item = &'a Row>, nature: Nature) -> Option<f64> {
    let (mut sum, mut over, mut worst, mut any) = (0.0, 0.0, f64::NEG_INFINITY, false);
    for row in rows {
        any = true;
        sum += row.value;
        over += row.over.unwrap_or_default();
        worst = worst.max(row.value);
    }
    match nature {
        _ if !any => None,
        Nature::Worst => Some(worst),
        Nature::Ratio => (over > 0.0).then(|| sum / over),
        Nature::Level | Nature::Count => Some(sum),
    }
}

/// Which part of a measure a link is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    pub facility: Option<FacilityId>,
    pub day: Option<NaiveDate>,
    pub group: Option<BloodGroup>,
    pub component: Option<Component>,
}

/// Rows behind a number: what the columns are called, and at most so many rows of them.
#[derive(Clone, Debug, Default)]
pub struct Items {
    pub columns: Vec<&'static str>,
    pub rows: Vec<Item>,
    /// rows there are in all
    pub total: i64,
    pub as_of: Option<DateTime<Utc>>,
}

/// One of the rows behind a number.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// unique in the list, fit for an element's id
    pub key: String,
    pub href: String,
    /// as many as there are columns; the first is the row's name
    pub cells: Vec<String>,
    /// `good`, `watch`, `low`, `critical` and its word; empty for none
    pub phase: &'static str,
    pub word: &'static str,
}

/// A feature with figures. `load` and `items` see what their transaction's scope sees and nothing else.
#[async_trait]
pub trait Source: Send + Sync {
    /// Those that are the same everywhere.
    fn measures(&self) -> Vec<Measure>;

    /// A measure that is not among these, because it depends on what is defined in the database; whether it is, `load` says.
    fn named(&self, _: &str) -> Option<Measure> {
        None
    }

    /// The figure as asked. `NotFound` for a measure of another source.
    async fn load(&self, tx: &mut PgConnection, query: &Query) -> Result<Frame>;

    /// The rows behind it in one facility, the most pressing first.
    async fn items(
        &self,
        _: &mut PgConnection,
        _: SeesRows,
        _: FacilityId,
        _: &Query,
        _: &Context,
        _: usize,
    ) -> Result<Items> {
        Err(Error::NotFound)
    }

    /// The page that lists what a number counts; none where there is no such page.
    fn href(&self, _: &Query, _: &Spot) -> Option<String> {
        None
    }
}

/// Every source, and every measure by its name.
pub struct Sources {
    all: Vec<Box<dyn Source>>,
    /// with the place of its source
    measures: Vec<(usize, Measure)>,
}

impl Sources {
    pub fn new(all: Vec<Box<dyn Source>>) -> Self {
        let measures = all
            .iter()
            .enumerate()
            .flat_map(|(at, source)| source.measures().into_iter().map(move |measure| (at, measure)))
            .collect();
        Sources { all, measures }
    }

    /// Every measure, source by source.
    pub fn measures(&self) -> impl Iterator<Item = &Measure> {
        self.measures.iter().map(|(_, measure)| measure)
    }

    /// A measure and who knows it.
    pub fn find(&self, name: &str) -> Option<(&dyn Source, Cow<'_, Measure>)> {
        if let Some((at, measure)) = self.measures.iter().find(|(_, measure)| measure.name == name) {
            return Some((self.all[*at].as_ref(), Cow::Borrowed(measure)));
        }
        let named = |source: &'_ dyn Source| source.named(name);
        let source = self.all.iter().find(|source| named(source.as_ref()).is_some())?;
        Some((source.as_ref(), Cow::Owned(named(source.as_ref())?)))
    }

    /// Everything that is wrong with a widget, its measure included.
    pub fn check(&self, widget: &Widget) -> Problems {
        let mut problems = widget.check();
        let Some(source) = widget.source.as_ref().filter(|_| widget.kind.describe().needs_source()) else {
            return problems;
        };
        let Some((_, measure)) = self.find(&source.measure) else {
            match widget.kind.is_windowed() {
                true => problems.add(
                    "metric",
                    t!("A name of a metric or a tag has no spaces and at most 200 letters."),
                ),
                false => problems.add("measure", t!("There is no such figure.")),
            }
            return problems;
        };
        match widget.named() {
            None if widget.kind.is_windowed() => problems.add("metric", t!("This kind shows a metric.")),
            Some(named) if !widget.kind.is_windowed() && !named.aggregate.is_daily() => {
                problems.add("measure", t!("This number is of a window and not known by day."));
            }
            _ => {}
        }
        if widget.kind == Kind::List && !measure.items {
            problems.add("measure", t!("The rows behind this figure cannot be listed."));
        }
        for (field, dimension) in ["by", "and"].into_iter().zip(&source.by) {
            if !measure.by.contains(dimension) {
                let words: Vec<String> = measure.by.iter().map(|one| one.label().to_lowercase()).collect();
                problems.add(
                    field,
                    t!(
                        "{title} can be split by {list}.",
                        title = measure.title(),
                        list = words.join(", ")
                    ),
                );
            }
        }
        problems
    }
}

/// The sources of this program.
pub fn sources() -> &'static Sources {
    static SOURCES: LazyLock<Sources> = LazyLock::new(|| {
        // titles are kept in English, their keys
        words::under(Locale::default(), || Sources::new(super::sources::all()))
    });
    &SOURCES
}
