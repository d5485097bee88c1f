//! The built-in board of a facility, as its address shows it when nobody chose another: one consistent look at the
//! database, every widget out of it.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Acquire;

use super::Snapshot;
use super::view::*;
use super::{charts, lists, matrix, tiles};
use crate::clock::{local_day, time_label};
use crate::db::{Db, Scope, Tx};
use crate::error::{Error, Result};
use crate::facilities::{self, Facility};
use crate::ids::FacilityId;
use crate::summary::{self, Day, Figures};
use crate::widgets::{Context, SeesRows};
use crate::words::Dated;

/// One part of a board. With care it is made inside a savepoint: when it cannot be made it says so in its place, and the
/// others stand.
macro_rules! part {
    ($care:ident, $tx:ident, $module:ident :: $view:ident ($look:expr), $failed:expr) => {{
        match $care {
            Care::None => $module::$view(&mut $tx, $look).await?,
            Care::EachPart => {
                let mut inside = $tx.begin().await?;
                match $module::$view(&mut inside, $look).await {
                    Ok(view) => {
                        inside.commit().await?;
                        view
                    }
                    Err(error) => {
                        inside.rollback().await?;
                        #[allow(clippy::redundant_closure_call)] // the closure gives the error its name at the call
                        ($failed)(error)
                    }
                }
            }
        }
    }};
}

/// Whether a part that cannot be made leaves the others standing. Savepoints are two round trips for each part, so they
/// are taken only after a look without them has failed.
#[derive(Clone, Copy)]
enum Care {
    None,
    EachPart,
}

/// Days that the charts look back, today included.
pub const DAYS: i64 = 30;

/// What every widget of a board is made from.
pub struct Look<'a> {
    pub facility: &'a Facility,
    pub now: DateTime<Utc>,
    pub today: NaiveDate,
    /// when the summary was refreshed
    pub as_of: DateTime<Utc>,
    /// today's figures; none before the very first refresh
    pub figures: Option<Figures>,
    /// kept days before and with today, the oldest first; a day without a row was not kept
    pub days: Vec<Day>,
}

impl Look<'_> {
    pub fn frame(&self, name: &str, title: &str, href: Option<String>) -> WidgetFrame {
        WidgetFrame {
            name: name.into(),
            title: title.into(),
            href,
            note: String::new(),
            version: self.as_of.timestamp_micros(),
            as_of_iso: self.as_of.to_rfc3339(),
            as_of: time_label(self.facility.zone, self.as_of),
            empty: None,
            problem: None,
            fetches_itself: false,
            retry_href: format!("/facilities/{}/widgets/{name}", self.facility.id),
        }
    }

    /// The same, when its part could not be made.
    pub fn failed(&self, name: &str, title: &str, error: &Error) -> WidgetFrame {
        tracing::error!(facility.id = self.facility.id.0, widget = name, %error, "a widget failed");
        WidgetFrame {
            problem: Some(t!("Its figures could not be read just now. The rest of the board is current.").into()),
            ..self.frame(name, title, None)
        }
    }
}

/// The board of a facility as it is now. A facility that was never summarised today is summarised first.
pub async fn board(db: &Db, id: FacilityId, _: SeesRows) -> Result<Snapshot> {
    match composed(db, id, Care::None).await {
        Ok(board) => Ok(board),
        Err(_) => composed(db, id, Care::EachPart).await,
    }
}

async fn composed(db: &Db, id: FacilityId, care: Care) -> Result<Snapshot> {
    let (mut tx, facility, figures) = open(db, id).await?;
    let look = look(db, &mut tx, &facility, figures).await?;
    let calendar = facilities::calendars(&mut tx, Some(id)).await?.remove(&id);
    let mut head = head(&look, look.today);
    if let Some(hours) = calendar.and_then(|calendar| calendar.label(look.today)) {
        head.place = format!("{} · {hours}", head.place);
    }
    let board = BoardView {
        head,
        tiles: part!(care, tx, tiles::all(&look), |error| tiles::failed(&look, &error)),
        matrix: part!(care, tx, matrix::view(&look), |error| matrix::failed(&look, &error)),
        queue: part!(care, tx, lists::queue(&look), |error| lists::queue_failed(
            &look, &error
        )),
        soon: part!(care, tx, lists::soon(&look), |error| lists::soon_failed(&look, &error)),
        charts: part!(care, tx, charts::all(&look), |error| charts::failed(&look, &error)),
        activity: part!(care, tx, lists::activity(&look), |error| lists::activity_failed(
            &look, &error
        )),
    };
    // the connection is free while the board is drawn and compressed
    tx.rollback().await?;
    let label = time_label(facility.zone, look.as_of);
    Ok(Snapshot::new(
        look.as_of.timestamp_micros(),
        look.as_of,
        &label,
        &sections(&board)?,
        html(&BoardFragment { board: &board })?,
    ))
}

/// Every widget by its name.
fn sections(board: &BoardView) -> Result<Vec<(String, String)>> {
    let mut sections = Vec::with_capacity(12);
    for tile in &board.tiles {
        sections.push((tile.frame.name.clone(), html(&TileFragment { tile })?));
    }
    sections.push(("matrix".into(), html(&MatrixFragment { matrix: &board.matrix })?));
    sections.push(("queue".into(), html(&QueueFragment { queue: &board.queue })?));
    for chart in &board.charts {
        sections.push((chart.frame.name.clone(), html(&ChartFragment { chart })?));
    }
    sections.push(("soon".into(), html(&SoonFragment { soon: &board.soon })?));
    sections.push((
        "activity".into(),
        html(&ActivityFragment {
            activity: &board.activity,
        })?,
    ));
    Ok(sections)
}

fn html(fragment: &impl Template) -> Result<String> {
    Ok(fragment.render().map_err(anyhow::Error::from)?)
}

/// One widget alone, as its *Try again* asks for it. Unknown names do not exist.
pub async fn widget(db: &Db, id: FacilityId, name: &str, _: SeesRows) -> Result<String> {
    let (mut tx, facility, figures) = open(db, id).await?;
    let look = look(db, &mut tx, &facility, figures).await?;
    let html = match name {
        "matrix" => MatrixFragment {
            matrix: &matrix::view(&mut tx, &look).await?,
        }
        .render(),
        "queue" => QueueFragment {
            queue: &lists::queue(&mut tx, &look).await?,
        }
        .render(),
        "soon" => SoonFragment {
            soon: &lists::soon(&mut tx, &look).await?,
        }
        .render(),
        "activity" => ActivityFragment {
            activity: &lists::activity(&mut tx, &look).await?,
        }
        .render(),
        chart if chart.starts_with("chart-") => {
            let all = charts::all(&mut tx, &look).await?;
            let chart = all.iter().find(|one| one.frame.name == chart).ok_or(Error::NotFound)?;
            ChartFragment { chart }.render()
        }
        tile => {
            let all = tiles::all(&mut tx, &look).await?;
            let tile = all.iter().find(|one| one.frame.name == tile).ok_or(Error::NotFound)?;
            TileFragment { tile }.render()
        }
    };
    Ok(html.map_err(anyhow::Error::from)?)
}

/// A facility that was never summarised today is summarised first.
pub async fn summarised(db: &Db, id: FacilityId) -> Result<()> {
    let mut tx = db.read_in_background(&Scope::of(id)).await?;
    let known = summary::today(&mut tx, id).await?.is_some();
    drop(tx);
    if !known {
        summary::refresh_now(db, id).await?;
    }
    Ok(())
}

async fn open(db: &Db, id: FacilityId) -> Result<(Tx, Facility, Option<Figures>)> {
    let mut tx = db.look(&Scope::of(id)).await?;
    let mut figures = summary::today(&mut tx, id).await?;
    if figures.is_none() {
        drop(tx);
        summary::refresh_now(db, id).await?;
        tx = db.look(&Scope::of(id)).await?;
        figures = summary::today(&mut tx, id).await?;
    }
    // on the connection at hand: whoever waits for a second one while holding the first can wait for ever
    let facility = facilities::find(&mut *tx, id).await?;
    Ok((tx, facility, figures))
}

async fn look<'a>(db: &Db, tx: &mut Tx, facility: &'a Facility, figures: Option<Figures>) -> Result<Look<'a>> {
    let now = db.clock.now();
    let today = local_day(facility.zone, now);
    let days = summary::days(tx, facility.id, today - chrono::Days::new(DAYS as u64 - 1), today).await?;
    Ok(Look {
        facility,
        now,
        today,
        as_of: figures.map_or(now, |figures| figures.updated_at),
        figures,
        days,
    })
}

/// Title, day picker and button over a board of widgets that shows now.
pub fn plain_head(facility: &Facility, context: &Context, as_of: DateTime<Utc>) -> BoardHead {
    let look = Look {
        facility,
        now: context.now,
        today: context.today,
        as_of,
        figures: None,
        days: vec![],
    };
    head(&look, look.today)
}

/// Title, day picker and button over a board that shows `day`.
pub fn head(look: &Look<'_>, day: NaiveDate) -> BoardHead {
    let facility = look.facility;
    let address = |day: NaiveDate| match day == look.today {
        true => format!("/facilities/{}", facility.id),
        false => format!("/facilities/{}?day={day}", facility.id),
    };
    let past = day < look.today;
    BoardHead {
        facility_id: facility.id.0,
        name: facility.name.clone(),
        place: format!("{} · {}", facility.kind.label(), facility.region),
        day_label: day.dated("%A %-d %B %Y"),
        day: day.to_string(),
        today: look.today.to_string(),
        past,
        previous_href: address(day - chrono::Days::new(1)),
        next_href: past.then(|| address(day + chrono::Days::new(1))),
        refresh: RefreshView {
            facility_id: facility.id.0,
            iso: look.as_of.to_rfc3339(),
            label: time_label(facility.zone, look.as_of),
            done: false,
            problem: None,
        },
    }
}
