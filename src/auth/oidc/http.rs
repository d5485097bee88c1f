//! The way to the provider: no redirects, five seconds, answers of at most a megabyte.

use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse};

const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: usize = 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(transparent)]
    Sending(#[from] reqwest::Error),
    #[error(transparent)]
    Shape(#[from] http::Error),
    #[error("the answer is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("the provider failed with status {0}")]
    Failed(http::StatusCode),
}

/// # Errors
/// When the certificates of this machine cannot be read.
pub fn client() -> anyhow::Result<reqwest::Client> {
    // whoever came first chose the same one
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()?)
}

pub async fn send(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let mut answer = client.execute(request.try_into()?).await?;
    if answer.status().is_server_error() {
        return Err(HttpError::Failed(answer.status()));
    }
    let mut response = http::Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > LARGEST {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(response.body(body)?)
}
