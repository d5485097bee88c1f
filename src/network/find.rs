//! *Find blood now*: who has compatible issuable units, nearest first.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::queries::{self, Availability};
use super::view::{FindBlood, FindRow};
use crate::auth::{Person, Role};
use crate::blood::compatibility::{self, Patient};
use crate::blood::{BloodGroup, Component};
use crate::charts::full;
use crate::clock::age_label;
use crate::db::Db;
use crate::error::Result;
use crate::facilities::{Chrome, Facility, kilometres};
use crate::ids::FacilityId;
use crate::web::{EmptyView, OptionView, options};

/// The question as it stands in the address.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Question {
    #[serde(default)]
    pub component: String,
    #[serde(default)]
    pub group: String,
    #[serde(default)]
    pub quantity: String,
    #[serde(default)]
    pub near: String,
}

/// The answer, or the question again with what is wrong about it.
pub async fn answer(
    db: &Db,
    chrome: &Chrome,
    person: &Person,
    mine: &[Arc<Facility>],
    question: &Question,
) -> Result<FindBlood> {
    let near = question.near.parse::<FacilityId>().ok();
    let near = mine.iter().find(|facility| Some(facility.id) == near).or(mine.first());
    let component = question.component.parse::<Component>();
    let group = question.group.parse::<BloodGroup>();
    let quantity = question
        .quantity
        .parse::<i64>()
        .ok()
        .filter(|quantity| (1..=999).contains(quantity));
    let asked = !(question.component.is_empty() && question.group.is_empty());
    let problem = |wrong: bool, words: &str| {
        if asked && wrong {
            words.to_owned()
        } else {
            String::new()
        }
    };
    let mut find = FindBlood {
        components: options(
            std::iter::once(("", t!("Choose"))).chain(Component::ALL.iter().map(|one| (one.as_str(), one.label()))),
            &question.component,
        ),
        groups: options(
            std::iter::once(("", t!("Choose"))).chain(BloodGroup::ALL.iter().map(|one| (one.as_str(), one.label()))),
            &question.group,
        ),
        near: mine
            .iter()
            .map(|facility| OptionView {
                value: facility.id.to_string(),
                label: facility.name.clone(),
                selected: near.is_some_and(|near| near.id == facility.id),
            })
            .collect(),
        quantity: if question.quantity.is_empty() {
            "1".into()
        } else {
            question.quantity.clone()
        },
        component_problem: problem(component.is_err(), t!("Choose a component.")),
        group_problem: problem(group.is_err(), t!("Choose a group.")),
        quantity_problem: problem(quantity.is_none(), t!("From 1 to 999.")),
        ..FindBlood::default()
    };
    let (Ok(component), Ok(group), Some(quantity)) = (component, group, quantity) else {
        return Ok(find);
    };
    find.asked = true;
    find.rule = rule(component, group);
    let ranks: BTreeMap<BloodGroup, u8> = compatibility::choices(component, &Patient::from(group), false)
        .into_iter()
        .filter(|choice| !choice.low_titre_only)
        .map(|choice| (choice.group, choice.rank))
        .collect();
    let groups: Vec<BloodGroup> = ranks.keys().copied().collect();
    let mut by_facility: BTreeMap<FacilityId, Vec<Availability>> = BTreeMap::new();
    for offer in queries::availability(db, component, &groups).await? {
        by_facility.entry(offer.facility).or_default().push(offer);
    }
    let calendars = chrome.calendars().await?;
    let mut rows = Vec::new();
    let mine: i64 = near
        .and_then(|near| by_facility.remove(&near.id))
        .map_or(0, |own| own.iter().map(|offer| offer.units).sum());
    for (id, mut offers) in by_facility {
        offers.sort_by_key(|offer| (ranks.get(&offer.group).copied(), offer.group));
        let facility = chrome.facility(id).await?;
        let distance = near.map_or(0.0, |near| kilometres(near, &facility));
        let request_from = near.filter(|near| near.id != id && person.role_in(near.id) >= Some(Role::Staff));
        let request_href = request_from.map(|near| {
            format!(
                "/facilities/{}/requests/new?component={}&group={}&quantity={quantity}&to={id}",
                near.id,
                component.as_str(),
                group.as_str().replace('+', "%2B")
            )
        });
        let may_enter = person.role_in(id).is_some();
        let calendar = calendars.1.get(&id);
        let opening = calendar.and_then(|calendar| calendar.at(facility.zone, db.clock.now()));
        let row = FindRow {
            may_enter,
            request_href,
            open: opening.as_ref().map(|opening| opening.open),
            opening: opening.map(|opening| opening.detail).unwrap_or_default(),
            distance: match distance {
                0.0..10.0 => format!("{distance:.1} km"),
                _ => format!("{distance:.0} km"),
            },
            ..row(db.clock.now(), &facility, &offers, group, quantity)
        };
        rows.push((distance, row));
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let units: i64 = rows.iter().map(|(_, row)| row.count).sum();
    match rows.first() {
        None => {
            find.empty = Some(EmptyView {
                kind: "range".into(),
                title: t!("Nobody else has compatible units now").into(),
                text: t!(
                    "No other facility that shares its availability holds an issuable unit of a compatible group."
                )
                .into(),
                label: String::new(),
                href: String::new(),
            });
        }
        Some((nearest, _)) => {
            let own = if mine > 0 {
                t!(" You hold {mine} yourself.", mine)
            } else {
                String::new()
            };
            let units = n!("{n} compatible unit", "{n} compatible units", units);
            let nearest = full(nearest.round());
            find.summary = n!(
                "{n} facility offers {units}; the nearest is {nearest} km away.{own}",
                "{n} facilities offer {units}; the nearest is {nearest} km away.{own}",
                rows.len(),
                units,
                nearest,
                own
            );
        }
    }
    find.rows = rows.into_iter().map(|(_, row)| row).take(100).collect();
    Ok(find)
}

/// What a facility offers, for a wanted group and number of units.
fn row(now: DateTime<Utc>, facility: &Facility, offers: &[Availability], wanted: BloodGroup, quantity: i64) -> FindRow {
    let count: i64 = offers.iter().map(|offer| offer.units).sum();
    let soonest = offers.iter().map(|offer| offer.soonest_expiry).min().unwrap_or(now);
    let updated = offers.iter().filter_map(|offer| offer.updated_at).max();
    let groups: Vec<String> = offers
        .iter()
        .map(|offer| format!("{} {}", offer.group.label(), offer.units))
        .collect();
    let same = offers.first().is_some_and(|offer| offer.group == wanted);
    FindRow {
        facility_id: facility.id.0,
        name: facility.name.clone(),
        region: facility.region.clone(),
        group: groups.join(" · "),
        match_word: if same { t!("same group") } else { t!("compatible") }.into(),
        count,
        units: count.to_string(),
        enough: count >= quantity,
        expires_iso: soonest.to_rfc3339(),
        expires_in: t!("in {age}", age = age_label(soonest - now)),
        updated_iso: updated.map(|at| at.to_rfc3339()).unwrap_or_default(),
        updated_age: updated.map_or_else(|| t!("never").into(), |at| t!("{age} ago", age = age_label(now - at))),
        old: updated.is_none_or(|at| now - at > chrono::TimeDelta::hours(1)),
        ..FindRow::default()
    }
}

fn rule(component: Component, group: BloodGroup) -> String {
    let mut names: Vec<&str> = Vec::new();
    for choice in compatibility::choices(component, &Patient::from(group), false) {
        if !choice.low_titre_only && !names.contains(&choice.group.label()) {
            names.push(choice.group.label());
        }
    }
    t!(
        "{component} for a patient of group {group}, best first: {list}.",
        component = component.label(),
        group = group.label(),
        list = names.join(", ")
    )
}
