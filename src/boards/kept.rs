//! Pages as they were last sent, to be sent again. A board's page is made of three things that are replaced and never
//! changed, the person, the directory's entry and the board; while all three are those it was made of, it is the same.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use dashmap::DashMap;

use super::Snapshot;
use crate::auth::Person;
use crate::facilities::Facility;
use crate::ids::UserId;

/// Pages kept at most, about 20 kB each; with more people than that at once, some pages are made for each request.
const MOST: usize = 1_000;

/// What a page is made of, apart from its address.
#[derive(Clone, Copy)]
pub struct MadeOf<'a> {
    pub person: &'a Arc<Person>,
    /// a new one with every look at the directory, so it also stands for the menu
    pub facility: &'a Arc<Facility>,
    pub board: &'a Arc<Snapshot>,
}

/// The page that each person asked for last.
#[derive(Default)]
pub struct Pages(DashMap<UserId, Page>);

struct Page {
    path: String,
    person: Weak<Person>,
    facility: Weak<Facility>,
    board: Weak<Snapshot>,
    sent: Bytes,
}

impl Page {
    /// A weak pointer holds its place in memory, so nothing else can ever be found at the same address.
    fn is_made_of(&self, parts: &MadeOf<'_>) -> bool {
        std::ptr::eq(self.person.as_ptr(), Arc::as_ptr(parts.person))
            && std::ptr::eq(self.facility.as_ptr(), Arc::as_ptr(parts.facility))
            && std::ptr::eq(self.board.as_ptr(), Arc::as_ptr(parts.board))
    }
}

impl Pages {
    /// The page at `path`, if it would be made of the same again.
    pub fn find(&self, path: &str, parts: &MadeOf<'_>) -> Option<Bytes> {
        let page = self.0.get(&parts.person.id)?;
        (page.path == path && page.is_made_of(parts)).then(|| page.sent.clone())
    }

    /// Keeps a page that shows nothing but its address and these parts.
    pub fn keep(&self, path: &str, parts: &MadeOf<'_>, sent: &Bytes) {
        if self.0.len() >= MOST && !self.0.contains_key(&parts.person.id) {
            return;
        }
        let page = Page {
            path: path.to_owned(),
            person: Arc::downgrade(parts.person),
            facility: Arc::downgrade(parts.facility),
            board: Arc::downgrade(parts.board),
            sent: sent.clone(),
        };
        self.0.insert(parts.person.id, page);
    }

    /// Forgets pages that will not be found again.
    pub fn sweep(&self) {
        self.0.retain(|_, page| {
            page.person.strong_count() > 0 && page.facility.strong_count() > 0 && page.board.strong_count() > 0
        });
    }
}
