//! A rule against the last week, before anybody saves it: the same judgements and the same state machine as every round,
//! over the sums that are kept. Nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::judge::{Frame, Judged, judge};
use super::load::{self, Known};
use super::{Reading, Watch};
use crate::alerts::group::{Group, Telling, due};
use crate::alerts::model::Labels;
use crate::alerts::state::{Instance, Phase, Seen, Timing, Turn, step};
use crate::clock::Zone;
use crate::detect::{Detector, Settings};
use crate::error::Result;
use crate::metrics::many::{self, By, Part, Wanted};

const WEEK: TimeDelta = TimeDelta::days(7);
/// More parts than this are not drawn; a detector takes its time.
pub const MOST_PARTS: usize = 50;
const MOST_UNUSUAL: usize = 10;

/// A time in which an alert would have fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    pub part: Part,
    pub from: DateTime<Utc>,
    /// none: it still would
    pub to: Option<DateTime<Utc>>,
    /// the value when it fired
    pub value: f64,
}

/// What the last week would have been.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub fired: Vec<Fired>,
    /// messages to each channel
    pub messages: usize,
    /// parts that had data
    pub parts: usize,
    /// between two looks
    pub minutes: i64,
    /// parts that were left out
    pub left_out: usize,
}

/// Looks at times, in order, with what was found at each.
pub type Looks = Vec<(DateTime<Utc>, Vec<Judged>)>;

/// What the state machine makes of looks, pure.
pub fn replay(looks: &Looks, timing: Timing) -> (Vec<Fired>, usize) {
    let mut alerts: BTreeMap<Part, Instance> = BTreeMap::new();
    let mut groups: BTreeMap<i64, Group> = BTreeMap::new();
    let mut fired: Vec<Fired> = Vec::new();
    let mut messages = 0;
    for (at, found) in looks {
        // without any data every alert stays as it is
        if !found.is_empty() {
            let seen: BTreeMap<&Part, &Judged> = found.iter().map(|one| (&one.part, one)).collect();
            let all: BTreeSet<Part> = alerts.keys().chain(seen.keys().copied()).cloned().collect();
            for part in all {
                let now = match seen.get(&part) {
                    None => Seen::Missing,
                    Some(one) if one.broken => Seen::Broken(one.value),
                    Some(_) => Seen::Fine,
                };
                let (after, turn) = step(alerts.get(&part), now, timing, *at);
                match (turn, after) {
                    (Some(Turn::Fired), Some(alert)) => fired.push(Fired {
                        part: part.clone(),
                        from: *at,
                        to: None,
                        value: alert.value,
                    }),
                    (Some(Turn::Resolved | Turn::Vanished), _) => {
                        if let Some(last) = fired.iter_mut().rfind(|one| one.part == part) {
                            last.to = Some(*at);
                        }
                    }
                    _ => {}
                }
                match after {
                    Some(alert) => alerts.insert(part, alert),
                    None => alerts.remove(&part),
                };
            }
        }
        messages += tell(&alerts, &mut groups, *at);
    }
    (fired, messages)
}

fn tell(alerts: &BTreeMap<Part, Instance>, groups: &mut BTreeMap<i64, Group>, at: DateTime<Utc>) -> usize {
    let mut up: BTreeMap<i64, BTreeSet<Labels>> = groups.keys().map(|facility| (*facility, BTreeSet::new())).collect();
    for ((facility, labels), alert) in alerts {
        if matches!(alert.phase, Phase::Firing | Phase::Recovering) {
            up.entry(*facility).or_default().insert(labels.clone());
        }
    }
    let mut messages = 0;
    for (facility, up) in up {
        let group = groups.entry(facility).or_insert_with(|| Group {
            begun_at: at,
            told_at: None,
            told: BTreeSet::new(),
        });
        match due(group, &up, &up, at) {
            Telling::Wait => {}
            Telling::Tell => {
                messages += 1;
                (group.told_at, group.told) = (Some(at), up);
            }
            Telling::Forget => {
                groups.remove(&facility);
            }
        }
    }
    messages
}

/// Replays a condition over the last week, of what the transaction may see.
pub async fn week(
    tx: &mut PgConnection,
    watch: &Watch,
    timing: Timing,
    facility: Option<i64>,
    now: DateTime<Utc>,
    zone: impl Fn(i64) -> Zone,
) -> Result<Replayed> {
    let (looks, parts, left_out, minutes) = match watch {
        Watch::Unusual { of, sensitivity } => unusual(tx, of, *sensitivity, facility, now, zone).await?,
        Watch::Case { emits, minutes } => cases(tx, watch, emits, *minutes, facility, now).await?,
        Watch::Absent { metric, tags, .. } => absent(tx, watch, (metric, tags), facility, now).await?,
        _ => windows(tx, watch, facility, now).await?,
    };
    let (fired, messages) = replay(&looks, timing);
    Ok(Replayed {
        from: now - WEEK,
        to: now,
        fired,
        messages,
        parts,
        minutes,
        left_out,
    })
}

type Looked = (Looks, usize, usize, i64);

fn times(now: DateTime<Utc>, minutes: i64) -> impl Iterator<Item = DateTime<Utc>> {
    let length = minutes * 60;
    let last = now.timestamp().div_euclid(length);
    (last - WEEK.num_seconds() / length..=last).filter_map(move |one| DateTime::from_timestamp(one * length, 0))
}

/// Windows end every few minutes; the longer they are, the fewer.
async fn windows(tx: &mut PgConnection, watch: &Watch, facility: Option<i64>, now: DateTime<Utc>) -> Result<Looked> {
    let needs = watch.needs();
    let length = needs.first().map_or(1, |(of, _)| i64::from(of.minutes));
    let minutes = match length {
        ..=4 => 1,
        5..=120 => 5,
        _ => 60,
    };
    let spans = (length + minutes - 1) / minutes;
    let mut loaded = Vec::new();
    for (of, shift) in &needs {
        let Some(metric) = many::metric(&mut *tx, &of.metric).await? else {
            return Ok((Looks::new(), 0, 0, minutes));
        };
        let by = of.by();
        let wanted = Wanted {
            metric: &metric,
            tags: &of.tags,
            by: &by,
            facility,
        };
        let range = (now - WEEK - *shift - of.span() - TimeDelta::hours(1), now - *shift);
        let lines = many::along(tx, &wanted, minutes, range, of.aggregate.is_quantile()).await?;
        loaded.push((of, *shift, metric, lines));
    }
    let all: BTreeSet<Part> = loaded
        .iter()
        .flat_map(|(.., lines)| lines.lines.keys())
        .cloned()
        .collect();
    let shown: BTreeSet<&Part> = all.iter().take(MOST_PARTS).collect();
    let mut looks = Looks::new();
    for at in times(now, minutes) {
        let frames: Vec<Frame> = loaded
            .iter()
            .map(|(of, shift, metric, lines)| {
                let last = lines.last(at - *shift);
                let known = lines.lines.iter().filter(|(part, _)| shown.contains(part));
                known
                    .map(|(part, line)| {
                        let found = lines.window(line, last, spans);
                        (part.clone(), of.aggregate.of(&found, metric.kind))
                    })
                    .collect()
            })
            .collect();
        looks.push((at, judge(watch, &frames)));
    }
    Ok((looks, shown.len(), all.len() - shown.len(), minutes))
}

async fn absent(
    tx: &mut PgConnection,
    watch: &Watch,
    (name, tags): (&str, &Labels),
    facility: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Looked> {
    const MINUTES: i64 = 1;
    let Some(metric) = many::metric(&mut *tx, name).await? else {
        return Ok((Looks::new(), 0, 0, MINUTES));
    };
    let wanted = Wanted {
        metric: &metric,
        tags,
        by: &By::Series,
        facility,
    };
    let range = (now - WEEK - TimeDelta::days(1), now);
    let lines = many::along(tx, &wanted, MINUTES, range, false).await?;
    let looks = times(now, MINUTES)
        .map(|at| {
            let last = lines.last(at);
            let known = lines.lines.iter().take(MOST_PARTS);
            let silent = known.filter_map(|(part, line)| {
                let silent = last - line.last_point(last)?;
                (silent < 24 * 60).then(|| (part.clone(), Some(silent as f64)))
            });
            (at, judge(watch, &[silent.collect()]))
        })
        .collect();
    let parts = lines.lines.len();
    Ok((looks, parts.min(MOST_PARTS), parts.saturating_sub(MOST_PARTS), MINUTES))
}

async fn unusual(
    tx: &mut PgConnection,
    of: &Reading,
    sensitivity: f64,
    facility: Option<i64>,
    now: DateTime<Utc>,
    zone: impl Fn(i64) -> Zone,
) -> Result<Looked> {
    let minutes = i64::from(of.minutes);
    let Some(metric) = many::metric(&mut *tx, &of.metric).await? else {
        return Ok((Looks::new(), 0, 0, minutes));
    };
    let by = of.by();
    let wanted = Wanted {
        metric: &metric,
        tags: &of.tags,
        by: &by,
        facility,
    };
    // the week before is what the detector learns from
    let lines = many::along(tx, &wanted, minutes, (now - WEEK * 2, now), of.aggregate.is_quantile()).await?;
    let mut known: Vec<(&Part, &many::Line, Known)> = lines
        .lines
        .iter()
        .take(MOST_UNUSUAL)
        .map(|(part, line)| {
            let one = Known {
                detector: Detector::new(Settings { sensitivity }),
                seen: line.first_point().unwrap_or_default() - 1,
                judged: None,
            };
            (part, line, one)
        })
        .collect();
    let mut looks = Looks::new();
    for at in times(now, minutes) {
        let last = lines.last(at);
        let mut found = Vec::new();
        for (part, line, one) in &mut known {
            load::observe(one, &lines, line, (metric.kind, of), last, zone(part.0));
            let fresh = one.judged.filter(|_| one.seen == last);
            found.extend(fresh.map(|judged| load::said(part, judged)));
        }
        looks.push((at, found));
    }
    let parts = lines.lines.len();
    Ok((
        looks,
        parts.min(MOST_UNUSUAL),
        parts.saturating_sub(MOST_UNUSUAL),
        minutes,
    ))
}

async fn cases(
    tx: &mut PgConnection,
    watch: &Watch,
    emits: &str,
    within: u32,
    facility: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Looked> {
    const MINUTES: i64 = 5;
    let within = TimeDelta::minutes(within.into());
    let rows = sqlx::query!(
        "select facility_id, key, found_at from correlation_cases
         where emits = $1 and found_at > $2 and found_at <= $3 and ($4::bigint is null or facility_id = $4)
         order by found_at desc limit 20000",
        emits,
        now - WEEK - within,
        now,
        facility
    )
    .fetch_all(tx)
    .await?;
    let part = |row: &(i64, String)| -> Part { (row.0, [("key".to_owned(), row.1.clone())].into()) };
    let found: Vec<(Part, DateTime<Utc>)> = rows
        .into_iter()
        .map(|row| (part(&(row.facility_id, row.key)), row.found_at))
        .collect();
    let parts: BTreeSet<&Part> = found.iter().map(|(part, _)| part).collect();
    let looks = times(now, MINUTES)
        .map(|at| {
            // a key of which nothing is found any more is in order
            let mut frame: Frame = parts.iter().map(|part| ((*part).clone(), Some(0.0))).collect();
            for (part, _) in found.iter().filter(|(_, found)| *found > at - within && *found <= at) {
                if let Some(Some(count)) = frame.get_mut(part) {
                    *count += 1.0;
                }
            }
            (at, judge(watch, &[frame]))
        })
        .collect();
    Ok((looks, parts.len(), 0, MINUTES))
}

#[cfg(test)]
mod tests {
    use super::super::Detail;
    use super::*;

    #[test]
    fn a_week_goes_through_the_same_states_as_a_round() {
        let at = |minute: i64| DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap();
        let look = |minute: i64, broken: bool| {
            let one = Judged {
                part: (7, Labels::new()),
                value: 95.0,
                broken,
                detail: Detail::default(),
            };
            (at(minute), vec![one])
        };
        let timing = Timing {
            hold: TimeDelta::minutes(10),
            keep: TimeDelta::minutes(5),
        };
        // broken for too short a time, then long enough, with a look without any data within
        let mut looks: Looks = vec![look(0, true), look(5, false)];
        looks.extend([look(10, true), look(15, true), (at(18), Vec::new()), look(20, true)]);
        looks.extend([look(25, true), look(30, false), look(35, false), look(40, false)]);

        let (fired, messages) = replay(&looks, timing);

        assert_eq!(fired.len(), 1);
        assert_eq!((fired[0].from, fired[0].to), (at(20), Some(at(35))));
        assert_eq!(messages, 2, "that it fires, and that it is over");
    }
}
