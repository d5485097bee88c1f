//! The figures behind the invention: how common groups are, what is used of each component, how much is kept.
//! Plausible for a European population; no real network is copied.

use crate::blood::{BloodGroup, Component};

/// One kind of blood: a component of a group. Arrays over all of them are indexed by it.
pub(super) const CELLS: usize = Component::ALL.len() * BloodGroup::ALL.len();

pub(super) fn component_of(cell: usize) -> Component {
    Component::ALL[cell / BloodGroup::ALL.len()]
}

pub(super) fn group_of(cell: usize) -> BloodGroup {
    BloodGroup::ALL[cell % BloodGroup::ALL.len()]
}

/// Shares of the groups in percent, in the order of `BloodGroup::ALL`.
pub(super) const GROUP_SHARES: [f64; 8] = [6.0, 38.0, 6.0, 32.0, 2.0, 12.0, 1.0, 4.0];

/// Demand by weekday, Monday first; the mean is 1.
pub(super) const DEMAND_BY_WEEKDAY: [f64; 7] = [1.27, 1.10, 1.06, 1.05, 1.02, 0.72, 0.78];

/// Collections by weekday: few at the weekend.
pub(super) const COLLECTIONS_BY_WEEKDAY: [f64; 7] = [1.2, 1.25, 1.2, 1.2, 1.15, 0.6, 0.4];

/// How one component is used and kept. Levels are in days of mean demand.
pub(super) struct Habits {
    /// of all units used
    pub share: f64,
    /// the level that deliveries fill up to
    pub kept: f64,
    pub target: f64,
    pub reorder: f64,
    pub minimum: f64,
    /// units discarded before use for other reasons than time, of those taken from the shelf
    pub spoiled: f64,
    /// units that come from outside the network and are already old
    pub short_dated: f64,
}

/// In the order of `Component::ALL`.
pub(super) const HABITS: [Habits; 5] = [
    // whole blood
    Habits {
        share: 0.02,
        kept: 7.0,
        target: 4.5,
        reorder: 2.5,
        minimum: 1.2,
        spoiled: 0.015,
        short_dated: 0.0,
    },
    // red cells
    Habits {
        share: 0.62,
        kept: 8.0,
        target: 5.0,
        reorder: 3.2,
        minimum: 1.6,
        spoiled: 0.014,
        short_dated: 0.05,
    },
    // platelets
    Habits {
        share: 0.15,
        kept: 1.9,
        target: 0.9,
        reorder: 0.6,
        minimum: 0.3,
        spoiled: 0.03,
        short_dated: 0.0,
    },
    // plasma
    Habits {
        share: 0.16,
        kept: 14.0,
        target: 9.0,
        reorder: 5.0,
        minimum: 2.5,
        spoiled: 0.025,
        short_dated: 0.01,
    },
    // cryoprecipitate
    Habits {
        share: 0.05,
        kept: 14.0,
        target: 9.0,
        reorder: 5.0,
        minimum: 2.5,
        spoiled: 0.03,
        short_dated: 0.01,
    },
];

pub(super) fn habits(cell: usize) -> &'static Habits {
    &HABITS[cell / BloodGroup::ALL.len()]
}

/// The part of all demand that falls on a cell.
pub(super) fn share(cell: usize) -> f64 {
    habits(cell).share * GROUP_SHARES[cell % BloodGroup::ALL.len()] / GROUP_SHARES.iter().sum::<f64>()
}

/// Units to a lot in the older part of a history, where single bags are not told apart: more of what is common, but no
/// more than a facility uses up before it expires.
pub(super) fn lot_size(cell: usize) -> i32 {
    match (component_of(cell), share(cell)) {
        (Component::WholeBlood | Component::Platelets, _) => 1,
        (_, common) if common > 0.15 => 6,
        (_, common) if common > 0.04 => 4,
        (_, common) if common > 0.012 => 2,
        _ => 1,
    }
}
