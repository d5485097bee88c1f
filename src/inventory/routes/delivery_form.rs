//! The form of a delivery as it was typed, and how it becomes what is to be booked. Twenty rows for single units, four
//! for lots; what a row leaves empty is as in the row above it, and an expiry left empty follows from the component's life.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::words::{When, sentence, whole};
use crate::blood::{BloodGroup, Component, ComponentLife, DonationNumber, UnitStatus, proposed_expiry};
use crate::error::Problems;
use crate::inventory::NewUnit;
use crate::inventory::commands::{NewRow, Receipt};
use crate::text;

/// Rows for single units; rows for lots follow with the next numbers.
pub const SINGLE_ROWS: usize = 20;
pub const LOT_ROWS: usize = 4;
const MOST_IN_A_LOT: i32 = 1000;
const LONGEST_LOT: usize = 40;
const LONGEST_NOTE: usize = 200;

/// A row as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowForm {
    /// donation number, or the name of a lot
    pub number: String,
    /// lots only
    pub quantity: String,
    pub component: String,
    pub group: String,
    pub collected: String,
    pub expires: String,
}

/// The form as typed. Fields of rows carry the row's number: `number_1` to `number_24`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct DeliveryForm {
    pub blood_bank: String,
    /// `available` or `quarantined`
    pub to: String,
    pub note: String,
    pub rows: Vec<RowForm>,
}

impl Default for DeliveryForm {
    fn default() -> Self {
        DeliveryForm {
            blood_bank: String::new(),
            to: UnitStatus::Available.as_str().into(),
            note: String::new(),
            rows: vec![RowForm::default(); SINGLE_ROWS + LOT_ROWS],
        }
    }
}

impl TryFrom<BTreeMap<String, String>> for DeliveryForm {
    type Error = String;

    fn try_from(fields: BTreeMap<String, String>) -> Result<Self, String> {
        let mut form = DeliveryForm::default();
        for (name, value) in fields {
            let slot = form.field(&name).ok_or_else(|| format!("unknown field {name:?}"))?;
            *slot = value;
        }
        Ok(form)
    }
}

/// What the row above says, for the row that leaves it out.
#[derive(Clone, Copy, Default)]
struct Above {
    component: Option<Component>,
    group: Option<BloodGroup>,
    collected: Option<DateTime<Utc>>,
}

impl DeliveryForm {
    fn field(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "blood_bank" => return Some(&mut self.blood_bank),
            "to" => return Some(&mut self.to),
            "note" => return Some(&mut self.note),
            _ => {}
        }
        let (name, row) = name.rsplit_once('_')?;
        let row = self.rows.get_mut(row.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(match name {
            "number" => &mut row.number,
            "quantity" => &mut row.quantity,
            "component" => &mut row.component,
            "group" => &mut row.group,
            "collected" => &mut row.collected,
            "expires" => &mut row.expires,
            _ => return None,
        })
    }

    /// What is to be booked, or all problems, each with its field.
    pub fn read(&self, when: &When, lives: &HashMap<Component, ComponentLife>) -> Result<Receipt, Problems> {
        let mut problems = Problems::default();
        let blood_bank = self.blood_bank.parse().unwrap_or_else(|_| {
            problems.add("blood_bank", t!("Choose the blood bank."));
            0
        });
        let to = match self.to.parse() {
            Ok(to @ (UnitStatus::Available | UnitStatus::Quarantined)) => to,
            _ => {
                problems.add("to", t!("Choose where the units go."));
                UnitStatus::Quarantined
            }
        };
        if let Some(problem) = text::problem(&self.note, LONGEST_NOTE) {
            problems.add("note", problem);
        }
        let mut above = Above::default();
        let mut rows: Vec<NewRow> = Vec::new();
        for (index, typed) in self.rows.iter().enumerate() {
            let row = index + 1;
            if typed.number.trim().is_empty() && typed.quantity.trim().is_empty() {
                continue;
            }
            let Some(unit) = typed.read(row, blood_bank, &mut above, when, lives, &mut problems) else {
                continue;
            };
            let twin = rows.iter().find(|other| is_twin(&other.unit, &unit));
            if let Some(twin) = twin {
                problems.add(
                    format!("number_{row}"),
                    t!("The same unit is in row {row}.", row = twin.row),
                );
            }
            rows.push(NewRow { row, unit });
        }
        if rows.is_empty() && problems.is_empty() {
            problems.add("", t!("Enter at least one donation number or lot."));
        }
        let note = self.note.trim().to_owned();
        if problems.is_empty() {
            Ok(Receipt { rows, to, note })
        } else {
            Err(problems)
        }
    }
}

/// One donation gives several components, so the number alone is no twin.
fn is_twin(one: &NewUnit, other: &NewUnit) -> bool {
    one.donation_number.is_some() && (one.donation_number, one.component) == (other.donation_number, other.component)
}

impl RowForm {
    fn read(
        &self,
        row: usize,
        blood_bank: i64,
        above: &mut Above,
        when: &When,
        lives: &HashMap<Component, ComponentLife>,
        problems: &mut Problems,
    ) -> Option<NewUnit> {
        let named = self.name(row, problems);
        let component = or_above(&self.component, |text| text.parse().ok(), &mut above.component);
        if component.is_none() {
            problems.add(format!("component_{row}"), t!("Choose the component."));
        }
        let group = or_above(&self.group, |text| text.parse().ok(), &mut above.group);
        if group.is_none() {
            problems.add(format!("group_{row}"), t!("Choose the group."));
        }
        let collected = or_above(&self.collected, |text| when.parse(text), &mut above.collected);
        match collected {
            None => problems.add(format!("collected_{row}"), t!("Give the time of collection.")),
            Some(at) if at > when.now => problems.add(format!("collected_{row}"), t!("This is in the future.")),
            Some(_) => {}
        }
        let (component, collected_at) = (component?, collected?);
        let expires_at = self.expiry(row, component, collected_at, when, lives, problems);
        let (donation_number, lot, quantity) = named?;
        Some(NewUnit {
            blood_bank,
            component,
            group: group?,
            quantity,
            donation_number,
            lot,
            collected_at,
            expires_at: expires_at?,
        })
    }

    /// Donation number, lot and quantity, by the kind of row.
    fn name(&self, row: usize, problems: &mut Problems) -> Option<(Option<DonationNumber>, Option<String>, i32)> {
        let number = self.number.trim();
        if row <= SINGLE_ROWS {
            return match number.parse::<DonationNumber>() {
                Ok(number) => Some((Some(number), None, 1)),
                Err(error) => {
                    problems.add(format!("number_{row}"), sentence(&error.to_string()));
                    None
                }
            };
        }
        let named = !number.is_empty() && text::problem(number, LONGEST_LOT).is_none();
        if !named {
            problems.add(
                format!("number_{row}"),
                t!("Name the lot, in at most {LONGEST_LOT} characters.", LONGEST_LOT),
            );
        }
        let quantity = whole(&self.quantity).filter(|quantity| (1..=MOST_IN_A_LOT).contains(quantity));
        if quantity.is_none() {
            problems.add(
                format!("quantity_{row}"),
                t!("1 to {MOST_IN_A_LOT} units.", MOST_IN_A_LOT),
            );
        }
        quantity
            .filter(|_| named)
            .map(|quantity| (None, Some(number.to_owned()), quantity))
    }

    fn expiry(
        &self,
        row: usize,
        component: Component,
        collected: DateTime<Utc>,
        when: &When,
        lives: &HashMap<Component, ComponentLife>,
        problems: &mut Problems,
    ) -> Option<DateTime<Utc>> {
        let field = format!("expires_{row}");
        let expires = match self.expires.trim() {
            "" => lives
                .get(&component)
                .map(|&life| proposed_expiry(collected, life, when.zone)),
            text => when.parse(text),
        };
        match expires {
            None => problems.add(field, t!("Give the expiry of the label.")),
            Some(at) if at <= collected => problems.add(field, t!("This is before the collection.")),
            Some(at) if at <= when.now => problems.add(field, t!("Expired {until}.", until = when.until(at))),
            Some(_) => {}
        }
        expires
    }
}

/// What the row says, which the rows below then share; what is above when it says nothing; `None` when it cannot be read.
fn or_above<T: Copy>(text: &str, read: impl Fn(&str) -> Option<T>, above: &mut Option<T>) -> Option<T> {
    match text.trim() {
        "" => *above,
        text => {
            let own = read(text);
            *above = own.or(*above);
            own
        }
    }
}

#[cfg(test)]
#[path = "delivery_form_tests.rs"]
mod tests;
