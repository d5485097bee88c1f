//! What a test puts into its installation: facilities, people, stock, requests. Each facility's data carries canaries.

use chrono::{TimeDelta, Utc};
use pulseboard::audit::{Actor, Entry, Origin};
use pulseboard::auth::{Caller, Editor, KeyScope, Manager, Passwords, Role, Viewer};
use pulseboard::blood::{BloodGroup, Component, DonationNumber, MovementKind, UnitStatus};
use pulseboard::db::Scope;
use pulseboard::distributions::{self, Dispatch};
use pulseboard::ids::{DistributionId, FacilityId, RequestId, UnitId, UserId};
use pulseboard::inventory::NewUnit;
use pulseboard::inventory::ledger::{self, Change};
use pulseboard::keys::{self, NewKey};
use pulseboard::outbox::Event;
use pulseboard::requests::{self, NewRequest, Urgency};
use pulseboard::summary::{self, Trigger, Work};
use tokio::sync::OnceCell;

use super::app::TestApp;

/// Everybody's password.
pub const PASSWORD: &str = "seven quiet herons wait";

/// A facility with a blood bank.
#[derive(Clone, Debug)]
pub struct Facility {
    pub id: FacilityId,
    pub name: String,
    pub bank: i64,
    /// who does what the builders do
    pub staff: Person,
    /// a canary that nobody outside may ever see: stands in names of people and of the blood bank
    pub secret: String,
    /// a canary in lots and reasons, which the other side of a transfer or a request comes to see
    pub mark: String,
}

impl Facility {
    /// `/facilities/7` and what follows.
    pub fn path(&self, rest: &str) -> String {
        format!("/facilities/{}{rest}", self.id)
    }

    /// Its staff as the log knows them.
    pub fn actor(&self) -> Actor {
        Actor::person(self.staff.id, &self.staff.name, Origin::program())
    }
}

/// Somebody with an account, whose password is [`PASSWORD`].
#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub email: String,
    pub name: String,
}

impl TestApp {
    /// A facility in UTC.
    pub async fn facility(&self, name: &str) -> Facility {
        self.facility_in(name, "UTC").await
    }

    /// A facility in an IANA time zone.
    pub async fn facility_in(&self, name: &str, zone: &str) -> Facility {
        let mut tx = self.app.db.write(&Scope::All).await.expect("a transaction");
        let id: i64 = sqlx::query_scalar(
            "insert into facilities (name, kind, region, latitude, longitude, time_zone)
             values ($1, 'hospital', 'North', 52.5, 13.4, $2) returning id",
        )
        .bind(name)
        .bind(zone)
        .fetch_one(&mut *tx)
        .await
        .expect("a facility");
        let id = FacilityId(id);
        let (secret, mark) = (self.shared.canaries.hatch(id), self.shared.canaries.hatch(id));
        let bank = sqlx::query_scalar("insert into blood_banks (facility_id, name) values ($1, $2) returning id")
            .bind(id.0)
            .bind(format!("Bank {secret}"))
            .fetch_one(&mut *tx)
            .await
            .expect("a blood bank");
        // or the first look at its board would be a change of it
        summary::refresh(&mut tx, &[id], Trigger::Write)
            .await
            .expect("a summary");
        tx.commit().await.expect("a commit");
        self.app.chrome.forget();
        let nobody = Person {
            id: UserId(0),
            email: String::new(),
            name: String::new(),
        };
        let mut facility = Facility {
            id,
            name: name.into(),
            bank,
            staff: nobody,
            secret,
            mark,
        };
        facility.staff = self.person(Role::Staff, &[&facility]).await;
        facility
    }

    /// Somebody new with a role in these facilities; a network administrator needs none.
    pub async fn person(&self, role: Role, facilities: &[&Facility]) -> Person {
        let secret = facilities.first().map_or("", |facility| &facility.secret);
        let name = format!("Sam {secret}").trim().to_owned();
        let email = format!("{}.{:08x}@example.org", role.as_str(), rand::random::<u32>());
        let id: i64 = sqlx::query_scalar(
            "insert into users (email, name, password_hash, network_admin) values ($1, $2, $3, $4) returning id",
        )
        .bind(&email)
        .bind(&name)
        .bind(hash_of_password().await)
        .bind(role == Role::NetworkAdmin)
        .fetch_one(self.app.db.unscoped())
        .await
        .expect("a person");
        if role != Role::NetworkAdmin {
            let facilities: Vec<i64> = facilities.iter().map(|facility| facility.id.0).collect();
            sqlx::query("insert into memberships (user_id, facility_id, role) select $1, unnest($2::bigint[]), $3")
                .bind(id)
                .bind(&facilities)
                .bind(role.as_str())
                .execute(self.app.db.unscoped())
                .await
                .expect("memberships");
        }
        Person {
            id: UserId(id),
            email,
            name,
        }
    }

    /// A browser in which somebody new with this role is logged in.
    pub async fn log_in(&self, role: Role, facilities: &[&Facility]) -> super::Client {
        let person = self.person(role, facilities).await;
        self.client().log_in(&person.email).await
    }

    /// Whoever may administer these facilities, for calling a command without a page.
    pub async fn manager(&self, role: Role, facilities: &[&Facility]) -> Manager {
        let person = self.person(role, facilities).await;
        let found = self.app.auth.people.find(person.id).await.expect("people can be read");
        Manager(Caller::of(found.expect("the manager exists")))
    }

    /// A key that reads this facility: its text and its number.
    pub async fn key_of(&self, facility: &Facility) -> (String, i64) {
        let manager = self.manager(Role::FacilityAdmin, &[facility]).await;
        let new = NewKey {
            name: format!("Sheet {}", facility.secret),
            scopes: vec![KeyScope::Read],
            facilities: Some(vec![facility.id]),
            days: 30,
        };
        let text = keys::create(&self.app.db, &manager, &new).await.expect("a key");
        let id = sqlx::query_scalar("select max(id) from api_keys")
            .fetch_one(self.app.db.unscoped())
            .await
            .expect("its number");
        (text, id)
    }

    /// Stock to add: twelve O− red cells in a lot, unless told.
    pub fn stock<'a>(&'a self, facility: &'a Facility) -> Stock<'a> {
        let now = self.app.db.clock.now();
        Stock {
            app: self,
            facility,
            to: UnitStatus::Available,
            new: NewUnit {
                blood_bank: facility.bank,
                component: Component::RedCells,
                group: BloodGroup::ONegative,
                quantity: 12,
                donation_number: None,
                lot: Some(format!("LOT-{}", facility.mark)),
                collected_at: now - TimeDelta::days(1),
                expires_at: now + TimeDelta::days(30),
            },
        }
    }

    /// An urgent request for four O− red cells, put to the facilities; its reason carries the mark of who raised it.
    pub async fn request(&self, from: &Facility, to: &[&Facility]) -> RequestId {
        to.iter().for_each(|recipient| self.share(from, recipient));
        let new = NewRequest {
            component: Component::RedCells,
            group: BloodGroup::ONegative,
            quantity: 4,
            urgency: Urgency::Urgent,
            needed_by: None,
            reason: format!("Surgery {}", from.mark),
            recipients: to.iter().map(|recipient| recipient.id).collect(),
        };
        requests::commands::raise(&self.app.db, &self.editor(from).await, &new)
            .await
            .expect("the request is taken")
    }

    /// A lot of five O− red cells on its way from one facility to another; the sender's mark is then known to both.
    pub async fn delivery(&self, from: &Facility, to: &Facility) -> DistributionId {
        self.share(from, to);
        let lot = self.stock(from).quantity(5).add().await;
        let dispatch = Dispatch {
            to: to.id,
            request: None,
            component: Component::RedCells,
            group: BloodGroup::ONegative,
            chosen: vec![(lot, 5)],
            override_reason: String::new(),
            note: format!("Box {}", from.mark),
        };
        distributions::commands::dispatch(&self.app.db, &self.editor(from).await, &dispatch)
            .await
            .expect("the units are sent")
    }

    /// Somebody of the facility's staff, for calling a command without a page.
    pub async fn editor(&self, facility: &Facility) -> Editor {
        let person = self
            .app
            .auth
            .people
            .find(facility.staff.id)
            .await
            .expect("people can be read");
        Editor(Viewer {
            person: Caller::of(person.expect("the staff exist")),
            facility: facility.id,
            role: Role::Staff,
        })
    }

    /// What follows shows a facility's mark to another one, as a delivery does.
    pub fn share(&self, of: &Facility, with: &Facility) {
        self.shared.canaries.share(&of.mark, with.id);
    }
}

/// Stock on its way into the books.
pub struct Stock<'a> {
    app: &'a TestApp,
    facility: &'a Facility,
    to: UnitStatus,
    pub new: NewUnit,
}

impl Stock<'_> {
    pub fn of(mut self, component: Component, group: BloodGroup) -> Self {
        self.new.component = component;
        self.new.group = group;
        self
    }

    pub fn quantity(mut self, quantity: i32) -> Self {
        self.new.quantity = quantity;
        self
    }

    /// A single unit with its donation number instead of a lot.
    pub fn unit(mut self, number: &str) -> Self {
        self.new.donation_number = Some(number.parse::<DonationNumber>().expect("a donation number"));
        self.new.lot = None;
        self.new.quantity = 1;
        self
    }

    pub fn expires_in(mut self, time: TimeDelta) -> Self {
        self.new.expires_at = Utc::now() + self.app.app.db.clock.offset() + time;
        self.new.collected_at = self.new.expires_at.min(self.new.collected_at) - TimeDelta::days(1);
        self
    }

    pub fn quarantined(mut self) -> Self {
        self.to = UnitStatus::Quarantined;
        self
    }

    /// Books it the way every receipt is booked.
    pub async fn add(self) -> UnitId {
        let (db, facility) = (&self.app.app.db, self.facility);
        let mut work = Work::begin(db, facility.actor(), &[facility.id])
            .await
            .expect("a transaction");
        let change = Change::of(MovementKind::Received);
        let id = ledger::arrive(&mut work, facility.id, &self.new, self.to, &change)
            .await
            .expect("the stock is taken");
        let entry = Entry::new("received", "unit")
            .of(facility.id)
            .about(id.0)
            .detail(serde_json::json!({ "units": self.new.quantity }));
        let event = Event::StockReceived { facility: facility.id };
        work.commit(entry, &event).await.expect("a commit");
        id
    }
}

/// Computed once: hashing is slow on purpose.
async fn hash_of_password() -> &'static str {
    static HASH: OnceCell<String> = OnceCell::const_new();
    HASH.get_or_init(|| async { Passwords::default().hash(PASSWORD).await.expect("a hash") })
        .await
}
