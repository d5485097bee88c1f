//! Text of people who mean harm: it is shown as text wherever it stands, and even a server that forgot to escape it
//! would not make a browser run it.

use chrono::TimeDelta;
use pulseboard::live::{Topic, swap_frame};

use super::live::browser_on_board;
use super::{Chromium, Site};
use crate::support::Facility;

/// As long as a lot may be.
const PICTURE: &str = "<img src=/pwned onerror=__pwned=1>";
const SCRIPT: &str = "<script>window.__pwned=1</script>";
const ATTRIBUTE: &str = "\"><b hx-get=/pwned hx-trigger=load>";

#[tokio::test]
async fn hostile_text_is_text_on_every_page_and_in_the_stream() {
    let site = Site::new().await;
    let lakeside = site.facility(&format!("Lakeside {PICTURE}")).await;
    let rivertown = site.facility(&format!("Rivertown {ATTRIBUTE}")).await;
    let unit = hostile_lot(&site, &rivertown, SCRIPT).await;
    let asking = site.client().log_in(&lakeside.staff.email).await;
    let reason = format!("{PICTURE}{SCRIPT}{ATTRIBUTE}");
    let to = rivertown.id.to_string();
    let fields = [
        ("component", "red_cells"),
        ("group", "O-"),
        ("quantity", "2"),
        ("urgency", "emergency"),
        ("needed_by", ""),
        ("reason", &reason),
        ("to", &to),
    ];
    let raised = asking.post(&lakeside.path("/requests"), &fields).await;
    let request = raised
        .location()
        .expect("the request is raised")
        .split(['/', '?'])
        .nth(4)
        .expect("its id")
        .to_owned();

    let browser = browser_on_board(&site, &rivertown).await;
    browser.sees("#w-soon", SCRIPT).await;
    browser.sees("#w-queue", PICTURE).await;
    nothing_ran(&browser).await;
    hostile_lot(&site, &rivertown, PICTURE).await;
    browser.sees("#w-soon", PICTURE).await;
    hostile_lot(&site, &rivertown, ATTRIBUTE).await;
    browser.sees("#w-soon", ATTRIBUTE).await;
    nothing_ran(&browser).await;

    browser.visit(&rivertown.path(&format!("/requests/{request}"))).await;
    browser.sees("main", &reason).await;
    nothing_ran(&browser).await;
    browser.press("Reject it").await;
    browser.fill("reason", &reason).await;
    browser.press("Reject the request").await;
    browser.sees(".timeline", &reason).await;
    nothing_ran(&browser).await;

    browser.visit(&rivertown.path(&format!("/inventory/{unit}"))).await;
    browser.sees("h1", SCRIPT).await;
    browser.press("Put into quarantine").await;
    browser.fill("note", PICTURE).await;
    browser.press_on("#quarantine button").await;
    browser.sees(".timeline", PICTURE).await;
    nothing_ran(&browser).await;

    for page in [
        "/inventory",
        "/requests",
        "/issues/new?component=red_cells&quantity=2&abo=O&rh=negative",
    ] {
        browser.visit(&rivertown.path(page)).await;
        browser.sees("main", "pwned").await;
        nothing_ran(&browser).await;
    }
    browser.visit("/network").await;
    browser.sees("#live-status", "Live").await;
    browser.sees("#facilities", ATTRIBUTE).await;
    site.stock(&rivertown).quantity(77).add().await;
    browser.sees("#facilities", "79").await;
    nothing_ran(&browser).await;
    browser.is_quiet().await;
}

/// A lot that will be in the list of what expires soon.
async fn hostile_lot(site: &Site, facility: &Facility, lot: &str) -> pulseboard::ids::UnitId {
    let mut stock = site.stock(facility).quantity(1).expires_in(TimeDelta::hours(5));
    stock.new.lot = Some(lot.into());
    stock.add().await
}

#[tokio::test]
async fn a_fragment_that_was_not_escaped_still_runs_nothing() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    let browser = browser_on_board(&site, &lakeside).await;
    let careless = format!(
        "{SCRIPT}<img id='bait' src='/static/none.png' onerror='window.__pwned=2'>\
         <b id='lure' hx-on:click='window.__pwned=3' onclick='window.__pwned=4'>press</b>\
         <i hx-get='/livez' hx-trigger='load[window.__pwned=5]' hx-vals='js:{{a:(window.__pwned=6)}}'></i>\
         <a id='link' href='javascript:window.__pwned=7'>go</a>\
         <svg><script>window.__pwned=8</script></svg><iframe srcdoc='<script>parent.__pwned=9</script>'></iframe>"
    );

    let widget = format!(
        "<hx-partial hx-target='#w-soon' hx-swap='outerMorph'><section id='w-soon' class='widget' \
         data-version='9999999999999999'>{careless}</section></hx-partial>"
    );
    site.hub
        .publish(Topic::Board(lakeside.id), swap_frame(9_999_999_999_999_999, &widget));
    takes_the_bait(&browser, "#w-soon").await;

    browser.visit(&lakeside.path("")).await;
    browser.sees("#live-status", "Live").await;
    let answer = serde_json::json!(format!("<form id='refresh'>{careless}</form>"));
    let forged = format!(
        "void (window.fetch = async () => new Response({answer}, {{ headers: {{ 'content-type': 'text/html' }} }}))"
    );
    browser.eval(&forged).await;
    browser.press("Refresh").await;
    takes_the_bait(&browser, "#refresh").await;
}

/// Waits until the fragment is in the page and everything in it had its chance.
async fn takes_the_bait(browser: &Chromium, place: &str) {
    browser
        .until(
            "the fragment is in the page",
            &format!("document.querySelector('{place} #bait')?.complete"),
        )
        .await;
    browser.press_on("#lure").await;
    browser.press_on("#link").await;
    assert!(
        browser.eval("window.__pwned ?? null").await.is_null(),
        "hostile code ran in {place}"
    );
    let console = browser.console().await;
    let blocked = |line: &&String| line.contains("Content Security Policy");
    assert!(
        console.iter().any(|line| blocked(&line)),
        "the policy had nothing to refuse? {console:#?}"
    );
}

/// No hostile word was taken for code, not even for an address to fetch.
async fn nothing_ran(browser: &Chromium) {
    assert!(
        browser.eval("window.__pwned ?? null").await.is_null(),
        "hostile code ran"
    );
    let fetched =
        "performance.getEntriesByType('resource').map(entry => entry.name).filter(name => name.includes('pwned'))";
    assert_eq!(browser.eval(fetched).await, serde_json::json!([]));
    let made = "document.querySelectorAll('img, main script, b[hx-get]').length";
    assert_eq!(browser.eval(made).await, 0, "hostile text became an element");
}
