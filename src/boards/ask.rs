//! What a screen asks for: one board, for these facilities, through this filter, over this range. Screens that ask the
//! same are sent the same bytes, whoever looks at them.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::model::Owner;
use super::queries::Whole;
use super::rights::Reader;
use crate::facilities::Facility;
use crate::ids::{BoardId, FacilityId};
use crate::live::Topic;
use crate::widgets::{Filter, Range, SeesRows, query_of};
use crate::words::{self, Locale};

/// Where a board is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `/facilities/7`: whatever board the facility has there
    Home(FacilityId),
    /// `/boards/4`
    Board(BoardId),
    /// an address that holds a secret and is never named in what is shown: what leads there is relative to it
    Link(Target),
}

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Board(BoardId),
    /// whatever the facility's address shows
    Home(FacilityId),
}

impl Address {
    pub fn path(self) -> String {
        match self {
            Address::Home(facility) => format!("/facilities/{facility}"),
            Address::Board(board) => format!("/boards/{board}"),
            Address::Link(_) => "?".into(),
        }
    }

    /// The same with a query string, which begins with `?` or is empty.
    pub fn with(self, query: &str) -> String {
        match self {
            Address::Link(_) if !query.is_empty() => query.to_owned(),
            _ => format!("{}{query}", self.path()),
        }
    }
}

/// The key of what is kept ready, but for the version of the board.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    pub address: Address,
    /// what the viewer may choose from, in the order of the ids
    pub visible: Arc<[FacilityId]>,
    /// those of them whose figures are shown
    pub facilities: Arc<[FacilityId]>,
    pub filter: Filter,
    /// none for the board's own
    pub range: Option<Range>,
    /// none when only sums may be shown
    pub rows: Option<SeesRows>,
    /// the language in which it is said
    pub locale: Locale,
}

impl Ask {
    /// The facility, when its figures alone are shown.
    pub fn facility(&self) -> Option<FacilityId> {
        match self.facilities[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The facility's own address as it is when nothing was chosen, in the language of the task.
    pub fn home(facility: FacilityId, rows: SeesRows) -> Self {
        let only: Arc<[FacilityId]> = [facility].into();
        Ask {
            address: Address::Home(facility),
            visible: only.clone(),
            facilities: only,
            filter: Filter::default(),
            range: None,
            rows: Some(rows),
            locale: words::locale(),
        }
    }

    /// What a link leads to, whose figures are those of `visible`: sums only.
    pub fn link(
        target: Target,
        whole: Option<&Whole>,
        visible: &[Arc<Facility>],
        filter: Filter,
        range: Option<Range>,
    ) -> Self {
        let owner = whole.map_or(&Owner::Network, |whole| &whole.board.owner);
        Ask::at(Address::Link(target), owner, visible, filter, range, None)
    }

    /// A board, for somebody who may see `visible`. Whatever the board says, nobody sees figures of other facilities. A
    /// board of a facility or a region shows those figures of its viewer that belong there, as long as there are any
    /// and the viewer's filter names no others.
    pub fn of(whole: &Whole, visible: &[Arc<Facility>], filter: Filter, range: Option<Range>, rows: SeesRows) -> Self {
        let address = Address::Board(whole.board.id);
        Ask::at(address, &whole.board.owner, visible, filter, range, Some(rows))
    }

    fn at(
        address: Address,
        owner: &Owner,
        visible: &[Arc<Facility>],
        filter: Filter,
        range: Option<Range>,
        rows: Option<SeesRows>,
    ) -> Self {
        let chosen = |facility: &&Arc<Facility>| filter.takes(facility);
        let at_home = |facility: &&Arc<Facility>| match owner {
            Owner::Facility(owner) => facility.id == *owner,
            Owner::Region(owner) => facility.region == *owner,
            _ => true,
        };
        let is_narrowed = !filter.facilities.is_empty() || filter.region.is_some();
        let mut shown: Vec<FacilityId> = if is_narrowed {
            visible.iter().filter(chosen).map(|one| one.id).collect()
        } else {
            visible.iter().filter(at_home).map(|one| one.id).collect()
        };
        if shown.is_empty() && !is_narrowed {
            shown = visible.iter().map(|one| one.id).collect();
        }
        shown.sort_unstable();
        let mut all: Vec<FacilityId> = visible.iter().map(|one| one.id).collect();
        all.sort_unstable();
        Ask {
            address,
            visible: all.into(),
            facilities: shown.into(),
            filter,
            range,
            rows,
            locale: words::locale(),
        }
    }

    /// Where its changes are told. A facility's plain home in English has the facility's own topic.
    pub fn topic(&self) -> Topic {
        if let Address::Home(facility) = self.address
            && self.is_plain()
            && self.locale == Locale::default()
        {
            return Topic::Board(facility);
        }
        let mut hash = Sha256::new();
        // `Debug` of these types names every field
        hash.update(format!("{self:?}"));
        let digest: [u8; 32] = hash.finalize().into();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Topic::Screen(key)
    }

    /// Whether the address has neither filter nor range.
    pub fn is_plain(&self) -> bool {
        self.filter.is_empty() && self.range.is_none()
    }

    /// `?group=O-&from=…`, or empty.
    pub fn query(&self) -> String {
        query_of(&self.filter, self.range.as_ref())
    }

    /// Whether it shows figures of this facility. Number 0 is the installation, whose figures stand on boards of many.
    pub fn shows(&self, facility: FacilityId) -> bool {
        let installation = facility.0 == 0 && self.facilities.len() > 1;
        installation || self.facilities.binary_search(&facility).is_ok()
    }

    /// Whether somebody may still see all that it shows.
    pub fn is_within(&self, reader: &Reader) -> bool {
        reader.network_admin
            || self
                .facilities
                .iter()
                .all(|facility| reader.memberships.iter().any(|one| one.facility == *facility))
    }
}
