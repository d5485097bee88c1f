//! The states of a unit of blood and the movements between them, one ledger entry each.
//! Everything that may happen to a unit is in one table, [`MovementKind::allows`]; what is not there is refused.

use chrono::{DateTime, Utc};

use crate::text_enum::text_enum;

text_enum! {
    /// Where a unit stands in its life. That it is unsafe is a flag of its own beside this.
    pub enum UnitStatus {
        Quarantined = "quarantined" / "Quarantined",
        Available = "available" / "Available",
        Reserved = "reserved" / "Reserved",
        InTransit = "in_transit" / "In transit",
        /// Now on the books of another facility, as a unit of theirs.
        Transferred = "transferred" / "Transferred",
        Issued = "issued" / "Issued",
        Transfused = "transfused" / "Transfused",
        Expired = "expired" / "Expired",
        Discarded = "discarded" / "Discarded",
    }
}

text_enum! {
    /// What happened to a unit.
    pub enum MovementKind {
        Received = "received" / "Received into stock",
        Released = "released" / "Released from quarantine",
        Quarantined = "quarantined" / "Put into quarantine",
        Reserved = "reserved" / "Reserved",
        Unreserved = "unreserved" / "Reservation ended",
        Dispatched = "dispatched" / "Dispatched",
        /// The receiver has booked it: the end of it at the sender.
        Delivered = "delivered" / "Delivered",
        /// From another facility: the beginning of it at the receiver.
        Arrived = "arrived" / "Arrived",
        Issued = "issued" / "Issued",
        Returned = "returned" / "Returned",
        Transfused = "transfused" / "Transfused",
        Expired = "expired" / "Expired",
        Discarded = "discarded" / "Discarded",
        /// A mistaken receipt or discard, undone on the record.
        Reversed = "reversed" / "Reversed",
        /// Part of a lot becomes a row of its own: it leaves the one and enters the other in the same status.
        Split = "split" / "Split",
    }
}

text_enum! {
    /// Reasons of a discard that the program itself records; people choose from the network's table, which has these too.
    pub enum DiscardReason {
        TimeExpired = "time_expired" / "Time-expired",
        Damaged = "damaged" / "Damaged",
        Temperature = "temperature" / "Out of temperature",
        TestPositive = "test_positive" / "Positive test",
        Quality = "quality" / "Quality",
        Recalled = "recalled" / "Recalled",
        Other = "other" / "Other",
    }
}

impl UnitStatus {
    /// Whether nothing more happens to such a unit, a recorded reversal aside.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Transferred | Self::Transfused | Self::Discarded)
    }
}

/// The rule of issuable stock: available (so neither reserved nor in quarantine), safe, and not yet expired.
pub fn is_issuable(status: UnitStatus, is_unsafe: bool, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    status == UnitStatus::Available && !is_unsafe && now < expires_at
}

/// Whether any movement leads from one status to the other. `None` is outside the ledger: before receipt. Splits do
/// not count, since they change no unit's status.
pub fn can_move(from: Option<UnitStatus>, to: Option<UnitStatus>) -> bool {
    let mut kinds = MovementKind::ALL.iter().filter(|&&kind| kind != MovementKind::Split);
    kinds.any(|kind| kind.allows(from, to))
}

/// [`can_move`] for a unit whose flag says unsafe (a positive test): it can only expire or be discarded.
pub fn can_move_unsafe(from: Option<UnitStatus>, to: Option<UnitStatus>) -> bool {
    matches!(to, Some(UnitStatus::Expired | UnitStatus::Discarded)) && can_move(from, to)
}

impl MovementKind {
    /// Whether this kind of movement leads from one status to the other: the table of states.
    pub fn allows(self, from: Option<UnitStatus>, to: Option<UnitStatus>) -> bool {
        use UnitStatus::{
            Available, Discarded, Expired, InTransit, Issued, Quarantined, Reserved, Transferred, Transfused,
        };
        match self {
            Self::Received => from.is_none() && matches!(to, Some(Quarantined | Available)),
            Self::Released => (from, to) == (Some(Quarantined), Some(Available)),
            // a recall does not ask whether somebody has reserved the unit
            Self::Quarantined => matches!(from, Some(Available | Reserved)) && to == Some(Quarantined),
            Self::Reserved => (from, to) == (Some(Available), Some(Reserved)),
            Self::Unreserved => (from, to) == (Some(Reserved), Some(Available)),
            Self::Dispatched => matches!(from, Some(Quarantined | Available | Reserved)) && to == Some(InTransit),
            Self::Delivered => (from, to) == (Some(InTransit), Some(Transferred)),
            Self::Arrived => from.is_none() && matches!(to, Some(Quarantined | Available)),
            Self::Issued => matches!(from, Some(Available | Reserved)) && to == Some(Issued),
            // never straight to available: somebody has to look at the seal and the temperature first
            Self::Returned => matches!(from, Some(Issued | InTransit)) && to == Some(Quarantined),
            Self::Transfused => (from, to) == (Some(Issued), Some(Transfused)),
            Self::Expired => from.is_some_and(|from| !from.is_final() && from != Expired) && to == Some(Expired),
            Self::Discarded => from.is_some_and(|from| !from.is_final()) && to == Some(Discarded),
            Self::Reversed => {
                (from, to) == (Some(Discarded), Some(Quarantined))
                    || (matches!(from, Some(Quarantined | Available)) && to.is_none())
            }
            Self::Split => match (from, to) {
                (Some(whole), None) => !whole.is_final(),
                (None, Some(part)) => !part.is_final(),
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows from, columns to, in the order of `UnitStatus::ALL` with outside the ledger first.
    const TABLE: [(&str, &str); 10] = [
        //            o Q A R T M I X E D
        ("outside", "   . y y . . . . . . ."),
        ("quarantined", "y . y . y . . . y y"),
        ("available", " y y . y y . y . y y"),
        ("reserved", "  . y y . y . y . y y"),
        ("in_transit", ". y . . . y . . y y"),
        ("transferred", ". . . . . . . . . ."),
        ("issued", "    . y . . . . . y y y"),
        ("transfused", ". . . . . . . . . ."),
        ("expired", "   . . . . . . . . . y"),
        ("discarded", " . y . . . . . . . ."),
    ];

    fn positions() -> Vec<Option<UnitStatus>> {
        std::iter::once(None)
            .chain(UnitStatus::ALL.iter().copied().map(Some))
            .collect()
    }

    #[test]
    fn units_move_as_the_table_says_and_not_otherwise() {
        for (&from, (name, row)) in positions().iter().zip(TABLE) {
            assert_eq!(from.map_or("outside", UnitStatus::as_str), name);
            for (&to, cell) in positions().iter().zip(row.split_whitespace()) {
                assert_eq!(can_move(from, to), cell == "y", "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn an_unsafe_unit_expires_or_is_discarded_and_nothing_else() {
        for from in positions() {
            for to in positions() {
                let ends = matches!(to, Some(UnitStatus::Expired | UnitStatus::Discarded));
                let expected = ends && from != to && from.is_some_and(|status| !status.is_final());
                assert_eq!(can_move_unsafe(from, to), expected, "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn a_split_keeps_the_status_and_is_no_way_to_another() {
        assert!(MovementKind::Split.allows(Some(UnitStatus::Issued), None));
        assert!(MovementKind::Split.allows(None, Some(UnitStatus::Issued)));
        assert!(!can_move(None, Some(UnitStatus::Issued)));
        assert!(!MovementKind::Split.allows(Some(UnitStatus::Transferred), None));
    }

    #[test]
    fn only_an_available_safe_unit_before_its_expiry_is_issuable() {
        let now: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().unwrap();
        let later = now + chrono::TimeDelta::seconds(1);

        for &status in UnitStatus::ALL {
            assert_eq!(is_issuable(status, false, later, now), status == UnitStatus::Available);
        }
        assert!(!is_issuable(UnitStatus::Available, true, later, now));
        assert!(!is_issuable(UnitStatus::Available, false, now, now));
    }
}
