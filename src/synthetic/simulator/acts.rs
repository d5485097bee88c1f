//! What is done inside a facility: collecting, releasing, giving to patients, clearing out.

use chrono::Datelike;

use super::super::history::code;
use super::{Simulator, queries};
use crate::blood::compatibility::{Patient, choices};
use crate::blood::{DiscardReason, DonationNumber, UnitStatus, proposed_expiry};
use crate::db::Scope;
use crate::error::Result;
use crate::facilities::{Facility, FacilityKind};
use crate::ids::UnitId;
use crate::inventory::commands::{self, Condition, Discard, Issue, NewRow, Receipt};
use crate::inventory::{NewUnit, pick, queries as stock};

impl Simulator {
    /// A patient is given a unit or two of what there is enough of; seldom of what is below its target.
    pub(super) async fn issue(&mut self, facility: &Facility) -> Result<bool> {
        let pressing = self.dice.chance(0.06);
        let spare = |shelf: &queries::Shelf| shelf.available - if pressing { shelf.reorder } else { shelf.target };
        let mut shelves = self.shelves(facility.id).await?;
        shelves.retain(|shelf| spare(shelf) > 0);
        let weights: Vec<f64> = shelves.iter().map(|shelf| f64::from(spare(shelf))).collect();
        if shelves.is_empty() {
            return Ok(false);
        }
        let shelf = &shelves[self.dice.weighted(weights.into_iter())];
        let quantity = spare(shelf).min(if self.dice.chance(0.25) { 2 } else { 1 });
        let patient = Patient::from(shelf.group);
        let offered = choices(shelf.component, &patient, false);
        let mut tx = self.db.read_in_background(&Scope::of(facility.id)).await?;
        let proposal = pick::propose(&mut tx, facility.id, shelf.component, &offered, quantity, None).await?;
        drop(tx);
        let issue = Issue {
            patient,
            component: shelf.component,
            chosen: proposal.iter().map(|taken| (taken.unit.id, taken.quantity)).collect(),
            override_reason: String::new(),
        };
        if issue.chosen.is_empty() {
            return Ok(false);
        }
        commands::issue(&self.db, &self.editor(facility.id), &issue).await?;
        Ok(true)
    }

    /// Up to three issued units are in the patient.
    pub(super) async fn transfuse(&mut self, facility: &Facility) -> Result<bool> {
        let issued = self.units(facility, UnitStatus::Issued, 60).await?;
        let some = 1 + self.dice.below(3);
        for &unit in issued.iter().take(some) {
            commands::transfuse(&self.db, &self.editor(facility.id), unit, None).await?;
        }
        Ok(!issued.is_empty())
    }

    pub(super) async fn return_unused(&mut self, facility: &Facility) -> Result<bool> {
        let Some(&unit) = self.units(facility, UnitStatus::Issued, 30).await?.last() else {
            return Ok(false);
        };
        let condition = Condition {
            temperature: self.dice.between(2.5, 7.5) as f32,
            seal_intact: true,
            segment_attached: true,
            note: "not needed".into(),
            quantity: None,
        };
        commands::return_issued(&self.db, &self.editor(facility.id), unit, &condition).await?;
        Ok(true)
    }

    /// A center books donations of a kind that is below its target.
    pub(super) async fn collect(&mut self, facility: &Facility) -> Result<bool> {
        if facility.kind != FacilityKind::BloodCenter {
            return Ok(false);
        }
        let Some(shelf) = self.emptiest(facility).await? else {
            return Ok(false);
        };
        let mut tx = self.db.read_in_background(&Scope::of(facility.id)).await?;
        let lives = stock::lives(&mut tx).await?;
        let banks = stock::blood_banks(&mut tx, facility.id).await?;
        let now = self.db.clock.now();
        let year = facility.zone.wall(now).year().rem_euclid(100) as u8;
        let code = code(facility.id.0);
        let last = match self.donations.get(&facility.id) {
            Some(&last) => last,
            None => queries::last_donation(&mut tx, facility.id, &format!("{code}{year:02}")).await?,
        };
        drop(tx);
        let (Some(&(_, life)), Some(bank)) = (lives.iter().find(|(of, _)| *of == shelf.component), banks.first())
        else {
            return Ok(false);
        };
        let quantity = shelf.missing().min(2 + self.dice.below(5) as i32) as u32;
        let collected = now - self.dice.minutes(60.0, 300.0);
        let mut rows = Vec::new();
        for row in 1..=quantity {
            let Ok(number) = DonationNumber::generate(&code, year, (last + row) % 1_000_000) else {
                return Ok(false);
            };
            rows.push(NewRow {
                row: row as usize,
                unit: NewUnit {
                    blood_bank: bank.id,
                    component: shelf.component,
                    group: shelf.group,
                    quantity: 1,
                    donation_number: Some(number),
                    lot: None,
                    collected_at: collected,
                    expires_at: proposed_expiry(collected, life, facility.zone),
                },
            });
        }
        // also when it fails: a number that is taken is not tried again
        self.donations.insert(facility.id, last + quantity);
        let tested = self.dice.chance(0.7);
        let receipt = Receipt {
            rows,
            to: if tested {
                UnitStatus::Available
            } else {
                UnitStatus::Quarantined
            },
            note: if tested {
                "tested donations".into()
            } else {
                "donations of today".into()
            },
        };
        commands::receive(&self.db, &self.editor(facility.id), &receipt).await?;
        Ok(true)
    }

    /// Up to five units leave quarantine.
    pub(super) async fn release(&mut self, facility: &Facility) -> Result<bool> {
        let held = self.safe_units(facility, UnitStatus::Quarantined, 600).await?;
        for &unit in held.iter().take(5) {
            commands::release(&self.db, &self.editor(facility.id), unit, None, true, "").await?;
        }
        Ok(!held.is_empty())
    }

    /// What has expired leaves the building.
    pub(super) async fn clear_out(&mut self, facility: &Facility) -> Result<bool> {
        let expired = self.units(facility, UnitStatus::Expired, 1800).await?;
        for &unit in expired.iter().take(5) {
            self.discard(facility, unit, DiscardReason::TimeExpired, None).await?;
        }
        Ok(!expired.is_empty())
    }

    /// A bag breaks or was warm.
    pub(super) async fn spoil(&mut self, facility: &Facility) -> Result<bool> {
        let units = self.units(facility, UnitStatus::Available, 3600).await?;
        let Some(&unit) = units.last() else { return Ok(false) };
        let reason = self.dice.pick(&[
            DiscardReason::Damaged,
            DiscardReason::Temperature,
            DiscardReason::Quality,
        ]);
        self.discard(facility, unit, reason, Some(1)).await?;
        Ok(true)
    }

    async fn discard(
        &self,
        facility: &Facility,
        unit: UnitId,
        reason: DiscardReason,
        quantity: Option<i32>,
    ) -> Result<()> {
        let discard = Discard {
            reason: reason.as_str().into(),
            note: String::new(),
            quantity,
        };
        commands::discard(&self.db, &self.editor(facility.id), unit, &discard).await?;
        Ok(())
    }

    async fn units(&self, facility: &Facility, status: UnitStatus, seconds: i32) -> Result<Vec<UnitId>> {
        let mut tx = self.db.read_in_background(&Scope::of(facility.id)).await?;
        queries::units_in(&mut tx, facility.id, status, seconds).await
    }

    /// Those without a positive test.
    async fn safe_units(&self, facility: &Facility, status: UnitStatus, seconds: i32) -> Result<Vec<UnitId>> {
        let found = self.units(facility, status, seconds).await?;
        let mut tx = self.db.read_in_background(&Scope::of(facility.id)).await?;
        let mut safe = Vec::with_capacity(found.len());
        for unit in found {
            if !stock::unit(&mut tx, facility.id, unit).await?.is_unsafe {
                safe.push(unit);
            }
        }
        Ok(safe)
    }
}
