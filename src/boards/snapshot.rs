//! A board as it was at one version: the shared bytes of the page, and each widget as the frame that is pushed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::live;
use crate::web::Part;

/// Windows of metrics are moved on so often, whether or not anything came.
pub const SLIDES: Duration = Duration::from_secs(5);

/// Shared by all who ask the same, so it holds nothing about any of them.
pub struct Snapshot {
    /// microseconds since 1970 of `as_of`, or of the rendering where it shows metrics; rises with every refresh of a summary,
    /// also over restarts
    pub version: i64,
    /// when the newest of its summaries was refreshed; nothing changed between this and the rendering
    pub as_of: DateTime<Utc>,
    /// when it was rendered, where what it shows changes with the time alone
    pub slides_since: Option<Instant>,
    /// it changes without a refresh of a summary
    pub shows_metrics: bool,
    /// what the tables that all facilities share were at least, when it was rendered
    pub reference: i64,
    /// the body between a page's header and its end
    pub body: Part,
    /// none when another instance rendered it: only the body is kept for others
    frames: Option<Frames>,
}

struct Frames {
    /// every widget by its name
    widgets: Vec<(String, Bytes)>,
    as_of: Bytes,
    /// all frames together: what a screen needs that shows something older
    state: Bytes,
}

impl Snapshot {
    /// `widgets`: names and sections; `label`: the as-of time in the board's zone.
    pub fn new(version: i64, as_of: DateTime<Utc>, label: &str, widgets: &[(String, String)], body: String) -> Self {
        let widgets: Vec<(String, Bytes)> = widgets
            .iter()
            .map(|(name, html)| (name.clone(), pushed(name, version, html)))
            .collect();
        let as_of_json = serde_json::json!({ "version": version, "at": as_of.to_rfc3339(), "label": label });
        let as_of_frame = live::named_frame("as-of", version, &as_of_json.to_string());
        let mut state: Vec<u8> = widgets.iter().flat_map(|(_, frame)| frame.iter().copied()).collect();
        state.extend_from_slice(&as_of_frame);
        Snapshot {
            version,
            as_of,
            slides_since: None,
            shows_metrics: false,
            reference: 0,
            body: Part::compressed(body.into()),
            frames: Some(Frames {
                widgets,
                as_of: as_of_frame,
                state: state.into(),
            }),
        }
    }

    /// One that was rendered before, for pages: it has no frames.
    pub fn kept(as_of: DateTime<Utc>, body: Part) -> Self {
        Snapshot {
            version: as_of.timestamp_micros(),
            as_of,
            slides_since: None,
            shows_metrics: false,
            reference: 0,
            body,
            frames: None,
        }
    }

    /// Whether time alone has changed what it shows.
    pub fn has_slid(&self) -> bool {
        self.slides_since.is_some_and(|since| since.elapsed() >= SLIDES)
    }

    /// All that a screen needs that shows something older; none when it was not rendered here.
    pub fn state(&self) -> Option<&Bytes> {
        self.frames.as_ref().map(|frames| &frames.state)
    }

    /// The frames that a screen showing `before` needs to show this one.
    pub fn changes_since(&self, before: Option<&Snapshot>) -> Vec<Bytes> {
        let Some(now) = &self.frames else { return vec![] };
        let Some(before) = before.and_then(|before| before.frames.as_ref()) else {
            return vec![now.state.clone()];
        };
        let old: HashMap<&str, &Bytes> = before
            .widgets
            .iter()
            .map(|(name, frame)| (name.as_str(), frame))
            .collect();
        let differs = |name: &str, frame: &Bytes| old.get(name).is_none_or(|old| content(old) != content(frame));
        let mut frames: Vec<Bytes> = now
            .widgets
            .iter()
            .filter(|(name, frame)| differs(name, frame))
            .map(|(_, frame)| frame.clone())
            .collect();
        frames.push(now.as_of.clone());
        frames
    }
}

/// A frame without what changes with every version: its id, `data-version` and the as-of time.
fn content(frame: &Bytes) -> String {
    let text = String::from_utf8_lossy(frame);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    for (from, to) in [
        ("id: ", "\n"),
        ("data-version=\"", "\""),
        ("<time data-as-of", "</time>"),
    ] {
        if let Some(start) = rest.find(from) {
            let after = start + from.len();
            let end = rest[after..].find(to).map_or(rest.len(), |length| after + length);
            kept.push_str(&rest[..start]);
            rest = &rest[end..];
        }
    }
    kept.push_str(rest);
    kept
}

fn pushed(name: &str, version: i64, section: &str) -> Bytes {
    let html = format!("<hx-partial hx-target=\"#w-{name}\" hx-swap=\"outerMorph\">{section}</hx-partial>");
    live::swap_frame(version, &html)
}
