//! Search: a few letters lead to places one may go to, and a number on a bag to its unit.

use pulseboard::auth::Role;

use crate::support::TestApp;

#[tokio::test]
async fn a_few_letters_find_ones_own_facilities_and_the_pages_of_where_one_is() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let viewer = app.log_in(Role::Viewer, &[&lakeside, &hilltop]).await;

    let by_name = viewer.get("/search?q=LAKE").await;
    let pages = viewer.get(&format!("/search?q=stock&at={}", hilltop.id)).await;
    let all = viewer.get("/search").await;

    assert_eq!(by_name.attrs("#hits a", "href"), [lakeside.path("")]);
    let offered = pages.attrs("#hits a", "href");
    assert_eq!(offered, [hilltop.path("/inventory")], "a viewer receives nothing");
    assert!(all.attrs("#hits a", "href").contains(&lakeside.path("")));
    assert!(!all.attrs("#hits a", "href").contains(&"/admin".to_owned()));
}

#[tokio::test]
async fn what_one_may_not_see_is_not_found() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.stock(&hilltop).unit("A999926000001").add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;

    for words in ["Hilltop", "A999926000001", "admin"] {
        let answer = staff.get(&format!("/search?q={words}")).await;

        assert_eq!(answer.count("#hits a"), 0, "{words}");
        assert_eq!(answer.text("#hits .empty strong"), "Nothing found", "{words}");
    }
}

#[tokio::test]
async fn a_number_typed_or_scanned_leads_to_its_unit() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let unit = app.stock(&lakeside).unit("A999926000001").add().await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;

    for number in ["A999926000001", "a9999 26 000001", "%3DA99992600000100"] {
        let answer = staff.get(&format!("/search?q={}", number.replace(' ', "+"))).await;

        let there = lakeside.path(&format!("/inventory/{unit}"));
        assert_eq!(answer.attrs("#hits a", "href"), [there], "{number}");
    }
}

#[tokio::test]
async fn a_board_is_found_by_who_sees_it_and_a_person_by_who_manages_them() {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    let colleague = app.person(Role::Staff, &[&lakeside]).await;
    let stranger = app.person(Role::Staff, &[&hilltop]).await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let board = crate::boards::make(&staff, "person", "empty").await;
    let found = async |client: &crate::support::Client, words: &str| {
        let words = words.replace('@', "%40");
        client.get(&format!("/search?q={words}")).await.attrs("#hits a", "href")
    };

    assert_eq!(found(&staff, "morning").await, [board]);
    assert!(found(&admin, "morning").await.is_empty(), "it is somebody's own");
    assert_eq!(
        found(&admin, &colleague.email).await,
        [format!("/admin/users/{}", colleague.id)]
    );
    assert!(found(&admin, &stranger.email).await.is_empty());
    assert!(found(&staff, &colleague.email).await.is_empty(), "staff manage nobody");
}
