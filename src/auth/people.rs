//! The people who may log in, as requests need them: name, rights, state. Kept in memory for at most five seconds
//! and forgotten at once when the outbox says that something about them changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;

use crate::clock::Zone;
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::ids::{FacilityId, UserId};
use crate::text_enum::text_enum;
use crate::words::{Language, Locale, Numbers};

text_enum! {
    /// What somebody may do in a facility. Each role may do what those before it may.
    pub enum Role {
        /// sees the board and the lists
        Viewer = "viewer" / "Viewer",
        /// receives, requests, issues, sends
        Staff = "staff" / "Staff",
        /// manages the facility's people and thresholds
        FacilityAdmin = "facility_admin" / "Facility admin",
        /// may do everything everywhere
        NetworkAdmin = "network_admin" / "Network admin",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub facility: FacilityId,
    pub role: Role,
}

text_enum! {
    /// How dates are written. The 5th of March 2026 is:
    pub enum DateFormat {
        Words = "words" / "5 Mar 2026",
        Iso = "iso" / "2026-03-05",
        Slashes = "slashes" / "05/03/2026 (day first)",
        Us = "us" / "03/05/2026 (month first)",
    }
}

text_enum! {
    /// How a page follows what happens.
    pub enum Refresh {
        Live = "live" / "Live",
        Minute = "minute" / "Every minute",
        Paused = "paused" / "Only when I reload",
    }
}

/// Where somebody begins after logging in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// their first facility by name; the network for whoever has none
    #[default]
    Usual,
    Network,
    Facility(FacilityId),
}

/// How the pages are for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// none = what the browser asks for
    pub language: Option<Language>,
    pub numbers: Numbers,
    /// in which times are shown; none = the facility's
    pub zone: Option<Zone>,
    pub dates: DateFormat,
    pub refresh: Refresh,
    pub start: Start,
    /// a mail when somebody else changes their rights
    pub mail_access: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Preferences {
            language: None,
            numbers: Numbers::Usual,
            zone: None,
            dates: DateFormat::Words,
            refresh: Refresh::Live,
            start: Start::Usual,
            mail_access: true,
        }
    }
}

impl Preferences {
    /// What they read; `asked` is the language that their browser asks for.
    pub fn locale(&self, asked: Language) -> Locale {
        Locale {
            language: self.language.unwrap_or(asked),
            numbers: self.numbers,
        }
    }
}

/// A person with their rights.
#[derive(Debug)]
pub struct Person {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub network_admin: bool,
    pub disabled: bool,
    pub epoch: i64,
    pub theme: String,
    pub preferences: Preferences,
    pub memberships: Vec<Membership>,
}

impl Person {
    /// Their role in a facility; none means that for them it does not exist.
    pub fn role_in(&self, facility: FacilityId) -> Option<Role> {
        if self.network_admin {
            return Some(Role::NetworkAdmin);
        }
        self.memberships
            .iter()
            .find(|membership| membership.facility == facility)
            .map(|membership| membership.role)
    }

    /// The facilities whose people and settings they manage; all of them for an administrator of the network.
    pub fn managed(&self) -> Scope {
        if self.network_admin {
            return Scope::All;
        }
        let managed = |membership: &&Membership| membership.role >= Role::FacilityAdmin;
        let facilities = self.memberships.iter().filter(managed).map(|one| one.facility);
        Scope::Facilities(facilities.collect())
    }

    /// The facilities whose rows they may read.
    pub fn scope(&self) -> Scope {
        if self.network_admin {
            Scope::All
        } else {
            Scope::Facilities(self.memberships.iter().map(|membership| membership.facility).collect())
        }
    }

    /// Whether there is anything that they manage.
    pub fn manages_any(&self) -> bool {
        self.network_admin || self.memberships.iter().any(|one| one.role >= Role::FacilityAdmin)
    }
}

const LONGEST_MEMORY: Duration = Duration::from_secs(5);

/// Finds people, from memory where it is fresh.
#[derive(Clone)]
pub struct People {
    db: Db,
    memory: Arc<DashMap<UserId, (Instant, Arc<Person>)>>,
}

impl People {
    pub fn new(db: Db) -> Self {
        People {
            db,
            memory: Arc::default(),
        }
    }

    pub async fn find(&self, id: UserId) -> Result<Option<Arc<Person>>> {
        if let Some(known) = self.memory.get(&id)
            && known.0.elapsed() < LONGEST_MEMORY
        {
            return Ok(Some(known.1.clone()));
        }
        let Some(person) = self.load(id).await?.map(Arc::new) else {
            self.memory.remove(&id);
            return Ok(None);
        };
        self.memory.insert(id, (Instant::now(), person.clone()));
        Ok(Some(person))
    }

    pub fn forget(&self, id: UserId) {
        self.memory.remove(&id);
    }

    pub fn forget_all(&self) {
        self.memory.clear();
    }

    async fn load(&self, id: UserId) -> Result<Option<Person>> {
        let Some(row) = sqlx::query!(
            r#"select email, name, network_admin, disabled_at is not null as "disabled!", auth_epoch, theme,
                      language as "language: Language", number_format as "numbers: Numbers",
                      time_zone as "zone: Zone", date_format as "dates: DateFormat", refresh as "refresh: Refresh",
                      start_at_network, start_facility_id as "start: FacilityId", mail_access
               from users where id = $1"#,
            id.0
        )
        .fetch_optional(self.db.unscoped())
        .await?
        else {
            return Ok(None);
        };
        let memberships = sqlx::query!(
            r#"select m.facility_id, m.role as "role: Role" from memberships m
               join facilities f on f.id = m.facility_id and f.active
               where m.user_id = $1 order by f.name"#,
            id.0
        )
        .fetch_all(self.db.unscoped())
        .await?
        .into_iter()
        .map(|row| Membership {
            facility: FacilityId(row.facility_id),
            role: row.role,
        })
        .collect();
        Ok(Some(Person {
            id,
            email: row.email,
            name: row.name,
            network_admin: row.network_admin,
            disabled: row.disabled,
            epoch: row.auth_epoch,
            theme: row.theme,
            preferences: Preferences {
                language: row.language,
                numbers: row.numbers,
                zone: row.zone,
                dates: row.dates,
                refresh: row.refresh,
                start: match row.start {
                    _ if row.start_at_network => Start::Network,
                    Some(facility) => Start::Facility(facility),
                    None => Start::Usual,
                },
                mail_access: row.mail_access,
            },
            memberships,
        }))
    }
}
