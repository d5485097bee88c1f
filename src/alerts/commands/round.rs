//! One look at what changed: conditions are asked, alerts take their next step, and what is news is written down. One
//! transaction, one at a time in the whole installation, so that no alert is raised twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use crate::alerts::model::{Labels, Rule};
use crate::alerts::observe::{self, Observation, Place};
use crate::alerts::queries::{self, Kept};
use crate::alerts::state::{Instance, Seen, Turn, step};
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
        for change in steps(&rule, kept, found, turn.now) {
            write(&mut tx, &rule, &change, turn.now).await?;
            if change.turn.is_some() {
                news += 1;
                changed.insert(change.facility);
            }
        }
    }
    super::tell::tell(&mut tx, turn.now).await?;
    if !changed.is_empty() {
        let facilities: Vec<FacilityId> = changed.into_iter().flatten().collect();
        outbox::push(&mut tx, &facilities, &Event::AlertsChanged).await?;
    }
    tx.commit().await?;
    Ok(news)
}

/// What this look is about.
struct Look {
    now: DateTime<Utc>,
    since: DateTime<Utc>,
    /// everything, not only what facts speak of
    sweep: bool,
}

async fn begin(tx: &mut PgConnection) -> Result<Look> {
    let row = sqlx::query!(
        r#"select looked_at > '-infinity' as "looked_before!", greatest(looked_at, clock_timestamp() - interval '1 day') as "looked_at!",
                  swept_at <= clock_now() - interval '1 second' * $1 as "sweep!", clock_now() as "now!"
           from alert_rounds for update"#,
        SWEEP.num_seconds() as f64
    )
    .fetch_one(&mut *tx)
    .await?;
    let sweep = row.sweep || !row.looked_before;
    sqlx::query!(
        "update alert_rounds set looked_at = clock_timestamp(), swept_at = case when $1 then clock_now() else swept_at end",
        sweep
    )
    .execute(tx)
    .await?;
    Ok(Look {
        now: row.now,
        since: row.looked_at - OVERLAP,
        sweep,
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
}

fn steps(rule: &Rule, kept: Vec<Kept>, found: Vec<Observation>, now: DateTime<Utc>) -> Vec<Change> {
    let mut kept: BTreeMap<(Option<FacilityId>, Labels), Kept> = kept
        .into_iter()
        .map(|one| ((one.facility, one.labels.clone()), one))
        .collect();
    let mut seen: BTreeMap<(Option<FacilityId>, Labels), f64> = BTreeMap::new();
    for one in found {
        if seen.insert((one.facility, one.labels), one.value).is_some() {
            tracing::error!(rule = rule.id, "two results have the same labels; the later is shown");
        }
    }
    let keys: BTreeSet<_> = kept.keys().chain(seen.keys()).cloned().collect();
    keys.into_iter()
        .filter_map(|key| {
            let before = kept.remove(&key);
            let seen = seen.get(&key).map_or(Seen::Fine, |value| Seen::Broken(*value));
            let (after, turn) = step(before.as_ref().map(|one| &one.alert), seen, rule.timing(), now);
            let same = before.as_ref().map(|one| one.alert) == after;
            let (facility, labels) = key;
            (!same).then_some(Change {
                facility,
                labels,
                before,
                after,
                turn,
            })
        })
        .collect()
}

async fn write(tx: &mut PgConnection, rule: &Rule, change: &Change, now: DateTime<Utc>) -> Result<()> {
    let facility = change.facility.map(|id| id.0);
    let labels = serde_json::json!(change.labels);
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
                "insert into alerts as a (facility_id, rule_id, labels, phase, active_at, fired_at, eased_at, resolved_at, missed, value)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 on conflict (rule_id, coalesce(facility_id, 0), labels) do update
                    set phase = excluded.phase, active_at = excluded.active_at, fired_at = excluded.fired_at,
                        eased_at = excluded.eased_at, resolved_at = excluded.resolved_at, missed = excluded.missed,
                        value = excluded.value,
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
                anew
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
        "insert into alert_history (facility_id, at, rule_id, rule_name, severity, condition, labels, turn, value)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        facility,
        now,
        rule.id,
        rule.name,
        rule.severity.as_str(),
        serde_json::json!(rule.condition),
        labels,
        turn.as_str(),
        value
    )
    .execute(tx)
    .await?;
    Ok(())
}
