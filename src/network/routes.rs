//! The addresses of the network: its page, the search alone, and its stream.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use std::sync::Arc;
use tower_sessions::Session;

use super::find::{self, Question};
use super::map;
use super::queries::{self, FacilityFigures};
use super::view::{FindFragment, NetworkPage, NetworkRow, SortColumn};
use crate::app::App;
use crate::auth::{Access, CurrentUser, Onlooker, Person};
use crate::charts;
use crate::clock::age_label;
use crate::error::Result;
use crate::facilities::{Facility, FacilityKind};
use crate::live::{self, Ground, Topic, Watcher, Watching};
use crate::web::{EmptyView, Here, LinkView, PagesView, Routes, options};
use crate::{distributions, inventory, requests};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/network", Access::SignedIn, index)
        .get("/network/find", Access::SignedIn, search)
        .get("/network/events", Access::SignedIn, events)
}

const ROWS_PER_PAGE: usize = 50;

#[derive(Clone, Debug, Default, serde::Deserialize)]
struct Listing {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    critical: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    dir: String,
    #[serde(default)]
    page: String,
}

/// `GET /network?q=…&sort=…`
async fn index(
    State(app): State<App>,
    here: Here,
    user: CurrentUser,
    Query(listing): Query<Listing>,
    Query(question): Query<Question>,
) -> Result<Response> {
    let mut layout = app.chrome.page(&user, &here, t!("Network"), "network").await?;
    layout.events_url = Some("/network/events".into());
    let all = app
        .db
        .timed("network", queries::figures(&app.db, &user.scope()))
        .await?;
    let now = app.db.clock.now();
    let issuable: i64 = all.iter().map(|row| row.issuable).sum();
    let critical = all.iter().filter(|row| row.critical > 0).count();
    let summary = t!(
        "{all} · {issuable} issuable units · {critical} with critical stock",
        all = n!("{n} facility", "{n} facilities", all.len()),
        issuable = charts::full(issuable as f64),
        critical
    );
    let nobody = all.is_empty();
    let matching = listing.choose(all);
    let find = find::answer(&app.db, &app.chrome, &user, &mine(&app, &user).await?, &question).await?;
    let page = NetworkPage {
        layout: &layout,
        summary,
        as_of_iso: now.to_rfc3339(),
        as_of: t!("{day} UTC", day = now.format("%H:%M:%S")),
        find: &find,
        query: listing.q.clone(),
        kinds: options(
            [("", t!("All kinds"))]
                .into_iter()
                .chain(FacilityKind::ALL.iter().map(|kind| (kind.as_str(), kind.label()))),
            &listing.kind,
        ),
        only_critical: listing.critical == "true",
        filtered: listing.is_filtered(),
        sort: listing.sort_key().into(),
        direction: if listing.descending() { "desc" } else { "asc" }.into(),
        map: (!matching.is_empty()).then(|| map::of(&matching).render()),
        columns: listing.columns(),
        empty: matching.is_empty().then(|| empty(nobody)),
        pages: listing.pages(matching.len()),
        rows: listing
            .page_of(&matching)
            .iter()
            .map(|figures| row(figures, now))
            .collect(),
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `GET /network/find?component=…&group=…&quantity=…&near=…`
async fn search(State(app): State<App>, user: CurrentUser, Query(question): Query<Question>) -> Result<Response> {
    let find = find::answer(&app.db, &app.chrome, &user, &mine(&app, &user).await?, &question).await?;
    Ok(Html(FindFragment { find: &find }.render().map_err(anyhow::Error::from)?).into_response())
}

/// `GET /network/events`: says that something changed; each viewer fetches the list under their own rights.
async fn events(State(app): State<App>, Onlooker(person): Onlooker, session: Session) -> Result<Response> {
    let auth = app.auth.clone();
    let watching = Watching {
        topic: Topic::Network,
        watcher: Watcher::Person(person.id),
        grounds: vec![Ground::Person(person.id)],
        lasts: None,
        seen: None,
        state: Box::new(|_| Box::pin(async { Some(live::named_frame("nudge", 0, "network")) })),
        allowed: Box::new(move || {
            let (auth, session) = (auth.clone(), session.clone());
            Box::pin(async move {
                // a database that is away is no reason to send anybody to the log-in
                auth.still_holds(&session).await.map_or(true, |person| person.is_some())
            })
        }),
    };
    live::stream(&app.hub, watching)
}

/// The facilities that a person may enter, for the search's starting point.
async fn mine(app: &App, person: &Person) -> Result<Vec<Arc<Facility>>> {
    let all = app.chrome.all().await?;
    Ok(all
        .into_iter()
        .filter(|facility| person.role_in(facility.id).is_some())
        .collect())
}

impl Listing {
    fn is_filtered(&self) -> bool {
        !self.q.is_empty() || !self.kind.is_empty() || self.critical == "true"
    }

    fn descending(&self) -> bool {
        self.dir == "desc"
    }

    fn sort_key(&self) -> &str {
        const KEYS: [&str; 8] = [
            "name",
            "kind",
            "region",
            "issuable",
            "transferred",
            "requests",
            "critical",
            "updated",
        ];
        KEYS.into_iter().find(|key| *key == self.sort).unwrap_or("name")
    }

    fn choose(&self, all: Vec<FacilityFigures>) -> Vec<FacilityFigures> {
        let needle = self.q.to_lowercase();
        let mut chosen: Vec<FacilityFigures> = all
            .into_iter()
            .filter(|row| {
                let text = format!("{} {} {}", row.name, row.kind.label(), row.region).to_lowercase();
                text.contains(&needle)
                    && (self.kind.is_empty() || row.kind.as_str() == self.kind)
                    && (self.critical != "true" || row.critical > 0)
            })
            .collect();
        match self.sort_key() {
            "kind" => chosen.sort_by(|a, b| a.kind.label().cmp(b.kind.label())),
            "region" => chosen.sort_by(|a, b| a.region.cmp(&b.region)),
            "issuable" => chosen.sort_by_key(|row| row.issuable),
            "transferred" => chosen.sort_by_key(|row| row.transferred),
            "requests" => chosen.sort_by_key(|row| row.requests),
            "critical" => chosen.sort_by_key(|row| row.critical),
            "updated" => chosen.sort_by_key(|row| row.updated_at),
            _ => chosen.sort_by(|a, b| a.name.cmp(&b.name)),
        }
        if self.descending() {
            chosen.reverse();
        }
        chosen
    }

    fn columns(&self) -> Vec<SortColumn> {
        let columns = [
            ("name", t!("Facility"), false),
            ("kind", t!("Kind"), false),
            ("region", t!("Region"), false),
            ("issuable", t!("Issuable units"), true),
            ("transferred", t!("Delivered today"), true),
            ("requests", t!("Requests today"), true),
            ("critical", t!("Critical stock"), true),
            ("updated", t!("Last update"), true),
        ];
        columns
            .into_iter()
            .map(|(key, label, numeric)| {
                let here = self.sort_key() == key;
                // numbers are first asked for the largest
                let descending = if here { !self.descending() } else { numeric };
                SortColumn {
                    label: label.into(),
                    href: self.address(key, descending, 1),
                    numeric,
                    sorted: match (here, self.descending()) {
                        (false, _) => "",
                        (true, false) => "ascending",
                        (true, true) => "descending",
                    }
                    .into(),
                }
            })
            .collect()
    }

    fn address(&self, sort: &str, descending: bool, page: usize) -> String {
        let query = crate::web::query_string(&[
            ("q", &self.q),
            ("kind", &self.kind),
            ("critical", &self.critical),
            ("sort", sort),
            ("dir", if descending { "desc" } else { "" }),
            ("page", &if page > 1 { page.to_string() } else { String::new() }),
        ]);
        format!("/network{query}")
    }

    /// The page that is meant, within those that there are.
    fn page(&self, rows: usize) -> usize {
        let last = rows.div_ceil(ROWS_PER_PAGE).max(1);
        self.page.parse().unwrap_or(1).clamp(1, last)
    }

    fn page_of<'a>(&self, rows: &'a [FacilityFigures]) -> &'a [FacilityFigures] {
        let start = (self.page(rows.len()) - 1) * ROWS_PER_PAGE;
        &rows[start..(start + ROWS_PER_PAGE).min(rows.len())]
    }

    fn pages(&self, rows: usize) -> PagesView {
        let page = self.page(rows);
        let start = (page - 1) * ROWS_PER_PAGE;
        let end = (start + ROWS_PER_PAGE).min(rows);
        let at = |page: usize| self.address(self.sort_key(), self.descending(), page);
        PagesView {
            summary: t!("{id} to {end} of {rows}", id = (start + 1).min(rows), end, rows),
            previous: (page > 1).then(|| at(page - 1)),
            next: (end < rows).then(|| at(page + 1)),
        }
    }
}

fn row(figures: &FacilityFigures, now: chrono::DateTime<chrono::Utc>) -> NetworkRow {
    let id = figures.id;
    let link = |value: i64, path: String| LinkView {
        value: charts::full(value as f64),
        href: path,
    };
    NetworkRow {
        facility_id: id.0,
        name: figures.name.clone(),
        kind: figures.kind.label().into(),
        region: figures.region.clone(),
        issuable: link(figures.issuable, inventory::Filter::issuable().href(id)),
        transferred: link(
            figures.transferred,
            distributions::Filter::delivered(figures.today, figures.today).href(id),
        ),
        requests: link(
            figures.requests,
            requests::Filter::raised(figures.today, figures.today).href(id),
        ),
        critical_cells: figures.critical,
        critical_href: format!("/facilities/{id}#w-matrix"),
        updated_iso: figures.updated_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
        updated_age: figures
            .updated_at
            .map_or_else(|| t!("never").into(), |at| t!("{age} ago", age = age_label(now - at))),
        old: figures
            .updated_at
            .is_none_or(|at| now - at > chrono::TimeDelta::hours(1)),
    }
}

fn empty(nobody: bool) -> EmptyView {
    let (kind, title, text, label) = if nobody {
        (
            "never",
            t!("No facility yet"),
            t!("You are not a member of any facility. An administrator can add you."),
            "",
        )
    } else {
        (
            "filter",
            t!("No facility matches"),
            t!("No facility has all that you asked for."),
            t!("Clear the filter"),
        )
    };
    EmptyView {
        kind: kind.into(),
        title: title.into(),
        text: text.into(),
        label: label.into(),
        href: if nobody { String::new() } else { "/network".into() },
    }
}
