//! What a committed fact causes, on one page: which boards change, whose rights are looked at again.
//! Every instance runs this; what must happen once in the whole installation is a job.

use crate::app::App;
use crate::ids::FacilityId;
use crate::live::{Ground, Topic, named_frame};
use crate::outbox::{Event, Heard, Listener};

/// Listens and reacts until the process ends.
pub async fn run(app: App) {
    let mut listener = Listener::new(app.db.clone());
    loop {
        match listener.next().await {
            Heard::Facts(facts) => facts
                .into_iter()
                .for_each(|(facilities, event)| react(&app, &facilities, &event)),
            Heard::Resync => {
                app.auth.forget_all();
                app.chrome.forget();
                app.ingest.definitions_changed();
                app.ingest.zones().forget();
                app.boards.all_changed();
                app.hub.resync();
            }
        }
    }
}

fn react(app: &App, facilities: &[FacilityId], event: &Event) {
    match event {
        Event::StockReceived { .. }
        | Event::UnitMoved { .. }
        | Event::UnitsExpired { .. }
        | Event::ReservationsEnded { .. }
        | Event::UnitsDispatched { .. }
        | Event::UnitsDelivered { .. }
        | Event::SummaryRefreshed { .. } => boards_changed(app, facilities, "stock"),
        Event::RequestRaised { .. } | Event::RequestDecided { .. } => boards_changed(app, facilities, "requests"),
        Event::FacilityChanged { .. } => {
            // its people's rights too: an inactive facility gives none
            app.chrome.forget();
            app.ingest.zones().forget();
            app.auth.forget_all();
            boards_changed(app, facilities, "stock");
        }
        Event::BoardChanged { board } => app.boards.redefined(*board),
        Event::BoardAccessChanged { board } => {
            app.boards.redefined(*board);
            app.hub.access_changed(Ground::Board(*board));
        }
        Event::LinkEnded { link } => app.hub.access_changed(Ground::Link(*link)),
        Event::ReferenceChanged => app.boards.all_changed(),
        Event::AccessChanged { user } => {
            app.auth.forget(*user);
            app.hub.access_changed(Ground::Person(*user));
            people_changed(app);
        }
        Event::SessionsEnded { user } => {
            app.auth.forget(*user);
            app.hub.access_changed(Ground::Person(*user));
        }
        Event::MetricsChanged => boards_changed(app, facilities, "metrics"),
        Event::DefinitionsChanged => app.ingest.definitions_changed(),
        Event::PeopleChanged => people_changed(app),
        Event::AlertsChanged => alerts_changed(app, facilities),
    }
}

/// Lists of people fetch themselves; which people these are, each viewer's rights decide.
fn people_changed(app: &App) {
    app.hub.publish(Topic::Network, named_frame("nudge", 0, "people"));
}

/// The bell and the lists of alerts fetch themselves, under their viewers' own rights.
fn alerts_changed(app: &App, facilities: &[FacilityId]) {
    let nudge = || named_frame("nudge", 0, "alerts");
    app.boards.nudge(facilities, &nudge());
    for &facility in facilities {
        app.hub.publish(Topic::Lists(facility), nudge());
    }
    app.hub.publish(Topic::Network, nudge());
}

/// The boards are rendered anew; lists on other pages of these facilities, and the network's list, are nudged to fetch
/// themselves under their viewers' own rights.
fn boards_changed(app: &App, facilities: &[FacilityId], topic: &'static str) {
    app.boards.changed(facilities);
    for &facility in facilities {
        app.hub.publish(Topic::Lists(facility), named_frame("nudge", 0, topic));
    }
    app.hub.publish(Topic::Network, named_frame("nudge", 0, "network"));
}
