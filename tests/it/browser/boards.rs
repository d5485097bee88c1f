//! A board of one's own: made and filled with plain forms, and laid out with the mouse or with keys.

use fantoccini::key::Key;
use serde_json::{Value, json};

use super::live::browser_on_board;
use super::{Chromium, Site};
use pulseboard::auth::Role;

/// Makes a board of one's own from one that the program brings along, and is then in its editor.
async fn make(browser: &Chromium, start: &str) {
    browser.press("Boards").await;
    browser.press("New board").await;
    browser.fill("name", "Night shift").await;
    browser.fill("owner", "person").await;
    browser.fill("start", start).await;
    browser.press("Make the board").await;
    browser.sees("h1", "Edit Night shift").await;
}

/// Column, row, width and height of a widget as the form would send them.
async fn place(browser: &Chromium, id: &str) -> Value {
    let fields =
        format!("['x', 'y', 'w', 'h'].map(axis => Number(document.querySelector(`[name='${{axis}}.{id}']`).value))");
    browser.eval(&fields).await
}

async fn hold(browser: &Chromium, id: &str) {
    browser
        .run(&format!("document.querySelector('#edit-{id} .grip').focus()"))
        .await;
}

#[tokio::test]
async fn a_board_is_made_and_gets_a_widget_without_javascript() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    site.stock(&lakeside).quantity(12).add().await;
    let browser = site.browser_without_javascript().await;
    browser.log_in(&lakeside.staff).await;

    make(&browser, "empty").await;
    browser.press("Add a widget").await;
    browser.press("Add: Number").await;
    browser.fill("title", "What we have").await;
    browser.press("Keep").await;
    browser.sees("#edit-number", "What we have").await;
    browser.fill("w.number", "5").await;
    browser.fill("note", "For the night").await;
    browser.press("Save").await;

    browser.sees("#notice", "saved").await;
    browser.sees("#w-number", "What we have").await;
    browser.sees("#w-number .figure", "12 units").await;
    browser.is_quiet().await;
}

#[tokio::test]
async fn a_board_is_shared_and_shown_to_nobody_by_a_link_without_javascript() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    site.stock(&lakeside).quantity(12).add().await;
    let colleague = site.person(Role::Viewer, &[&lakeside]).await;
    let browser = site.browser_without_javascript().await;
    browser.log_in(&lakeside.staff).await;
    make(&browser, "empty").await;
    browser.press("Add a widget").await;
    browser.press("Add: Number").await;
    browser.fill("title", "What we have").await;
    browser.press("Keep").await;
    browser.press("Save").await;
    browser.sees("#w-number .figure", "12 units").await;

    browser.press_on(".board-menu > summary").await;
    browser.press("Share and links").await;
    browser.fill("q", &colleague.email).await;
    browser.press("Find").await;
    browser.press_on(".found button[value='view']").await;
    browser.sees("#notice", "The board is shared.").await;
    browser.fill("name", "The press").await;
    browser.press("Make the link").await;
    browser.sees("#links", "Copy it now").await;
    let address = browser.value_of("#f-made").await;
    let path = address.trim_start_matches("https://board.example.org");

    let nobody = site.browser_without_javascript().await;
    nobody.visit(path).await;
    nobody.sees("h1", "Night shift").await;
    nobody.sees("#w-number .figure", "12 units").await;
    nobody.sees(".link-foot", "Sums only").await;
    let other = site.browser_without_javascript().await;
    other.log_in(&colleague).await;
    other.visit("/boards").await;
    other.sees("main", "Shared with me").await;
    other.press("Night shift").await;
    other.sees("#w-number .figure", "12 units").await;
    for browser in [browser, nobody, other] {
        browser.is_quiet().await;
    }
}

#[tokio::test]
async fn a_widget_is_moved_with_the_mouse_or_with_keys_and_saved() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    let browser = browser_on_board(&site, &lakeside).await;
    make(&browser, "network").await;
    assert_eq!(place(&browser, "stock").await, json!([1, 1, 3, 3]));
    assert_eq!(place(&browser, "expiring").await, json!([10, 1, 3, 3]));

    // keys, and back
    hold(&browser, "stock").await;
    browser.key(Key::Right).await;
    browser.sees("#edit-said", "column 2, row 1, 3 wide, 3 high").await;
    browser.key(Key::Escape).await;
    assert_eq!(place(&browser, "stock").await, json!([1, 1, 3, 3]));
    browser.key(Key::Left).await;
    browser.sees("#edit-said", "No further this way").await;

    // keys
    browser.key(Key::Down).await;
    browser.key_with(Key::Shift, Key::Right).await;
    assert_eq!(place(&browser, "stock").await, json!([1, 14, 4, 3]));
    assert_eq!(place(&browser, "map").await, json!([1, 4, 6, 10]));

    // the mouse, into the room that the first widget left
    browser.drag("#edit-transferred .grip", -310.0, 0.0).await;
    browser.sees("#edit-said", "column 1, row 1, 3 wide, 3 high").await;
    browser.drag("#edit-expiring > .ui-resizable-se", 0.0, 80.0).await;
    browser.sees("#edit-said", "column 10, row 1, 3 wide, 5 high").await;

    // one of them taken back, the others saved
    browser.key_with(Key::Control, 'z').await;
    browser.sees("#edit-said", "The last change is undone").await;
    assert_eq!(place(&browser, "expiring").await, json!([10, 1, 3, 3]));
    browser.press("Save").await;
    browser.sees("#notice", "saved").await;

    browser.press("Edit").await;
    browser.sees("h1", "Edit Night shift").await;
    assert_eq!(place(&browser, "stock").await, json!([1, 14, 4, 3]));
    assert_eq!(place(&browser, "transferred").await, json!([1, 1, 3, 3]));
    assert_eq!(place(&browser, "expiring").await, json!([10, 1, 3, 3]));
    browser.is_quiet().await;
}
