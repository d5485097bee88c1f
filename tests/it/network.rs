//! The network page: what one may see of it, how it is searched and sorted, and where blood is to be found.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::blood::{BloodGroup, Component};

use crate::journey::number;
use crate::support::{Facility, TestApp};

/// Puts a facility somewhere, and says whether it shares what it holds.
async fn place(app: &TestApp, facility: &Facility, kind: &str, region: &str, longitude: f64, shares: bool) {
    sqlx::query("update facilities set kind = $2, region = $3, longitude = $4, shares_availability = $5 where id = $1")
        .bind(facility.id.0)
        .bind(kind)
        .bind(region)
        .bind(longitude)
        .bind(shares)
        .execute(&mut app.owner().await)
        .await
        .expect("the facility moves");
    app.chrome.forget();
}

fn names(page: &crate::support::Page) -> Vec<String> {
    page.texts("#facilities .scroll.tall tbody th a")
}

#[tokio::test]
async fn the_list_holds_the_facilities_one_belongs_to_and_all_for_an_administrator() {
    let app = TestApp::new().await;
    let (a, b, c) = (
        app.facility("Alder").await,
        app.facility("Birch").await,
        app.facility("Cedar").await,
    );
    app.stock(&c).quantity(5).add().await;
    let member = app.log_in(Role::Viewer, &[&a, &b]).await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    let mine = member.get("/network").await.ok();
    let all = admin.get("/network").await.ok();

    assert_eq!(names(&mine), ["Alder", "Birch"]);
    assert_eq!(names(&all), ["Alder", "Birch", "Cedar"]);
    assert!(mine.text(".page-head p").starts_with("2 facilities · 0 issuable units"));
    assert!(all.text(".page-head p").starts_with("3 facilities · 5 issuable units"));
    assert_eq!(member.get(&c.path("")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_is_searched_and_sorted() {
    let app = TestApp::new().await;
    let (a, b, c) = (
        app.facility("Alder").await,
        app.facility("Birch").await,
        app.facility("Cedar").await,
    );
    place(&app, &a, "hospital", "North", 13.0, true).await;
    place(&app, &b, "clinic", "South", 14.0, true).await;
    place(&app, &c, "blood_center", "South", 15.0, true).await;
    for (facility, quantity) in [(&a, 2), (&b, 9), (&c, 5)] {
        app.stock(facility).quantity(quantity).add().await;
    }
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    for (query, expected) in [
        ("q=south", vec!["Birch", "Cedar"]),
        ("q=ALD", vec!["Alder"]),
        ("q=clinic", vec!["Birch"]),
        ("kind=hospital", vec!["Alder"]),
        ("kind=blood_center&q=south", vec!["Cedar"]),
        ("sort=issuable&dir=desc", vec!["Birch", "Cedar", "Alder"]),
        ("sort=issuable", vec!["Alder", "Cedar", "Birch"]),
        ("sort=name&dir=desc", vec!["Cedar", "Birch", "Alder"]),
        ("sort=mischief", vec!["Alder", "Birch", "Cedar"]),
        ("q=%27%3B+drop+table", vec![]),
    ] {
        let page = admin.get(&format!("/network?{query}")).await.ok();
        assert_eq!(names(&page), expected, "{query}");
    }
    let sorted = admin.get("/network?sort=issuable&dir=desc").await.ok();
    assert_eq!(sorted.attr("th[aria-sort]", "aria-sort").as_deref(), Some("descending"));
}

#[tokio::test]
async fn a_shelf_under_its_minimum_is_critical_on_the_board_and_in_the_list() {
    let app = TestApp::new().await;
    let (a, b) = (app.facility("Alder").await, app.facility("Birch").await);
    for facility in [&a, &b] {
        sqlx::query(
            "insert into stock_thresholds (facility_id, component, blood_group, minimum, reorder, target)
             values ($1, 'red_cells', 'O-', 4, 8, 12)",
        )
        .bind(facility.id.0)
        .execute(&mut app.owner().await)
        .await
        .expect("levels");
    }
    app.stock(&a).quantity(3).add().await;
    app.stock(&b).quantity(9).add().await;
    let admin = app.log_in(Role::NetworkAdmin, &[]).await;

    let critical = admin.get("/network?critical=true").await.ok();
    let board = admin.get(&a.path("")).await.ok();
    let other = admin.get(&b.path("")).await.ok();

    assert_eq!(names(&critical), ["Alder"]);
    assert_eq!(critical.text(".badge.critical"), "1 critical");
    assert_eq!(board.text("#w-matrix td.critical .phase"), "Critical");
    assert_eq!(other.text("#w-matrix td.watch .phase"), "Watch");
}

#[tokio::test]
async fn blood_is_found_nearest_first_where_it_is_shared_and_no_unit_is_named() {
    let app = TestApp::new().await;
    let mut found = Vec::new();
    for (name, longitude, shares) in [
        ("Here", 13.0, true),
        ("Far", 15.0, true),
        ("Near", 13.1, true),
        ("Silent", 13.05, false),
        ("Other", 13.2, true),
    ] {
        let facility = app.facility(name).await;
        place(&app, &facility, "hospital", "North", longitude, shares).await;
        found.push(facility);
    }
    let [here, far, near, silent, other] = &found[..] else {
        unreachable!()
    };
    app.stock(far).quantity(8).add().await;
    app.stock(near)
        .unit(number(4).as_str())
        .of(Component::RedCells, BloodGroup::ONegative)
        .add()
        .await;
    app.stock(near).quantity(2).add().await;
    app.stock(near)
        .quantity(50)
        .expires_in(TimeDelta::minutes(1))
        .add()
        .await;
    app.stock(near).quantity(40).quarantined().add().await;
    app.stock(silent).quantity(8).add().await;
    app.stock(other)
        .of(Component::RedCells, BloodGroup::AbPositive)
        .add()
        .await;
    app.travel(TimeDelta::minutes(2));
    let staff = app.log_in(Role::Staff, &[here]).await;

    let page = staff
        .get("/network/find?component=red_cells&group=O-&quantity=4")
        .await
        .ok();

    let row = |place: usize| page.texts("tbody tr").into_iter().nth(place).expect("a row");
    assert_eq!(page.count("tbody tr"), 2, "{}", page.text("table"));
    assert!(
        row(0).starts_with("Near") && row(0).contains("O− 3") && row(0).contains("part"),
        "{}",
        row(0)
    );
    assert!(
        row(1).starts_with("Far") && row(1).contains("O− 8") && row(1).contains("same group"),
        "{}",
        row(1)
    );
    assert!(
        !page.body().contains(number(4).as_str()) && !page.body().contains("A9999"),
        "no unit is named"
    );
    assert!(!page.has("tbody th a"), "nor may one enter");
    let form = staff
        .get(&page.attr("tbody td.fit a", "href").expect("a way to ask"))
        .await
        .ok();
    assert_eq!(form.value("quantity").as_deref(), Some("4"));
    assert!(form.has(&format!("input[name=to][value=\"{}\"][checked]", near.id)));
}

#[tokio::test]
async fn the_search_follows_the_map_of_the_component() {
    let app = TestApp::new().await;
    let (here, there) = (app.facility("Here").await, app.facility("There").await);
    app.stock(&there)
        .of(Component::Plasma, BloodGroup::AbNegative)
        .quantity(3)
        .add()
        .await;
    app.stock(&there)
        .of(Component::RedCells, BloodGroup::ONegative)
        .quantity(5)
        .add()
        .await;
    let staff = app.log_in(Role::Staff, &[&here]).await;

    for (component, group, units) in [
        ("plasma", "O-", Some("AB− 3")),
        ("plasma", "AB-", Some("AB− 3")),
        ("red_cells", "AB-", Some("O− 5")),
        ("platelets", "O-", None),
        ("whole_blood", "A-", None),
    ] {
        let page = staff
            .get(&format!("/network/find?component={component}&group={group}&quantity=1"))
            .await
            .ok();
        match units {
            Some(units) => assert!(page.text("tbody tr").contains(units), "{component} {group}"),
            None => assert_eq!(
                page.text(".empty strong"),
                "Nobody else has compatible units now",
                "{component} {group}"
            ),
        }
    }
}

#[tokio::test]
async fn whatever_is_searched_for_is_answered() {
    let app = TestApp::new().await;
    let here = app.facility("Here").await;
    let staff = app.log_in(Role::Staff, &[&here]).await;

    for (query, field) in [
        ("component=soup&group=O-&quantity=1", "component"),
        ("component=plasma&group=C&quantity=1", "group"),
        ("component=plasma&group=O-&quantity=0", "quantity"),
        ("component=plasma&group=O-&quantity=-4", "quantity"),
        ("component=plasma&group=O-&quantity=99999999999999999999", "quantity"),
        ("component=plasma&group=%00&quantity=1", "group"),
    ] {
        let page = staff.get(&format!("/network/find?{query}")).await.ok();
        assert!(page.problem(field).is_some(), "{query}");
        assert!(!page.has("tbody"), "{query}");
    }
    for query in [
        "page=0",
        "page=-1",
        "page=18446744073709551615",
        "page=x",
        "q=%00",
        "near=-1",
        "sort=%00&dir=up",
    ] {
        let answer = staff.get(&format!("/network?{query}")).await;
        assert!(!answer.status.is_server_error(), "{query}: {}", answer.status);
    }
    let long = staff.get(&format!("/network?q={}", "x".repeat(10_000))).await;
    assert!(!long.status.is_server_error(), "{}", long.status);
}
