//! What the page of the reference tables shows.

use askama::Template;

use crate::web::Layout;

/// `GET /admin/reference`
#[derive(Template)]
#[template(path = "reference/index.html")]
pub struct ReferencePage<'a> {
    pub layout: &'a Layout,
    pub lives: Vec<LifeRow>,
    pub targets: Vec<TargetRow>,
    pub reasons: Vec<ReasonRow>,
    /// the line for another reason, as typed
    pub new: ReasonRow,
    pub history: Vec<HistoryRow>,
    pub refused: bool,
}

pub struct LifeRow {
    pub component: String,
    pub name: String,
    pub life: String,
    pub in_hours: bool,
    pub storage: String,
    pub source: String,
    pub problem: String,
}

pub struct TargetRow {
    pub kpi: String,
    pub component: String,
    pub name: String,
    pub of: String,
    pub target: String,
    pub unit: String,
    pub source: String,
    pub problem: String,
}

#[derive(Default)]
pub struct ReasonRow {
    pub code: String,
    pub label: String,
    pub place: String,
    pub active: bool,
    pub built_in: bool,
    pub source: String,
    pub problem: String,
}

pub struct HistoryRow {
    pub at_iso: String,
    pub at: String,
    pub who: String,
    pub what: String,
    /// field, before, after
    pub changes: Vec<(String, String, String)>,
}
