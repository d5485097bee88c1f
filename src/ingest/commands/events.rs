//! Events into their days, each once.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::DateTime;
use sqlx::PgConnection;

use crate::db::copy::Rows;
use crate::error::Result;
use crate::ingest::model::Verdict;
use crate::ingest::prepare::ReadyEvent;
use crate::metrics::Days;

type Key = (i64, i64, i64);

/// Decides about each event, in their order: the first of a source and id is accepted, the same once more is a duplicate,
/// another body is a conflict. The ids of those accepted are kept by this transaction; a second one that brings the same
/// waits for the end of it.
pub async fn judge(tx: &mut PgConnection, events: &[&ReadyEvent], received: i64) -> Result<Vec<Verdict>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut order: Vec<usize> = (0..events.len()).collect();
    // in one order, so that two transactions with the same ids do not block each other; stable, so that the first stays first
    order.sort_by_key(|&at| key(events[at]));
    let mut first = order.clone();
    first.dedup_by_key(|at| key(events[*at]));
    let news = claim(tx, events, &first, received).await?;
    let known = match news.len() == first.len() {
        true => HashMap::new(),
        false => digests(tx, events, &first, &news).await?,
    };
    let mut verdicts = vec![Verdict::Duplicate; events.len()];
    let mut before: Option<usize> = None;
    for at in order {
        let key = key(events[at]);
        let leader = *before.filter(|&one| self::key(events[one]) == key).get_or_insert(at);
        let kept = match news.contains(&key) {
            true => Some(events[leader].digest),
            false => known.get(&key).copied(),
        };
        verdicts[at] = match kept {
            Some(_) if leader == at && news.contains(&key) => Verdict::ACCEPTED,
            Some(digest) if digest == events[at].digest => Verdict::Duplicate,
            _ => Verdict::Conflict,
        };
        before = Some(leader);
    }
    Ok(verdicts)
}

fn key(event: &ReadyEvent) -> Key {
    (event.facility, event.key.0, event.key.1)
}

/// Those that nobody had before.
async fn claim(tx: &mut PgConnection, events: &[&ReadyEvent], first: &[usize], received: i64) -> Result<HashSet<Key>> {
    let (mut facilities, mut highs, mut lows, mut digests, mut ats) = (vec![], vec![], vec![], vec![], vec![]);
    for &at in first {
        let event = events[at];
        facilities.push(event.facility);
        highs.push(event.key.0);
        lows.push(event.key.1);
        digests.push(event.digest);
        ats.push(DateTime::from_timestamp_micros(event.at.max(received)).unwrap_or_default());
    }
    let news = sqlx::query!(
        "insert into event_ids (facility_id, high, low, digest, since)
         select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[])
         on conflict (facility_id, high, low) do nothing
         returning facility_id, high, low",
        &facilities,
        &highs,
        &lows,
        &digests,
        &ats
    )
    .fetch_all(tx)
    .await?;
    Ok(news
        .into_iter()
        .map(|row| (row.facility_id, row.high, row.low))
        .collect())
}

/// What the events that were here before are like.
async fn digests(
    tx: &mut PgConnection,
    events: &[&ReadyEvent],
    first: &[usize],
    news: &HashSet<Key>,
) -> Result<HashMap<Key, i64>> {
    let (mut facilities, mut highs, mut lows) = (vec![], vec![], vec![]);
    for key in first
        .iter()
        .map(|&at| key(events[at]))
        .filter(|key| !news.contains(key))
    {
        facilities.push(key.0);
        highs.push(key.1);
        lows.push(key.2);
    }
    let rows = sqlx::query!(
        "select facility_id, high, low, digest from event_ids
         join unnest($1::bigint[], $2::bigint[], $3::bigint[]) as k(facility_id, high, low) using (facility_id, high, low)",
        &facilities,
        &highs,
        &lows
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.facility_id, row.high, row.low), row.digest))
        .collect())
}

/// Writes events that were accepted.
pub async fn store(tx: &mut PgConnection, events: &[&ReadyEvent], received: i64, days: &Days) -> Result<()> {
    let mut parts: BTreeMap<String, Rows> = BTreeMap::new();
    for ready in events {
        let event = &ready.event;
        parts
            .entry(days.part("events", ready.at))
            .or_insert_with(|| Rows::new(9))
            .row()
            .int8(ready.facility)
            .instant(ready.at)
            .int4(ready.type_id)
            .text(&event.source)
            .text(&event.id)
            .maybe_text(event.subject.as_deref().or(ready.subject.as_deref()))
            .maybe_text(ready.actor.as_deref())
            .instant(received)
            .jsonb(ready.enriched.as_ref().or(event.data.as_ref()).map(|data| data.get()));
    }
    for (part, rows) in parts {
        let statement = format!(
            "copy parts.{part} (facility_id, at, type_id, source, id, subject, actor, received_at, data) from stdin (format binary)"
        );
        rows.send(tx, &statement).await?;
    }
    Ok(())
}
