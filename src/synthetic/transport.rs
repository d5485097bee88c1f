//! Blood on the road between facilities: what is taken off one shelf, how long it travels, how it arrives on another.

use chrono::{DateTime, TimeDelta, Utc};

use super::history::World;
use super::ledger::{Audit, Carried, Distribution, Lot};
use super::names::STAFF;
use super::population::{CELLS, component_of, group_of};
use crate::blood::{Component, DiscardReason, MovementKind, UnitStatus};

impl World {
    /// Centers even out what one has too much of.
    pub fn exchange(&mut self, center: usize, day: usize) {
        if !self.dice.chance(0.18) {
            return;
        }
        let Some(other) = self.other_center(center) else { return };
        let sent = self.sites[center]
            .calendar
            .clone()
            .sometime(&mut self.dice, day, 9.0, 15.0);
        if sent >= self.now {
            return;
        }
        let arrives = sent + self.journey(center, other);
        let mut lots = Vec::new();
        for cell in 0..CELLS {
            let (from, to) = (&self.sites[center], &self.sites[other]);
            let (Some(mine), Some(theirs)) = (from.levels[cell], to.levels[cell]) else {
                continue;
            };
            let spare = from.held(cell) - mine.kept * 9 / 10;
            let gap = theirs.target - to.held(cell) - to.coming[cell];
            lots.extend(self.pull(center, cell, spare.min(gap), sent, arrives));
        }
        self.ship(center, other, lots, None, sent, arrives);
    }

    /// Takes up to `quantity` units off a shelf, soonest to expire first, keeping a part for the facility itself.
    pub fn pull(
        &mut self,
        from: usize,
        cell: usize,
        quantity: i32,
        at: DateTime<Utc>,
        arrives: DateTime<Utc>,
    ) -> Vec<Lot> {
        let keep = match self.sites[from].levels[cell] {
            Some(levels) if !self.sites[from].is_center() => levels.reorder,
            Some(levels) => levels.minimum / 2,
            None => 0,
        };
        let mut left = quantity.min(self.sites[from].held(cell) - keep);
        let shelf = &mut self.sites[from].shelf[cell];
        let mut taken = Vec::new();
        let mut index = 0;
        while left > 0 && index < shelf.len() {
            let lot = &shelf[index];
            let free = lot.status() == UnitStatus::Available && lot.since + TimeDelta::minutes(5) < at;
            if free && lot.quantity <= left && lot.expires_at > arrives + TimeDelta::hours(36) {
                left -= lot.quantity;
                taken.push(shelf.remove(index));
            } else {
                index += 1;
            }
        }
        taken
    }

    /// Sends lots on their way. Answers with the units that arrived, or none while they are under way.
    pub fn ship(
        &mut self,
        from: usize,
        to: usize,
        lots: Vec<Lot>,
        request: Option<i64>,
        dispatched: DateTime<Utc>,
        arrives: DateTime<Utc>,
    ) -> Option<i32> {
        let bank = lots.first()?.bank;
        let id = self.ledger.next_distribution();
        let (sender, receiver) = (self.dice.pick(&STAFF), self.dice.pick(&STAFF));
        let arrived = arrives < self.now;
        let sent: i32 = lots.iter().map(|lot| lot.quantity).sum();
        // seldom one bag is not in the box
        let missing = (arrived && lots.len() > 2 && self.dice.chance(0.012)).then_some(0);
        let mut delivered = 0;
        let mut cells = Vec::with_capacity(lots.len());
        for (index, mut lot) in lots.into_iter().enumerate() {
            cells.push((lot.cell, lot.quantity));
            let gone = lot.happen(dispatched, MovementKind::Dispatched, UnitStatus::InTransit, sender);
            (gone.request, gone.distribution) = (request, Some(id));
            let mut line = Carried {
                facility: lot.facility,
                distribution: id,
                inventory: lot.id,
                to: self.sites[to].place.id,
                cell: lot.cell,
                quantity: lot.quantity,
                label: lot.label.clone(),
                collected_at: lot.collected_at,
                expires_at: lot.expires_at,
                outcome: None,
                received: None,
            };
            if !arrived {
                self.sites[to].coming[lot.cell] += lot.quantity;
                self.ledger.batch.carried.push(line);
            } else if missing == Some(index) {
                let lost = lot.happen(arrives, MovementKind::Discarded, UnitStatus::Discarded, receiver);
                (lost.reason, lost.distribution) = (Some(DiscardReason::Other.as_str()), Some(id));
                line.outcome = Some("missing");
                self.ledger.batch.carried.push(line);
            } else {
                delivered += lot.quantity;
                lot.happen(arrives, MovementKind::Delivered, UnitStatus::Transferred, receiver)
                    .distribution = Some(id);
                let mut received = Lot {
                    id: self.ledger.next_lot(),
                    facility: self.sites[to].place.id,
                    bank: self.sites[to].place.banks[0].0,
                    moves: Vec::with_capacity(3),
                    brought_by: None,
                    ..lot.clone()
                };
                line.outcome = Some("received");
                line.received = Some(received.id);
                received.brought_by = Some(line);
                let came = received.happen(arrives, MovementKind::Arrived, UnitStatus::Available, receiver);
                (came.request, came.distribution) = (request, Some(id));
                self.sites[to].shelve(received);
            }
            self.ledger.book(lot);
        }
        self.log_journey((from, to), id, &cells, dispatched, sender, "dispatched");
        if arrived {
            self.log_journey((to, from), id, &cells, arrives, receiver, "received");
        }
        let temperature = if arrived { self.on_arrival(&cells) } else { None };
        self.ledger.batch.distributions.push(Distribution {
            facility: self.sites[from].place.id,
            id,
            bank,
            to: self.sites[to].place.id,
            request,
            sent,
            quantity: if arrived { delivered } else { sent },
            status: match (arrived, delivered == sent) {
                (false, _) => "in_transit",
                (true, true) => "delivered",
                (true, false) => "delivered_short",
            },
            temperature,
            dispatched_at: dispatched,
            delivered_at: arrived.then_some(arrives),
        });
        arrived.then_some(delivered)
    }

    /// Logged at the first of the two sites, and read at the other.
    fn log_journey(
        &mut self,
        (at_site, other): (usize, usize),
        id: i64,
        cells: &[(usize, i32)],
        at: DateTime<Utc>,
        actor: &'static str,
        action: &'static str,
    ) {
        if !self.ledger.is_logged(at) {
            return;
        }
        let quantity: i32 = cells.iter().map(|(_, quantity)| quantity).sum();
        let mut detail = serde_json::json!({ "quantity": quantity });
        if let Some(&(cell, _)) = cells.first()
            && cells.iter().all(|&(other, _)| other == cell)
        {
            detail["component"] = component_of(cell).as_str().into();
            detail["group"] = group_of(cell).as_str().into();
        }
        self.ledger.batch.audits.push(Audit {
            at,
            facility: self.sites[at_site].place.id,
            other: Some(self.sites[other].place.id),
            actor: actor.into(),
            action,
            thing: "distribution",
            thing_id: id,
            detail,
        });
    }

    /// °C in the box: what its components travel at, none when they need boxes of their own.
    fn on_arrival(&mut self, cells: &[(usize, i32)]) -> Option<f32> {
        let share = self.dice.between(0.0, 1.0);
        let mut ranges = cells.iter().map(|&(cell, _)| match component_of(cell) {
            Component::WholeBlood | Component::RedCells => (3.0, 5.5),
            Component::Platelets => (20.5, 23.5),
            Component::Plasma | Component::Cryoprecipitate => (-32.0, -22.0),
        });
        let (low, high) = ranges.next()?;
        let alike = ranges.all(|range| range == (low, high));
        alike.then_some((low + share * (high - low)) as f32)
    }

    /// How long a van takes, with a ferry where it is far.
    pub fn journey(&mut self, from: usize, to: usize) -> TimeDelta {
        let distance = self.sites[from].place.distance(&self.sites[to].place);
        let ferry = if distance > 150.0 { 90.0 } else { 0.0 };
        let minutes = (20.0 + ferry + distance * 60.0 / 75.0).min(600.0);
        self.dice.minutes(minutes, minutes * 1.4)
    }
}
