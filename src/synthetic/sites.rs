//! A facility of the invented network while its past is being made: what it keeps, needs and is short of.

use std::sync::Arc;

use super::calendar::Calendar;
use super::ledger::Lot;
use super::population::{CELLS, component_of, habits, share};
use crate::blood::Component;
use crate::clock::Zone;
use crate::facilities::FacilityKind;

/// What the database knows of a facility before anything happens in it.
pub(super) struct Place {
    pub id: i64,
    pub name: String,
    pub kind: FacilityKind,
    pub region: String,
    pub latitude: f64,
    pub longitude: f64,
    pub zone: Zone,
    /// whom it belongs to, an index of the list of places
    pub parent: Option<usize>,
    /// the blood center that delivers to it, an index; a center's own index for itself
    pub center: usize,
    pub count_hour: i16,
    /// ids and names
    pub banks: Vec<(i64, &'static str)>,
    /// units used on a mean day, all cells together
    pub demand: f64,
}

impl Place {
    /// Kilometres to another place, over a sphere; close enough for roads and ferries that do not exist.
    pub fn distance(&self, other: &Place) -> f64 {
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let across = (other.longitude - self.longitude).to_radians() * ((a + b) / 2.0).cos();
        6371.0 * (across * across + (b - a) * (b - a)).sqrt()
    }
}

/// Levels of issuable units of one cell: see `stock_thresholds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Levels {
    pub minimum: i32,
    pub reorder: i32,
    pub target: i32,
    /// what deliveries fill up to
    pub kept: i32,
}

impl Levels {
    /// None where so little is needed that none is kept. `cushion` multiplies what is kept above the target.
    fn for_demand(cell: usize, demand: f64, cushion: f64) -> Option<Levels> {
        let habits = habits(cell);
        if demand * habits.kept < 0.35 {
            return None;
        }
        let target = (demand * habits.target).ceil() as i32;
        let reorder = ((demand * habits.reorder).round() as i32).min(target);
        Some(Levels {
            minimum: ((demand * habits.minimum).round() as i32).min(reorder),
            reorder,
            target,
            kept: ((demand * habits.kept * cushion).ceil() as i32).max(target),
        })
    }
}

/// A facility in the middle of its history.
pub(super) struct Site {
    pub place: Place,
    pub calendar: Arc<Calendar>,
    /// mean units a day by cell that leave its shelf: used here or sent to those it supplies
    pub flow: Vec<f64>,
    /// mean units a day by cell used on its own patients
    pub demand: Vec<f64>,
    pub levels: Vec<Option<Levels>>,
    /// by cell, soonest to expire first
    pub shelf: Vec<Vec<Lot>>,
    /// whole units owed to patients, and collected but not yet enough for a lot
    pub owed: Vec<i32>,
    pub collected: Vec<f64>,
    /// under way to it at the end of the history
    pub coming: Vec<i32>,
    /// cells that nobody could supply in the last week
    pub starved: Vec<bool>,
    /// others to whom it sends blood, indices
    pub dependants: Vec<usize>,
    /// donation numbers given so far
    pub donations: u32,
}

impl Site {
    pub fn new(place: Place, calendar: Arc<Calendar>) -> Self {
        let demand: Vec<f64> = (0..CELLS).map(|cell| place.demand * share(cell)).collect();
        Site {
            place,
            calendar,
            flow: demand.clone(),
            demand,
            levels: vec![None; CELLS],
            shelf: (0..CELLS).map(|_| Vec::new()).collect(),
            owed: vec![0; CELLS],
            collected: vec![0.0; CELLS],
            coming: vec![0; CELLS],
            starved: vec![false; CELLS],
            dependants: Vec::new(),
            donations: 0,
        }
    }

    /// Called once the flow is known. What a facility does not keep, its patients get elsewhere.
    pub fn set_levels(&mut self) {
        for cell in 0..CELLS {
            // a center turns its shelf over faster: it is the source
            let cushion = match (self.is_center(), component_of(cell)) {
                (true, Component::Platelets) => 0.65,
                (true, _) => 0.85,
                (false, _) => 1.0,
            };
            self.levels[cell] = Levels::for_demand(cell, self.flow[cell], cushion);
            if self.levels[cell].is_none() {
                self.demand[cell] = 0.0;
            }
        }
    }

    pub fn is_center(&self) -> bool {
        self.place.kind == FacilityKind::BloodCenter
    }

    /// Units of a cell on the shelf, quarantine included.
    pub fn held(&self, cell: usize) -> i32 {
        self.shelf[cell].iter().map(|lot| lot.quantity).sum()
    }

    /// Puts a lot on the shelf, behind all that expire no later.
    pub fn shelve(&mut self, lot: Lot) {
        let shelf = &mut self.shelf[lot.cell];
        let place = shelf.partition_point(|other| other.expires_at <= lot.expires_at);
        shelf.insert(place, lot);
    }
}
