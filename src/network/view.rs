//! The network page: every facility one may see, and who has compatible blood.

use crate::charts::MapFragment;
use crate::web::{EmptyView, Layout, LinkView, OptionView, PagesView};
use askama::Template;

/// A column one can sort by.
#[derive(Clone, Debug)]
pub struct SortColumn {
    pub label: String,
    /// this list, sorted by it (the other way round when it is sorted by it already)
    pub href: String,
    pub numeric: bool,
    /// `ascending`, `descending` or empty
    pub sorted: String,
}

#[derive(Clone, Debug)]
pub struct NetworkRow {
    pub facility_id: i64,
    pub name: String,
    pub kind: String,
    pub region: String,
    pub issuable: LinkView,
    pub transferred: LinkView,
    pub requests: LinkView,
    pub critical_cells: i64,
    pub critical_href: String,
    pub updated_iso: String,
    /// `3 min ago`
    pub updated_age: String,
    /// older than freshness allows
    pub old: bool,
}

/// `#find`: the question and, once `asked`, its answer.
#[derive(Clone, Debug, Default)]
pub struct FindBlood {
    pub components: Vec<OptionView>,
    pub groups: Vec<OptionView>,
    /// facilities to measure distance from
    pub near: Vec<OptionView>,
    pub quantity: String,
    pub component_problem: String,
    pub group_problem: String,
    pub quantity_problem: String,
    pub asked: bool,
    pub empty: Option<EmptyView>,
    /// `5 facilities offer 38 compatible units; the nearest is 4 km away`
    pub summary: String,
    /// the compatibility rule that was used, as a sentence
    pub rule: String,
    pub rows: Vec<FindRow>,
}

#[derive(Clone, Debug, Default)]
pub struct FindRow {
    pub facility_id: i64,
    /// whether the asker may enter the facility; else only its name is shown
    pub may_enter: bool,
    pub count: i64,
    pub name: String,
    pub region: String,
    /// whether somebody is there now; none where the facility has not said when
    pub open: Option<bool>,
    /// `until 18:00`, `opens 08:00`
    pub opening: String,
    /// group offered
    pub group: String,
    /// `same group`, `compatible`
    pub match_word: String,
    pub units: String,
    /// false when it covers a part only
    pub enough: bool,
    /// `4.2 km`
    pub distance: String,
    pub expires_iso: String,
    pub expires_in: String,
    pub updated_iso: String,
    pub updated_age: String,
    pub old: bool,
    /// the form for a new request, filled in; none without the right to raise one
    pub request_href: Option<String>,
}

/// `GET /network`
#[derive(Template)]
#[template(path = "network/index.html")]
pub struct NetworkPage<'a> {
    pub layout: &'a Layout,
    /// `40 facilities · 31,204 issuable units · 12 with critical stock`
    pub summary: String,
    pub as_of_iso: String,
    pub as_of: String,
    pub find: &'a FindBlood,
    pub query: String,
    pub kinds: Vec<OptionView>,
    pub only_critical: bool,
    pub filtered: bool,
    pub sort: String,
    /// `asc` or `desc`
    pub direction: String,
    /// where the listed facilities are; none when the list is empty
    pub map: Option<MapFragment>,
    pub columns: Vec<SortColumn>,
    pub rows: Vec<NetworkRow>,
    pub empty: Option<EmptyView>,
    pub pages: PagesView,
}

#[derive(Template)]
#[template(path = "network/_find.html")]
pub struct FindFragment<'a> {
    pub find: &'a FindBlood,
}
