//! What a rule finds in live metrics; the detectors of rules about unusual values go on from where they were.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::live::Watch;
use crate::alerts::live::judge::Judged;
use crate::alerts::live::load::{self, Known};
use crate::alerts::model::Rule;
use crate::alerts::queries::labels;
use crate::clock::Zone;
use crate::error::Result;
use crate::metrics::many::Part;

/// Everything that is known of the rule's metric now.
pub(super) async fn judge(
    tx: &mut PgConnection,
    rule: &Rule,
    watch: &Watch,
    now: DateTime<Utc>,
) -> Result<Vec<Judged>> {
    let facility = rule.facility.map(|id| id.0);
    let Watch::Unusual { of, sensitivity } = watch else {
        return load::now(tx, watch, facility, now).await;
    };
    let zones = zones(tx).await?;
    let zone = |facility: i64| zones.get(&facility).copied().unwrap_or(Zone::UTC);
    let mut known = known(tx, rule).await?;
    let before: BTreeMap<Part, i64> = known.iter().map(|(part, one)| (part.clone(), one.seen)).collect();
    let found = load::unusual(tx, (of, *sensitivity), facility, now, &mut known, zone).await?;
    let learnt = known.iter().filter(|(part, one)| before.get(*part) != Some(&one.seen));
    for (part, one) in learnt {
        keep(tx, rule, part, one).await?;
    }
    Ok(found)
}

/// The zone of each facility: hours and weekdays are those of the place.
pub async fn zones(tx: &mut PgConnection) -> Result<BTreeMap<i64, Zone>> {
    let rows = sqlx::query!(r#"select id, time_zone as "zone: Zone" from facilities"#)
        .fetch_all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.zone)).collect())
}

/// The detectors of a rule; those of a condition that it no longer has are gone.
async fn known(tx: &mut PgConnection, rule: &Rule) -> Result<BTreeMap<Part, Known>> {
    let condition = json!(rule.condition);
    sqlx::query!(
        "delete from alert_detectors where rule_id = $1 and condition <> $2",
        rule.id,
        condition
    )
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query!(
        "select facility_id, labels, detector, seen, judged from alert_detectors where rule_id = $1",
        rule.id
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let one = Known {
                detector: serde_json::from_value(row.detector).ok()?,
                seen: row.seen,
                judged: row.judged.and_then(|judged| serde_json::from_value(judged).ok()),
            };
            Some(((row.facility_id, labels(row.labels)), one))
        })
        .collect())
}

async fn keep(tx: &mut PgConnection, rule: &Rule, part: &Part, one: &Known) -> Result<()> {
    sqlx::query!(
        "insert into alert_detectors (facility_id, rule_id, labels, condition, detector, seen, judged)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (facility_id, rule_id, labels) do update
            set detector = excluded.detector, seen = excluded.seen, judged = excluded.judged",
        part.0,
        rule.id,
        json!(part.1),
        json!(rule.condition),
        json!(one.detector),
        one.seen,
        one.judged.map(|judged| json!(judged))
    )
    .execute(tx)
    .await?;
    Ok(())
}
