//! What every test stands on: a database of its own, the application without a socket, a browser that keeps cookies and
//! looks for other facilities' secrets in whatever it is sent, and builders for what a facility holds.
#![allow(dead_code, unused_imports)] // a helper need not be wanted by every area at all times

mod app;
mod builders;
mod canary;
mod client;
mod cluster;
mod html;
mod smtp;
mod watch;

pub use app::{Options, SETUP_CODE, TestApp, options};
pub use builders::{Facility, PASSWORD, Person, Stock};
pub use client::{Answer, Client};
pub use cluster::Database;
pub use html::Page;
pub use smtp::{BASE_URL, SmtpServer};
pub use watch::{Frame, Watch};

use std::future::Future;
use std::time::Duration;

/// Nothing that a test waits for may take longer.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody's password.
pub const WRONG: &str = "seven loud herons leave";

/// Whether a page was answered as to somebody who is not logged in.
pub fn is_stranger(answer: &Answer) -> bool {
    answer.status == http::StatusCode::SEE_OTHER && answer.location().unwrap_or("").starts_with("/login")
}

/// Whether this browser's session is somebody's.
pub async fn is_logged_in(client: &Client) -> bool {
    !is_stranger(&client.get("/account").await)
}

/// Asks again until the answer is `Some`, for what becomes true by itself. Panics with `what` after [`PATIENCE`].
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}
