//! What people do about alerts: take one on, and silence some for a time.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::alerts::model::Labels;
use crate::alerts::queries::labels;
use crate::audit::{self, Entry};
use crate::auth::Editor;
use crate::db::Db;
use crate::error::{Error, OnConstraint, Problems, Result};
use crate::outbox::{self, Event};
use crate::text;

/// Says that somebody takes care of an alert: it is not repeated, and leaves the bell. `NotFound` when it is not up here.
pub async fn acknowledge(db: &Db, editor: &Editor, alert: i64, note: &str) -> Result<()> {
    if let Some(problem) = text::problem(note, 200) {
        return Err(Error::invalid("note", problem));
    }
    let mut tx = db.write(&editor.scope()).await?;
    let name = &editor.person.name;
    let row = sqlx::query!(
        r#"update alerts a set acknowledged_at = clock_now(), acknowledged_by = $3, acknowledged_note = $4
           from alert_rules r
           where r.id = a.rule_id and a.id = $2 and a.facility_id = $1 and a.phase in ('pending', 'firing', 'recovering')
           returning r.id as rule, r.name, r.severity, r.condition, a.labels, a.value, a.acknowledged_at as "at!""#,
        editor.facility.0,
        alert,
        name,
        note.trim()
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    sqlx::query!(
        "insert into alert_history (facility_id, at, rule_id, rule_name, severity, condition, labels, turn, value, actor_name)
         values ($1, $2, $3, $4, $5, $6, $7, 'acknowledged', $8, $9)",
        editor.facility.0,
        row.at,
        row.rule,
        row.name,
        row.severity,
        row.condition,
        row.labels,
        row.value,
        name
    )
    .execute(&mut *tx)
    .await?;
    let entry = Entry::new("acknowledged", "alert")
        .of(editor.facility)
        .about(alert)
        .detail(json!({ "name": row.name, "labels": labels(row.labels), "note": note.trim() }));
    audit::record(&mut tx, &editor.actor(), &entry).await?;
    outbox::push(&mut tx, &[editor.facility], &Event::AlertsChanged).await?;
    tx.commit().await?;
    Ok(())
}

/// A silence as somebody asks for it.
#[derive(Clone, Debug)]
pub struct NewSilence {
    /// none: every rule
    pub rule: Option<i64>,
    pub labels: Labels,
    pub until: Option<DateTime<Utc>>,
    pub reason: String,
}

/// Silences what fits from now on. It fires all the same and is seen on the page; nobody is told.
pub async fn silence(db: &Db, editor: &Editor, new: &NewSilence) -> Result<()> {
    let mut problems = Problems::default();
    if new.reason.trim().is_empty() {
        problems.add("reason", t!("Say why, for those who wonder."));
    } else if let Some(problem) = text::problem(&new.reason, 200) {
        problems.add("reason", problem);
    }
    let until = new.until.filter(|until| *until > db.clock.now());
    if until.is_none() {
        problems.add("until", t!("Choose an end that is still to come."));
    }
    problems.check()?;
    let mut tx = db.write(&editor.scope()).await?;
    let rule = match new.rule {
        None => None,
        Some(rule) => Some(
            sqlx::query!("select id, name from alert_rules where id = $1", rule)
                .fetch_optional(&mut *tx)
                .await?
                .ok_or_else(|| Error::invalid("rule", t!("There is no such rule.")))?,
        ),
    };
    let id = sqlx::query_scalar!(
        "insert into alert_silences (facility_id, rule_id, labels, starts_at, ends_at, reason, made_by)
         values ($1, $2, $3, clock_now(), $4, $5, $6) returning id",
        editor.facility.0,
        new.rule,
        json!(new.labels),
        until,
        new.reason.trim(),
        editor.person.name
    )
    .fetch_one(&mut *tx)
    .await
    .on_constraint("alert_silences_time_check", || {
        Error::invalid("until", t!("At most 31 days from now."))
    })?;
    let entry = Entry::new("silenced", "alerts")
        .of(editor.facility)
        .about(id)
        .after(json!({
            "name": rule.map(|rule| rule.name), "labels": new.labels, "until": until, "reason": new.reason.trim(),
        }));
    audit::record(&mut tx, &editor.actor(), &entry).await?;
    outbox::push(&mut tx, &[editor.facility], &Event::AlertsChanged).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends a silence now.
pub async fn end_silence(db: &Db, editor: &Editor, silence: i64) -> Result<()> {
    let mut tx = db.write(&editor.scope()).await?;
    let reason = sqlx::query_scalar!(
        "update alert_silences set ends_at = greatest(clock_now(), starts_at + interval '1 microsecond')
         where facility_id = $1 and id = $2 and ends_at > clock_now() returning reason",
        editor.facility.0,
        silence
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let entry = Entry::new("ended", "silence")
        .of(editor.facility)
        .about(silence)
        .detail(json!({ "reason": reason }));
    audit::record(&mut tx, &editor.actor(), &entry).await?;
    outbox::push(&mut tx, &[editor.facility], &Event::AlertsChanged).await?;
    tx.commit().await?;
    Ok(())
}
