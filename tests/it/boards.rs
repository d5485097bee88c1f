//! Boards as people use them, with plain forms: made, changed, saved, shown; and what nobody may see through them.

use http::StatusCode;
use pulseboard::auth::Role;

use crate::support::{Answer, Client, Facility, TestApp};

/// The board that an answer leads to, as `/boards/7`.
fn address(answer: &Answer) -> String {
    let location = answer
        .location()
        .unwrap_or_else(|| panic!("{}: {:?}", answer.status, answer.find("main")));
    let path = location.split(['?', '#']).next().unwrap_or_default();
    path.split('/').take(3).collect::<Vec<_>>().join("/")
}

/// Makes a board; `owner` as the form has it.
pub(crate) async fn make(client: &Client, owner: &str, start: &str) -> String {
    let fields = [("name", "Morning"), ("owner", owner), ("start", start)];
    address(&client.post("/boards", &fields).await)
}

fn of(facility: &Facility) -> String {
    format!("facility:{}", facility.id)
}

#[tokio::test]
async fn a_board_is_made_filled_and_saved_without_a_script() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(7).add().await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;

    let board = make(&client, "person", "empty").await;
    let fields = [("kind", "number"), ("measure", "inventory.issuable")];
    let added = client.post(&format!("{board}/edit/widgets"), &fields).await;
    let form = added.location().expect("its form").to_owned();
    let shown = client.get(&form).await.ok();
    let kept = client
        .post(
            &form,
            &[
                ("kind", "number"),
                ("title", "What we have"),
                ("measure", "inventory.issuable"),
                ("do", "keep"),
            ],
        )
        .await;
    let before = client.get(&board).await.ok();
    let saved = client
        .post(
            &format!("{board}/version"),
            &[("note", "The first number"), ("do", "save")],
        )
        .await;
    let after = client.get(&board).await.ok();

    assert!(shown.has("#widget-form select[name=measure]"));
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{:?}", kept.find("main"));
    assert_eq!(before.count("#board .widget"), 0, "a draft is nobody else's");
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{:?}", saved.find("main"));
    assert!(after.text("#w-number").contains("What we have"));
    assert!(
        after.text("#w-number .figure").starts_with('7'),
        "{}",
        after.text("#w-number")
    );
    let versions = client.get(&format!("{board}/versions")).await.ok();
    assert!(versions.text("#version-2").contains("The first number"));
    assert!(versions.text("#version-2").contains("Added the number"));
}

#[tokio::test]
async fn every_button_of_the_editor_keeps_what_was_typed_and_can_be_taken_back() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let board = make(&client, "person", "network").await;
    let edit = format!("{board}/edit");
    let order = |page: &Answer| page.attrs("#edit-grid > .cell", "data-id");
    let first = order(&client.get(&edit).await.ok());

    client
        .post(&edit, &[("name", "Evening"), ("w.stock", "6"), ("do", "down:stock")])
        .await;
    let moved = client.get(&edit).await.ok();
    client.post(&edit, &[("do", "remove:map")]).await;
    let removed = client.get(&edit).await.ok();
    client.post(&edit, &[("do", "undo")]).await;
    let undone = client.get(&edit).await.ok();
    client.post(&edit, &[("do", "discard")]).await;
    let discarded = client.get(&edit).await.ok();

    assert_eq!(moved.value("name").as_deref(), Some("Evening"));
    assert_eq!(moved.attr("#edit-stock", "data-w").as_deref(), Some("6"));
    assert_ne!(order(&moved), first);
    assert!(!removed.has("#edit-map"));
    assert!(undone.has("#edit-map"));
    assert_eq!(order(&discarded), first);
    assert_eq!(discarded.value("name").as_deref(), Some("Morning"));
}

#[tokio::test]
async fn two_editors_see_what_the_other_changed_and_nothing_is_lost() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let (anna, ben) = (
        app.log_in(Role::FacilityAdmin, &[&lakeside]).await,
        app.log_in(Role::FacilityAdmin, &[&lakeside]).await,
    );
    let board = make(&anna, &of(&lakeside), "network").await;
    anna.post(&format!("{board}/edit"), &[("do", "remove:map")]).await;
    ben.post(&format!("{board}/edit"), &[("do", "remove:by-group")]).await;
    let version = format!("{board}/version");

    let first = anna.post(&version, &[("note", "No map"), ("do", "save")]).await;
    let second = ben
        .post(
            &version,
            &[("description", "Ours"), ("note", "No bars"), ("do", "save")],
        )
        .await;
    let draft = ben.get(&format!("{board}/edit")).await.ok();
    let merged = ben
        .post(&version, &[("onto", "2"), ("note", "No bars"), ("do", "merge")])
        .await;
    let page = anna.get(&board).await.ok();

    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(second.text("#theirs").contains("Removed the map"));
    assert!(second.text("#mine").contains("Removed the bar"));
    assert_eq!(second.value("note").as_deref(), Some("No bars"));
    assert!(!draft.has("#edit-by-group"), "what I did stands in my draft");
    assert_eq!(merged.status, StatusCode::SEE_OTHER, "{:?}", merged.find("main"));
    assert!(!page.has("#w-map") && !page.has("#w-by-group") && page.has("#w-stock"));
    assert!(page.text(".page-head").contains("Ours"));
}

#[tokio::test]
async fn an_old_version_is_restored_on_top() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let board = make(&client, "person", "network").await;
    client.post(&format!("{board}/edit"), &[("do", "remove:map")]).await;
    client.post(&format!("{board}/version"), &[("do", "save")]).await;
    assert!(!client.get(&board).await.ok().has("#w-map"));

    let done = client.post(&format!("{board}/versions/1/restoration"), &[]).await;

    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(client.get(&board).await.ok().has("#w-map"));
    let versions = client.get(&format!("{board}/versions")).await.ok();
    assert_eq!(versions.count(".versions > li"), 3);
    assert!(versions.text("#version-3").contains("Restored version 1"));
}

#[tokio::test]
async fn a_board_shows_everybody_their_own_figures_whatever_it_says() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.stock(&lakeside).quantity(7).add().await;
    app.stock(&hilltop).quantity(30).add().await;
    let network = app.log_in(Role::NetworkAdmin, &[]).await;
    let (here, there) = (
        app.log_in(Role::Viewer, &[&lakeside]).await,
        app.log_in(Role::Viewer, &[&hilltop]).await,
    );
    let board = make(&network, "network", "network").await;
    let draft = here.get(&board).await;
    network.post(&format!("{board}/publication"), &[]).await;
    let stock = async |client: &Client, query: &str| {
        let page = client.get(&format!("{board}{query}")).await.ok();
        let figure = page.find("#w-stock .figure").unwrap_or_default();
        figure.split_whitespace().next().unwrap_or_default().to_owned()
    };

    assert_eq!(draft.status, StatusCode::NOT_FOUND, "a draft is for its editors");
    assert_eq!(stock(&network, "").await, "37");
    assert_eq!(stock(&here, "").await, "7");
    assert_eq!(stock(&there, "").await, "30");
    let widened = format!("?facility={}", hilltop.id);
    assert_ne!(stock(&here, &widened).await, "30", "an address widens nothing");
    assert_eq!(stock(&network, &widened).await, "30");
}

#[tokio::test]
async fn a_facilitys_board_does_not_exist_for_others_unless_it_is_shared() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let (member, stranger) = (
        app.log_in(Role::Staff, &[&lakeside]).await,
        app.log_in(Role::FacilityAdmin, &[&hilltop]).await,
    );
    let board = make(&admin, &of(&lakeside), "network").await;
    admin.post(&format!("{board}/publication"), &[]).await;
    app.share(&lakeside, &hilltop);

    let paths = [
        "",
        "/edit",
        "/versions",
        "/file",
        "/widgets/stock",
        "/events",
        "/edit/gallery",
    ];
    for path in paths {
        let foreign = stranger.get(&format!("{board}{path}")).await;
        let nothing = stranger.get(&format!("/boards/987654{path}")).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/edit", "/publication", "/deletion", "/versions/1/restoration", "/copy"] {
        let foreign = stranger.post(&format!("{board}{path}"), &[]).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(member.get(&board).await.status, StatusCode::OK);
    assert_eq!(member.get(&format!("{board}/edit")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        member.post(&format!("{board}/deletion"), &[]).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(!stranger.get("/boards").await.ok().has(".board-list a"));

    let id: i64 = board.trim_start_matches("/boards/").parse().unwrap();
    sqlx::query("insert into board_shares (board_id, facility_id, level) values ($1, $2, 'view')")
        .bind(id)
        .bind(hilltop.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    app.boards.redefined(pulseboard::ids::BoardId(id));
    assert_eq!(stranger.get(&board).await.status, StatusCode::OK);
    assert_eq!(
        stranger.get(&format!("{board}/edit")).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(
        stranger
            .get("/boards")
            .await
            .ok()
            .text("main")
            .contains("Shared with me")
    );
}

#[tokio::test]
async fn a_facility_makes_its_home_its_own_and_open_screens_follow() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(7).add().await;
    let (admin, viewer) = (
        app.log_in(Role::FacilityAdmin, &[&lakeside]).await,
        app.log_in(Role::Viewer, &[&lakeside]).await,
    );
    let mut screen = viewer.watch(lakeside.id).await;
    screen.until(|frame| frame.event == "as-of").await;

    let board = address(&admin.post(&lakeside.path("/board"), &[]).await);
    admin.post(&format!("{board}/edit"), &[("do", "remove:matrix")]).await;
    admin.post(&format!("{board}/version"), &[("do", "save")]).await;
    let still = viewer.get(&lakeside.path("")).await.ok();
    admin.post(&format!("{board}/publication"), &[]).await;
    let told = screen.until(|frame| frame.event == "nudge").await;
    let own = viewer.get(&lakeside.path("")).await.ok();
    admin.post(&format!("{board}/withdrawal"), &[]).await;
    let again = viewer.get(&lakeside.path("")).await.ok();

    assert!(still.has("#w-matrix"), "nothing changes before it is published");
    assert_eq!(told.data, "board");
    assert!(!own.has("#w-matrix") && own.has("#w-stock"));
    assert!(own.text("#w-stock .figure").starts_with('7'));
    assert!(again.has("#w-matrix"));
}

#[tokio::test]
async fn every_facility_of_a_kind_starts_with_the_networks_board_for_it() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let network = app.log_in(Role::NetworkAdmin, &[]).await;
    let viewer = app.log_in(Role::Viewer, &[&lakeside]).await;
    let board = make(&network, "network", "network").await;
    network.post(&format!("{board}/publication"), &[]).await;

    network
        .post(&format!("{board}/template"), &[("template_for", "hospital")])
        .await;
    let home = viewer.get(&lakeside.path("")).await.ok();
    network
        .post(&format!("{board}/template"), &[("template_for", "clinic")])
        .await;
    let after = viewer.get(&lakeside.path("")).await.ok();

    assert!(home.has("#w-map") && !home.has("#w-queue"));
    assert!(!after.has("#w-map") && after.has("#w-queue"));
}

#[tokio::test]
async fn somebody_starts_with_the_board_they_chose() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let board = make(&client, "person", "network").await;

    assert_eq!(client.get("/").await.location(), Some(&*lakeside.path("")));
    client.post(&format!("{board}/start"), &[]).await;
    assert_eq!(client.get("/").await.location(), Some(&*board));
    client.post(&format!("{board}/deletion"), &[]).await;
    assert_eq!(client.get("/").await.location(), Some(&*lakeside.path("")));
}

#[tokio::test]
async fn a_board_goes_out_as_a_file_and_comes_in_after_a_look() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let board = make(&client, "person", "network").await;
    let file = client.get(&format!("{board}/file")).await.ok();
    let count = async || client.get("/boards").await.ok().count(".board-list > li");

    let broken = file.body().replace("inventory.issuable", "inventory.imaginary");
    let refused = client
        .post(
            "/boards/import",
            &[("text", &broken), ("owner", "person"), ("do", "create")],
        )
        .await;
    let looked = client
        .post(
            "/boards/import",
            &[("text", file.body()), ("owner", "person"), ("do", "check")],
        )
        .await
        .ok();
    assert_eq!(count().await, 1, "a look makes nothing");
    let made = client
        .post(
            "/boards/import",
            &[("text", file.body()), ("owner", "person"), ("do", "create")],
        )
        .await;

    assert!(file.header("content-disposition").unwrap().contains("morning.json"));
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text("#import-problems").contains("no such figure"));
    assert!(refused.value("text").is_none_or(|kept| kept.contains("imaginary")));
    assert!(looked.text("#import-plan").contains("Morning"));
    let copy = client.get(&format!("{}/file", address(&made))).await.ok();
    assert_eq!(copy.body(), file.body());
}

#[tokio::test]
async fn a_folder_of_files_makes_boards_and_leaves_alone_what_was_edited_since() {
    let app = TestApp::new().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let board = make(&admin, "person", "network").await;
    let text = admin
        .get(&format!("{board}/file"))
        .await
        .ok()
        .body()
        .replace("Morning", "From a file");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("morning.json"), &text).unwrap();
    std::fs::write(folder.path().join("broken.json"), "{").unwrap();
    let read = async || pulseboard::boards::provision::folder(&app.db, folder.path()).await;

    assert_eq!(read().await, 1);
    assert_eq!(read().await, 0, "the same file again changes nothing");
    let list = admin.get("/boards").await.ok();
    let href = list.attrs(".board-list .what a", "href");
    let made = href.iter().find(|href| **href != board).unwrap();
    admin.post(&format!("{made}/edit"), &[("do", "remove:map")]).await;
    admin.post(&format!("{made}/version"), &[("do", "save")]).await;
    assert_eq!(read().await, 0);
    assert!(!admin.get(made).await.ok().has("#w-map"));
    let back = admin.get(&format!("{made}/file")).await.ok();
    assert!(back.header("content-disposition").unwrap().contains("\"morning.json\""));
    std::fs::write(folder.path().join("morning.json"), text.replace("From a file", "Again")).unwrap();
    assert_eq!(read().await, 1);
    app.boards.redefined(pulseboard::ids::BoardId(
        made.trim_start_matches("/boards/").parse().unwrap(),
    ));
    let again = admin.get(made).await.ok();
    assert!(again.has("#w-map") && again.heading().starts_with("Again"));
}

#[tokio::test]
async fn a_locked_widget_is_changed_only_by_administrators_of_the_board() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let editor = app.log_in(Role::Staff, &[&lakeside]).await;
    let board = make(&admin, &of(&lakeside), "network").await;
    admin.post(&format!("{board}/edit"), &[("do", "lock:stock")]).await;
    admin.post(&format!("{board}/version"), &[("do", "save")]).await;
    sqlx::query("insert into board_shares (board_id, facility_id, level) values ($1, $2, 'edit')")
        .bind(board.trim_start_matches("/boards/").parse::<i64>().unwrap())
        .bind(lakeside.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    app.boards.library().forget_all();

    editor.post(&format!("{board}/edit"), &[("do", "remove:stock")]).await;
    let refused = editor.post(&format!("{board}/version"), &[("do", "save")]).await;
    editor.post(&format!("{board}/edit"), &[("do", "discard")]).await;
    editor.post(&format!("{board}/edit"), &[("do", "remove:map")]).await;
    let saved = editor.post(&format!("{board}/version"), &[("do", "save")]).await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text("main").contains("locked"));
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{:?}", saved.find("main"));
}

#[tokio::test]
async fn a_board_over_several_facilities_follows_within_seconds() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.stock(&lakeside).quantity(7).add().await;
    let client = app.log_in(Role::Viewer, &[&lakeside, &hilltop]).await;
    let board = make(&client, "person", "network").await;
    let page = client.get(&board).await.ok();
    let events = page.attr("[hx-sse\\:connect]", "hx-sse:connect").unwrap();
    let mut screen = client.watch_path(&events).await;

    app.stock(&hilltop).quantity(30).add().await;
    let stock = screen.swap_of("w-stock").await;

    assert!(stock.text(".figure").starts_with("37"), "{}", stock.text(".figure"));
}
