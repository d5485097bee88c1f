//! The payment system: many small transactions and few large ones, log-ins, messages to customers; and now and then
//! somebody who guesses a password and empties an account, in waves.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Domain, World, cents, seconds};

const ACCOUNTS: usize = 3000;
const COUNTRIES: [(&str, f64); 6] = [
    ("DE", 5.0),
    ("FR", 3.0),
    ("ES", 2.0),
    ("GB", 2.0),
    ("US", 1.5),
    ("BR", 0.3),
];

pub(super) struct Payments {
    transactions: u32,
}

impl Payments {
    pub fn new() -> Self {
        Payments { transactions: 0 }
    }

    /// A transaction with its message; its name and whether it went through.
    fn pay(
        &mut self,
        at: DateTime<Utc>,
        account: &str,
        amount: f64,
        approval: f64,
        world: &mut World,
    ) -> (String, bool) {
        let World { dice, agenda, .. } = world;
        self.transactions += 1;
        let transaction = format!("t{}-{}", at.timestamp(), self.transactions);
        let approved = dice.chance(approval);
        let (country, _) = COUNTRIES[dice.weighted(COUNTRIES.iter().map(|country| country.1))];
        let method = ["card", "wallet", "transfer"][dice.weighted([7.0, 3.0, 1.0].into_iter())];
        agenda.add(
            at,
            "payment.transaction",
            json!({
                "transaction": transaction, "account": account, "amount": cents(amount), "country": country,
                "method": method, "status": if approved { "approved" } else { "declined" },
            }),
        );
        if dice.chance(0.6) {
            let channel = ["push", "mail", "sms"][dice.weighted([7.0, 2.0, 1.0].into_iter())];
            let delivered = dice.chance(0.985);
            agenda.add(
                at + seconds(dice.heavy(2.0, 0.8)),
                "payment.notification",
                json!({ "account": account, "channel": channel, "delivered": delivered }),
            );
        }
        (transaction, approved)
    }

    /// A few wrong passwords, the right one, and as much as is there.
    fn attack(&mut self, begin: DateTime<Utc>, world: &mut World) {
        let account = format!("a{}", world.dice.below(ACCOUNTS));
        let mut at = begin;
        for _ in 0..3 + world.dice.below(4) {
            log_in(at, &account, "failed", world);
            at += seconds(world.dice.heavy(20.0, 0.7));
        }
        if !world.dice.chance(0.6) {
            return;
        }
        log_in(at, &account, "ok", world);
        at += seconds(world.dice.heavy(90.0, 0.6));
        let amount = world.dice.heavy(1900.0, 0.5);
        let (transaction, approved) = self.pay(at, &account, amount, 0.75, world);
        if approved {
            let found = at + seconds(world.dice.heavy(5.0 * 3600.0, 0.8));
            let loss = cents(amount * world.dice.between(0.3, 1.0));
            world.agenda.add(
                found,
                "payment.fraud",
                json!({ "transaction": transaction, "account": account, "loss": loss, "kind": "takeover" }),
            );
        }
    }
}

fn log_in(at: DateTime<Utc>, account: &str, outcome: &str, world: &mut World) {
    world.agenda.add(
        at,
        "payment.security",
        json!({ "account": account, "action": "login", "outcome": outcome }),
    );
}

impl Domain for Payments {
    fn minute(&mut self, at: DateTime<Utc>, world: &mut World) {
        let (activity, incident) = (world.rhythm.activity(at), world.rhythm.incident(at));
        for _ in 0..world.dice.poisson(2.2 * activity) {
            let account = format!("a{}", world.dice.popular(ACCOUNTS));
            let mut when = at + seconds(world.dice.between(0.0, 60.0));
            if world.dice.chance(0.35) {
                if world.dice.chance(0.06) {
                    log_in(when, &account, "failed", world);
                    when += seconds(world.dice.heavy(8.0, 0.5));
                }
                log_in(when, &account, "ok", world);
                when += seconds(world.dice.heavy(25.0, 0.7));
            }
            let amount = world.dice.heavy(32.0, 1.15).min(20_000.0);
            let (transaction, approved) = self.pay(when, &account, amount, 0.955, world);
            if approved && world.dice.chance(0.004) {
                let found = when + seconds(world.dice.heavy(20.0 * 3600.0, 0.7));
                let kind = if world.dice.chance(0.7) {
                    "stolen_card"
                } else {
                    "friendly"
                };
                world.agenda.add(
                    found,
                    "payment.fraud",
                    json!({ "transaction": transaction, "account": account, "loss": cents(amount), "kind": kind }),
                );
            }
        }
        for _ in 0..world.dice.poisson(0.006 + 0.25 * incident) {
            let begin = at + seconds(world.dice.between(0.0, 60.0));
            self.attack(begin, world);
        }
    }
}
