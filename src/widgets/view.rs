//! What the templates of widgets show. All of it is shared by everybody who watches, so none of it knows a viewer.

use askama::Template;

use crate::web::{EmptyView, LinkView, Markup};

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
    /// where there is a problem: the page tries again by itself, once
    pub fetches_itself: bool,
    /// address that answers with this widget alone
    pub retry_href: String,
}

/// One figure with its change and its course.
#[derive(Clone, Debug, Default)]
pub struct NumberView {
    pub frame: WidgetFrame,
    /// three significant digits or fewer than 10,000 in full
    pub value: String,
    /// the full value in words, for the tooltip
    pub exact: String,
    pub unit: String,
    /// the list behind it, or empty
    pub href: String,
    /// `good`, `low`, `critical` and the word for it; empty without thresholds
    pub phase: &'static str,
    pub word: &'static str,
    /// `up`, `down`, `same`, or empty when there is nothing to compare with
    pub direction: &'static str,
    /// `4 % up on last Saturday (1,231)`
    pub change: String,
    pub spark: Option<Markup>,
}

/// One number of a window of a metric.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    pub number: NumberView,
    /// `120 values`
    pub count: String,
    /// what it was computed from, in words
    pub source: &'static str,
    /// whether the window is over, in words
    pub complete: &'static str,
}

/// The stock matrix.
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
    /// empty where no list stands behind it
    pub href: String,
    /// `6.2 d`; `no demand` when days are unknown
    pub days: String,
    /// `good`, `watch`, `low`, `critical`, `unknown`
    pub phase: String,
    /// Good, Watch, Low, Critical, Unknown
    pub word: String,
}

/// A drawing with its table, ready from `charts`.
#[derive(Clone, Debug)]
pub struct ChartView {
    pub frame: WidgetFrame,
    pub body: Markup,
}

/// What happened, newest first.
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

/// Figures in rows, or rows behind a figure.
#[derive(Clone, Debug, Default)]
pub struct TableView {
    pub frame: WidgetFrame,
    /// the first names the rows
    pub columns: Vec<String>,
    pub rows: Vec<TableRow>,
    /// sums of the columns, where they mean something
    pub totals: Vec<String>,
    /// columns from this one on are numbers
    pub numbers_from: usize,
    /// whether rows have a phase
    pub phased: bool,
    pub more: Option<LinkView>,
}

#[derive(Clone, Debug, Default)]
pub struct TableRow {
    pub key: String,
    pub name: String,
    /// empty where nothing stands behind it
    pub href: String,
    pub cells: Vec<String>,
    pub phase: &'static str,
    pub word: &'static str,
}

/// Shelves below their level.
#[derive(Clone, Debug, Default)]
pub struct AlertView {
    pub frame: WidgetFrame,
    /// `good`, `low` or `critical`, and what it means
    pub phase: &'static str,
    pub word: &'static str,
    /// `3 shelves under minimum, 5 under reorder`
    pub sentence: String,
    pub rows: Vec<AlertRow>,
    pub more: Option<LinkView>,
}

#[derive(Clone, Debug)]
pub struct AlertRow {
    pub key: String,
    pub href: String,
    /// `O− red cells`
    pub shelf: String,
    /// empty when the board is about one facility
    pub facility: String,
    /// `3 of 12`
    pub units: String,
    pub phase: &'static str,
    pub word: &'static str,
}

/// Words of somebody's own.
#[derive(Clone, Debug, Default)]
pub struct TextView {
    pub frame: WidgetFrame,
    /// cleaned HTML
    pub body: Markup,
    /// a text without a title has no header
    pub bare: bool,
}

#[derive(Template)]
#[template(path = "widgets/_number.html")]
pub struct NumberFragment<'a> {
    pub number: &'a NumberView,
}

#[derive(Template)]
#[template(path = "widgets/_live.html")]
pub struct LiveFragment<'a> {
    pub live: &'a LiveView,
}

#[derive(Template)]
#[template(path = "board/_matrix.html")]
pub struct MatrixFragment<'a> {
    pub matrix: &'a MatrixView,
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
#[template(path = "widgets/_table.html")]
pub struct TableFragment<'a> {
    pub table: &'a TableView,
}

#[derive(Template)]
#[template(path = "widgets/_alert.html")]
pub struct AlertFragment<'a> {
    pub alert: &'a AlertView,
}

#[derive(Template)]
#[template(path = "widgets/_text.html")]
pub struct TextFragment<'a> {
    pub text: &'a TextView,
}

/// Only the frame: a widget that is empty or could not be made.
#[derive(Template)]
#[template(path = "widgets/_frame.html")]
pub struct FrameFragment<'a> {
    pub frame: &'a WidgetFrame,
    pub class: &'static str,
}
