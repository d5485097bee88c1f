//! The pages of alerts: those of a facility, those of all that somebody sees, the bell, and the rules and channels in the
//! admin area.

mod channels;
mod choice;
mod list;
mod preview;
mod rule_form;
mod rules;

use crate::app::App;
use crate::auth::Access;
use crate::web::Routes;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/alerts", Access::SignedIn, list::everywhere)
        .get("/alerts/bell", Access::SignedIn, list::bell)
        .get("/facilities/{facility_id}/alerts", Access::Viewer, list::of_facility)
        .post(
            "/facilities/{facility_id}/alerts/{alert_id}/acknowledgement",
            Access::Staff,
            list::acknowledge,
        )
        .post("/facilities/{facility_id}/silences", Access::Staff, list::silence)
        .post(
            "/facilities/{facility_id}/silences/{silence_id}/end",
            Access::Staff,
            list::end_silence,
        )
        .get("/admin/alerts", Access::Manager, rules::index)
        .get("/admin/alerts/new", Access::Manager, rules::new)
        .post("/admin/alerts", Access::Manager, rules::create)
        .get("/admin/alerts/{rule_id}", Access::Manager, rules::edit)
        .post("/admin/alerts/{rule_id}", Access::Manager, rules::change)
        .post("/admin/alerts/{rule_id}/removal", Access::Manager, rules::remove)
        .get("/admin/channels", Access::Manager, channels::index)
        .post("/admin/channels", Access::Manager, channels::create)
        .post("/admin/channels/{channel_id}/test", Access::Manager, channels::test)
        .post(
            "/admin/channels/{channel_id}/removal",
            Access::Manager,
            channels::remove,
        )
}
