//! What the notice on the next page says after something was done. The words are ours: the address carries only a code.

use crate::text_enum::text_enum;

text_enum! {
    pub enum Done {
        Received = "received" / "The stock is booked.",
        Discarded = "discarded" / "Discarded and recorded.",
        Released = "released" / "Released from quarantine.",
        Quarantined = "quarantined" / "Moved to quarantine.",
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
        SetUp = "set_up" / "The installation is yours. Log in.",
        BoardCreated = "board_created" / "The board is made. Add what it should show.",
        BoardCopied = "board_copied" / "The board is copied. The copy is a draft of your own until you publish it.",
        BoardSaved = "board_saved" / "The board is saved.",
        BoardPublished = "board_published" / "The board is published.",
        BoardWithdrawn = "board_withdrawn" / "The board is withdrawn; only those who may edit it see it.",
        BoardRestored = "board_restored" / "The old version is the current one again.",
        BoardDeleted = "board_deleted" / "The board is deleted.",
        DraftDiscarded = "draft_discarded" / "Your changes are discarded.",
        LoggedOut = "logged_out" / "You are logged out.",
    }
}
