//! The eight blood groups: an ABO group with the RhD factor.
//! The database holds `O-` with the hyphen of the keyboard, the screen shows `O−` with a true minus sign.

use crate::text_enum::text_enum;

text_enum! {
    /// The ABO half of a blood group.
    pub enum Abo {
        O = "O",
        A = "A",
        B = "B",
        Ab = "AB",
    }
}

text_enum! {
    /// The RhD half of a blood group.
    pub enum Rh {
        Negative = "negative" / "RhD negative",
        Positive = "positive" / "RhD positive",
    }
}

text_enum! {
    /// A complete blood group, ordered as stock boards list them: O, A, B, AB, each negative before positive.
    pub enum BloodGroup {
        ONegative = "O-" / "O−",
        OPositive = "O+" / "O+",
        ANegative = "A-" / "A−",
        APositive = "A+" / "A+",
        BNegative = "B-" / "B−",
        BPositive = "B+" / "B+",
        AbNegative = "AB-" / "AB−",
        AbPositive = "AB+" / "AB+",
    }
}

impl BloodGroup {
    /// The group made of these two halves.
    pub const fn new(abo: Abo, rh: Rh) -> Self {
        match (abo, rh) {
            (Abo::O, Rh::Negative) => Self::ONegative,
            (Abo::O, Rh::Positive) => Self::OPositive,
            (Abo::A, Rh::Negative) => Self::ANegative,
            (Abo::A, Rh::Positive) => Self::APositive,
            (Abo::B, Rh::Negative) => Self::BNegative,
            (Abo::B, Rh::Positive) => Self::BPositive,
            (Abo::Ab, Rh::Negative) => Self::AbNegative,
            (Abo::Ab, Rh::Positive) => Self::AbPositive,
        }
    }

    /// The ABO half.
    pub const fn abo(self) -> Abo {
        match self {
            Self::ONegative | Self::OPositive => Abo::O,
            Self::ANegative | Self::APositive => Abo::A,
            Self::BNegative | Self::BPositive => Abo::B,
            Self::AbNegative | Self::AbPositive => Abo::Ab,
        }
    }

    /// The RhD half.
    pub const fn rh(self) -> Rh {
        match self {
            Self::ONegative | Self::ANegative | Self::BNegative | Self::AbNegative => Rh::Negative,
            Self::OPositive | Self::APositive | Self::BPositive | Self::AbPositive => Rh::Positive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_groups_stand_in_the_order_of_a_stock_board() {
        let texts: Vec<_> = BloodGroup::ALL.iter().map(|group| group.as_str()).collect();

        assert_eq!(texts, ["O-", "O+", "A-", "A+", "B-", "B+", "AB-", "AB+"]);
        assert!(BloodGroup::ALL.is_sorted());
    }

    #[test]
    fn halves_and_text_lead_back_to_the_group() {
        for &group in BloodGroup::ALL {
            let sign = if group.rh() == Rh::Negative { "-" } else { "+" };

            assert_eq!(BloodGroup::new(group.abo(), group.rh()), group);
            assert_eq!(group.as_str(), format!("{}{sign}", group.abo()));
            assert_eq!(group.as_str().parse(), Ok(group));
            assert_eq!(group.label(), group.as_str().replace('-', "\u{2212}"));
        }
    }

    #[test]
    fn a_text_that_is_no_group_is_refused() {
        for text in ["", "O", "o-", "C+", "AB", "O--", " O-"] {
            assert!(
                text.parse::<BloodGroup>()
                    .unwrap_err()
                    .to_string()
                    .contains("is not a blood group"),
                "{text:?}"
            );
        }
    }
}
