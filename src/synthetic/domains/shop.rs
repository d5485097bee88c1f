//! The shop: a view precedes a click, a click a cart, a cart an order; some orders come back. When the checkout is broken,
//! carts stay full.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Domain, World, cents, seconds};

/// When, and what.
type Dated = (DateTime<Utc>, serde_json::Value);

/// Product, price, and how much it is liked.
const PRODUCTS: [(&str, f64, f64); 8] = [
    ("headphones", 129.0, 9.0),
    ("kettle", 39.9, 8.0),
    ("backpack", 69.0, 6.0),
    ("desk-lamp", 34.5, 5.0),
    ("speaker", 89.0, 4.0),
    ("espresso-machine", 449.0, 2.5),
    ("suitcase", 119.0, 2.0),
    ("office-chair", 219.0, 1.5),
];
const CAMPAIGNS: [&str; 3] = ["newsletter", "search", "friends"];

pub(super) struct Shop {
    orders: u32,
}

impl Shop {
    pub fn new() -> Self {
        Shop { orders: 0 }
    }

    /// Somebody looks around.
    fn visit(&mut self, begin: DateTime<Utc>, incident: f64, world: &mut World) {
        let World { dice, agenda, .. } = world;
        let visitor = format!("v{}", dice.popular(4000));
        let campaign = dice.chance(0.4).then(|| dice.pick(&CAMPAIGNS));
        let mut at = begin;
        // most look at one product or two, a few at very many
        let views = dice.heavy(1.6, 0.7).clamp(1.0, 25.0) as usize;
        for _ in 0..views {
            let (product, price, _) = PRODUCTS[dice.weighted(PRODUCTS.iter().map(|product| product.2))];
            let mut view = json!({ "visitor": visitor, "product": product });
            if let Some(campaign) = campaign {
                view["campaign"] = campaign.into();
            }
            agenda.add(at, "shop.viewed", view);
            if dice.chance(0.42) {
                at += seconds(dice.heavy(12.0, 0.6));
                agenda.add(at, "shop.clicked", json!({ "visitor": visitor, "product": product }));
                // what is dear is thought over
                if dice.chance(0.34 * (60.0 / price).powf(0.25)) {
                    at += seconds(dice.heavy(45.0, 0.8));
                    let quantity = (dice.heavy(1.0, 0.5) as u32).clamp(1, 12);
                    agenda.add(
                        at,
                        "shop.carted",
                        json!({ "visitor": visitor, "product": product, "quantity": quantity }),
                    );
                    if dice.chance(0.48 * (1.0 - 0.95 * incident)) {
                        let order = self.order(at, &visitor, product, price, quantity, dice);
                        at = order.0;
                        if let Some((back, refund)) = order.2 {
                            agenda.add(back, "shop.refunded", refund);
                        }
                        agenda.add(order.0, "shop.ordered", order.1);
                    }
                }
            }
            at += seconds(dice.heavy(40.0, 0.9));
        }
    }

    /// When and what, and if it comes back, when and what.
    fn order(
        &mut self,
        carted: DateTime<Utc>,
        visitor: &str,
        product: &str,
        price: f64,
        quantity: u32,
        dice: &mut super::Dice,
    ) -> (DateTime<Utc>, serde_json::Value, Option<Dated>) {
        self.orders += 1;
        let order = format!("{}-{}", carted.timestamp(), self.orders);
        let at = carted + seconds(dice.heavy(150.0, 0.9));
        let paid = cents(price * if dice.chance(0.2) { 0.9 } else { 1.0 });
        let method = ["card", "wallet", "invoice"][dice.weighted([6.0, 3.0, 1.0].into_iter())];
        let ordered = json!({
            "order": order, "visitor": visitor, "product": product, "quantity": quantity, "price": paid, "method": method,
        });
        let refund = dice.chance(0.07).then(|| {
            let amount = cents(paid * f64::from(quantity));
            let back = at + seconds(dice.heavy(30.0 * 3600.0, 0.6));
            (
                back,
                json!({ "order": order, "visitor": visitor, "product": product, "amount": amount }),
            )
        });
        (at, ordered, refund)
    }
}

impl Domain for Shop {
    fn minute(&mut self, at: DateTime<Utc>, world: &mut World) {
        let visits = world.dice.poisson(1.2 * world.rhythm.activity(at));
        let incident = world.rhythm.incident(at);
        for _ in 0..visits {
            let begin = at + seconds(world.dice.between(0.0, 60.0));
            self.visit(begin, incident, world);
        }
    }
}
