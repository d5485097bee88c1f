//! Open screens and what is sent to them. A fragment is rendered once and the same bytes go to every watcher of its
//! topic; a topic is a facility's board, or the network's list.

mod stream;

pub use stream::{Allowed, Limits, Watcher, Watching, stream};

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use tokio::sync::{broadcast, watch};

use crate::ids::{BoardId, FacilityId, LinkId, UserId};

/// What a stream is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// the board of a facility
    Board(FacilityId),
    /// what screens show that ask the same of a board: a digest of the question
    Screen([u8; 16]),
    /// the lists of a facility: only nudges, each page fetches itself
    Lists(FacilityId),
    /// the list of all facilities: only nudges, each viewer fetches under their own rights
    Network,
}

/// What the right to watch hangs on: when it changes, the stream looks again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// their rights and sessions
    Person(UserId),
    /// who may see it
    Board(BoardId),
    Link(LinkId),
}

/// Frames that a watcher may fall behind before it is sent everything anew.
const BACKLOG: usize = 32;

/// The meeting place of those who publish and those who watch. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    topics: DashMap<Topic, broadcast::Sender<Bytes>>,
    access: broadcast::Sender<Ground>,
    resync: broadcast::Sender<()>,
    open: AtomicUsize,
    by_watcher: DashMap<Watcher, usize>,
    limits: Limits,
    stopping: watch::Sender<bool>,
}

impl Hub {
    pub fn new(limits: Limits) -> Self {
        Hub(Arc::new(Inner {
            topics: DashMap::new(),
            access: broadcast::channel(256).0,
            resync: broadcast::channel(1).0,
            open: AtomicUsize::new(0),
            by_watcher: DashMap::new(),
            limits,
            stopping: watch::channel(false).0,
        }))
    }

    /// Sends one frame (already in the wire format) to every watcher of the topic.
    pub fn publish(&self, topic: Topic, frame: Bytes) {
        if let Some(sender) = self.0.topics.get(&topic) {
            // an error means that nobody watches just now
            let _ = sender.send(frame);
        }
    }

    /// Whether anybody watches the topic here.
    pub fn is_watched(&self, topic: Topic) -> bool {
        self.0
            .topics
            .get(&topic)
            .is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// What somebody's right to watch hangs on changed: the streams that hang on it look again, at once.
    pub fn access_changed(&self, ground: Ground) {
        let _ = self.0.access.send(ground);
    }

    /// Something may have been missed: every stream sends the whole state again.
    pub fn resync(&self) {
        let _ = self.0.resync.send(());
    }

    /// Streams open on this instance.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Ends every stream, now and from now on.
    pub fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    pub fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    /// Forgets topics that nobody watches.
    pub fn sweep(&self) {
        self.0.topics.retain(|_, sender| sender.receiver_count() > 0);
    }

    fn subscribe(&self, topic: Topic) -> broadcast::Receiver<Bytes> {
        self.0
            .topics
            .entry(topic)
            .or_insert_with(|| broadcast::channel(BACKLOG).0)
            .subscribe()
    }
}

/// An event without a name: the browser swaps its elements in by their ids. The id is the version of the state.
pub fn swap_frame(version: i64, html: &str) -> Bytes {
    frame(None, version, html)
}

/// An event with a name, for the page's own script.
pub fn named_frame(name: &'static str, version: i64, data: &str) -> Bytes {
    frame(Some(name), version, data)
}

fn frame(name: Option<&str>, version: i64, data: &str) -> Bytes {
    let mut text = String::with_capacity(data.len() + 64);
    if let Some(name) = name {
        text.push_str("event: ");
        text.push_str(name);
        text.push('\n');
    }
    text.push_str(&format!("id: {version}\n"));
    for line in data.lines() {
        text.push_str("data: ");
        // a lone carriage return would end the line for the reader
        text.push_str(&line.replace('\r', " "));
        text.push('\n');
    }
    text.push('\n');
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_one_event_whatever_the_text() {
        let frame = swap_frame(12, "<p>a</p>\n<p>\revent: forged\nid: 9</p>");

        assert_eq!(
            frame,
            "id: 12\ndata: <p>a</p>\ndata: <p> event: forged\ndata: id: 9</p>\n\n"
        );
    }
}
