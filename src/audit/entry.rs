//! Writing a line of the log.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::Actor;
use crate::error::Result;
use crate::ids::FacilityId;

/// One line of the log. `Entry::new("edited", "facility").of(id).about(id.0).before(old).after(new)`.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// where it happened; none for what concerns the whole installation
    pub facility: Option<FacilityId>,
    /// the counterpart of a request or a transfer, who reads the entry too
    pub other: Option<FacilityId>,
    /// verb in the past tense: `received`, `raised`, `dispatched`
    pub action: &'a str,
    /// kind of thing: `unit`, `request`, `distribution`, `user`
    pub thing: &'a str,
    pub thing_id: Option<i64>,
    /// what both sides may know: numbers, components, groups, reasons; never secrets
    pub detail: Value,
    /// the fields that changed, as they were; only for administrators of the facility, and never secrets
    pub before: Option<Value>,
    /// the same fields as they are now
    pub after: Option<Value>,
}

impl<'a> Entry<'a> {
    /// `action` is a verb in the past tense, `thing` a kind of thing.
    pub fn new(action: &'a str, thing: &'a str) -> Self {
        Entry {
            facility: None,
            other: None,
            action,
            thing,
            thing_id: None,
            detail: json!({}),
            before: None,
            after: None,
        }
    }

    /// Where it happened. Without this it concerns the whole installation.
    pub fn of(mut self, facility: impl Into<Option<FacilityId>>) -> Self {
        self.facility = facility.into();
        self
    }

    /// The counterpart, who reads the entry too.
    pub fn with(mut self, other: impl Into<Option<FacilityId>>) -> Self {
        self.other = other.into();
        self
    }

    /// Which of the things.
    pub fn about(mut self, id: impl Into<Option<i64>>) -> Self {
        self.thing_id = id.into();
        self
    }

    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// The thing as it was; none for a new one.
    pub fn before(mut self, before: Value) -> Self {
        self.before = Some(before);
        self
    }

    /// The thing as it is now; none for one that is gone.
    pub fn after(mut self, after: Value) -> Self {
        self.after = Some(after);
        self
    }
}

/// Writes the entry into this transaction. It holds the end of its chain from here to the commit, so it comes last.
pub async fn record(tx: &mut PgConnection, actor: &Actor, entry: &Entry<'_>) -> Result<()> {
    let there = |side: &'_ Option<Value>| side.clone().filter(|value| !value.is_null());
    let (before, after) = changed(there(&entry.before).as_ref(), there(&entry.after).as_ref());
    let origin = &actor.origin;
    sqlx::query!(
        "insert into audit_log (at, facility_id, other_facility_id, actor_id, actor_name, via, via_id, address,
                                action, thing, thing_id, detail, before, after)
         values (clock_now(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        entry.facility.map(|id| id.0),
        entry.other.map(|id| id.0),
        actor.user.map(|id| id.0),
        actor.name,
        origin.via.as_str(),
        origin.name,
        origin.address.map(|address| address.to_string()),
        entry.action,
        entry.thing,
        entry.thing_id,
        entry.detail,
        before,
        after
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Of two objects, the fields that differ; whole when one of them is missing.
fn changed(before: Option<&Value>, after: Option<&Value>) -> (Option<Value>, Option<Value>) {
    let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) else {
        return (before.cloned(), after.cloned());
    };
    let less = |these: &serde_json::Map<String, Value>, those: &serde_json::Map<String, Value>| {
        let differ = these.iter().filter(|(name, value)| those.get(*name) != Some(value));
        Value::Object(differ.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    (Some(less(old, new)), Some(less(new, old)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_that_changed_are_kept() {
        let (before, after) = changed(
            Some(&json!({"name": "North", "zone": "UTC", "closed": true})),
            Some(&json!({"name": "South", "zone": "UTC", "opened": 1})),
        );

        assert_eq!(before, Some(json!({"name": "North", "closed": true})));
        assert_eq!(after, Some(json!({"name": "South", "opened": 1})));
    }

    #[test]
    fn a_new_thing_is_kept_whole() {
        assert_eq!(
            changed(None, Some(&json!({"name": "North"}))),
            (None, Some(json!({"name": "North"})))
        );
    }
}
