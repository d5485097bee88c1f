//! Questions about metrics: a window now or then, and buckets along a range.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::definitions::Definitions;
use super::many::divided;
use super::model::{Definition, Tags};
use super::rollup::MINUTE;
use super::sketch::Sketch;
use super::window::{Aggregates, Gathered, Window};
use crate::error::Result;
use crate::text_enum::text_enum;

text_enum! {
    /// What an answer was computed from.
    pub enum Basis {
        /// the points themselves: everything is exact
        Raw = "raw",
        /// sums, exact, and sketches, whose quantiles are within half a percent
        Sketch = "sketch",
    }
}

/// Which points, and how they are split.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// each of these tags has this value
    pub tags: Tags,
    /// one group for each combination of the values of these tags
    pub group_by: Vec<String>,
    /// of these facilities, and of the installation where the transaction sees it; none: of all that it sees
    pub facilities: Option<Vec<i64>>,
}

/// A window, answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub window: Window,
    pub basis: Basis,
    /// the window is over and everything that fell into it counts
    pub complete: bool,
    pub total: Aggregates,
    /// by the values of `group_by`, empty without it
    pub groups: Vec<(Tags, Aggregates)>,
}

/// Beyond this many points quantiles come from sketches.
pub(super) const MOST_POINTS: i64 = 200_000;
/// Windows up to this are added up from minutes, longer ones from hours.
const BY_MINUTES: TimeDelta = TimeDelta::days(2);

/// Answers a window of a metric, of what the transaction may see.
pub async fn window(
    tx: &mut PgConnection,
    definitions: &Definitions,
    metric: &Definition,
    window: Window,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let Some((above, below)) = &metric.parts else {
        return simple(tx, metric, window, selection, now).await;
    };
    let nothing = Answer {
        window,
        basis: Basis::Raw,
        complete: window.is_over(now),
        total: Aggregates::default(),
        groups: Vec::new(),
    };
    let (Some(above), Some(below)) = (definitions.metric(above), definitions.metric(below)) else {
        return Ok(nothing);
    };
    let over = simple(tx, above, window, selection, now).await?;
    let under = simple(tx, below, window, selection, now).await?;
    let mut known: HashMap<Tags, Aggregates> = over.groups.into_iter().collect();
    let groups = under
        .groups
        .iter()
        .map(|(tags, under)| {
            (
                tags.clone(),
                divided(
                    (&known.remove(tags).unwrap_or_default(), above.kind),
                    (under, below.kind),
                ),
            )
        })
        .collect();
    Ok(Answer {
        basis: if over.basis == Basis::Raw {
            under.basis
        } else {
            over.basis
        },
        total: divided((&over.total, above.kind), (&under.total, below.kind)),
        groups,
        ..nothing
    })
}

/// How the values of a window lie.
#[derive(Clone, Debug)]
pub struct Spread {
    pub basis: Basis,
    pub complete: bool,
    pub total: Aggregates,
    /// values and how many of each there are, the smallest first: the points, or the middles of the sketch's buckets
    pub values: Vec<(f64, u64)>,
}

/// The values of a window of a metric, of what the transaction may see. A ratio has none.
pub async fn spread(
    tx: &mut PgConnection,
    metric: &Definition,
    window: Window,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<Spread> {
    let found = found(tx, metric, window, selection).await?;
    let mut total = Gathered::default();
    for part in found.gathered.values() {
        total.absorb(part);
    }
    Ok(Spread {
        basis: found.basis,
        complete: window.is_over(now),
        values: total.spread(),
        total: total.finish(metric.kind, window.seconds()),
    })
}

async fn simple(
    tx: &mut PgConnection,
    metric: &Definition,
    window: Window,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let Found {
        series,
        gathered,
        basis,
    } = found(tx, metric, window, selection).await?;
    let mut total = Gathered::default();
    let mut groups: BTreeMap<Tags, Gathered> = BTreeMap::new();
    for (id, part) in gathered {
        if !selection.group_by.is_empty()
            && let Some(tags) = series.get(&id)
        {
            groups.entry(tags.clone()).or_default().absorb(&part);
        }
        total.absorb(&part);
    }
    let seconds = window.seconds();
    Ok(Answer {
        window,
        basis,
        complete: window.is_over(now),
        total: total.finish(metric.kind, seconds),
        groups: groups
            .into_iter()
            .map(|(tags, part)| (tags, part.finish(metric.kind, seconds)))
            .collect(),
    })
}

/// What lies in a window, by series.
struct Found {
    series: HashMap<i32, Tags>,
    gathered: HashMap<i32, Gathered>,
    basis: Basis,
}

async fn found(tx: &mut PgConnection, metric: &Definition, window: Window, selection: &Selection) -> Result<Found> {
    let series = series(tx, metric.id, selection).await?;
    let ids: Vec<i32> = series.keys().copied().collect();
    let (basis, gathered) = gather(tx, &ids, window).await?;
    Ok(Found {
        series,
        gathered,
        basis,
    })
}

/// The values of some series in a window: single ones as long as all are kept and not too many, else sums.
pub(super) async fn gather(
    tx: &mut PgConnection,
    ids: &[i32],
    window: Window,
) -> Result<(Basis, HashMap<i32, Gathered>)> {
    let (from, until) = window.range();
    let first_whole = from.div_euclid(MINUTE) + i64::from(from.rem_euclid(MINUTE) != 0);
    let last_whole = until.div_euclid(MINUTE).max(first_whole);
    let whole = (instant(first_whole * MINUTE), instant(last_whole * MINUTE));
    let summed = count(tx, ids, window, whole).await?;

    let mut gathered: HashMap<i32, Gathered> = HashMap::new();
    let mut basis = Basis::Sketch;
    if summed <= MOST_POINTS {
        let within = gather_points(tx, ids, from, until, whole, &mut gathered).await?;
        // as many points as were summed: all of them are still there
        if within == summed {
            basis = Basis::Raw;
        } else {
            gathered.clear();
        }
    }
    if basis == Basis::Sketch {
        let edges = [
            (from, (first_whole * MINUTE).min(until)),
            ((last_whole * MINUTE).max(from), until),
        ];
        for (from, until) in edges.into_iter().filter(|(from, until)| from < until) {
            gather_points(tx, ids, from, until, whole, &mut gathered).await?;
        }
        gather_sums(tx, ids, window, whole, &mut gathered).await?;
    }
    Ok((basis, gathered))
}

pub(super) fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// The series of a metric that are meant, each with the values of the tags that groups are made by.
pub(super) async fn series(tx: &mut PgConnection, metric: i32, selection: &Selection) -> Result<HashMap<i32, Tags>> {
    let wanted: Map<String, Value> = selection
        .tags
        .iter()
        .map(|(tag, value)| (tag.clone(), value.as_str().into()))
        .collect();
    let rows = sqlx::query!(
        "select id, tags from series where metric_id = $1 and tags @> $2
           and ($3::bigint[] is null or facility_id = any ($3) or facility_id = 0)",
        metric,
        Value::Object(wanted),
        selection.facilities.as_deref()
    )
    .fetch_all(tx)
    .await?;
    let group = |tags: &Value| -> Tags {
        let text = |tag: &String| tags.get(tag).and_then(Value::as_str).unwrap_or_default().to_owned();
        selection.group_by.iter().map(|tag| (tag.clone(), text(tag))).collect()
    };
    Ok(rows.into_iter().map(|row| (row.id, group(&row.tags))).collect())
}

fn by_hours(window: Window) -> bool {
    window.to - window.from > BY_MINUTES
}

/// Points in the whole minutes of a window, by their sums. A window of many days is taken to hold too many to be read.
async fn count(
    tx: &mut PgConnection,
    ids: &[i32],
    window: Window,
    whole: (DateTime<Utc>, DateTime<Utc>),
) -> Result<i64> {
    if by_hours(window) {
        return Ok(i64::MAX);
    }
    Ok(sqlx::query_scalar!(
        r#"select coalesce(sum(count), 0)::bigint as "count!" from rollups
           where series_id = any ($1) and step = 'minute' and start >= $2 and start < $3"#,
        ids,
        whole.0,
        whole.1
    )
    .fetch_one(tx)
    .await?)
}

/// Reads the points in [from, until); answers how many of them lie in the whole minutes.
async fn gather_points(
    tx: &mut PgConnection,
    ids: &[i32],
    from: i64,
    until: i64,
    whole: (DateTime<Utc>, DateTime<Utc>),
    gathered: &mut HashMap<i32, Gathered>,
) -> Result<i64> {
    let rows = sqlx::query!(
        r#"select series_id, minute, offsets, "values" from points
           where series_id = any ($1) and minute >= $2 and minute <= $3"#,
        ids,
        instant(from.div_euclid(MINUTE) * MINUTE),
        instant((until - 1).div_euclid(MINUTE) * MINUTE)
    )
    .fetch_all(tx)
    .await?;
    let mut within = 0;
    for row in rows {
        let minute = row.minute.timestamp_micros();
        let values = &mut gathered.entry(row.series_id).or_default().values;
        let before = values.len();
        let all = minute >= from && minute + MINUTE <= until;
        let range = from..until;
        values.extend(
            row.offsets
                .iter()
                .zip(row.values)
                .filter(|(offset, _)| all || range.contains(&(minute + i64::from(**offset))))
                .map(|(_, value)| value),
        );
        if row.minute >= whole.0 && row.minute < whole.1 {
            within += (values.len() - before) as i64;
        }
    }
    Ok(within)
}

/// Reads the sums of the whole minutes, or of whole hours with the minutes beside them.
async fn gather_sums(
    tx: &mut PgConnection,
    ids: &[i32],
    window: Window,
    (first, last): (DateTime<Utc>, DateTime<Utc>),
    gathered: &mut HashMap<i32, Gathered>,
) -> Result<()> {
    let hours = match by_hours(window) {
        true => (up_to_hour(first + TimeDelta::minutes(59)), up_to_hour(last)),
        false => (first, first),
    };
    // hours of a zone that is off by a part of an hour do not lie on those of the clock: there minutes are added up
    let rows = sqlx::query!(
        r#"select series_id, count, (sum * 1000000000)::text as "nanos!", min, max, sketch from rollups r
           where series_id = any ($1) and (
             (step = 'hour' and start >= $2 and start < $3 and extract(minute from start) = 0
              and not exists (select from facilities f where f.id = r.facility_id
                              and (f.time_zone in ('Australia/Lord_Howe', 'Australia/LHI')
                                   or extract(minute from (now() at time zone f.time_zone)) <> extract(minute from now()))))
             or (step = 'minute' and start >= $4 and start < $5
                 and (start < $2 or start >= $3
                      or exists (select from facilities f where f.id = r.facility_id
                                 and (f.time_zone in ('Australia/Lord_Howe', 'Australia/LHI')
                                      or extract(minute from (now() at time zone f.time_zone)) <> extract(minute from now()))))))"#,
        ids,
        hours.0,
        hours.1,
        first,
        last
    )
    .fetch_all(tx)
    .await?;
    for row in rows {
        let nanos = row
            .nanos
            .split('.')
            .next()
            .unwrap_or_default()
            .parse()
            .unwrap_or_default();
        let part = gathered.entry(row.series_id).or_default();
        part.add_sum(row.count, nanos, row.min, row.max, &Sketch::decode(&row.sketch));
    }
    Ok(())
}

fn up_to_hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at - TimeDelta::seconds(at.timestamp().rem_euclid(3600))
}

/// The metrics that have series which the transaction may see, by name; at most this many.
pub async fn seen(tx: &mut PgConnection, definitions: &Definitions, most: usize) -> Result<Vec<Arc<Definition>>> {
    let ids = sqlx::query_scalar!("select distinct metric_id from series")
        .fetch_all(tx)
        .await?;
    let mut metrics: Vec<Arc<Definition>> = definitions
        .metrics()
        .filter(|metric| ids.contains(&shown_by(definitions, metric)))
        .cloned()
        .collect();
    metrics.sort_by(|a, b| a.name.cmp(&b.name));
    metrics.truncate(most);
    Ok(metrics)
}

/// Whose series show that there is something to see: of a ratio those of what it divides by.
pub(super) fn shown_by(definitions: &Definitions, metric: &Definition) -> i32 {
    let below = metric.parts.as_ref().and_then(|(_, below)| definitions.metric(below));
    below.map_or(metric.id, |below| below.id)
}

/// The names of metrics that have series which the transaction may see, ratios among them; at most this many.
pub async fn names(tx: &mut PgConnection, most: i64) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select m.name from metric_definitions m
         where exists (select from series s
                       where s.metric_id = coalesce((select below.id from metric_definitions below where below.name = m.denominator), m.id))
         order by m.name limit $1",
        most
    )
    .fetch_all(tx)
    .await?)
}

/// Whether the transaction may see a series of the metric with these tags; of a ratio, of what it divides by.
pub async fn is_seen(
    tx: &mut PgConnection,
    definitions: &Definitions,
    metric: &Definition,
    tags: &[(&str, &str)],
) -> Result<bool> {
    let id = shown_by(definitions, metric);
    let tags: Map<String, Value> = tags
        .iter()
        .map(|(tag, value)| ((*tag).to_owned(), (*value).into()))
        .collect();
    let found = sqlx::query_scalar!(
        r#"select exists (select from series where metric_id = $1 and tags @> $2) as "found!""#,
        id,
        Value::Object(tags)
    )
    .fetch_one(tx)
    .await?;
    Ok(found)
}
