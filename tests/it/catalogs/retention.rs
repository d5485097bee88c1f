//! Events and points are kept as long as their catalog says, and not longer.

use chrono::TimeDelta;
use pulseboard::ingest;
use serde_json::json;

use super::{TILL, earlier, event, import, number, sender};
use crate::support::TestApp;

#[tokio::test]
async fn points_go_when_their_catalog_says_so_and_their_sums_stay() {
    let app = TestApp::new().await;
    let brief = TILL.replace(
        "allowed_lateness = \"2d\"",
        "allowed_lateness = \"2d\"\npoints = \"3d\"\nretention = \"5d\"",
    );
    import(&app, &brief).await;
    let sale = json!({ "customer": "ada", "price": 20 });
    let batch = vec![event("till.sale", "1", earlier(&app, 10), &sale)];
    assert!(app.ingest.submit(&sender(), batch).await.unwrap()[0].is_good());
    let kept = async || {
        ingest::keep(&app.db).await.unwrap();
        (
            number(&app, "select count(*) from points").await,
            number(&app, "select count(*) from events").await,
        )
    };

    let at_once = kept().await;
    app.travel(TimeDelta::days(4));
    let without_points = kept().await;
    app.travel(TimeDelta::days(2));
    let without_events = kept().await;

    assert_eq!(
        (at_once, without_points, without_events),
        ((1, 1), (0, 1), (0, 0)),
        "points, events"
    );
    assert_eq!(number(&app, "select count(*) from rollups where step = 'day'").await, 1);
    let ahead = "select count(*) from parts.days where day > (now() + interval '6 days')::date";
    assert!(number(&app, ahead).await > 0, "days are made ahead");
}
