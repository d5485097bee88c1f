//! Who may change whom. Every change of a person asks here first, under a lock, with both as the database has them.
//!
//! Nobody raises their own role, nobody changes somebody who outranks them or who also belongs to others, and the last
//! administrator of the network stays one.

use crate::auth::{Membership, Role};
use crate::error::Error;
use crate::ids::{FacilityId, UserId};

/// A person as the rules see them: also memberships in facilities that are closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: UserId,
    pub network_admin: bool,
    pub disabled: bool,
    pub memberships: Vec<Membership>,
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// they would give themselves more than they have
    OwnRights,
    /// the other person is above them, or belongs to facilities that they do not manage
    Outranked,
    /// a facility they do not manage, which for them does not exist
    NotTheirs,
    /// nobody would be left to administer the network
    LastNetworkAdmin,
    /// their own account, which they would lock themselves out of
    Oneself,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        match refusal {
            Refusal::OwnRights | Refusal::Outranked => Error::Forbidden,
            Refusal::NotTheirs => Error::NotFound,
            Refusal::LastNetworkAdmin => Error::invalid(
                "",
                t!("This is the last administrator of the network. Make somebody else one first."),
            ),
            Refusal::Oneself => Error::invalid("", t!("You cannot disable your own account; somebody else has to.")),
        }
    }
}

impl Account {
    pub fn role_in(&self, facility: FacilityId) -> Option<Role> {
        if self.network_admin {
            return Some(Role::NetworkAdmin);
        }
        self.membership(facility)
    }

    /// What their membership says, whatever else they are.
    pub fn membership(&self, facility: FacilityId) -> Option<Role> {
        let found = self.memberships.iter().find(|one| one.facility == facility);
        found.map(|one| one.role)
    }

    fn manages(&self, facility: FacilityId) -> bool {
        self.role_in(facility) >= Some(Role::FacilityAdmin)
    }

    /// Whether this person exists for `manager`.
    pub fn is_known_to(&self, manager: &Account) -> bool {
        manager.network_admin || self.memberships.iter().any(|one| manager.manages(one.facility))
    }
}

/// Changes of the account as a whole: its name, its password, its sessions. For administrators of the network, and for
/// those who manage every facility that the person belongs to.
pub fn may_change_account(actor: &Account, target: &Account) -> Result<(), Refusal> {
    let all_theirs = !target.network_admin && target.memberships.iter().all(|one| actor.manages(one.facility));
    if actor.network_admin || (target.is_known_to(actor) && all_theirs) {
        Ok(())
    } else if target.is_known_to(actor) {
        Err(Refusal::Outranked)
    } else {
        Err(Refusal::NotTheirs)
    }
}

/// Another role in one facility; `None` takes it away.
pub fn may_change_role(
    actor: &Account,
    target: &Account,
    facility: FacilityId,
    after: Option<Role>,
) -> Result<(), Refusal> {
    if !target.is_known_to(actor) || !actor.manages(facility) {
        return Err(if actor.id == target.id {
            Refusal::OwnRights
        } else {
            Refusal::NotTheirs
        });
    }
    // network administration is no membership, and not a facility administrator's to give
    if after > Some(Role::FacilityAdmin) {
        return Err(if actor.id == target.id {
            Refusal::OwnRights
        } else {
            Refusal::Outranked
        });
    }
    if actor.id == target.id && after > actor.role_in(facility) {
        return Err(Refusal::OwnRights);
    }
    Ok(())
}

/// Making somebody an administrator of the network, or no longer. `others` are the administrators besides the target
/// who can log in.
pub fn may_change_network_admin(actor: &Account, target: &Account, after: bool, others: usize) -> Result<(), Refusal> {
    if !actor.network_admin {
        return Err(match (actor.id == target.id, target.is_known_to(actor)) {
            (true, _) => Refusal::OwnRights,
            (false, true) => Refusal::Outranked,
            (false, false) => Refusal::NotTheirs,
        });
    }
    if target.network_admin && !target.disabled && !after && others == 0 {
        return Err(Refusal::LastNetworkAdmin);
    }
    Ok(())
}

/// Locking somebody out, or letting them in again.
pub fn may_change_disabled(actor: &Account, target: &Account, after: bool, others: usize) -> Result<(), Refusal> {
    may_change_account(actor, target)?;
    if after && target.network_admin && !target.disabled && others == 0 {
        return Err(Refusal::LastNetworkAdmin);
    }
    if after && actor.id == target.id {
        return Err(Refusal::Oneself);
    }
    Ok(())
}

/// Offering these roles to somebody who may not even have an account.
pub fn may_invite(actor: &Account, offers: &[Membership], network_admin: bool) -> Result<(), Refusal> {
    if network_admin && !actor.network_admin {
        return Err(Refusal::Outranked);
    }
    for offer in offers {
        if !actor.manages(offer.facility) {
            return Err(Refusal::NotTheirs);
        }
        if offer.role > Role::FacilityAdmin {
            return Err(Refusal::Outranked);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "rights_tests.rs"]
mod tests;
