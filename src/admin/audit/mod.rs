//! Who did what: the audit log for administrators, filtered, a page at a time, and as a file.

mod export;
mod view;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use crate::app::App;
use crate::audit::{self, Filter};
use crate::auth::Manager;
use crate::error::Result;
use crate::facilities;
use crate::web::{Here, Layout, OptionView, options, query_string};

pub use export::{MOST_ROWS, csv, ndjson};
use view::LineView;

/// Lines on a page.
const PAGE: i64 = 50;

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage<'a> {
    layout: &'a Layout,
    filter: &'a Filter,
    filtered: bool,
    facilities: Vec<OptionView>,
    things: Vec<String>,
    actions: Vec<String>,
    lines: Vec<LineView>,
    most_rows: String,
    csv: String,
    ndjson: String,
    first: Option<String>,
    next: Option<String>,
}

/// Where a page begins: after this line.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Place {
    before: String,
}

/// `GET /admin/audit?person=&facility=&thing=&action=&from=&to=&before=`
pub async fn index(
    State(app): State<App>,
    here: Here,
    manager: Manager,
    Query(filter): Query<Filter>,
    Query(place): Query<Place>,
) -> Result<Response> {
    let scope = manager.scope();
    let before: Option<i64> = place.before.parse().ok();
    let mut tx = app.db.read(&scope).await?;
    let lines = app
        .db
        .timed("audit", audit::page(&mut tx, &scope, &filter, before, PAGE))
        .await?;
    let (things, actions) = audit::seen(&mut tx, &scope).await?;
    drop(tx);
    let layout = app.chrome.page(&manager, &here, t!("Audit"), "admin/audit").await?;
    let address = |path: &str, before: &str| {
        let pairs: Vec<_> = filter.pairs().into_iter().chain([("before", before)]).collect();
        format!("{path}{}", query_string(&pairs))
    };
    let last = lines
        .last()
        .filter(|_| lines.len() as i64 == PAGE)
        .map(|line| line.id.to_string());
    let mine = facilities::of_person(app.db.unscoped(), &manager).await?;
    let mine: Vec<(String, String)> = mine
        .into_iter()
        .filter(|one| manager.manages(one.id))
        .map(|one| (one.id.to_string(), one.name))
        .collect();
    let choices = mine.iter().map(|(id, name)| (id.as_str(), name.as_str()));
    let page = AuditPage {
        layout: &layout,
        filtered: !filter.is_empty(),
        facilities: options(
            std::iter::once(("", t!("All facilities"))).chain(choices),
            &filter.facility,
        ),
        things,
        actions,
        lines: lines.iter().map(LineView::of).collect(),
        most_rows: crate::charts::full(MOST_ROWS as f64),
        csv: address("/admin/audit.csv", ""),
        ndjson: address("/admin/audit.ndjson", ""),
        first: before.map(|_| address("/admin/audit", "")),
        next: last.map(|last| address("/admin/audit", &last)),
        filter: &filter,
    };
    let html = page.render().map_err(anyhow::Error::from)?;
    Ok((StatusCode::OK, Html(html)).into_response())
}
