//! What the forms of the admin area have in common: whose it is, and what is wrong beside each field.

use crate::app::App;
use crate::auth::Manager;
use crate::error::{Problems, Result};
use crate::facilities;
use crate::ids::FacilityId;
use crate::web::OptionView;

/// What is wrong with a form, as its template asks for it.
#[derive(Default)]
pub(super) struct Beside(pub Option<Problems>);

impl Beside {
    pub fn of(&self, field: &str) -> &str {
        self.0
            .as_ref()
            .and_then(|problems| problems.of(field))
            .unwrap_or_default()
    }
}

/// The facility that a form names; none is the network.
pub(super) fn facility(text: &str, problems: &mut Problems) -> Option<FacilityId> {
    match text.trim() {
        "" => None,
        id => id.parse().map(|id| Some(FacilityId(id))).unwrap_or_else(|_| {
            problems.add("facility", t!("Choose one of your facilities."));
            None
        }),
    }
}

/// The facilities that somebody manages, and for an administrator of the network all of them as one.
pub(super) async fn facilities(app: &App, manager: &Manager, selected: &str) -> Result<Vec<OptionView>> {
    let mut places = Vec::new();
    if manager.network_admin {
        places.push(OptionView {
            value: String::new(),
            label: t!("Every facility").into(),
            selected: selected.is_empty(),
        });
    }
    let mine = facilities::of_person(app.db.unscoped(), manager).await?;
    places.extend(
        mine.into_iter()
            .filter(|one| manager.manages(one.id))
            .map(|one| OptionView {
                selected: selected == one.id.to_string(),
                value: one.id.to_string(),
                label: one.name,
            }),
    );
    Ok(places)
}

/// The name of whose a rule, a channel or a calendar is.
pub(super) async fn place(app: &App, facility: Option<FacilityId>) -> String {
    match facility {
        None => t!("Every facility").to_owned(),
        Some(id) => app
            .chrome
            .facility(id)
            .await
            .map_or_else(|_| String::new(), |one| one.name.clone()),
    }
}
