//! One look at what changed: conditions are asked, alerts take their next step, and what is news is written down. One
//! transaction, one at a time in the whole installation, so that no alert is raised twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use crate::alerts::live::{Detail, NoData, Watch};
use crate::alerts::model::{Condition, Labels, Rule};
use crate::alerts::observe::{self, Observation, Place};
use crate::alerts::queries::{self, Kept};
use crate::alerts::state::{Instance, Phase, Seen, Turn, step};
use crate::clock::Zone;
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::ids::FacilityId;
use crate::jobs::{self, Claim};
use crate::outbox::{self, Event};

/// Facts are looked at again for so long: their rows have the time of their writing and are seen at their commit.
const OVERLAP: TimeDelta = TimeDelta::seconds(15);
/// Everything is looked at this often, whether or not a fact speaks of it.
const SWEEP: TimeDelta = TimeDelta::seconds(60);

/// Live metrics are looked at this often.
const MEASURE: TimeDelta = TimeDelta::seconds(10);

/// Looks once. Answers how many alerts took a step that is news.
pub async fn round(db: &Db, claim: Option<&Claim>) -> Result<usize> {
    let mut tx = db.write_in_background(&Scope::All).await?;
    if let Some(claim) = claim {
        jobs::confirm(&mut tx, claim).await?;
    }
    let turn = begin(&mut tx).await?;
    let places = places(&mut tx, &turn).await?;
    let mut changed = BTreeSet::new();
    let mut news = 0;
    for rule in queries::rules(&mut tx).await? {
        if let Condition::Live { watch } = &rule.condition {
            if turn.measure {
                let changes = measured(&mut tx, &rule, watch, turn.now).await?;
                news += put(&mut tx, &rule, changes, turn.now, &mut changed).await?;
            }
            continue;
        }
        let (concerned, everywhere): (Vec<Place>, bool) = match (rule.condition.is_of_installation(), rule.facility) {
            (true, _) if !turn.sweep => continue,
            (true, _) => (Vec::new(), true),
            (false, Some(facility)) => {
                let here = places.iter().filter(|place| place.facility == facility);
                (here.copied().collect(), turn.sweep)
            }
            (false, None) => (places.clone(), turn.sweep),
        };
        if concerned.is_empty() && !everywhere {
            continue;
        }
        let Some(found) = look(&mut tx, &rule, &concerned).await? else {
            continue;
        };
        let ids: Vec<FacilityId> = concerned.iter().map(|place| place.facility).collect();
        let kept = queries::kept(&mut tx, rule.id, &ids, everywhere).await?;
        let changes = steps(&rule, kept, found, Seen::Fine, turn.now);
        news += put(&mut tx, &rule, changes, turn.now, &mut changed).await?;
    }
    super::tell::tell(&mut tx, turn.now).await?;
    if !changed.is_empty() {
        let facilities: Vec<FacilityId> = changed.into_iter().flatten().collect();
        outbox::push(&mut tx, &facilities, &Event::AlertsChanged).await?;
    }
    tx.commit().await?;
    Ok(news)
}

/// Writes what changed, and answers how much of it is news.
async fn put(
    tx: &mut PgConnection,
    rule: &Rule,
    changes: Vec<Change>,
    now: DateTime<Utc>,
    changed: &mut BTreeSet<Option<FacilityId>>,
) -> Result<usize> {
    let mut news = 0;
    for change in changes {
        write(&mut *tx, rule, &change, now).await?;
        if change.turn.is_some() {
            news += 1;
            changed.insert(change.facility);
        }
    }
    Ok(news)
}

/// What a look at a live metric changes. Of a metric without any data, the rule says what becomes of its alerts.
async fn measured(tx: &mut PgConnection, rule: &Rule, watch: &Watch, now: DateTime<Utc>) -> Result<Vec<Change>> {
    let mut found = Vec::new();
    if rule.enabled {
        let mut inner = tx.begin().await?;
        match super::detectors::judge(&mut inner, rule, watch, now).await {
            Ok(judged) => {
                inner.commit().await?;
                found.extend(judged.into_iter().map(Observation::of));
            }
            Err(error) => {
                inner.rollback().await?;
                tracing::warn!(rule = rule.id, %error, "a rule could not be evaluated; its alerts stay as they are");
                return Ok(Vec::new());
            }
        }
    }
    let kept = queries::kept(&mut *tx, rule.id, &[], true).await?;
    // a correlation that was not found is in order; a metric without a point says nothing
    let silent = rule.enabled && found.is_empty() && !matches!(watch, Watch::Case { .. });
    let keeps = silent && rule.extra.no_data == NoData::Keep;
    sqlx::query!(
        "update alerts set stale_at = case when $2 then $3::timestamptz end
         where rule_id = $1 and phase <> 'resolved' and (stale_at is null) = $2",
        rule.id,
        keeps,
        now
    )
    .execute(tx)
    .await?;
    for one in &mut found {
        one.labels.extend(rule.extra.labels.clone());
    }
    let others = match (silent, rule.extra.no_data) {
        // those that are resolved leave all the same
        (true, NoData::Keep) => {
            let over = kept
                .into_iter()
                .filter(|one| one.alert.phase == Phase::Resolved)
                .collect();
            return Ok(steps(rule, over, found, Seen::Fine, now));
        }
        (true, NoData::Broken) => {
            // of a rule that is not split, the one alert that there can be
            let whole = kept.is_empty() && watch.needs().first().is_some_and(|(of, _)| of.by.is_empty());
            if whole {
                found.push(Observation {
                    facility: rule.facility,
                    labels: rule.extra.labels.clone(),
                    value: 0.0,
                    broken: true,
                    detail: Detail::default(),
                });
            }
            Seen::Broken(0.0)
        }
        (true, NoData::Fine) => Seen::Fine,
        (false, _) if found.is_empty() => Seen::Fine,
        (false, _) => match watch {
            // a key of which nothing is found any more is in order
            Watch::Case { .. } => Seen::Fine,
            _ => Seen::Missing,
        },
    };
    Ok(steps(rule, kept, found, others, now))
}

/// What this look is about.
struct Look {
    now: DateTime<Utc>,
    since: DateTime<Utc>,
    /// everything, not only what facts speak of
    sweep: bool,
    /// live metrics too
    measure: bool,
}

async fn begin(tx: &mut PgConnection) -> Result<Look> {
    let row = sqlx::query!(
        r#"select looked_at > '-infinity' as "looked_before!", greatest(looked_at, clock_timestamp() - interval '1 day') as "looked_at!",
                  swept_at <= clock_now() - interval '1 second' * $1 as "sweep!", clock_now() as "now!",
                  measured_at <= clock_now() - interval '1 second' * $2 as "measure!"
           from alert_rounds for update"#,
        SWEEP.num_seconds() as f64,
        MEASURE.num_seconds() as f64
    )
    .fetch_one(&mut *tx)
    .await?;
    let sweep = row.sweep || !row.looked_before;
    sqlx::query!(
        "update alert_rounds set looked_at = clock_timestamp(), swept_at = case when $1 then clock_now() else swept_at end,
                measured_at = case when $2 then clock_now() else measured_at end",
        sweep,
        sweep || row.measure
    )
    .execute(tx)
    .await?;
    Ok(Look {
        now: row.now,
        since: row.looked_at - OVERLAP,
        sweep,
        measure: sweep || row.measure,
    })
}

/// Facilities of which something happened or whose waiting is over; all of them in a sweep.
async fn places(tx: &mut PgConnection, look: &Look) -> Result<Vec<Place>> {
    let found = sqlx::query!(
        r#"select f.id as "facility: FacilityId", f.time_zone as "zone: Zone" from facilities f
           where f.active and ($1 or f.id in (
             select unnest(o.facility_ids) from outbox o where o.at > $2 and o.event->>'fact' <> 'alerts_changed'
             union
             select a.facility_id from alerts a join alert_rules r on r.id = a.rule_id
             where a.phase = 'pending' and a.active_at + interval '1 second' * r.hold_seconds <= $3
                or a.phase = 'recovering' and a.eased_at + interval '1 second' * r.keep_seconds <= $3
                or a.phase = 'resolved' and a.resolved_at <= $3 - interval '15 minutes'))
           order by f.id"#,
        look.sweep,
        look.since,
        look.now
    )
    .fetch_all(tx)
    .await?;
    let place = |row| {
        let (facility, zone) = row;
        Place { facility, zone }
    };
    Ok(found.into_iter().map(|row| place((row.facility, row.zone))).collect())
}

/// What breaks the rule. None when its question failed: then nothing is known, and every alert stays as it is.
async fn look(tx: &mut PgConnection, rule: &Rule, places: &[Place]) -> Result<Option<Vec<Observation>>> {
    if !rule.enabled {
        return Ok(Some(Vec::new()));
    }
    let mut inner = tx.begin().await?;
    match observe::broken(&mut inner, &rule.condition, places).await {
        Ok(found) => {
            inner.commit().await?;
            Ok(Some(found))
        }
        Err(error) => {
            inner.rollback().await?;
            tracing::warn!(rule = rule.id, %error, "a rule could not be evaluated; its alerts stay as they are");
            Ok(None)
        }
    }
}

/// A step of one alert.
struct Change {
    facility: Option<FacilityId>,
    labels: Labels,
    before: Option<Kept>,
    after: Option<Instance>,
    turn: Option<Turn>,
    /// of one that is broken
    detail: Option<Detail>,
}

/// `others`: what is known of alerts that were not found.
fn steps(rule: &Rule, kept: Vec<Kept>, found: Vec<Observation>, others: Seen, now: DateTime<Utc>) -> Vec<Change> {
    let mut kept: BTreeMap<(Option<FacilityId>, Labels), Kept> = kept
        .into_iter()
        .map(|one| ((one.facility, one.labels.clone()), one))
        .collect();
    let mut seen: BTreeMap<(Option<FacilityId>, Labels), (Seen, Detail)> = BTreeMap::new();
    for one in found {
        let what = if one.broken {
            Seen::Broken(one.value)
        } else {
            Seen::Fine
        };
        if seen.insert((one.facility, one.labels), (what, one.detail)).is_some() {
            tracing::error!(rule = rule.id, "two results have the same labels; the later is shown");
        }
    }
    let keys: BTreeSet<_> = kept.keys().chain(seen.keys()).cloned().collect();
    keys.into_iter()
        .filter_map(|key| {
            let before = kept.remove(&key);
            let (seen, detail) = seen
                .remove(&key)
                .map_or((others, None), |(seen, detail)| (seen, Some(detail)));
            let detail = detail.filter(|_| matches!(seen, Seen::Broken(_)));
            let (after, turn) = step(before.as_ref().map(|one| &one.alert), seen, rule.timing(), now);
            let same = before.as_ref().map(|one| one.alert) == after;
            let (facility, labels) = key;
            (!same).then_some(Change {
                facility,
                labels,
                before,
                after,
                turn,
                detail,
            })
        })
        .collect()
}

async fn write(tx: &mut PgConnection, rule: &Rule, change: &Change, now: DateTime<Utc>) -> Result<()> {
    let facility = change.facility.map(|id| id.0);
    let labels = serde_json::json!(change.labels);
    let detail = change.detail.as_ref().map(|detail| serde_json::json!(detail));
    match (&change.before, &change.after) {
        (Some(before), None) => {
            sqlx::query!("delete from alerts where id = $1", before.id)
                .execute(&mut *tx)
                .await?;
        }
        (_, Some(after)) => {
            // who took care of the one before has not seen this one
            let anew = matches!(change.turn, Some(Turn::Pended | Turn::Fired));
            sqlx::query!(
                "insert into alerts as a (facility_id, rule_id, labels, phase, active_at, fired_at, eased_at, resolved_at, missed, value, detail)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce($12::jsonb, '{}'))
                 on conflict (rule_id, coalesce(facility_id, 0), labels) do update
                    set phase = excluded.phase, active_at = excluded.active_at, fired_at = excluded.fired_at,
                        eased_at = excluded.eased_at, resolved_at = excluded.resolved_at, missed = excluded.missed,
                        value = excluded.value, detail = coalesce($12, a.detail), stale_at = null,
                        acknowledged_at = case when $11 then null else a.acknowledged_at end,
                        acknowledged_by = case when $11 then null else a.acknowledged_by end,
                        acknowledged_note = case when $11 then null else a.acknowledged_note end",
                facility,
                rule.id,
                labels,
                after.phase.as_str(),
                after.active_at,
                after.fired_at,
                after.eased_at,
                after.resolved_at,
                after.missed,
                after.value,
                anew,
                detail
            )
            .execute(&mut *tx)
            .await?;
        }
        (None, None) => {}
    }
    let Some(turn) = change.turn else {
        return Ok(());
    };
    let value = change
        .after
        .or(change.before.as_ref().map(|one| one.alert))
        .map_or(0.0, |one| one.value);
    sqlx::query!(
        "insert into alert_history (facility_id, at, rule_id, rule_name, severity, condition, labels, turn, value, detail)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10::jsonb, '{}'))",
        facility,
        now,
        rule.id,
        rule.name,
        rule.severity.as_str(),
        serde_json::json!(rule.condition),
        labels,
        turn.as_str(),
        value,
        detail
    )
    .execute(tx)
    .await?;
    Ok(())
}
