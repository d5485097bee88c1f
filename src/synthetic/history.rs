//! The invented past, day by day: what expired, what was collected, what patients needed, what was ordered.
//! Everything is decided with times up to the present and no further, so the last day breaks off where it is.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::Sender;

use super::dice::Dice;
use super::ledger::{Batch, Label, Ledger, Lot, PROGRAM};
use super::names::STAFF;
use super::population::{CELLS, COLLECTIONS_BY_WEEKDAY, DEMAND_BY_WEEKDAY, component_of, habits, lot_size};
use super::sites::Site;
use crate::blood::{
    Component, ComponentLife, DiscardReason, DonationNumber, MovementKind, UnitStatus, proposed_expiry,
};

/// Days before today whose collections are single units with donation numbers; older blood is in lots.
const SINGLE_UNITS: usize = 8;
/// Days before today in which the starved cells get nothing.
const STARVED: usize = 6;

pub(super) struct World {
    pub sites: Vec<Site>,
    pub dice: Dice,
    pub ledger: Ledger,
    pub now: DateTime<Utc>,
    pub days: usize,
    /// by component, in the order of `Component::ALL`
    pub lives: Vec<ComponentLife>,
}

/// How many of each id a history used.
pub(super) struct Used {
    pub lots: i64,
    pub requests: i64,
    pub distributions: i64,
}

impl World {
    /// Makes the whole history, handing over rows as they become final. Ends early when nobody takes them.
    pub fn run(mut self, sink: &Sender<Batch>) -> Option<Used> {
        self.stock_up();
        for day in 0..self.days {
            if day + STARVED == self.days {
                self.starve();
            }
            for site in 0..self.sites.len() {
                if self.sites[site].is_center() {
                    self.collect(site, day);
                }
                self.use_up(site, day);
                self.order(site, day);
                self.expire(site, day);
            }
            if let Some(batch) = self.ledger.full(day as u32) {
                sink.blocking_send(batch).ok()?;
            }
        }
        self.last_hours();
        self.close();
        let used = Used {
            lots: self.ledger.lots,
            requests: self.ledger.requests,
            distributions: self.ledger.distributions,
        };
        sink.blocking_send(self.ledger.finish(self.days as u32)).ok()?;
        Some(used)
    }

    /// What stood on the shelves when the history begins.
    fn stock_up(&mut self) {
        for site in 0..self.sites.len() {
            let opening = self.sites[site].calendar.start(0) + TimeDelta::minutes(30);
            if opening >= self.now {
                continue;
            }
            for cell in 0..CELLS {
                let Some(levels) = self.sites[site].levels[cell] else {
                    continue;
                };
                let size = if self.days <= SINGLE_UNITS { 1 } else { lot_size(cell) };
                let mut left = levels.kept;
                while left > 0 {
                    let age = self.dice.between(0.1, 0.6) * self.life_days(cell).min(20.0);
                    let collected = opening - TimeDelta::minutes((age * 1440.0) as i64);
                    let mut lot = self.lot(site, cell, size.min(left), collected, opening);
                    let actor = self.dice.pick(&STAFF);
                    lot.happen(opening, MovementKind::Received, UnitStatus::Available, actor);
                    left -= lot.quantity;
                    self.sites[site].shelve(lot);
                }
            }
        }
    }

    /// A few cells lose their supply, so that the present is not all good.
    fn starve(&mut self) {
        for site in 0..self.sites.len() {
            let share = if self.sites[site].is_center() { 0.06 } else { 0.10 };
            for cell in 0..CELLS {
                self.sites[site].starved[cell] = self.dice.chance(share);
            }
        }
    }

    /// Blood whose time ends on this day leaves the shelf at that very minute, and the building the next morning.
    fn expire(&mut self, site: usize, day: usize) {
        let until = self.sites[site].calendar.end(day).min(self.now);
        for cell in 0..CELLS {
            while self.sites[site].shelf[cell]
                .first()
                .is_some_and(|lot| lot.expires_at < until)
            {
                let mut lot = self.sites[site].shelf[cell].remove(0);
                let expired = lot.expires_at;
                lot.happen(expired, MovementKind::Expired, UnitStatus::Expired, PROGRAM);
                self.ledger.log_lot(&lot, expired, PROGRAM, "expired", None);
                let thrown = expired + self.dice.minutes(480.0, 840.0);
                self.discard(&mut lot, thrown, DiscardReason::TimeExpired);
                self.ledger.book(lot);
            }
        }
    }

    /// A center collects and buys in what flows out of it, more when its shelf is low.
    fn collect(&mut self, site: usize, day: usize) {
        let weekday = COLLECTIONS_BY_WEEKDAY[self.sites[site].calendar.weekday(day)];
        let single = day + SINGLE_UNITS >= self.days;
        for cell in 0..CELLS {
            let here = &self.sites[site];
            let Some(levels) = here.levels[cell] else { continue };
            let fill = f64::from(here.held(cell)) / f64::from(levels.kept.max(1));
            let pull = (1.0 + 1.6 * (1.0 - fill)).clamp(0.05, 2.6);
            let supply = if here.starved[cell] { 0.25 } else { 1.0 };
            let mean = here.flow[cell] * weekday * pull * supply;
            let size = if single { 1 } else { lot_size(cell) };
            let collected = f64::from(self.dice.poisson(mean));
            self.sites[site].collected[cell] += collected;
            while self.sites[site].collected[cell] >= f64::from(size) {
                self.sites[site].collected[cell] -= f64::from(size);
                self.take_in(site, cell, size, day);
            }
        }
    }

    fn take_in(&mut self, site: usize, cell: usize, quantity: i32, day: usize) {
        let calendar = self.sites[site].calendar.clone();
        let donated = calendar.sometime(&mut self.dice, day, 8.0, 17.0);
        let received = donated + self.dice.minutes(90.0, 300.0);
        if received >= self.now {
            return;
        }
        let age = if self.dice.chance(habits(cell).short_dated) {
            self.life_days(cell) * self.dice.between(0.72, 0.97)
        } else {
            0.0
        };
        let collected = donated - TimeDelta::minutes((age * 1440.0) as i64);
        let mut lot = self.lot(site, cell, quantity, collected, received);
        if lot.expires_at <= received + TimeDelta::days(1) {
            return;
        }
        let actor = self.dice.pick(&STAFF);
        if quantity > 1 || age > 0.0 {
            // tested before it came
            lot.happen(received, MovementKind::Received, UnitStatus::Available, actor);
            self.ledger.log_lot(&lot, received, actor, "received", None);
            return self.sites[site].shelve(lot);
        }
        lot.happen(received, MovementKind::Received, UnitStatus::Quarantined, actor);
        self.ledger.log_lot(&lot, received, actor, "received", None);
        let tested = received + self.dice.minutes(900.0, 1500.0);
        if self.dice.chance(0.006) && tested < self.now {
            lot.is_unsafe = true;
            self.discard(&mut lot, tested, DiscardReason::TestPositive);
            return self.ledger.book(lot);
        }
        if tested < self.now {
            let actor = self.dice.pick(&STAFF);
            lot.happen(tested, MovementKind::Released, UnitStatus::Available, actor);
            self.ledger.log_lot(&lot, tested, actor, "released", None);
        } else {
            lot.since = tested;
        }
        self.sites[site].shelve(lot);
    }

    /// Patients are given what they need, as far as it is there.
    fn use_up(&mut self, site: usize, day: usize) {
        let calendar = self.sites[site].calendar.clone();
        let weekday = DEMAND_BY_WEEKDAY[calendar.weekday(day)];
        for cell in 0..CELLS {
            let mean = self.sites[site].demand[cell] * weekday;
            self.sites[site].owed[cell] += self.dice.poisson(mean) as i32;
            while self.sites[site].owed[cell] > 0 {
                let at = calendar.sometime(&mut self.dice, day, 6.5, 23.0);
                let Some((given, place)) = self.best_for(site, cell, at) else {
                    // nothing there: the patient got another group, or waits elsewhere
                    self.sites[site].owed[cell] = 0;
                    break;
                };
                let quantity = self.sites[site].shelf[given][place].quantity;
                if quantity > self.sites[site].owed[cell] {
                    break;
                }
                self.sites[site].owed[cell] -= quantity;
                if at < self.now {
                    let lot = self.sites[site].shelf[given].remove(place);
                    self.give(site, lot, at);
                }
            }
        }
    }

    /// Whether the bags of this time are told apart.
    pub fn has_single_units(&self, at: DateTime<Utc>) -> bool {
        self.now - at < TimeDelta::days(SINGLE_UNITS as i64)
    }

    /// What a patient of this cell is given. Platelets of any group do, so the oldest go first; that is how their short
    /// life is lived with.
    fn best_for(&self, site: usize, cell: usize, at: DateTime<Utc>) -> Option<(usize, usize)> {
        if component_of(cell) != Component::Platelets {
            return self.find(site, cell, at).map(|place| (cell, place));
        }
        let groups = cell / 8 * 8..(cell / 8 + 1) * 8;
        groups
            .filter_map(|other| self.find(site, other, at).map(|place| (other, place)))
            .min_by_key(|&(other, place)| self.sites[site].shelf[other][place].expires_at)
    }

    /// The first lot of the shelf that may leave it at this instant.
    pub fn find(&self, site: usize, cell: usize, at: DateTime<Utc>) -> Option<usize> {
        self.sites[site].shelf[cell].iter().position(|lot| {
            lot.since + TimeDelta::minutes(5) < at && lot.expires_at > at && lot.status() == UnitStatus::Available
        })
    }

    /// A lot leaves the shelf for a patient; some of it breaks or comes back.
    fn give(&mut self, site: usize, mut lot: Lot, at: DateTime<Utc>) {
        if self.dice.chance(habits(lot.cell).spoiled) {
            let reason = self.dice.pick(&[
                DiscardReason::Damaged,
                DiscardReason::Temperature,
                DiscardReason::Quality,
            ]);
            self.discard(&mut lot, at, reason);
            return self.ledger.book(lot);
        }
        let actor = self.dice.pick(&STAFF);
        lot.happen(at, MovementKind::Issued, UnitStatus::Issued, actor);
        self.ledger.log_lot(&lot, at, actor, "issued", None);
        let red = component_of(lot.cell) == Component::RedCells;
        let back = at + self.dice.minutes(20.0, 150.0);
        if red && lot.quantity == 1 && back < self.now && self.dice.chance(0.03) {
            let actor = self.dice.pick(&STAFF);
            lot.happen(back, MovementKind::Returned, UnitStatus::Quarantined, actor)
                .reason = Some("Not needed");
            self.ledger.log_lot(&lot, back, actor, "returned", Some("Not needed"));
            let inspected = back + self.dice.minutes(600.0, 1800.0);
            if inspected < self.now.min(lot.expires_at) {
                let actor = self.dice.pick(&STAFF);
                lot.happen(inspected, MovementKind::Released, UnitStatus::Available, actor);
                self.ledger.log_lot(&lot, inspected, actor, "released", None);
            }
            return self.sites[site].shelve(lot);
        }
        let transfused = at + self.dice.minutes(25.0, 200.0);
        if transfused < self.now {
            let actor = self.dice.pick(&STAFF);
            lot.happen(transfused, MovementKind::Transfused, UnitStatus::Transfused, actor);
        }
        self.ledger.book(lot);
    }

    /// If the time for it has come.
    pub fn discard(&mut self, lot: &mut Lot, at: DateTime<Utc>, reason: DiscardReason) {
        if at < self.now {
            let actor = self.dice.pick(&STAFF);
            lot.happen(at, MovementKind::Discarded, UnitStatus::Discarded, actor)
                .reason = Some(reason.as_str());
            self.ledger.log_lot(lot, at, actor, "discarded", Some(reason.as_str()));
        }
    }

    /// A new lot of a facility; of one unit: a unit with its own donation number.
    fn lot(
        &mut self,
        site: usize,
        cell: usize,
        quantity: i32,
        collected_at: DateTime<Utc>,
        received_at: DateTime<Utc>,
    ) -> Lot {
        let here = &mut self.sites[site];
        here.donations += 1;
        let year = collected_at.format("%y").to_string();
        let label = if quantity == 1 {
            // a code of this facility's own: letters that stand for its number to the base of 33
            let number = DonationNumber::generate(
                &code(here.place.id),
                year.parse().unwrap_or(0),
                here.donations % 1_000_000,
            );
            match number {
                Ok(number) => Label::Donation(number.as_str().into()),
                Err(_) => Label::Lot(format!("{}-{}", here.place.id, here.donations)),
            }
        } else {
            Label::Lot(format!(
                "{}{}-{:04}",
                component_of(cell).short_label(),
                year,
                here.donations
            ))
        };
        let banks = &here.place.banks;
        let bank = banks[here.donations as usize % banks.len()].0;
        let life = self.lives[cell / 8];
        Lot {
            id: self.ledger.next_lot(),
            facility: here.place.id,
            bank,
            cell,
            quantity,
            label,
            collected_at,
            expires_at: proposed_expiry(collected_at, life, here.place.zone),
            since: received_at,
            is_unsafe: false,
            reserved: None,
            moves: Vec::with_capacity(3),
            brought_by: None,
        }
    }

    fn life_days(&self, cell: usize) -> f64 {
        match self.lives[cell / 8] {
            ComponentLife::Days(days) => days.into(),
            ComponentLife::Hours(hours) => f64::from(hours) / 24.0,
        }
    }

    /// Everything that still stands somewhere is booked as it stands.
    fn close(&mut self) {
        for site in 0..self.sites.len() {
            for cell in 0..CELLS {
                for lot in std::mem::take(&mut self.sites[site].shelf[cell]) {
                    self.ledger.book(lot);
                }
            }
        }
    }
}

/// The five characters of a donation number that name who collected. They begin with Z and a letter, a corner of the
/// register that nobody is known to use.
pub(super) fn code(facility: i64) -> String {
    const DIGITS: &[u8; 33] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXY";
    let mut rest = facility.max(0) as usize;
    let mut digits = [0u8; 3];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % DIGITS.len()];
        rest /= DIGITS.len();
    }
    format!("ZX{}", String::from_utf8_lossy(&digits))
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
