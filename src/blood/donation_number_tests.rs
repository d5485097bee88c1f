//! Donation numbers in every form that people and scanners produce, and every single slip of a finger.
//! The laws of the check character are tried at every position of generated numbers.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<DonationNumber, DonationNumberError> {
    text.parse()
}

fn problem(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn the_check_character_matches_the_published_vectors() {
    let first = parse("G123498654321").unwrap();

    assert_eq!((first.checksum(), first.check_character()), (17, 'H'));
    assert_eq!(parse("A999921123456").unwrap().with_check(), "A9999 21 123456 3");
}

#[test]
fn every_way_of_writing_a_number_leads_to_the_same() {
    for text in [
        "G123498654321",
        "g1234 98 654321",
        " G1234-98-654321 H ",
        "G123498654321h",
        "=G12349865432100",
        "=G12349865432177",
        "=G123498654321",
        "G12349865432177",
        "=G1234986543210A",
    ] {
        assert_eq!(
            parse(text).map(|number| number.to_string()),
            Ok("G123498654321".to_owned()),
            "{text:?}"
        );
    }
}

#[test]
fn a_refusal_says_what_was_expected() {
    assert_eq!(
        problem("G1234"),
        "a donation number has 13 characters, or 14 with its check character; this one has 5"
    );
    assert_eq!(
        problem(""),
        "a donation number has 13 characters, or 14 with its check character; this one has 0"
    );
    assert_eq!(
        problem("O123498654321"),
        "character 1 is 'O', expected a letter but O, or a digit from 1 to 9"
    );
    assert_eq!(
        problem("0123498654321"),
        "character 1 is '0', expected a letter but O, or a digit from 1 to 9"
    );
    assert_eq!(
        problem("G12O498654321"),
        "character 4 is 'O', expected a digit, or a letter but O"
    );
    assert_eq!(problem("G1234 9X 654321"), "character 7 is 'X', expected a digit");
    assert_eq!(problem("G12349865432é"), "character 13 is 'é', expected a digit");
    assert_eq!(
        problem("G123498654321J"),
        "the check character should be H, not J: compare the number with the label"
    );
    assert_eq!(
        problem("=G12349865432176"),
        "the flag characters should be 77, not 76: scan the label again"
    );
    assert_eq!(
        problem("=G1234986543210?"),
        "character 15 is '?', expected a flag character, a digit or a letter"
    );
    assert!(matches!(
        parse("=G123498654321H"),
        Err(DonationNumberError::Length { found: 14 })
    ));
}

#[test]
fn numbers_are_built_from_their_parts() {
    assert_eq!(DonationNumber::generate("A9999", 21, 123_456), parse("A999921123456"));
    assert_eq!(
        DonationNumber::generate("A9999", 5, 7).unwrap().as_str(),
        "A999905000007"
    );
    assert_eq!(
        DonationNumber::generate("A9999", 100, 1),
        Err(DonationNumberError::Parts)
    );
    assert_eq!(
        DonationNumber::generate("A9999", 21, 1_000_000),
        Err(DonationNumberError::Parts)
    );
    assert!(DonationNumber::generate("A999", 21, 1).is_err());
    assert!(DonationNumber::generate("O9999", 21, 1).is_err());
}

#[test]
fn json_carries_the_thirteen_characters() {
    let number = parse("A999921123456").unwrap();

    assert_eq!(serde_json::to_string(&number).unwrap(), r#""A999921123456""#);
    assert_eq!(
        serde_json::from_str::<DonationNumber>(r#""=A99992112345600""#).unwrap(),
        number
    );
}

proptest! {
    #[test]
    fn the_check_character_catches_every_substitution(text in "[A-NP-Z1-9][0-9A-NP-Z]{4}[0-9]{8}") {
        let typed: Vec<char> = parse(&text).unwrap().with_check().replace(' ', "").chars().collect();

        for position in 0..typed.len() {
            for &with in CHECK_ALPHABET {
                let mut slip = typed.clone();
                slip[position] = with.into();
                let slip: String = slip.iter().collect();
                let same = with == typed[position] as u8;
                prop_assert_eq!(parse(&slip).is_ok(), same, "{}", slip);
            }
        }
    }

    #[test]
    fn the_check_character_catches_every_adjacent_transposition(text in "[A-NP-Z1-9][0-9A-NP-Z]{4}[0-9]{8}") {
        let typed: Vec<char> = parse(&text).unwrap().with_check().replace(' ', "").chars().collect();

        for position in 1..typed.len() {
            let mut slip = typed.clone();
            slip.swap(position - 1, position);
            let same = slip == typed;
            let slip: String = slip.iter().collect();
            prop_assert_eq!(parse(&slip).is_ok(), same, "{}", slip);
        }
    }

    #[test]
    fn what_is_printed_is_read_back(text in "[A-NP-Z1-9][0-9A-NP-Z]{4}[0-9]{8}") {
        let number = parse(&text).unwrap();

        prop_assert_eq!(parse(&number.with_check()), Ok(number));
        prop_assert_eq!(parse(&format!("={number}{}", 60 + number.checksum())), Ok(number));
        prop_assert_eq!(number.to_string(), text);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text);
    }
}
