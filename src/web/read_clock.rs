//! How long a connection may keep us waiting for its next request: for the first byte of a header, and from there for the
//! whole header. hyper has one limit for both, so that a browser that reads a page for a minute would be cut off or a
//! header could take as long; and it sets a timer for every request. Ours has one for each connection, which looks only
//! when it rings whether anything is overdue.
//!
//! The beginning of a header that came together with the request before it is held to the limit of the first byte.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Where a connection is between two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// nothing of the next request is here since then
    Idle(Instant),
    /// the header began to come then
    Header(Instant),
    /// the header is whole, the answer not yet
    Request,
}

/// The clock of one connection; clones are the same clock.
#[derive(Clone, Debug)]
pub(super) struct ReadClock(Arc<Mutex<Phase>>);

impl ReadClock {
    /// A connection has just been opened: whoever opens one has something to say, so the header's time runs.
    pub(super) fn new() -> Self {
        ReadClock(Arc::new(Mutex::new(Phase::Header(Instant::now()))))
    }

    /// The header is whole. The answer is over when what this gives is dropped.
    pub(super) fn request(&self) -> InRequest {
        *self.lock() = Phase::Request;
        InRequest(self.clone())
    }

    fn came(&self) {
        let mut phase = self.lock();
        if matches!(*phase, Phase::Idle(_)) {
            *phase = Phase::Header(Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The alarm of one connection. It needs no waking when something comes: what comes wakes the connection's task, which
/// asks here after it has looked at the connection.
pub(super) struct Alarm {
    clock: ReadClock,
    header: Duration,
    idle: Duration,
    /// set at the first look, and then only when it rang or a header began
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// `header`: for a whole header from its first byte; `idle`: for that first byte.
    pub(super) fn new(clock: ReadClock, header: Duration, idle: Duration) -> Self {
        Alarm {
            clock,
            header,
            idle,
            timer: None,
        }
    }

    /// Ready once the connection has kept us waiting for too long.
    pub(super) fn poll_overdue(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let phase = *self.clock.lock();
        let deadline = match phase {
            Phase::Idle(since) => since + self.idle,
            Phase::Header(since) => since + self.header,
            Phase::Request => {
                // an open stream needs none
                self.timer.take_if(|timer| timer.is_elapsed());
                return Poll::Pending;
            }
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            // it rang for an earlier request
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct InRequest(ReadClock);

impl Drop for InRequest {
    fn drop(&mut self) {
        *self.0.lock() = Phase::Idle(Instant::now());
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
    pub(super) clock: ReadClock,
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
            self.clock.came();
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
