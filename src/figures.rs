//! Figures as boards ask for them: over which facilities and local days, split by what, narrowed to what. `figures!`
//! makes the statement for one out of its rows; a feature says only which rows count and what is added up.

use chrono::NaiveDate;

use crate::blood::{BloodGroup, Component};
use crate::text_enum::text_enum;

text_enum! {
    /// What figures can be split by.
    pub enum Dimension {
        Day = "day" / "Day",
        Hour = "hour" / "Hour of the day",
        Weekday = "weekday" / "Weekday",
        Facility = "facility" / "Facility",
        Region = "region" / "Region",
        Component = "component" / "Component",
        Group = "group" / "Blood group",
        Urgency = "urgency" / "Urgency",
        Reason = "reason" / "Reason",
        Tag = "tag" / "Tag",
    }
}

/// Which part of a figure is wanted, and how it is to be split.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    /// ids of facilities, never more than the transaction's scope
    pub facilities: Vec<i64>,
    /// each facility's own local days, both included; levels of this moment pass them over
    pub first: NaiveDate,
    pub last: NaiveDate,
    /// at most two
    pub by: Vec<Dimension>,
    pub group: Option<BloodGroup>,
    pub component: Option<Component>,
}

impl Cut {
    /// The figure of one facility by day.
    pub fn by_day(facility: crate::ids::FacilityId, first: NaiveDate, last: NaiveDate) -> Self {
        Cut {
            facilities: vec![facility.0],
            first,
            last,
            by: vec![Dimension::Day],
            group: None,
            component: None,
        }
    }

    /// The dimension at a place as the statements take it; empty for none.
    pub fn dimension(&self, at: usize) -> &'static str {
        self.by.get(at).map_or("", |dimension| dimension.as_str())
    }

    pub fn group(&self) -> Option<&'static str> {
        self.group.map(BloodGroup::as_str)
    }

    pub fn component(&self) -> Option<&'static str> {
        self.component.map(Component::as_str)
    }
}

/// One line of the answer. A key is the text of its dimension (`2026-11-21`, `7`, `red_cells`; an hour is `0` to `23`, a
/// weekday `1`, Monday, to `7`) or empty where nothing was split.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub first: String,
    pub second: String,
    pub value: f64,
    /// set when the figure is a ratio: what `value` is divided by
    pub over: Option<f64>,
}

/// A checked query for figures: what is summed up, what it is divided by, the rows that count, the [`Cut`], and more
/// parameters from `$8` on.
///
/// The rows are a query out of `here f`, the facilities with `id`, `region`, `time_zone` and `starts`, `ends`, the
/// instants between which their days lie. They have `facility_id`, `region`, `time_zone`, `at` (an instant or null),
/// `day`, `component`, `blood_group`, `urgency`, `reason`, each null where the figure knows none, and whatever is summed.
macro_rules! figures {
    ($value:literal, $over:literal, $rows:literal, $cut:expr $(, $more:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::figures::Row,
            r#"with zones as materialized (
                 select z.time_zone, day_start($2, z.time_zone) as starts, day_start($3::date + 1, z.time_zone) as ends
                 from (select distinct time_zone from facilities where id = any ($1)) z
               ), here as materialized (
                 select f.id, f.region, f.time_zone, z.starts, z.ends
                 from facilities f join zones z on z.time_zone = f.time_zone where f.id = any ($1)
               )
               select case $4::text
                        when 'day' then x.day::text
                        when 'facility' then x.facility_id::text
                        when 'region' then x.region
                        when 'component' then x.component
                        when 'group' then x.blood_group
                        when 'urgency' then x.urgency
                        when 'reason' then coalesce(x.reason, '')
                        when 'hour' then extract(hour from x.at at time zone x.time_zone)::integer::text
                        when 'weekday' then extract(isodow from x.at at time zone x.time_zone)::integer::text
                        else '' end as "first!",
                      case $5::text
                        when 'day' then x.day::text
                        when 'facility' then x.facility_id::text
                        when 'region' then x.region
                        when 'component' then x.component
                        when 'group' then x.blood_group
                        when 'urgency' then x.urgency
                        when 'reason' then coalesce(x.reason, '')
                        when 'hour' then extract(hour from x.at at time zone x.time_zone)::integer::text
                        when 'weekday' then extract(isodow from x.at at time zone x.time_zone)::integer::text
                        else '' end as "second!", ("#
                + $value + r#")::double precision as "value!", ("# + $over + r#")::double precision as "over" from ("#
                + $rows
                + r#") x
               where ($6::text is null or x.blood_group = $6) and ($7::text is null or x.component = $7)
               group by 1, 2"#,
            &$cut.facilities,
            $cut.first,
            $cut.last,
            $cut.dimension(0),
            $cut.dimension(1),
            $cut.group(),
            $cut.component()
            $(, $more)*
        )
    };
}
pub(crate) use figures;
