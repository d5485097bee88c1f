//! Names that sound like places and are none, for facilities, regions and people.

use std::collections::HashSet;

use super::dice::Dice;
use crate::facilities::FacilityKind;

const FIRST: [&str; 50] = [
    "Alder", "Amber", "Auburn", "Bracken", "Bramble", "Brindle", "Cinder", "Cobalt", "Copper", "Coral", "Dapple",
    "Ember", "Fallow", "Fennel", "Ferrow", "Flint", "Garnet", "Gorse", "Halcyon", "Heron", "Indigo", "Ivory",
    "Juniper", "Kestrel", "Lantern", "Linden", "Lupin", "Merle", "Mossy", "Nettle", "Ochre", "Opal", "Otter", "Pebble",
    "Plover", "Quill", "Rowan", "Russet", "Sable", "Saffron", "Sorrel", "Starling", "Tamar", "Teasel", "Thistle",
    "Umber", "Vesper", "Wren", "Yarrow", "Zephyr",
];

const SECOND: [&str; 40] = [
    "brook", "fell", "mere", "holt", "strand", "haven", "reach", "crest", "combe", "shaw", "garth", "moor", "tarn",
    "vale", "water", "rise", "spire", "hollow", "sound", "ness", "cairn", "march", "lock", "weir", "bank", "barrow",
    "beck", "bourne", "down", "fold", "gate", "heath", "hurst", "marsh", "mouth", "quay", "ridge", "shore", "stead",
    "thwaite",
];

const REGION: [&str; 6] = ["Isles", "Coast", "Reach", "Skerries", "Highlands", "Sound"];

const CENTER: [&str; 4] = [
    "Blood Center",
    "Blood Service",
    "Transfusion Center",
    "Regional Blood Bank",
];
const HOSPITAL: [&str; 5] = [
    "General Hospital",
    "University Hospital",
    "Infirmary",
    "District Hospital",
    "Children's Hospital",
];
const CLINIC: [&str; 5] = [
    "Clinic",
    "Day Clinic",
    "Health Center",
    "Surgery Center",
    "Cottage Clinic",
];

/// People who acted in the invented past; none of them can log in.
pub(super) const STAFF: [&str; 24] = [
    "Ada Linnow",
    "Bram Tesk",
    "Cora Vint",
    "Dov Hallam",
    "Edda Morrin",
    "Falk Osten",
    "Gwen Pallas",
    "Hugo Arlen",
    "Ines Corvo",
    "Jory Penn",
    "Kaya Brandt",
    "Levi Strand",
    "Mina Oduya",
    "Nils Ferro",
    "Oona Quist",
    "Piet Lorne",
    "Runa Salk",
    "Sami Veld",
    "Tove Ansel",
    "Ulla Merrit",
    "Vito Kern",
    "Wanda Roe",
    "Yara Nissen",
    "Zeno Albar",
];

/// A giver of names that repeats none.
pub(super) struct Names {
    /// all pairs of syllables, shuffled
    places: Vec<String>,
    next: usize,
    taken: HashSet<String>,
}

impl Names {
    pub fn new(dice: &mut Dice) -> Self {
        let mut places: Vec<String> = FIRST
            .iter()
            .flat_map(|first| SECOND.iter().map(move |second| format!("{first}{second}")))
            .collect();
        for index in (1..places.len()).rev() {
            places.swap(index, dice.below(index + 1));
        }
        Names {
            places,
            next: 0,
            taken: HashSet::new(),
        }
    }

    pub fn region(&mut self, dice: &mut Dice) -> String {
        loop {
            let name = format!("{} {}", dice.pick(&FIRST), dice.pick(&REGION));
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// Past the first few thousand a place has several facilities, each of another kind.
    pub fn facility(&mut self, dice: &mut Dice, kind: FacilityKind) -> String {
        let words: &[&str] = match kind {
            FacilityKind::BloodCenter => &CENTER,
            FacilityKind::Hospital => &HOSPITAL,
            FacilityKind::Clinic => &CLINIC,
        };
        loop {
            let round = self.next / self.places.len();
            let place = &self.places[self.next % self.places.len()];
            self.next += 1;
            let word = dice.pick(words);
            let name = match round {
                0..20 => format!("{place} {word}"),
                // far beyond what anyone asks for: number them rather than search for ever
                _ => format!("{place} {word} {round}"),
            };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_names_differ() {
        let mut dice = Dice::new(1);
        let mut names = Names::new(&mut dice);
        let kinds = FacilityKind::ALL;
        let given: HashSet<String> = (0..10_000)
            .map(|index| names.facility(&mut dice, kinds[index % kinds.len()]))
            .collect();
        assert_eq!(given.len(), 10_000);
        assert!(given.iter().all(|name| name.len() <= 120));
    }
}
