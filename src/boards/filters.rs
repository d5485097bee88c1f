//! What a board can be narrowed to, as its filter bar shows it: every choice is a link or a plain form field, and all of
//! it stands in the address.

use std::sync::Arc;

use super::ask::Ask;
use crate::blood::{BloodGroup, Component};
use crate::clock::local_day;
use crate::error::Problems;
use crate::facilities::Facility;
use crate::web::{LinkView, OptionView, options};
use crate::widgets::{Asked, Context, Filter, QUICK, Range, query_of};
use crate::words;
use crate::words::Dated;

/// The bar. It is the same for all who may see the same facilities.
#[derive(Clone, Debug)]
pub struct FiltersView {
    /// where the forms lead
    pub action: String,
    /// `Last 30 days`
    pub range: String,
    /// `23 Oct 2026 00:00 to 21 Nov 2026 24:00, Europe/Berlin`
    pub instants: String,
    pub quick: Vec<ChoiceView>,
    /// as typed, such as `now-7d/d`
    pub from: String,
    pub to: String,
    /// as dates for the calendar
    pub first: String,
    pub last: String,
    pub today: String,
    /// empty when there is only one
    pub facilities: Vec<OptionView>,
    pub regions: Vec<OptionView>,
    pub groups: Vec<OptionView>,
    pub components: Vec<OptionView>,
    /// what is chosen; each leads to the board without it
    pub chips: Vec<LinkView>,
    /// names and values that a form about the range takes along
    pub filter_fields: Vec<(String, String)>,
    /// names and values that a form about the rest takes along
    pub range_fields: Vec<(String, String)>,
    /// `3 facilities`
    pub whose: String,
    pub is_narrowed: bool,
    /// what is wrong with the range that was typed; both empty when it is shown
    pub from_problem: String,
    pub to_problem: String,
}

/// A link of a list, one of which is the present one.
#[derive(Clone, Debug)]
pub struct ChoiceView {
    pub label: String,
    pub href: String,
    pub current: bool,
}

impl FiltersView {
    /// `visible`: what the viewer may choose from, by name.
    pub fn new(ask: &Ask, context: &Context, visible: &[Arc<Facility>]) -> Self {
        let action = ask.address.path();
        let range = &context.range;
        let (from, to) = (range.from.to_string(), range.to.to_string());
        let at = |filter: &Filter, range: Option<&Range>| ask.address.with(&query_of(filter, range));
        let quick = QUICK.iter().filter_map(|(first, last, label)| {
            let choice = Range::read(first, last).ok()?;
            Some(ChoiceView {
                label: words::t(label).into(),
                href: at(&ask.filter, Some(&choice)),
                current: choice == *range,
            })
        });
        let span = &context.span;
        let wall = |instant| context.zone.wall(instant).dated("%-d %b %Y %H:%M");
        let mut regions: Vec<&str> = visible.iter().map(|one| one.region.as_str()).collect();
        regions.sort_unstable();
        regions.dedup();
        let several = visible.len() > 1;
        let facility = match ask.filter.facilities[..] {
            [one] => one.to_string(),
            _ => String::new(),
        };
        let ids: Vec<String> = visible.iter().map(|one| one.id.to_string()).collect();
        let named = ids
            .iter()
            .zip(visible)
            .map(|(id, one)| (id.as_str(), one.name.as_str()));
        let shown = context.facilities.len();
        FiltersView {
            range: range.words(),
            instants: t!(
                "{from} to {to}, {zone}",
                from = wall(span.start),
                to = wall(span.end),
                zone = context.zone.as_str()
            ),
            quick: quick.collect(),
            first: span.first.to_string(),
            last: span.last.to_string(),
            today: local_day(context.zone, context.now).to_string(),
            facilities: if several {
                options([("", t!("All facilities"))].into_iter().chain(named), &facility)
            } else {
                vec![]
            },
            regions: if regions.len() > 1 {
                let named = regions.iter().map(|region| (*region, *region));
                let chosen = ask.filter.region.as_deref().unwrap_or_default();
                options([("", t!("All regions"))].into_iter().chain(named), chosen)
            } else {
                vec![]
            },
            groups: options(
                [("", t!("All groups"))]
                    .into_iter()
                    .chain(BloodGroup::ALL.iter().map(|one| (one.as_str(), one.label()))),
                ask.filter.group.map_or("", |group| group.as_str()),
            ),
            components: options(
                [("", t!("All components"))]
                    .into_iter()
                    .chain(Component::ALL.iter().map(|one| (one.as_str(), one.label()))),
                ask.filter.component.map_or("", |component| component.as_str()),
            ),
            chips: chips(ask, visible, &at),
            filter_fields: ask
                .filter
                .pairs()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            range_fields: match &ask.range {
                Some(_) => vec![("from".into(), from.clone()), ("to".into(), to.clone())],
                None => vec![],
            },
            whose: match shown {
                0 => t!("no facility").into(),
                1 => context.facilities[0].name.clone(),
                _ if shown == visible.len() => t!("all {shown} facilities", shown),
                _ => t!("{shown} facilities", shown),
            },
            is_narrowed: !ask.is_plain(),
            from_problem: String::new(),
            to_problem: String::new(),
            action,
            from,
            to,
        }
    }

    /// The same with a range as it was typed, which cannot be shown.
    pub fn mending(self, wishes: &Asked, problems: &Problems) -> Self {
        let of = |field: &str| problems.of(field).unwrap_or_default().to_owned();
        FiltersView {
            from: wishes.from.clone(),
            to: wishes.to.clone(),
            from_problem: of("from"),
            to_problem: of("to"),
            ..self
        }
    }

    pub fn is_mending(&self) -> bool {
        !self.from_problem.is_empty() || !self.to_problem.is_empty()
    }
}

/// Each choice with the address of the same board without it.
fn chips(ask: &Ask, visible: &[Arc<Facility>], at: &impl Fn(&Filter, Option<&Range>) -> String) -> Vec<LinkView> {
    let (filter, range) = (&ask.filter, ask.range.as_ref());
    let mut chips = Vec::new();
    let mut chip = |words: String, without: Filter| {
        chips.push(LinkView {
            value: words,
            href: at(&without, range),
        });
    };
    for facility in &filter.facilities {
        let known = visible.iter().find(|one| one.id == *facility);
        let mut without = filter.clone();
        without.facilities.retain(|one| one != facility);
        chip(
            known.map_or_else(|| t!("Another facility").into(), |one| one.name.clone()),
            without,
        );
    }
    if let Some(region) = &filter.region {
        let without = Filter {
            region: None,
            ..filter.clone()
        };
        chip(region.clone(), without);
    }
    if let Some(group) = filter.group {
        let without = Filter {
            group: None,
            ..filter.clone()
        };
        chip(group.label().into(), without);
    }
    if let Some(component) = filter.component {
        let without = Filter {
            component: None,
            ..filter.clone()
        };
        chip(component.label().into(), without);
    }
    if let Some(range) = range {
        chips.push(LinkView {
            value: range.words(),
            href: at(filter, None),
        });
    }
    chips
}
