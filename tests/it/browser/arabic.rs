//! A phone that is read from the right.

use serde_json::Value;

use super::Site;

/// What stands out of the screen on either side of a page that can be scrolled sideways.
const OUT_OF_THE_SCREEN: &str = "document.scrollingElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll('body *')].map(it => [it, it.getBoundingClientRect()])
        .filter(([, box]) => box.left < -1 || box.right > innerWidth + 1)
        .map(([it]) => it.outerHTML.slice(0, 120))";

#[tokio::test]
async fn in_arabic_a_phone_reads_from_the_right_without_scrolling_sideways() {
    let site = Site::new().await;
    let (lakeside, rivertown) = (site.facility("Lakeside").await, site.facility("Rivertown").await);
    site.stock(&lakeside).quantity(12).add().await;
    site.request(&rivertown, &[&lakeside]).await;
    let client = site.client().log_in(&lakeside.staff.email).await;
    let chosen = [
        ("language", "ar"),
        ("dates", "words"),
        ("refresh", "live"),
        ("start", "usual"),
    ];
    client.post("/account/preferences", &chosen).await;
    let browser = site.browser().await;
    browser.becomes_a_phone(360).await;
    browser.log_in(&lakeside.staff).await;

    let pages = [
        lakeside.path(""),
        "/network".into(),
        lakeside.path("/inventory"),
        lakeside.path("/inventory/new"),
        lakeside.path("/requests"),
        lakeside.path("/requests/new"),
        lakeside.path("/distributions"),
        "/boards".into(),
        "/account/preferences".into(),
    ];
    for page in pages {
        browser.visit(&page).await;
        browser.sees("main", "").await;
        assert_eq!(browser.eval("document.documentElement.dir").await, "rtl", "{page}");
        assert_eq!(
            browser.eval(OUT_OF_THE_SCREEN).await,
            Value::Array(vec![]),
            "{page} scrolls sideways"
        );
    }
    browser.visit(&lakeside.path("")).await;
    browser.sees("#live-status", "مباشر").await;
    browser.is_quiet().await;
}
