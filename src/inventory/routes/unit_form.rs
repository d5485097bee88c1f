//! The small forms beside a unit, one for each thing that may be done with it in its present status.

use serde::Deserialize;

use super::words::whole;
use crate::blood::UnitStatus;
use crate::error::{Error, Result};
use crate::inventory::Unit;
use crate::inventory::commands::{Condition, Discard};
use crate::text;
use crate::text_enum::text_enum;

text_enum! {
    /// What may be done; the last part of the form's address.
    pub enum Verb {
        Release = "release" / "Release from quarantine",
        Transfusion = "transfusion" / "Record the transfusion",
        Return = "return" / "Take back to quarantine",
        Quarantine = "quarantine" / "Put into quarantine",
        PositiveTest = "positive-test" / "Record a positive test",
        Discard = "discard" / "Discard",
        Reversal = "reversal" / "Undo the discard",
    }
}

/// What may be done with a unit now, the likely first.
pub fn verbs(unit: &Unit, expired: bool) -> Vec<Verb> {
    use UnitStatus::{
        Available, Discarded, Expired, InTransit, Issued, Quarantined, Reserved, Transferred, Transfused,
    };
    let mut verbs = match unit.status {
        Quarantined => vec![Verb::Release, Verb::PositiveTest, Verb::Discard],
        Available | Reserved => vec![Verb::Quarantine, Verb::PositiveTest, Verb::Discard],
        Issued => vec![Verb::Transfusion, Verb::Return, Verb::Discard],
        Expired => vec![Verb::Discard, Verb::PositiveTest],
        Discarded => vec![Verb::Reversal],
        InTransit | Transferred | Transfused => vec![],
    };
    if unit.is_unsafe {
        verbs.retain(|verb| *verb == Verb::Discard);
    }
    if expired {
        verbs.retain(|verb| *verb != Verb::Release);
    }
    verbs
}

/// Any of the forms as typed; each uses some of the fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnitForm {
    /// units of a lot; empty is all of it
    pub quantity: String,
    pub reason: String,
    pub note: String,
    pub inspected: String,
    /// °C, with a point or a comma
    pub temperature: String,
    pub seal_intact: String,
    pub segment_attached: String,
}

const LONGEST_NOTE: usize = 200;

impl UnitForm {
    /// Part of a lot, or `None` for all of it.
    pub fn part(&self) -> Result<Option<i32>> {
        match self.quantity.trim() {
            "" => Ok(None),
            text => match whole(text).filter(|quantity| *quantity > 0) {
                Some(quantity) => Ok(Some(quantity)),
                None => Err(Error::invalid(
                    "quantity",
                    t!("Give a whole number, or leave it empty for all."),
                )),
            },
        }
    }

    pub fn short_note(&self) -> Result<&str> {
        if let Some(problem) = text::problem(&self.note, LONGEST_NOTE) {
            return Err(Error::invalid("note", problem));
        }
        Ok(&self.note)
    }

    pub fn discard(&self) -> Result<Discard> {
        Ok(Discard {
            reason: self.reason.clone(),
            note: self.short_note()?.to_owned(),
            quantity: self.part()?,
        })
    }

    pub fn condition(&self) -> Result<Condition> {
        let temperature = self.temperature.trim().replace(',', ".").replace('\u{2212}', "-");
        let temperature: f32 = temperature
            .parse()
            .ok()
            .filter(|degrees: &f32| degrees.is_finite())
            .ok_or_else(|| Error::invalid("temperature", t!("Measure the temperature and give it in °C.")))?;
        Ok(Condition {
            temperature,
            seal_intact: self.seal_intact == "true",
            segment_attached: self.segment_attached == "true",
            note: self.short_note()?.to_owned(),
            quantity: self.part()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(error: Error) -> String {
        let Error::Invalid(problems) = error else {
            panic!("{error}")
        };
        problems.iter().next().unwrap().0.to_owned()
    }

    #[test]
    fn a_return_needs_a_temperature() {
        let form = |temperature: &str| UnitForm {
            temperature: temperature.into(),
            seal_intact: "true".into(),
            ..UnitForm::default()
        };

        let condition = form(" 4,5 ").condition().unwrap();

        assert_eq!(condition.temperature, 4.5);
        assert!(condition.seal_intact && !condition.segment_attached);
        assert_eq!(form("\u{2212}18").condition().unwrap().temperature, -18.0);
        for text in ["", "cold", "NaN", "inf"] {
            assert_eq!(field(form(text).condition().unwrap_err()), "temperature");
        }
    }

    #[test]
    fn part_of_a_lot_is_a_whole_number() {
        let form = |quantity: &str| UnitForm {
            quantity: quantity.into(),
            ..UnitForm::default()
        };

        assert_eq!(form("").part().unwrap(), None);
        assert_eq!(form(" 3 ").part().unwrap(), Some(3));
        for text in ["0", "-1", "1.5", "two"] {
            assert_eq!(field(form(text).part().unwrap_err()), "quantity");
        }
    }
}
