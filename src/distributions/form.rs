//! What the forms of distributions send, as typed, and how it is read.

use serde::Deserialize;

use super::{Dispatch, LineReceipt, Outcome, Receipt, SendBack};
use crate::blood::{BloodGroup, Component};
use crate::error::{Error, Problems, Result};
use crate::ids::{FacilityId, RequestId, UnitId};
use crate::requests::Request;

/// `GET .../distributions/new?request=9`, or `?to=8&component=red_cells&group=O-&quantity=4`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NeedForm {
    pub request: String,
    pub to: String,
    pub component: String,
    pub group: String,
    pub quantity: String,
}

/// For whom and what units are sought.
#[derive(Clone, Debug)]
pub struct Need {
    pub to: FacilityId,
    pub request: Option<RequestId>,
    pub component: Component,
    pub group: BloodGroup,
    pub quantity: i32,
}

impl NeedForm {
    /// Whether anything was asked yet; the empty form is no mistake.
    pub fn is_empty(&self) -> bool {
        [&self.request, &self.component, &self.group, &self.quantity]
            .iter()
            .all(|text| text.trim().is_empty())
    }

    pub fn request(&self) -> Option<RequestId> {
        self.request.trim().parse().ok()
    }

    /// What a request needs, `outstanding` units of it; what the form says of it is ignored.
    pub fn of(request: &Request, outstanding: i32) -> Need {
        Need {
            to: request.facility,
            request: Some(request.id),
            component: request.component,
            group: request.group,
            quantity: outstanding,
        }
    }

    pub fn read(&self) -> Result<Need> {
        let mut problems = Problems::default();
        let to = self.to.trim().parse().ok();
        let component = self.component.parse().ok();
        let group = self.group.parse().ok();
        let quantity = self
            .quantity
            .trim()
            .parse()
            .ok()
            .filter(|quantity| (1..=1000).contains(quantity));
        if to.is_none() {
            problems.add("to", t!("Choose the facility that receives."));
        }
        if component.is_none() {
            problems.add("component", t!("Choose a component."));
        }
        if group.is_none() {
            problems.add("group", t!("Choose a group."));
        }
        if quantity.is_none() {
            problems.add("quantity", t!("Give a whole number from 1 to 1000."));
        }
        match (to, component, group, quantity) {
            (Some(to), Some(component), Some(group), Some(quantity)) => Ok(Need {
                to,
                request: None,
                component,
                group,
                quantity,
            }),
            _ => Err(Error::Invalid(problems)),
        }
    }
}

/// `POST .../distributions`: the need again, and the units. A unit with a number has a check box; a lot has a number of
/// units, empty or 0 for none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DispatchForm {
    pub request: String,
    pub to: String,
    pub component: String,
    pub group: String,
    pub quantity: String,
    pub unit: Vec<UnitId>,
    /// beside each number of `lot_units`
    pub lot: Vec<UnitId>,
    pub lot_units: Vec<String>,
    pub override_reason: String,
    pub note: String,
}

impl DispatchForm {
    pub fn need(&self) -> NeedForm {
        NeedForm {
            request: self.request.clone(),
            to: self.to.clone(),
            component: self.component.clone(),
            group: self.group.clone(),
            quantity: self.quantity.clone(),
        }
    }

    pub fn read(&self, need: &Need) -> Result<Dispatch> {
        if self.lot.len() != self.lot_units.len() {
            return Err(Error::invalid("", t!("The form is incomplete: load the page again.")));
        }
        let mut chosen: Vec<(UnitId, i32)> = self.unit.iter().map(|&unit| (unit, 1)).collect();
        for (&lot, typed) in self.lot.iter().zip(&self.lot_units) {
            match typed.trim() {
                "" | "0" => {}
                typed => match typed.parse() {
                    Ok(units) => chosen.push((lot, units)),
                    Err(_) => return Err(Error::invalid("take", t!("Give the units of a lot as a whole number."))),
                },
            }
        }
        Ok(Dispatch {
            to: need.to,
            request: need.request,
            component: need.component,
            group: need.group,
            chosen,
            override_reason: self.override_reason.clone(),
            note: self.note.clone(),
        })
    }

    /// What was chosen of a row: units of a lot as typed, `1` or empty of any other.
    pub fn chosen(&self, unit: UnitId) -> String {
        let lot = self
            .lot
            .iter()
            .position(|&lot| lot == unit)
            .and_then(|at| self.lot_units.get(at));
        match lot {
            Some(typed) => typed.clone(),
            None if self.unit.contains(&unit) => "1".into(),
            None => String::new(),
        }
    }
}

/// `POST .../receipt`; without lines everything arrived. Each line is one of `unit`, `outcome`, `arrived` and `note`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptForm {
    pub bank: String,
    pub unit: Vec<UnitId>,
    pub outcome: Vec<String>,
    pub arrived: Vec<String>,
    pub note: Vec<String>,
}

impl ReceiptForm {
    pub fn read(&self) -> Result<Receipt> {
        let count = self.unit.len();
        if [self.outcome.len(), self.arrived.len(), self.note.len()]
            .iter()
            .any(|&length| length != count)
        {
            return Err(Error::invalid("", t!("The form is incomplete: load the page again.")));
        }
        let mut problems = Problems::default();
        let mut lines = Vec::with_capacity(count);
        for (at, &unit) in self.unit.iter().enumerate() {
            let outcome: Option<Outcome> = self.outcome[at].parse().ok();
            let arrived: Option<i32> = self.arrived[at].trim().parse().ok();
            if outcome.is_none() {
                problems.add(format!("line-{unit}"), t!("Choose what was found."));
            }
            if arrived.is_none() && !self.arrived[at].trim().is_empty() {
                problems.add(format!("line-{unit}"), t!("Give a whole number."));
            }
            let outcome = outcome.unwrap_or(Outcome::Received);
            lines.push(LineReceipt {
                unit,
                outcome,
                arrived,
                note: self.note[at].clone(),
            });
        }
        problems.check()?;
        Ok(Receipt {
            bank: self.bank.trim().parse().ok(),
            lines,
        })
    }

    /// What was typed for a line: outcome, units that arrived, note.
    pub fn line(&self, unit: UnitId) -> Option<(&str, &str, &str)> {
        let at = self.unit.iter().position(|&line| line == unit)?;
        Some((self.outcome.get(at)?, self.arrived.get(at)?, self.note.get(at)?))
    }
}

/// `POST .../return`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnForm {
    pub unit: Vec<UnitId>,
    pub temperature: String,
    pub reason: String,
}

impl ReturnForm {
    pub fn read(&self) -> Result<SendBack> {
        let typed = self.temperature.trim().replace(',', ".").replace('\u{2212}', "-");
        let temperature = typed.parse().ok().filter(|degrees: &f32| degrees.is_finite());
        let temperature = temperature.ok_or_else(|| {
            Error::invalid(
                "temperature",
                t!("Give the temperature in degrees Celsius, such as 4.5."),
            )
        })?;
        Ok(SendBack {
            units: self.unit.clone(),
            temperature,
            reason: self.reason.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_parts_of_lots_are_chosen_in_one_form() {
        let form = DispatchForm {
            unit: vec![UnitId(1)],
            lot: vec![UnitId(2), UnitId(3)],
            lot_units: vec!["5".into(), "".into()],
            ..DispatchForm::default()
        };
        let need = Need {
            to: FacilityId(8),
            request: None,
            component: Component::Plasma,
            group: BloodGroup::AbPositive,
            quantity: 6,
        };

        let dispatch = form.read(&need).unwrap();

        assert_eq!(dispatch.chosen, [(UnitId(1), 1), (UnitId(2), 5)]);
        assert_eq!(form.chosen(UnitId(2)), "5");
    }

    #[test]
    fn a_receipt_without_lines_is_everything_as_sent() {
        let receipt = ReceiptForm::default().read().unwrap();

        assert!(receipt.lines.is_empty() && receipt.bank.is_none());
    }
}
