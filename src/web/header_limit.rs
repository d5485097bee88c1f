//! How long the header of a request may take. hyper counts from the end of the request before, so that its limit also ends
//! idle connections; ours begins with the first byte, and a browser that reads a page for a minute keeps its connection.
//! The beginning of a header that came together with the request before it is held to hyper's limit only.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Where a connection is between two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// nothing of the next request is here
    Idle,
    /// the header began to come then
    Header(Instant),
    /// the header is whole, the answer not yet
    Request,
}

/// The header's clock of one connection; clones are the same clock.
#[derive(Clone, Debug)]
pub(super) struct HeaderLimit {
    phase: Arc<(Mutex<Phase>, Notify)>,
    limit: Duration,
}

impl HeaderLimit {
    /// A connection has just been opened: whoever opens one has something to say, so the clock runs.
    pub(super) fn new(limit: Duration) -> Self {
        let phase = Mutex::new(Phase::Header(Instant::now()));
        HeaderLimit {
            phase: Arc::new((phase, Notify::new())),
            limit,
        }
    }

    /// Returns once a header has taken too long.
    pub(super) async fn passed(&self) {
        loop {
            let phase = *self.lock();
            match phase {
                Phase::Header(since) if since.elapsed() >= self.limit => return,
                Phase::Header(since) => tokio::time::sleep_until(since + self.limit).await,
                Phase::Idle | Phase::Request => self.phase.1.notified().await,
            }
        }
    }

    /// The header is whole. The answer is over when what this gives is dropped.
    pub(super) fn request(&self) -> InRequest {
        *self.lock() = Phase::Request;
        InRequest(self.clone())
    }

    fn came(&self) {
        let mut phase = self.lock();
        if *phase == Phase::Idle {
            *phase = Phase::Header(Instant::now());
            self.phase.1.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct InRequest(HeaderLimit);

impl Drop for InRequest {
    fn drop(&mut self) {
        *self.0.lock() = Phase::Idle;
    }
}

/// The body of an answer: the request lasts until it is sent.
pub(super) struct Answer {
    pub(super) body: axum::body::Body,
    pub(super) _request: InRequest,
}

impl Body for Answer {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that tells the clock when bytes come.
pub(super) struct Watched<S> {
    pub(super) stream: S,
    pub(super) limit: HeaderLimit,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.limit.came();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
