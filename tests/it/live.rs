//! Open streams: what comes first, what comes to whom, how many there may be, and what a slow reader gets.

use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::live::{Topic, named_frame};

use crate::support::{TestApp, eventually};

#[tokio::test]
async fn a_stream_begins_with_the_whole_state_and_knows_when_the_page_has_it() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(7).add().await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let page = client.get(&lakeside.path("")).await.ok();

    let mut stream = client.watch(lakeside.id).await;
    let stock = stream.next().await;
    let last = stream.until(|frame| frame.event == "as-of").await;
    let seen = page.attr("[hx-sse\\:connect]", "hx-sse:connect").unwrap();
    let mut current = client.watch_path(&seen).await;
    app.stock(&lakeside).quantity(1).add().await;

    assert!(stock.replaces("w-stock"), "{stock:?}");
    assert_eq!(stock.page().text(".figure a"), "7 units");
    assert_eq!(stock.id, last.id);
    assert_eq!(
        current.next().await.page().text("#w-stock .figure a"),
        "8 units",
        "nothing old is sent again"
    );
}

#[tokio::test]
async fn no_screen_is_ever_led_back_in_time() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let mut stream = client.watch(lakeside.id).await;
    let mut versions = vec![stream.until(|frame| frame.event == "as-of").await.id.unwrap()];

    for _ in 0..5 {
        app.stock(&lakeside).quantity(1).add().await;
        versions.push(stream.until(|frame| frame.event == "as-of").await.id.unwrap());
    }

    assert!(versions.is_sorted() && versions[0] < versions[5], "{versions:?}");
}

#[tokio::test]
async fn what_happens_in_one_facility_is_sent_to_nobody_elsewhere() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let elsewhere = app.log_in(Role::Staff, &[&hilltop]).await;
    let mut board = elsewhere.watch(hilltop.id).await;
    board.until(|frame| frame.event == "as-of").await;

    app.stock(&lakeside).quantity(9).add().await;
    app.stock(&hilltop).quantity(2).add().await;
    let next = board.next().await;

    assert_eq!(
        next.page().text("#w-stock .figure a"),
        "2 units",
        "the first that comes is one's own"
    );
    let last_event_id = elsewhere
        .with("last-event-id", "1")
        .get(&lakeside.path("/events"))
        .await;
    assert_eq!(last_event_id.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_write_on_one_instance_is_on_the_screens_of_the_other() {
    let app = TestApp::new().await;
    let other = app.second_instance().await;
    let lakeside = app.facility("Lakeside").await;
    let here = app.log_in(Role::Viewer, &[&lakeside]).await;
    let there = other.client().with_cookie_of(&here).await;
    let mut watch = there.watch(lakeside.id).await;
    watch.until(|frame| frame.event == "as-of").await;

    app.stock(&lakeside).quantity(4).add().await;

    assert_eq!(watch.swap_of("w-stock").await.text(".figure a"), "4 units");
    assert_eq!(
        there.get(&lakeside.path("")).await.ok().text("#w-stock .figure a"),
        "4 units"
    );
}

#[tokio::test]
async fn one_person_has_six_streams_and_gets_a_seventh_when_one_closes() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let neighbour = app.log_in(Role::Viewer, &[&lakeside]).await;
    let mut open = Vec::new();
    for _ in 0..6 {
        open.push(client.watch(lakeside.id).await);
    }

    let seventh = client.get(&lakeside.path("/events")).await;
    let neighbours = neighbour.get(&lakeside.path("/events")).await;
    open.pop();
    let again = client.get(&lakeside.path("/events")).await;

    assert_eq!(seventh.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(seventh.header("retry-after").is_some());
    assert_eq!(neighbours.status, StatusCode::OK);
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn an_instance_holds_only_so_many_streams() {
    let mut options = crate::support::options();
    options.streams.per_instance = 2;
    let app = TestApp::with(options).await;
    let lakeside = app.facility("Lakeside").await;
    let (one, two) = (
        app.log_in(Role::Viewer, &[&lakeside]).await,
        app.log_in(Role::Viewer, &[&lakeside]).await,
    );
    let held = (one.watch(lakeside.id).await, two.watch(lakeside.id).await);

    let third = one.get(&lakeside.path("/events")).await;
    drop(held);
    let after = one.get(&lakeside.path("/events")).await;

    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(after.status, StatusCode::OK);
    assert_eq!(app.hub.open(), 0, "places are given back");
}

#[tokio::test]
async fn a_reader_who_falls_behind_gets_the_present_state_and_not_the_past() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(6).add().await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let mut slow = client.watch(lakeside.id).await;
    slow.until(|frame| frame.event == "as-of").await;

    for number in 0..1000 {
        app.hub
            .publish(Topic::Board(lakeside.id), named_frame("noise", number, "x"));
    }
    let next = slow.next().await;
    let mut frames = vec![next.clone()];
    while frames.last().is_none_or(|frame| frame.event != "as-of") {
        frames.push(slow.next().await);
    }

    let noise = frames.iter().filter(|frame| frame.event == "noise").count();
    assert!(next.replaces("w-stock"), "{next:?}");
    assert!(noise <= 32, "{noise} old frames were kept for one reader");
}

#[tokio::test]
async fn a_stream_that_nobody_reads_ends_with_its_reader() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let watch = client.watch(lakeside.id).await;
    assert_eq!(app.hub.open(), 1);

    drop(watch);

    eventually("the place is given back", || async {
        (app.hub.open() == 0).then_some(())
    })
    .await;
    app.hub.sweep();
    assert!(!app.hub.is_watched(Topic::Board(lakeside.id)));
}

#[tokio::test]
async fn the_network_and_the_lists_are_told_that_something_changed_and_not_what() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let client = app.log_in(Role::Viewer, &[&hilltop]).await;
    let mut network = client.watch_path("/network/events").await;
    let mut lists = client.watch_path(&hilltop.path("/changes")).await;
    network.next().await;

    app.stock(&lakeside).add().await;
    let told = network.next().await;
    app.stock(&hilltop).add().await;
    let list = lists.next().await;

    assert_eq!((&*told.event, &*told.data), ("nudge", "network"));
    assert_eq!((&*list.event, &*list.data), ("nudge", "stock"));
}

#[tokio::test]
async fn a_stream_says_that_it_may_not_be_collected_or_kept() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;

    let head = client
        .with("accept-encoding", "gzip")
        .get(&lakeside.path("/events"))
        .await;

    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("cache-control"), Some("no-store"));
    assert_eq!(head.header("content-encoding"), None, "a packer would hold frames back");
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
}
