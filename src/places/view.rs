//! What the pages of places show.

use askama::Template;

use super::form::{BankForm, ExceptionForm, FacilityForm};
use crate::charts::MapFragment;
use crate::error::Problems;
use crate::web::{EmptyView, Layout, OptionView, PagesView};

/// `GET /admin/facilities`
#[derive(Template)]
#[template(path = "places/index.html")]
pub struct ListPage<'a> {
    pub layout: &'a Layout,
    pub summary: String,
    pub query: String,
    pub kinds: Vec<OptionView>,
    pub regions: Vec<OptionView>,
    pub states: Vec<OptionView>,
    pub tree: bool,
    pub list_href: String,
    pub tree_href: String,
    pub filtered: bool,
    pub map: MapFragment,
    pub rows: Vec<PlaceRow>,
    pub empty: Option<EmptyView>,
    pub pages: PagesView,
}

pub struct PlaceRow {
    pub href: String,
    pub name: String,
    pub kind: String,
    pub region: String,
    pub zone: String,
    pub parent: String,
    pub banks: i64,
    pub people: i64,
    pub active: bool,
    /// in the tree: how far below the root, at most 6
    pub depth: usize,
}

/// `GET /admin/facilities/new` and `GET /admin/facilities/{facility_id}`
#[derive(Template)]
#[template(path = "places/edit.html")]
pub struct EditPage<'a> {
    pub layout: &'a Layout,
    /// none: a new facility
    pub id: Option<i64>,
    pub name: String,
    pub active: bool,
    /// whether the viewer may also move it, change its kind and shut it down
    pub network: bool,
    pub form: FacilityForm,
    pub problems: Problems,
    pub kinds: Vec<OptionView>,
    pub parents: Vec<OptionView>,
    pub count_hours: Vec<OptionView>,
    pub zones: Vec<&'static str>,
    pub day: Option<DayView>,
    pub map: MapFragment,
    pub parts: Option<Parts>,
}

impl EditPage<'_> {
    fn problem(&self, field: &str) -> &str {
        self.problems.of(field).unwrap_or_default()
    }
}

/// Today in the chosen zone.
pub struct DayView {
    /// `Saturday 21 November 2026`
    pub date: String,
    /// `00:00 (23:00 UTC on 20 Nov)`
    pub starts: String,
    pub ends: String,
    /// `24 hours`
    pub length: String,
    pub change: String,
}

/// What a facility has once it exists.
pub struct Parts {
    pub banks: Vec<BankRow>,
    pub bank_form: BankForm,
    pub week: Vec<WeekdayRow>,
    pub exceptions: Vec<ExceptionRow>,
    pub exception_form: ExceptionForm,
    pub now: String,
    /// what keeps it from being shut down
    pub unfinished: Vec<String>,
    pub history: Vec<HistoryRow>,
}

pub struct BankRow {
    pub id: i64,
    pub name: String,
    pub units: i64,
    pub removable: bool,
    pub problem: String,
}

pub struct WeekdayRow {
    pub name: &'static str,
    pub opens: String,
    pub closes: String,
    pub problem: String,
    pub number: usize,
}

pub struct ExceptionRow {
    pub day: String,
    pub label: String,
    pub hours: String,
    pub note: String,
}

pub struct HistoryRow {
    pub sentence: String,
    pub who: String,
    pub at_iso: String,
    pub at: String,
    /// field, before, after
    pub changes: Vec<(String, String, String)>,
}
