//! What the pages of catalogs show.

use askama::Template;
use chrono::{DateTime, Utc};

use super::plan::{Act, Plan, Step};
use super::queries::{CatalogBoard, Installed};
use super::{Catalog, Shipped, read};
use crate::clock::age_label;
use crate::web::Layout;

#[derive(Template)]
#[template(path = "catalogs/index.html")]
pub struct IndexPage<'a> {
    pub layout: &'a Layout,
    pub installed: Vec<CatalogRow>,
    pub shipped: Vec<ShippedRow>,
}

pub struct CatalogRow {
    pub name: String,
    pub title: String,
    pub version: i32,
    pub events: i64,
    pub metrics: i64,
    pub imported: String,
}

impl CatalogRow {
    pub fn new(one: &Installed, now: DateTime<Utc>) -> Self {
        CatalogRow {
            name: one.name.clone(),
            title: one.title.clone(),
            version: one.version,
            events: one.events,
            metrics: one.metrics,
            imported: t!(
                "{age} ago by {by}",
                age = age_label(now - one.imported_at),
                by = one.imported_by
            ),
        }
    }
}

/// A catalog of the program's own.
pub struct ShippedRow {
    pub name: &'static str,
    pub title: String,
    pub description: String,
    /// kind and word of its badge
    pub state: (&'static str, &'static str),
    /// whether importing it would do something
    pub offers: bool,
}

impl ShippedRow {
    pub fn new(one: &Shipped, installed: &[Installed]) -> Self {
        let (title, description, version) = match read(one.text) {
            Ok(catalog) => (catalog.title, catalog.description, catalog.version as i32),
            Err(_) => (one.name.to_owned(), String::new(), 0),
        };
        let state = match installed.iter().find(|other| other.name == one.name) {
            None => ("", t!("Not imported")),
            Some(other) if other.version < version => ("watch", t!("Newer version")),
            Some(_) => ("good", t!("Imported")),
        };
        ShippedRow {
            name: one.name,
            title,
            description,
            offers: state.0 != "good",
            state,
        }
    }
}

#[derive(Template)]
#[template(path = "catalogs/import.html")]
pub struct ImportPage<'a> {
    pub layout: &'a Layout,
    pub content: String,
    /// what is wrong with the file
    pub problems: Vec<String>,
    pub steps: Vec<StepRow>,
    pub refusals: Vec<String>,
    /// the fingerprint of what is shown; empty when nothing can be imported
    pub seen: String,
    /// the file was looked at
    pub checked: bool,
}

impl<'a> ImportPage<'a> {
    pub fn empty(layout: &'a Layout) -> Self {
        ImportPage {
            checked: false,
            ..ImportPage::of(layout, "", &Plan::default())
        }
    }

    pub fn of(layout: &'a Layout, content: &str, plan: &Plan) -> Self {
        ImportPage {
            layout,
            content: content.into(),
            problems: vec![],
            steps: plan.steps.iter().map(StepRow::new).collect(),
            refusals: plan.refusals.clone(),
            seen: if plan.can_be_done() {
                plan.fingerprint()
            } else {
                String::new()
            },
            checked: true,
        }
    }
}

pub struct StepRow {
    /// kind and word of its badge
    pub act: (&'static str, &'static str),
    pub thing: &'static str,
    pub name: String,
    pub title: String,
    pub words: String,
}

impl StepRow {
    pub fn new(step: &Step) -> Self {
        let kind = match step.act {
            Act::Add => "good",
            Act::Change => "watch",
            Act::Remove => "critical",
        };
        StepRow {
            act: (kind, step.act.label()),
            thing: step.thing.label(),
            name: step.name.clone(),
            title: step.title.clone(),
            words: step.words.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "catalogs/show.html")]
pub struct CatalogPage<'a> {
    pub layout: &'a Layout,
    pub catalog: &'a Catalog,
    pub retention: String,
    pub points: String,
    pub lateness: String,
    pub parts: Vec<StepRow>,
    pub boards: Vec<CatalogBoard>,
}
