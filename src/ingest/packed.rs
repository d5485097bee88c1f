//! Bodies as they are sent: plain, gzip or zstd, with a limit on what they become.

use std::io::Read;

use axum::body::Body;
use http::{HeaderMap, header};
use http_body_util::BodyExt;

use crate::error::{Error, Result};

/// Bytes after unpacking.
pub const UNPACKED_LIMIT: usize = 16 * 1024 * 1024;
/// Larger bodies are unpacked beside the tasks that serve.
const AT_ONCE: usize = 64 * 1024;

/// The whole body, unpacked. 413 beyond the limit, 415 for an encoding that we do not know, 400 for one that is broken.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Vec<u8>> {
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .map_or("", |value| value.to_str().unwrap_or("?"))
        .trim()
        .to_ascii_lowercase();
    let collected = body.collect().await.map_err(|error| {
        let words = format!("{error} {:?}", std::error::Error::source(&error));
        match words.to_lowercase().replace(' ', "").contains("lengthlimit") {
            true => Error::TooLarge("Send less at once.".into()),
            false => Error::Malformed("The body ended too early.".into()),
        }
    })?;
    let bytes = collected.to_bytes();
    let unpack: fn(&[u8]) -> Result<Vec<u8>> = match &*encoding {
        "" | "identity" => return Ok(bytes.into()),
        "gzip" | "x-gzip" => gzip,
        "zstd" => zstd,
        _ => return Err(Error::Unsupported("Bodies may be packed with gzip or zstd.".into())),
    };
    if bytes.len() < AT_ONCE {
        return unpack(&bytes);
    }
    tokio::task::spawn_blocking(move || unpack(&bytes))
        .await
        .map_err(anyhow::Error::from)?
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    bounded(flate2::read::MultiGzDecoder::new(bytes))
}

fn zstd(bytes: &[u8]) -> Result<Vec<u8>> {
    let decoder = ruzstd::decoding::StreamingDecoder::new(bytes).map_err(|_| broken())?;
    bounded(decoder)
}

fn bounded(reader: impl Read) -> Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    reader
        .take(UNPACKED_LIMIT as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|_| broken())?;
    match unpacked.len() <= UNPACKED_LIMIT {
        true => Ok(unpacked),
        false => Err(Error::TooLarge(
            "Send less at once; the limit is on the unpacked body.".into(),
        )),
    }
}

fn broken() -> Error {
    Error::Malformed("The body cannot be unpacked.".into())
}
