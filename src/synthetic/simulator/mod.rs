//! The simulator: staff of a synthetic network who never sleep. Every second or three one of them does something
//! sensible by the commands that people use, so each act is audited, counted and told like any other.

mod acts;
mod queries;
mod traffic;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::queries::Shelf;
use super::dice::Dice;
use crate::audit::Actor;
use crate::auth::{Caller, Editor, Passwords, Person, Role, Viewer};
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::facilities::{self, Facility, FacilityKind};
use crate::ids::{FacilityId, UserId};
use crate::users::{self, NewUser};

/// How long the simulator rests between two acts: some time between these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub shortest: Duration,
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(3),
        }
    }
}

/// Keeps the network alive at the usual pace until it is told to stop.
pub async fn simulate(db: Db, stop: CancellationToken, seed: u64) {
    simulate_at(db, stop, seed, Pace::default()).await;
}

/// Keeps the network alive. Shelves stay between their levels however long it runs: nobody gives away what is low, and
/// nobody collects or asks for what is there. An act that fails (somebody else was faster) is noted and forgotten.
pub async fn simulate_at(db: Db, stop: CancellationToken, seed: u64, pace: Pace) {
    let mut simulator = match Simulator::new(db, seed).await {
        Ok(simulator) => simulator,
        Err(error) => return tracing::warn!(%error, "the simulator could not begin"),
    };
    loop {
        let rest = simulator
            .dice
            .between(pace.shortest.as_secs_f64(), pace.longest.as_secs_f64());
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs_f64(rest)) => {}
        }
        match simulator.act().await {
            Ok(Some(act)) => tracing::trace!(act = ?act, "simulated"),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "a simulated act failed"),
        }
    }
}

/// Something that somebody in a facility does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Issue,
    Transfuse,
    ReturnUnused,
    Ask,
    Answer,
    Dispatch,
    Receive,
    Collect,
    Release,
    ClearOut,
    Spoil,
}

/// How often each is thought of; it is done only where it makes sense.
const HABITS: [(Act, f64); 9] = [
    (Act::Issue, 14.0),
    (Act::Transfuse, 22.0),
    (Act::Ask, 12.0),
    (Act::Answer, 26.0),
    (Act::Dispatch, 30.0),
    (Act::Receive, 30.0),
    (Act::Collect, 20.0),
    (Act::Release, 12.0),
    (Act::ClearOut, 3.0),
];
/// What makes sense nearly always and happens seldom: in so many of all acts.
const MISHAPS: [(Act, f64); 2] = [(Act::ReturnUnused, 0.006), (Act::Spoil, 0.004)];

struct Simulator {
    db: Db,
    dice: Dice,
    person: Arc<Person>,
    facilities: Vec<Facility>,
    /// the last number of each collecting facility
    donations: HashMap<FacilityId, u32>,
}

impl Simulator {
    async fn new(db: Db, seed: u64) -> Result<Self> {
        let facilities = facilities::directory(db.unscoped()).await?;
        if facilities.is_empty() {
            return Err(Error::Conflict("There is no facility to simulate.".into()));
        }
        let person = Arc::new(person(&db).await?);
        Ok(Simulator {
            // not the throws that made the past
            dice: Dice::new(seed ^ db.clock.now().timestamp() as u64),
            db,
            person,
            facilities,
            donations: HashMap::new(),
        })
    }

    /// Goes to some facility and does the first thing there that makes sense; none where all is done.
    async fn act(&mut self) -> Result<Option<Act>> {
        const PLACES: usize = 4;
        for _ in 0..PLACES {
            let place = self
                .dice
                .weighted(self.facilities.iter().map(|facility| match facility.kind {
                    FacilityKind::BloodCenter => 8.0,
                    FacilityKind::Hospital => 3.0,
                    FacilityKind::Clinic => 0.7,
                }));
            let facility = self.facilities[place].clone();
            for (mishap, probability) in MISHAPS {
                if self.dice.chance(probability) && self.try_to(mishap, &facility).await? {
                    return Ok(Some(mishap));
                }
            }
            let mut habits = HABITS.to_vec();
            while !habits.is_empty() {
                let next = self.dice.weighted(habits.iter().map(|(_, weight)| *weight));
                let (act, _) = habits.remove(next);
                if self.try_to(act, &facility).await? {
                    return Ok(Some(act));
                }
            }
        }
        Ok(None)
    }

    async fn try_to(&mut self, act: Act, facility: &Facility) -> Result<bool> {
        match act {
            Act::Issue => self.issue(facility).await,
            Act::Transfuse => self.transfuse(facility).await,
            Act::ReturnUnused => self.return_unused(facility).await,
            Act::Ask => self.ask(facility).await,
            Act::Answer => self.answer(facility).await,
            Act::Dispatch => self.dispatch(facility).await,
            Act::Receive => self.receive(facility).await,
            Act::Collect => self.collect(facility).await,
            Act::Release => self.release(facility).await,
            Act::ClearOut => self.clear_out(facility).await,
            Act::Spoil => self.spoil(facility).await,
        }
    }

    /// The simulator at work in a facility.
    fn editor(&self, facility: FacilityId) -> Editor {
        Editor(Viewer {
            person: Caller::of(self.person.clone()),
            facility,
            role: Role::NetworkAdmin,
        })
    }

    async fn shelves(&self, facility: FacilityId) -> Result<Vec<Shelf>> {
        let mut tx = self.db.read_in_background(&Scope::of(facility)).await?;
        queries::shelves(&mut tx, facility).await
    }

    /// A shelf that lacks more than most, by its size; not always the very first, so that it does not look like a machine.
    async fn emptiest(&mut self, facility: &Facility) -> Result<Option<Shelf>> {
        let mut shelves = self.shelves(facility.id).await?;
        shelves.retain(|shelf| shelf.missing() > 0);
        shelves.sort_by_key(|shelf| -(shelf.missing() * 100 / shelf.full()));
        let first = self.dice.below(shelves.len().min(4));
        Ok(shelves.into_iter().nth(first))
    }
}

const EMAIL: &str = "simulator@demo.invalid";

/// The person whom the records name. It has a password that nobody knows and is locked out besides: it acts from within.
async fn person(db: &Db) -> Result<Person> {
    let known = sqlx::query_scalar!(r#"select id as "id: UserId" from users where email = $1"#, EMAIL)
        .fetch_optional(db.unscoped())
        .await?;
    let id = match known {
        Some(id) => id,
        None => {
            let new = NewUser {
                email: EMAIL.into(),
                name: "Simulator".into(),
                password: format!("{:032x}", rand::random::<u128>()),
                role: Role::NetworkAdmin,
                facilities: Vec::new(),
            };
            let id = users::add(db, &Passwords::default(), &Actor::system(), &new).await?;
            users::disable(db, &Actor::system(), EMAIL).await?;
            id
        }
    };
    Ok(Person {
        id,
        email: EMAIL.into(),
        name: "Simulator".into(),
        network_admin: true,
        disabled: true,
        epoch: 0,
        preferences: Default::default(),
        theme: "system".into(),
        memberships: Vec::new(),
    })
}
