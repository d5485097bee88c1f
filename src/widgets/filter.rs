//! What a whole board is narrowed to: facilities, a region, a group, a component; all of it stands in the address.
//! A filter narrows what its viewer may see anyway and never widens it.

use axum::http::Uri;
use serde::{Deserialize, Serialize};

use super::Range;
use crate::blood::{BloodGroup, Component};
use crate::error::Result;
use crate::facilities::Facility;
use crate::ids::FacilityId;
use crate::web::percent_encoded;

/// Facilities that a filter names at most; an address has its length.
const FACILITIES: usize = 50;

/// Which part of the figures is meant; without anything, all that the board may show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// in the order of their ids, each once
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facilities: Vec<FacilityId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<BloodGroup>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
}

impl Filter {
    /// Whether it leaves nothing out.
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// Whether it lets this facility through.
    pub fn takes(&self, facility: &Facility) -> bool {
        (self.facilities.is_empty() || self.facilities.contains(&facility.id))
            && self.region.as_ref().is_none_or(|region| *region == facility.region)
    }

    /// This one, with what `other` sets put in the place of what this one sets.
    pub fn with(&self, other: &Filter) -> Filter {
        let facilities = if other.facilities.is_empty() {
            &self.facilities
        } else {
            &other.facilities
        };
        Filter {
            facilities: facilities.clone(),
            region: other.region.clone().or_else(|| self.region.clone()),
            group: other.group.or(self.group),
            component: other.component.or(self.component),
        }
    }

    /// What it leaves over, in words: `O−, red cells, North`; empty when it is empty. Facilities are named by `name`.
    pub fn words(&self, name: impl Fn(FacilityId) -> Option<String>) -> String {
        let mut words: Vec<String> = self
            .facilities
            .iter()
            .map(|id| name(*id).unwrap_or_else(|| t!("facility {id}", id)))
            .collect();
        words.extend(self.region.clone());
        words.extend(self.group.map(|group| group.label().to_owned()));
        words.extend(self.component.map(|component| component.label().to_lowercase()));
        words.join(", ")
    }

    /// Names and values of the query string.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<(&'static str, String)> =
            self.facilities.iter().map(|id| ("facility", id.to_string())).collect();
        pairs.extend(self.region.clone().map(|region| ("region", region)));
        pairs.extend(self.group.map(|group| ("group", group.to_string())));
        pairs.extend(self.component.map(|component| ("component", component.to_string())));
        pairs
    }
}

/// What an address asks of a board, as texts: an extractor for `axum_extra`'s `Query`, and what its form shows again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Asked {
    pub from: String,
    pub to: String,
    pub facility: Vec<String>,
    pub region: String,
    pub group: String,
    pub component: String,
}

impl Asked {
    /// What the address says; nothing of what it does not.
    pub fn of(uri: &Uri) -> Asked {
        axum_extra::extract::Query::try_from_uri(uri)
            .map(|axum_extra::extract::Query(asked)| asked)
            .unwrap_or_default()
    }

    /// The filter. Unknown texts are no wish at all: a filter refuses nothing.
    pub fn filter(&self) -> Filter {
        let mut facilities: Vec<FacilityId> = self.facility.iter().filter_map(|id| id.trim().parse().ok()).collect();
        facilities.sort_unstable();
        facilities.dedup();
        facilities.truncate(FACILITIES);
        let region = self.region.trim();
        Filter {
            facilities,
            region: (!region.is_empty() && region.len() <= 200).then(|| region.to_owned()),
            group: self.group.trim().parse().ok(),
            component: self.component.trim().parse().ok(),
        }
    }

    /// The range, or `default` when the address has none. An end alone takes the other from the default. `Invalid`, by
    /// `from` and `to`, when a text is no moment.
    pub fn range(&self, default: &Range) -> Result<Range> {
        let or = |given: &str, other: String| {
            if given.trim().is_empty() {
                other
            } else {
                given.trim().to_owned()
            }
        };
        Range::read(
            &or(&self.from, default.from.to_string()),
            &or(&self.to, default.to.to_string()),
        )
    }
}

/// `?from=now-7d%2Fd&to=now&group=O-`: the address of a filter and, when it is not the board's own, a range.
pub fn query_of(filter: &Filter, range: Option<&Range>) -> String {
    let mut pairs: Vec<(&'static str, String)> = range
        .map(|range| vec![("from", range.from.to_string()), ("to", range.to.to_string())])
        .unwrap_or_default();
    pairs.extend(filter.pairs());
    let parts: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("?{}", parts.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_and_a_range_survive_their_own_address() {
        let filter = Filter {
            facilities: vec![FacilityId(3), FacilityId(7)],
            region: Some("Nord & Süd / 1".into()),
            group: Some(BloodGroup::OPositive),
            component: Some(Component::RedCells),
        };
        let range = Range::read("now-7d/d", "now-1d/d").unwrap();

        let address = format!("/boards/4{}", query_of(&filter, Some(&range)));
        let asked = Asked::of(&address.parse().unwrap());

        assert_eq!(asked.filter(), filter, "{address}");
        assert_eq!(asked.range(&Range::default()).unwrap(), range);
    }

    #[test]
    fn unknown_texts_are_no_wish_and_an_unknown_moment_is_refused() {
        let asked = Asked::of(
            &"/b?facility=x&group=C&component=&region=+&from=yesterday"
                .parse()
                .unwrap(),
        );

        assert_eq!(asked.filter(), Filter::default());
        let Err(crate::error::Error::Invalid(problems)) = asked.range(&Range::default()) else {
            panic!("yesterday was taken");
        };
        assert!(problems.of("from").is_some() && problems.of("to").is_none());
    }

    #[test]
    fn what_an_address_sets_stands_over_what_the_board_sets() {
        let board = Filter {
            group: Some(BloodGroup::ONegative),
            region: Some("North".into()),
            ..Filter::default()
        };
        let address = Filter {
            group: Some(BloodGroup::APositive),
            ..Filter::default()
        };

        let both = board.with(&address);

        assert_eq!(both.words(|_| None), "North, A+");
    }
}
