//! The tests' own ground: that a clone is quick, that a page can be read, a stream watched, an escaped canary caught.

use std::time::{Duration, Instant};

use http::StatusCode;
use pulseboard::auth::Role;

use crate::support::{Database, TestApp};

#[tokio::test]
async fn a_test_gets_a_database_of_its_own_in_a_moment() {
    let _first = Database::clone_of_template().await;
    let begun = Instant::now();

    let _second = Database::clone_of_template().await;

    println!("a clone takes {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_millis(1500));
}

#[tokio::test]
async fn stock_that_arrives_is_on_every_open_board_of_the_facility() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(12).add().await;
    let viewer = app.log_in(Role::Viewer, &[&lakeside]).await;
    let page = viewer.get(&lakeside.path("")).await.ok();
    let mut watch = viewer.watch(lakeside.id).await;
    watch.until(|frame| frame.event == "as-of").await;

    app.stock(&lakeside).quantity(3).add().await;

    assert_eq!(page.text("#w-stock .figure a"), "12 units");
    assert_eq!(watch.swap_of("w-stock").await.text(".figure a"), "15 units");
    let again = viewer.get(&lakeside.path("")).await.ok();
    assert_eq!(again.text("#w-stock .figure a"), "15 units");
    app.verify().await;
}

#[tokio::test]
#[should_panic(expected = "/login")]
async fn a_canary_that_reaches_a_stranger_fails_the_test() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;

    let echoed = app.client().try_log_in(&lakeside.secret, "not the password").await;

    assert_eq!(echoed.status, StatusCode::UNPROCESSABLE_ENTITY);
}
