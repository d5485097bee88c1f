//! The log as a file, the same lines as the page: CSV for spreadsheets, one JSON object a line for programs. Sent as it is
//! read, a thousand lines at a time, so neither the database nor the server holds the whole.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header;
use serde_json::json;

use crate::app::App;
use crate::audit::{self, Entry, Filter, Line};
use crate::auth::Manager;
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::text::formula_safe;

/// A file holds at most this many lines, and says so in its last one.
pub const MOST_ROWS: usize = 100_000;
const BATCH: usize = 1_000;

const COLUMNS: [&str; 17] = [
    "id",
    "at",
    "facility_id",
    "facility",
    "actor_id",
    "actor",
    "via",
    "via_id",
    "address",
    "action",
    "thing",
    "thing_id",
    "detail",
    "before",
    "after",
    "seq",
    "hash",
];

/// `GET /admin/audit.csv`
pub async fn csv(State(app): State<App>, manager: Manager, Query(filter): Query<Filter>) -> Result<Response> {
    file(&app, &manager, filter, Format::Csv).await
}

/// `GET /admin/audit.ndjson`
pub async fn ndjson(State(app): State<App>, manager: Manager, Query(filter): Query<Filter>) -> Result<Response> {
    file(&app, &manager, filter, Format::Json).await
}

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Csv,
    Json,
}

/// What remains to be sent.
struct Rest {
    db: Db,
    scope: Scope,
    filter: Filter,
    format: Format,
    before: Option<i64>,
    sent: usize,
    done: bool,
}

async fn file(app: &App, manager: &Manager, filter: Filter, format: Format) -> Result<Response> {
    let scope = manager.scope();
    let mut tx = app.db.write(&scope).await?;
    let asked: serde_json::Map<_, _> = filter
        .pairs()
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let entry = Entry::new("exported", "audit").detail(asked.into());
    audit::record(&mut tx, &manager.actor(), &entry).await?;
    tx.commit().await?;
    let rest = Rest {
        db: app.db.clone(),
        scope,
        filter,
        format,
        before: None,
        sent: 0,
        done: false,
    };
    let body = Body::from_stream(stream::try_unfold(rest, |rest| async move {
        let next = if rest.done { None } else { Some(rest.next().await?) };
        Ok::<_, crate::error::Error>(next)
    }));
    let (kind, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        Format::Json => ("application/x-ndjson", "attachment; filename=\"audit.ndjson\""),
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}

impl Rest {
    async fn next(mut self) -> Result<(Bytes, Rest)> {
        let room = BATCH.min(MOST_ROWS - self.sent);
        let mut tx = self.db.read_in_background(&self.scope).await?;
        // one more than fits says whether the file ends here or is cut
        let mut lines = audit::page(&mut tx, &self.scope, &self.filter, self.before, room as i64 + 1).await?;
        drop(tx);
        let more = lines.len() > room;
        lines.truncate(room);
        let cut = more && self.sent + lines.len() >= MOST_ROWS;
        let chunk = match self.format {
            Format::Csv => as_csv(&lines, self.sent == 0, cut)?,
            Format::Json => as_json(&lines, cut)?,
        };
        self.sent += lines.len();
        self.before = lines.last().map(|line| line.id).or(self.before);
        self.done = !more || cut;
        Ok((chunk.into(), self))
    }
}

fn cut_words() -> String {
    t!(
        "The file ends after {MOST_ROWS} lines. There are older ones: narrow the time and export again.",
        MOST_ROWS
    )
}

fn as_csv(lines: &[Line], head: bool, cut: bool) -> Result<Vec<u8>> {
    let mut writer = ::csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let internal = |error: ::csv::Error| crate::error::Error::Internal(error.into());
    if head {
        writer.write_record(COLUMNS).map_err(internal)?;
    }
    for line in lines {
        let number = |id: Option<i64>| id.map_or_else(String::new, |id| id.to_string());
        let value = |value: &Option<serde_json::Value>| value.as_ref().map_or_else(String::new, ToString::to_string);
        let text = |text: &Option<String>| formula_safe(text.as_deref().unwrap_or_default()).into_owned();
        let record = [
            line.id.to_string(),
            line.at.to_rfc3339(),
            number(line.facility_id.map(|id| id.0)),
            text(&line.facility),
            number(line.actor_id.map(|id| id.0)),
            formula_safe(&line.actor).into_owned(),
            line.via.as_str().to_owned(),
            text(&line.via_id),
            text(&line.address),
            formula_safe(&line.action).into_owned(),
            formula_safe(&line.thing).into_owned(),
            number(line.thing_id),
            line.detail.to_string(),
            value(&line.before),
            value(&line.after),
            line.seq.to_string(),
            line.hash.clone(),
        ];
        writer.write_record(record).map_err(internal)?;
    }
    if cut {
        writer.write_record([cut_words()]).map_err(internal)?;
    }
    writer
        .into_inner()
        .map_err(|error| crate::error::Error::Internal(anyhow::anyhow!("{error}")))
}

fn as_json(lines: &[Line], cut: bool) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line).map_err(anyhow::Error::from)?;
        text.push(b'\n');
    }
    if cut {
        serde_json::to_writer(&mut text, &json!({ "note": cut_words() })).map_err(anyhow::Error::from)?;
        text.push(b'\n');
    }
    Ok(text)
}
