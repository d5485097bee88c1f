//! A number and the list behind it agree: every figure is followed by its link, as everybody who may see it, and the rows
//! of all pages of the list are added up. And a number that is pushed is the number of the page.

use chrono::TimeDelta;
use pulseboard::auth::Role;
use pulseboard::db::Scope;
use pulseboard::ids::FacilityId;
use pulseboard::synthetic::{self, Plan};
use pulseboard::{inventory, summary};

use crate::support::{Client, Facility, Page, TestApp};

/// An invented network with a rich past, in which nothing is due for a while.
async fn invented() -> (TestApp, Vec<Facility>) {
    let app = TestApp::new().await;
    let plan = Plan {
        facilities: 12,
        days: 21,
        seed: 7,
    };
    synthetic::seed(&app.db, &plan, |_| {})
        .await
        .expect("the network is invented");
    // nothing may expire between a page and its list
    loop {
        inventory::expire_due(&app.db, None).await.expect("the job runs");
        inventory::end_reservations(&app.db, None).await.expect("the job runs");
        match inventory::next_due(&app.db).await.expect("a look") {
            Some(next) if next - app.db.clock.now() < TimeDelta::minutes(5) => {
                app.travel(next - app.db.clock.now() + TimeDelta::seconds(1));
            }
            _ => break,
        }
    }
    summary::refresh_all(&app.db, None)
        .await
        .expect("the schedule's refresh");
    app.verify().await;
    let mut tx = app.db.read(&Scope::All).await.expect("a look");
    let all: Vec<(i64, String, i64)> = sqlx::query_as(
        "select f.id, f.name, min(b.id) from facilities f join blood_banks b on b.facility_id = f.id
         group by f.id order by f.id",
    )
    .fetch_all(&mut *tx)
    .await
    .expect("the facilities");
    drop(tx);
    let staff = app.person(Role::NetworkAdmin, &[]).await;
    let facility = |(id, name, bank)| Facility {
        id: FacilityId(id),
        name,
        bank,
        staff: staff.clone(),
        secret: String::new(),
        mark: String::new(),
    };
    (app, all.into_iter().map(facility).collect())
}

/// A figure as somebody sees it, and where it leads.
struct Figure {
    what: String,
    value: i64,
    href: String,
}

/// The figures of a board that have a list behind them.
fn figures(page: &Page) -> Vec<Figure> {
    let mut figures = Vec::new();
    for tile in ["stock", "transferred", "requests", "urgent", "expiring"] {
        let link = format!("#w-{tile} .figure a");
        // a day that is over has no list of its stock
        if let (Some(exact), Some(href)) = (page.attr(&link, "title"), page.attr(&link, "href"))
            && !href.is_empty()
        {
            figures.push(Figure {
                what: format!("tile {tile}"),
                value: first_number(&exact),
                href,
            });
        }
    }
    let cells = page.texts("#w-matrix td a");
    for (place, (value, href)) in cells.iter().zip(page.attrs("#w-matrix td a", "href")).enumerate() {
        figures.push(Figure {
            what: format!("cell {place} of the matrix"),
            value: first_number(value),
            href,
        });
    }
    if let Some(href) = page.attr("#w-queue h2 a", "href") {
        let shown = page.find("#w-queue .note").map_or(0, |note| first_number(&note));
        figures.push(Figure {
            what: "queue".into(),
            value: shown,
            href,
        });
    }
    if let (Some(all), Some(href)) = (page.find("#w-soon a.more"), page.attr("#w-soon a.more", "href")) {
        // this one counts rows
        figures.push(Figure {
            what: "rows that expire soon".into(),
            value: first_number(&all),
            href: format!("rows:{href}"),
        });
    }
    figures
}

/// The first number in a text, thousands separators aside.
pub(crate) fn first_number(text: &str) -> i64 {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits
        .find(|c: char| !c.is_ascii_digit() && c != ',')
        .unwrap_or(digits.len());
    digits[..end]
        .replace(',', "")
        .parse()
        .unwrap_or_else(|_| panic!("no number in {text:?}"))
}

/// What the rows of a list add up to, over all of its pages.
async fn listed(client: &Client, href: &str) -> i64 {
    let (only_rows, mut href) = match href.strip_prefix("rows:") {
        Some(rest) => (true, rest.to_owned()),
        None => (false, href.to_owned()),
    };
    let mut sum = 0;
    for _ in 0..200 {
        let page = client.get(&href).await.ok();
        let rows = "main table.table > tbody > tr";
        sum += if only_rows || href.contains("/requests") {
            page.count(rows) as i64
        } else if href.contains("/inventory") || href.contains("/movements") {
            page.texts(&format!("{rows} td[data-label=Units]"))
                .iter()
                .map(|text| first_number(text))
                .sum()
        } else {
            page.texts(&format!("{rows} th a"))
                .iter()
                .map(|text| first_number(text))
                .sum::<i64>()
        };
        match page.attr("nav.pages a[rel=next]", "href") {
            Some(next) => href = next,
            None => return sum,
        }
    }
    panic!("{href} never ends");
}

#[tokio::test]
async fn every_figure_of_a_board_is_what_its_list_adds_up_to_for_everybody() {
    let (app, facilities) = invented().await;
    let (mut followed, mut seen) = (0, std::collections::BTreeSet::new());

    for (facility, role) in [
        (&facilities[0], Role::Viewer),
        (&facilities[0], Role::NetworkAdmin),
        (&facilities[2], Role::Staff),
        (&facilities[3], Role::Viewer),
        (&facilities[7], Role::NetworkAdmin),
    ] {
        let client = app.log_in(role, &[facility]).await;
        let board = client.get(&facility.path("")).await.ok();
        for figure in figures(&board) {
            assert_eq!(
                listed(&client, &figure.href).await,
                figure.value,
                "{} of {} as {role:?}: {}",
                figure.what,
                facility.name,
                figure.href
            );
            followed += 1;
            if figure.value > 0 {
                seen.insert(figure.what);
            }
        }
    }

    assert!(followed >= 5 * 60, "only {followed} figures were found");
    assert!(seen.len() > 45, "too little is in the network: {seen:?}");
}

#[tokio::test]
async fn every_figure_of_a_day_that_is_over_is_what_its_list_adds_up_to() {
    let (app, facilities) = invented().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let mut sum = 0;

    for facility in [&facilities[0], &facilities[2], &facilities[5]] {
        for back in [1, 2, 8] {
            let day = app.db.clock.now().date_naive() - chrono::Days::new(back);
            let board = admin.get(&facility.path(&format!("?day={day}"))).await.ok();
            for figure in figures(&board) {
                let rows = listed(&admin, &figure.href).await;
                assert_eq!(
                    rows, figure.value,
                    "{} of {} on {day}: {}",
                    figure.what, facility.name, figure.href
                );
                sum += figure.value;
            }
            assert_eq!(
                board.attr("#w-stock .figure a", "href").unwrap_or_default(),
                "",
                "a level of the past has no list"
            );
        }
    }

    assert!(sum > 0, "nothing ever happened");
}

#[tokio::test]
async fn every_figure_of_the_network_is_what_its_list_adds_up_to() {
    let (app, facilities) = invented().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let staff = app.log_in(Role::Staff, &[&facilities[1], &facilities[4]]).await;

    for (client, rows) in [(&admin, facilities.len()), (&staff, 2)] {
        let page = client.get("/network").await.ok();
        let (values, links) = (
            page.texts("#facilities td.num a.plain"),
            page.attrs("#facilities td.num a.plain", "href"),
        );
        assert_eq!((values.len(), links.len()), (3 * rows, 3 * rows));
        for (value, href) in values.iter().zip(&links) {
            assert_eq!(listed(client, href).await, first_number(value), "{href}");
        }
        let sum: i64 = values.iter().step_by(3).map(|value| first_number(value)).sum();
        assert!(
            page.text(".page-head p")
                .contains(&format!("{} issuable units", grouped(sum))),
            "the head adds them up"
        );
        for id in page.attrs("#facilities tbody tr", "id") {
            let facility = id.strip_prefix("facility-").expect("a facility");
            let critical = page
                .find(&format!("#{id} .badge.critical"))
                .map_or(0, |text| first_number(&text));
            let board = client.get(&format!("/facilities/{facility}")).await.ok();
            assert_eq!(
                board.count("#w-matrix td.critical") as i64,
                critical,
                "critical cells of {facility}"
            );
        }
    }
}

fn grouped(number: i64) -> String {
    pulseboard::charts::full(number as f64)
}

#[tokio::test]
async fn what_is_pushed_is_what_the_page_shows() {
    let (app, facilities) = invented().await;
    let facility = &facilities[2];
    let viewer = app.log_in(Role::Viewer, &[facility]).await;
    viewer.get(&facility.path("")).await.ok();
    let mut watch = viewer.watch(facility.id).await;
    watch.until(|frame| frame.event == "as-of").await;

    let mut stock = app.stock(facility).quantity(7).expires_in(TimeDelta::hours(20));
    stock.new.lot = Some("PUSHED".into());
    stock.add().await;
    let mut pushed = Vec::new();
    loop {
        let frame = watch.next().await;
        if frame.event == "as-of" {
            break;
        }
        pushed.push(frame);
    }

    let page = viewer.get(&facility.path("")).await.ok();
    for widget in ["stock", "expiring", "matrix", "soon", "activity"] {
        let id = format!("w-{widget}");
        let frame = pushed
            .iter()
            .find(|frame| frame.replaces(&id))
            .unwrap_or_else(|| panic!("no push of {widget}"));
        assert_eq!(
            frame.page().text(&format!("#{id}")),
            page.text(&format!("#{id}")),
            "{widget}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stream_says_never_goes_back_in_time() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let viewer = app.log_in(Role::Viewer, &[&lakeside]).await;
    viewer.get(&lakeside.path("")).await.ok();
    let mut watch = viewer.watch(lakeside.id).await;
    watch.until(|frame| frame.event == "as-of").await;

    let writes = (0..25).map(|_| app.stock(&lakeside).quantity(1).add());
    futures_util::future::join_all(writes).await;
    let (mut versions, mut units) = (Vec::new(), Vec::new());
    while units.last() != Some(&25) {
        let frame = watch.next().await;
        versions.push(frame.id.expect("every frame has its version"));
        if frame.replaces("w-stock") {
            units.push(first_number(&frame.page().text(".figure a")));
        }
    }

    assert!(versions.is_sorted(), "{versions:?}");
    assert!(units.is_sorted(), "{units:?}");
}

#[tokio::test]
async fn every_figure_of_a_widget_that_leads_to_a_list_is_what_the_list_adds_up_to() {
    use pulseboard::widgets::{Dimension, Kind, Nature, Query, Range, Spot, Widget, sources};
    let (app, facilities) = invented().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;
    let mut followed = std::collections::BTreeMap::<String, i64>::new();

    for facility in [&facilities[0], &facilities[2], &facilities[7]] {
        let scope = Scope::of(facility.id);
        let of = [facility];
        let filter = pulseboard::widgets::Filter::default();
        let context = crate::widgets::context(&app, &scope, &of, filter, Range::days(6)).await;
        for measure in sources().measures() {
            let counts = matches!(measure.nature, Nature::Count | Nature::Level);
            let dimensions = [Dimension::Day, Dimension::Group, Dimension::Component];
            let splits = dimensions.into_iter().filter(|one| measure.by.contains(one));
            if !counts || measure.name.starts_with("summary.") {
                continue;
            }
            for by in std::iter::once(vec![]).chain(splits.map(|one| vec![one])) {
                let (source, _) = sources().find(&measure.name).expect("its source");
                let widget = Widget::new(Kind::Table, "w1");
                let query = Query::new(measure, &widget, &by, &context.span, &context);
                let mut tx = app.db.read(&scope).await.expect("a look");
                let frame = source.load(&mut tx, &query).await.expect("its figures");
                drop(tx);
                for row in &frame.rows {
                    let mut spot = Spot {
                        facility: Some(facility.id),
                        ..Spot::default()
                    };
                    match by.first() {
                        Some(Dimension::Day) => spot.day = row.first.parse().ok(),
                        Some(Dimension::Group) => spot.group = row.first.parse().ok(),
                        Some(_) => spot.component = row.first.parse().ok(),
                        None => {}
                    }
                    let Some(href) = source.href(&query, &spot) else {
                        continue;
                    };
                    let rows = listed(&admin, &href).await;
                    assert_eq!(
                        rows as f64, row.value,
                        "{} by {by:?} {}: {href}",
                        measure.name, row.first
                    );
                    *followed.entry(measure.name.to_string()).or_default() += rows;
                }
            }
        }
    }

    for name in [
        "inventory.received",
        "inventory.issued",
        "inventory.discarded",
        "requests.raised",
        "requests.fulfilled",
        "distributions.delivered",
        "distributions.sent",
    ] {
        assert!(followed.get(name).is_some_and(|rows| *rows > 0), "{name}: {followed:?}");
    }
}
