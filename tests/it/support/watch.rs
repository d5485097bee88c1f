//! An open stream, read event by event. Waiting is bounded: a test that waits in vain says for what.

use std::collections::VecDeque;

use axum::body::BodyDataStream;
use bytes::BytesMut;
use futures_util::StreamExt;

use super::PATIENCE;
use super::client::Client;
use super::html::Page;

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// empty for what the page swaps in
    pub event: String,
    pub id: Option<i64>,
    pub data: String,
}

impl Frame {
    /// The fragment as a page, for the same questions.
    pub fn page(&self) -> Page {
        Page(self.data.clone())
    }

    /// Whether it replaces the element with this id.
    pub fn replaces(&self, id: &str) -> bool {
        self.event.is_empty() && self.data.contains(&format!("id=\"{id}\""))
    }
}

/// An open stream; closed when dropped.
pub struct Watch {
    client: Client,
    path: String,
    stream: BodyDataStream,
    buffer: BytesMut,
    ready: VecDeque<Frame>,
}

impl Watch {
    pub(super) fn new(client: Client, path: String, stream: BodyDataStream) -> Watch {
        Watch {
            client,
            path,
            stream,
            buffer: BytesMut::new(),
            ready: VecDeque::new(),
        }
    }

    /// The next event; beats and the server's clock are left out. Panics when none comes in time or the stream ends.
    pub async fn next(&mut self) -> Frame {
        match self.next_or_end().await {
            Some(frame) => frame,
            None => panic!("{} ended", self.path),
        }
    }

    /// The next event that the test wants; others before it are passed over.
    pub async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.next().await;
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// The next fragment that replaces the element with this id.
    pub async fn swap_of(&mut self, id: &str) -> Page {
        self.until(|frame| frame.replaces(id)).await.page()
    }

    /// Reads until the server closes the stream and gives what came before. Panics when it stays open.
    pub async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next_or_end().await {
            frames.push(frame);
        }
        frames
    }

    async fn next_or_end(&mut self) -> Option<Frame> {
        tokio::time::timeout(PATIENCE, self.read())
            .await
            .unwrap_or_else(|_| panic!("{} sent nothing for {PATIENCE:?}", self.path))
    }

    async fn read(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            let bytes = self.stream.next().await?.expect("the stream is whole");
            self.buffer.extend_from_slice(&bytes);
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block = self.buffer.split_to(end + 2);
                let text = String::from_utf8(block.to_vec()).expect("a stream is UTF-8");
                self.client.search(&self.path, &text).await;
                let news = parse(&text).filter(|frame| !["beat", "clock"].contains(&&*frame.event));
                self.ready.extend(news);
            }
        }
    }
}

/// Blocks without data (`retry:`) are no events.
fn parse(block: &str) -> Option<Frame> {
    let mut frame = Frame {
        event: String::new(),
        id: None,
        data: String::new(),
    };
    let mut has_data = false;
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => frame.event = value.into(),
            "id" => frame.id = value.parse().ok(),
            "data" => {
                if has_data {
                    frame.data.push('\n');
                }
                has_data = true;
                frame.data.push_str(value);
            }
            _ => {}
        }
    }
    has_data.then_some(frame)
}
