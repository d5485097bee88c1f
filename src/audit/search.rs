//! Finding lines of the log again: by person, facility, thing, action and time, the newest first.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::Via;
use crate::db::Scope;
use crate::error::Result;
use crate::ids::{FacilityId, UserId, numbers};

/// Which lines. Empty fields ask for nothing; everything else must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Filter {
    /// part of a name
    pub person: String,
    /// the account of a person
    pub actor: String,
    pub facility: String,
    /// kind of thing
    pub thing: String,
    pub thing_id: String,
    pub action: String,
    /// first and last day, in UTC
    pub from: String,
    pub to: String,
}

impl Filter {
    /// What was asked for, as pairs for an address.
    pub fn pairs(&self) -> [(&'static str, &str); 8] {
        [
            ("person", &self.person),
            ("actor", &self.actor),
            ("facility", &self.facility),
            ("thing", &self.thing),
            ("thing_id", &self.thing_id),
            ("action", &self.action),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    pub fn is_empty(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.trim().is_empty())
    }
}

/// A line with everything that it holds.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Line {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub facility_id: Option<FacilityId>,
    pub facility: Option<String>,
    pub actor_id: Option<UserId>,
    pub actor: String,
    pub via: Via,
    /// of a session its name, of a key its prefix
    pub via_id: Option<String>,
    pub address: Option<String>,
    pub action: String,
    pub thing: String,
    pub thing_id: Option<i64>,
    pub detail: Value,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub seq: i64,
    /// hexadecimal
    pub hash: String,
}

/// Lines of the filter within the scope, older than the line `before`, at most `limit`. Of another facility's doings with
/// one's own, only the own side is told. What cannot be read (a day that is none) finds nothing.
pub async fn page(
    tx: &mut PgConnection,
    scope: &Scope,
    filter: &Filter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Line>> {
    let Some(asked) = Asked::of(filter) else {
        return Ok(vec![]);
    };
    let within = match scope {
        Scope::All => None,
        Scope::Facilities(ids) => Some(numbers(ids)),
    };
    let lines = sqlx::query_as!(
        Line,
        r#"select a.id, a.at, a.facility_id as "facility_id: FacilityId", f.name as "facility?",
                  a.actor_id as "actor_id: UserId", a.actor_name as actor, a.via as "via: Via", a.via_id, a.address,
                  a.action, a.thing, a.thing_id, a.detail, a.before, a.after, a.seq, encode(a.hash, 'hex') as "hash!"
           from audit_log a left join facilities f on f.id = a.facility_id
           where ($1::bigint[] is null or a.facility_id = any ($1))
             and ($2::text is null or a.actor_name ilike $2)
             and ($3::bigint is null or a.actor_id = $3)
             and ($4::bigint is null or a.facility_id = $4)
             and ($5::text is null or a.thing = $5)
             and ($6::bigint is null or a.thing_id = $6)
             and ($7::text is null or a.action = $7)
             and ($8::timestamptz is null or a.at >= $8)
             and ($9::timestamptz is null or a.at < $9)
             and ($10::bigint is null or a.id < $10)
           order by a.id desc limit $11"#,
        within.as_deref(),
        asked.person,
        asked.actor,
        asked.facility,
        asked.thing,
        asked.thing_id,
        asked.action,
        asked.from,
        asked.until,
        before,
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(lines)
}

/// The things and actions of the latest lines, for a form to propose.
pub async fn seen(tx: &mut PgConnection, scope: &Scope) -> Result<(Vec<String>, Vec<String>)> {
    let within = match scope {
        Scope::All => None,
        Scope::Facilities(ids) => Some(numbers(ids)),
    };
    let row = sqlx::query!(
        r#"select coalesce(array_agg(distinct thing), '{}') as "things!", coalesce(array_agg(distinct action), '{}') as "actions!"
           from (select thing, action from audit_log where $1::bigint[] is null or facility_id = any ($1)
                 order by id desc limit 3000) latest"#,
        within.as_deref()
    )
    .fetch_one(tx)
    .await?;
    Ok((row.things, row.actions))
}

/// A filter that was understood.
#[derive(Debug, Default)]
struct Asked {
    person: Option<String>,
    actor: Option<i64>,
    facility: Option<i64>,
    thing: Option<String>,
    thing_id: Option<i64>,
    action: Option<String>,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

impl Asked {
    fn of(filter: &Filter) -> Option<Asked> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let number = |text: &str| match text.trim() {
            "" => Some(None),
            number => number.parse().ok().map(Some),
        };
        let day = |text: &str, ahead: u64| match text.trim() {
            "" => Some(None),
            day => {
                let day: NaiveDate = day.parse().ok()?;
                let start = day.checked_add_days(Days::new(ahead))?.and_hms_opt(0, 0, 0)?;
                Some(Some(start.and_utc()))
            }
        };
        let escaped = |name: String| {
            let name = name.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            format!("%{name}%")
        };
        Some(Asked {
            person: text(&filter.person).map(escaped),
            actor: number(&filter.actor)?,
            facility: number(&filter.facility)?,
            thing: text(&filter.thing),
            thing_id: number(&filter.thing_id)?,
            action: text(&filter.action),
            from: day(&filter.from, 0)?,
            until: day(&filter.to, 1)?,
        })
    }
}
