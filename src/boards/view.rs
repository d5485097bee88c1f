//! The board of a facility: a page around widgets, each of which is also a fragment of its own.
//! Everything here but `BoardPage` and `PastPage` is shared by all watchers and knows nothing of the viewer.
use crate::requests::RejectView;
use crate::web::{EmptyView, Layout, LinkView, Markup};
use askama::Template;

/// What all widgets have in common.
#[derive(Clone, Debug, Default)]
pub struct WidgetFrame {
    /// the element is `#w-<name>`
    pub name: String,
    pub title: String,
    /// where the title leads
    pub href: Option<String>,
    /// a few words beside the title, or empty
    pub note: String,
    /// rises with every change and never falls, also over a restart (an outbox sequence number or microseconds)
    pub version: i64,
    /// RFC 3339
    pub as_of_iso: String,
    /// `12:03:05`, facility time
    pub as_of: String,
    pub empty: Option<EmptyView>,
    /// what went wrong, in words for the reader; takes the place of the content
    pub problem: Option<String>,
    /// address that answers with this widget alone
    pub retry_href: String,
}

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

/// `#w-matrix`
#[derive(Clone, Debug, Default)]
pub struct MatrixView {
    pub frame: WidgetFrame,
    pub components: Vec<String>,
    /// O-, O+, A-, A+, B-, B+, AB-, AB+
    pub rows: Vec<MatrixRow>,
    /// one per component, then the grand total
    pub totals: Vec<LinkView>,
}

#[derive(Clone, Debug)]
pub struct MatrixRow {
    pub group: String,
    /// one per component
    pub cells: Vec<MatrixCell>,
    pub total: LinkView,
}

#[derive(Clone, Debug)]
pub struct MatrixCell {
    /// key of the cell in the page, `o-neg:red_cells`
    pub mark: String,
    pub units: String,
    pub href: String,
    /// `6.2 d`; `no demand` when days are unknown
    pub days: String,
    /// `good`, `watch`, `low`, `critical`, `unknown`
    pub phase: String,
    /// Good, Watch, Low, Critical, Unknown
    pub word: String,
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

/// `#w-chart-stock #w-chart-requests #w-chart-transfers`
#[derive(Clone, Debug)]
pub struct ChartView {
    pub frame: WidgetFrame,
    pub body: Markup,
}

/// `#w-activity`
#[derive(Clone, Debug, Default)]
pub struct ActivityView {
    pub frame: WidgetFrame,
    pub rows: Vec<ActivityRow>,
}

#[derive(Clone, Debug)]
pub struct ActivityRow {
    pub id: i64,
    /// a name of `_icons.html`
    pub icon: String,
    /// empty, `good`, `serious` or `critical`
    pub tone: String,
    pub sentence: String,
    pub href: String,
    /// a role or a facility; names of persons only where policy allows
    pub who: String,
    pub at_iso: String,
    pub at: String,
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
#[template(path = "board/_matrix.html")]
pub struct MatrixFragment<'a> {
    pub matrix: &'a MatrixView,
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
#[template(path = "board/_chart.html")]
pub struct ChartFragment<'a> {
    pub chart: &'a ChartView,
}

#[derive(Template)]
#[template(path = "board/_activity.html")]
pub struct ActivityFragment<'a> {
    pub activity: &'a ActivityView,
}

#[derive(Template)]
#[template(path = "board/_refresh.html")]
pub struct RefreshFragment<'a> {
    pub refresh: &'a RefreshView,
}
