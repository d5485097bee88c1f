//! What is done between facilities: asking, answering, sending, receiving.

use super::{Simulator, queries};
use crate::blood::compatibility::stock_choices;
use crate::db::Scope;
use crate::distributions::commands as distributions;
use crate::distributions::{Dispatch, Receipt};
use crate::error::Result;
use crate::facilities::{Facility, FacilityKind};
use crate::ids::FacilityId;
use crate::inventory::pick;
use crate::requests::commands as requests;
use crate::requests::{Acceptance, NewRequest, Urgency};

const WHY: [&str; 6] = [
    "Stock below reorder level",
    "Operations planned for tomorrow",
    "Oncology day ward",
    "Patient in theatre",
    "Weekend cover",
    "Delivery with heavy bleeding",
];

/// A facility with so many open requests raises no more.
const MOST_PENDING: i64 = 3;
/// So many seconds a request waits at least, so that people can answer it themselves.
const PATIENCE: i32 = 240;
/// Seconds from an acceptance to the dispatch, and from there to the arrival; at least.
const PACKING: i32 = 90;
const JOURNEY: i32 = 180;

impl Simulator {
    /// A facility asks for what runs low and is not asked for yet.
    pub(super) async fn ask(&mut self, facility: &Facility) -> Result<bool> {
        if facility.kind == FacilityKind::BloodCenter {
            return Ok(false);
        }
        let mut tx = self.db.read_in_background(&Scope::of(facility.id)).await?;
        let pending = queries::pending(&mut tx, facility.id).await?;
        drop(tx);
        if pending >= MOST_PENDING {
            return Ok(false);
        }
        let Some(shelf) = self.emptiest(facility).await? else {
            return Ok(false);
        };
        let urgency = match shelf.available < shelf.minimum {
            true if self.dice.chance(0.1) => Urgency::Emergency,
            true => Urgency::Urgent,
            false => Urgency::Routine,
        };
        let hours = match urgency {
            Urgency::Routine => 24.0,
            Urgency::Urgent => 6.0,
            Urgency::Emergency => 1.5,
        };
        let recipients = self.suppliers(facility);
        if recipients.is_empty() {
            return Ok(false);
        }
        let new = NewRequest {
            component: shelf.component,
            group: shelf.group,
            quantity: shelf.missing().clamp(1, 4),
            urgency,
            needed_by: Some(self.db.clock.now() + self.dice.minutes(hours * 50.0, hours * 60.0)),
            reason: self.dice.pick(&WHY).into(),
            recipients,
        };
        requests::raise(&self.db, &self.editor(facility.id), &new).await?;
        Ok(true)
    }

    /// The nearest center; for clinics often the nearest hospital; sometimes a second one too.
    fn suppliers(&mut self, facility: &Facility) -> Vec<FacilityId> {
        let away = |other: &Facility| {
            let across = (other.longitude - facility.longitude) * facility.latitude.to_radians().cos();
            across.hypot(other.latitude - facility.latitude)
        };
        let nearest = |kind: FacilityKind, skip: usize| {
            let mut of_kind: Vec<&Facility> = self
                .facilities
                .iter()
                .filter(|other| other.kind == kind && other.id != facility.id)
                .collect();
            of_kind.sort_by(|a, b| away(a).total_cmp(&away(b)));
            of_kind.get(skip).map(|other| other.id)
        };
        let center = nearest(FacilityKind::BloodCenter, 0);
        let second = nearest(FacilityKind::BloodCenter, 1);
        let hospital = nearest(FacilityKind::Hospital, 0);
        let first = match facility.kind {
            FacilityKind::Clinic if self.dice.chance(0.4) => hospital.or(center),
            _ => center.or(hospital),
        };
        let also = second.filter(|_| self.dice.chance(0.15));
        first.into_iter().chain(also).collect()
    }

    /// The oldest request is answered: with what can be spared, or with a reason.
    pub(super) async fn answer(&mut self, facility: &Facility) -> Result<bool> {
        let mut tx = self.db.read_in_background(&Scope::of(facility.id)).await?;
        let waiting = queries::unanswered(&mut tx, facility.id, PATIENCE).await?;
        let Some(request) = waiting.first() else {
            return Ok(false);
        };
        let choices = stock_choices(request.component, request.group);
        let offer = pick::propose(
            &mut tx,
            facility.id,
            request.component,
            &choices,
            request.quantity,
            None,
        )
        .await?;
        drop(tx);
        let shelves = self.shelves(facility.id).await?;
        let same = shelves
            .iter()
            .find(|shelf| shelf.component == request.component && shelf.group == request.group);
        let kept = match facility.kind {
            FacilityKind::BloodCenter => 0,
            _ => same.map_or(0, |shelf| shelf.minimum),
        };
        let own = same.map_or(0, |shelf| shelf.available) - kept;
        let offered: i32 = offer.iter().map(|taken| taken.quantity).sum();
        let quantity = offered.min(request.quantity).min(own.max(0));
        let editor = self.editor(facility.id);
        if quantity == 0 {
            requests::reject(&self.db, &editor, request.id, "Below our own minimum").await?;
        } else if self.dice.chance(0.03) {
            requests::reject(&self.db, &editor, request.id, "Needed for our own patients").await?;
        } else {
            let answer = Acceptance {
                quantity: Some(quantity),
                confirmed: false,
            };
            requests::accept(&self.db, &editor, request.id, &answer).await?;
        }
        Ok(true)
    }

    /// What lies reserved for a request goes on its way.
    pub(super) async fn dispatch(&mut self, facility: &Facility) -> Result<bool> {
        let mut tx = self.db.read_in_background(&Scope::of(facility.id)).await?;
        let waiting = queries::reserved(&mut tx, facility.id, PACKING).await?;
        let Some(request) = waiting.first() else {
            return Ok(false);
        };
        let choices = stock_choices(request.component, request.group);
        let reserved = pick::propose(
            &mut tx,
            facility.id,
            request.component,
            &choices,
            request.quantity,
            Some(request.id),
        )
        .await?;
        drop(tx);
        let dispatch = Dispatch {
            to: request.from,
            request: Some(request.id),
            component: request.component,
            group: request.group,
            chosen: reserved.iter().map(|taken| (taken.unit.id, taken.quantity)).collect(),
            override_reason: String::new(),
            note: String::new(),
        };
        if dispatch.chosen.is_empty() {
            return Ok(false);
        }
        distributions::dispatch(&self.db, &self.editor(facility.id), &dispatch).await?;
        Ok(true)
    }

    /// A van has arrived.
    pub(super) async fn receive(&mut self, facility: &Facility) -> Result<bool> {
        let mut tx = self.db.read_in_background(&Scope::of(facility.id)).await?;
        let arriving = queries::arriving(&mut tx, facility.id, JOURNEY).await?;
        drop(tx);
        let Some(&delivery) = arriving.first() else {
            return Ok(false);
        };
        distributions::receive(&self.db, &self.editor(facility.id), delivery, &Receipt::default()).await?;
        Ok(true)
    }
}
