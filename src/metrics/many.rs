//! Windows over the series of many places at once, and the same along a time, for whoever watches all of them: each answer
//! belongs to a facility and to the values of some tags. A transaction's scope says whose.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::model::MetricKind;
use super::queries::gather;
use super::sketch::Sketch;
use super::window::{Aggregates, Gathered, Window};
use crate::error::Result;

/// A facility (0 is the installation) and the values of the tags that tell the parts of a metric apart.
pub type Part = (i64, BTreeMap<String, String>);

/// How the series of a metric are put together.
#[derive(Clone, Debug, PartialEq)]
pub enum By {
    Facility,
    /// by the values of one tag
    Tag(String),
    /// every series for itself
    Series,
}

/// A metric by its number. Of a ratio, those that it divides.
#[derive(Clone, Debug)]
pub struct Metric {
    pub kind: MetricKind,
    id: i32,
    parts: Option<[(i32, MetricKind); 2]>,
}

/// Which series.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub metric: &'a Metric,
    /// each of these tags has this value
    pub tags: &'a BTreeMap<String, String>,
    pub by: &'a By,
    /// none: wherever the transaction sees
    pub facility: Option<i64>,
}

/// Points and sums of more series than this are not put together.
const MOST_SERIES: i64 = 20_000;

/// The metric of a name; none when nobody sent or defined it.
pub async fn metric(tx: &mut PgConnection, name: &str) -> Result<Option<Metric>> {
    let row = sqlx::query!(
        r#"select m.id, m.kind as "kind: MetricKind", a.id as "above?", a.kind as "above_kind?: MetricKind",
                  b.id as "below?", b.kind as "below_kind?: MetricKind"
           from metric_definitions m
           left join metric_definitions a on a.name = m.numerator
           left join metric_definitions b on b.name = m.denominator
           where m.name = $1"#,
        name
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| Metric {
        kind: row.kind,
        id: row.id,
        parts: row
            .above
            .zip(row.above_kind)
            .zip(row.below.zip(row.below_kind))
            .map(|(above, below)| [above, below]),
    }))
}

/// A window of each part that had a point since `known_since`; of one without a point in the window the count is 0.
pub async fn each(
    tx: &mut PgConnection,
    wanted: &Wanted<'_>,
    window: Window,
    known_since: DateTime<Utc>,
) -> Result<BTreeMap<Part, Aggregates>> {
    let Some([above, below]) = wanted.metric.parts else {
        return one(tx, wanted, (wanted.metric.id, wanted.metric.kind), window, known_since).await;
    };
    let mut over = one(tx, wanted, above, window, known_since).await?;
    let under = one(tx, wanted, below, window, known_since).await?;
    Ok(under
        .into_iter()
        .map(|(part, under)| {
            let over = over.remove(&part).unwrap_or_default();
            let found = divided((&over, above.1), (&under, below.1));
            (part, found)
        })
        .collect())
}

/// A ratio of two windows; without a value below there is none.
pub(super) fn divided(over: (&Aggregates, MetricKind), under: (&Aggregates, MetricKind)) -> Aggregates {
    Aggregates {
        count: under.0.count,
        ratio: under
            .0
            .value(under.1)
            .filter(|under| *under != 0.0)
            .map(|under| over.0.value(over.1).unwrap_or(0.0) / under),
        ..Aggregates::default()
    }
}

async fn one(
    tx: &mut PgConnection,
    wanted: &Wanted<'_>,
    (metric, kind): (i32, MetricKind),
    window: Window,
    known_since: DateTime<Utc>,
) -> Result<BTreeMap<Part, Aggregates>> {
    let rows = sqlx::query!(
        r#"select s.id, s.facility_id, s.tags from series s
           where s.metric_id = $1 and s.tags @> $2 and ($3::bigint is null or s.facility_id = $3)
             and exists (select from rollups r
                         where r.facility_id = s.facility_id and r.series_id = s.id and r.step = 'hour'
                           and r.start > $4::timestamptz - interval '1 hour')
           order by s.id limit $5"#,
        metric,
        serde_json::json!(wanted.tags),
        wanted.facility,
        known_since,
        MOST_SERIES
    )
    .fetch_all(&mut *tx)
    .await?;
    let parts: HashMap<i32, Part> = rows
        .into_iter()
        .map(|row| (row.id, (row.facility_id, wanted.by.of(&row.tags))))
        .collect();
    let ids: Vec<i32> = parts.keys().copied().collect();
    let (_, gathered) = gather(tx, &ids, window).await?;
    let mut found: BTreeMap<Part, Gathered> = parts.values().map(|part| (part.clone(), Gathered::default())).collect();
    for (id, values) in gathered {
        if let Some(whole) = parts.get(&id).and_then(|part| found.get_mut(part)) {
            whole.absorb(&values);
        }
    }
    let seconds = window.seconds();
    Ok(found
        .into_iter()
        .map(|(part, values)| (part, values.finish(kind, seconds)))
        .collect())
}

impl By {
    fn of(&self, tags: &Value) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match self {
            By::Facility => BTreeMap::new(),
            By::Tag(tag) => [(tag.clone(), tags.get(tag).map(text).unwrap_or_default())].into(),
            By::Series => {
                let all = tags.as_object().into_iter().flatten();
                all.map(|(tag, value)| (tag.clone(), text(value))).collect()
            }
        }
    }

    fn code(&self) -> (&'static str, &str) {
        match self {
            By::Facility => ("facility", ""),
            By::Tag(tag) => ("tag", tag),
            By::Series => ("series", ""),
        }
    }
}

/// A part along a time: sums of equal spans, by their number since 1970.
#[derive(Clone, Debug, Default)]
pub struct Line {
    above: BTreeMap<i64, Gathered>,
    /// of a ratio: what it divides by
    below: BTreeMap<i64, Gathered>,
}

/// Parts along a time.
#[derive(Clone, Debug)]
pub struct Lines {
    kind: MetricKind,
    parts: Option<[(i32, MetricKind); 2]>,
    /// of a span
    minutes: i64,
    pub lines: BTreeMap<Part, Line>,
}

impl Lines {
    /// The spans (last - spans, last] of a line, put together; different values are not known of sums.
    pub fn window(&self, line: &Line, last: i64, spans: i64) -> Aggregates {
        let seconds = (self.minutes * spans * 60) as f64;
        let sum = |sums: &BTreeMap<i64, Gathered>, kind| {
            let mut whole = Gathered::default();
            for (_, span) in sums.range(last - spans + 1..=last) {
                whole.absorb(span);
            }
            whole.finish(kind, seconds)
        };
        match self.parts {
            None => sum(&line.above, self.kind),
            Some([above, below]) => divided(
                (&sum(&line.above, above.1), above.1),
                (&sum(&line.below, below.1), below.1),
            ),
        }
    }

    /// The number of the last span that is over at an instant.
    pub fn last(&self, at: DateTime<Utc>) -> i64 {
        at.timestamp().div_euclid(self.minutes * 60) - 1
    }

    /// When a span ends.
    pub fn end(&self, span: i64) -> DateTime<Utc> {
        DateTime::from_timestamp((span + 1) * self.minutes * 60, 0).unwrap_or_default()
    }
}

impl Line {
    /// The last span up to this one that has a point.
    pub fn last_point(&self, span: i64) -> Option<i64> {
        self.above.range(..=span).next_back().map(|(span, _)| *span)
    }

    pub fn first_point(&self) -> Option<i64> {
        self.above.keys().chain(self.below.keys()).min().copied()
    }
}

/// Sums of spans of whole minutes in [from, to), from 1970 on; quantiles only where `sketches` are asked for.
pub async fn along(
    tx: &mut PgConnection,
    wanted: &Wanted<'_>,
    minutes: i64,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    sketches: bool,
) -> Result<Lines> {
    let mut lines = Lines {
        kind: wanted.metric.kind,
        parts: wanted.metric.parts,
        minutes,
        lines: BTreeMap::new(),
    };
    let (above, below) = match wanted.metric.parts {
        None => (wanted.metric.id, None),
        Some([above, below]) => (above.0, Some(below.0)),
    };
    for (metric, is_below) in std::iter::once((above, false)).chain(below.map(|id| (id, true))) {
        for (part, span, sum) in sums(tx, wanted, metric, minutes, (from, to), sketches).await? {
            let line = lines.lines.entry(part).or_default();
            let side = if is_below { &mut line.below } else { &mut line.above };
            side.insert(span, sum);
        }
    }
    Ok(lines)
}

async fn sums(
    tx: &mut PgConnection,
    wanted: &Wanted<'_>,
    metric: i32,
    minutes: i64,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    sketches: bool,
) -> Result<Vec<(Part, i64, Gathered)>> {
    // hours are those of the clock in all zones but a few, where the figures of a span may be half an hour off
    let step = if minutes % 60 == 0 && to - from > TimeDelta::days(2) {
        "hour"
    } else {
        "minute"
    };
    let (by, tag) = wanted.by.code();
    let rows = sqlx::query!(
        r#"select s.facility_id, case $4 when 'series' then s.tags
                                        when 'tag' then jsonb_build_object($5::text, coalesce(s.tags->>$5, '')) else '{}' end as "part!",
                  floor(extract(epoch from r.start) / ($6::bigint * 60))::bigint as "span!", sum(r.count)::bigint as "count!",
                  (sum(r.sum) * 1000000000)::text as "nanos!", min(r.min) as "min!", max(r.max) as "max!",
                  case when $9 then array_agg(r.sketch) end as sketches
           from series s
           join rollups r on r.facility_id = s.facility_id and r.series_id = s.id and r.step = $10
                and r.start >= $7 and r.start < $8
           where s.metric_id = $1 and s.tags @> $2 and ($3::bigint is null or s.facility_id = $3)
           group by 1, 2, 3"#,
        metric,
        serde_json::json!(wanted.tags),
        wanted.facility,
        by,
        tag,
        minutes,
        from,
        to,
        sketches,
        step
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let nanos = row
                .nanos
                .split('.')
                .next()
                .unwrap_or_default()
                .parse()
                .unwrap_or_default();
            let mut sketch = Sketch::default();
            for one in row.sketches.unwrap_or_default() {
                sketch.merge(&Sketch::decode(&one));
            }
            let mut sum = Gathered::default();
            sum.add_sum(row.count, nanos, row.min, row.max, &sketch);
            ((row.facility_id, By::Series.of(&row.part)), row.span, sum)
        })
        .collect())
}

/// When each part had its last point, of those that had one since `since`.
pub async fn last_points(
    tx: &mut PgConnection,
    wanted: &Wanted<'_>,
    since: DateTime<Utc>,
) -> Result<BTreeMap<Part, DateTime<Utc>>> {
    let rows = sqlx::query!(
        r#"select s.facility_id, s.tags, (
                    select max(p.minute + interval '1 microsecond' * p.offsets[array_upper(p.offsets, 1)])
                    from points p where p.series_id = s.id and p.minute = r.minute) as point,
                  r.minute as "minute!"
           from series s
           cross join lateral (select max(start) as minute from rollups r
                               where r.facility_id = s.facility_id and r.series_id = s.id and r.step = 'minute'
                                 and r.start > $4) r
           where s.metric_id = $1 and s.tags @> $2 and ($3::bigint is null or s.facility_id = $3) and r.minute is not null
           order by s.id limit $5"#,
        wanted.metric.id,
        serde_json::json!(wanted.tags),
        wanted.facility,
        since,
        MOST_SERIES
    )
    .fetch_all(tx)
    .await?;
    let mut found: BTreeMap<Part, DateTime<Utc>> = BTreeMap::new();
    for row in rows {
        let part = (row.facility_id, wanted.by.of(&row.tags));
        // without its point, which was dropped, the end of its minute
        let at = row.point.unwrap_or(row.minute + TimeDelta::seconds(59));
        let last = found.entry(part).or_insert(at);
        *last = at.max(*last);
    }
    Ok(found)
}
