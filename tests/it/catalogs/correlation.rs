//! Schemas refuse what is wrong and let the rest of a batch pass; correlation finds each case once, in whatever pieces, order
//! and number of times its events arrive, and through whichever instance.

use chrono::TimeDelta;
use futures_util::future::join_all;
use pulseboard::ingest::{Item, Pipeline, Verdict};
use serde_json::json;

use super::{TILL, earlier, event, import, number, sender};
use crate::support::TestApp;

/// Three denials and a large sale of this customer within ten minutes.
fn case(app: &TestApp, customer: &str) -> Vec<Item> {
    let begin = earlier(app, 60);
    let who = json!({ "customer": customer });
    let mut items: Vec<Item> = (0..3)
        .map(|nr| {
            event(
                "till.denied",
                &format!("{customer}-{nr}"),
                begin + TimeDelta::minutes(nr),
                &who,
            )
        })
        .collect();
    let sale = json!({ "customer": customer, "price": 250 });
    items.push(event(
        "till.sale",
        &format!("{customer}-sale"),
        begin + TimeDelta::minutes(5),
        &sale,
    ));
    items
}

async fn told(app: &TestApp) -> i64 {
    while app.ingest.tell_some_cases().await.unwrap() > 0 {}
    let events = number(
        app,
        "select count(*) from events e join event_types t on t.id = e.type_id where t.name = 'till.suspicious'",
    )
    .await;
    let counted = number(
        app,
        "select coalesce(sum(r.count), 0)::bigint from rollups r join series s on s.id = r.series_id
         join metric_definitions m on m.id = s.metric_id where m.name = 'till_suspicions' and r.step = 'day'",
    )
    .await;
    assert_eq!(events, counted, "what is told feeds its metric");
    events
}

#[tokio::test]
async fn what_breaks_the_schema_is_refused_with_place_and_reason_and_the_rest_is_kept() {
    let app = TestApp::new().await;
    import(&app, TILL).await;
    let at = earlier(&app, 5);
    let sale = |id: &str, data| event("till.sale", id, at, &data);
    let batch = vec![
        sale("1", json!({ "customer": "ada", "price": 120 })),
        sale("2", json!({ "customer": "ada", "price": -1 })),
        sale("3", json!({ "price": 3 })),
        sale("4", json!({ "customer": "noa", "price": 3, "tip": 1 })),
        sale("5", json!({ "customer": "noa", "price": 7.5 })),
    ];

    let verdicts = app.ingest.submit(&sender(), batch).await.unwrap();

    assert_eq!((&verdicts[0], &verdicts[4]), (&Verdict::ACCEPTED, &Verdict::ACCEPTED));
    assert_eq!(
        verdicts[1],
        Verdict::Rejected("data/price: -1 is less than the minimum of 0".into())
    );
    assert_eq!(
        verdicts[2],
        Verdict::Rejected("data: \"customer\" is a required property".into())
    );
    assert!(matches!(&verdicts[3], Verdict::Rejected(reason) if reason.contains("'tip' was unexpected")));
    assert_eq!(number(&app, "select count(*) from events").await, 2);
    assert_eq!(
        number(
            &app,
            "select count(*) from events where actor = 'ada' and data @> '{\"large\": true}'"
        )
        .await,
        1,
        "enriched as it is kept"
    );
}

#[tokio::test]
async fn a_case_is_told_once_in_one_batch_in_several_backwards_and_twice() {
    let app = TestApp::new().await;
    import(&app, TILL).await;

    app.ingest.submit(&sender(), case(&app, "one-batch")).await.unwrap();
    assert_eq!(told(&app).await, 1);

    let pieces = case(&app, "pieces");
    for piece in &pieces {
        app.ingest.submit(&sender(), vec![piece.clone()]).await.unwrap();
    }
    assert_eq!(told(&app).await, 2);

    let backwards = case(&app, "backwards");
    for piece in backwards.iter().rev() {
        app.ingest.submit(&sender(), vec![piece.clone()]).await.unwrap();
    }
    assert_eq!(told(&app).await, 3);

    for all in [&pieces, &backwards, &pieces] {
        let again = app.ingest.submit(&sender(), all.clone()).await.unwrap();
        assert!(again.iter().all(|verdict| *verdict == Verdict::Duplicate), "{again:?}");
    }
    assert_eq!(told(&app).await, 3);
}

#[tokio::test]
async fn what_is_no_case_is_not_told() {
    let app = TestApp::new().await;
    import(&app, TILL).await;
    let without_a_denial: Vec<Item> = case(&app, "two").into_iter().skip(1).collect();
    let mut late = case(&app, "late");
    late.pop();
    let sale = json!({ "customer": "late", "price": 250 });
    late.push(event(
        "till.sale",
        "too-late",
        earlier(&app, 60) + TimeDelta::minutes(11),
        &sale,
    ));
    let mut others = case(&app, "mine");
    others.pop();
    let sale = json!({ "customer": "somebody else", "price": 250 });
    others.push(event("till.sale", "not-mine", earlier(&app, 55), &sale));

    for batch in [without_a_denial, late, others] {
        app.ingest.submit(&sender(), batch).await.unwrap();
    }

    assert_eq!(told(&app).await, 0);
}

#[tokio::test]
async fn several_instances_tell_a_case_once() {
    let app = TestApp::new().await;
    import(&app, TILL).await;
    let instances: Vec<Pipeline> = (0..3).map(|_| Pipeline::new(app.db.clone())).collect();
    let customers: Vec<String> = (0..6).map(|nr| format!("customer-{nr}")).collect();
    let mut sent = Vec::new();
    for (nr, customer) in customers.iter().enumerate() {
        for (at, item) in case(&app, customer).into_iter().enumerate() {
            // each event through two instances, its case through all
            for turn in 0..2 {
                sent.push((instances[(nr + at + turn) % 3].clone(), item.clone()));
            }
        }
    }

    let origin = sender();
    let submissions = sent.into_iter().map(|(instance, item)| {
        let origin = &origin;
        async move {
            let effect: pulseboard::ingest::Effect = Box::new(|_, _| Box::pin(async { Ok(()) }));
            instance.submit_with(origin, vec![item], effect).await.unwrap()
        }
    });
    join_all(submissions).await;
    join_all(
        instances
            .iter()
            .map(|instance| async move { instance.tell_some_cases().await.unwrap() }),
    )
    .await;

    assert_eq!(told(&app).await, 6);
}
