//! Catalogs: what importing does, what the pipeline then checks and adds, and that figures are what events say.

mod answers;
mod correlation;
mod figures;
mod pages;
mod retention;

use chrono::{DateTime, TimeDelta, Utc};
use pulseboard::audit::Actor;
use pulseboard::catalog::{self, Imported};
use pulseboard::ingest::{Incoming, Item, Origin};
use serde_json::Value;
use serde_json::value::to_raw_value;

use crate::support::TestApp;

/// A small shop with a table, a derived field and a correlation.
pub const TILL: &str = r#"
pulseboard_catalog = 1
name = "till"
version = 1
title = "Till"
allowed_lateness = "2d"
[[event]]
type = "till.sale"
title = "Sale"
actor = "/customer"
[event.schema]
type = "object"
required = ["customer", "price"]
additionalProperties = false
[event.schema.properties]
customer = { type = "string" }
price = { type = "number", minimum = 0 }
[[event.enrich]]
field = "large"
as = "price >= 100"
[[event]]
type = "till.denied"
title = "Card denied"
[event.schema.properties]
customer = { type = "string" }
[[event]]
type = "till.suspicious"
title = "Three denials, then a large sale"
[[metric]]
name = "till_sales"
title = "Sales"
unit = "€"
kind = "sum"
event = "till.sale"
value = "price"
by = ["large"]
[[metric]]
name = "till_suspicions"
title = "Suspicions"
kind = "count"
event = "till.suspicious"
[[correlation]]
emits = "till.suspicious"
title = "Three denials, then a large sale"
key = "customer"
within = "10m"
[[correlation.step]]
event = "till.denied"
count = 3
[[correlation.step]]
event = "till.sale"
where = { large = true }
[[board]]
slug = "till"
name = "Till board"
[board.definition]
widgets = [
  { id = "sales", kind = "number", title = "Sales", source = { measure = "metrics.sum.till_sales" }, place = { x = 0, y = 0, w = 3, h = 3 } },
]
"#;

/// Imports it and waits for nothing: this instance knows at once.
pub async fn import(app: &TestApp, content: &str) -> Imported {
    let done = catalog::import(&app.db, &Actor::system(), content, None).await.unwrap();
    app.ingest.definitions_changed();
    done
}

pub fn sender() -> Origin {
    Origin {
        name: "a test".into(),
        facilities: None,
    }
}

pub fn event(kind: &str, id: &str, at: DateTime<Utc>, data: &Value) -> Item {
    Item::Event(Box::new(Incoming {
        source: "test".into(),
        id: id.into(),
        kind: kind.into(),
        time: Some(at),
        subject: None,
        data: to_raw_value(data).ok(),
        facility: None,
    }))
}

/// Some instant of today that is over, on the second.
pub fn earlier(app: &TestApp, minutes: i64) -> DateTime<Utc> {
    let now = app.db.clock.now();
    DateTime::from_timestamp(now.timestamp(), 0).unwrap() - TimeDelta::minutes(minutes)
}

pub async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut app.owner().await).await.unwrap()
}
