//! What the forms of requests send, as typed, and how it is read. Nothing typed is lost when it cannot be taken.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;

use super::{Acceptance, NewRequest, Urgency};
use crate::blood::{BloodGroup, Component};
use crate::clock::Zone;
use crate::error::{Error, Problems, Result};
use crate::facilities::Facility;
use crate::ids::FacilityId;

/// `POST /facilities/{facility_id}/requests`, and what the address of the empty form may fill in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RaiseForm {
    pub component: String,
    pub group: String,
    pub quantity: String,
    pub urgency: String,
    /// as a date and time field sends it, by the facility's clock
    pub needed_by: String,
    pub reason: String,
    pub to: Vec<String>,
    /// part of the name or region of a facility to look for
    pub find: String,
}

/// The same from an address, where anything else may stand besides.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Prefill {
    component: String,
    group: String,
    quantity: String,
    urgency: String,
    needed_by: String,
    reason: String,
    to: Vec<String>,
    find: String,
}

impl From<Prefill> for RaiseForm {
    fn from(asked: Prefill) -> Self {
        RaiseForm {
            component: asked.component,
            group: asked.group,
            quantity: asked.quantity,
            urgency: asked.urgency,
            needed_by: asked.needed_by,
            reason: asked.reason,
            to: asked.to,
            find: asked.find,
        }
    }
}

impl RaiseForm {
    pub fn is_to(&self, facility: FacilityId) -> bool {
        self.to.iter().any(|id| id.parse() == Ok(facility))
    }

    /// Whether somebody looked for this facility; without words everyone is meant.
    pub fn finds(&self, facility: &Facility) -> bool {
        let said = format!("{} {}", facility.name, facility.region).to_lowercase();
        self.find
            .to_lowercase()
            .split_whitespace()
            .all(|word| said.contains(word))
    }

    /// The request, with every problem that can be found without the database.
    pub fn read(&self, asker: FacilityId, zone: Zone, now: DateTime<Utc>) -> Result<NewRequest> {
        let mut problems = Problems::default();
        let component: Option<Component> =
            choice(&self.component, "component", t!("Choose a component."), &mut problems);
        let group: Option<BloodGroup> = choice(&self.group, "group", t!("Choose a group."), &mut problems);
        let urgency: Option<Urgency> = choice(
            &self.urgency,
            "urgency",
            t!("Choose how soon it is needed."),
            &mut problems,
        );
        let quantity = choice(
            &self.quantity,
            "quantity",
            t!("Give a whole number from 1 to 1000."),
            &mut problems,
        );
        let needed_by = match moment(&self.needed_by, zone) {
            Ok(needed_by) => needed_by,
            Err(problem) => {
                problems.add("needed_by", problem);
                None
            }
        };
        let recipients: Vec<FacilityId> = self.to.iter().filter_map(|id| id.parse().ok()).collect();
        let new = NewRequest {
            component: component.unwrap_or(Component::RedCells),
            group: group.unwrap_or(BloodGroup::ONegative),
            quantity: quantity.unwrap_or(1),
            urgency: urgency.unwrap_or(Urgency::Routine),
            needed_by,
            reason: self.reason.trim().into(),
            recipients,
        };
        if let Err(Error::Invalid(more)) = new.check(asker, now) {
            more.iter().for_each(|(field, message)| problems.add(field, message));
        }
        problems.check().map(|()| new)
    }
}

fn choice<T: std::str::FromStr>(text: &str, field: &str, problem: &str, problems: &mut Problems) -> Option<T> {
    let read = text.trim().parse().ok();
    if read.is_none() {
        problems.add(field, problem);
    }
    read
}

/// A date and time field; empty is none.
fn moment(text: &str, zone: Zone) -> Result<Option<DateTime<Utc>>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|wall| Some(zone.instant(wall)))
        .ok_or(t!("Give a date and time, such as 2026-11-21 15:30."))
}

/// `POST .../acceptance`; without fields, as the board sends it, it accepts all that was asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AcceptForm {
    pub quantity: String,
    pub confirm: String,
}

impl AcceptForm {
    pub fn read(&self) -> Result<Acceptance> {
        let quantity = match self.quantity.trim() {
            "" => None,
            typed => Some(
                typed
                    .parse()
                    .map_err(|_| Error::invalid("quantity", t!("Give a whole number.")))?,
            ),
        };
        Ok(Acceptance {
            quantity,
            confirmed: self.confirm == "true",
        })
    }
}

/// `POST .../rejection` and `POST .../cancellation`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReasonForm {
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> RaiseForm {
        RaiseForm {
            component: "red_cells".into(),
            group: "O-".into(),
            quantity: "4".into(),
            urgency: "urgent".into(),
            needed_by: "2026-07-01T15:30".into(),
            reason: " theatre list ".into(),
            to: vec!["8".into(), "9".into()],
            find: String::new(),
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-07-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_form_is_read_by_the_clock_of_the_facility() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();

        let new = form().read(FacilityId(7), berlin, now()).unwrap();

        assert_eq!(new.needed_by, Some("2026-07-01T13:30:00Z".parse().unwrap()));
        assert_eq!(new.reason, "theatre list");
        assert_eq!(new.recipients, [FacilityId(8), FacilityId(9)]);
    }

    #[test]
    fn every_problem_stands_beside_its_field() {
        let bad = RaiseForm {
            component: "soup".into(),
            quantity: "0".into(),
            needed_by: "2026-07-01T09:00".into(),
            to: vec!["7".into()],
            ..form()
        };

        let Err(Error::Invalid(problems)) = bad.read(FacilityId(7), Zone::UTC, now()) else {
            panic!("taken");
        };

        let fields: Vec<&str> = problems.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["component", "quantity", "needed_by", "to"]);
    }

    #[test]
    fn a_need_is_known_a_year_ahead_at_most() {
        let far = RaiseForm {
            needed_by: "9999-12-31T23:59".into(),
            ..form()
        };

        let Err(Error::Invalid(problems)) = far.read(FacilityId(7), Zone::UTC, now()) else {
            panic!("taken");
        };

        assert!(problems.of("needed_by").is_some());
    }
}
