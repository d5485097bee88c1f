//! Boards that one instance rendered and another sends: only while they are what would be rendered now.

use chrono::TimeDelta;
use pulseboard::auth::Role;
use pulseboard::db::Scope;
use pulseboard::summary;

use crate::support::{Client, Facility, TestApp, eventually};

/// Somebody's browser, and the board that they have just been sent, once it is kept for other instances.
async fn kept(app: &TestApp, facility: &Facility) -> Client {
    let viewer = app.log_in(Role::Viewer, &[facility]).await;
    viewer.get(&facility.path("")).await.ok();
    is_kept(app, facility).await;
    viewer
}

async fn is_kept(app: &TestApp, facility: &Facility) {
    eventually("the rendering of the present summary is kept", || async {
        sqlx::query_scalar::<_, i64>(
            "select 1::bigint from board_renderings r join dashboard_daily_summary s using (facility_id)
             where s.updated_at = r.as_of and facility_id = $1",
        )
        .bind(facility.id.0)
        .fetch_optional(&mut app.owner().await)
        .await
        .expect("the renderings can be read")
    })
    .await;
}

/// Makes every row of stock 77 units without telling anybody, so that a board which is composed gives itself away.
async fn tamper(app: &TestApp) {
    sqlx::query("update blood_inventory set quantity = 77")
        .execute(&mut app.owner().await)
        .await
        .expect("the rows change");
}

/// The matrix as the client of another instance sees it.
async fn matrix_elsewhere(app: &TestApp, viewer: &Client, facility: &Facility) -> String {
    let other = app.second_instance().await;
    let there = other.client().with_cookie_of(viewer).await;
    there.get(&facility.path("")).await.ok().text("#w-matrix")
}

#[tokio::test]
async fn another_instance_sends_what_one_has_rendered() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(12).add().await;
    let viewer = kept(&app, &lakeside).await;
    let here = viewer.get(&lakeside.path("")).await.ok();
    tamper(&app).await;
    let other = app.second_instance().await;
    let there = other.client().with_cookie_of(&viewer).await;

    let page = there.get(&lakeside.path("")).await.ok();
    let mut watch = there.watch(lakeside.id).await;

    assert_eq!(
        page.find("#board"),
        here.find("#board"),
        "the same bytes, with their age"
    );
    assert!(page.text("#w-matrix").contains("12"));
    assert_eq!(other.db.vitals.counts().misses, 1, "it was not in memory");
    // frames are not kept: a screen that shows something else gets the board as it is composed now
    watch.until(|frame| frame.event == "as-of").await;
    assert!(
        there
            .get(&lakeside.path(""))
            .await
            .ok()
            .text("#w-matrix")
            .contains("77")
    );
}

#[tokio::test]
async fn a_write_anywhere_is_never_hidden_by_a_kept_rendering() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(12).add().await;
    let viewer = kept(&app, &lakeside).await;
    let other = app.second_instance().await;
    let there = other.client().with_cookie_of(&viewer).await;

    app.stock(&lakeside).quantity(3).add().await;
    let at_once = there.get(&lakeside.path("")).await.ok();
    other.boards.forget();
    other.stock(&lakeside).quantity(5).add().await;
    let own = there.get(&lakeside.path("")).await.ok();

    assert_eq!(at_once.text("#w-stock .figure a"), "15 units");
    assert_eq!(own.text("#w-stock .figure a"), "20 units");
}

#[tokio::test]
async fn a_rendering_of_a_day_that_is_over_is_not_sent() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside)
        .quantity(12)
        .expires_in(TimeDelta::days(20))
        .add()
        .await;
    let viewer = kept(&app, &lakeside).await;
    tamper(&app).await;

    app.travel(TimeDelta::days(1));
    let viewer_of_today = app.log_in(Role::Viewer, &[&lakeside]).await;

    drop(viewer);
    assert!(matrix_elsewhere(&app, &viewer_of_today, &lakeside).await.contains("77"));
}

#[tokio::test]
async fn a_refreshed_summary_or_a_changed_reference_table_ends_a_rendering() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.stock(&lakeside).quantity(12).add().await;
    app.stock(&hilltop).quantity(13).add().await;
    let at_lakeside = kept(&app, &lakeside).await;
    let at_hilltop = kept(&app, &hilltop).await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    tamper(&app).await;
    summary::refresh_now(&app.db, lakeside.id).await.expect("a refresh");
    let refreshed = matrix_elsewhere(&app, &at_lakeside, &lakeside).await;
    let untouched = matrix_elsewhere(&app, &at_hilltop, &hilltop).await;
    let life = [
        ("component", "platelets"),
        ("life", "7"),
        ("unit", "days"),
        ("storage", "20-24 °C, agitated"),
        ("source", "own validation"),
    ];
    let saved = admin.post("/admin/reference/lives", &life).await;
    let referring = matrix_elsewhere(&app, &at_hilltop, &hilltop).await;

    assert!(refreshed.contains("77"), "{refreshed}");
    assert!(untouched.contains("13"), "{untouched}");
    assert!(saved.location().is_some());
    assert!(referring.contains("77"), "{referring}");
}

#[tokio::test]
async fn another_board_at_the_address_is_another_rendering() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(12).add().await;
    let viewer = kept(&app, &lakeside).await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let copied = admin.post(&lakeside.path("/board"), &[]).await;
    let board = copied.location().expect("its editor").replace("/edit", "");
    let board = board.split(['?', '#']).next().expect("an address").to_owned();

    admin.post(&format!("{board}/edit"), &[("do", "remove:queue")]).await;
    admin.post(&format!("{board}/version"), &[("do", "save")]).await;
    admin.post(&format!("{board}/publication"), &[]).await;
    let other = app.second_instance().await;
    let there = other.client().with_cookie_of(&viewer).await;
    let own = there.get(&lakeside.path("")).await.ok();
    eventually("the own board is kept", || async {
        sqlx::query_scalar::<_, i64>("select board_id from board_renderings where board_id is not null")
            .fetch_optional(&mut app.owner().await)
            .await
            .expect("the renderings can be read")
    })
    .await;
    tamper(&app).await;
    let third = matrix_elsewhere(&app, &viewer, &lakeside).await;
    admin.post(&format!("{board}/edit"), &[("do", "remove:soon")]).await;
    admin.post(&format!("{board}/version"), &[("do", "save")]).await;
    let saved_again = matrix_elsewhere(&app, &viewer, &lakeside).await;

    assert!(own.has("#w-matrix") && !own.has("#w-queue"));
    assert!(third.contains("12"), "the kept one: {third}");
    assert!(saved_again.contains("77"), "composed: {saved_again}");
}

#[tokio::test]
async fn nobody_reads_the_rendering_of_another_facility_or_program() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.stock(&lakeside).quantity(12).add().await;
    let viewer = kept(&app, &lakeside).await;
    let mut foreign = app.db.read(&Scope::of(hilltop.id)).await.expect("a look");

    let seen: i64 = sqlx::query_scalar("select count(*) from board_renderings")
        .fetch_one(&mut *foreign)
        .await
        .expect("the table can be asked");
    let own: i64 = sqlx::query_scalar("select count(*) from board_renderings")
        .fetch_one(&mut *app.db.read(&Scope::of(lakeside.id)).await.expect("a look"))
        .await
        .expect("the table can be asked");
    sqlx::query("update board_renderings set program = 'another'")
        .execute(&mut app.owner().await)
        .await
        .expect("the row changes");
    tamper(&app).await;

    assert_eq!((seen, own), (0, 1));
    assert!(matrix_elsewhere(&app, &viewer, &lakeside).await.contains("77"));
}
