//! Who may receive which blood: one table for each family of components, because the ABO rule for plasma is the
//! inverse of the rule for cells. It orders and warns; it does not replace the crossmatch in the laboratory.
//!
//! Source of the tables: "Component compatibility" and "Plasma compatibility", Australian Red Cross Lifeblood; for
//! patients whose group is not known also the NBTC's recommendations on emergency red cells (2020).

use super::component::{Component, Family};
use super::group::{Abo, BloodGroup, Rh};
use crate::text_enum::text_enum;

text_enum! {
    /// Sex as the RhD rules need it: who could bear a child.
    pub enum Sex {
        Female = "female" / "Female",
        Male = "male" / "Male",
    }
}

/// What is known of a patient; what is not known is taken to be the more careful case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patient {
    /// ABO group, if tested.
    pub abo: Option<Abo>,
    /// RhD, if tested.
    pub rh: Option<Rh>,
    /// Sex, if known.
    pub sex: Option<Sex>,
    /// Age in completed years, if known.
    pub age_years: Option<u8>,
    /// Has (or had) antibodies against D.
    pub anti_d: bool,
    /// Depends on transfusions for life.
    pub transfusion_dependent: bool,
}

impl From<BloodGroup> for Patient {
    fn from(group: BloodGroup) -> Self {
        Self {
            abo: Some(group.abo()),
            rh: Some(group.rh()),
            ..Self::default()
        }
    }
}

/// A group that may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The group of the unit.
    pub group: BloodGroup,
    /// 1 for the best; equal choices share a rank.
    pub rank: u8,
    /// Only units whose flag says low titre of anti-A and anti-B.
    pub low_titre_only: bool,
    /// What whoever issues such a unit has to know.
    pub note: Option<&'static str>,
}

/// The groups that this patient may receive, best first; empty where only the laboratory can decide.
///
/// `low_titre_known` says whether units carry a low-titre flag; without it the choices that need one are left out.
pub fn choices(component: Component, patient: &Patient, low_titre_known: bool) -> Vec<Choice> {
    let family = component.family();
    let rh_first = family == Family::Cells || (family == Family::Platelets && prefers_negative(patient));

    let mut ordered = Vec::new();
    for &(abo, abo_tier, titre) in abo_tiers(family, patient.abo) {
        if titre == Low && !low_titre_known {
            continue;
        }
        for &(rh, rh_tier) in rh_tiers(family, patient) {
            let tiers = if rh_first {
                (rh_tier, abo_tier)
            } else {
                (abo_tier, rh_tier)
            };
            let note = note(family, patient, rh, titre);
            ordered.push((tiers, BloodGroup::new(abo, rh), titre == Low, note));
        }
    }
    ordered.sort_by_key(|&(tiers, ..)| tiers);

    let mut rank = 0;
    let mut last_tiers = (0, 0);
    ordered
        .into_iter()
        .map(|(tiers, group, low_titre_only, note)| {
            if tiers != last_tiers {
                (rank, last_tiers) = (rank + 1, tiers);
            }
            Choice {
                group,
                rank,
                low_titre_only,
                note,
            }
        })
        .collect()
}

/// The choice under which a unit of this group may go to this patient, or `None` if it may not.
pub fn permitted(component: Component, patient: &Patient, unit: BloodGroup, unit_is_low_titre: bool) -> Option<Choice> {
    choices(component, patient, unit_is_low_titre)
        .into_iter()
        .find(|choice| choice.group == unit)
}

/// What one facility may send another that asks for a group: that group first, then what suits an adult of that group
/// whose sex nobody stated. Never a low-titre choice, since the receiver must be free to give it to anyone of the
/// group.
pub fn stock_choices(component: Component, requested: BloodGroup) -> Vec<Choice> {
    let patient = Patient {
        age_years: Some(18),
        ..requested.into()
    };
    choices(component, &patient, false)
}

#[derive(Clone, Copy, PartialEq)]
enum Titre {
    Any,
    Low,
}

use Abo::{A, Ab, B, O};
use Titre::{Any, Low};

/// ABO groups of the unit with their tier, 1 being the first choice, for a patient's ABO group (`None`: not known).
///
/// Group A plasma for an unknown patient is a matter of local policy in the source; here it needs low titre besides.
fn abo_tiers(family: Family, patient: Option<Abo>) -> &'static [(Abo, u8, Titre)] {
    match (family, patient) {
        // no source read for whole blood: the identical group is the careful choice
        (Family::WholeBlood, Some(O)) => &[(O, 1, Any)],
        (Family::WholeBlood, Some(A)) => &[(A, 1, Any)],
        (Family::WholeBlood, Some(B)) => &[(B, 1, Any)],
        (Family::WholeBlood, Some(Ab)) => &[(Ab, 1, Any)],
        (Family::WholeBlood, None) => &[],

        (Family::Cells, Some(O) | None) => &[(O, 1, Any)],
        (Family::Cells, Some(A)) => &[(A, 1, Any), (O, 2, Any)],
        (Family::Cells, Some(B)) => &[(B, 1, Any), (O, 2, Any)],
        (Family::Cells, Some(Ab)) => &[(Ab, 1, Any), (A, 2, Any), (B, 2, Any), (O, 3, Any)],

        (Family::Plasma, Some(O)) => &[(O, 1, Any), (A, 2, Any), (B, 3, Any), (Ab, 4, Any)],
        (Family::Plasma, Some(A)) => &[(A, 1, Any), (Ab, 2, Any), (B, 3, Low)],
        (Family::Plasma, Some(B)) => &[(B, 1, Any), (Ab, 2, Any), (A, 3, Low)],
        (Family::Plasma, Some(Ab)) => &[(Ab, 1, Any), (A, 2, Low), (B, 3, Low)],
        (Family::Plasma, None) => &[(Ab, 1, Any), (A, 2, Low)],

        (Family::Platelets, Some(O)) => &[(O, 1, Any), (A, 2, Any), (B, 3, Any), (Ab, 4, Any)],
        (Family::Platelets, Some(A)) => &[(A, 1, Any), (B, 2, Low), (O, 2, Low), (Ab, 3, Any)],
        (Family::Platelets, Some(B)) => &[(B, 1, Any), (A, 2, Low), (O, 2, Low), (Ab, 3, Any)],
        (Family::Platelets, Some(Ab)) => &[(Ab, 1, Any), (A, 2, Low), (B, 2, Low), (O, 3, Low)],
        (Family::Platelets, None) => &[(A, 1, Low), (O, 1, Low)],
    }
}

/// RhD of the unit with its tier, best first: a negative patient keeps negative units first, anyone else who can take
/// positive ones gets those, because negative units are scarce.
fn rh_tiers(family: Family, patient: &Patient) -> &'static [(Rh, u8)] {
    use Rh::{Negative, Positive};
    const NEGATIVE_ONLY: &[(Rh, u8)] = &[(Negative, 1)];
    const NEGATIVE_FIRST: &[(Rh, u8)] = &[(Negative, 1), (Positive, 2)];
    const POSITIVE_FIRST: &[(Rh, u8)] = &[(Positive, 1), (Negative, 2)];

    match (family, patient.rh) {
        (Family::WholeBlood, Some(Negative)) => NEGATIVE_ONLY,
        (Family::WholeBlood, Some(Positive)) if !patient.anti_d => &[(Positive, 1)],
        (Family::WholeBlood, _) => &[],

        // a patient typed as positive who has made anti-D is a variant, and takes negative cells
        (Family::Cells, Some(Positive)) if !patient.anti_d => POSITIVE_FIRST,
        (Family::Cells, Some(Negative)) if may_take_positive_cells(patient) => NEGATIVE_FIRST,
        (Family::Cells, None) if may_take_positive_cells(patient) => POSITIVE_FIRST,
        (Family::Cells, _) => NEGATIVE_ONLY,

        (Family::Platelets, Some(Negative)) => NEGATIVE_FIRST,
        (Family::Platelets, _) if prefers_negative(patient) => NEGATIVE_FIRST,
        (Family::Platelets, _) => POSITIVE_FIRST,

        // plasma holds no cells, so the tiers are equal and only the order differs
        (Family::Plasma, Some(Positive)) => &[(Positive, 1), (Negative, 1)],
        (Family::Plasma, _) => &[(Negative, 1), (Positive, 1)],
    }
}

/// Men over 18 and women over 50, without anti-D and not dependent on transfusions, may be given RhD-positive red
/// cells though they are RhD negative or untested.
fn may_take_positive_cells(patient: &Patient) -> bool {
    let over = |years| patient.age_years.is_some_and(|age| age > years);
    let old_enough = if patient.sex == Some(Sex::Male) {
        over(18)
    } else {
        over(50)
    };
    old_enough && !patient.anti_d && !patient.transfusion_dependent
}

/// Whether RhD decides before ABO among platelets: for girls and women who could bear a child, and whoever has
/// anti-D.
fn prefers_negative(patient: &Patient) -> bool {
    patient.anti_d || (patient.rh != Some(Rh::Positive) && could_bear_a_child(patient))
}

fn could_bear_a_child(patient: &Patient) -> bool {
    patient.sex != Some(Sex::Male) && patient.age_years.is_none_or(|age| age <= 50)
}

fn note(family: Family, patient: &Patient, rh: Rh, titre: Titre) -> Option<&'static str> {
    let positive_to_other = rh == Rh::Positive && patient.rh != Some(Rh::Positive);
    let cover = positive_to_other && family == Family::Platelets && could_bear_a_child(patient) && !patient.anti_d;
    let by_policy = family == Family::Plasma && patient.abo.is_none();
    match titre {
        Low if cover => Some(t!("Low-titre units only; give anti-D cover")),
        Low if by_policy => Some(t!("Low-titre units only, where local policy allows group A")),
        Low => Some(t!("Low-titre units only")),
        Any if cover => Some(t!("Give anti-D cover")),
        Any if positive_to_other && family == Family::Cells => match patient.rh {
            Some(_) => Some(t!(
                "RhD positive to an RhD-negative patient: only when negative units are short"
            )),
            None => Some(t!("RhD not known: positive is accepted at this age and sex")),
        },
        Any => None,
    }
}

#[cfg(test)]
#[path = "compatibility_tests.rs"]
mod tests;
