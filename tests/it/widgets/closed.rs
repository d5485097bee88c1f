//! Days that are closed: their sums say what their rows said, whoever asks and however it is split, and a change of the
//! past is seen at once.

use chrono::TimeDelta;
use pulseboard::blood::{BloodGroup, Component};
use pulseboard::db::Scope;
use pulseboard::figures::Row;
use pulseboard::summary;
use pulseboard::widgets::{Dimension, Filter, Range, sources};

use super::{context, eventful, load};
use crate::support::{Facility, TestApp};

/// Every figure that is counted by day, as each of these contexts shows it, split in every way.
async fn all(app: &TestApp, contexts: &[pulseboard::widgets::Context]) -> Vec<(String, Vec<Row>)> {
    let mut said = Vec::new();
    for (at, context) in contexts.iter().enumerate() {
        for measure in sources().measures().filter(|measure| measure.past) {
            let mut splits = vec![vec![]];
            for &first in measure.by {
                splits.push(vec![first]);
                splits.extend(
                    measure
                        .by
                        .iter()
                        .filter(|second| **second != first)
                        .map(|&second| vec![first, second]),
                );
            }
            for by in splits {
                let mut rows = load(app, context, &measure.name, &by).await.rows;
                rows.sort_by(|a, b| (&a.first, &a.second).cmp(&(&b.first, &b.second)));
                said.push((format!("{} by {by:?} in {at}", measure.name), rows));
            }
        }
    }
    said
}

async fn contexts(
    app: &TestApp,
    here: &Facility,
    there: &Facility,
    third: &Facility,
) -> Vec<pulseboard::widgets::Context> {
    let everywhere = [here, there, third];
    let only = |group, component| Filter {
        group,
        component,
        ..Filter::default()
    };
    let range = || Range::days(20);
    let region = Scope::Facilities(vec![here.id, there.id]);
    vec![
        context(app, &Scope::All, &everywhere, Filter::default(), range()).await,
        context(
            app,
            &Scope::All,
            &everywhere,
            only(Some(BloodGroup::ONegative), None),
            range(),
        )
        .await,
        context(
            app,
            &Scope::All,
            &everywhere,
            only(Some(BloodGroup::ONegative), Some(Component::RedCells)),
            range(),
        )
        .await,
        context(app, &Scope::All, &[here, third], Filter::default(), range()).await,
        context(app, &region, &[here, there], Filter::default(), range()).await,
        context(
            app,
            &region,
            &[here, there],
            only(None, Some(Component::Platelets)),
            range(),
        )
        .await,
    ]
}

#[tokio::test]
async fn a_closed_day_says_what_its_rows_said() {
    let app = TestApp::new().await;
    let (here, there) = eventful(&app).await;
    let third = app.facility_in("Elsewhere", "America/New_York").await;
    sqlx::query("update facilities set region = 'Elsewhere' where id = $1")
        .bind(third.id.0)
        .execute(&mut app.owner().await)
        .await
        .expect("another region");
    app.chrome.forget();
    app.request(&third, &[&here]).await;
    // whole weeks must lie between then and today
    for _ in 0..4 {
        app.travel(TimeDelta::days(4));
        app.request(&here, &[&third]).await;
        app.delivery(&there, &third).await;
        summary::refresh_all(&app.db, None).await.expect("the days are kept");
    }
    let contexts = contexts(&app, &here, &there, &third).await;
    let before = all(&app, &contexts).await;

    let closed = summary::close_days(&app.db, None).await.expect("days are closed");

    assert_eq!(closed, 16, "all days from the first to yesterday");
    assert!(before.iter().any(|(_, rows)| !rows.is_empty()));
    let after = all(&app, &contexts).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    app.verify().await;
}

#[tokio::test]
async fn a_change_of_the_past_is_seen_at_once_and_closed_again() {
    let app = TestApp::new().await;
    let (here, there) = eventful(&app).await;
    app.travel(TimeDelta::days(6));
    summary::refresh_all(&app.db, None).await.expect("today is kept");
    summary::close_days(&app.db, None).await.expect("days are closed");
    let both = context(&app, &Scope::All, &[&here, &there], Filter::default(), Range::days(10)).await;
    let before = load(&app, &both, "requests.raised", &[]).await.rows[0].value;

    sqlx::query("update blood_requests set created_at = created_at + interval '1 day' where id = (select min(id) from blood_requests)")
        .execute(&mut app.owner().await)
        .await
        .expect("one is moved");
    sqlx::query(
        "insert into blood_requests (facility_id, component, blood_group, quantity, urgency, created_at)
         select id, 'red_cells', 'O-', 1, 'routine', clock_now() + interval '2 days' from facilities where id = $1",
    )
    .bind(here.id.0)
    .execute(&mut app.owner().await)
    .await
    .expect("one is entered late");
    let reopened = load(&app, &both, "requests.raised", &[Dimension::Day]).await.rows;
    let at_once = load(&app, &both, "requests.raised", &[]).await.rows[0].value;
    let again = summary::close_days(&app.db, None).await.expect("days are closed");

    assert_eq!(at_once, before + 1.0);
    assert_eq!(again, 3, "the day it left, the day it went to, the day of the late one");
    assert_eq!(
        load(&app, &both, "requests.raised", &[Dimension::Day]).await.rows,
        reopened
    );
}

#[tokio::test]
async fn who_sees_a_part_of_a_region_gets_sums_of_that_part() {
    let app = TestApp::new().await;
    let (here, there) = eventful(&app).await;
    app.travel(TimeDelta::days(6));
    summary::refresh_all(&app.db, None).await.expect("today is kept");
    summary::close_days(&app.db, None).await.expect("days are closed");
    let raised = async |scope: Scope, of: &[&Facility]| {
        let context = context(&app, &scope, of, Filter::default(), Range::days(10)).await;
        load(&app, &context, "requests.raised", &[])
            .await
            .rows
            .first()
            .map_or(0.0, |row| row.value)
    };

    let (ours, theirs) = (
        raised(Scope::of(here.id), &[&here]).await,
        raised(Scope::of(there.id), &[&there]).await,
    );
    let asked_for_more = raised(Scope::of(here.id), &[&here, &there]).await;
    let mut tx = app.db.read(&Scope::of(here.id)).await.expect("a look");
    let sums: i64 = sqlx::query_scalar("select count(*) from area_sums")
        .fetch_one(&mut *tx)
        .await
        .expect("a count");

    assert_eq!(ours + theirs, raised(Scope::All, &[&here, &there]).await);
    assert_eq!(asked_for_more, ours);
    assert_eq!(sums, 0, "a region's sums are for those who see all of it");
}
