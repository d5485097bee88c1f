//! The ways from a board: narrowed by its address or by pressing a bar, down to a list and a unit, and back up.

use http::StatusCode;
use pulseboard::auth::Role;

use crate::boards::make;
use crate::support::TestApp;

#[tokio::test]
async fn a_range_that_cannot_be_read_is_mended_on_the_board_itself() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let board = make(&client, "person", "network").await;

    for path in [board, lakeside.path("")] {
        for (query, field) in [("from=yesterday&to=now", "from"), ("from=now-7d&to=now-9d", "to")] {
            let page = client.get(&format!("{path}?{query}&group=O-")).await;
            let problem = page.find(&format!("#f-range-{field}-problem"));

            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}?{query}");
            assert!(problem.is_some(), "{path}?{query}: {:?}", page.find("main"));
            assert!(page.has("#range-menu[open]") && page.has("#range-problem"));
            let typed = query.split(['=', '&']).nth(1);
            assert_eq!(page.attr("#f-range-from", "value").as_deref(), typed);
            assert!(page.text(".chips").contains("O\u{2212}"), "the filter is kept");
            assert!(!page.has("#live"), "nothing to follow");
        }
    }
}

#[tokio::test]
async fn pressing_a_bar_narrows_the_whole_board_and_pressing_it_again_shows_all() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.stock(&lakeside).quantity(7).add().await;
    app.stock(&hilltop).quantity(30).add().await;
    let client = app.log_in(Role::Viewer, &[&lakeside, &hilltop]).await;
    let board = make(&client, "person", "network").await;
    let page = client.get(&format!("{board}?from=now-7d/d&to=now")).await.ok();

    let bar = page.attr("#w-by-group a.narrow", "href").expect("a bar is a link");
    let narrowed = client.get(&bar).await.ok();
    let again = narrowed.attr("#w-by-group a.narrow[aria-current]", "href").unwrap();
    let all = client.get(&again).await.ok();

    assert!(bar.contains("group=O-") && bar.contains("from=now-7d"), "{bar}");
    assert!(narrowed.text(".chips").contains("O\u{2212}"));
    assert!(
        narrowed.text("#w-stock .figure").starts_with("37"),
        "all of it is O\u{2212}"
    );
    assert!(again.contains("from=now-7d") && !again.contains("group="), "{again}");
    assert!(!all.has("a.narrow[aria-current]"));
}

#[tokio::test]
async fn from_a_number_down_to_a_unit_and_back_up_to_the_same_board() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(7).add().await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let board = make(&client, "person", "network").await;
    let narrowed = format!("{board}?group=O-");

    let page = client.get(&narrowed).await.ok();
    let list = client.get(&page.attr("#w-stock .figure a", "href").unwrap()).await.ok();
    let unit = client.get(&list.attr("tbody th a", "href").unwrap()).await.ok();
    let steps = unit.attrs("nav.trail a", "href");
    let up = client.get(&steps[2]).await.ok();
    let top = client.get(&steps[1]).await.ok();

    assert_eq!(unit.texts("nav.trail a"), ["Lakeside", "Board", "Stock"]);
    assert_eq!(steps[0], lakeside.path(""));
    assert_eq!(steps[1], narrowed);
    assert_eq!(up.texts("nav.trail a"), ["Lakeside", "Board"]);
    assert!(up.has("tbody tr") && top.text(".chips").contains("O\u{2212}"));
    for hostile in ["//evil.example", "https:evil", "/login"] {
        let page = client
            .get(&lakeside.path(&format!("/inventory?via={hostile}")))
            .await
            .ok();
        assert!(!page.has("nav.trail"), "{hostile}");
    }
}
