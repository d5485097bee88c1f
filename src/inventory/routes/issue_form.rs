//! The two forms of an issue as typed: who it is for and how much, then which units.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::words::whole;
use crate::blood::compatibility::{Patient, Sex};
use crate::blood::{Abo, Component, Rh};
use crate::error::Problems;
use crate::ids::UnitId;
use crate::inventory::commands::Issue;
use crate::text;

const MOST_UNITS: i32 = 100;
const OLDEST: u8 = 120;
const LONGEST_REASON: usize = 200;

/// What is wanted, for whom. Group, RhD, sex and age may be unknown (empty).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NeedForm {
    pub component: String,
    pub quantity: String,
    pub abo: String,
    pub rh: String,
    pub sex: String,
    pub age: String,
    pub anti_d: String,
    pub transfusion_dependent: String,
}

/// The same, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub component: Component,
    pub quantity: i32,
    pub patient: Patient,
}

impl NeedForm {
    /// Whether anything was asked yet.
    pub fn is_empty(&self) -> bool {
        *self == NeedForm::default()
    }

    pub fn read(&self) -> Result<Need, Problems> {
        let mut problems = Problems::default();
        let component: Option<Component> = self.component.parse().ok();
        if component.is_none() {
            problems.add("component", t!("Choose the component."));
        }
        let quantity = whole(&self.quantity).filter(|quantity| (1..=MOST_UNITS).contains(quantity));
        if quantity.is_none() {
            problems.add("quantity", t!("1 to {MOST_UNITS} units.", MOST_UNITS));
        }
        let patient = Patient {
            abo: optional(
                &self.abo,
                "abo",
                t!("Choose the group, or unknown."),
                &mut problems,
                str::parse::<Abo>,
            ),
            rh: optional(
                &self.rh,
                "rh",
                t!("Choose the factor, or unknown."),
                &mut problems,
                str::parse::<Rh>,
            ),
            sex: optional(
                &self.sex,
                "sex",
                t!("Choose the sex, or unknown."),
                &mut problems,
                str::parse::<Sex>,
            ),
            age_years: optional(&self.age, "age", t!("Whole years, or empty."), &mut problems, |text| {
                text.parse::<u8>().ok().filter(|age| *age <= OLDEST).ok_or(())
            }),
            anti_d: self.anti_d == "true",
            transfusion_dependent: self.transfusion_dependent == "true",
        };
        match (component, quantity) {
            (Some(component), Some(quantity)) if problems.is_empty() => Ok(Need {
                component,
                quantity,
                patient,
            }),
            _ => Err(problems),
        }
    }
}

fn optional<T, E>(
    text: &str,
    field: &str,
    problem: &str,
    problems: &mut Problems,
    read: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    let text = text.trim();
    let read = (!text.is_empty()).then(|| read(text))?;
    if read.is_err() {
        problems.add(field, problem);
    }
    read.ok()
}

/// The second form: the need again, the units (`take_42=1`), and why, where they are not the proposed ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct IssueForm {
    pub need: NeedForm,
    pub override_reason: String,
    /// as typed, by row of stock; nothing and 0 take none
    pub take: BTreeMap<UnitId, String>,
}

impl TryFrom<BTreeMap<String, String>> for IssueForm {
    type Error = String;

    fn try_from(fields: BTreeMap<String, String>) -> Result<Self, String> {
        let mut form = IssueForm::default();
        for (name, value) in fields {
            let slot = match name.as_str() {
                "component" => &mut form.need.component,
                "quantity" => &mut form.need.quantity,
                "abo" => &mut form.need.abo,
                "rh" => &mut form.need.rh,
                "sex" => &mut form.need.sex,
                "age" => &mut form.need.age,
                "anti_d" => &mut form.need.anti_d,
                "transfusion_dependent" => &mut form.need.transfusion_dependent,
                "override_reason" => &mut form.override_reason,
                _ => {
                    let unit = name.strip_prefix("take_").and_then(|id| id.parse().ok());
                    form.take
                        .entry(unit.ok_or_else(|| format!("unknown field {name:?}"))?)
                        .or_default()
                }
            };
            *slot = value;
        }
        Ok(form)
    }
}

impl IssueForm {
    /// What is to be issued; how many were asked for does not bind whoever chooses.
    pub fn read(&self, need: &Need) -> Result<Issue, Problems> {
        let mut problems = Problems::default();
        let mut chosen = Vec::new();
        for (&unit, typed) in &self.take {
            match whole(typed) {
                _ if typed.trim().is_empty() => {}
                Some(0) => {}
                Some(quantity) if (1..=MOST_UNITS).contains(&quantity) => chosen.push((unit, quantity)),
                _ => problems.add(format!("take_{unit}"), t!("A whole number.")),
            }
        }
        if chosen.is_empty() && problems.is_empty() {
            problems.add("take", t!("Choose the units to issue."));
        }
        if let Some(problem) = text::problem(&self.override_reason, LONGEST_REASON) {
            problems.add("override_reason", problem);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Issue {
            patient: need.patient,
            component: need.component,
            chosen,
            override_reason: self.override_reason.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Result<IssueForm, String> {
        let fields: BTreeMap<String, String> = fields
            .iter()
            .map(|&(name, value)| (name.into(), value.into()))
            .collect();
        IssueForm::try_from(fields)
    }

    #[test]
    fn what_is_not_known_of_a_patient_may_stay_empty() {
        let form = form(&[
            ("component", "red_cells"),
            ("quantity", "2"),
            ("abo", ""),
            ("age", " 34 "),
        ])
        .unwrap();

        let need = form.need.read().unwrap();

        assert_eq!((need.component, need.quantity), (Component::RedCells, 2));
        assert_eq!(
            (need.patient.abo, need.patient.rh, need.patient.age_years),
            (None, None, Some(34))
        );
    }

    #[test]
    fn each_problem_of_the_need_stands_beside_its_field() {
        let form = form(&[
            ("quantity", "0"),
            ("abo", "C"),
            ("age", "200"),
            ("sex", "x"),
            ("rh", "+"),
        ])
        .unwrap();

        let problems = form.need.read().unwrap_err();

        for field in ["component", "quantity", "abo", "rh", "sex", "age"] {
            assert!(problems.of(field).is_some(), "{field}");
        }
    }

    #[test]
    fn boxes_and_numbers_say_which_units_and_how_many() {
        let fields = [
            ("component", "red_cells"),
            ("quantity", "3"),
            ("take_7", "1"),
            ("take_8", ""),
            ("take_9", "2"),
        ];
        let form = form(&fields).unwrap();

        let issue = form.read(&form.need.read().unwrap()).unwrap();

        assert_eq!(issue.chosen, [(UnitId(7), 1), (UnitId(9), 2)]);
    }

    #[test]
    fn nothing_chosen_and_foreign_fields_are_refused() {
        let form_without_units = form(&[("component", "plasma"), ("quantity", "1"), ("take_7", "0")]).unwrap();
        let need = form_without_units.need.read().unwrap();

        assert!(form_without_units.read(&need).unwrap_err().of("take").is_some());
        for name in ["take_x", "unit", "facility_id"] {
            assert!(form(&[(name, "1")]).is_err(), "{name}");
        }
    }
}
