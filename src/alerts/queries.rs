//! Questions about rules, alerts, silences and channels. A transaction's scope says whose.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::channel::ChannelKind;
use super::group::Muted;
use super::live::Detail;
use super::model::{Condition, Extra, Labels, Rule, Severity};
use super::state::{Instance, Phase};
use crate::error::Result;
use crate::ids::{FacilityId, numbers};

/// Every rule that the scope sees: the network's first, then by name.
pub async fn rules(tx: &mut PgConnection) -> Result<Vec<Rule>> {
    let rows = sqlx::query!(
        r#"select id, facility_id as "facility: FacilityId", slug is not null as "built_in!", name,
                  severity as "severity: Severity", condition, hold_seconds, keep_seconds, enabled, version, extra
           from alert_rules
           where catalog is null or catalog in (select name from catalogs)
           order by facility_id nulls first, name, id"#
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let condition = serde_json::from_value(row.condition)
                .inspect_err(|error| tracing::error!(rule = row.id, %error, "a rule that cannot be read"))
                .ok()?;
            Some(Rule {
                id: row.id,
                facility: row.facility,
                built_in: row.built_in,
                name: row.name,
                severity: row.severity,
                condition,
                hold: row.hold_seconds,
                keep: row.keep_seconds,
                enabled: row.enabled,
                version: row.version,
                extra: serde_json::from_value(row.extra).unwrap_or_default(),
            })
        })
        .collect())
}

/// An alert as the table has it.
#[derive(Clone, Debug)]
pub struct Kept {
    pub id: i64,
    pub facility: Option<FacilityId>,
    pub labels: Labels,
    pub alert: Instance,
}

/// The alerts of a rule in these facilities, or all of them.
pub async fn kept(tx: &mut PgConnection, rule: i64, facilities: &[FacilityId], all: bool) -> Result<Vec<Kept>> {
    let rows = sqlx::query!(
        r#"select id, facility_id as "facility: FacilityId", labels, phase as "phase: Phase", active_at, fired_at,
                  eased_at, resolved_at, missed, value
           from alerts where rule_id = $1 and ($3 or facility_id = any ($2))"#,
        rule,
        &numbers(facilities),
        all
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Kept {
            id: row.id,
            facility: row.facility,
            labels: labels(row.labels),
            alert: Instance {
                phase: row.phase,
                active_at: row.active_at,
                fired_at: row.fired_at,
                eased_at: row.eased_at,
                resolved_at: row.resolved_at,
                missed: row.missed,
                value: row.value,
            },
        })
        .collect())
}

/// Labels as they were written; a document of another shape has none.
pub fn labels(value: Value) -> Labels {
    serde_json::from_value(value).unwrap_or_default()
}

/// An alert with its rule, as people see it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub id: i64,
    pub facility: Option<FacilityId>,
    pub facility_name: String,
    pub rule: i64,
    pub name: String,
    pub severity: Severity,
    pub condition: Condition,
    pub labels: Labels,
    pub phase: Phase,
    pub active_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub value: f64,
    pub acknowledged: Option<(DateTime<Utc>, String, String)>,
    pub detail: Detail,
    pub extra: Extra,
    /// there is no data, and it stays as it was
    pub stale: bool,
    /// somebody silenced it for now
    pub silenced: bool,
}

/// Alerts of some facilities, those of the installation too where the scope is everything: firing first, the worst and
/// then the newest first; at most `limit`.
pub async fn shown(tx: &mut PgConnection, only: Option<FacilityId>, limit: i64) -> Result<Vec<Shown>> {
    let rows = sqlx::query!(
        r#"select a.id, a.facility_id as "facility: FacilityId", coalesce(f.name, '') as "facility_name!",
                  r.id as rule, r.name, r.severity as "severity: Severity", r.condition, a.labels,
                  a.phase as "phase: Phase", a.active_at, a.resolved_at, a.value, a.acknowledged_at,
                  coalesce(a.acknowledged_by, '') as "by!", coalesce(a.acknowledged_note, '') as "note!", a.detail,
                  r.extra, a.stale_at is not null as "stale!",
                  exists (select from alert_silences s
                          where s.facility_id = a.facility_id and coalesce(s.rule_id, a.rule_id) = a.rule_id
                            and a.labels @> s.labels and s.starts_at <= clock_now() and s.ends_at > clock_now()) as "silenced!"
           from alerts a join alert_rules r on r.id = a.rule_id left join facilities f on f.id = a.facility_id
           where $1::bigint is null or a.facility_id = $1
           order by array_position(array['firing', 'recovering', 'pending', 'resolved'], a.phase),
                    array_position(array['critical', 'warning', 'info'], r.severity), a.active_at desc, a.id
           limit $2"#,
        only.map(|id| id.0),
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Shown {
                id: row.id,
                facility: row.facility,
                facility_name: row.facility_name,
                rule: row.rule,
                name: row.name,
                severity: row.severity,
                condition: serde_json::from_value(row.condition).ok()?,
                labels: labels(row.labels),
                phase: row.phase,
                active_at: row.active_at,
                resolved_at: row.resolved_at,
                value: row.value,
                acknowledged: row.acknowledged_at.map(|at| (at, row.by, row.note)),
                detail: serde_json::from_value(row.detail).unwrap_or_default(),
                extra: serde_json::from_value(row.extra).unwrap_or_default(),
                stale: row.stale,
                silenced: row.silenced,
            })
        })
        .collect())
}

/// Alerts that are up and nobody has taken on or silenced: critical ones, and all.
pub async fn open(tx: &mut PgConnection) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) filter (where r.severity = 'critical') as "critical!", count(*) as "all!"
           from alerts a join alert_rules r on r.id = a.rule_id
           where a.phase in ('firing', 'recovering') and a.acknowledged_at is null
             and not exists (select from alert_silences s
                             where s.facility_id = a.facility_id and coalesce(s.rule_id, a.rule_id) = a.rule_id
                               and a.labels @> s.labels and s.starts_at <= clock_now() and s.ends_at > clock_now())"#
    )
    .fetch_one(tx)
    .await?;
    Ok((row.critical, row.all))
}

/// A line of the history.
#[derive(Clone, Debug)]
pub struct Past {
    pub id: i64,
    pub facility: Option<FacilityId>,
    pub at: DateTime<Utc>,
    pub rule_name: String,
    pub severity: Severity,
    pub condition: Condition,
    pub labels: Labels,
    pub turn: String,
    pub value: f64,
    pub detail: Detail,
    pub actor: Option<String>,
}

/// What happened to a facility's alerts, the newest first; before that line, when one is given.
pub async fn history(
    tx: &mut PgConnection,
    facility: FacilityId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Past>> {
    let rows = sqlx::query!(
        r#"select id, facility_id as "facility: FacilityId", at, rule_name, severity as "severity: Severity", condition,
                  labels, turn, value, detail, actor_name
           from alert_history where facility_id = $1 and ($2::bigint is null or id < $2)
           order by id desc limit $3"#,
        facility.0,
        before,
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Past {
                id: row.id,
                facility: row.facility,
                at: row.at,
                rule_name: row.rule_name,
                severity: row.severity,
                condition: serde_json::from_value(row.condition).ok()?,
                labels: labels(row.labels),
                turn: row.turn,
                value: row.value,
                detail: serde_json::from_value(row.detail).unwrap_or_default(),
                actor: row.actor_name,
            })
        })
        .collect())
}

/// A silence of a facility.
#[derive(Clone, Debug)]
pub struct Silence {
    pub id: i64,
    pub rule: Option<i64>,
    pub rule_name: Option<String>,
    pub labels: Labels,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub reason: String,
    pub made_by: String,
}

/// Silences of a facility that are not over, the one that ends first first.
pub async fn silences(tx: &mut PgConnection, facility: FacilityId) -> Result<Vec<Silence>> {
    let rows = sqlx::query!(
        r#"select s.id, s.rule_id as rule, r.name as "rule_name?", s.labels, s.starts_at, s.ends_at, s.reason, s.made_by
           from alert_silences s left join alert_rules r on r.id = s.rule_id
           where s.facility_id = $1 and s.ends_at > clock_now() order by s.ends_at, s.id"#,
        facility.0
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Silence {
            id: row.id,
            rule: row.rule,
            rule_name: row.rule_name,
            labels: labels(row.labels),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            reason: row.reason,
            made_by: row.made_by,
        })
        .collect())
}

/// A channel, without what would let one send.
#[derive(Clone, Debug)]
pub struct ChannelRow {
    pub id: i64,
    pub facility: Option<FacilityId>,
    pub name: String,
    pub kind: ChannelKind,
    pub hint: String,
    pub least: Severity,
    pub muted: Option<Muted>,
    /// of the newest message that was tried, as far as the scope sees it
    pub last_sent_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

/// The channels that the scope sees: the network's first, then by name.
pub async fn channels(tx: &mut PgConnection) -> Result<Vec<ChannelRow>> {
    let rows = sqlx::query!(
        r#"select c.id, c.facility_id as "facility: FacilityId", c.name, c.kind as "kind: ChannelKind", c.hint,
                  c.least_severity as "least: Severity", c.muted, d.sent_at as "sent_at?", d.last_error as "last_error?"
           from alert_channels c
           left join lateral (select sent_at, last_error from alert_deliveries
                              where channel_id = c.id and attempts > 0 order by id desc limit 1) d on true
           order by c.facility_id nulls first, c.name, c.id"#
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ChannelRow {
            id: row.id,
            facility: row.facility,
            name: row.name,
            kind: row.kind,
            hint: row.hint,
            least: row.least,
            muted: row.muted.and_then(|muted| serde_json::from_value(muted).ok()),
            last_sent_at: row.sent_at,
            last_error: row.last_error,
        })
        .collect())
}

/// Names of the metrics that the scope sees, and of those that a catalog defines; at most 500.
pub async fn metrics(tx: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select name from metric_definitions m
         where catalog is not null or exists (select from series s where s.metric_id = m.id)
         order by name limit 500"
    )
    .fetch_all(tx)
    .await?)
}
