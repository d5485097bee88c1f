//! What happens on an open screen by itself: it follows the facility, says when it cannot, and comes back.

use chrono::{TimeDelta, Utc};
use pulseboard::audit::Actor;
use pulseboard::auth::Role;
use pulseboard::blood::DonationNumber;
use pulseboard::users;

use super::{Chromium, Site};
use crate::support::Facility;

#[tokio::test]
async fn staff_log_in_and_see_the_live_board_of_their_facility() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    site.stock(&lakeside).quantity(12).add().await;
    let browser = site.browser().await;

    browser.log_in(&lakeside.staff).await;

    browser.sees("h1", "Lakeside").await;
    browser.sees("#live-status", "Live").await;
    browser.sees("#w-stock .figure", "12 units").await;
    browser.sees("#w-matrix", "O−").await;
    browser.is_quiet().await;
}

#[tokio::test]
async fn what_one_person_books_is_on_the_others_screen_within_a_second() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    site.stock(&lakeside).quantity(12).add().await;
    let (writer, reader) = (site.browser().await, site.browser().await);
    reader.log_in(&site.person(Role::Viewer, &[&lakeside]).await).await;
    reader.sees("#live-status", "Live").await;
    reader.sees("#w-matrix [data-mark='Oneg:red_cells']", "12").await;
    look_out_for(&reader, "13").await;
    writer.log_in(&lakeside.staff).await;

    receive_one_unit(&writer, 1).await;

    writer.sees("#notice", "The stock is booked.").await;
    let booked = writer
        .eval("performance.timeOrigin + performance.getEntriesByType('navigation')[0].redirectEnd")
        .await;
    reader
        .until("the tile and the matrix follow", "seen.tile && seen.cell")
        .await;
    reader.until("what changed is lit", "seen.lit").await;
    reader
        .until(
            "the as-of moves",
            "document.querySelector('#w-stock [data-as-of]').dateTime > seen.asOf",
        )
        .await;
    let late = reader
        .eval("Math.max(seen.tile, seen.cell)")
        .await
        .as_f64()
        .expect("a time")
        - booked.as_f64().expect("a time");
    println!("the other screen changed {late:.0} ms after the answer");
    assert!(late < 1000.0, "{late} ms");
    for browser in [&writer, &reader] {
        browser.is_quiet().await;
    }
}

/// Notes in the page when its figures become `value` and light up; a reload would forget it.
async fn look_out_for(browser: &Chromium, value: &str) {
    let script = format!(
        "(() => {{
          window.seen = {{ asOf: document.querySelector('#w-stock [data-as-of]').dateTime }};
          const places = {{ tile: '#w-stock [data-mark]', cell: '#w-matrix [data-mark=\"Oneg:red_cells\"]' }};
          const look = () => {{
            for (const [name, place] of Object.entries(places)) {{
              const figure = document.querySelector(place);
              if (figure?.textContent.trim() !== '{value}') continue;
              seen[name] ??= Date.now();
              if (figure.classList.contains('changed')) seen.lit = true;
            }}
          }};
          new MutationObserver(look).observe(document.body,
            {{ subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['class'] }});
        }})()"
    );
    browser.eval(&script).await;
}

/// Types a unit of red cells into the form, O−, collected yesterday.
pub async fn receive_one_unit(browser: &Chromium, sequence: u32) {
    let number = DonationNumber::generate("A9999", 26, sequence)
        .expect("a number")
        .with_check();
    let yesterday = (Utc::now() - TimeDelta::days(1)).format("%Y-%m-%dT%H:%M").to_string();
    browser.press("Stock").await;
    browser.press("Receive stock").await;
    browser.fill("number_1", &number).await;
    browser.fill("component_1", "red_cells").await;
    browser.fill("group_1", "O-").await;
    browser.fill("collected_1", &yesterday).await;
    browser.press("Book the delivery").await;
}

#[tokio::test]
async fn a_wall_screen_outlives_a_restart_of_the_server() {
    let mut site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    site.stock(&lakeside).quantity(12).add().await;
    let browser = site.browser().await;
    browser.log_in(&lakeside.staff).await;
    browser.visit(&lakeside.path("?wall=1")).await;
    // it appears under the mouse
    browser
        .run("document.querySelector('.wall-bar .leave button').click()")
        .await;
    browser
        .until("it has a link of its own", "location.pathname.startsWith('/wall/')")
        .await;
    browser.sees("#live-status", "Live").await;
    browser.eval("window.neverReloaded = true").await;

    site.stop().await;

    browser.sees("#live-status", "Not connected since").await;
    browser
        .until("every widget says that it is stale", &every_widget(STALE))
        .await;
    browser.sees("#w-stock .figure", "12 units").await;

    site.stock(&lakeside).quantity(3).add().await;
    site.start_again().await;

    browser
        .until(
            "it is connected",
            "document.querySelector('#live-status .text').textContent === 'Live'",
        )
        .await;
    browser.sees("#w-stock .figure", "15 units").await;
    browser
        .until("no widget is stale", &every_widget(&format!("!({STALE})")))
        .await;
    assert_eq!(browser.eval("window.neverReloaded").await, true);
    browser
        .is_quiet_but_for(&["net::ERR_", "htmx:sse:error: Failed to fetch"])
        .await;
}

/// The word beside a widget's title, which a style adds.
const STALE: &str = "age.checkVisibility() && getComputedStyle(age, '::before').content === '\"stale\"'";

fn every_widget(condition: &str) -> String {
    format!(
        "[...document.querySelectorAll('.widget')].filter(widget => widget.checkVisibility())
           .map(widget => widget.querySelector('.age')).every(age => {condition})"
    )
}

#[tokio::test]
async fn the_open_page_of_somebody_locked_out_says_so_at_once() {
    let site = Site::new().await;
    let lakeside = site.facility("Lakeside").await;
    let browser = browser_on_board(&site, &lakeside).await;

    let begun = std::time::Instant::now();
    users::disable(&site.db, &Actor::system(), &lakeside.staff.email)
        .await
        .expect("the account is locked");

    browser.sees("#session-over", "You are no longer logged in here").await;
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    browser
        .until(
            "the way back has the focus",
            "document.activeElement.innerText === 'Log in again'",
        )
        .await;
    browser.press("Log in again").await;
    browser.follow_new_tab().await;
    browser.sees("h1", "Log in").await;
    browser.is_quiet().await;
}

/// A browser of the facility's staff, on its board, live.
pub async fn browser_on_board(site: &Site, facility: &Facility) -> Chromium {
    let browser = site.browser().await;
    browser.log_in(&facility.staff).await;
    browser.sees("#live-status", "Live").await;
    browser
}
