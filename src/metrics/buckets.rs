//! A metric along a range, by the buckets that are kept of it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::definitions::Definitions;
use super::many::divided;
use super::model::{Definition, Tags};
use super::queries::{Selection, instant, series, shown_by};
use super::rollup::{Calendar, MINUTE, hour_and_day};
use super::sketch::Sketch;
use super::window::{Aggregates, Gathered};
use crate::clock::{Zone, day_bounds, local_day};
use crate::error::Result;
use crate::text_enum::text_enum;

text_enum! {
    /// The length of a bucket; hours and days are those of the facility.
    pub enum Step {
        Minute = "minute",
        Hour = "hour",
        Day = "day",
    }
}

/// A part of a range.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub start: DateTime<Utc>,
    /// not within it; of several facilities' days that begin at one instant the last
    pub end: DateTime<Utc>,
    pub found: Aggregates,
}

/// A metric along a range, oldest first; a bucket without points is left out. [from, to) goes by the starts of buckets.
pub async fn buckets(
    tx: &mut PgConnection,
    definitions: &Definitions,
    metric: &Definition,
    step: Step,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    tags: &Tags,
) -> Result<Vec<Bucket>> {
    let Some((above, below)) = &metric.parts else {
        return simple_buckets(tx, metric, step, (from, to), tags).await;
    };
    let (Some(above), Some(below)) = (definitions.metric(above), definitions.metric(below)) else {
        return Ok(Vec::new());
    };
    let over = simple_buckets(tx, above, step, (from, to), tags).await?;
    let over: HashMap<DateTime<Utc>, Aggregates> = over.into_iter().map(|one| (one.start, one.found)).collect();
    let mut under = simple_buckets(tx, below, step, (from, to), tags).await?;
    let none = Aggregates::default();
    for bucket in &mut under {
        let over = over.get(&bucket.start).unwrap_or(&none);
        bucket.found = divided((over, above.kind), (&bucket.found, below.kind));
    }
    Ok(under)
}

async fn simple_buckets(
    tx: &mut PgConnection,
    metric: &Definition,
    step: Step,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    tags: &Tags,
) -> Result<Vec<Bucket>> {
    let selection = Selection {
        tags: tags.clone(),
        ..Selection::default()
    };
    let ids: Vec<i32> = series(tx, metric.id, &selection).await?.into_keys().collect();
    let rows = sqlx::query!(
        r#"select r.start, r.count, (r.sum * 1000000000)::text as "nanos!", r.min, r.max, r.sketch,
                  case r.step when 'minute' then r.start + interval '1 minute' when 'hour' then r.start + interval '1 hour'
                    else (r.start at time zone coalesce(f.time_zone, 'UTC') + interval '1 day')
                         at time zone coalesce(f.time_zone, 'UTC') end as "end!"
           from rollups r left join facilities f on f.id = r.facility_id
           where r.series_id = any ($1) and r.step = $2 and r.start >= $3 and r.start < $4"#,
        &ids,
        step.as_str(),
        from,
        to
    )
    .fetch_all(tx)
    .await?;
    let mut found: BTreeMap<DateTime<Utc>, (DateTime<Utc>, Gathered)> = BTreeMap::new();
    for row in rows {
        let nanos = row
            .nanos
            .split('.')
            .next()
            .unwrap_or_default()
            .parse()
            .unwrap_or_default();
        let (end, bucket) = found.entry(row.start).or_default();
        *end = row.end.max(*end);
        bucket.add_sum(row.count, nanos, row.min, row.max, &Sketch::decode(&row.sketch));
    }
    let seconds = match step {
        Step::Minute => 60.0,
        Step::Hour => 3_600.0,
        Step::Day => 86_400.0,
    };
    Ok(found
        .into_iter()
        .map(|(start, (end, bucket))| Bucket {
            start,
            end,
            found: bucket.finish(metric.kind, seconds),
        })
        .collect())
}

/// When the last bucket ends that begins before `to`: before that a range is not over, even when nothing has come yet. Hours
/// and days are those of every facility that has the metric.
pub async fn last_end(
    tx: &mut PgConnection,
    definitions: &Definitions,
    metric: &Definition,
    (step, to): (Step, DateTime<Utc>),
    calendar: &Calendar,
) -> Result<DateTime<Utc>> {
    let id = shown_by(definitions, metric);
    let facilities = sqlx::query_scalar!("select distinct facility_id from series where metric_id = $1", id)
        .fetch_all(tx)
        .await?;
    let last = instant((to.timestamp_micros() - 1).div_euclid(MINUTE) * MINUTE);
    let end = |zone: Zone| match step {
        Step::Minute => last + TimeDelta::minutes(1),
        Step::Hour => hour_and_day(zone, last).0 + TimeDelta::hours(1),
        Step::Day => day_bounds(zone, local_day(zone, last)).1,
    };
    let zone = |facility| calendar.get(&facility).copied().unwrap_or(Zone::UTC);
    let ends = facilities.into_iter().map(|facility| end(zone(facility)));
    Ok(ends.max().unwrap_or_else(|| end(Zone::UTC)))
}
