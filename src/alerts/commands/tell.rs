//! Puts messages on their way: one for each group with news, to each channel that is for it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::alerts::group::{Group, Muted, Telling, due};
use crate::alerts::live::Detail;
use crate::alerts::model::{Condition, Extra, Labels, Severity};
use crate::alerts::queries::labels;
use crate::alerts::template;
use crate::clock::Zone;
use crate::error::Result;
use crate::ids::FacilityId;
use crate::words::{Language, Locale, under};

/// An alert that is up.
struct Up {
    labels: Labels,
    value: f64,
    since: DateTime<Utc>,
    detail: Detail,
    /// silenced or taken on
    quiet: bool,
}

/// Everything about one rule in one facility.
struct About {
    name: String,
    severity: Severity,
    condition: Condition,
    extra: Extra,
    facility_name: String,
    zone: Option<Zone>,
    up: Vec<Up>,
}

type Key = (i64, Option<FacilityId>);

struct Channel {
    id: i64,
    facility: Option<FacilityId>,
    least: Severity,
    muted: Option<Muted>,
    language: Language,
}

/// Queues what is due now. Without any channel nothing is kept.
pub(super) async fn tell(tx: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
    let channels = channels(tx).await?;
    let mut groups = groups(tx).await?;
    if channels.is_empty() && groups.is_empty() {
        return Ok(());
    }
    let mut rules = about(tx, &groups.keys().copied().collect::<Vec<_>>()).await?;
    let keys: BTreeSet<Key> = rules.keys().chain(groups.keys()).copied().collect();
    for key in keys {
        let about = rules.remove(&key);
        let (group, number) = groups.remove(&key).unwrap_or_else(|| {
            let group = Group {
                begun_at: now,
                told_at: None,
                told: BTreeSet::new(),
            };
            (group, 0)
        });
        let empty = Vec::new();
        let alerts = about.as_ref().map_or(&empty, |about| &about.up);
        let up: BTreeSet<Labels> = alerts.iter().map(|one| one.labels.clone()).collect();
        let telling: BTreeSet<Labels> = alerts
            .iter()
            .filter(|one| !one.quiet)
            .map(|one| one.labels.clone())
            .collect();
        let (Some(about), Telling::Tell) = (&about, due(&group, &up, &telling, now)) else {
            if about.is_none() || due(&group, &up, &telling, now) == Telling::Forget {
                forget(tx, key).await?;
            } else if number == 0 && group.begun_at == now {
                keep(tx, key, &group, 0).await?;
            }
            continue;
        };
        let local = about.zone.map(|zone| zone.wall(now));
        let takes = |channel: &&Channel| {
            channel.facility.is_none_or(|facility| Some(facility) == key.1)
                && about.severity >= channel.least
                && !channel
                    .muted
                    .as_ref()
                    .is_some_and(|muted| muted.holds(local.unwrap_or(now.naive_utc())))
        };
        let takers: Vec<&Channel> = channels.iter().filter(takes).collect();
        if takers.is_empty() && !channels.is_empty() && !telling.is_empty() {
            // told when somebody may be told
            keep(tx, key, &group, number).await?;
            continue;
        }
        let number = number + 1;
        for channel in takers {
            let message = under(Locale::of(channel.language), || {
                message(key, about, &group, number, now)
            });
            sqlx::query!(
                "insert into alert_deliveries (facility_id, channel_id, group_key, message) values ($1, $2, $3, $4)
                 on conflict do nothing",
                key.1.map(|id| id.0),
                channel.id,
                message["key"].as_str().unwrap_or_default(),
                message
            )
            .execute(&mut *tx)
            .await?;
        }
        let told = Group {
            told_at: Some(now),
            told: telling,
            ..group
        };
        keep(tx, key, &told, number).await?;
    }
    Ok(())
}

/// What every channel makes its own words of.
fn message(key: Key, about: &About, group: &Group, number: i32, now: DateTime<Utc>) -> Value {
    let telling = about.up.iter().filter(|one| !one.quiet);
    let firing: Vec<Value> = telling
        .map(|one| {
            json!({
                "labels": one.labels, "value": one.value, "since": one.since,
                "words": template::words(&about.extra.message, (&about.name, &about.facility_name), &about.condition,
                                         &one.labels, one.value, &one.detail),
                "path": about.condition.href(key.1, &one.labels),
            })
        })
        .collect();
    let is_up = |labels: &Labels| about.up.iter().any(|one| one.labels == *labels);
    let resolved: Vec<&Labels> = group.told.iter().filter(|labels| !is_up(labels)).collect();
    let path = key.1.map_or("/alerts".to_owned(), |facility| {
        format!("/facilities/{facility}/alerts")
    });
    json!({
        "key": format!("{}-{}-{}-{number}", key.0, key.1.map_or(0, |id| id.0), group.begun_at.timestamp_millis()),
        "group": format!("{}-{}-{}", key.0, key.1.map_or(0, |id| id.0), group.begun_at.timestamp_millis()),
        "status": if firing.is_empty() { "resolved" } else { "firing" },
        "rule": about.name, "severity": about.severity.as_str(), "facility_id": key.1, "facility": about.facility_name,
        "at": now, "firing": firing, "resolved": resolved, "path": path,
    })
}

async fn channels(tx: &mut PgConnection) -> Result<Vec<Channel>> {
    let rows = sqlx::query!(
        r#"select id, facility_id as "facility: FacilityId", least_severity as "least: Severity", muted, language as "language: Language"
           from alert_channels where enabled order by id"#
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Channel {
            id: row.id,
            facility: row.facility,
            least: row.least,
            muted: row.muted.and_then(|muted| serde_json::from_value(muted).ok()),
            language: row.language,
        })
        .collect())
}

async fn groups(tx: &mut PgConnection) -> Result<BTreeMap<Key, (Group, i32)>> {
    let rows = sqlx::query!(
        r#"select rule_id, facility_id as "facility: FacilityId", begun_at, told_at, told, number from alert_groups"#
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let group = Group {
                begun_at: row.begun_at,
                told_at: row.told_at,
                told: serde_json::from_value(row.told).unwrap_or_default(),
            };
            ((row.rule_id, row.facility), (group, row.number))
        })
        .collect())
}

/// The rules with alerts that are up, and those of groups.
async fn about(tx: &mut PgConnection, groups: &[Key]) -> Result<BTreeMap<Key, About>> {
    let (rules, facilities): (Vec<i64>, Vec<i64>) = groups
        .iter()
        .map(|(rule, facility)| (*rule, facility.map_or(0, |id| id.0)))
        .unzip();
    let rows = sqlx::query!(
        r#"with named as (
             select rule_id, coalesce(facility_id, 0) as facility from alerts where phase in ('firing', 'recovering')
             union select * from unnest($1::bigint[], $2::bigint[])
           )
           select r.id as "rule!", nullif(n.facility, 0) as "facility: FacilityId", r.name as "name!",
                  r.severity as "severity!: Severity", r.condition as "condition!", r.extra as "extra!", a.detail as "detail?", coalesce(f.name, '') as "facility_name!",
                  f.time_zone as "zone?: Zone", a.labels as "labels?", a.value as "value?", a.active_at as "since?",
                  a.acknowledged_at is not null or exists (
                    select from alert_silences s
                    where s.facility_id = a.facility_id and coalesce(s.rule_id, a.rule_id) = a.rule_id
                      and a.labels @> s.labels and s.starts_at <= clock_now() and s.ends_at > clock_now()) as "quiet!"
           from named n
           join alert_rules r on r.id = n.rule_id
           left join facilities f on f.id = n.facility
           left join alerts a on a.rule_id = n.rule_id and coalesce(a.facility_id, 0) = n.facility
                             and a.phase in ('firing', 'recovering')
           order by r.id, n.facility, a.active_at, a.id"#,
        &rules,
        &facilities
    )
    .fetch_all(tx)
    .await?;
    let mut found: BTreeMap<Key, About> = BTreeMap::new();
    for row in rows {
        let Ok(condition) = serde_json::from_value(row.condition) else {
            continue;
        };
        let about = found.entry((row.rule, row.facility)).or_insert_with(|| About {
            name: row.name,
            severity: row.severity,
            condition,
            extra: serde_json::from_value(row.extra).unwrap_or_default(),
            facility_name: row.facility_name,
            zone: row.zone,
            up: Vec::new(),
        });
        if let (Some(found), Some(value), Some(since)) = (row.labels, row.value, row.since) {
            about.up.push(Up {
                labels: labels(found),
                value,
                since,
                detail: row
                    .detail
                    .and_then(|detail| serde_json::from_value(detail).ok())
                    .unwrap_or_default(),
                quiet: row.quiet,
            });
        }
    }
    Ok(found)
}

async fn keep(tx: &mut PgConnection, key: Key, group: &Group, number: i32) -> Result<()> {
    sqlx::query!(
        "insert into alert_groups (facility_id, rule_id, begun_at, told_at, told, number) values ($1, $2, $3, $4, $5, $6)
         on conflict (rule_id, coalesce(facility_id, 0)) do update
            set told_at = excluded.told_at, told = excluded.told, number = excluded.number",
        key.1.map(|id| id.0),
        key.0,
        group.begun_at,
        group.told_at,
        json!(group.told),
        number
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn forget(tx: &mut PgConnection, key: Key) -> Result<()> {
    sqlx::query!(
        "delete from alert_groups where rule_id = $1 and coalesce(facility_id, 0) = $2",
        key.0,
        key.1.map_or(0, |id| id.0)
    )
    .execute(tx)
    .await?;
    Ok(())
}
