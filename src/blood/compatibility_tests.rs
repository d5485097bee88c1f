//! The tables of compatibility against a second table written apart from them, and against antigens and antibodies.
//! The rules of age and sex are tested at the years where they change.

use proptest::prelude::*;

use super::*;
use BloodGroup::*;

/// For a man of 40 and units without a low-titre flag: `>` before the next rank, `=` between equals, `!` for a note.
const WITHOUT_LOW_TITRE: &str = "
    O-  red_cells       O- > O+!
    O+  red_cells       O+ > O-
    A-  red_cells       A- > O- > A+! > O+!
    A+  red_cells       A+ > O+ > A- > O-
    B-  red_cells       B- > O- > B+! > O+!
    B+  red_cells       B+ > O+ > B- > O-
    AB- red_cells       AB- > A- = B- > O- > AB+! > A+! = B+! > O+!
    AB+ red_cells       AB+ > A+ = B+ > O+ > AB- > A- = B- > O-

    O-  platelets       O- > O+ > A- > A+ > B- > B+ > AB- > AB+
    O+  platelets       O+ > O- > A+ > A- > B+ > B- > AB+ > AB-
    A-  platelets       A- > A+ > AB- > AB+
    A+  platelets       A+ > A- > AB+ > AB-
    B-  platelets       B- > B+ > AB- > AB+
    B+  platelets       B+ > B- > AB+ > AB-
    AB- platelets       AB- > AB+
    AB+ platelets       AB+ > AB-

    O-  plasma          O- = O+ > A- = A+ > B- = B+ > AB- = AB+
    O+  plasma          O+ = O- > A+ = A- > B+ = B- > AB+ = AB-
    A-  plasma          A- = A+ > AB- = AB+
    A+  plasma          A+ = A- > AB+ = AB-
    B-  plasma          B- = B+ > AB- = AB+
    B+  plasma          B+ = B- > AB+ = AB-
    AB- plasma          AB- = AB+
    AB+ plasma          AB+ = AB-

    O-  cryoprecipitate O- = O+ > A- = A+ > B- = B+ > AB- = AB+
    O+  cryoprecipitate O+ = O- > A+ = A- > B+ = B- > AB+ = AB-
    A-  cryoprecipitate A- = A+ > AB- = AB+
    A+  cryoprecipitate A+ = A- > AB+ = AB-
    B-  cryoprecipitate B- = B+ > AB- = AB+
    B+  cryoprecipitate B+ = B- > AB+ = AB-
    AB- cryoprecipitate AB- = AB+
    AB+ cryoprecipitate AB+ = AB-

    O-  whole_blood     O-
    O+  whole_blood     O+
    A-  whole_blood     A-
    A+  whole_blood     A+
    B-  whole_blood     B-
    B+  whole_blood     B+
    AB- whole_blood     AB-
    AB+ whole_blood     AB+
";

/// The same with flagged units; a choice that needs the flag is in brackets. Rows not named are as above.
const WITH_LOW_TITRE: &str = "
    A-  platelets       A- > A+ > [B-]! = [O-]! > [B+]! = [O+]! > AB- > AB+
    A+  platelets       A+ > A- > [B+]! = [O+]! > [B-]! = [O-]! > AB+ > AB-
    B-  platelets       B- > B+ > [A-]! = [O-]! > [A+]! = [O+]! > AB- > AB+
    B+  platelets       B+ > B- > [A+]! = [O+]! > [A-]! = [O-]! > AB+ > AB-
    AB- platelets       AB- > AB+ > [A-]! = [B-]! > [A+]! = [B+]! > [O-]! > [O+]!
    AB+ platelets       AB+ > AB- > [A+]! = [B+]! > [A-]! = [B-]! > [O+]! > [O-]!
    A-  plasma          A- = A+ > AB- = AB+ > [B-]! = [B+]!
    A+  plasma          A+ = A- > AB+ = AB- > [B+]! = [B-]!
    B-  plasma          B- = B+ > AB- = AB+ > [A-]! = [A+]!
    B+  plasma          B+ = B- > AB+ = AB- > [A+]! = [A-]!
    AB- plasma          AB- = AB+ > [A-]! = [A+]! > [B-]! = [B+]!
    AB+ plasma          AB+ = AB- > [A+]! = [A-]! > [B+]! = [B-]!
    A-  cryoprecipitate A- = A+ > AB- = AB+ > [B-]! = [B+]!
    A+  cryoprecipitate A+ = A- > AB+ = AB- > [B+]! = [B-]!
    B-  cryoprecipitate B- = B+ > AB- = AB+ > [A-]! = [A+]!
    B+  cryoprecipitate B+ = B- > AB+ = AB- > [A+]! = [A-]!
    AB- cryoprecipitate AB- = AB+ > [A-]! = [A+]! > [B-]! = [B+]!
    AB+ cryoprecipitate AB+ = AB- > [A+]! = [A-]! > [B+]! = [B-]!
";

fn expected(table: &str, group: BloodGroup, component: Component) -> Option<String> {
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let found = words.next() == Some(group.as_str()) && words.next() == Some(component.as_str());
        found.then(|| words.collect::<Vec<_>>().join(" "))
    })
}

fn written(choices: &[Choice]) -> String {
    let mut text = String::new();
    let mut last_rank = 0;
    for choice in choices {
        text += match choice.rank - last_rank {
            _ if last_rank == 0 => "",
            0 => " = ",
            _ => " > ",
        };
        text += &if choice.low_titre_only {
            format!("[{}]", choice.group)
        } else {
            choice.group.to_string()
        };
        text += choice.note.map_or("", |_| "!");
        last_rank = choice.rank;
    }
    text
}

fn man(age: u8) -> Patient {
    Patient {
        sex: Some(Sex::Male),
        age_years: Some(age),
        ..Patient::default()
    }
}

fn woman(age: u8) -> Patient {
    Patient {
        sex: Some(Sex::Female),
        age_years: Some(age),
        ..Patient::default()
    }
}

fn of(group: BloodGroup, patient: Patient) -> Patient {
    Patient {
        abo: Some(group.abo()),
        rh: Some(group.rh()),
        ..patient
    }
}

fn red_cells(patient: Patient) -> String {
    written(&choices(Component::RedCells, &patient, true)).replace('!', "")
}

#[test]
fn every_group_and_component_follows_the_table() {
    for &group in BloodGroup::ALL {
        for &component in Component::ALL {
            let patient = of(group, man(40));
            let without = expected(WITHOUT_LOW_TITRE, group, component).unwrap();
            let with = expected(WITH_LOW_TITRE, group, component).unwrap_or_else(|| without.clone());

            assert_eq!(
                written(&choices(component, &patient, false)),
                without,
                "{group} {component}"
            );
            assert_eq!(
                written(&choices(component, &patient, true)),
                with,
                "{group} {component}, low titre known"
            );
        }
    }
}

#[test]
fn rhd_positive_cells_go_to_a_negative_patient_only_by_age_and_sex() {
    for (patient, expected) in [
        (man(18), "O-"),
        (man(19), "O- > O+"),
        (woman(50), "O-"),
        (woman(51), "O- > O+"),
        (
            Patient {
                anti_d: true,
                ..man(40)
            },
            "O-",
        ),
        (
            Patient {
                transfusion_dependent: true,
                ..woman(60)
            },
            "O-",
        ),
        (
            Patient {
                age_years: None,
                ..man(0)
            },
            "O-",
        ),
        (Patient { sex: None, ..man(40) }, "O-"),
        (Patient { sex: None, ..man(51) }, "O- > O+"),
    ] {
        assert_eq!(red_cells(of(ONegative, patient)), expected, "{patient:?}");
    }
    assert_eq!(
        red_cells(Patient {
            anti_d: true,
            ..of(APositive, man(40))
        }),
        "A- > O-"
    );
}

#[test]
fn a_patient_of_unknown_group_gets_group_o_cells() {
    for (patient, expected) in [
        (woman(50), "O-"),
        (woman(51), "O+ > O-"),
        (man(18), "O-"),
        (man(19), "O+ > O-"),
        (
            Patient {
                anti_d: true,
                ..man(40)
            },
            "O-",
        ),
        (Patient::default(), "O-"),
        (
            Patient {
                abo: Some(Abo::A),
                ..man(40)
            },
            "A+ > O+ > A- > O-",
        ),
        (
            Patient {
                abo: Some(Abo::A),
                ..woman(30)
            },
            "A- > O-",
        ),
    ] {
        assert_eq!(red_cells(patient), expected, "{patient:?}");
    }
}

#[test]
fn a_patient_of_unknown_group_gets_group_ab_plasma_and_low_titre_platelets() {
    let unknown = Patient::default();

    assert_eq!(written(&choices(Component::Plasma, &unknown, false)), "AB- = AB+");
    assert_eq!(
        written(&choices(Component::Plasma, &unknown, true)),
        "AB- = AB+ > [A-]! = [A+]!"
    );
    assert_eq!(written(&choices(Component::Platelets, &unknown, false)), "");
    assert_eq!(
        written(&choices(Component::Platelets, &unknown, true)),
        "[A-]! = [O-]! > [A+]! = [O+]!"
    );
    assert_eq!(written(&choices(Component::WholeBlood, &unknown, true)), "");
}

#[test]
fn platelets_for_a_woman_who_could_bear_a_child_are_negative_or_given_with_cover() {
    let platelets = |patient| choices(Component::Platelets, &patient, false);

    assert_eq!(written(&platelets(of(ANegative, woman(30)))), "A- > AB- > A+! > AB+!");
    assert_eq!(platelets(of(ANegative, woman(30)))[2].note, Some("Give anti-D cover"));
    assert_eq!(written(&platelets(of(ANegative, woman(51)))), "A- > A+ > AB- > AB+");
    assert_eq!(written(&platelets(of(APositive, woman(30)))), "A+ > A- > AB+ > AB-");
    assert_eq!(
        written(&platelets(Patient {
            anti_d: true,
            ..of(ANegative, woman(30))
        })),
        "A- > AB- > A+ > AB+"
    );
}

#[test]
fn a_transfer_is_the_group_asked_for_or_what_suits_any_adult_of_it() {
    for &group in BloodGroup::ALL {
        for &component in Component::ALL {
            let offered = stock_choices(component, group);

            assert_eq!((offered[0].group, offered[0].rank), (group, 1));
            assert!(offered.iter().all(|choice| !choice.low_titre_only));
        }
    }
    assert_eq!(written(&stock_choices(Component::RedCells, ANegative)), "A- > O-");
    assert_eq!(
        written(&stock_choices(Component::RedCells, APositive)),
        "A+ > O+ > A- > O-"
    );
}

#[test]
fn a_low_titre_unit_is_permitted_where_an_ordinary_one_is_not() {
    let patient = of(APositive, man(40));

    assert_eq!(permitted(Component::Platelets, &patient, OPositive, false), None);
    assert!(permitted(Component::Platelets, &patient, OPositive, true).is_some_and(|choice| choice.low_titre_only));
    assert_eq!(permitted(Component::RedCells, &patient, BPositive, true), None);
}

/// Written from the antigens, without the tables: (has A, has B).
fn antigens(abo: Abo) -> (bool, bool) {
    (matches!(abo, A | Ab), matches!(abo, B | Ab))
}

/// Whether the antibodies of someone of group `antibodies_of` attack cells of group `cells`.
fn attacks(antibodies_of: Abo, cells: Abo) -> bool {
    let (has_a, has_b) = antigens(antibodies_of);
    let (cell_a, cell_b) = antigens(cells);
    (cell_a && !has_a) || (cell_b && !has_b)
}

fn maybe<T: Copy + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = Option<T>> {
    prop::option::of(prop::sample::select(values))
}

prop_compose! {
    fn any_patient()(
        abo in maybe(Abo::ALL), rh in maybe(Rh::ALL), sex in maybe(Sex::ALL), age_years in prop::option::of(0u8..110),
        anti_d: bool, transfusion_dependent: bool,
    ) -> Patient {
        Patient { abo, rh, sex, age_years, anti_d, transfusion_dependent }
    }
}

proptest! {
    #[test]
    fn nobody_is_offered_incompatible_blood(
        component in prop::sample::select(Component::ALL), patient in any_patient(), low_titre_known: bool
    ) {
        let patients_abo: Vec<Abo> = patient.abo.map_or(Abo::ALL.to_vec(), |abo| vec![abo]);

        for choice in choices(component, &patient, low_titre_known) {
            let unit = choice.group;
            prop_assert!(low_titre_known || !choice.low_titre_only);
            prop_assert!(!choice.low_titre_only || choice.note.is_some());
            for &abo in &patients_abo {
                if matches!(component, Component::RedCells | Component::WholeBlood) {
                    prop_assert!(!attacks(abo, unit.abo()), "{unit} cells to {abo}");
                }
                if component != Component::RedCells {
                    prop_assert!(choice.low_titre_only || !attacks(unit.abo(), abo), "{unit} plasma to {abo}");
                }
            }
            if matches!(component, Component::RedCells | Component::WholeBlood) && unit.rh() == Rh::Positive {
                prop_assert!(!patient.anti_d);
                prop_assert!(patient.rh == Some(Rh::Positive) || !patient.transfusion_dependent);
            }
        }
    }

    #[test]
    fn choices_are_ranked_without_gaps_and_never_repeat_a_group(
        component in prop::sample::select(Component::ALL), patient in any_patient(), low_titre_known: bool
    ) {
        let offered = choices(component, &patient, low_titre_known);

        let mut groups: Vec<_> = offered.iter().map(|choice| choice.group).collect();
        groups.sort();
        groups.dedup();
        prop_assert_eq!(groups.len(), offered.len());
        prop_assert!(offered.first().is_none_or(|choice| choice.rank == 1));
        prop_assert!(offered.windows(2).all(|pair| pair[1].rank - pair[0].rank <= 1));
    }
}
