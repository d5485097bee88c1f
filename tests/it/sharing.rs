//! Boards that somebody shares: with whom, what they may then do, and that nothing is left of it once it is withdrawn.

use http::StatusCode;
use pulseboard::auth::Role;

use crate::support::{Client, TestApp};

/// A board of the person's own, as `/boards/7`.
async fn make(client: &Client, name: &str) -> String {
    let fields = [("name", name), ("owner", "person"), ("start", "network")];
    let made = client.post("/boards", &fields).await;
    let path = made.location().expect("the board").to_owned();
    path.trim_end_matches("/edit?done=board_created").to_owned()
}

/// Presses the button of somebody who was found.
async fn share_with_found(client: &Client, board: &str, search: &str, level: &str) {
    let page = client.get(&format!("{board}/sharing?q={search}")).await.ok();
    let person = page
        .attr(".found input[name=person]", "value")
        .expect("somebody is found");
    let fields = [("person", &*person), ("level", level)];
    let shared = client.post(&format!("{board}/shares"), &fields).await;
    assert_eq!(shared.location(), Some(&*format!("{board}/sharing?done=board_shared")));
}

#[tokio::test]
async fn a_board_is_shared_with_a_person_changed_and_withdrawn_without_a_script() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(7).add().await;
    let friend = app.person(Role::Viewer, &[&lakeside]).await;
    let (owner, other) = (
        app.log_in(Role::Viewer, &[&lakeside]).await,
        app.client().log_in(&friend.email).await,
    );
    let board = make(&owner, "Morning").await;
    assert_eq!(other.get(&board).await.status, StatusCode::NOT_FOUND);

    share_with_found(&owner, &board, &friend.email, "view").await;
    let shown = other.get(&board).await.ok();
    let list = other.get("/boards").await.ok();
    let edit = other.get(&format!("{board}/edit")).await;
    share_with_found(&owner, &board, &friend.email, "edit").await;
    let edit_now = other.get(&format!("{board}/edit")).await;
    let page = owner.get(&format!("{board}/sharing")).await.ok();
    let mut screen = other.watch_path(&format!("{board}/events")).await;
    screen.next().await;
    let withdraw = page.attr(".shares form[action$=withdrawal]", "action").unwrap();
    owner.post(&withdraw, &[]).await;
    let last = screen.rest().await;

    assert!(shown.text("#w-stock .figure").starts_with('7'));
    assert!(list.text("main").contains("Shared with me"));
    assert_eq!(edit.status, StatusCode::FORBIDDEN);
    assert_eq!(edit_now.status, StatusCode::OK);
    assert_eq!(page.count(".shares > li"), 1, "a share is changed, not doubled");
    assert_eq!(last.last().map(|frame| &*frame.event), Some("session-expired"));
    assert_eq!(other.get(&board).await.status, StatusCode::NOT_FOUND);
    assert!(!other.get("/boards").await.ok().text("main").contains("Morning"));
    let told: Vec<String> =
        sqlx::query_scalar("select action from audit_log where thing = 'board' and action like '%shared' order by id")
            .fetch_all(&mut app.owner().await)
            .await
            .unwrap();
    assert_eq!(told, ["shared", "shared", "unshared"]);
}

#[tokio::test]
async fn whoever_shares_cannot_tell_a_stranger_from_nobody() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let stranger = app.person(Role::Staff, &[&hilltop]).await;
    let owner = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let board = make(&owner, "Morning").await;
    let text = async |path: String, typed: &str| {
        let page = owner.get(&path).await.ok();
        page.text("main").replace(typed, "")
    };

    let somebody = text(format!("{board}/sharing?q={}", stranger.email), &stranger.email).await;
    let nobody = text(format!("{board}/sharing?q=no.one@example.org"), "no.one@example.org").await;
    let shares = format!("{board}/shares");
    let by_number = owner
        .post(&shares, &[("person", &stranger.id.to_string()), ("level", "view")])
        .await;
    let unknown = owner.post(&shares, &[("person", "987654"), ("level", "view")]).await;
    let facility = owner
        .post(&shares, &[("facility", &hilltop.id.to_string()), ("level", "view")])
        .await;
    let nowhere = owner.post(&shares, &[("facility", "987654"), ("level", "view")]).await;

    assert_eq!(somebody, nobody);
    assert_eq!(by_number.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(by_number.body(), unknown.body());
    assert_eq!(facility.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(facility.body(), nowhere.body());
    let shared: i64 = sqlx::query_scalar("select count(*) from board_shares")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(shared, 0);
}

#[tokio::test]
async fn a_share_with_a_facility_or_a_role_reaches_all_of_them_and_only_owners_share() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let owner = app.log_in(Role::Viewer, &[&lakeside]).await;
    let (colleague, stranger) = (
        app.log_in(Role::Viewer, &[&lakeside]).await,
        app.log_in(Role::Staff, &[&hilltop]).await,
    );
    let board = make(&owner, "Morning").await;
    let shares = format!("{board}/shares");

    let facility = lakeside.id.to_string();
    owner.post(&shares, &[("facility", &facility), ("level", "view")]).await;
    assert_eq!(colleague.get(&board).await.status, StatusCode::OK);
    assert_eq!(stranger.get(&board).await.status, StatusCode::NOT_FOUND);
    owner.post(&shares, &[("role", "staff"), ("level", "edit")]).await;
    assert_eq!(stranger.get(&format!("{board}/edit")).await.status, StatusCode::OK);

    for path in ["sharing", "shares", "shares/1/withdrawal"].map(|path| format!("{board}/{path}")) {
        let fields = [("role", "viewer"), ("level", "edit")];
        let answer = match path.ends_with("sharing") {
            true => colleague.get(&path).await,
            false => {
                colleague
                    .post(&path, if path.ends_with("shares") { &fields } else { &[] })
                    .await
            }
        };
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
}
