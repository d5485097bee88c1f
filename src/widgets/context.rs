//! What a board's widgets are composed from: whose figures, which part of them, from when to when, and what time it is.
//! Two viewers with equal contexts see equal bytes.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Dimension, Filter, Past, Range, Span, Widget, query_of};
use crate::auth::Person;
use crate::charts::Narrowing;
use crate::clock::{Zone, local_day, time_label};
use crate::db::Scope;
use crate::error::Result;
use crate::facilities::Facility;
use crate::ids::FacilityId;
use crate::web::{EmptyView, with_via};

/// Leave to show rows: units, requests, who did what, and what leads to them. Somebody who is logged in has it and whoever
/// holds a link has not; whatever loads rows asks for it, so that sums are all that can be shown without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeesRows(());

impl SeesRows {
    pub fn of(_: &Person) -> SeesRows {
        SeesRows(())
    }
}

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
    /// path under which a widget alone is answered, without a slash at its end: `/boards/4/widgets`; empty for a page that
    /// must not be named
    pub path: String,
    /// query string of filter and range with its `?`, or empty
    pub query: String,
    /// address of the same board without its filter, for the way out of an empty one
    pub unfiltered: String,
    /// the range of the address; none when it has none
    pub asked: Option<Range>,
    /// none when only sums may be shown
    pub rows: Option<SeesRows>,
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
            asked: None,
            rows: None,
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

    /// The same with the range that the address has, which links to the same board keep.
    pub fn asking(self, asked: Option<Range>) -> Self {
        Context { asked, ..self }
    }

    /// The same board narrowed to these keys, or, where it is narrowed to just them, without them. None for a key that no
    /// filter knows, and where nothing would be left out.
    pub fn narrowed(&self, keys: &[(Dimension, &str)]) -> Option<Narrowing> {
        let mut with = self.filter.clone();
        let mut without = self.filter.clone();
        for (dimension, key) in keys {
            match dimension {
                Dimension::Group => (with.group, without.group) = (Some(key.parse().ok()?), None),
                Dimension::Component => (with.component, without.component) = (Some(key.parse().ok()?), None),
                Dimension::Region => (with.region, without.region) = (Some((*key).to_owned()), None),
                Dimension::Facility => {
                    with.facilities = vec![key.parse().ok()?];
                    without.facilities.clear();
                }
                _ => return None,
            }
        }
        let on = with == self.filter;
        let place = |dimension: &Dimension| matches!(dimension, Dimension::Facility | Dimension::Region);
        if !on && self.only().is_some() && keys.iter().any(|(dimension, _)| place(dimension)) {
            return None;
        }
        let query = query_of(if on { &without } else { &with }, self.asked.as_ref());
        let href = match self.unfiltered.as_str() {
            "?" if !query.is_empty() => query,
            path => format!("{path}{query}"),
        };
        Some(Narrowing { href, on })
    }

    /// The same for somebody who may see rows.
    pub fn showing(self, rows: Option<SeesRows>) -> Self {
        Context { rows, ..self }
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

    /// The same, when its lists may be led to.
    pub fn listed(&self) -> Option<FacilityId> {
        self.rows.and(self.only())
    }

    /// A list's address with the way back to this board as it is narrowed.
    pub fn down(&self, href: String) -> String {
        match self.unfiltered.as_str() {
            "" | "?" => href,
            path => with_via(&href, &format!("{path}{}", self.query)),
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
                title: t!("The filter leaves no facility over").into(),
                text: t!("No facility that this board shows matches it.").into(),
                label: t!("Show all").into(),
                href: self.unfiltered.clone(),
            },
            true => EmptyView {
                kind: "never".into(),
                title: t!("No facility to show").into(),
                text: t!("The facilities of this board are not active any more, or it has none.").into(),
                label: String::new(),
                href: String::new(),
            },
        }
    }

    /// Where a widget alone is answered.
    pub fn href_of(&self, widget: &str) -> String {
        if self.path.is_empty() {
            // of a page whose address is a secret: the same page, asked for one part
            return format!("?widget={widget}{}", self.query.replacen('?', "&", 1));
        }
        format!("{}/{widget}{}", self.path, self.query)
    }

    /// `12:03:05` by the board's zone.
    pub fn time(&self, at: DateTime<Utc>) -> String {
        time_label(self.zone, at)
    }
}
