//! What programs are answered about metrics of a catalog.

use chrono::{DateTime, TimeDelta};
use http::StatusCode;
use pulseboard::catalog;
use serde_json::{Value, json};

use super::import;
use crate::ingest::http::program;
use crate::support::{Answer, Client, TestApp};

async fn ask(program: &Client, path: &str) -> Value {
    let answer = program.get(&format!("/api/v1/analytics/metrics/{path}")).await.ok();
    json_of(&answer)
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(answer.body()).unwrap_or_else(|_| panic!("no JSON: {} {}", answer.status, answer.body()))
}

/// A shop in which eight people looked at a kettle in the hour before last, and two of them ordered one.
async fn shop(app: &TestApp, program: &Client) -> DateTime<chrono::Utc> {
    let shipped = catalog::shipped().iter().find(|one| one.name == "shop").unwrap();
    import(app, shipped.text).await;
    let now = app.db.clock.now().timestamp();
    let hour = DateTime::from_timestamp(now.div_euclid(3600) * 3600 - 3600, 0).unwrap();
    let happening = |kind: &str, n: i64, data: Value| {
        json!({ "specversion": "1.0", "id": format!("{kind}-{n}"), "source": "/shop", "type": kind,
                "time": (hour + TimeDelta::minutes(n) + TimeDelta::seconds(30)).to_rfc3339(), "data": data })
    };
    let mut events = Vec::new();
    for n in 0..8 {
        let visitor = format!("v{n}");
        events.push(happening(
            "shop.viewed",
            n,
            json!({ "visitor": visitor, "product": "kettle" }),
        ));
        if n % 4 == 0 {
            let order = json!({ "order": format!("o{n}"), "visitor": visitor, "product": "kettle", "quantity": 1,
                                "price": 30, "method": "card" });
            events.push(happening("shop.ordered", n, order));
        }
    }
    let batch = Value::Array(events).to_string();
    let sent = program
        .post_body("/api/v1/events", "application/cloudevents-batch+json", batch)
        .await;
    assert_eq!(json_of(&sent)["accepted"], 10, "{}", sent.body());
    hour
}

#[tokio::test]
async fn the_conversion_of_a_product_is_its_orders_by_its_views() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;
    let hour = shop(&app, &program).await;
    let end = (hour + TimeDelta::hours(1)).timestamp();

    let kettle = ask(&program, &format!("conversion/kettle?window=1h&end={end}")).await;
    let usual = ask(&program, "conversion/kettle").await;
    let along = ask(&program, &format!("shop_conversion/1h?end={end}")).await;
    let realtime = ask(&program, &format!("realtime?window=1h&end={end}")).await;

    assert_eq!(
        (&kettle["metric_name"], &kettle["product_id"], &kettle["value"]),
        (&json!("shop_conversion"), &json!("kettle"), &json!(0.25))
    );
    assert_eq!((&kettle["count"], &kettle["complete"]), (&json!(8), &json!(true)));
    assert_eq!((&usual["window"], &usual["value"]), (&json!("30d"), &json!(0.25)));
    let ratios: Vec<&Value> = along["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["value"])
        .collect();
    assert_eq!(ratios.len(), 8);
    assert_eq!(ratios[..2], [&json!(1.0), &json!(0.0)]);
    let all = realtime["metrics"].as_array().unwrap();
    let found = all.iter().find(|one| one["metric_name"] == "shop_conversion");
    assert_eq!(found.map(|one| &one["value"]), Some(&json!(0.25)));
    let before = (hour - TimeDelta::days(1)).timestamp();
    let unseen = ask(&program, &format!("conversion/kettle?window=1h&end={before}")).await;
    assert_eq!(
        (&unseen["value"], &unseen["count"], &unseen["complete"]),
        (&Value::Null, &json!(0), &json!(true))
    );
    for path in [
        "conversion/unicorn",
        "conversion/kettle?metric=shop_orders",
        "nothing/hour",
    ] {
        let answer = program.get(&format!("/api/v1/analytics/metrics/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn an_answer_along_a_time_says_from_when_to_when_how_many_and_whether_all_are_in() {
    let app = TestApp::new().await;
    let program = program(&app, None).await;
    let hour = shop(&app, &program).await;
    let end = hour + TimeDelta::minutes(5);

    let over = ask(&program, &format!("shop_views/hour?end={}", end.timestamp())).await;
    let week = ask(&program, "shop_views/week").await;
    let past = (hour + TimeDelta::hours(1)).timestamp();
    let past_week = ask(&program, &format!("shop_views/week?end={past}")).await;
    let month = ask(&program, "shop_views/month").await;

    assert_eq!(
        (&over["step"], &over["count"], &over["complete"]),
        (&json!("minute"), &json!(5), &json!(true))
    );
    let read = |value: &Value| DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap().to_utc();
    assert_eq!(
        (read(&over["from"]), read(&over["to"])),
        (end - TimeDelta::hours(1), end)
    );
    assert_eq!(read(&over["buckets"][0]["end"]), hour + TimeDelta::minutes(1));
    assert_eq!(
        (&past_week["step"], &past_week["count"], &past_week["complete"]),
        (&json!("hour"), &json!(8), &json!(true))
    );
    // more may come in this hour and on this day, though nothing has yet
    assert_eq!((&week["count"], &week["complete"]), (&json!(8), &json!(false)));
    assert_eq!(month["complete"], false);
    let last = &month["buckets"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&month["step"], read(&last["end"]) - read(&last["start"])),
        (&json!("day"), TimeDelta::days(1))
    );
    for path in [
        "shop_views/hour?kind=tumbling",
        "shop_views/soon",
        "realtime?metric=shop_views",
    ] {
        let answer = program.get(&format!("/api/v1/analytics/metrics/{path}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
}
