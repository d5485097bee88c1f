//! What a rule finds now, and what the last week would have been with it.

use crate::alerts::commands::zones;
use crate::alerts::live::replay::{self, Replayed};
use crate::alerts::model::{Condition, NewRule};
use crate::alerts::observe::{Place, broken};
use crate::alerts::view::pairs;
use crate::app::App;
use crate::auth::Manager;
use crate::charts::number;
use crate::clock::{Zone, age_label, time_label};
use crate::error::Result;
use crate::facilities;
use crate::ids::FacilityId;
use crate::words::Dated;
use chrono::{DateTime, TimeDelta, Utc};

/// What a rule would do.
pub(super) struct Preview {
    /// what it finds at this moment, of a figure of boards
    pub now: Option<(usize, Vec<String>)>,
    pub week: Option<Week>,
}

/// The last week of a rule, as strips of time and as a table.
pub(super) struct Week {
    pub fired: usize,
    pub messages: usize,
    pub firing: String,
    pub minutes: i64,
    pub parts: usize,
    pub left_out: usize,
    pub strips: Vec<Strip>,
    pub height: usize,
    pub days: Vec<(usize, String)>,
    pub lines: Vec<Line>,
    pub more: usize,
}

/// Of a thousand wide: where one part would have fired.
pub(super) struct Strip {
    pub name: String,
    pub y: usize,
    pub bars: Vec<(i64, i64)>,
}

pub(super) struct Line {
    pub name: String,
    pub from: String,
    pub lasted: String,
    pub value: String,
}

const WIDTH: i64 = 1000;
const MOST_LINES: usize = 100;
const MOST_STRIPS: usize = 20;

pub(super) async fn preview(app: &App, manager: &Manager, new: &NewRule) -> Result<Preview> {
    let mine = facilities::of_person(app.db.unscoped(), manager).await?;
    let name = |id: Option<FacilityId>| {
        let known = mine.iter().find(|one| Some(one.id) == id);
        known.map_or("", |one| one.name.as_str()).to_owned()
    };
    let mut tx = app.db.read(&manager.scope()).await?;
    let Condition::Live { watch } = &new.condition else {
        let here = mine
            .iter()
            .filter(|one| manager.manages(one.id) && new.facility.is_none_or(|facility| facility == one.id));
        let places: Vec<Place> = here
            .map(|one| Place {
                facility: one.id,
                zone: one.zone,
            })
            .collect();
        let found = broken(&mut tx, &new.condition, &places).await?;
        let line = |one: &crate::alerts::observe::Observation| {
            let words = new.condition.words(&one.labels, one.value, &one.detail);
            match name(one.facility).as_str() {
                "" => words,
                which => t!("{which}: {what}", which, what = words),
            }
        };
        return Ok(Preview {
            now: Some((found.len(), found.iter().take(10).map(line).collect())),
            week: None,
        });
    };
    let zones = zones(&mut tx).await?;
    let zone = |facility: i64| zones.get(&facility).copied().unwrap_or(Zone::UTC);
    let timing = timing_of(new);
    let facility = new.facility.map(|id| id.0);
    let found = replay::week(&mut tx, watch, timing, facility, app.db.clock.now(), zone).await?;
    let shown = new.facility.map_or(Zone::UTC, |id| zone(id.0));
    Ok(Preview {
        now: None,
        week: Some(Week::of(&found, shown, name)),
    })
}

fn timing_of(new: &NewRule) -> crate::alerts::Timing {
    crate::alerts::Timing {
        hold: TimeDelta::seconds(new.hold.into()),
        keep: TimeDelta::seconds(new.keep.into()),
    }
}

impl Week {
    fn of(found: &Replayed, zone: Zone, facility: impl Fn(Option<FacilityId>) -> String) -> Self {
        let name = |part: &(i64, crate::alerts::model::Labels)| {
            let place = facility(Some(FacilityId(part.0)));
            match (place.is_empty(), part.1.is_empty()) {
                (true, true) => t!("The installation").to_owned(),
                (true, false) => pairs(&part.1),
                (false, true) => place,
                (false, false) => t!("{which}: {what}", which = place, what = pairs(&part.1)),
            }
        };
        let length = (found.to - found.from).num_seconds().max(1);
        let x = |at: DateTime<Utc>| (at - found.from).num_seconds().clamp(0, length) * WIDTH / length;
        let when = |at| format!("{} {}", zone.wall(at).dated("%-d %b"), time_label(zone, at));
        let mut strips: Vec<Strip> = Vec::new();
        let mut whole = TimeDelta::zero();
        for one in &found.fired {
            let to = one.to.unwrap_or(found.to);
            whole += to - one.from;
            let name = name(&one.part);
            let bar = (x(one.from), (x(to) - x(one.from)).max(2));
            match strips.iter().position(|strip| strip.name == name) {
                Some(known) => strips[known].bars.push(bar),
                None if strips.len() < MOST_STRIPS => strips.push(Strip {
                    y: 16 + strips.len() * 22,
                    name,
                    bars: vec![bar],
                }),
                None => {}
            }
        }
        let days = (0..7)
            .map(|day| {
                let at = found.from + TimeDelta::days(day);
                (x(at) as usize, zone.wall(at).dated("%-d %b"))
            })
            .collect();
        Week {
            fired: found.fired.len(),
            messages: found.messages,
            firing: age_label(whole),
            minutes: found.minutes,
            parts: found.parts,
            left_out: found.left_out,
            height: 20 + strips.len() * 22,
            strips,
            days,
            lines: found
                .fired
                .iter()
                .rev()
                .take(MOST_LINES)
                .map(|one| Line {
                    name: name(&one.part),
                    from: when(one.from),
                    lasted: match one.to {
                        Some(to) => age_label(to - one.from),
                        None => t!("{age}, and it still would", age = age_label(found.to - one.from)),
                    },
                    value: number(one.value),
                })
                .collect(),
            more: found.fired.len().saturating_sub(MOST_LINES),
        }
    }
}
