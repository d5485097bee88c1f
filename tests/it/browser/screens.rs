//! Every kind of reader: a phone, a keyboard without a mouse, a dark room.

use fantoccini::key::Key;
use serde_json::Value;

use super::live::browser_on_board;
use super::{Chromium, Site};
use crate::support::{Facility, eventually};

#[tokio::test]
async fn a_phone_shows_every_page_without_scrolling_sideways() {
    let site = Site::new().await;
    let (lakeside, rivertown) = (
        site.facility("Lakeside").await,
        site.facility("Rivertown General Hospital").await,
    );
    site.stock(&lakeside).quantity(12).add().await;
    site.stock(&lakeside)
        .unit("A999926000001")
        .expires_in(chrono::TimeDelta::hours(5))
        .add()
        .await;
    site.request(&rivertown, &[&lakeside]).await;
    keep_a_past(&site, &lakeside).await;
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
        "/account".into(),
    ];
    for page in pages {
        browser.visit(&page).await;
        browser.sees("main", "").await;
        assert_eq!(
            browser.eval(WIDER_THAN_THE_SCREEN).await,
            Value::Array(vec![]),
            "{page} scrolls sideways"
        );
        assert_eq!(
            browser.eval(MENU_OUT_OF_REACH).await,
            Value::Array(vec![]),
            "{page}: the menu"
        );
        assert_eq!(
            browser.eval(TOO_SMALL_FOR_A_FINGER).await,
            Value::Array(vec![]),
            "{page}: targets under 24 px"
        );
    }
    browser.is_quiet().await;
}

#[tokio::test]
async fn keys_lead_anywhere_and_can_be_switched_off() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    let browser = browser_on_board(&site, &lakeside).await;
    let on = |end: &str| format!("location.pathname.endsWith('{end}')");

    browser.type_text("gs").await;
    browser.until("g s leads to the stock", &on("/inventory")).await;
    browser.type_text("?").await;
    browser.sees("#keys", "Go to a page, a facility or a unit").await;
    browser.press_on("#keys-on").await;
    browser.press("Close").await;
    browser.type_text("gn").await;
    browser.press_on("[data-opens=palette]").await;
    browser.sees("#hits", "Requests").await;
    browser.type_text("transf").await;
    browser
        .until("one is left", "document.querySelectorAll('#hits a').length === 1")
        .await;
    browser.key(Key::Enter).await;

    browser.until("Enter follows it", &on("/distributions")).await;
    browser.is_quiet().await;
}

/// What makes the page wider than the screen, if anything does.
const WIDER_THAN_THE_SCREEN: &str = "document.scrollingElement.scrollWidth <= screen.width ? [] :
    [...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right > screen.width)
        .map(it => it.outerHTML.slice(0, 120))";

const MENU_OUT_OF_REACH: &str = "[...document.querySelectorAll('nav[aria-label=Main] a')].filter(link => {
        const { left, right, top, bottom } = link.getBoundingClientRect();
        // what one's role may not reach is not in the menu
        if (link.dataset.needs && !link.checkVisibility()) return false;
        return !link.checkVisibility() || left < 0 || right > innerWidth || top < 0 || bottom > innerHeight;
    }).map(link => link.innerText)";

/// WCAG 2.5.8: 24 by 24 px, or so far from all others that a circle of 24 px around its middle touches none of them nor
/// their circles. A label counts as its control; links inside a sentence do not count.
const TOO_SMALL_FOR_A_FINGER: &str = "(() => {
    const targets = [...document.querySelectorAll('a, button, summary, input, select, textarea')]
        .filter(it => it.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && it.type !== 'hidden')
        .filter(it => !it.closest('.skip, .sr-only'))
        .map(it => ({ it, box: (it.closest('label') ?? it).getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0);
    const middle = ({ left, top, width, height }) => [left + width / 2, top + height / 2];
    const small = ({ width, height }) => width < 23.5 || height < 23.5;
    const crowds = ([x, y], box) => small(box)
        ? Math.hypot(x - middle(box)[0], y - middle(box)[1]) < 23.5
        : Math.hypot(x - Math.max(box.left, Math.min(x, box.right)), y - Math.max(box.top, Math.min(y, box.bottom))) < 11.75;
    const inSentence = it => it.tagName === 'A' && getComputedStyle(it).display === 'inline'
        && it.parentElement.innerText.trim() !== it.innerText.trim();
    return targets
        .filter(({ it, box }) => small(box) && !inSentence(it))
        .filter(one => targets.some(other => other.it !== one.it && crowds(middle(one.box), other.box)))
        .map(({ it, box }) => `${it.outerHTML.slice(0, 100)} ${Math.round(box.width)} x ${Math.round(box.height)}`);
})()";

#[tokio::test]
async fn everything_on_the_board_can_be_reached_with_the_keyboard() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    site.stock(&lakeside).quantity(12).add().await;
    keep_a_past(&site, &lakeside).await;
    let browser = browser_on_board(&site, &lakeside).await;
    browser.visit(&lakeside.path("")).await;
    browser.sees("#live-status", "Live").await;

    browser.key(Key::Tab).await;
    assert_eq!(browser.eval(FOCUSED).await, "Skip to the content");
    let mut passed = tab_to(&browser, "document.activeElement.closest('#refresh button')").await;
    browser.key(Key::Enter).await;
    browser.sees("#refresh", "Refreshed").await;
    browser
        .until(
            "the focus stays at the button",
            "document.activeElement.closest('#refresh button')",
        )
        .await;
    passed.extend(tab_to(&browser, "document.activeElement.matches('.chart[tabindex]')").await);
    for words in [
        "Board",
        "Stock",
        "Requests",
        "Transfers",
        "Network",
        "Refresh",
        "12 units",
    ] {
        assert!(passed.iter().any(|at| at == words), "no way to {words}: {passed:#?}");
    }

    let readout = "document.activeElement.querySelector('.chart-readout').innerText";
    browser.key(Key::Left).await;
    browser
        .until("the last day is read out", &format!("/units/.test({readout})"))
        .await;
    let today = browser.eval(readout).await;
    browser.key(Key::Left).await;
    browser
        .until(
            "the day before is read out",
            &format!("/units/.test({readout}) && {readout} !== {today}"),
        )
        .await;
    browser.is_quiet().await;
}

const FOCUSED: &str = "(document.activeElement.innerText || document.activeElement.getAttribute('aria-label') ||
    document.activeElement.name || document.activeElement.id).replace(/\\s+/g, ' ').trim()";

/// The parts of a date field light up inside it, out of reach.
const OUTLINE: &str =
    "document.activeElement.type === 'date' ? 'inside' : getComputedStyle(document.activeElement).outlineStyle";

/// Goes on with Tab until the condition holds; what had the focus on the way, each time visibly.
async fn tab_to(browser: &Chromium, condition: &str) -> Vec<String> {
    let mut passed = Vec::new();
    for _ in 0..200 {
        browser.key(Key::Tab).await;
        let at = browser.eval(FOCUSED).await.as_str().unwrap_or_default().to_owned();
        let outline = browser.eval(OUTLINE).await;
        assert_ne!(outline, "none", "the focus on {at:?} cannot be seen");
        passed.push(at);
        if browser.eval(&format!("Boolean({condition})")).await == true {
            return passed;
        }
    }
    panic!("{condition} is out of reach: {passed:#?}");
}

#[tokio::test]
async fn the_screen_follows_the_system_unless_the_account_says_otherwise() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    let browser = browser_on_board(&site, &lakeside).await;

    browser.system_prefers("light").await;
    let light = ground(&browser).await;
    browser.system_prefers("dark").await;
    let dark = ground(&browser).await;
    assert_ne!(light, dark);

    browser.system_prefers("light").await;
    browser.press_on(".menu.user summary").await;
    browser.press("Dark").await;
    assert_eq!(ground(&browser).await, dark);
    eventually("the account knows the theme", || async {
        let theme: String = sqlx::query_scalar("select theme from users where id = $1")
            .bind(lakeside.staff.id.0)
            .fetch_one(site.db.unscoped())
            .await
            .expect("the account");
        (theme == "dark").then_some(())
    })
    .await;
    browser.visit(&lakeside.path("")).await;
    assert_eq!(ground(&browser).await, dark);
    browser.sees("#live-status", "Live").await;
    browser.is_quiet().await;
}

async fn ground(browser: &Chromium) -> Value {
    browser.eval("getComputedStyle(document.body).backgroundColor").await
}

/// Thirty days that were kept, so that the charts have something to draw.
async fn keep_a_past(site: &Site, facility: &Facility) {
    sqlx::query(
        "insert into dashboard_daily_summary (facility_id, date, total_stock, total_transferred, total_requests, updated_at)
         select $1, (now() at time zone 'UTC')::date - day, 20 + day, day % 3, day % 4, now() - make_interval(days => day)
         from generate_series(1, 30) day",
    )
    .bind(facility.id.0)
    .execute(&mut site.owner().await)
    .await
    .expect("a past");
}
