//! Tumbling windows side by side, split by a tag: what a series of windows is drawn from. Windows are whole minutes, so
//! sums of minutes are enough for all but quantiles and different values.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::definitions::Definitions;
use super::figures::Aggregate;
use super::model::{Definition, Tags};
use super::queries::{Basis, MOST_POINTS, Selection, series};
use super::sketch::Sketch;
use super::window::{Aggregates, Gathered};
use crate::error::Result;

/// Which windows: `count` of them, each of `span`, which is whole minutes, from `first` on, the start of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    pub first: DateTime<Utc>,
    pub span: TimeDelta,
    pub count: usize,
}

impl Windows {
    /// So many windows, the last of which holds this instant. The span is rounded up to whole minutes.
    pub fn until(at: DateTime<Utc>, span: TimeDelta, count: usize) -> Self {
        let seconds = (span.num_seconds().max(1) as u64).next_multiple_of(60) as i64;
        let last = at.timestamp().div_euclid(seconds) * seconds;
        let first = last - seconds * (count as i64 - 1);
        Windows {
            first: DateTime::from_timestamp(first, 0).unwrap_or(at),
            span: TimeDelta::seconds(seconds),
            count,
        }
    }

    pub fn end(&self) -> DateTime<Utc> {
        self.first + self.span * self.count as i32
    }

    /// When each of them begins.
    pub fn starts(&self) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        (0..self.count).map(|at| self.first + self.span * at as i32)
    }

    fn place(&self, at: DateTime<Utc>) -> Option<usize> {
        let place = usize::try_from((at - self.first).num_seconds().div_euclid(self.span.num_seconds())).ok()?;
        (place < self.count).then_some(place)
    }
}

/// The windows of one value of the tag, of all others together, or of everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// the value of the tag; none for everything or for the others
    pub value: Option<String>,
    /// how many values it stands for
    pub values: usize,
    /// one for each window
    pub windows: Vec<Aggregates>,
}

/// Lines and what they were computed from.
#[derive(Clone, Debug)]
pub struct Along {
    pub basis: Basis,
    pub lines: Vec<Line>,
}

type Row = Vec<Gathered>;

/// The windows of a metric, of what the transaction may see: one line, or with a tag to group by one for each of at most
/// `most` values, those with the largest number first, of which the last stands for all others if there are more.
pub async fn along(
    tx: &mut PgConnection,
    definitions: &Definitions,
    metric: &Definition,
    aggregate: Aggregate,
    windows: Windows,
    selection: &Selection,
    most: usize,
) -> Result<Along> {
    let parts = metric
        .parts
        .as_ref()
        .map(|(above, below)| (definitions.metric(above), definitions.metric(below)));
    let (above, below) = match parts {
        None => (None, metric),
        Some((Some(above), Some(below))) => (Some(above), &**below),
        // a part that is not defined yet has no values
        Some(_) => {
            return Ok(Along {
                basis: Basis::Sketch,
                lines: vec![],
            });
        }
    };
    let exact = aggregate.needs_values();
    let (rows, basis) = rows(tx, below, windows, selection, exact).await?;
    let mut over = match above {
        Some(above) => rows_of(tx, above, windows, selection).await?,
        None => BTreeMap::new(),
    };
    let seconds = windows.span.num_seconds() as f64;
    let mut finish = |rows: Vec<(Tags, Row)>| -> Vec<Aggregates> {
        let (tags, rows): (Vec<Tags>, Vec<Row>) = rows.into_iter().unzip();
        let under = merged(rows, windows.count)
            .into_iter()
            .map(|part| part.finish(below.kind, seconds));
        let Some(above) = above else { return under.collect() };
        let tops = merged(
            tags.iter().filter_map(|tags| over.remove(tags)).collect(),
            windows.count,
        );
        let divided = tops.into_iter().zip(under).map(|(top, under)| Aggregates {
            count: under.count,
            ratio: under
                .value(below.kind)
                .filter(|under| *under != 0.0)
                .map(|under| top.finish(above.kind, seconds).value(above.kind).unwrap_or(0.0) / under),
            ..Aggregates::default()
        });
        divided.collect()
    };
    let mut rows: Vec<(f64, Tags, Row)> = rows
        .into_iter()
        .map(|(tags, row)| {
            let mut whole = Gathered::default();
            row.iter().for_each(|part| whole.absorb(part));
            let whole = whole.finish(below.kind, seconds * windows.count as f64);
            let weight = match above {
                Some(_) => Some(whole.count as f64),
                None => aggregate.of(&whole),
            };
            (weight.unwrap_or(f64::NEG_INFINITY), tags, row)
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut rows: Vec<(Tags, Row)> = rows.into_iter().map(|(_, tags, row)| (tags, row)).collect();
    let rest = if rows.len() > most.max(1) {
        rows.split_off(most.max(1) - 1)
    } else {
        vec![]
    };
    let mut lines: Vec<Line> = rows
        .into_iter()
        .map(|(tags, row)| Line {
            value: tags.first().map(|(_, value)| value.clone()),
            values: 1,
            windows: finish(vec![(tags, row)]),
        })
        .collect();
    if !rest.is_empty() {
        lines.push(Line {
            value: None,
            values: rest.len(),
            windows: finish(rest),
        });
    }
    Ok(Along { basis, lines })
}

async fn rows_of(
    tx: &mut PgConnection,
    metric: &Definition,
    windows: Windows,
    selection: &Selection,
) -> Result<BTreeMap<Tags, Row>> {
    Ok(rows(tx, metric, windows, selection, false).await?.0)
}

fn merged(rows: Vec<Row>, count: usize) -> Row {
    let mut whole = vec![Gathered::default(); count];
    for row in &rows {
        for (sum, part) in whole.iter_mut().zip(row) {
            sum.absorb(part);
        }
    }
    whole
}

/// What lies in each window, by the values of the tags that groups are made by.
async fn rows(
    tx: &mut PgConnection,
    metric: &Definition,
    windows: Windows,
    selection: &Selection,
    exact: bool,
) -> Result<(BTreeMap<Tags, Row>, Basis)> {
    let series = series(tx, metric.id, selection).await?;
    let ids: Vec<i32> = series.keys().copied().collect();
    let mut found: BTreeMap<Tags, Row> = BTreeMap::new();
    let sums = sqlx::query!(
        r#"select series_id, start, count, (sum * 1000000000)::text as "nanos!", min, max,
                  case when $4 then sketch else ''::bytea end as "sketch!"
           from rollups where series_id = any ($1) and step = 'minute' and start >= $2 and start < $3"#,
        &ids,
        windows.first,
        windows.end(),
        exact
    )
    .fetch_all(&mut *tx)
    .await?;
    let summed: i64 = sums.iter().map(|row| row.count).sum();
    if exact && summed <= MOST_POINTS {
        let points = points(tx, &ids, windows, &series).await?;
        let there: usize = points.values().flatten().map(|part| part.values.len()).sum();
        // as many points as were summed: all of them are still there
        if there as i64 == summed {
            return Ok((points, Basis::Raw));
        }
    }
    for row in sums {
        let (Some(tags), Some(place)) = (series.get(&row.series_id), windows.place(row.start)) else {
            continue;
        };
        let nanos = row
            .nanos
            .split('.')
            .next()
            .unwrap_or_default()
            .parse()
            .unwrap_or_default();
        let windows = found
            .entry(tags.clone())
            .or_insert_with(|| vec![Gathered::default(); windows.count]);
        windows[place].add_sum(row.count, nanos, row.min, row.max, &Sketch::decode(&row.sketch));
    }
    Ok((found, Basis::Sketch))
}

async fn points(
    tx: &mut PgConnection,
    ids: &[i32],
    windows: Windows,
    series: &HashMap<i32, Tags>,
) -> Result<BTreeMap<Tags, Row>> {
    let mut found: BTreeMap<Tags, Row> = BTreeMap::new();
    let rows = sqlx::query!(
        r#"select series_id, minute, "values" from points
           where series_id = any ($1) and minute >= $2 and minute < $3"#,
        ids,
        windows.first,
        windows.end()
    )
    .fetch_all(tx)
    .await?;
    for row in rows {
        if let (Some(tags), Some(place)) = (series.get(&row.series_id), windows.place(row.minute)) {
            let windows = found
                .entry(tags.clone())
                .or_insert_with(|| vec![Gathered::default(); windows.count]);
            windows[place].values.extend(row.values);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_whole_minutes_end_with_the_one_that_holds_the_instant() {
        let at: DateTime<Utc> = "2026-11-30T12:07:31Z".parse().unwrap();

        let windows = Windows::until(at, TimeDelta::minutes(5), 3);
        let rounded = Windows::until(at, TimeDelta::seconds(90), 1);

        let starts: Vec<String> = windows
            .starts()
            .map(|start| start.format("%H:%M").to_string())
            .collect();
        assert_eq!(starts, ["11:55", "12:00", "12:05"]);
        assert_eq!(windows.end().to_rfc3339(), "2026-11-30T12:10:00+00:00");
        assert_eq!((windows.place(at), windows.place(windows.end())), (Some(2), None));
        assert_eq!(rounded.span, TimeDelta::minutes(2));
    }
}
