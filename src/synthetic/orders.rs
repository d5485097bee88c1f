//! Blood on its way between facilities: standing deliveries, requests and their answers, exchange between centers.

use chrono::{DateTime, TimeDelta, Utc};

use super::history::World;
use super::ledger::{Audit, Recipient, Request, Step};
use super::names::STAFF;
use super::population::{CELLS, component_of, group_of, lot_size};
use crate::blood::{Component, MovementKind, UnitStatus};
use crate::requests::{RecipientStatus, RequestStatus, StepKind, Urgency};

/// Minutes that an answer takes, and then a dispatch; at least and at most.
fn pace(urgency: Urgency) -> ((f64, f64), (f64, f64)) {
    match urgency {
        Urgency::Routine => ((45.0, 420.0), (60.0, 300.0)),
        Urgency::Urgent => ((8.0, 75.0), (15.0, 60.0)),
        Urgency::Emergency => ((3.0, 15.0), (6.0, 20.0)),
    }
}

/// When the units have to be there.
fn time_left(urgency: Urgency) -> TimeDelta {
    match urgency {
        Urgency::Routine => TimeDelta::hours(24),
        Urgency::Urgent => TimeDelta::hours(6),
        Urgency::Emergency => TimeDelta::minutes(90),
    }
}

const WHY: [&str; 8] = [
    "Operations planned for tomorrow",
    "Stock below reorder level",
    "Two patients with anaemia",
    "Trauma patient in theatre",
    "Oncology day ward",
    "Delivery with heavy bleeding",
    "Weekend cover",
    "Patient with antibodies, antigen-negative units if possible",
];
const WHY_NOT: [&str; 3] = [
    "Below our own minimum",
    "Needed for our own patients",
    "No transport before tomorrow",
];

/// One need of one facility.
pub(super) struct Need {
    pub by: usize,
    pub of: usize,
    pub cell: usize,
    pub quantity: i32,
    pub urgency: Urgency,
    pub raised: DateTime<Utc>,
}

/// When a request was answered and sent; the future for what has not happened.
pub(super) struct Answer {
    pub decided: DateTime<Utc>,
    pub dispatched: DateTime<Utc>,
}

impl World {
    /// A facility fills its shelf: by the standing delivery on its days, else by requests for what runs low.
    pub fn order(&mut self, site: usize, day: usize) {
        if self.sites[site].is_center() {
            return self.exchange(site, day);
        }
        let weekday = self.sites[site].calendar.weekday(day);
        let hospital = self.sites[site].place.banks.len() > 1 || !self.sites[site].dependants.is_empty();
        let deliveries: &[usize] = match (hospital, site % 5) {
            (true, 0 | 2) => &[0, 3],
            (true, _) => &[1, 4],
            (false, seat) => &[[0], [1], [2], [3], [4]][seat],
        };
        // platelets live too short to wait for the day
        if deliveries.contains(&weekday) {
            self.deliver(site, day, |_| true);
        } else if hospital {
            self.deliver(site, day, |cell| component_of(cell) == Component::Platelets);
        }
        self.ask_for_what_is_low(site, day);
    }

    fn deliver(&mut self, site: usize, day: usize, wanted: impl Fn(usize) -> bool) {
        let center = self.sites[site].place.center;
        let sent = self.sites[site]
            .calendar
            .clone()
            .sometime(&mut self.dice, day, 6.0, 9.0);
        if sent >= self.now {
            return;
        }
        let arrives = sent + self.journey(center, site);
        let mut lots = Vec::new();
        for cell in (0..CELLS).filter(|&cell| wanted(cell)) {
            let here = &self.sites[site];
            let Some(levels) = here.levels[cell] else { continue };
            if here.starved[cell] {
                continue;
            }
            let gap = levels.kept - here.held(cell) - here.coming[cell];
            lots.extend(self.pull(center, cell, gap, sent, arrives));
        }
        self.ship(center, site, lots, None, sent, arrives);
    }

    fn ask_for_what_is_low(&mut self, site: usize, day: usize) {
        let calendar = self.sites[site].calendar.clone();
        let weekend = calendar.weekday(day) >= 5;
        let most = if self.sites[site].dependants.is_empty() {
            1
        } else {
            if weekend { 2 } else { 3 }
        };
        let mut low: Vec<(f64, usize)> = (0..CELLS)
            .filter_map(|cell| {
                let here = &self.sites[site];
                let levels = here.levels[cell]?;
                let held = here.held(cell) + here.coming[cell];
                let short = f64::from(levels.reorder - held) / f64::from(levels.reorder.max(1));
                (held < levels.reorder && !here.starved[cell]).then_some((short, cell))
            })
            .collect();
        low.sort_by(|a, b| b.0.total_cmp(&a.0));
        low.truncate(most);
        for (_, cell) in low {
            let Some(levels) = self.sites[site].levels[cell] else {
                continue;
            };
            let held = self.sites[site].held(cell) + self.sites[site].coming[cell];
            let urgency = if held < levels.minimum {
                Urgency::Urgent
            } else {
                Urgency::Routine
            };
            let raised = calendar.sometime(&mut self.dice, day, 7.0, 18.0);
            self.need(site, cell, levels.target - held, urgency, raised);
        }
        // accidents keep no office hours
        let mean = self.sites[site].place.demand / 250.0;
        if self.dice.poisson(mean) > 0 {
            let cell = self.some_cell(site);
            let quantity = 2 + self.dice.below(4) as i32;
            let raised = calendar.sometime(&mut self.dice, day, 0.0, 24.0);
            self.need(site, cell, quantity, Urgency::Emergency, raised);
        }
    }

    fn need(&mut self, by: usize, cell: usize, quantity: i32, urgency: Urgency, raised: DateTime<Utc>) {
        let of = self.supplier(by);
        if raised >= self.now || of == by {
            return;
        }
        let (answer, dispatch) = pace(urgency);
        let decided = raised + self.dice.minutes(answer.0, answer.1);
        let dispatched = decided + self.dice.minutes(dispatch.0, dispatch.1);
        let size = if self.has_single_units(raised) {
            1
        } else {
            lot_size(cell)
        };
        let need = Need {
            by,
            of,
            cell,
            // lots are not opened, so one asks for whole ones
            quantity: (quantity.max(1) + size - 1) / size * size,
            urgency,
            raised,
        };
        self.request(need, Answer { decided, dispatched });
    }

    /// A cell, those used most the most often.
    pub fn some_cell(&mut self, site: usize) -> usize {
        self.dice.weighted(self.sites[site].demand.iter().copied())
    }

    /// Whom a facility asks: mostly its center, a clinic often its hospital, sometimes another center.
    pub fn supplier(&mut self, by: usize) -> usize {
        let place = &self.sites[by].place;
        let (center, parent) = (place.center, place.parent);
        match parent {
            Some(parent) if self.dice.chance(0.5) => parent,
            _ if self.dice.chance(0.08) => self.other_center(by).unwrap_or(center),
            _ => center,
        }
    }

    pub fn other_center(&mut self, site: usize) -> Option<usize> {
        let blocks = self.sites.len().div_ceil(10);
        let own = self.sites[site].place.center / 10;
        (blocks > 1).then(|| (own + 1 + self.dice.below(blocks - 1)) % blocks * 10)
    }

    /// A request from its raising to the delivery, as far as the present has come.
    pub fn request(&mut self, need: Need, answer: Answer) {
        let id = self.ledger.next_request();
        let (by, of) = (self.sites[need.by].place.id, self.sites[need.of].place.id);
        let reason = self.dice.pick(&WHY);
        let mut request = Request {
            facility: by,
            id,
            cell: need.cell,
            quantity: need.quantity,
            urgency: need.urgency,
            status: RequestStatus::Open,
            needed_by: need.raised + time_left(need.urgency),
            reason,
            fulfilled: 0,
            created_at: need.raised,
            closed_at: None,
        };
        let mut recipient = Recipient {
            facility: by,
            request: id,
            to: of,
            status: RecipientStatus::Open,
            accepted: None,
            reason: None,
            decided_at: None,
        };
        self.step(&need, id, need.raised, need.by, StepKind::Raised, Some(reason));
        if answer.decided < self.now {
            self.decide(&need, &answer, &mut request, &mut recipient);
        }
        if self.dice.chance(0.15)
            && let Some(second) = self.other_center(need.by)
            && second != need.of
        {
            use RecipientStatus::{Closed, Open, Rejected};
            let refused = recipient.status == Rejected;
            self.ledger.batch.recipients.push(Recipient {
                to: self.sites[second].place.id,
                status: match recipient.status {
                    Open | Rejected => recipient.status,
                    _ => Closed,
                },
                accepted: None,
                decided_at: recipient.decided_at.filter(|_| refused),
                ..recipient
            });
        }
        self.ledger.batch.recipients.push(recipient);
        self.ledger.batch.requests.push(request);
    }

    fn decide(&mut self, need: &Need, answer: &Answer, request: &mut Request, recipient: &mut Recipient) {
        let decided = answer.decided;
        if self.dice.chance(0.03) {
            (request.status, recipient.status) = (RequestStatus::Cancelled, RecipientStatus::Closed);
            request.closed_at = Some(decided);
            return self.step(
                need,
                request.id,
                decided,
                need.by,
                StepKind::Cancelled,
                Some("No longer needed"),
            );
        }
        recipient.decided_at = Some(decided);
        let arrives = answer.dispatched + self.journey(need.of, need.by);
        let refuses = self.dice.chance(0.03) && need.urgency == Urgency::Routine;
        let mut lots = if refuses {
            Vec::new()
        } else {
            self.pull(need.of, need.cell, need.quantity, decided, arrives)
        };
        let promised: i32 = lots.iter().map(|lot| lot.quantity).sum();
        if promised == 0 {
            let reason = if refuses {
                self.dice.pick(&WHY_NOT[1..])
            } else {
                WHY_NOT[0]
            };
            (request.status, recipient.status) = (RequestStatus::Rejected, RecipientStatus::Rejected);
            request.closed_at = Some(decided);
            recipient.reason = Some(reason);
            return self.step(need, request.id, decided, need.of, StepKind::Rejected, Some(reason));
        }
        (request.status, recipient.status) = (RequestStatus::Accepted, RecipientStatus::Accepted);
        recipient.accepted = Some(promised);
        self.step(need, request.id, decided, need.of, StepKind::Accepted, None);
        if answer.dispatched >= self.now {
            // laid aside until the van comes
            let actor = self.dice.pick(&STAFF);
            for lot in &mut lots {
                let until = decided + TimeDelta::hours(24);
                lot.happen(decided, MovementKind::Reserved, UnitStatus::Reserved, actor)
                    .request = Some(request.id);
                lot.reserved = Some((request.id, until));
            }
            lots.into_iter().for_each(|lot| self.ledger.book(lot));
            return;
        }
        self.step(need, request.id, answer.dispatched, need.of, StepKind::Dispatched, None);
        if let Some(delivered) = self.ship(need.of, need.by, lots, Some(request.id), answer.dispatched, arrives) {
            let kind;
            (request.status, kind) = if delivered >= request.quantity {
                (RequestStatus::Fulfilled, StepKind::Fulfilled)
            } else {
                (RequestStatus::PartlyFulfilled, StepKind::Received)
            };
            (request.fulfilled, request.closed_at) = (delivered, Some(arrives));
            self.step(need, request.id, arrives, need.by, kind, None);
        }
    }

    /// A line of the request's timeline and, when it is recent, of both sides' logs.
    fn step(
        &mut self,
        need: &Need,
        request: i64,
        at: DateTime<Utc>,
        by: usize,
        step: StepKind,
        reason: Option<&'static str>,
    ) {
        let actor = self.dice.pick(&STAFF);
        self.ledger.batch.steps.push(Step {
            facility: self.sites[need.by].place.id,
            request,
            at,
            by: self.sites[by].place.id,
            actor,
            step,
            reason,
        });
        // what is sent and received is in the log as a distribution
        if !self.ledger.is_logged(at) || matches!(step, StepKind::Dispatched | StepKind::Received | StepKind::Fulfilled)
        {
            return;
        }
        let mut detail = serde_json::json!({
            "quantity": need.quantity,
            "component": component_of(need.cell),
            "group": group_of(need.cell),
            "urgency": need.urgency,
        });
        if let Some(reason) = reason {
            detail["reason"] = reason.into();
        }
        let (asker, asked) = (&self.sites[need.by].place, &self.sites[need.of].place);
        let line = |facility, other, actor: &str| Audit {
            at,
            facility,
            other,
            actor: actor.into(),
            action: step.as_str(),
            thing: "request",
            thing_id: request,
            detail: detail.clone(),
        };
        if by == need.by {
            // the other side hears it from the facility: names of staff stay at home
            let told = line(asked.id, None, &asker.name);
            self.ledger.batch.audits.extend([line(asker.id, None, actor), told]);
        } else {
            self.ledger.batch.audits.push(line(asked.id, Some(asker.id), actor));
        }
    }
}
