//! Who may do what with a board: one pure function over the reader, the owner and the shares. What figures a reader sees
//! on a board is another matter, and always their own.

use crate::auth::{Person, Role};
use crate::facilities::Facility;
use crate::ids::{FacilityId, UserId};
use crate::text_enum::text_enum;

use super::model::{Board, Owner};

/// What somebody may do with a board, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// for them it does not exist
    None,
    View,
    /// change and save it
    Edit,
    /// publish, share and delete it, lock its widgets
    Own,
}

text_enum! {
    /// What a share allows.
    pub enum Level {
        View = "view" / "Can view",
        Edit = "edit" / "Can edit",
    }
}

/// With whom a board is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    Person(UserId),
    /// everybody who has at least this role somewhere
    Role(Role),
    /// every member
    Facility(FacilityId),
}

/// One line of a board's shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub id: i64,
    pub with: With,
    pub level: Level,
}

/// One of the facilities in which a reader has a role.
#[derive(Clone, Debug)]
pub struct Membership {
    pub facility: FacilityId,
    pub region: String,
    pub role: Role,
}

/// Whoever looks at a board.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    pub user: Option<UserId>,
    pub network_admin: bool,
    pub memberships: Vec<Membership>,
}

impl Reader {
    /// A logged-in person; `facilities` is the directory, for the regions.
    pub fn of(person: &Person, facility: impl Fn(FacilityId) -> Option<std::sync::Arc<Facility>>) -> Self {
        let memberships = person.memberships.iter().filter_map(|membership| {
            Some(Membership {
                facility: membership.facility,
                region: facility(membership.facility)?.region.clone(),
                role: membership.role,
            })
        });
        Reader {
            user: Some(person.id),
            network_admin: person.network_admin,
            memberships: memberships.collect(),
        }
    }

    /// Whether they may see the figures of a facility.
    pub fn may_enter(&self, facility: FacilityId) -> bool {
        self.network_admin || self.role_in(facility).is_some()
    }

    /// Their highest role anywhere.
    fn highest(&self) -> Option<Role> {
        if self.network_admin {
            return Some(Role::NetworkAdmin);
        }
        self.memberships.iter().map(|one| one.role).max()
    }

    fn role_in(&self, facility: FacilityId) -> Option<Role> {
        let found = self.memberships.iter().find(|one| one.facility == facility);
        found.map(|one| one.role)
    }
}

/// What the reader may do with the board.
///
/// A person's board is theirs alone. A facility's is seen by its members and belongs to its administrators; a region's
/// is seen by the members of facilities there, the network's by everybody logged in, and both belong to the network's
/// administrators, as facilities' boards do. Shares add to that and take nothing away. What is not published exists
/// only for those who may edit it.
pub fn may(reader: &Reader, board: &Board, shares: &[Share]) -> Right {
    let right = by_owner(reader, board).max(by_share(reader, shares));
    match right {
        Right::View if !board.published => Right::None,
        right => right,
    }
}

/// Whether the reader may know the names of those who changed the board. The names of a facility's staff stay there, and
/// whoever edits a board of many facilities may be of any of them.
pub fn sees_names(reader: &Reader, board: &Board) -> bool {
    match &board.owner {
        _ if reader.network_admin => true,
        Owner::Person(_) => reader.user.is_some(),
        Owner::Facility(facility) => reader.role_in(*facility).is_some(),
        Owner::Region(_) | Owner::Network => false,
    }
}

fn by_owner(reader: &Reader, board: &Board) -> Right {
    if reader.user.is_none() {
        return Right::None;
    }
    let seen_if = |seen: bool| match (reader.network_admin, seen) {
        (true, _) => Right::Own,
        (false, true) => Right::View,
        (false, false) => Right::None,
    };
    match &board.owner {
        Owner::Person(person) if reader.user == Some(*person) => Right::Own,
        Owner::Person(_) => Right::None,
        Owner::Facility(facility) => match reader.role_in(*facility) {
            Some(Role::FacilityAdmin) => Right::Own,
            role => seen_if(role.is_some()),
        },
        Owner::Region(region) => seen_if(reader.memberships.iter().any(|one| one.region == *region)),
        Owner::Network => seen_if(true),
    }
}

fn by_share(reader: &Reader, shares: &[Share]) -> Right {
    let Some(user) = reader.user else {
        return Right::None;
    };
    let meant = |share: &&Share| match share.with {
        With::Person(person) => person == user,
        With::Role(role) => reader.highest() >= Some(role),
        With::Facility(facility) => reader.role_in(facility).is_some(),
    };
    let rights = shares.iter().filter(meant).map(|share| match share.level {
        Level::View => Right::View,
        Level::Edit => Right::Edit,
    });
    rights.max().unwrap_or(Right::None)
}

#[cfg(test)]
#[path = "rights_tests.rs"]
mod tests;
