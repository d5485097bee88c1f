//! What the templates of boards show, besides the widgets themselves.

use askama::Template;

use super::filters::FiltersView;
use super::people::Acquaintance;
use super::view::BoardHead;
use crate::web::{EmptyView, Layout, LinkView, Markup, OptionView};
use crate::widgets::Widget;

/// One widget in its place on the grid.
#[derive(Clone, Debug)]
pub struct CellView {
    pub id: String,
    /// `x3 w4 h5`: first column from 1, columns, rows
    pub classes: String,
    pub x: u8,
    pub y: u16,
    pub w: u8,
    pub h: u8,
    pub html: Markup,
}

impl CellView {
    pub fn new(widget: &Widget, html: &str) -> Self {
        let place = widget.place;
        CellView {
            id: widget.id.clone(),
            classes: format!("x{} w{} h{} is-{}", place.x + 1, place.w, place.h, widget.kind),
            x: place.x,
            y: place.y,
            w: place.w,
            h: place.h,
            html: Markup(html.to_owned()),
        }
    }
}

/// The shared bytes of a board: filter bar and widgets; over them the head, where it is the same for all.
#[derive(Template)]
#[template(path = "boards/_sheet.html")]
pub struct SheetFragment<'a> {
    pub head: Option<&'a BoardHead>,
    /// of the sheet itself, for when its layout changed
    pub href: String,
    pub filters: &'a FiltersView,
    pub as_of_iso: String,
    pub as_of: String,
    pub cells: Vec<CellView>,
}

/// `GET /boards/{board_id}`; the page holds `<!--board-->` where the shared bytes go.
#[derive(Template)]
#[template(path = "boards/show.html")]
pub struct ShowPage<'a> {
    pub layout: &'a Layout,
    pub id: i64,
    pub name: String,
    pub description: String,
    pub owner: LinkView,
    pub is_draft: bool,
    pub may_edit: bool,
    pub may_own: bool,
    pub is_start: bool,
    /// facilities whose address may be made to show it
    pub homes: Vec<HomeView>,
    /// kinds of facilities that may start with it; empty when it is not the network's
    pub kinds: Vec<OptionView>,
    pub nothing_on_it: bool,
}

/// A facility that the viewer manages.
#[derive(Clone, Debug)]
pub struct HomeView {
    pub id: i64,
    pub name: String,
    /// its address shows this board
    pub here: bool,
}

/// `GET /boards`
#[derive(Template)]
#[template(path = "boards/index.html")]
pub struct IndexPage<'a> {
    pub layout: &'a Layout,
    pub query: String,
    pub groups: Vec<GroupView>,
    pub empty: Option<EmptyView>,
}

/// Boards of one owner.
#[derive(Clone, Debug)]
pub struct GroupView {
    pub title: String,
    pub rows: Vec<RowView>,
}

#[derive(Clone, Debug)]
pub struct RowView {
    pub id: i64,
    pub href: String,
    pub name: String,
    pub description: String,
    pub is_draft: bool,
    pub is_start: bool,
    /// `every hospital`, or empty
    pub template_for: String,
    pub widgets: String,
    pub changed_iso: String,
    /// `3 days ago by Sam`
    pub changed: String,
    pub may_edit: bool,
    pub may_own: bool,
}

/// `GET /boards/new`
#[derive(Template)]
#[template(path = "boards/new.html")]
pub struct NewPage<'a> {
    pub layout: &'a Layout,
    pub board_name: String,
    pub description: String,
    pub owners: Vec<OptionView>,
    pub starts: Vec<OptionView>,
    pub name_problem: String,
    pub description_problem: String,
    pub owner_problem: String,
}

/// `GET /boards/{board_id}/sharing`
#[derive(Template)]
#[template(path = "boards/sharing.html")]
pub struct SharingPage<'a> {
    pub layout: &'a Layout,
    pub id: i64,
    pub name: String,
    pub is_draft: bool,
    pub owner: String,
    /// what was searched for
    pub query: String,
    pub found: Vec<FoundView>,
    pub facilities: Vec<OptionView>,
    pub roles: Vec<OptionView>,
    pub levels: Vec<OptionView>,
    pub shares: Vec<ShareView>,
    pub links: Vec<LinkRow>,
    pub new_link: NewLinkView,
    pub problem_of: ProblemsOf,
}

/// Somebody that the board can be shared with.
#[derive(Clone, Debug)]
pub struct FoundView {
    pub id: i64,
    pub name: String,
    pub detail: String,
}

impl FoundView {
    pub fn of(one: Acquaintance) -> Self {
        let words: Vec<String> = one.email.into_iter().chain(one.places).collect();
        FoundView {
            id: one.id.0,
            name: one.name,
            detail: words.join(", "),
        }
    }
}

/// The form for one more link.
#[derive(Clone, Debug)]
pub struct NewLinkView {
    pub kinds: Vec<OptionView>,
    pub name: String,
    pub lives: Vec<OptionView>,
    /// whose figures it may show
    pub figures: Vec<OptionView>,
    /// the address that was just made, shown this once
    pub made: Option<String>,
}

/// A link, for those who may end it.
#[derive(Clone, Debug)]
pub struct LinkRow {
    pub id: i64,
    pub name: String,
    pub kind: &'static str,
    pub is_wall: bool,
    /// name and address of what it shows
    pub shows: String,
    pub href: String,
    pub facilities: String,
    pub maker: String,
    pub made: String,
    pub ends: String,
    pub seen: String,
    /// a screen that has not been heard of for an hour
    pub is_silent: bool,
}

/// `GET /links`
#[derive(Template)]
#[template(path = "boards/links.html")]
pub struct LinksPage<'a> {
    pub layout: &'a Layout,
    pub links: &'a [LinkRow],
}

/// `GET /public/{token}` and `GET /wall/{token}`; the page holds `<!--board-->` where the shared bytes go.
#[derive(Template)]
#[template(path = "boards/link.html")]
pub struct LinkPage<'a> {
    pub layout: &'a Layout,
    pub name: &'a str,
    pub description: &'a str,
    /// none for a wall's
    pub ends: Option<String>,
}

/// With whom it is shared.
#[derive(Clone, Debug)]
pub struct ShareView {
    pub id: i64,
    /// name and value with which the form says the same again
    pub field: &'static str,
    pub value: String,
    pub who: String,
    pub kind: &'static str,
    pub levels: Vec<OptionView>,
}

/// `GET /boards/{board_id}/versions`
#[derive(Template)]
#[template(path = "boards/versions.html")]
pub struct VersionsPage<'a> {
    pub layout: &'a Layout,
    pub id: i64,
    pub name: String,
    pub may_edit: bool,
    pub rows: Vec<VersionView>,
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct VersionView {
    pub version: i32,
    pub is_current: bool,
    pub at_iso: String,
    pub at: String,
    pub by: String,
    pub note: String,
    /// what changed against the version before
    pub changes: Vec<String>,
}

/// `POST /boards/{board_id}/version` when somebody else saved meanwhile: both sides, nothing lost.
#[derive(Template)]
#[template(path = "boards/conflict.html")]
pub struct ConflictPage<'a> {
    pub layout: &'a Layout,
    pub id: i64,
    pub name: String,
    pub version: i32,
    pub by: String,
    pub at: String,
    pub theirs_note: String,
    pub theirs: Vec<String>,
    pub mine: Vec<String>,
    /// parts that both changed: mine stand
    pub both: Vec<String>,
    pub note: String,
}

/// `GET /boards/import`, and what a file would do.
#[derive(Template)]
#[template(path = "boards/import.html")]
pub struct ImportPage<'a> {
    pub layout: &'a Layout,
    pub text: String,
    pub owners: Vec<OptionView>,
    pub problems: Vec<String>,
    /// what it would make, when nothing is wrong
    pub plan: Vec<String>,
    pub owner_problem: String,
}

/// `GET /boards/{board_id}/edit`
#[derive(Template)]
#[template(path = "boards/edit.html")]
pub struct EditPage<'a> {
    pub layout: &'a Layout,
    pub id: i64,
    pub title: String,
    pub base_version: i32,
    pub board_name: String,
    pub description: String,
    pub from: String,
    pub to: String,
    pub refresh: Vec<OptionView>,
    pub note: String,
    pub widgets: Vec<EditCell>,
    pub has_draft: bool,
    pub can_undo: bool,
    pub may_own: bool,
    pub problems: Vec<String>,
    pub problem_of: ProblemsOf,
}

/// A problem by its field, for templates.
#[derive(Clone, Debug, Default)]
pub struct ProblemsOf(pub crate::error::Problems);

impl ProblemsOf {
    pub fn of(&self, field: &str) -> String {
        self.0.of(field).unwrap_or_default().to_owned()
    }
}

#[derive(Clone, Debug)]
pub struct EditCell {
    pub cell: CellView,
    pub title: String,
    pub locked: bool,
    /// whether this editor may change it
    pub may_change: bool,
    pub is_first: bool,
    pub is_last: bool,
    pub problems: Vec<String>,
}

/// One kind in the gallery.
#[derive(Clone, Debug)]
pub struct KindView {
    pub kind: &'static str,
    pub label: &'static str,
    pub words: &'static str,
    pub icon: &'static str,
}

/// `GET /boards/{board_id}/edit/widgets/new`: the gallery with real widgets.
#[derive(Template)]
#[template(path = "boards/gallery.html")]
pub struct GalleryPage<'a> {
    pub layout: &'a Layout,
    pub id: i64,
    pub name: String,
    pub samples: Vec<SampleView>,
}

#[derive(Clone, Debug)]
pub struct SampleView {
    pub kind: KindView,
    pub measures: Vec<OptionView>,
    pub html: Markup,
}

/// `GET /boards/{board_id}/edit/widgets/{widget_id}`
#[derive(Template)]
#[template(path = "boards/widget.html")]
pub struct WidgetPage<'a> {
    pub layout: &'a Layout,
    pub id: i64,
    pub name: String,
    pub widget_id: String,
    pub kind: String,
    pub kinds: Vec<OptionView>,
    pub title: String,
    pub title_problem: String,
    pub fields: Vec<FieldView>,
    pub locked: bool,
    pub may_lock: bool,
    pub problems: Vec<String>,
    pub classes: String,
    pub preview: Markup,
}

/// A field of a widget's form.
#[derive(Clone, Debug, Default)]
pub struct FieldView {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    pub value: String,
    pub problem: String,
    /// `select`, `textarea`, `number`, `datalist` (a text with suggestions) or `text`
    pub control: &'static str,
    pub options: Vec<OptionView>,
}
