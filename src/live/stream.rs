//! One open stream: the present state first, then every frame of its topic; rights are looked at again every 15 s and
//! at once when they change; bounded in memory, in life and in number.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::{Ground, Hub, Topic, named_frame};
use crate::error::{Error, Result};
use crate::ids::{LinkId, UserId};

/// How many streams there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub per_user: usize,
    pub per_instance: usize,
}

/// Who has a stream open, for the count of their streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watcher {
    Person(UserId),
    /// whoever holds it
    Link(LinkId),
}

/// Streams of one link: a town may look at it, and the staff's own streams must still find room.
const PER_LINK: usize = 200;

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Asked again and again while a stream is open.
pub type Allowed = Box<dyn Fn() -> Answer<bool> + Send + Sync>;

/// What a stream needs from the feature that opens it.
pub struct Watching {
    pub topic: Topic,
    pub watcher: Watcher,
    /// what `allowed` hangs on
    pub grounds: Vec<Ground>,
    /// the whole present state in the wire format, for a page that shows an older version than the present one;
    /// the argument is the version that the watcher has
    pub state: Box<dyn Fn(Option<i64>) -> Answer<Option<Bytes>> + Send + Sync>,
    /// whether the session and the right to this topic still hold
    pub allowed: Allowed,
    /// the version that the page already shows
    pub seen: Option<i64>,
    /// how long the right lasts at most
    pub lasts: Option<Duration>,
}

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Ends after 10 min ± 20 %, so that streams spread over instances again; the browser comes back by itself.
const LIFETIME: Duration = Duration::from_secs(600);

/// Opens the stream, or says that there are too many.
pub fn stream(hub: &Hub, watching: Watching) -> Result<Response> {
    let place = Place::take(hub, watching.watcher)?;
    let life = LIFETIME.mul_f64(rand::random_range(0.8..1.2));
    let life = watching.lasts.map_or(life, |lasts| lasts.min(life));
    let heartbeat = {
        let mut interval = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval
    };
    let open = Box::new(Open {
        frames: hub.subscribe(watching.topic),
        access: hub.0.access.subscribe(),
        resync: hub.0.resync.subscribe(),
        stopping: hub.0.stopping.subscribe(),
        ends: Instant::now() + life,
        heartbeat,
        started: false,
        over: false,
        watching,
        _place: place,
    });
    let frames = futures_util::stream::unfold(open, |mut open| async move {
        let frame = open.next().await?;
        Some((Ok::<_, Infallible>(frame), open))
    });
    let mut response = Body::from_stream(frames).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // a proxy that collects an answer before passing it on would hold the stream back
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Why a waiting stream goes on.
enum Wake {
    Frame(Bytes),
    /// frames were lost: send everything anew
    Missed,
    Recheck {
        heartbeat: bool,
    },
    End,
}

struct Open {
    frames: broadcast::Receiver<Bytes>,
    access: broadcast::Receiver<Ground>,
    resync: broadcast::Receiver<()>,
    stopping: watch::Receiver<bool>,
    ends: Instant,
    heartbeat: Interval,
    started: bool,
    over: bool,
    watching: Watching,
    _place: Place,
}

impl Open {
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if !self.started {
            self.started = true;
            return Some(self.first().await);
        }
        loop {
            match self.wake().await {
                Wake::Frame(frame) => return Some(frame),
                Wake::Missed => {
                    if let Some(state) = self.state(None).await {
                        return Some(state);
                    }
                }
                Wake::Recheck { heartbeat } => {
                    if let Some(last) = self.check().await {
                        return Some(last);
                    }
                    if heartbeat {
                        return Some(Bytes::from_static(b"event: beat\ndata: .\n\n"));
                    }
                }
                Wake::End => return None,
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        use broadcast::error::RecvError;
        loop {
            return tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping) => Wake::End,
                frame = self.frames.recv() => match frame {
                    Ok(frame) => Wake::Frame(frame),
                    Err(RecvError::Lagged(_)) => Wake::Missed,
                    Err(RecvError::Closed) => Wake::End,
                },
                changed = self.access.recv() => match changed {
                    Ok(ground) if !self.watching.grounds.contains(&ground) => continue,
                    _ => Wake::Recheck { heartbeat: false },
                },
                _ = self.resync.recv() => Wake::Missed,
                _ = tokio::time::sleep_until(self.ends) => Wake::End,
                _ = self.heartbeat.tick() => Wake::Recheck { heartbeat: true },
            };
        }
    }

    /// How long to wait before coming back (spread, or all would come at once after a restart), and the state.
    async fn first(&mut self) -> Bytes {
        let now = chrono::Utc::now().to_rfc3339();
        let mut text = format!(
            "retry: {}\nevent: clock\ndata: {now}\n\n",
            rand::random_range(1000..5000)
        )
        .into_bytes();
        if let Some(state) = self.state(self.watching.seen).await {
            text.extend_from_slice(&state);
        }
        text.into()
    }

    async fn state(&self, seen: Option<i64>) -> Option<Bytes> {
        (self.watching.state)(seen).await
    }

    /// The last word when the right is gone, and nothing otherwise.
    async fn check(&mut self) -> Option<Bytes> {
        if (self.watching.allowed)().await {
            return None;
        }
        self.over = true;
        Some(named_frame("session-expired", 0, "log in again"))
    }
}

/// A place among the streams that may be open; given back when dropped.
struct Place {
    hub: Hub,
    watcher: Watcher,
}

impl Place {
    fn take(hub: &Hub, watcher: Watcher) -> Result<Place> {
        use std::sync::atomic::Ordering;
        let limits = hub.0.limits;
        let most = match watcher {
            Watcher::Person(_) => limits.per_user,
            Watcher::Link(_) => PER_LINK,
        };
        let mut mine = hub.0.by_watcher.entry(watcher).or_insert(0);
        if *mine >= most || hub.0.open.load(Ordering::Relaxed) >= limits.per_instance {
            return Err(Error::TooMany(30));
        }
        *mine += 1;
        hub.0.open.fetch_add(1, Ordering::Relaxed);
        drop(mine);
        Ok(Place {
            hub: hub.clone(),
            watcher,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        use std::sync::atomic::Ordering;
        self.hub.0.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(mut mine) = self.hub.0.by_watcher.get_mut(&self.watcher) {
            *mine = mine.saturating_sub(1);
        }
        self.hub.0.by_watcher.remove_if(&self.watcher, |_, mine| *mine == 0);
    }
}
