//! The app store: developers submit apps, reviewers take hours to decide, what is verified is downloaded and bought, a few
//! apps by nearly everybody. Whoever is rejected often tries again. In a bad hour a new rule rejects most.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::dice::Dice;
use super::{Domain, World, cents, seconds};

const CATEGORIES: [(&str, f64); 5] = [
    ("games", 5.0),
    ("productivity", 3.0),
    ("education", 2.0),
    ("health", 1.5),
    ("music", 1.0),
];
const REASONS: [&str; 4] = ["metadata", "crash", "privacy", "content"];
const COUNTRIES: [&str; 6] = ["DE", "FR", "GB", "US", "ES", "PL"];
const REVIEWERS: usize = 12;
/// Apps that are known at the beginning, and at most.
const AT_FIRST: usize = 60;
const AT_MOST: usize = 600;

struct App {
    name: String,
    category: &'static str,
    /// nothing: free
    price: f64,
    from: DateTime<Utc>,
}

pub(super) struct AppStore {
    apps: Vec<App>,
    submitted: u32,
}

impl AppStore {
    pub fn new(dice: &mut Dice) -> Self {
        let known = |number| {
            let (category, _) = CATEGORIES[dice.weighted(CATEGORIES.iter().map(|one| one.1))];
            App {
                name: format!("app-{number}"),
                category,
                price: price(dice),
                from: DateTime::UNIX_EPOCH,
            }
        };
        AppStore {
            apps: (0..AT_FIRST).map(known).collect(),
            submitted: 0,
        }
    }

    /// A submission, its review, and perhaps another one.
    fn submit(&mut self, begin: DateTime<Utc>, incident: f64, world: &mut World) {
        let World { dice, agenda, .. } = world;
        let developer = format!("d{}", dice.popular(400));
        let (category, _) = CATEGORIES[dice.weighted(CATEGORIES.iter().map(|one| one.1))];
        let mut at = begin;
        for _ in 0..4 {
            self.submitted += 1;
            let app = format!("app-{}-{}", begin.timestamp(), self.submitted);
            agenda.add(
                at,
                "app.created",
                json!({ "app": app, "developer": developer, "category": category }),
            );
            let hours = dice.heavy(5.0, 0.7);
            let decided = at + seconds(hours * 3600.0);
            let hours = super::tenths(hours);
            let reviewer = format!("r{}", dice.below(REVIEWERS));
            if dice.chance(0.8 - 0.6 * incident) {
                agenda.add(
                    decided,
                    "app.verified",
                    json!({ "app": app, "reviewer": reviewer, "category": category, "hours": hours }),
                );
                if self.apps.len() == AT_MOST {
                    self.apps.pop();
                }
                // somewhere among the others, for most it is far down
                let place = dice.between(0.0, self.apps.len() as f64) as usize;
                let price = price(dice);
                self.apps.insert(
                    place,
                    App {
                        name: app,
                        category,
                        price,
                        from: decided,
                    },
                );
                return;
            }
            let reason = REASONS[dice.weighted([4.0, 3.0, 2.0, 1.0].into_iter())];
            agenda.add(
                decided,
                "app.rejected",
                json!({
                    "app": app, "developer": developer, "reviewer": reviewer, "category": category, "hours": hours,
                    "reason": reason,
                }),
            );
            if !dice.chance(0.55) {
                return;
            }
            at = decided + seconds(dice.heavy(2.0 * 3600.0, 0.8));
        }
    }

    fn download(&self, at: DateTime<Utc>, world: &mut World) {
        let World { dice, agenda, .. } = world;
        let app = &self.apps[dice.popular(self.apps.len())];
        if app.from > at {
            return;
        }
        let customer = format!("c{}", dice.popular(20_000));
        let country = dice.pick(&COUNTRIES);
        agenda.add(
            at,
            "app.downloaded",
            json!({ "app": app.name, "customer": customer, "category": app.category, "country": country }),
        );
        // a free app sells something to few, later
        let (bought, price) = match app.price {
            0.0 => (dice.chance(0.04), cents(dice.heavy(3.0, 0.8))),
            price => (true, price),
        };
        if bought {
            agenda.add(
                at + seconds(dice.heavy(5.0, 0.5)),
                "app.sold",
                json!({ "app": app.name, "customer": customer, "category": app.category, "price": price }),
            );
        }
    }
}

/// Most are free.
fn price(dice: &mut Dice) -> f64 {
    [0.0, 0.99, 1.99, 4.99, 9.99][dice.weighted([70.0, 10.0, 9.0, 7.0, 4.0].into_iter())]
}

impl Domain for AppStore {
    fn minute(&mut self, at: DateTime<Utc>, world: &mut World) {
        let (activity, incident) = (world.rhythm.activity(at), world.rhythm.incident(at));
        for _ in 0..world.dice.poisson(0.12 * activity) {
            let begin = at + seconds(world.dice.between(0.0, 60.0));
            self.submit(begin, incident, world);
        }
        for _ in 0..world.dice.poisson(2.5 * activity) {
            let when = at + seconds(world.dice.between(0.0, 60.0));
            self.download(when, world);
        }
    }
}
