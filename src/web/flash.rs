//! What the notice on the next page says after something was done. The words are ours: the address carries only a code.

use crate::text_enum::text_enum;

text_enum! {
    pub enum Done {
        Received = "received" / "The stock is booked.",
        Discarded = "discarded" / "Discarded and recorded.",
        Released = "released" / "Released from quarantine.",
        Quarantined = "quarantined" / "Moved to quarantine.",
        MarkedUnsafe = "marked_unsafe" / "The positive test is recorded; the unit can only be discarded.",
        Issued = "issued" / "Issued.",
        Transfused = "transfused" / "Recorded as transfused.",
        Returned = "returned" / "Returned to quarantine.",
        Reversed = "reversed" / "The discard is undone; the unit is in quarantine.",
        Raised = "raised" / "The request is raised.",
        Accepted = "accepted" / "Accepted; the units are reserved for 24 hours.",
        Rejected = "rejected" / "The request is rejected.",
        Cancelled = "cancelled" / "The request is cancelled.",
        Dispatched = "dispatched" / "Dispatched; the units are on their way.",
        Delivered = "delivered" / "The delivery is booked into stock.",
        SentBack = "sent_back" / "Sent back; the units go to quarantine there.",
        Refreshed = "refreshed" / "Refreshed.",
        PasswordChanged = "password_changed" / "Your password is changed; your other sessions have ended.",
        SessionsEnded = "sessions_ended" / "The session is ended.",
        ThemeChanged = "theme_changed" / "The theme is changed.",
        TwoFactorOff = "two_factor_off" / "Two-factor log-in is off.",
        Connected = "connected" / "Connected; you can log in either way now.",
        Disconnected = "disconnected" / "Disconnected; only the password logs you in now.",
        SetUp = "set_up" / "The installation is yours. Log in.",
        FacilityAdded = "facility_added" / "The facility is added.",
        FacilitySaved = "facility_saved" / "The facility is saved.",
        FacilityDeactivated = "facility_deactivated" / "The facility is deactivated; nobody can enter it now.",
        FacilityReactivated = "facility_reactivated" / "The facility is active again.",
        BankSaved = "bank_saved" / "The blood bank is saved.",
        BankRemoved = "bank_removed" / "The blood bank is removed.",
        CalendarSaved = "calendar_saved" / "The working calendar is saved.",
        ThresholdsSaved = "thresholds_saved" / "The stock levels are saved; the board shows them now.",
        ReferenceSaved = "reference_saved" / "Saved. The change is in the history below.",
        KeyRevoked = "key_revoked" / "The key is revoked; within five seconds nothing answers it.",
        LoggedOut = "logged_out" / "You are logged out.",
    }
}
