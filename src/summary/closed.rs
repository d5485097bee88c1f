//! Figures of what is counted by day: days that are closed from their sums, all others from their rows. Both come from
//! `counted` (migrations/0014_closed_days.sql), and a sum is used only where it is exactly what the rows would say.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use sqlx::PgConnection;

use super::figures::{Figure, kept_rows};
use crate::error::Result;
use crate::figures::{Cut, Dimension, Row, figures};

/// A shorter time is as quickly read from its rows.
const WORTH_IT: i64 = 4;
/// From so many facilities on, a few days are found by their time and not facility by facility.
const MANY: usize = 20;
const A_FEW_DAYS: i64 = 10;
/// A region's sum is used when no more than one in so many of its facilities has to be taken out of it again.
const MOST_OF_IT: usize = 4;

/// A figure of `counted`, by its name there.
pub async fn counted(tx: &mut PgConnection, cut: &Cut, measure: &str) -> Result<Vec<Row>> {
    figure(tx, cut, measure).await
}

/// What was kept of a figure of the summary, summed over the facilities.
pub async fn kept(tx: &mut PgConnection, cut: &Cut, figure_of: Figure) -> Result<Vec<Row>> {
    figure(tx, cut, figure_of.measure()).await
}

async fn figure(tx: &mut PgConnection, cut: &Cut, measure: &str) -> Result<Vec<Row>> {
    let days = (cut.last - cut.first).num_days() + 1;
    if days < WORTH_IT || cut.facilities.len() < 2 {
        return from_rows(tx, cut, measure).await;
    }
    let state = state(tx, cut).await?;
    if by_facility_alone(cut) && measure != Figure::Stock.measure() {
        return with_weeks(tx, cut, measure, &state).await;
    }
    let Some(grain) = Grain::of(cut) else {
        return from_rows(tx, cut, measure).await;
    };
    let areas = areas(tx, cut, &state, grain).await?;
    if areas.names.is_empty() || state.open.len() as i64 >= days {
        return from_rows(tx, cut, measure).await;
    }
    let mut sums = Sums::default();
    sums.add(
        from_sums(tx, cut, measure, grain, &areas.names, &state.open).await?,
        1.0,
    );
    for (first, last) in runs(&state.open) {
        let open = Cut {
            first,
            last,
            ..cut.clone()
        };
        sums.add(from_rows(tx, &open, measure).await?, 1.0);
    }
    // some are in no area that can be used, some in one that was not asked for
    for (facilities, sign) in [(areas.rest, 1.0), (areas.others, -1.0)] {
        if facilities.is_empty() {
            continue;
        }
        for (first, last) in runs(&closed(cut, &state.open)) {
            let part = Cut {
                facilities: facilities.clone(),
                first,
                last,
                ..cut.clone()
            };
            sums.add(from_rows(tx, &part, measure).await?, sign);
        }
    }
    Ok(sums.rows())
}

/// A figure out of its rows.
async fn from_rows(tx: &mut PgConnection, cut: &Cut, measure: &str) -> Result<Vec<Row>> {
    if let Some(figure) = Figure::ALL.iter().find(|one| one.measure() == measure) {
        return kept_rows(tx, cut, *figure).await;
    }
    if cut.facilities.len() >= MANY && (cut.last - cut.first).num_days() < A_FEW_DAYS {
        return by_time(tx, cut, measure).await;
    }
    let found = figures!(
        "sum(x.amount)",
        "sum(x.over)",
        "select f.id as facility_id, f.region, f.time_zone, c.at, local_day(c.at, f.time_zone) as day, c.component,
                c.blood_group, c.urgency, c.reason, c.amount, c.over
         from here f
         cross join lateral (
           select * from counted c
           where c.facility_id = f.id and c.at >= f.starts and c.at < f.ends and c.measure = $8 offset 0
         ) c",
        cut,
        measure
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The same for a few days of many facilities: what happened in that time, and of it what happened there.
async fn by_time(tx: &mut PgConnection, cut: &Cut, measure: &str) -> Result<Vec<Row>> {
    let found = figures!(
        "sum(x.amount)",
        "sum(x.over)",
        "select f.id as facility_id, f.region, f.time_zone, c.at,
                -- a day out of an instant takes longer than all the rest
                case when $2 = $3 then $2 else local_day(c.at, f.time_zone) end as day, c.component, c.blood_group,
                c.urgency, c.reason, c.amount, c.over
         from counted_between($8, (select min(starts) from zones), (select max(ends) from zones)) c
         join here f on f.id = c.facility_id and c.at >= f.starts and c.at < f.ends",
        cut,
        measure
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// What of the asked time is not closed, and whether the asked facilities are all there are.
struct State {
    open: Vec<NaiveDate>,
    everywhere: bool,
}

async fn state(tx: &mut PgConnection, cut: &Cut) -> Result<State> {
    Ok(sqlx::query_as!(
        State,
        r#"select array(
               select d.day::date from generate_series($2::date, $3::date, interval '1 day') as d (day)
               where not exists (select from closed_days c where c.day = d.day::date)
                  or exists (select from reopened_days r where r.day = d.day::date)
               order by 1
             ) as "open!",
             scope_is_all() and (select count(*) from facilities) = cardinality($1::bigint[]) as "everywhere!""#,
        &cut.facilities,
        cut.first,
        cut.last
    )
    .fetch_one(tx)
    .await?)
}

/// What the sums that answer a question are split by; the numbers are those of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Grain(i16);

impl Grain {
    const SPLITS: [i16; 10] = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10];
    /// of these there are sums over the whole network only
    const WHOLE: [i16; 4] = [5, 6, 9, 10];

    /// None where there are no such sums.
    fn of(cut: &Cut) -> Option<Self> {
        let mut bits = 0;
        for dimension in &cut.by {
            bits |= match dimension {
                Dimension::Day | Dimension::Weekday | Dimension::Region => 0,
                Dimension::Component => 1,
                Dimension::Group => 2,
                Dimension::Urgency | Dimension::Reason => 4,
                Dimension::Hour => 8,
                Dimension::Facility | Dimension::Tag => return None,
            };
        }
        bits |= i16::from(cut.component.is_some()) | (i16::from(cut.group.is_some()) << 1);
        Self::SPLITS.contains(&bits).then_some(Grain(bits))
    }

    fn is_whole(self) -> bool {
        Self::WHOLE.contains(&self.0)
    }
}

/// The areas whose sums together are what was asked for, but for a few facilities.
#[derive(Default)]
struct Areas {
    /// empty for the whole network
    names: Vec<String>,
    /// asked for, and in none of them
    rest: Vec<i64>,
    /// in one of them, and not asked for
    others: Vec<i64>,
}

async fn areas(tx: &mut PgConnection, cut: &Cut, state: &State, grain: Grain) -> Result<Areas> {
    let by_region = cut.by.contains(&Dimension::Region);
    if grain.is_whole() && by_region {
        return Ok(Areas::default());
    }
    if state.everywhere && !by_region {
        return Ok(Areas {
            names: vec![String::new()],
            ..Areas::default()
        });
    }
    let regions = sqlx::query!(
        r#"with asked as materialized (select distinct id from unnest($1::bigint[]) as a (id))
           select f.region as "region!", scope_is_all() as "all!",
                  scope_is_all() or f.region in (select scope_regions()) as "visible!",
                  coalesce(array_agg(f.id) filter (where a.id is not null), '{}') as "ours!",
                  coalesce(array_agg(f.id) filter (where a.id is null), '{}') as "others!"
           from facilities f left join asked a on a.id = f.id group by f.region"#,
        &cut.facilities
    )
    .fetch_all(tx)
    .await?;
    let (ours, others): (usize, usize) = regions
        .iter()
        .fold((0, 0), |sum, one| (sum.0 + one.ours.len(), sum.1 + one.others.len()));
    if !by_region && regions.iter().all(|one| one.all) && ours >= MOST_OF_IT * others {
        return Ok(Areas {
            names: vec![String::new()],
            rest: vec![],
            others: regions.into_iter().flat_map(|one| one.others).collect(),
        });
    }
    let mut areas = Areas::default();
    for one in regions.into_iter().filter(|one| !one.ours.is_empty()) {
        if one.visible && one.ours.len() >= MOST_OF_IT * one.others.len() && !grain.is_whole() {
            areas.names.push(one.region);
            areas.others.extend(one.others);
        } else {
            areas.rest.extend(one.ours);
        }
    }
    Ok(areas)
}

async fn from_sums(
    tx: &mut PgConnection,
    cut: &Cut,
    measure: &str,
    grain: Grain,
    areas: &[String],
    open: &[NaiveDate],
) -> Result<Vec<Row>> {
    let found = sqlx::query_as!(
        Row,
        r#"select case $5::text
                    when 'day' then s.day::text
                    when 'region' then s.area
                    when 'component' then s.component
                    when 'group' then s.blood_group
                    when 'urgency' then s.detail
                    when 'reason' then s.detail
                    when 'hour' then s.hour::text
                    when 'weekday' then extract(isodow from s.day)::integer::text
                    else '' end as "first!",
                  case $6::text
                    when 'day' then s.day::text
                    when 'region' then s.area
                    when 'component' then s.component
                    when 'group' then s.blood_group
                    when 'urgency' then s.detail
                    when 'reason' then s.detail
                    when 'hour' then s.hour::text
                    when 'weekday' then extract(isodow from s.day)::integer::text
                    else '' end as "second!",
                  sum(s.value)::double precision as "value!", sum(s.over)::double precision as over
           from area_sums s
           where s.area = any ($1) and s.measure = $2 and s.grain = $3 and s.day between $7 and $8
             and not s.day = any ($4)
             and ($9::text is null or s.blood_group = $9) and ($10::text is null or s.component = $10)
           group by 1, 2"#,
        areas,
        measure,
        grain.0,
        open,
        cut.dimension(0),
        cut.dimension(1),
        cut.first,
        cut.last,
        cut.group(),
        cut.component()
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Split by facility, perhaps with its region, and by nothing else.
fn by_facility_alone(cut: &Cut) -> bool {
    cut.by.contains(&Dimension::Facility)
        && cut
            .by
            .iter()
            .all(|one| matches!(one, Dimension::Facility | Dimension::Region))
        && cut.group.is_none()
        && cut.component.is_none()
}

/// Whole weeks from their sums by facility, the days before, between and after them from their rows.
async fn with_weeks(tx: &mut PgConnection, cut: &Cut, measure: &str, state: &State) -> Result<Vec<Row>> {
    let (mut weeks, mut days) = (Vec::new(), Vec::new());
    let mut day = cut.first;
    while day <= cut.last {
        let sunday = day + Days::new(6);
        let whole = day.weekday() == Weekday::Mon
            && sunday <= cut.last
            && !state.open.iter().any(|open| (day..=sunday).contains(open));
        let next = if whole {
            weeks.push(day);
            sunday + Days::new(1)
        } else {
            days.push(day);
            day + Days::new(1)
        };
        day = next;
    }
    let mut sums = Sums::default();
    let found = sqlx::query_as!(
        Row,
        r#"select case $4::text when 'facility' then f.id::text when 'region' then f.region else '' end as "first!",
                  case $5::text when 'facility' then f.id::text when 'region' then f.region else '' end as "second!",
                  sum(w.value)::double precision as "value!", sum(w.over)::double precision as over
           from unnest($1::bigint[]) as a (id)
           join facilities f on f.id = a.id
           cross join lateral (
             select sum(value) as value, sum(over) as over from facility_weeks w
             where w.facility_id = a.id and w.measure = $2 and w.week = any ($3)
             having count(*) > 0
           ) w
           group by 1, 2"#,
        &cut.facilities,
        measure,
        &weeks,
        cut.dimension(0),
        cut.dimension(1)
    )
    .fetch_all(&mut *tx)
    .await?;
    sums.add(found, 1.0);
    for (first, last) in runs(&days) {
        let part = Cut {
            first,
            last,
            ..cut.clone()
        };
        sums.add(from_rows(tx, &part, measure).await?, 1.0);
    }
    Ok(sums.rows())
}

/// The days between two, both included, on which any of the facilities was kept: on these nothing is zero, on others
/// nothing is known.
pub async fn known_days(
    tx: &mut PgConnection,
    facilities: &[i64],
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<NaiveDate>> {
    let cut = Cut {
        facilities: facilities.to_vec(),
        first,
        last,
        by: vec![Dimension::Day],
        group: None,
        component: None,
    };
    let rows = kept(tx, &cut, Figure::Stock).await?;
    let mut days: Vec<NaiveDate> = rows.iter().filter_map(|row| row.first.parse().ok()).collect();
    days.sort_unstable();
    Ok(days)
}

/// The closed days of what was asked for.
fn closed(cut: &Cut, open: &[NaiveDate]) -> Vec<NaiveDate> {
    let days = cut.first.iter_days().take_while(|day| *day <= cut.last);
    days.filter(|day| open.binary_search(day).is_err()).collect()
}

/// Days in order as the runs that follow each other without a gap, each with its first and its last.
fn runs(days: &[NaiveDate]) -> Vec<(NaiveDate, NaiveDate)> {
    let mut runs: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for &day in days {
        match runs.last_mut() {
            Some((_, last)) if *last + Days::new(1) == day => *last = day,
            _ => runs.push((day, day)),
        }
    }
    runs
}

/// Rows with the same keys added up.
#[derive(Default)]
struct Sums(BTreeMap<(String, String), (f64, Option<f64>, f64)>);

impl Sums {
    fn add(&mut self, rows: Vec<Row>, sign: f64) {
        for row in rows {
            let sum = self.0.entry((row.first, row.second)).or_default();
            sum.0 += sign * row.value;
            if let Some(over) = row.over {
                sum.1 = Some(sum.1.unwrap_or_default() + sign * over);
            }
            sum.2 += sign;
        }
    }

    /// Keys of which nothing is left were those of facilities that were taken out.
    fn rows(self) -> Vec<Row> {
        let left = |sum: &(f64, Option<f64>, f64)| sum.2 > 0.0 || sum.0 != 0.0 || sum.1.is_some_and(|over| over != 0.0);
        self.0
            .into_iter()
            .filter(|(_, sum)| left(sum))
            .map(|((first, second), (value, over, _))| Row {
                first,
                second,
                value,
                over,
            })
            .collect()
    }
}

#[cfg(test)]
#[path = "closed_tests.rs"]
mod tests;
