//! What conditions over metrics need to know, now. Figures are those of windows; a detector goes on from where it was.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::judge::{Frame, Judged, judge};
use super::{Detail, Reading, Watch};
use crate::clock::Zone;
use crate::detect::{Detector, Reason, Settings};
use crate::error::Result;
use crate::metrics::many::{self, By, Lines, Part, Wanted};
use crate::metrics::{Window, WindowKind};

/// A series that was silent for longer is not known any more.
const KNOWN: TimeDelta = TimeDelta::days(1);
/// What a detector learns from when it is new.
const LEARNT: TimeDelta = TimeDelta::days(7);
/// A detector has 12 kB: of one rule, these are kept.
pub const MOST_DETECTORS: usize = 500;

/// Everything that is known of the condition now. Unusual windows are those of [`unusual`].
pub async fn now(
    tx: &mut PgConnection,
    watch: &Watch,
    facility: Option<i64>,
    at: DateTime<Utc>,
) -> Result<Vec<Judged>> {
    let mut frames = Vec::new();
    match watch {
        Watch::Absent { metric, tags, .. } => frames.push(absent(tx, metric, tags, facility, at).await?),
        Watch::Case { emits, minutes } => frames.push(cases(tx, emits, *minutes, facility, at).await?),
        _ => {
            for (reading, shift) in watch.needs() {
                frames.push(windows(tx, &reading, facility, at - shift).await?);
            }
        }
    }
    Ok(judge(watch, &frames))
}

async fn windows(tx: &mut PgConnection, of: &Reading, facility: Option<i64>, end: DateTime<Utc>) -> Result<Frame> {
    let Some(metric) = many::metric(&mut *tx, &of.metric).await? else {
        return Ok(Frame::new());
    };
    let by = of.by();
    let wanted = Wanted {
        metric: &metric,
        tags: &of.tags,
        by: &by,
        facility,
    };
    let window = Window::at(WindowKind::Sliding, of.span(), end);
    let found = many::each(tx, &wanted, window, end - KNOWN.max(of.span())).await?;
    Ok(found
        .into_iter()
        .map(|(part, found)| (part, of.aggregate.of(&found, metric.kind)))
        .collect())
}

/// Minutes since the last point of each series.
async fn absent(
    tx: &mut PgConnection,
    name: &str,
    tags: &BTreeMap<String, String>,
    facility: Option<i64>,
    at: DateTime<Utc>,
) -> Result<Frame> {
    let Some(metric) = many::metric(&mut *tx, name).await? else {
        return Ok(Frame::new());
    };
    let wanted = Wanted {
        metric: &metric,
        tags,
        by: &By::Series,
        facility,
    };
    let last = many::last_points(tx, &wanted, at - KNOWN).await?;
    let minutes = |since: DateTime<Utc>| ((at - since).num_seconds().max(0) / 60) as f64;
    Ok(last
        .into_iter()
        .map(|(part, since)| (part, Some(minutes(since))))
        .collect())
}

/// Cases of a correlation by key; a key without one is in order, and so is a time without any.
async fn cases(
    tx: &mut PgConnection,
    emits: &str,
    minutes: u32,
    facility: Option<i64>,
    at: DateTime<Utc>,
) -> Result<Frame> {
    let rows = sqlx::query!(
        r#"select facility_id, key, count(*) as "cases!" from correlation_cases
           where emits = $1 and found_at > $2::timestamptz - interval '1 minute' * $3 and found_at <= $2
             and ($4::bigint is null or facility_id = $4)
           group by 1, 2 order by 1, 2 limit 20000"#,
        emits,
        at,
        f64::from(minutes),
        facility
    )
    .fetch_all(tx)
    .await?;
    let part = |facility, key| (facility, [("key".to_owned(), key)].into());
    Ok(rows
        .into_iter()
        .map(|row| (part(row.facility_id, row.key), Some(row.cases as f64)))
        .collect())
}

/// A detector of one part, as it is kept.
#[derive(Clone, Debug)]
pub struct Known {
    pub detector: Detector,
    /// number of the last window that it has seen
    pub seen: i64,
    /// what it said of it
    pub judged: Option<(f64, f64, bool, Reason)>,
}

/// Lets the detectors see the windows that are over, and answers what each says of its last one. New ones first learn
/// from the last week.
pub async fn unusual(
    tx: &mut PgConnection,
    (of, sensitivity): (&Reading, f64),
    facility: Option<i64>,
    at: DateTime<Utc>,
    known: &mut BTreeMap<Part, Known>,
    zone: impl Fn(i64) -> Zone,
) -> Result<Vec<Judged>> {
    let Some(metric) = many::metric(&mut *tx, &of.metric).await? else {
        return Ok(Vec::new());
    };
    let by = of.by();
    let wanted = Wanted {
        metric: &metric,
        tags: &of.tags,
        by: &by,
        facility,
    };
    let minutes = i64::from(of.minutes);
    let last = at.timestamp().div_euclid(minutes * 60) - 1;
    // a window is read once it is over; without news nothing is
    let behind = known.values().map(|one| one.seen).min();
    if behind.is_none_or(|seen| seen < last) {
        // parts that nobody knew yet show in any window: they are learnt about from the beginning
        let recent = many::along(
            tx,
            &wanted,
            minutes,
            (start(last, minutes), start(last + 1, minutes)),
            false,
        )
        .await?;
        let new = recent.lines.keys().any(|part| !known.contains_key(part));
        let from = if new || known.is_empty() {
            at - LEARNT
        } else {
            start(behind.unwrap_or(last) + 1, minutes).max(at - LEARNT)
        };
        let from = start(from.timestamp().div_euclid(minutes * 60), minutes);
        let lines = many::along(
            tx,
            &wanted,
            minutes,
            (from, start(last + 1, minutes)),
            of.aggregate.is_quantile(),
        )
        .await?;
        for (part, line) in &lines.lines {
            if known.len() >= MOST_DETECTORS && !known.contains_key(part) {
                tracing::warn!(
                    metric = of.metric,
                    "more series than are kept detectors for; the rest is not watched"
                );
                continue;
            }
            let one = known.entry(part.clone()).or_insert_with(|| Known {
                detector: Detector::new(Settings { sensitivity }),
                seen: line.first_point().map_or(last, |first| first - 1),
                judged: None,
            });
            observe(one, &lines, line, (metric.kind, of), last, zone(part.0));
        }
    }
    let fresh = known.iter().filter(|(_, one)| last - one.seen <= 2);
    Ok(fresh
        .filter_map(|(part, one)| one.judged.map(|judged| said(part, judged)))
        .collect())
}

fn start(span: i64, minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(span * minutes * 60, 0).unwrap_or_default()
}

/// Shows a detector the windows up to `last` that it has not seen.
pub fn observe(
    one: &mut Known,
    lines: &Lines,
    line: &many::Line,
    (kind, of): (crate::metrics::MetricKind, &Reading),
    last: i64,
    zone: Zone,
) {
    let mut alerted = false;
    for span in one.seen + 1..=last {
        let Some(value) = of.aggregate.of(&lines.window(line, span, 1), kind) else {
            continue;
        };
        let verdict = one.detector.observe(zone.wall(lines.end(span)), value);
        // of windows that come together, one that is unusual is not hidden by the next
        if verdict.alert || !alerted {
            one.judged = Some((value, verdict.score, verdict.alert, verdict.reason()));
        }
        alerted |= verdict.alert && last - span <= 2;
        one.seen = span;
    }
}

pub fn said(part: &Part, (value, score, alert, reason): (f64, f64, bool, Reason)) -> Judged {
    Judged {
        part: part.clone(),
        value,
        broken: alert,
        detail: Detail {
            usual: None,
            score: Some(score),
            reason: Some(reason),
        },
    }
}
