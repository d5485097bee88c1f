//! Blood as its workers speak of it: groups, components, donation numbers, the states of a unit, who may receive
//! what. Pure vocabulary and rules without a database; `compatibility` and `unit_state` hold the tables that protect
//! a patient.

/// Who may receive which group of which component.
pub mod compatibility;
/// What is stored and given: whole blood, red cells, platelets, plasma, cryoprecipitate.
pub mod component;
/// The ISBT 128 number on a bag, typed or scanned.
pub mod donation_number;
/// The eight ABO and RhD groups.
pub mod group;
/// The states of a unit and the movements between them.
pub mod unit_state;

pub use component::{Component, ComponentLife, Family, proposed_expiry};
pub use donation_number::{DonationNumber, DonationNumberError};
pub use group::{Abo, BloodGroup, Rh};
pub use unit_state::{DiscardReason, MovementKind, UnitStatus};
