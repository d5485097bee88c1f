//! A day that is over: the figures as they were kept. Its stock is the level at the end of the day, not a sum.

use chrono::NaiveDate;

use super::builtin::{Look, head};
use super::tiles::summed;
use super::view::PastView;
use super::{builtin, charts};
use crate::clock::{day_bounds, local_day};
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::facilities::Facility;
use crate::summary;
use crate::web::EmptyView;
use crate::words::Dated;
use crate::{distributions, requests};

/// The kept figures of a day; nothing for today and later, which the live board shows.
pub async fn day(db: &Db, facility: &Facility, day: NaiveDate) -> Result<Option<PastView>> {
    let now = db.clock.now();
    let today = local_day(facility.zone, now);
    if day >= today {
        return Ok(None);
    }
    let mut tx = db.read(&Scope::of(facility.id)).await?;
    let days = summary::days(
        &mut tx,
        facility.id,
        day - chrono::Days::new(builtin::DAYS as u64 - 1),
        day,
    )
    .await?;
    let kept = days.last().filter(|kept| kept.date == day).copied();
    let as_of = kept.map_or_else(|| day_bounds(facility.zone, day).1, |kept| kept.updated_at);
    let look = Look {
        facility,
        now,
        today: day,
        as_of,
        figures: None,
        days,
    };
    let mut head = head(&look, day);
    head.past = true;
    head.today = today.to_string();
    head.next_href = Some(match day.succ_opt() {
        Some(next) if next < today => format!("/facilities/{}?day={next}", facility.id),
        _ => format!("/facilities/{}", facility.id),
    });
    let Some(kept) = kept else {
        let last = summary::last_kept(&mut tx, facility.id, today).await?;
        return Ok(Some(PastView {
            head,
            empty: Some(nothing_kept(facility, last)),
            tiles: vec![],
            charts: vec![],
        }));
    };
    let id = facility.id;
    let delivered = distributions::Filter::delivered(day, day).href(id);
    let raised = requests::Filter::raised(day, day).href(id);
    let mut stock = summed(
        &look,
        "stock",
        t!("Issuable stock"),
        n!("unit", "units"),
        kept.total_stock,
        format!("/facilities/{id}/inventory"),
        |day| day.total_stock,
    );
    stock.frame.title = t!("Issuable stock at the end").into();
    // what was in stock then is not what is now: there is no list behind this number
    stock.frame.href = None;
    stock.href = String::new();
    let tiles = vec![
        stock,
        summed(
            &look,
            "transferred",
            t!("Delivered"),
            n!("unit", "units"),
            kept.total_transferred,
            delivered,
            |day| day.total_transferred,
        ),
        summed(
            &look,
            "requests",
            t!("Requests raised"),
            n!("request", "requests"),
            kept.total_requests,
            raised,
            |day| day.total_requests,
        ),
    ];
    Ok(Some(PastView {
        head,
        empty: None,
        tiles,
        charts: charts::all(&mut tx, &look).await?,
    }))
}

fn nothing_kept(facility: &Facility, last: Option<NaiveDate>) -> EmptyView {
    EmptyView {
        kind: if last.is_some() { "range" } else { "never" }.into(),
        title: t!("Nothing was kept for this day").into(),
        text: t!("A day without figures is not a day of zeros: nobody looked.").into(),
        label: last.map_or_else(String::new, |day| t!("Go to {day}", day = day.dated("%-d %B %Y"))),
        href: last.map_or_else(String::new, |day| format!("/facilities/{}?day={day}", facility.id)),
    }
}
