//! What happened, told after the commit. A write pushes its fact into the `outbox` table inside its own transaction;
//! every instance hears of the new row, reads it and reacts. Whoever missed it is told to look at everything again.

mod listener;

pub use listener::{Heard, Listener};

use sqlx::PgConnection;

use crate::db::Db;
use crate::error::Result;
use crate::ids::{BoardId, DistributionId, FacilityId, LinkId, RequestId, UnitId, UserId, numbers};

/// A committed fact. Ids only: whoever reacts reads the rest under its own rights.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Event {
    StockReceived {
        facility: FacilityId,
    },
    UnitMoved {
        facility: FacilityId,
        unit: UnitId,
    },
    UnitsExpired {
        facilities: Vec<FacilityId>,
    },
    ReservationsEnded {
        facilities: Vec<FacilityId>,
    },
    RequestRaised {
        facility: FacilityId,
        request: RequestId,
    },
    RequestDecided {
        facility: FacilityId,
        request: RequestId,
    },
    UnitsDispatched {
        facility: FacilityId,
        distribution: DistributionId,
    },
    UnitsDelivered {
        facility: FacilityId,
        distribution: DistributionId,
    },
    SummaryRefreshed {
        facilities: Vec<FacilityId>,
    },
    FacilityChanged {
        facility: FacilityId,
    },
    /// A line of the network's reference tables changed.
    ReferenceChanged,
    /// Rights, password or state of a person changed: their sessions and streams must be looked at again.
    AccessChanged {
        user: UserId,
    },
    /// A board or where it is shown changed.
    BoardChanged {
        board: BoardId,
    },
    /// Fewer people may see a board than before, or do less with it: whoever watches it is looked at again.
    BoardAccessChanged {
        board: BoardId,
    },
    /// A link was ended before its time.
    LinkEnded {
        link: LinkId,
    },
    /// Somebody was invited, or an invitation ended.
    PeopleChanged,
    /// Facilities have new events or points; 0 among them is the installation.
    MetricsChanged,
    /// Event types or metrics were defined anew.
    DefinitionsChanged,
    /// An alert took a step, or somebody took one on.
    AlertsChanged,
    /// Some of a person's sessions were ended.
    SessionsEnded {
        user: UserId,
    },
}

/// Adds the fact to this transaction. `facilities` are those whose boards it changes. It is heard of once the
/// transaction has committed, and never otherwise.
pub async fn push(tx: &mut PgConnection, facilities: &[FacilityId], event: &Event) -> Result<()> {
    let event = serde_json::to_value(event).map_err(anyhow::Error::from)?;
    sqlx::query!(
        "with pushed as (insert into outbox (facility_ids, event) values ($1, $2) returning id)
         select pg_notify('outbox', id::text) from pushed",
        &numbers(facilities),
        event
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Facts that are committed and have not reached this instance.
pub async fn depth(db: &Db) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "rows!" from outbox where id > $1"#,
        db.vitals.heard_up_to()
    )
    .fetch_one(db.background())
    .await?)
}

async fn newest(db: &Db) -> Result<i64> {
    Ok(
        sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "id!" from outbox"#)
            .fetch_one(db.background())
            .await?,
    )
}

/// Removes rows older than a day: everyone has heard of them or was told to look at everything.
pub async fn prune(tx: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!("delete from outbox where at < clock_now() - interval '1 day'")
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}
