//! The pages of stock: the list, the form for a delivery, a unit with its history and what may be done with it, and
//! the issue to a patient. Every page is a plain form; a script makes scanning comfortable.

mod delivery;
mod delivery_form;
mod flows;
mod issue;
mod issue_form;
mod list;
mod thresholds;
mod unit;
mod unit_form;
mod unit_history;
mod words;

use crate::app::App;
use crate::auth::Access;
use crate::web::Routes;

/// Everything under `/facilities/{facility_id}` that is about units.
pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/facilities/{facility_id}/inventory", Access::Viewer, list::index)
        .get("/facilities/{facility_id}/movements", Access::Viewer, flows::index)
        .get("/facilities/{facility_id}/inventory/new", Access::Staff, delivery::new)
        .post("/facilities/{facility_id}/inventory", Access::Staff, delivery::create)
        .get(
            "/facilities/{facility_id}/inventory/{unit_id}",
            Access::Viewer,
            unit::show,
        )
        .post(
            "/facilities/{facility_id}/inventory/{unit_id}/discard",
            Access::Staff,
            unit::discard,
        )
        .post(
            "/facilities/{facility_id}/inventory/{unit_id}/release",
            Access::Staff,
            unit::release,
        )
        .post(
            "/facilities/{facility_id}/inventory/{unit_id}/quarantine",
            Access::Staff,
            unit::quarantine,
        )
        .post(
            "/facilities/{facility_id}/inventory/{unit_id}/return",
            Access::Staff,
            unit::take_back,
        )
        .post(
            "/facilities/{facility_id}/inventory/{unit_id}/transfusion",
            Access::Staff,
            unit::transfuse,
        )
        .post(
            "/facilities/{facility_id}/inventory/{unit_id}/reversal",
            Access::Staff,
            unit::reverse,
        )
        .post(
            "/facilities/{facility_id}/inventory/{unit_id}/positive-test",
            Access::Staff,
            unit::positive_test,
        )
        .get(
            "/facilities/{facility_id}/thresholds",
            Access::FacilityAdmin,
            thresholds::edit,
        )
        .post(
            "/facilities/{facility_id}/thresholds",
            Access::FacilityAdmin,
            thresholds::save,
        )
        .get("/facilities/{facility_id}/issues/new", Access::Staff, issue::new)
        .post("/facilities/{facility_id}/issues", Access::Staff, issue::create)
}
