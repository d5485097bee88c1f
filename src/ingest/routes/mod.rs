//! Where programs send to: events as CloudEvents, points as plain JSON.

mod letters;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::app::App;
use crate::auth::{Access, EventSender, Key, PointSender};
use crate::error::{Error, Result};
use crate::ingest::commands::group::Once;
use crate::ingest::model::{Batch, Origin, Verdict};
use crate::ingest::once::answer_once;
use crate::ingest::{cloud_events, packed, wire};
use crate::web::Routes;

pub use letters::routes as letter_routes;

/// Bytes of a body as it is sent.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;
/// Events or points of one request.
const MOST_ITEMS: usize = 10_000;

/// Apart from the others, since bodies are larger here.
pub fn routes() -> Routes<App> {
    Routes::default()
        .post("/api/v1/events", Access::KeyWithScope, events)
        .post("/api/v1/metrics", Access::KeyWithScope, points)
        .post("/metrics", Access::KeyWithScope, points)
}

/// `POST /api/v1/events`: CloudEvents 1.0, one in binary or structured mode, or a batch.
async fn events(State(app): State<App>, sender: EventSender, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let mode = cloud_events::Mode::of(&parts.headers)?;
    let body = packed::read(&parts.headers, body).await?;
    let batch = cloud_events::read(mode, &parts.headers, &body)?;
    take(&app, &sender.0.key, &parts.headers, "events", &body, batch).await
}

/// `POST /metrics`: `{"metric_name", "value", "timestamp", "tags"}`, one, an array, or one a line.
async fn points(State(app): State<App>, sender: PointSender, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let shape = wire::Shape::of(&parts.headers)?;
    let body = packed::read(&parts.headers, body).await?;
    let batch = wire::read(shape, &body)?;
    take(&app, &sender.0.key, &parts.headers, "metrics", &body, batch).await
}

async fn take(
    app: &App,
    key: &Key,
    headers: &HeaderMap,
    route: &'static str,
    body: &[u8],
    batch: Batch,
) -> Result<Response> {
    if batch.len() > MOST_ITEMS {
        return Err(Error::TooLarge(format!("Send at most {MOST_ITEMS} at once.")));
    }
    let origin = Origin::key(key);
    let Some(once) = once(key, headers, route, body)? else {
        let verdicts = app.ingest.submit(&origin, batch).await?;
        let (status, answer) = answer(&verdicts);
        return Ok(respond(status, answer, false));
    };
    let answered = answer_once(&app.db, &app.ingest, &origin, batch, once).await?;
    if answered.same_body {
        Ok(respond(answered.status, answered.answer, answered.earlier))
    } else {
        Err(Error::invalid(
            "",
            "This Idempotency-Key came with another body before.",
        ))
    }
}

fn once(key: &Key, headers: &HeaderMap, route: &'static str, body: &[u8]) -> Result<Option<Once>> {
    let Some(given) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = given.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > 255 {
        return Err(Error::Malformed(
            "An Idempotency-Key has 1 to 255 visible characters.".into(),
        ));
    }
    Ok(Some(Once::new(key, route, text.to_owned(), body, answer)))
}

/// Reasons that one answer tells.
const MOST_REASONS: usize = 50;

/// 200 when all is in; 400 when something cannot be taken as it is; 409 when an id was taken by another body; 202 when
/// the rest is kept among the dead letters. Whatever the status, what was good is committed: nothing of it is to be sent
/// again.
fn answer(verdicts: &[Verdict]) -> (u16, String) {
    let count = |of: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| of(verdict)).count();
    let rejected = count(|verdict| matches!(verdict, Verdict::Rejected(_)));
    let conflicts = count(|verdict| matches!(verdict, Verdict::Conflict));
    let late = count(|verdict| matches!(verdict, Verdict::Late(_)));
    let told = verdicts.iter().enumerate().filter_map(|(index, verdict)| {
        let (kind, reason) = match verdict {
            Verdict::Rejected(reason) => ("rejected", reason.as_str()),
            Verdict::Late(reason) => ("late", reason.as_str()),
            Verdict::Conflict => (
                "conflict",
                "Another event has this source and id; this one is kept aside.",
            ),
            Verdict::Accepted { note } => ("note", (*note)?),
            Verdict::Duplicate => return None,
        };
        Some(json!({ "index": index, "verdict": kind, "reason": reason }))
    });
    let status = match (rejected, conflicts, late) {
        (1.., _, _) => 400,
        (_, 1.., _) => 409,
        (_, _, 1..) => 202,
        _ => 200,
    };
    let body = json!({
        "accepted": count(|verdict| matches!(verdict, Verdict::Accepted { .. })),
        "duplicates": count(|verdict| matches!(verdict, Verdict::Duplicate)),
        "rejected": rejected, "conflicts": conflicts, "late": late,
        "errors": told.take(MOST_REASONS).collect::<Vec<_>>(),
    });
    (status, body.to_string())
}

fn respond(status: u16, answer: String, replayed: bool) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], answer).into_response();
    if replayed {
        response
            .headers_mut()
            .insert("idempotency-replayed", http::HeaderValue::from_static("true"));
    }
    response
}
