//! The listening socket. `axum::serve` puts no limit on how long a header may take, so the loop is ours: a header has
//! 10 s, an idle connection 75 s, a reader that stops reading 30 s, and there are only so many connections.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use futures_util::TryFutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;

use super::read_clock::{Alarm, Answer, ReadClock, Watched};

/// How long a client may keep us waiting.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// for the whole header of a request, counted from its first byte; the first one from the connection on
    pub header: Duration,
    /// for the next request on an open connection
    pub idle: Duration,
    /// for a reader that takes nothing
    pub write: Duration,
    /// for the requests that still run when the order to stop comes
    pub drain: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            header: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(15),
        }
    }
}

/// Headers of one request, with the address.
const HEADER_BYTES: usize = 24 * 1024;
const CONNECTIONS: usize = 12_000;
/// Connections that wait to be accepted. After a restart every open screen comes back at once, and one too many waits a
/// second for its second try; the default of 128 took a minute for ten thousand.
const BACKLOG: u32 = 4096;

/// Listens on an address, with room for everybody at once.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` turns true, then lets requests finish. The caller ends streams before.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>, patience: Patience) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    // HTTP/1.1 only: no browser speaks HTTP/2 without TLS, which is the proxy's affair, and telling the versions apart
    // would wait for the first bytes without a limit
    let mut builder = Builder::new();
    builder.max_buf_size(HEADER_BYTES).half_close(false);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // out of descriptors, most likely: give others the time to close theirs
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::warn!("too many connections; one was closed");
            continue;
        };
        let _ = stream.set_nodelay(true);
        let clock = ReadClock::new();
        let mut alarm = Alarm::new(clock.clone(), patience.header, patience.idle);
        let mut stream = TimeoutWriter::new(Watched {
            stream,
            clock: clock.clone(),
        });
        stream.set_timeout(Some(patience.write));
        let router = router.clone();
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            let begun = clock.request();
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            let answered = router.clone().oneshot(request.map(axum::body::Body::new) as Request);
            answered.map_ok(|answer| answer.map(|body| Answer { body, _request: begun }))
        });
        let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service);
        // boxed: a task has room for all that it was given, beside all that it moves it to
        let mut connection = Box::pin(graceful.watch(connection));
        let served = poll_fn(move |context| {
            // a client that goes away, dawdles or breaks the protocol is no concern of ours
            match connection.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => alarm.poll_overdue(context),
            }
        });
        tokio::spawn(async move {
            let _place = place;
            served.await;
        });
    }
    drop(listener);
    let finished = pin!(graceful.shutdown());
    if tokio::time::timeout(patience.drain, finished).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}
