//! The routes of the receivers, and the answers of their protocols.

use std::io::Read;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

use crate::app::App;
use crate::auth::{Access, ApiKey, KeyScope};
use crate::error::{Error, Result};
use crate::ingest::{Batch, Item, Origin, Verdict};
use crate::web::Routes;

use super::Reading;
use super::messages::{ExportAnswer, PartialSuccess, Status};
use super::otlp::{self, Encoding};
use super::remote_write::{self, Version};

pub fn routes() -> Routes<App> {
    Routes::default()
        .post("/api/v1/write", Access::Key, write)
        .post("/api/v1/otlp/v1/metrics", Access::Key, export)
}

/// Requests are not larger as they come, and as they are unpacked.
pub const BODY_LIMIT: usize = 8 * 1024 * 1024;
const LONGEST_UNPACKED: u64 = 32 * 1024 * 1024;

/// `POST /api/v1/write`: Prometheus drops what is answered with 4xx and sends again after 5xx.
async fn write(State(app): State<App>, request: Request) -> Response {
    let (key, headers, body) = match open(&app, request).await {
        Ok(opened) => opened,
        Err(error) => return refused_write(&error),
    };
    let Some(version) = Version::of(text(&headers, header::CONTENT_TYPE)) else {
        return told(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "expected application/x-protobuf of remote-write 1.0 or 2.0",
        );
    };
    if !matches!(text(&headers, header::CONTENT_ENCODING), "" | "snappy") {
        return told(StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected Content-Encoding: snappy");
    }
    let reading = match remote_write::read(version, &body) {
        Ok(reading) => reading,
        Err(reason) => return told(StatusCode::BAD_REQUEST, &reason),
    };
    match store(&app, &key, reading).await {
        Ok(done) => {
            let mut response = match &done.reason {
                None => StatusCode::NO_CONTENT.into_response(),
                Some(reason) => {
                    let words = format!(
                        "{} values were not taken, the others were; the first: {reason}",
                        done.refused
                    );
                    told(StatusCode::BAD_REQUEST, &words)
                }
            };
            for (name, count) in [("samples", done.stored), ("histograms", 0), ("exemplars", 0)] {
                if let Ok(name) = http::HeaderName::try_from(format!("x-prometheus-remote-write-{name}-written")) {
                    response.headers_mut().insert(name, count.into());
                }
            }
            response
        }
        Err(error) => refused_write(&error),
    }
}

/// Too much at once is said as 503: Prometheus would drop what is answered with 429.
fn refused_write(error: &Error) -> Response {
    let status = match error {
        Error::TooMany(_) => StatusCode::SERVICE_UNAVAILABLE,
        other => other.status(),
    };
    failed(error, told(status, &words(error)), status)
}

/// `POST /api/v1/otlp/v1/metrics`: OTLP sends again after 429, 502, 503 and 504, and drops what is answered otherwise.
async fn export(State(app): State<App>, request: Request) -> Response {
    let content_type = text(request.headers(), header::CONTENT_TYPE).to_owned();
    let encoding = Encoding::of(&content_type);
    let answer = encoding.unwrap_or(Encoding::Json);
    let (key, headers, body) = match open(&app, request).await {
        Ok(opened) => opened,
        Err(error) => return refused_export(answer, &error),
    };
    let Some(encoding) = encoding else {
        let words = "expected application/x-protobuf or application/json";
        return status_of(answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, words);
    };
    let read = unpacked(&headers, body).and_then(|body| otlp::read(encoding, &body));
    let reading = match read {
        Ok(reading) => reading,
        Err(reason) => return status_of(answer, StatusCode::BAD_REQUEST, &reason),
    };
    match store(&app, &key, reading).await {
        Ok(done) => {
            let message = ExportAnswer {
                partial_success: done.reason.map(|error_message| PartialSuccess {
                    rejected_data_points: done.refused as i64,
                    error_message,
                }),
            };
            written(answer, StatusCode::OK, &message)
        }
        Err(error) => refused_export(answer, &error),
    }
}

fn refused_export(encoding: Encoding, error: &Error) -> Response {
    let status = match error.status() {
        StatusCode::INTERNAL_SERVER_ERROR => StatusCode::SERVICE_UNAVAILABLE,
        status => status,
    };
    failed(error, status_of(encoding, status, &words(error)), status)
}

/// The key, the headers and the whole body.
async fn open(app: &App, request: Request) -> Result<(ApiKey, HeaderMap, Bytes)> {
    let (parts, body) = request.into_parts();
    let key = ApiKey::with_scope(&parts, &app.auth, KeyScope::Ingest).await?;
    let body = axum::body::to_bytes(body, BODY_LIMIT).await;
    let body = body.map_err(|_| Error::invalid("", format!("Bodies have at most {BODY_LIMIT} bytes.")))?;
    Ok((key, parts.headers, body))
}

fn unpacked(headers: &HeaderMap, body: Bytes) -> Result<Bytes, String> {
    match text(headers, header::CONTENT_ENCODING) {
        "" | "identity" => Ok(body),
        "gzip" => {
            let mut unpacked = Vec::new();
            let unpacking = flate2::read::MultiGzDecoder::new(&*body);
            let read = unpacking.take(LONGEST_UNPACKED + 1).read_to_end(&mut unpacked);
            read.map_err(|error| format!("the body is not gzip: {error}"))?;
            if unpacked.len() as u64 > LONGEST_UNPACKED {
                return Err(format!("the body has more than {LONGEST_UNPACKED} bytes unpacked"));
            }
            Ok(unpacked.into())
        }
        other => Err(format!("bodies are packed with gzip or not at all, not with {other}")),
    }
}

/// What became of a request.
struct Done {
    stored: usize,
    refused: usize,
    /// of the first that was refused
    reason: Option<String>,
}

async fn store(app: &App, key: &ApiKey, reading: Reading) -> Result<Done> {
    let origin = Origin {
        name: format!("key pb_{}", key.key.prefix),
        facilities: key.key.facilities.clone(),
    };
    let batch: Batch = reading.points.into_iter().map(Item::Point).collect();
    let verdicts = match batch.is_empty() {
        true => Vec::new(),
        false => app.ingest.submit(&origin, batch).await?,
    };
    let stored = verdicts.iter().filter(|verdict| verdict.is_good()).count();
    let first = verdicts.iter().find_map(|verdict| match verdict {
        Verdict::Rejected(reason) | Verdict::Late(reason) => Some(reason.clone()),
        _ => None,
    });
    Ok(Done {
        stored,
        refused: reading.refused + verdicts.len() - stored,
        reason: reading.reason.or(first),
    })
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// What a sender is told; what is ours to mend stays in the log.
fn words(error: &Error) -> String {
    match error.status().is_server_error() {
        true => "not now; send it again".into(),
        false => error.to_string(),
    }
}

fn told(status: StatusCode, words: &str) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        words.to_owned(),
    )
        .into_response()
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

/// When to come again, and a line in the log for what is ours to mend.
fn failed(error: &Error, mut response: Response, status: StatusCode) -> Response {
    if error.status().is_server_error() {
        tracing::error!(%error, "pushed metrics were not stored; the sender will try again");
    }
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        let seconds = if let Error::TooMany(seconds) = error {
            *seconds
        } else {
            2
        };
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
