//! What pages about people have in common: the facilities that their reader manages.

use std::sync::Arc;

use crate::app::App;
use crate::auth::Manager;
use crate::error::Result;
use crate::facilities::Facility;
use crate::web::OptionView;

/// The facilities that somebody manages, by name.
pub async fn managed(app: &App, manager: &Manager) -> Result<Vec<Arc<Facility>>> {
    let all = app.chrome.all().await?;
    Ok(all.into_iter().filter(|one| manager.manages(one.id)).collect())
}

pub fn name_of(places: &[Arc<Facility>], id: i64) -> String {
    let found = places.iter().find(|place| place.id.0 == id);
    found.map_or_else(|| t!("Closed facility {id}", id), |place| place.name.clone())
}

pub fn facility_options(places: &[Arc<Facility>], chosen: &str, none: &str) -> Vec<OptionView> {
    let mut options = vec![OptionView {
        value: String::new(),
        label: none.into(),
        selected: chosen.is_empty(),
    }];
    options.extend(places.iter().map(|place| OptionView {
        value: place.id.to_string(),
        label: place.name.clone(),
        selected: place.id.to_string() == chosen,
    }));
    options
}
