//! Hears of new outbox rows. A lost connection is not hidden: what was notified meanwhile is gone, so the hearer is
//! told to look at everything again.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::Event;
use crate::db::Db;
use crate::ids::FacilityId;

/// What reaches the reactions.
#[derive(Debug)]
pub enum Heard {
    /// Facts in the order of their rows, each with the facilities whose boards it changes.
    Facts(Vec<(Vec<FacilityId>, Event)>),
    /// Something may have been missed.
    Resync,
}

pub struct Listener {
    db: Db,
    inner: Option<PgListener>,
    delay: Duration,
}

/// A connection silent for this long is asked whether it still lives: a cut cable sends no reset.
const HEARTBEAT: Duration = Duration::from_secs(10);
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

impl Listener {
    pub fn new(db: Db) -> Self {
        Listener {
            db,
            inner: None,
            delay: FIRST_DELAY,
        }
    }

    /// Waits for the next facts. The first answer is [`Heard::Resync`], so that nothing before the start is missed.
    /// Never fails: it reconnects, for ever.
    pub async fn next(&mut self) -> Heard {
        loop {
            let Some(listener) = &mut self.inner else {
                if self.connect().await {
                    return Heard::Resync;
                }
                continue;
            };
            // try_recv says when the connection was lost; recv would hide the gap
            let received = match tokio::time::timeout(HEARTBEAT, listener.try_recv()).await {
                Ok(received) => received,
                Err(_silent) => {
                    if !alive(listener).await {
                        tracing::warn!("the listening connection is silent and does not answer");
                        self.inner = None;
                    }
                    continue;
                }
            };
            match received {
                Ok(Some(notification)) => {
                    let mut ids: Vec<i64> = notification.payload().parse().into_iter().collect();
                    while let Some(more) = listener.next_buffered() {
                        ids.extend(more.payload().parse::<i64>());
                    }
                    match facts(&self.db, &ids).await {
                        Ok(facts) => return Heard::Facts(facts),
                        Err(error) => {
                            tracing::warn!(%error, "outbox rows could not be read; looking at everything again");
                            return Heard::Resync;
                        }
                    }
                }
                Ok(None) => self.inner = None,
                Err(error) => {
                    tracing::warn!(%error, "the listening connection was lost");
                    self.inner = None;
                }
            }
        }
    }

    async fn connect(&mut self) -> bool {
        match PgListener::connect_with(self.db.background()).await {
            Ok(mut listener) => match listener.listen("outbox").await {
                Ok(()) => {
                    // whoever is told to look at everything again has missed nothing up to here
                    if let Ok(newest) = super::newest(&self.db).await {
                        self.db.vitals.heard(newest);
                    }
                    self.inner = Some(listener);
                    self.delay = FIRST_DELAY;
                    return true;
                }
                Err(error) => tracing::warn!(%error, "cannot listen to the outbox"),
            },
            Err(error) => tracing::warn!(%error, "cannot connect to listen"),
        }
        tokio::time::sleep(self.delay.mul_f64(rand::random_range(0.5..1.0))).await;
        self.delay = (self.delay * 2).min(LONGEST_DELAY);
        false
    }
}

async fn alive(listener: &mut PgListener) -> bool {
    let question = sqlx::query("select 1").execute(listener);
    matches!(tokio::time::timeout(Duration::from_secs(5), question).await, Ok(Ok(_)))
}

async fn facts(db: &Db, ids: &[i64]) -> crate::error::Result<Vec<(Vec<FacilityId>, Event)>> {
    if let Some(&newest) = ids.iter().max() {
        db.vitals.heard(newest);
    }
    let rows = sqlx::query!(
        "select facility_ids, event from outbox where id = any ($1) order by id",
        ids
    )
    .fetch_all(db.background())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match serde_json::from_value(row.event) {
            Ok(event) => Some((row.facility_ids.into_iter().map(FacilityId).collect(), event)),
            Err(error) => {
                // a newer instance may know facts that this one does not
                tracing::warn!(%error, "an outbox row of an unknown kind");
                None
            }
        })
        .collect())
}
