//! The board of a facility: a page around widgets, each of which is also a fragment of its own.
//! Everything here but `BoardPage` and `PastPage` is shared by all watchers and knows nothing of the viewer.
use crate::requests::RejectView;
use crate::web::{EmptyView, Layout, LinkView, Markup};
use askama::Template;

pub use crate::widgets::view::{
    ActivityFragment, ActivityRow, ActivityView, ChartFragment, ChartView, MatrixCell, MatrixFragment, MatrixRow,
    MatrixView, WidgetFrame,
};

/// `#w-stock #w-transferred #w-requests #w-urgent #w-expiring`
#[derive(Clone, Debug, Default)]
pub struct TileView {
    pub frame: WidgetFrame,
    /// three significant digits or fewer than 10,000 in full
    pub value: String,
    /// the full value in words, for the tooltip
    pub exact: String,
    pub unit: String,
    pub href: String,
    /// empty, `serious` or `critical`
    pub tone: String,
    /// `up`, `down`, `same`, or empty when there is nothing to compare with
    pub direction: String,
    /// `4 % up on last Saturday (1,231)`
    pub change: String,
    pub spark: Option<Markup>,
}

/// `#w-queue`
#[derive(Clone, Debug, Default)]
pub struct QueueView {
    pub frame: WidgetFrame,
    pub rows: Vec<QueueRow>,
    pub more: Option<LinkView>,
}

#[derive(Clone, Debug)]
pub struct QueueRow {
    pub id: i64,
    /// `/facilities/7/requests/9`; `/acceptance` and `/rejection` below it take the answer
    pub href: String,
    pub quantity: String,
    pub group: String,
    pub component: String,
    pub from: String,
    /// `emergency`, `urgent`, `routine`
    pub urgency: String,
    pub urgency_word: String,
    /// kind of the badge: `solid`, `serious` or empty
    pub tone: String,
    /// `by 15:30`, `2 h overdue`
    pub needed_by: String,
    pub overdue: bool,
    pub raised_iso: String,
    /// `14 min ago`
    pub age: String,
    pub reject: RejectView,
}

/// `#w-soon`
#[derive(Clone, Debug, Default)]
pub struct SoonView {
    pub frame: WidgetFrame,
    pub rows: Vec<SoonRow>,
    pub more: Option<LinkView>,
}

#[derive(Clone, Debug)]
pub struct SoonRow {
    pub id: i64,
    pub href: String,
    /// donation number or lot
    pub number: String,
    pub group: String,
    pub component: String,
    pub quantity: String,
    pub expires_iso: String,
    /// `23 Nov 23:59`
    pub expires_at: String,
    /// `9 h`, `2 days`
    pub expires_in: String,
    pub phase: String,
    /// Today, Tomorrow, Soon
    pub word: String,
}

/// The refresh button and its outcome, `#refresh`.
#[derive(Clone, Debug)]
pub struct RefreshView {
    pub facility_id: i64,
    pub iso: String,
    pub label: String,
    /// true in the answer to a press of the button
    pub done: bool,
    pub problem: Option<String>,
}

/// Title and tools over the widgets.
#[derive(Clone, Debug)]
pub struct BoardHead {
    pub facility_id: i64,
    pub name: String,
    /// `Blood bank · North`
    pub place: String,
    /// `Saturday 21 November 2026`
    pub day_label: String,
    /// `2026-11-21`, the day shown
    pub day: String,
    /// the facility's today
    pub today: String,
    pub past: bool,
    pub previous_href: String,
    /// none on today
    pub next_href: Option<String>,
    pub refresh: RefreshView,
}

/// All widgets of a live board.
#[derive(Clone, Debug)]
pub struct BoardView {
    pub head: BoardHead,
    pub tiles: Vec<TileView>,
    pub matrix: MatrixView,
    pub queue: QueueView,
    pub soon: SoonView,
    pub charts: Vec<ChartView>,
    pub activity: ActivityView,
}

/// Figures of a past day.
#[derive(Clone, Debug)]
pub struct PastView {
    pub head: BoardHead,
    pub empty: Option<EmptyView>,
    pub tiles: Vec<TileView>,
    pub charts: Vec<ChartView>,
}

/// `GET /facilities/{id}`; without `board` the page holds `<!--board-->` where the shared bytes go.
#[derive(Template)]
#[template(path = "board/show.html")]
pub struct BoardPage<'a> {
    pub layout: &'a Layout,
    pub board: Option<&'a BoardView>,
}

/// The shared bytes.
#[derive(Template)]
#[template(path = "board/_board.html")]
pub struct BoardFragment<'a> {
    pub board: &'a BoardView,
}

/// `GET /facilities/{id}?day=2026-11-19`
#[derive(Template)]
#[template(path = "board/past.html")]
pub struct PastPage<'a> {
    pub layout: &'a Layout,
    pub past: &'a PastView,
}

#[derive(Template)]
#[template(path = "board/_tile.html")]
pub struct TileFragment<'a> {
    pub tile: &'a TileView,
}

#[derive(Template)]
#[template(path = "board/_queue.html")]
pub struct QueueFragment<'a> {
    pub queue: &'a QueueView,
}

#[derive(Template)]
#[template(path = "board/_soon.html")]
pub struct SoonFragment<'a> {
    pub soon: &'a SoonView,
}

#[derive(Template)]
#[template(path = "board/_refresh.html")]
pub struct RefreshFragment<'a> {
    pub refresh: &'a RefreshView,
}
