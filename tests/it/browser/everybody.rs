//! Pages that nobody is kept out of: axe-core looks at every one of them, light and dark.

use http::header;
use pulseboard::auth::Role;
use serde_json::Value;

use super::Site;
use crate::access::World;
use crate::support::Client;

/// axe-core (MPL-2.0), as it is published.
const AXE: &str = include_str!("../../data/axe.min.js");
/// What it finds, a line each.
const VIOLATIONS: &str = "axe.run(document, { runOnly: [
        'wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice',
    ] }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary}`)))";

async fn no_page_keeps_anybody_out(theme: &str, phone: bool) {
    let world = World::new().await;
    let admin = world.app.person(Role::NetworkAdmin, &[&world.own]).await;
    let client = world.app.client().log_in(&admin.email).await;
    let outside = world.app.client();
    // what is said where nothing is, and to somebody who is not known
    let nowhere = "/nowhere".to_owned();
    let (mut pages, mut public) = (vec![nowhere.clone()], vec![nowhere]);
    let wall = format!("{}?wall=1", world.own.path(""));
    for path in world.pages(&client).into_iter().chain([wall]) {
        // streams have no end, and files are no pages
        if path.ends_with("/events") || path.ends_with("/changes") || path.starts_with("/static") {
            continue;
        }
        if is_page(&client, &path).await {
            pages.push(path.clone());
        }
        if is_page(&outside, &path).await {
            public.push(path);
        }
    }
    assert!(public.contains(&"/login".to_owned()), "only {public:?} are public");
    assert!(pages.len() >= 14, "only {pages:?} are pages");
    let mut found = Vec::new();
    let site = Site::of(world.app).await;
    let browser = site.browser().await;
    if phone {
        browser.becomes_a_phone(360).await;
    }

    for page in &public {
        browser.visit(page).await;
        found.extend(look(&browser, page, theme).await);
    }
    browser.log_in(&admin).await;
    for page in &pages {
        browser.visit(page).await;
        found.extend(look(&browser, page, theme).await);
    }

    assert!(found.is_empty(), "{} in {theme}:\n{}", found.len(), found.join("\n"));
}

async fn is_page(client: &Client, path: &str) -> bool {
    let answer = client.get(path).await;
    let kind = answer.headers.get(header::CONTENT_TYPE);
    let is_html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    answer.status.is_success() && is_html && answer.body().starts_with("<!doctype html>")
}

async fn look(browser: &super::Chromium, page: &str, theme: &str) -> Vec<String> {
    browser
        .eval(&format!("document.documentElement.dataset.theme = '{theme}'"))
        .await;
    // colours on their way from one theme to the other are nobody's
    browser.until("nothing moves", "!document.getAnimations().length").await;
    browser.run(AXE).await;
    match browser.eval(VIOLATIONS).await {
        Value::Array(found) => found.iter().map(|one| format!("{page} {one}")).collect(),
        other => panic!("{page}: axe answers {other}"),
    }
}

#[tokio::test]
async fn by_day_no_page_keeps_anybody_out() {
    no_page_keeps_anybody_out("light", false).await;
}

#[tokio::test]
async fn by_night_no_page_on_a_phone_keeps_anybody_out() {
    no_page_keeps_anybody_out("dark", true).await;
}
