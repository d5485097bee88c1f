//! Plain forms: the whole work without JavaScript, and what happens to what somebody typed when it cannot be taken.

use chrono::{TimeDelta, Utc};
use pulseboard::blood::DonationNumber;

use super::live::{browser_on_board, receive_one_unit};
use super::{Chromium, Site};
use crate::support::Person;

#[tokio::test]
async fn the_work_of_two_facilities_needs_no_javascript() {
    let site = Site::new().await;
    let (lakeside, rivertown) = (site.facility("Lakeside").await, site.facility("Rivertown").await);
    site.stock(&rivertown).quantity(12).add().await;
    let browser = site.browser_without_javascript().await;

    browser.log_in(&lakeside.staff).await;
    browser.sees("noscript", "Reload to update").await;
    browser.sees("#w-stock .figure", "0 units").await;
    receive_one_unit(&browser, 1).await;
    browser.sees("#notice", "The stock is booked.").await;

    browser.press("Requests").await;
    browser.press("Raise a request").await;
    browser.fill("component", "red_cells").await;
    browser.fill("group", "O-").await;
    browser.fill("quantity", "2").await;
    browser.fill("urgency", "urgent").await;
    browser.fill("reason", "Two operations tomorrow").await;
    browser
        .press_on(&format!("[name='to'][value='{}']", rivertown.id))
        .await;
    browser.press("Raise the request").await;
    browser.sees("#notice", "The request is raised.").await;

    change_over(&browser, &rivertown.staff).await;
    browser.sees("#w-queue", "2 × O−").await;
    browser.press_on("#w-queue form[action$='/acceptance'] button").await;
    browser
        .sees("#notice", "Accepted; the units are reserved for 24 hours.")
        .await;
    browser.press("Dispatch 2").await;
    browser.press("Dispatch").await;
    browser.sees("#notice", "Dispatched; the units are on their way.").await;

    change_over(&browser, &lakeside.staff).await;
    browser.press("Transfers").await;
    browser.press_on("tbody th a").await;
    browser.press("All arrived as listed").await;
    browser.sees("#notice", "The delivery is booked into stock.").await;

    browser.press("Board").await;
    browser.sees("#w-stock .figure", "3 units").await;
    browser.sees("#w-transferred .figure", "2 units").await;
    browser.sees("#w-requests .figure", "1 request").await;
    browser.sees("#w-matrix [data-mark='Oneg:red_cells']", "3").await;
    browser.is_quiet().await;
    site.verify().await;
}

/// One logs out, the other logs in.
async fn change_over(browser: &Chromium, next: &Person) {
    browser.press_on(".menu.user summary").await;
    browser.press("Log out").await;
    browser.sees("#notice", "You are logged out.").await;
    browser.log_in(next).await;
}

#[tokio::test]
async fn a_form_that_cannot_be_taken_keeps_what_was_typed() {
    let site = Site::new().await;
    let (lakeside, rivertown) = (site.facility("Lakeside").await, site.facility("Rivertown").await);
    let browser = browser_on_board(&site, &lakeside).await;
    let yesterday = (Utc::now() - TimeDelta::days(1)).format("%Y-%m-%dT%H:%M").to_string();

    browser.visit(&lakeside.path("/requests/new")).await;
    browser.fill("component", "platelets").await;
    browser.fill("group", "AB+").await;
    browser.fill("quantity", "3").await;
    browser.fill("needed_by", &yesterday).await;
    browser.fill("reason", "Typed with care").await;
    browser
        .press_on(&format!("[name='to'][value='{}']", rivertown.id))
        .await;
    browser.press("Raise the request").await;

    browser.sees("[role='alert']", "Nothing was raised yet").await;
    assert_problem(&browser, "needed_by", "This moment has passed.").await;
    let typed = browser
        .eval("[...new FormData(document.forms[document.forms.length - 1])].map(pair => pair[1]).join('|')")
        .await;
    // nothing was searched for
    let kept = format!("platelets|AB+|3|routine|{yesterday}|Typed with care||{}", rivertown.id);
    assert_eq!(typed, kept);

    let number = DonationNumber::generate("A9999", 26, 7).expect("a number");
    let wrong = format!(
        "{}{}",
        number.as_str(),
        if number.check_character() == '7' { '8' } else { '7' }
    );
    browser.visit(&lakeside.path("/inventory/new")).await;
    browser.fill("number_1", &wrong).await;
    browser.fill("component_1", "red_cells").await;
    browser.fill("group_1", "O-").await;
    browser.fill("collected_1", &yesterday).await;
    browser.press("Book the delivery").await;

    browser.sees("[role='alert']", "Nothing is booked yet").await;
    assert_problem(&browser, "number_1", "check character").await;
    assert_eq!(
        browser.eval("document.querySelector('[name=number_1]').value").await,
        wrong
    );
    browser.is_quiet_but_for(&["422"]).await;
}

#[tokio::test]
async fn a_request_rejected_on_the_board_without_a_reason_asks_for_one_there() {
    let site = Site::new().await;
    let (lakeside, rivertown) = (site.facility("Lakeside").await, site.facility("Rivertown").await);
    site.request(&rivertown, &[&lakeside]).await;
    let browser = browser_on_board(&site, &lakeside).await;

    browser.press_on("#w-queue .reject summary").await;
    browser.fill("reason", "   ").await;
    browser.press("Reject the request").await;

    browser.sees("#w-queue .reject .problem", "Say why").await;
    let control = "document.querySelector('#w-queue [name=reason]')";
    browser
        .until(
            "the control is marked",
            &format!("{control}.getAttribute('aria-invalid') === 'true'"),
        )
        .await;
    browser
        .until(
            "the control names its problem",
            &format!("document.getElementById({control}.getAttribute('aria-describedby')).checkVisibility()"),
        )
        .await;
    assert_eq!(browser.eval(&format!("{control}.value")).await, "   ");
    assert_eq!(browser.eval("location.pathname").await, lakeside.path(""));

    browser.fill("reason", "Nothing left").await;
    browser.press("Reject the request").await;

    browser.sees("#notice", "The request is rejected.").await;
    browser.is_quiet_but_for(&["422"]).await;
}

/// The problem stands visibly beside its control, and a screen reader finds it there.
async fn assert_problem(browser: &Chromium, name: &str, words: &str) {
    let problem = format!("#f-{name}-problem");
    browser.sees(&problem, words).await;
    let marked = format!("document.querySelector('#f-{name}[aria-invalid=true]').getAttribute('aria-describedby')");
    let described = browser.eval(&marked).await;
    let described = described.as_str().expect("the control is described");
    assert!(described.split(' ').any(|id| id == &problem[1..]), "{described}");
}
