//! Invented events of other domains: what an app store, servers, a shop and a payment system would send, with their days
//! and weeks, their heavy tails and their incidents. The same seed from the same minute gives the same events, in whatever
//! pieces they are taken.

mod agenda;
mod app_store;
mod payments;
mod rhythm;
mod servers;
mod shop;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::Value;

use self::agenda::Agenda;
use self::rhythm::Rhythm;
use super::dice::Dice;

/// The catalogs whose events can be invented.
pub const DOMAINS: [&str; 4] = ["app-store", "servers", "shop", "payments"];

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    pub at: DateTime<Utc>,
    /// the event's type
    pub kind: &'static str,
    /// unique among those of one stream, and of streams with other seeds
    pub id: String,
    pub data: Value,
}

/// How a domain lives: what begins in a minute, and what follows from it later.
trait Domain: Send {
    fn minute(&mut self, at: DateTime<Utc>, world: &mut World);
}

/// What a domain lives in.
struct World {
    dice: Dice,
    rhythm: Rhythm,
    agenda: Agenda,
}

/// The events of one domain, in order of time and without end.
pub struct Stream {
    seed: u64,
    domain: Box<dyn Domain>,
    world: World,
    next: DateTime<Utc>,
    given: u64,
}

impl Stream {
    /// The events of a domain from this minute on; none for a domain that cannot be invented.
    pub fn new(domain: &str, seed: u64, from: DateTime<Utc>) -> Option<Stream> {
        let mut dice = Dice::new(seed);
        let domain: Box<dyn Domain> = match domain {
            "app-store" => Box::new(app_store::AppStore::new(&mut dice)),
            "servers" => Box::new(servers::Servers::new()),
            "shop" => Box::new(shop::Shop::new()),
            "payments" => Box::new(payments::Payments::new()),
            _ => return None,
        };
        Some(Stream {
            seed,
            domain,
            world: World {
                dice,
                rhythm: Rhythm::new(seed),
                agenda: Agenda::default(),
            },
            next: from.duration_trunc(TimeDelta::minutes(1)).unwrap_or(from),
            given: 0,
        })
    }

    /// What happens before this instant and was not given yet.
    pub fn until(&mut self, end: DateTime<Utc>) -> Vec<Happening> {
        let mut happened = Vec::new();
        while self.next < end {
            self.domain.minute(self.next, &mut self.world);
            self.next += TimeDelta::minutes(1);
            // what begins in a later minute lies after all of this one
            self.give(end.min(self.next), &mut happened);
        }
        self.give(end, &mut happened);
        happened
    }

    fn give(&mut self, end: DateTime<Utc>, happened: &mut Vec<Happening>) {
        while let Some(planned) = self.world.agenda.next_before(end) {
            self.given += 1;
            happened.push(Happening {
                at: planned.at,
                kind: planned.kind,
                id: format!("{:x}-{}", self.seed, self.given),
                data: planned.data,
            });
        }
    }
}

/// An amount of money, in whole cents.
fn cents(amount: f64) -> f64 {
    (amount * 100.0).round().max(1.0) / 100.0
}

/// A number with one digit after the point.
fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn seconds(number: f64) -> TimeDelta {
    TimeDelta::milliseconds((number * 1000.0) as i64)
}

#[cfg(test)]
#[path = "../domains_tests.rs"]
mod tests;
