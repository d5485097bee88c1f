//! Correlation inside the transaction that stores the events: what may be part of a case is kept, and the cases that are
//! complete are found, each once, whichever instance sees its last event and however often events are sent.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::super::rules::Filled;
use super::super::sequence::{Candidate, Pattern};
use crate::error::Result;

/// An event that was accepted and can fill steps.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// 0 is the installation
    pub facility: i64,
    pub at: DateTime<Utc>,
    pub source: &'a str,
    pub id: &'a str,
    pub filled: &'a [Filled],
}

/// A case that the pipeline has not been told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Untold {
    pub facility: i64,
    pub emits: String,
    pub key: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    pub events: Vec<String>,
}

/// Facility, what is emitted, key.
type Place = (i64, String, String);

struct Span {
    pattern: Pattern,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

/// Keeps the steps and finds new cases; answers how many. Whoever works on the same key waits for the end of this
/// transaction, and then sees what it did.
pub async fn correlate(tx: &mut PgConnection, seen: &[Seen<'_>]) -> Result<usize> {
    let mut spans: BTreeMap<Place, Span> = BTreeMap::new();
    for one in seen {
        for filled in one.filled {
            let place = (one.facility, filled.correlation.emits.clone(), filled.key.clone());
            let span = spans.entry(place).or_insert_with(|| Span {
                pattern: filled.correlation.pattern.clone(),
                first: one.at,
                last: one.at,
            });
            span.first = span.first.min(one.at);
            span.last = span.last.max(one.at);
        }
    }
    if spans.is_empty() {
        return Ok(0);
    }
    lock(tx, spans.keys()).await?;
    keep(tx, seen).await?;
    let mut places = Places::default();
    for (place, span) in &spans {
        // a new case ends one window later at most, and what it takes part in may be covered from another window on
        places.add(
            place,
            span.first - span.pattern.within,
            span.last + span.pattern.within * 2,
        );
    }
    let mut steps = places.steps(tx).await?;
    let mut ended = places.ended(tx).await?;
    let mut found = 0;
    for (place, span) in &spans {
        let mut events = steps.remove(place).unwrap_or_default();
        events.retain(|(candidate, _)| candidate.at <= span.last + span.pattern.within);
        // those of one instant in the order of their steps
        events.sort_by(|a, b| (a.0.at, a.0.steps, &a.1).cmp(&(b.0.at, b.0.steps, &b.1)));
        let candidates: Vec<Candidate> = events.iter().map(|(candidate, _)| candidate.clone()).collect();
        for case in span
            .pattern
            .cases(&candidates, &ended.remove(place).unwrap_or_default())
        {
            let (first, last) = (case.events[0], case.events[case.events.len() - 1]);
            let ids: Vec<String> = case.events.iter().map(|&at| events[at].1.clone()).collect();
            found += keep_case(tx, place, candidates[first].at, candidates[last].at, &ids).await?;
        }
    }
    Ok(found)
}

/// One of 512 locks for each key, in one order for everybody.
async fn lock(tx: &mut PgConnection, places: impl Iterator<Item = &Place>) -> Result<()> {
    const LOCKS: u16 = 512;
    let of = |(facility, emits, key): &Place| {
        let hash = Sha256::new()
            .chain_update(facility.to_be_bytes())
            .chain_update(emits)
            .chain_update([0])
            .chain_update(key)
            .finalize();
        i32::from(u16::from_be_bytes([hash[0], hash[1]]) % LOCKS)
    };
    let locks: BTreeSet<i32> = places.map(of).collect();
    let locks: Vec<i32> = locks.into_iter().collect();
    sqlx::query!(
        r#"select count(pg_advisory_xact_lock(hashtext('correlation'), place)) as "locks!"
           from (select place from unnest($1::integer[]) with ordinality as t(place, nr) order by nr offset 0) ordered"#,
        &locks
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}

async fn keep(tx: &mut PgConnection, seen: &[Seen<'_>]) -> Result<()> {
    let (mut facilities, mut emits, mut keys, mut ats, mut bits) = (vec![], vec![], vec![], vec![], vec![]);
    let (mut sources, mut ids) = (vec![], vec![]);
    for (one, filled) in seen
        .iter()
        .flat_map(|one| one.filled.iter().map(move |filled| (one, filled)))
    {
        facilities.push(one.facility);
        emits.push(filled.correlation.emits.clone());
        keys.push(filled.key.clone());
        ats.push(one.at);
        bits.push(i16::from(filled.steps));
        sources.push(one.source.to_owned());
        ids.push(one.id.to_owned());
    }
    sqlx::query!(
        "insert into correlation_steps (facility_id, emits, key, at, steps, source, id)
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::smallint[], $6::text[], $7::text[])
         on conflict do nothing",
        &facilities,
        &emits,
        &keys,
        &ats,
        &bits,
        &sources,
        &ids
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Which stretches of which keys are looked at.
#[derive(Default)]
struct Places {
    facilities: Vec<i64>,
    emits: Vec<String>,
    keys: Vec<String>,
    firsts: Vec<DateTime<Utc>>,
    lasts: Vec<DateTime<Utc>>,
}

impl Places {
    fn add(&mut self, (facility, emits, key): &Place, first: DateTime<Utc>, last: DateTime<Utc>) {
        self.facilities.push(*facility);
        self.emits.push(emits.clone());
        self.keys.push(key.clone());
        self.firsts.push(first);
        self.lasts.push(last);
    }

    async fn steps(&self, tx: &mut PgConnection) -> Result<BTreeMap<Place, Vec<(Candidate, String)>>> {
        let rows = sqlx::query!(
            "select s.facility_id, s.emits, s.key, s.at, s.steps, s.id
             from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
                  as p(facility_id, emits, key, first, last)
             join correlation_steps s on s.facility_id = p.facility_id and s.emits = p.emits and s.key = p.key
                  and s.at between p.first and p.last",
            &self.facilities,
            &self.emits,
            &self.keys,
            &self.firsts,
            &self.lasts
        )
        .fetch_all(tx)
        .await?;
        let mut found: BTreeMap<Place, Vec<(Candidate, String)>> = BTreeMap::new();
        for row in rows {
            let candidate = Candidate {
                at: row.at,
                steps: row.steps as u8,
            };
            let place = (row.facility_id, row.emits, row.key);
            found.entry(place).or_default().push((candidate, row.id));
        }
        Ok(found)
    }

    async fn ended(&self, tx: &mut PgConnection) -> Result<BTreeMap<Place, Vec<DateTime<Utc>>>> {
        let rows = sqlx::query!(
            "select c.facility_id, c.emits, c.key, c.ended_at
             from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
                  as p(facility_id, emits, key, first, last)
             join correlation_cases c on c.facility_id = p.facility_id and c.emits = p.emits and c.key = p.key
                  and c.ended_at between p.first and p.last",
            &self.facilities,
            &self.emits,
            &self.keys,
            &self.firsts,
            &self.lasts
        )
        .fetch_all(tx)
        .await?;
        let mut found: BTreeMap<Place, Vec<DateTime<Utc>>> = BTreeMap::new();
        for row in rows {
            let place = (row.facility_id, row.emits, row.key);
            found.entry(place).or_default().push(row.ended_at);
        }
        Ok(found)
    }
}

async fn keep_case(
    tx: &mut PgConnection,
    (facility, emits, key): &Place,
    started: DateTime<Utc>,
    ended: DateTime<Utc>,
    events: &[String],
) -> Result<usize> {
    let made = sqlx::query!(
        "insert into correlation_cases (facility_id, emits, key, ended_at, started_at, events)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        facility,
        emits,
        key,
        ended,
        started,
        events
    )
    .execute(tx)
    .await?;
    Ok(made.rows_affected() as usize)
}

/// Cases of which nobody was told, the oldest first.
pub async fn untold(tx: &mut PgConnection, limit: i64) -> Result<Vec<Untold>> {
    Ok(sqlx::query_as!(
        Untold,
        "select facility_id as facility, emits, key, started_at, ended_at, events
         from correlation_cases where not told order by found_at limit $1",
        limit
    )
    .fetch_all(tx)
    .await?)
}

/// The events of these cases are stored by this transaction.
pub async fn told(tx: &mut PgConnection, cases: &[Untold]) -> Result<()> {
    let facilities: Vec<i64> = cases.iter().map(|case| case.facility).collect();
    let emits: Vec<String> = cases.iter().map(|case| case.emits.clone()).collect();
    let keys: Vec<String> = cases.iter().map(|case| case.key.clone()).collect();
    let ended: Vec<DateTime<Utc>> = cases.iter().map(|case| case.ended_at).collect();
    sqlx::query!(
        "update correlation_cases c set told = true
         from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[]) as p(facility_id, emits, key, ended_at)
         where c.facility_id = p.facility_id and c.emits = p.emits and c.key = p.key and c.ended_at = p.ended_at",
        &facilities,
        &emits,
        &keys,
        &ended
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets what came longer ago than any window is.
pub async fn prune(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!("delete from correlation_steps where seen_at < clock_now() - interval '15 days'")
        .execute(&mut *tx)
        .await?;
    sqlx::query!("delete from correlation_cases where told and found_at < clock_now() - interval '15 days'")
        .execute(tx)
        .await?;
    Ok(())
}
