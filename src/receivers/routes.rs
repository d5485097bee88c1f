//! The routes of the receivers, and the answers of their protocols.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::app::App;
use crate::auth::{Access, ApiKey, KeyScope, PointSender};
use crate::error::{Error, Result};
use crate::ingest;
use crate::web::Routes;

use super::messages::{ExportAnswer, PartialSuccess, Status};
use super::otlp::{self, Encoding};
use super::remote_write::{self, Version};
use super::store::store;

pub fn routes() -> Routes<App> {
    Routes::default()
        .post("/api/v1/write", Access::KeyWithScope, write)
        .post("/v1/metrics", Access::KeyWithScope, export)
}

/// Bytes of a request as it is sent.
pub const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// `POST /api/v1/write`: Prometheus drops what is answered with 4xx and sends again after 5xx, and after 429 where its
/// `retry_on_http_429` says so.
async fn write(State(app): State<App>, sender: PointSender, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let version = Version::of(text(&parts.headers, header::CONTENT_TYPE))
        .ok_or_else(|| Error::Unsupported("Send application/x-protobuf of remote-write 1.0 or 2.0.".into()))?;
    if !matches!(text(&parts.headers, header::CONTENT_ENCODING), "" | "snappy") {
        return Err(Error::Unsupported("Send Content-Encoding: snappy.".into()));
    }
    let too_large = |_| Error::TooLarge(format!("Bodies have at most {BODY_LIMIT} bytes."));
    let body = axum::body::to_bytes(body, BODY_LIMIT).await.map_err(too_large)?;
    let reading = remote_write::read(version, &body).map_err(Error::Malformed)?;
    let done = store((&app.db, &app.ingest), &sender.0.key, "write", &body, reading)
        .await
        .map_err(unless_full)?;
    let mut response = match &done.reason {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(reason) => {
            let words = format!("{} values were not taken, the others were: {reason}", done.refused);
            let told = json!({ "error": "bad_request", "message": words });
            (StatusCode::BAD_REQUEST, Json(told)).into_response()
        }
    };
    for (name, count) in [
        ("x-prometheus-remote-write-samples-written", done.stored),
        ("x-prometheus-remote-write-histograms-written", 0),
        ("x-prometheus-remote-write-exemplars-written", 0),
    ] {
        response.headers_mut().insert(name, count.into());
    }
    Ok(response)
}

/// `POST /v1/metrics`: OTLP sends again after 429, 502, 503 and 504, and drops what is answered otherwise.
async fn export(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let encoding = Encoding::of(text(headers, header::CONTENT_TYPE));
    let answer = encoding.unwrap_or(Encoding::Json);
    // not an extractor: a refusal, too, is a message of the protocol
    let key = match ApiKey::with_scope(&parts, &app.auth, KeyScope::SendMetrics).await {
        Ok(key) => key,
        Err(error) => return refused_export(answer, &error),
    };
    let Some(encoding) = encoding else {
        let words = "Send application/x-protobuf or application/json.";
        return status_of(answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, words);
    };
    let body: Bytes = match ingest::read_body(headers, body).await {
        Ok(body) => body.into(),
        Err(error) => return refused_export(answer, &error),
    };
    let reading = match otlp::read(encoding, &body) {
        Ok(reading) => reading,
        Err(reason) => return status_of(answer, StatusCode::BAD_REQUEST, &reason),
    };
    match store((&app.db, &app.ingest), &key.key, "otlp", &body, reading).await {
        Ok(done) => {
            let message = ExportAnswer {
                partial_success: done.reason.map(|error_message| PartialSuccess {
                    rejected_data_points: done.refused as i64,
                    error_message,
                }),
            };
            written(answer, StatusCode::OK, &message)
        }
        Err(error) => refused_export(answer, &unless_full(error)),
    }
}

fn refused_export(encoding: Encoding, error: &Error) -> Response {
    failed(error, status_of(encoding, error.status(), &words(error)))
}

/// What is not stored because of us is to be sent again: a full buffer is 503 here, since a Prometheus as it comes drops
/// what is answered with 429, and a failure is 503, too, since OTLP drops what is answered with 500.
fn unless_full(error: Error) -> Error {
    match error {
        Error::TooMany(_) => Error::Busy,
        error if error.status() == StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(%error, "pushed metrics were not stored; the sender will try again");
            Error::Busy
        }
        error => error,
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim()
}

/// What a sender is told; what is ours to mend stays in the log.
fn words(error: &Error) -> String {
    match error.status().is_server_error() {
        true => "Not now; send it again.".into(),
        false => error.to_string(),
    }
}

fn status_of(encoding: Encoding, status: StatusCode, words: &str) -> Response {
    let message = Status {
        // INVALID_ARGUMENT or UNAVAILABLE; the senders go by the status of HTTP
        code: if status.is_client_error() { 3 } else { 14 },
        message: words.to_owned(),
    };
    written(encoding, status, &message)
}

fn written(encoding: Encoding, status: StatusCode, message: &(impl prost::Message + serde::Serialize)) -> Response {
    let content_type = [(header::CONTENT_TYPE, encoding.content_type())];
    (status, content_type, encoding.write(message)).into_response()
}

/// With the time after which to come again.
fn failed(error: &Error, mut response: Response) -> Response {
    let seconds = match error {
        Error::TooMany(seconds) => Some(*seconds),
        error if error.status() == StatusCode::SERVICE_UNAVAILABLE => Some(2),
        _ => None,
    };
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
