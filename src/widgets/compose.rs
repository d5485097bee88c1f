//! From widgets and a context to HTML. Each widget is made inside a savepoint and by a clock of its own: one that fails or
//! takes too long says so in its place, and the others stand.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use sqlx::{Acquire, PgConnection};
use tokio::sync::Semaphore;

use super::render::Look;
use super::source::{Frame, Query, Sources};
use super::{Context, Kind, Widget, render};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::summary;

/// Connections of the jobs' pool that all boards together take at a time: fewer than it has, so that nobody who needs one
/// for something else waits in vain.
pub const CONNECTIONS: usize = 3;

/// A board is waited for so long. What is not ready by then fetches itself, or is tried again by hand.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// A widget that fails after so long failed because it was slow.
const GAVE_UP: Duration = Duration::from_millis(1500);

static TURNS: Semaphore = Semaphore::const_new(CONNECTIONS);

/// A widget as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    pub id: String,
    /// the whole `<section id="w-<id>">`
    pub html: String,
    /// `data-version`: microseconds of the newest refresh of a summary in the context; never goes back
    pub version: i64,
    /// it shows its problem instead of figures
    pub failed: bool,
}

/// What widgets of one connection have read so far, so that two that ask the same are answered by one statement.
pub struct Loads<'a> {
    pub(super) sources: &'a Sources,
    pub(super) version: i64,
    frames: HashMap<Query, Frame>,
}

impl<'a> Loads<'a> {
    /// `version` as [`version`] says it.
    pub fn new(sources: &'a Sources, version: i64) -> Self {
        Loads {
            sources,
            version,
            frames: HashMap::new(),
        }
    }

    /// The answer to a widget's question, read once.
    pub(super) async fn frame(&mut self, tx: &mut PgConnection, look: &Look<'_>, query: &Query) -> Result<Frame> {
        if let Some(frame) = self.frames.get(query) {
            return Ok(frame.clone());
        }
        // what stands on the shelves is read once by shelf, and whatever asks for less of it is told from that
        if let Some(by_shelf) = look.measure.by_shelf(query) {
            let shelves = Box::pin(self.frame(tx, look, &by_shelf)).await?;
            return Ok(shelves.folded(&query.cut.by));
        }
        let frame = match &look.context.past {
            Some(past) => {
                past.load(tx, look.source, look.measure, query, &look.context.scope)
                    .await?
            }
            None => look.source.load(tx, query).await?,
        };
        self.frames.insert(query.clone(), frame.clone());
        Ok(frame)
    }
}

/// The version of what a context shows: microseconds of the newest refresh of its facilities' summaries, 0 before any.
pub async fn version(tx: &mut PgConnection, context: &Context) -> Result<i64> {
    let refreshed = summary::refreshed(tx, &context.ids()).await?;
    Ok(refreshed.newest.map_or(0, |newest| newest.timestamp_micros()))
}

/// One widget, in a savepoint of a transaction whose scope is the context's. Never fails: what goes wrong is shown.
pub async fn compose(tx: &mut PgConnection, widget: &Widget, context: &Context, loads: &mut Loads<'_>) -> Composed {
    let (html, failed) = match attempt(tx, widget, context, loads).await {
        Ok(html) => (html, false),
        Err(error) => (
            render::failed(widget, context, loads.version, &sentence(&error, widget), false),
            true,
        ),
    };
    Composed {
        id: widget.id.clone(),
        html,
        version: loads.version,
        failed,
    }
}

async fn attempt(tx: &mut PgConnection, widget: &Widget, context: &Context, loads: &mut Loads<'_>) -> Result<String> {
    let problems = loads.sources.check(widget);
    problems.check()?;
    let mut inside = tx.begin().await?;
    // a statement takes no longer; the rest of the board does not wait for more
    sqlx::query!("set local statement_timeout = '2s'")
        .execute(&mut *inside)
        .await?;
    match render::html(&mut inside, widget, context, loads).await {
        Ok(html) => {
            inside.commit().await?;
            Ok(html)
        }
        Err(error) => {
            inside.rollback().await?;
            Err(error)
        }
    }
}

/// What a reader is told; what the log is told says more.
fn sentence(error: &Error, widget: &Widget) -> String {
    match error {
        Error::Invalid(problems) => t!("It is not set up rightly: {problems}", problems),
        Error::NotFound => {
            t!("What it shows does not exist any more. An editor of the board can choose something else.").into()
        }
        error => {
            tracing::error!(widget = widget.id, %error, "a widget failed");
            t!("Its figures could not be read just now. The rest of the board is current.").into()
        }
    }
}

/// All widgets of a board, in their order, loaded side by side on a few connections of the jobs' pool. Those that ask the
/// same share a connection and its answers. Answers within [`PATIENCE`], whatever is slow; fails only when the database
/// cannot be reached at all.
pub async fn compose_all(db: &Db, sources: &Sources, widgets: &[Widget], context: &Context) -> Result<Vec<Composed>> {
    let version = {
        let mut tx = db.look(&context.scope).await?;
        version(&mut tx, context).await?
    };
    let version = match widgets.iter().any(Widget::shows_metrics) {
        true => version.max(context.now.timestamp_micros()),
        false => version,
    };
    let mut lanes: Vec<Vec<usize>> = Vec::new();
    let mut lane_of: HashMap<String, usize> = HashMap::new();
    for (at, widget) in widgets.iter().enumerate() {
        let lane = *lane_of.entry(subject(widget)).or_insert_with(|| {
            lanes.push(vec![]);
            lanes.len() - 1
        });
        lanes[lane].push(at);
    }
    let composed = Mutex::new(vec![None; widgets.len()]);
    let all = stream::iter(lanes).for_each_concurrent(CONNECTIONS, |lane| async {
        run(db, sources, widgets, context, version, lane, &composed).await;
    });
    // what is not there by then is not waited for
    let _ = tokio::time::timeout(PATIENCE, all).await;
    let composed = composed.into_inner().unwrap_or_else(PoisonError::into_inner);
    // alone it was asked for by itself already, or by somebody
    let fetches_itself = widgets.len() > 1;
    Ok(composed
        .into_iter()
        .zip(widgets)
        .map(|(one, widget)| one.unwrap_or_else(|| late(widget, context, version, fetches_itself)))
        .collect())
}

/// A widget whose figures take longer than the board is waited for.
fn late(widget: &Widget, context: &Context, version: i64, fetches_itself: bool) -> Composed {
    let sentence = t!("Its figures take longer than those of the rest of the board.");
    Composed {
        id: widget.id.clone(),
        html: render::failed(widget, context, version, sentence, fetches_itself),
        version,
        failed: true,
    }
}

/// What a widget reads: those of one subject follow each other on one connection.
fn subject(widget: &Widget) -> String {
    match (&widget.source, widget.kind) {
        (Some(source), kind) if kind != Kind::Text => source.measure.clone(),
        (_, kind) => kind.to_string(),
    }
}

async fn run(
    db: &Db,
    sources: &Sources,
    widgets: &[Widget],
    context: &Context,
    version: i64,
    lane: Vec<usize>,
    composed: &Mutex<Vec<Option<Composed>>>,
) {
    // waits here for as long as it takes; waiting for a connection gives up after two seconds
    let _turn = TURNS.acquire().await;
    let mut loads = Loads::new(sources, version);
    let mut tx = db.look(&context.scope).await;
    for at in lane {
        let begun = Instant::now();
        let widget = &widgets[at];
        let one = match &mut tx {
            Ok(tx) => compose(tx, widget, context, &mut loads).await,
            Err(error) => Composed {
                id: widget.id.clone(),
                html: render::failed(widget, context, version, &sentence(error, widget), false),
                version,
                failed: true,
            },
        };
        let gave_up = one.failed && begun.elapsed() >= GAVE_UP;
        composed.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(one);
        if gave_up {
            // the others of the lane read the same: they would only keep those of other lanes waiting
            break;
        }
    }
}
