//! The components a unit can be, and the expiry that a new unit is offered.
//! How long a component lives is a row of a table that a network can change; only the arithmetic is here.

use chrono::{DateTime, Days, TimeDelta, Utc};

use crate::clock::{Zone, day_bounds, local_day};
use crate::text_enum::text_enum;

text_enum! {
    /// What is in the bag.
    pub enum Component {
        WholeBlood = "whole_blood" / "Whole blood",
        RedCells = "red_cells" / "Red cells",
        Platelets = "platelets" / "Platelets",
        Plasma = "plasma" / "Fresh frozen plasma",
        Cryoprecipitate = "cryoprecipitate" / "Cryoprecipitate",
    }
}

/// Components that follow the same table of compatibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Cells and plasma together, so both directions of the ABO rule hold at once.
    WholeBlood,
    /// The donor's antigens meet the patient's antibodies.
    Cells,
    /// Mostly the plasma rule, with the few red cells that come along.
    Platelets,
    /// The donor's antibodies meet the patient's antigens: the inverse of cells.
    Plasma,
}

impl Component {
    /// The abbreviation on labels and in narrow columns.
    pub fn short_label(self) -> &'static str {
        match self {
            Self::WholeBlood => t!("WB"),
            Self::RedCells => t!("RBC"),
            Self::Platelets => t!("PLT"),
            Self::Plasma => t!("FFP"),
            Self::Cryoprecipitate => t!("Cryo"),
        }
    }

    /// The table of compatibility that this component follows.
    pub const fn family(self) -> Family {
        match self {
            Self::WholeBlood => Family::WholeBlood,
            Self::RedCells => Family::Cells,
            Self::Platelets => Family::Platelets,
            Self::Plasma | Self::Cryoprecipitate => Family::Plasma,
        }
    }
}

/// How long a component may be kept, in the unit its rule is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentLife {
    /// Calendar days after the day of collection, which is day 0.
    Days(u16),
    /// Hours from the very minute of collection (or of washing, thawing).
    Hours(u16),
}

/// The expiry to propose for a unit collected at this instant; the label on the bag has the last word.
///
/// A life in days ends at 23:59 by the facility's clock, the time that ISBT 128 (ST-001) assumes when a label gives
/// none; a life in hours is exact.
pub fn proposed_expiry(collected_at: DateTime<Utc>, life: ComponentLife, zone: Zone) -> DateTime<Utc> {
    match life {
        ComponentLife::Days(days) => {
            let last_day = local_day(zone, collected_at) + Days::new(days.into());
            day_bounds(zone, last_day).1 - TimeDelta::minutes(1)
        }
        ComponentLife::Hours(hours) => collected_at + TimeDelta::hours(hours.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_day_of_collection_is_day_zero_and_the_last_day_counts_to_its_last_minute() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();

        // 00:30 on 2 March in Berlin, still 1 March in UTC; 35 days later summer time has begun
        let expiry = proposed_expiry(utc("2026-03-01T23:30:00Z"), ComponentLife::Days(35), berlin);

        assert_eq!(expiry, utc("2026-04-06T21:59:00Z"));
    }

    #[test]
    fn a_life_in_hours_ignores_the_clock_on_the_wall() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();

        let expiry = proposed_expiry(utc("2026-03-28T12:34:56Z"), ComponentLife::Hours(24), berlin);

        assert_eq!(expiry, utc("2026-03-29T12:34:56Z"));
    }

    #[test]
    fn plasma_and_cryoprecipitate_are_one_family() {
        assert_eq!(Component::Plasma.family(), Component::Cryoprecipitate.family());
        assert_ne!(Component::Plasma.family(), Component::RedCells.family());
        assert_eq!(Component::RedCells.short_label(), "RBC");
        assert_eq!(Component::Plasma.label(), "Fresh frozen plasma");
    }
}
