//! Links to a board, for whoever holds one: a public one that ends, or the lasting one of a screen on a wall. A link shows
//! sums only, of facilities that were fixed when it was made, and nothing that its maker may not see any more.

mod commands;
mod queries;

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

pub use commands::{NewLink, end, make, note_use};
pub use queries::{Listed, by_id, by_token, ending, of_board};

use super::ask::Target;
use super::rights::Right;
use crate::error::{Error, Result};
use crate::ids::{FacilityId, LinkId, UserId};
use crate::text_enum::text_enum;

text_enum! {
    /// What a link is for.
    pub enum LinkKind {
        Public = "public" / "Public link",
        Wall = "wall" / "Screen on a wall",
    }
}

impl LinkKind {
    /// What one must be allowed to do with the board: to let anybody in takes its owner, a wall only somebody who sees it.
    pub fn least(self) -> Right {
        match self {
            LinkKind::Public => Right::Own,
            LinkKind::Wall => Right::View,
        }
    }
}

/// Days that a public link may last.
pub const LIVES: [i64; 3] = [1, 7, 30];

/// A link that is good.
#[derive(Clone, Debug)]
pub struct Link {
    pub id: LinkId,
    pub kind: LinkKind,
    pub target: Target,
    pub name: String,
    /// whose figures it may show
    pub facilities: Vec<FacilityId>,
    pub maker: UserId,
    /// none for a wall's
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Link {
    /// Whether its use is to be noted again.
    pub fn is_unnoted(&self, now: DateTime<Utc>) -> bool {
        self.last_used_at.is_none_or(|at| now - at >= TimeDelta::minutes(1))
    }
}

/// Requests with links that an instance takes from one address in a second, and at once after a pause.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();
const BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Counts requests with links by where they come from. Cheap to clone.
#[derive(Clone)]
pub struct LinkRates(Arc<DefaultKeyedRateLimiter<IpAddr>>);

impl Default for LinkRates {
    fn default() -> Self {
        LinkRates(Arc::new(RateLimiter::keyed(
            Quota::per_second(PER_SECOND).allow_burst(BURST),
        )))
    }
}

impl LinkRates {
    /// `TooMany` when this address asks too often; whether what it asks for exists makes no difference.
    pub fn check(&self, address: Option<IpAddr>) -> Result<()> {
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        self.0.check_key(&address).map_err(|early| {
            let wait = early.wait_time_from(DefaultClock::default().now());
            Error::TooMany(wait.as_secs() + 1)
        })
    }

    /// Forgets addresses that have not asked for a while.
    pub fn prune(&self) {
        self.0.retain_recent();
    }
}
