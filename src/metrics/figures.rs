//! Figures of metrics for boards, by day, hour, facility and tag, out of the sums that are kept.

use sqlx::PgConnection;

use super::window::Aggregates;
use crate::error::Result;
use crate::figures::{Cut, Dimension, Row};
use crate::text_enum::text_enum;

text_enum! {
    /// Which number of what is kept.
    pub enum Aggregate {
        /// the sum of values, which for counts is their number
        Sum = "sum" / "Sum",
        Average = "avg" / "Average",
        Highest = "max" / "Highest",
        /// different values, as long as their points are kept
        Distinct = "distinct" / "Different values",
        /// of a ratio
        Ratio = "ratio" / "Ratio",
        Lowest = "min" / "Lowest",
        /// how many points or events there are
        Count = "count" / "Number of values",
        /// a second
        Rate = "rate" / "Rate a second",
        Median = "p50" / "Median (p50)",
        P90 = "p90" / "90th percentile (p90)",
        P95 = "p95" / "95th percentile (p95)",
        P99 = "p99" / "99th percentile (p99)",
    }
}

impl Aggregate {
    /// Whether it is known by day, not only of a window.
    pub fn is_daily(self) -> bool {
        use Aggregate::*;
        matches!(self, Sum | Average | Highest | Distinct | Ratio)
    }

    /// Whether it needs the values or a sketch of them; without, sums are enough.
    pub fn needs_values(self) -> bool {
        use Aggregate::*;
        matches!(self, Distinct | Median | P90 | P95 | P99)
    }

    /// Whether parts add up to the whole.
    pub fn adds_up(self) -> bool {
        matches!(self, Aggregate::Sum | Aggregate::Count | Aggregate::Rate)
    }

    /// This number of a window; a ratio as it is. Only a count is known of an empty window.
    pub fn of(self, window: &Aggregates) -> Option<f64> {
        match self {
            Aggregate::Sum => window.sum,
            Aggregate::Average => window.avg,
            Aggregate::Highest => window.max,
            Aggregate::Distinct => window.distinct.map(|distinct| distinct as f64),
            Aggregate::Ratio => window.ratio,
            Aggregate::Lowest => window.min,
            Aggregate::Count => Some(window.count as f64),
            Aggregate::Rate => window.rate,
            Aggregate::Median => window.p50,
            Aggregate::P90 => window.p90,
            Aggregate::P95 => window.p95,
            Aggregate::P99 => window.p99,
        }
    }
}

/// A metric over a cut, and over the installation itself where the scope includes it. `tag` is what [`Dimension::Tag`]
/// splits by, `aggregate` one that is daily. Days and hours are those of each facility, UTC for the installation.
pub async fn split(tx: &mut PgConnection, cut: &Cut, name: &str, aggregate: Aggregate, tag: &str) -> Result<Vec<Row>> {
    if aggregate == Aggregate::Distinct {
        return distinct(tx, cut, name, tag).await;
    }
    let hourly = cut
        .by
        .iter()
        .any(|one| matches!(one, Dimension::Hour | Dimension::Weekday));
    let step = if hourly { "hour" } else { "day" };
    let rows = sqlx::query_as!(
        Row,
        r#"with m as (
             select id, true as top, $5 in ('avg') as bottom from metric_definitions where name = $4 and kind <> 'ratio'
             union all
             select part.id, part.name = whole.numerator, part.name = whole.denominator
             from metric_definitions whole join metric_definitions part on part.name in (whole.numerator, whole.denominator)
             where whole.name = $4 and whole.kind = 'ratio'
           ), x as (
             select r.start at time zone z.zone as at, s.facility_id, coalesce(f.region, '') as region,
                    s.tags ->> $8::text as tag, case when m.top then r.sum end as value,
                    case when m.bottom then case $5 when 'avg' then r.count else r.sum end end as over, r.max
             from m join series s on s.metric_id = m.id
             left join facilities f on f.id = s.facility_id
             cross join lateral (select coalesce(f.time_zone, 'UTC') as zone) z
             join rollups r on r.facility_id = s.facility_id and r.series_id = s.id and r.step = $9
                  and r.start >= day_start($2, z.zone) and r.start < day_start($3::date + 1, z.zone)
             where s.facility_id = any ($1) or s.facility_id = 0
           ), keyed as (
             select x.*, array[at::date::text, extract(hour from at)::integer::text, extract(isodow from at)::integer::text,
                               facility_id::text, region, coalesce(tag, '')] as keys
             from x
           )
           select coalesce(keys[array_position(array['day', 'hour', 'weekday', 'facility', 'region', 'tag'], $6::text)], '')
                    as "first!",
                  coalesce(keys[array_position(array['day', 'hour', 'weekday', 'facility', 'region', 'tag'], $7::text)], '')
                    as "second!",
                  (case $5 when 'max' then max(max)::numeric else coalesce(sum(value), 0) end)::double precision as "value!",
                  (case when $5 in ('avg', 'ratio') then coalesce(sum(over), 0) end)::double precision as "over"
           from keyed group by 1, 2"#,
        &cut.facilities,
        cut.first,
        cut.last,
        name,
        aggregate.as_str(),
        cut.dimension(0),
        cut.dimension(1),
        tag,
        step
    )
    .fetch_all(tx)
    .await?;
    Ok(rows)
}

async fn distinct(tx: &mut PgConnection, cut: &Cut, name: &str, tag: &str) -> Result<Vec<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"with x as (
             select p.minute at time zone z.zone as at, s.facility_id, coalesce(f.region, '') as region,
                    s.tags ->> $7::text as tag, v.value
             from metric_definitions m join series s on s.metric_id = m.id
             left join facilities f on f.id = s.facility_id
             cross join lateral (select coalesce(f.time_zone, 'UTC') as zone) z
             join points p on p.series_id = s.id and p.facility_id = s.facility_id
                  and p.minute >= day_start($2, z.zone) and p.minute < day_start($3::date + 1, z.zone)
             cross join unnest(p."values") as v(value)
             where m.name = $4 and (s.facility_id = any ($1) or s.facility_id = 0)
           ), keyed as (
             select x.*, array[at::date::text, extract(hour from at)::integer::text, extract(isodow from at)::integer::text,
                               facility_id::text, region, coalesce(tag, '')] as keys
             from x
           )
           select coalesce(keys[array_position(array['day', 'hour', 'weekday', 'facility', 'region', 'tag'], $5::text)], '')
                    as "first!",
                  coalesce(keys[array_position(array['day', 'hour', 'weekday', 'facility', 'region', 'tag'], $6::text)], '')
                    as "second!",
                  count(distinct value)::double precision as "value!", null::double precision as "over"
           from keyed group by 1, 2"#,
        &cut.facilities,
        cut.first,
        cut.last,
        name,
        cut.dimension(0),
        cut.dimension(1),
        tag
    )
    .fetch_all(tx)
    .await?)
}

/// Whether there is such a metric.
pub async fn exists(tx: &mut PgConnection, name: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from metric_definitions where name = $1) as "exists!""#,
        name
    )
    .fetch_one(tx)
    .await?)
}
