//! The frame of a page for somebody: the facilities they may switch to, their role where they are, their theme.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use std::collections::HashMap;

use super::hours::{self, WorkingCalendar};
use super::{Facility, queries};
use crate::auth::{DateFormat, Person, Preferences, Refresh, Viewer};
use crate::clock::Zone;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::ids::FacilityId;
use crate::web::{FacilityLink, Here, Layout};

type Directory = HashMap<FacilityId, Arc<Facility>>;
type Calendars = HashMap<FacilityId, WorkingCalendar>;

const LONGEST_MEMORY: Duration = Duration::from_secs(30);
/// More facilities than this are found on the network page, not in a menu.
const LONGEST_MENU: usize = 12;

/// Builds layouts. Keeps the directory of facilities in memory for half a minute, and forgets it when one changes.
#[derive(Clone)]
pub struct Chrome {
    db: Db,
    synthetic: bool,
    freshness: Duration,
    directory: Arc<ArcSwap<(Option<Instant>, Directory)>>,
    calendars: Arc<ArcSwap<(Option<Instant>, Calendars)>>,
}

impl Chrome {
    /// `freshness`: see `app::Options`; a minute later, screens call what they show stale.
    pub fn new(db: Db, synthetic: bool, freshness: Duration) -> Self {
        Chrome {
            db,
            synthetic,
            freshness,
            directory: Arc::default(),
            calendars: Arc::default(),
        }
    }

    /// A page that belongs to no facility. Whoever works in only one stays in it: its pages are in the menu.
    pub async fn page(&self, person: &Person, here: &Here, title: &str, active: &str) -> Result<Layout> {
        let only = match (&person.memberships[..], person.network_admin) {
            ([one], false) => Some(self.facility(one.facility).await?),
            _ => None,
        };
        Ok(Layout {
            title: title.into(),
            facility_id: only.as_ref().map(|one| one.id.0),
            facility_name: only.map_or_else(String::new, |one| one.name.clone()),
            facilities: self.menu(person).await?,
            role: if person.network_admin {
                "network_admin".into()
            } else {
                highest_role(person)
            },
            ..self.base(person, here, active)
        })
    }

    /// A page of the viewer's facility.
    pub async fn facility_page(&self, viewer: &Viewer, here: &Here, title: &str, active: &str) -> Result<Layout> {
        let facility = self.facility(viewer.facility).await?;
        Ok(Layout {
            title: title.into(),
            facility_id: Some(viewer.facility.0),
            facility_name: facility.name.clone(),
            facilities: self.menu(&viewer.person).await?,
            zone: facility.zone.as_str().into(),
            role: viewer.role.as_str().into(),
            trail: here.trail(),
            via: here.via().unwrap_or_default(),
            ..self.base(&viewer.person, here, active)
        })
    }

    /// A page before log-in.
    pub fn outside(&self, here: &Here, title: &str) -> Layout {
        Layout::outside(title, here, self.synthetic)
    }

    /// One facility of the directory, from memory.
    pub async fn facility(&self, id: FacilityId) -> Result<Arc<Facility>> {
        self.directory().await?.1.get(&id).cloned().ok_or(Error::NotFound)
    }

    /// The whole directory by name, from memory.
    pub async fn all(&self) -> Result<Vec<Arc<Facility>>> {
        let mut all: Vec<Arc<Facility>> = self.directory().await?.1.values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// How many active facilities there are.
    pub async fn count(&self) -> Result<usize> {
        Ok(self.directory().await?.1.len())
    }

    /// The working calendars of all facilities that have one, from memory.
    pub async fn calendars(&self) -> Result<Arc<(Option<Instant>, Calendars)>> {
        let known = self.calendars.load_full();
        if known.0.is_some_and(|at| at.elapsed() < LONGEST_MEMORY) {
            return Ok(known);
        }
        let mut connection = self.db.unscoped().acquire().await?;
        let fresh = hours::calendars(&mut connection, None).await?;
        let fresh = Arc::new((Some(Instant::now()), fresh));
        self.calendars.store(fresh.clone());
        Ok(fresh)
    }

    /// Some facility changed.
    pub fn forget(&self) {
        self.directory.store(Arc::default());
        self.calendars.store(Arc::default());
    }

    fn base(&self, person: &Person, here: &Here, active: &str) -> Layout {
        let Preferences {
            zone, dates, refresh, ..
        } = &person.preferences;
        Layout {
            // a wall is read by everybody who stands before it
            reading_zone: zone
                .filter(|_| !here.wall)
                .map_or("", |zone: Zone| zone.as_str())
                .into(),
            dates: if *dates == DateFormat::Words {
                ""
            } else {
                dates.as_str()
            }
            .into(),
            refresh: if *refresh == Refresh::Live {
                ""
            } else {
                refresh.as_str()
            }
            .into(),
            user_name: person.name.clone(),
            theme: if person.theme == "system" {
                String::new()
            } else {
                person.theme.clone()
            },
            active: active.into(),
            synthetic: self.synthetic,
            freshness_seconds: self.freshness.as_secs() as i64,
            wall: here.wall,
            path: here.path.clone(),
            notice: here.notice(),
            ..Layout::default()
        }
    }

    async fn menu(&self, person: &Person) -> Result<Vec<FacilityLink>> {
        let directory = self.directory().await?;
        let link = |facility: &Arc<Facility>| FacilityLink {
            id: facility.id.0,
            name: facility.name.clone(),
            place: facility.region.clone(),
        };
        if person.network_admin {
            let mut first: Vec<&Arc<Facility>> = directory.1.values().collect();
            first.sort_by(|a, b| a.name.cmp(&b.name));
            return Ok(first.into_iter().take(LONGEST_MENU).map(link).collect());
        }
        let mine = person
            .memberships
            .iter()
            .filter_map(|membership| directory.1.get(&membership.facility));
        Ok(mine.take(LONGEST_MENU).map(link).collect())
    }

    async fn directory(&self) -> Result<Arc<(Option<Instant>, Directory)>> {
        let known = self.directory.load_full();
        if known.0.is_some_and(|at| at.elapsed() < LONGEST_MEMORY) {
            return Ok(known);
        }
        let all = queries::directory(self.db.unscoped()).await?;
        let fresh = all
            .into_iter()
            .map(|facility| (facility.id, Arc::new(facility)))
            .collect();
        self.directory.store(Arc::new((Some(Instant::now()), fresh)));
        Ok(self.directory.load_full())
    }
}

fn highest_role(person: &Person) -> String {
    person
        .memberships
        .iter()
        .map(|membership| membership.role)
        .max()
        .map_or_else(String::new, |role| role.as_str().into())
}
