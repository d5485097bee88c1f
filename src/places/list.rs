//! The list of facilities: searched, in pages, or as the tree of who belongs to whom.

use std::collections::{HashMap, HashSet};

use super::model::State;
use super::queries::Listed;
use crate::facilities::FacilityKind;
use crate::ids::FacilityId;
use crate::web::{PagesView, query_string};

/// What is asked for, as it stands in the address.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Filter {
    pub q: String,
    pub kind: String,
    pub region: String,
    pub state: String,
    /// `tree` or nothing
    pub view: String,
    /// id of the last facility of the page before
    pub after: String,
}

const PAGE: usize = 40;

impl Filter {
    pub fn state(&self) -> State {
        self.state.parse().unwrap_or(State::Active)
    }

    pub fn is_tree(&self) -> bool {
        self.view == "tree"
    }

    pub fn narrows(&self) -> bool {
        !self.q.trim().is_empty() || !self.kind.is_empty() || !self.region.is_empty() || self.state() != State::Active
    }

    pub fn keeps(&self, one: &Listed) -> bool {
        let text = format!("{} {} {}", one.name, one.region, one.zone).to_lowercase();
        one.is(self.state())
            && text.contains(&self.q.trim().to_lowercase())
            && (self.kind.parse::<FacilityKind>().is_err() || one.kind.as_str() == self.kind)
            && (self.region.is_empty() || one.region == self.region)
    }

    pub fn href(&self, view: &str, after: &str) -> String {
        let query = query_string(&[
            ("q", self.q.trim()),
            ("kind", &self.kind),
            ("region", &self.region),
            ("state", &self.state),
            ("view", view),
            ("after", after),
        ]);
        format!("/admin/facilities{query}")
    }

    /// The rows of this page, which begin after the named facility, and the ways to the others.
    pub fn page<'a>(&self, matching: &'a [&'a Listed]) -> (&'a [&'a Listed], PagesView) {
        let after: Option<FacilityId> = self.after.parse().ok();
        let start = after
            .and_then(|id| matching.iter().position(|one| one.id == id))
            .map_or(0, |at| at + 1);
        let end = (start + PAGE).min(matching.len());
        let rows = &matching[start..end];
        let before = match start.checked_sub(PAGE + 1) {
            Some(last) => self.href("", &matching[last].id.to_string()),
            None => self.href("", ""),
        };
        let pages = PagesView {
            summary: t!(
                "{id} to {end} of {matching}",
                id = (start + 1).min(end),
                end,
                matching = matching.len()
            ),
            previous: (start > 0).then_some(before),
            next: rows
                .last()
                .filter(|_| end < matching.len())
                .map(|last| self.href("", &last.id.to_string())),
        };
        (rows, pages)
    }
}

/// Depth first, each with its depth; one whose parent is not among them stands at the root.
pub fn tree<'a>(all: &[&'a Listed]) -> Vec<(usize, &'a Listed)> {
    let known: HashSet<FacilityId> = all.iter().map(|one| one.id).collect();
    let mut below: HashMap<Option<FacilityId>, Vec<&Listed>> = HashMap::new();
    for one in all {
        below
            .entry(one.parent.filter(|id| known.contains(id)))
            .or_default()
            .push(one);
    }
    let mut open: Vec<(usize, &Listed)> = Vec::new();
    let mut push = |open: &mut Vec<(usize, &'a Listed)>, depth: usize, parent: Option<FacilityId>| {
        let children = below.remove(&parent).unwrap_or_default();
        open.extend(children.into_iter().rev().map(|child| (depth, child)));
    };
    push(&mut open, 0, None);
    let mut rows = Vec::with_capacity(all.len());
    while let Some((depth, one)) = open.pop() {
        rows.push((depth, one));
        push(&mut open, depth + 1, Some(one.id));
    }
    rows
}
