//! What a board's widgets are composed from: whose figures, which part of them, from when to when, and what time it is.
//! Two viewers with equal contexts see equal bytes.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Filter, Past, Range, Span, Widget};
use crate::clock::{Zone, local_day, time_label};
use crate::db::Scope;
use crate::error::Result;
use crate::facilities::Facility;
use crate::ids::FacilityId;
use crate::web::EmptyView;

/// Whose figures, which part, and when.
#[derive(Clone, Debug)]
pub struct Context {
    /// the facilities whose rows may be read at all
    pub scope: Scope,
    /// those of them that the filter lets through, by name
    pub facilities: Vec<Facility>,
    pub filter: Filter,
    pub range: Range,
    /// `range`, resolved
    pub span: Span,
    /// the zone in which the range is resolved and times are shown
    pub zone: Zone,
    pub now: DateTime<Utc>,
    pub today: NaiveDate,
    /// path under which a widget alone is answered, without a slash at its end: `/boards/4/widgets`
    pub path: String,
    /// query string of filter and range with its `?`, or empty
    pub query: String,
    /// address of the same board without its filter, for the way out of an empty one
    pub unfiltered: String,
    /// what is remembered of days that are over; without it everything is read
    pub past: Option<Past>,
}

impl Context {
    /// Out of the facilities that the board is about, by name; those outside the scope are left out. `Invalid` when the range cannot be shown.
    pub fn new(
        scope: Scope,
        visible: &[Facility],
        filter: Filter,
        range: Range,
        zone: Zone,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let may = |facility: &Facility| match &scope {
            Scope::All => true,
            Scope::Facilities(ids) => ids.contains(&facility.id),
        };
        let facilities = visible
            .iter()
            .filter(|facility| may(facility) && filter.takes(facility))
            .cloned()
            .collect();
        Ok(Context {
            scope,
            facilities,
            span: range.resolve(now, zone)?,
            filter,
            range,
            zone,
            now,
            today: local_day(zone, now),
            path: String::new(),
            query: String::new(),
            unfiltered: String::new(),
            past: None,
        })
    }

    /// The same with the addresses of the board that it is for.
    pub fn at(self, path: impl Into<String>, query: impl Into<String>, unfiltered: impl Into<String>) -> Self {
        Context {
            path: path.into(),
            query: query.into(),
            unfiltered: unfiltered.into(),
            ..self
        }
    }

    /// The same with what is remembered of days that are over; give all boards of one database the same.
    pub fn remembering(self, past: &Past) -> Self {
        Context {
            past: Some(past.clone()),
            ..self
        }
    }

    /// The ids of its facilities, as Postgres arrays want them.
    pub fn ids(&self) -> Vec<i64> {
        self.facilities.iter().map(|facility| facility.id.0).collect()
    }

    /// The one facility that it is about, whose lists stand behind the numbers; none when it is about several.
    pub fn only(&self) -> Option<FacilityId> {
        match self.facilities.as_slice() {
            [one] => Some(one.id),
            _ => None,
        }
    }

    /// The span that a widget looks at: its own days back, or the board's.
    pub fn span_of(&self, widget: &Widget) -> Result<Span> {
        match widget.options.days {
            Some(days) => Range::days(days).resolve(self.now, self.zone),
            None => Ok(self.span),
        }
    }

    /// Why there is no facility to show: the filter lets none through, or there is none.
    pub(super) fn nothing_left(&self) -> EmptyView {
        match self.filter.is_empty() {
            false => EmptyView {
                kind: "filter".into(),
                title: "The filter leaves no facility over".into(),
                text: "No facility that this board shows matches it.".into(),
                label: "Show all".into(),
                href: self.unfiltered.clone(),
            },
            true => EmptyView {
                kind: "never".into(),
                title: "No facility to show".into(),
                text: "The facilities of this board are not active any more, or it has none.".into(),
                label: String::new(),
                href: String::new(),
            },
        }
    }

    /// Where a widget alone is answered.
    pub fn href_of(&self, widget: &str) -> String {
        format!("{}/{widget}{}", self.path, self.query)
    }

    /// `12:03:05` by the board's zone.
    pub fn time(&self, at: DateTime<Utc>) -> String {
        time_label(self.zone, at)
    }
}
