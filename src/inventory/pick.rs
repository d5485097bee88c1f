//! Which units to take: the first to expire of the best compatible group, the next group only when the better one has
//! too little. Group comes before expiry, so that O− is not spent on others to save a day of life.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Unit;
use super::queries::{self, Locked, units};
use crate::blood::compatibility::Choice;
use crate::blood::{BloodGroup, Component, DonationNumber, UnitStatus};
use crate::error::{Error, Result};
use crate::ids::{FacilityId, RequestId, UnitId};

/// A row of stock to take from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub unit: Unit,
    /// how many of its units
    pub quantity: i32,
    /// 1 for the best compatible group; of [`Choice`]
    pub rank: u8,
    /// what whoever takes it has to know
    pub note: Option<&'static str>,
}

/// Units for `quantity`, fewer when the facility has fewer: first those reserved for this request, then by rank, then by
/// expiry. Never expired, quarantined, unsafe or reserved for others. Choices that need low-titre units are left out,
/// because no unit says that it is one.
pub async fn propose(
    tx: &mut PgConnection,
    facility: FacilityId,
    component: Component,
    choices: &[Choice],
    quantity: i32,
    for_request: Option<RequestId>,
) -> Result<Vec<Proposal>> {
    let candidates = candidates(tx, facility, component, choices, quantity.max(0).into(), for_request).await?;
    Ok(take(candidates, choices, quantity))
}

/// What could be taken instead, in the same order: at most `limit` rows.
pub async fn candidates(
    tx: &mut PgConnection,
    facility: FacilityId,
    component: Component,
    choices: &[Choice],
    limit: i64,
    for_request: Option<RequestId>,
) -> Result<Vec<Unit>> {
    let usable: Vec<&Choice> = choices.iter().filter(|choice| !choice.low_titre_only).collect();
    let groups: Vec<BloodGroup> = usable.iter().map(|choice| choice.group).collect();
    let ranks: Vec<i32> = usable.iter().map(|choice| choice.rank.into()).collect();
    let found = units!(
        "from blood_inventory
         join unnest($3::text[], $4::integer[]) as choice (name, rank) on choice.name = blood_group
         where facility_id = $1 and component = $2 and expires_at > clock_now() and not unsafe and quantity > 0
           and (status = 'available' or (status = 'reserved' and reserved_for = $5))
         order by status = 'available', choice.rank, expires_at, id
         limit $6",
        facility.0,
        component.as_str(),
        &groups as &[BloodGroup],
        &ranks,
        for_request.map(|request| request.0),
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Issuable units that no choice offers, the first to expire first: at most `limit` rows. They need a reason.
pub async fn others(
    tx: &mut PgConnection,
    facility: FacilityId,
    component: Component,
    choices: &[Choice],
    limit: i64,
) -> Result<Vec<Unit>> {
    let all = BloodGroup::ALL.iter().copied();
    let groups: Vec<BloodGroup> = all.filter(|&group| choice_of(choices, group).is_none()).collect();
    let found = units!(
        "from blood_inventory
         where facility_id = $1 and component = $2 and status = 'available' and expires_at > clock_now()
           and blood_group = any ($3) and quantity > 0
         order by expires_at, id
         limit $4",
        facility.0,
        component.as_str(),
        &groups as &[BloodGroup],
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Takes from the candidates in their order until there is enough; of the last lot only a part.
fn take(candidates: Vec<Unit>, choices: &[Choice], quantity: i32) -> Vec<Proposal> {
    let mut missing = quantity;
    let mut taken = Vec::new();
    for unit in candidates {
        if missing <= 0 {
            break;
        }
        let Some(choice) = choice_of(choices, unit.group) else {
            continue;
        };
        let quantity = unit.quantity.min(missing);
        missing -= quantity;
        taken.push(Proposal {
            quantity,
            rank: choice.rank,
            note: choice.note,
            unit,
        });
    }
    taken
}

/// The choice under which a unit of this group may be taken.
pub fn choice_of(choices: &[Choice], group: BloodGroup) -> Option<&Choice> {
    choices
        .iter()
        .find(|choice| choice.group == group && !choice.low_titre_only)
}

/// Compares units chosen by hand with the proposal for as many. `Ok(None)`: as proposed, or just as good (same group
/// rank and expiry). `Ok(Some(reason))`: different, with the reason to be recorded. `Invalid` on `override_reason` when
/// they differ and no reason was given; `Conflict` for a unit that cannot be taken at all, whatever the reason. Locks the
/// chosen rows.
pub async fn check_choice(
    tx: &mut PgConnection,
    facility: FacilityId,
    component: Component,
    choices: &[Choice],
    chosen: &[(UnitId, i32)],
    for_request: Option<RequestId>,
    reason: &str,
) -> Result<Option<String>> {
    let mut units = Vec::with_capacity(chosen.len());
    for &(id, quantity) in chosen {
        let found = queries::lock(tx, facility, id).await?;
        takeable(&found, component, for_request, quantity).map_err(Error::Conflict)?;
        units.push((found.unit, quantity));
    }
    let wanted = units.iter().map(|(_, quantity)| quantity).sum();
    let proposal = propose(tx, facility, component, choices, wanted, for_request).await?;
    let proposed = merit(choices, proposal.iter().map(|taken| (&taken.unit, taken.quantity)));
    let picked = merit(choices, units.iter().map(|(unit, quantity)| (unit, *quantity)));
    if proposed == picked {
        return Ok(None);
    }
    let incompatible = units.iter().find(|(unit, _)| choice_of(choices, unit.group).is_none());
    match (reason.trim(), incompatible) {
        ("", Some((unit, _))) => Err(Error::invalid(
            "override_reason",
            t!(
                "{name} is {group}, which the rules do not offer here: say why it is taken.",
                name = unit.name(),
                group = unit.group.label()
            ),
        )),
        ("", None) => Err(Error::invalid(
            "override_reason",
            t!("Other units would expire first or fit better: say why these are taken."),
        )),
        (reason, _) => Ok(Some(t!("override: {reason}", reason))),
    }
}

/// Why a unit cannot be taken, whatever the reason to choose it.
fn takeable(found: &Locked, component: Component, for_request: Option<RequestId>, quantity: i32) -> Result<(), String> {
    let unit = &found.unit;
    let name = unit.name();
    if unit.component != component {
        return Err(t!(
            "{name} is not {what}.",
            name,
            what = component.label().to_lowercase()
        ));
    }
    match unit.status {
        UnitStatus::Available => {}
        UnitStatus::Reserved if for_request.is_some() && unit.reserved_for == for_request => {}
        UnitStatus::Reserved => return Err(t!("{name} is reserved for something else by now.", name)),
        status => {
            return Err(t!(
                "{name} is {what} by now.",
                name,
                what = status.label().to_lowercase()
            ));
        }
    }
    if found.expired {
        return Err(t!("{name} has expired.", name));
    }
    if !(1..=unit.quantity).contains(&quantity) {
        return Err(t!("{name} has {quantity} left.", name, quantity = unit.quantity));
    }
    Ok(())
}

/// What makes one unit as good as another: reserved for this, rank (none: not compatible), expiry.
type Merit = (bool, Option<u8>, DateTime<Utc>);

fn merit<'a>(choices: &[Choice], units: impl Iterator<Item = (&'a Unit, i32)>) -> BTreeMap<Merit, i32> {
    let mut merits = BTreeMap::new();
    for (unit, quantity) in units {
        let rank = choice_of(choices, unit.group).map(|choice| choice.rank);
        let merit = (unit.status == UnitStatus::Reserved, rank, unit.expires_at);
        *merits.entry(merit).or_default() += quantity;
    }
    merits
}

#[cfg(test)]
#[path = "pick_tests.rs"]
mod tests;
