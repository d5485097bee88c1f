//! Somebody who tries anything at random: the operations behind the properties.

use crate::journey::number;
use chrono::TimeDelta;
use pulseboard::auth::Editor;
use pulseboard::blood::{BloodGroup, Component, DiscardReason, UnitStatus};
use pulseboard::db::{Db, Scope};
use pulseboard::distributions::{self, Dispatch, LineReceipt, Outcome, SendBack};
use pulseboard::error::{Error, Result};
use pulseboard::ids::{DistributionId, FacilityId, RequestId, UnitId};
use pulseboard::inventory::NewUnit;
use pulseboard::inventory::commands::{self as stock, Condition, Discard, Issue, NewRow, Receipt};
use pulseboard::requests::{self, Acceptance, NewRequest, Urgency};
use pulseboard::summary;
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::HashSet;

/// What a random person knows of the world: rows seen lately, in any state by now, so that much of what they try is
/// refused.
pub struct Somebody {
    pub db: Db,
    pub editor: Editor,
    pub bank: i64,
    pub others: Vec<FacilityId>,
    pub dice: StdRng,
    pub sequence: u32,
    pub units: Vec<UnitId>,
    pub requests: Vec<RequestId>,
    pub arriving: Vec<DistributionId>,
}

impl Somebody {
    /// So many operations; answers how many were taken. Any refusal but a polite one is a failure.
    pub async fn act(mut self, operations: usize) -> (Self, usize) {
        let mut taken = 0;
        for _ in 0..operations {
            match self.operation().await {
                Ok(()) => taken += 1,
                Err(Error::Invalid(_) | Error::Conflict(_) | Error::NotFound) => {}
                Err(error) => panic!("facility {}: {error:?}", self.editor.facility),
            }
        }
        (self, taken)
    }

    async fn operation(&mut self) -> Result<()> {
        // what one knows goes out of date: look around now and then
        if self.units.is_empty() || self.dice.random_bool(0.08) {
            self.look().await?;
        }
        let (db, editor) = (self.db.clone(), self.editor.clone());
        match self.dice.random_range(0..100) {
            0..10 => self.receive().await,
            10..30 => self.issue().await,
            30..38 => stock::transfuse(&db, &editor, self.unit(), self.part()).await.map(drop),
            38..43 => {
                let condition = Condition {
                    temperature: self.dice.random_range(-5.0..25.0),
                    seal_intact: true,
                    segment_attached: self.dice.random(),
                    note: String::new(),
                    quantity: self.part(),
                };
                stock::return_issued(&db, &editor, self.unit(), &condition)
                    .await
                    .map(drop)
            }
            43..48 => {
                let discard = Discard {
                    reason: DiscardReason::Damaged.as_str().into(),
                    note: String::new(),
                    quantity: self.part(),
                };
                stock::discard(&db, &editor, self.unit(), &discard).await.map(drop)
            }
            48..50 => stock::reverse(&db, &editor, self.unit(), "wrong bag").await.map(drop),
            50..53 => stock::quarantine(&db, &editor, self.unit(), self.part(), "label")
                .await
                .map(drop),
            53..59 => stock::release(&db, &editor, self.unit(), self.part(), true, "")
                .await
                .map(drop),
            59..60 => stock::positive_test(&db, &editor, self.unit(), "HBV").await,
            60..68 => self.raise().await,
            68..75 => self.answer().await,
            75..77 => match self.request() {
                Some(request) => requests::commands::cancel(&db, &editor, request, "not needed").await,
                None => Err(Error::NotFound),
            },
            77..87 => self.dispatch().await,
            87..96 => self.book_arrival().await,
            96..98 => self.send_back().await,
            _ => summary::refresh_now(&db, editor.facility).await,
        }
    }

    /// Rows of this facility in all states, requests it has a part in, transfers to it.
    async fn look(&mut self) -> Result<()> {
        let mut tx = self.db.read(&Scope::of(self.editor.facility)).await?;
        let me = self.editor.facility.0;
        let status = *self.pick(&[
            "available",
            "available",
            "reserved",
            "issued",
            "quarantined",
            "expired",
            "discarded",
        ]);
        let ids = |rows: Vec<i64>| rows.into_iter().map(UnitId);
        let some: Vec<i64> = sqlx::query_scalar(
            "(select id from blood_inventory where facility_id = $1 and status = $2 order by expires_at limit 20)
             union all (select id from blood_inventory where facility_id = $1 order by id desc limit 10)",
        )
        .bind(me)
        .bind(status)
        .fetch_all(&mut *tx)
        .await?;
        self.units = ids(some).collect();
        let requests: Vec<i64> = sqlx::query_scalar(
            "(select id from blood_requests where facility_id = $1 order by id desc limit 4)
             union all (select request_id from request_recipients where to_facility_id = $1 order by request_id desc limit 8)",
        )
        .bind(me)
        .fetch_all(&mut *tx)
        .await?;
        self.requests = requests.into_iter().map(RequestId).collect();
        let arriving: Vec<i64> = sqlx::query_scalar(
            "select id from blood_distributions where dispatched_to_id = $1 order by status = 'in_transit' desc, id desc limit 6",
        )
        .bind(me)
        .fetch_all(&mut *tx)
        .await?;
        self.arriving = arriving.into_iter().map(DistributionId).collect();
        Ok(())
    }

    async fn receive(&mut self) -> Result<()> {
        let now = self.db.clock.now();
        let count = self.dice.random_range(1..5);
        let mut rows = Vec::new();
        for row in 1..=count {
            let single = self.dice.random_bool(0.5);
            // now and then a number that is on some facility's books already
            let known = self.dice.random_bool(0.03);
            self.sequence += 1;
            let sequence = if known {
                self.dice.random_range(0..self.sequence)
            } else {
                self.sequence
            };
            let unit = NewUnit {
                blood_bank: self.bank,
                component: self.component(),
                group: self.group(),
                quantity: if single { 1 } else { self.dice.random_range(1..9) },
                donation_number: single.then(|| number(sequence)),
                lot: (!single).then(|| format!("LOT {}", self.sequence)),
                collected_at: now - TimeDelta::hours(2),
                expires_at: now + TimeDelta::minutes(self.dice.random_range(30..20_000)),
            };
            rows.push(NewRow { row, unit });
        }
        let to = if self.dice.random_bool(0.8) {
            UnitStatus::Available
        } else {
            UnitStatus::Quarantined
        };
        let note = String::new();
        self.units
            .extend(stock::receive(&self.db, &self.editor, &Receipt { rows, to, note }).await?);
        Ok(())
    }

    async fn issue(&mut self) -> Result<()> {
        let chosen = self.chosen();
        let issue = Issue {
            patient: self.group().into(),
            component: self.component(),
            chosen,
            override_reason: if self.dice.random_bool(0.9) {
                "at hand".into()
            } else {
                String::new()
            },
        };
        stock::issue(&self.db, &self.editor, &issue).await.map(drop)
    }

    async fn raise(&mut self) -> Result<()> {
        let mut recipients: Vec<FacilityId> = (0..self.dice.random_range(1..4))
            .map(|_| *self.pick(&self.others.clone()))
            .collect();
        recipients.dedup();
        let new = NewRequest {
            component: self.component(),
            group: self.group(),
            quantity: self.dice.random_range(0..8),
            urgency: Urgency::Urgent,
            needed_by: None,
            reason: String::new(),
            recipients,
        };
        let id = requests::commands::raise(&self.db, &self.editor, &new).await?;
        self.requests.push(id);
        Ok(())
    }

    async fn answer(&mut self) -> Result<()> {
        let Some(request) = self.request() else {
            return Err(Error::NotFound);
        };
        if self.dice.random_bool(0.3) {
            return requests::commands::reject(&self.db, &self.editor, request, "short ourselves").await;
        }
        let answer = Acceptance {
            quantity: self.dice.random_bool(0.3).then_some(2),
            confirmed: self.dice.random_bool(0.8),
        };
        requests::commands::accept(&self.db, &self.editor, request, &answer).await
    }

    async fn dispatch(&mut self) -> Result<()> {
        let request = if self.dice.random_bool(0.7) {
            self.request()
        } else {
            None
        };
        let mut chosen = self.chosen();
        if let Some(id) = request {
            // what was reserved for it, if it was
            let mut tx = self.db.read(&Scope::of(self.editor.facility)).await?;
            let reserved: Vec<(i64, i32)> = sqlx::query_as(
                "select id, quantity from blood_inventory where facility_id = $1 and status = 'reserved' and reserved_for = $2",
            )
            .bind(self.editor.facility.0)
            .bind(id.0)
            .fetch_all(&mut *tx)
            .await?;
            if !reserved.is_empty() {
                chosen = reserved
                    .into_iter()
                    .map(|(unit, quantity)| (UnitId(unit), quantity))
                    .collect();
            }
        }
        let dispatch = Dispatch {
            to: *self.pick(&self.others.clone()),
            request,
            component: self.component(),
            group: self.group(),
            chosen,
            override_reason: if self.dice.random_bool(0.9) {
                "at hand".into()
            } else {
                String::new()
            },
            note: String::new(),
        };
        distributions::commands::dispatch(&self.db, &self.editor, &dispatch)
            .await
            .map(drop)
    }

    async fn book_arrival(&mut self) -> Result<()> {
        if self.arriving.is_empty() {
            self.look().await?;
        }
        let Some(id) = (!self.arriving.is_empty()).then(|| *self.pick(&self.arriving.clone())) else {
            return Err(Error::NotFound);
        };
        let mut lines = Vec::new();
        if self.dice.random_bool(0.5) {
            let mut tx = self.db.read(&Scope::of(self.editor.facility)).await?;
            let distribution = distributions::queries::find(&mut tx, self.editor.facility, id).await?;
            for line in distributions::queries::lines(&mut tx, &distribution).await? {
                let outcome = *self.pick(&[Outcome::Received, Outcome::Received, Outcome::Damaged, Outcome::Missing]);
                let arrived = self
                    .dice
                    .random_bool(0.3)
                    .then(|| self.dice.random_range(0..=line.quantity + 1));
                lines.push(LineReceipt {
                    unit: line.unit,
                    outcome,
                    arrived,
                    note: String::new(),
                });
            }
        }
        let receipt = distributions::Receipt { bank: None, lines };
        distributions::commands::receive(&self.db, &self.editor, id, &receipt).await
    }

    async fn send_back(&mut self) -> Result<()> {
        let mut tx = self.db.read(&Scope::of(self.editor.facility)).await?;
        let came: Vec<(i64, i64)> = sqlx::query_as(
            "select u.distribution_id, u.received_id from distribution_units u
             join blood_inventory i on i.facility_id = $1 and i.id = u.received_id
             where u.dispatched_to_id = $1 and i.status in ('available', 'quarantined') limit 5",
        )
        .bind(self.editor.facility.0)
        .fetch_all(&mut *tx)
        .await?;
        drop(tx);
        if came.is_empty() {
            return Err(Error::NotFound);
        }
        let (id, unit) = *self.pick(&came);
        let back = SendBack {
            units: vec![UnitId(unit)],
            temperature: 4.0,
            reason: "not needed".into(),
        };
        distributions::commands::send_back(&self.db, &self.editor, DistributionId(id), &back)
            .await
            .map(drop)
    }

    /// A few known rows, each once.
    fn chosen(&mut self) -> Vec<(UnitId, i32)> {
        let mut seen = HashSet::new();
        let count = self.dice.random_range(1..3);
        let picked: Vec<UnitId> = (0..count)
            .map(|_| self.unit())
            .filter(|unit| seen.insert(*unit))
            .collect();
        picked
            .into_iter()
            .map(|unit| (unit, self.part().unwrap_or(1)))
            .collect()
    }

    fn unit(&mut self) -> UnitId {
        match self.units.len() {
            0 => UnitId(1),
            known => self.units[self.dice.random_range(0..known)],
        }
    }

    fn request(&mut self) -> Option<RequestId> {
        let known = self.requests.clone();
        (!known.is_empty()).then(|| *self.pick(&known))
    }

    fn part(&mut self) -> Option<i32> {
        self.dice.random_bool(0.5).then(|| self.dice.random_range(0..4))
    }

    /// Two of the components, so that people often mean the same shelf.
    fn component(&mut self) -> Component {
        *self.pick(&[
            Component::RedCells,
            Component::RedCells,
            Component::RedCells,
            Component::Platelets,
        ])
    }

    fn group(&mut self) -> BloodGroup {
        *self.pick(&[BloodGroup::ONegative, BloodGroup::OPositive, BloodGroup::APositive])
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.dice.random_range(0..from.len())]
    }
}
