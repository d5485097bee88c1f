//! The bare server: one route of axum that answers with ready bytes, the same head and body that the product sent.
//! It knows nothing and looks nothing up, so it is what the machine can do.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use super::place::{Server, free_port, wait_for};

/// Starts it with what the product answered.
pub fn start(head: &str, body: &[u8]) -> Result<Server> {
    let folder = tempfile::tempdir()?;
    let (heads, bodies) = (folder.path().join("head"), folder.path().join("body"));
    std::fs::write(&heads, head)?;
    std::fs::write(&bodies, body)?;
    let port = free_port()?;
    let process: Child = Command::new(std::env::current_exe()?)
        .args(["role-bare", &port.to_string()])
        .args([&heads, &bodies])
        .stdin(Stdio::null())
        .spawn()?;
    let server = Server { process, port };
    wait_for(port)?;
    Ok(server)
}

/// `role-bare PORT HEAD BODY`: the two files are read at the start.
pub fn run() -> Result<()> {
    let mut words = std::env::args().skip(2);
    let mut word = || words.next().context("role-bare: too few words");
    let (port, head, body) = (word()?, word()?, word()?);
    let mut headers = HeaderMap::new();
    for line in std::fs::read_to_string(head)?.lines().skip(1) {
        let Some((name, value)) = line.split_once(": ") else {
            continue;
        };
        // these two the server adds by itself
        if !["date", "content-length"].contains(&name) {
            headers.append(HeaderName::try_from(name)?, HeaderValue::from_str(value)?);
        }
    }
    let body = Bytes::from(std::fs::read(body)?);
    let answer = move || {
        let mut response = Response::new(Body::from(body.clone()));
        *response.headers_mut() = headers.clone();
        std::future::ready(response)
    };
    let router = Router::new().route("/", get(answer));
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}
