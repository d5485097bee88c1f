//! The ISBT 128 donation number on a bag: 13 characters `a pppp yy nnnnnn`, typed by a person or read by a scanner.
//! Structure and check character are verified; who holds a facility code is for ICCBBA's registry to say.
//!
//! Source: ST-001 v6.2.2 and UK Red Book Annex 2; the check character is ISO 7064 mod 37-2.

use std::str::FromStr;

use crate::text_enum::text_column;

const LENGTH: usize = 13;
const CHECK_ALPHABET: &[u8; 37] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*";

/// A well-formed donation number: facility code (5), year (2), sequence (6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DonationNumber([u8; LENGTH]);

/// Why a text is not a donation number, in words for the person who typed it. Positions count from 1, without
/// separators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DonationNumberError {
    /// Too short or too long.
    #[error("a donation number has 13 characters, or 14 with its check character; this one has {found}")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character that cannot stand where it stands.
    #[error("character {position} is {found:?}, expected {expected}")]
    Character {
        /// Where, from 1.
        position: usize,
        /// What stands there.
        found: char,
        /// What may stand there, in words.
        expected: &'static str,
    },
    /// The check character contradicts the number: a slip in one or the other.
    #[error("the check character should be {expected}, not {found}: compare the number with the label")]
    CheckCharacter {
        /// Computed from the 13 characters.
        expected: char,
        /// As typed.
        found: char,
    },
    /// The flag characters of a scan carry a checksum, and it contradicts the number.
    #[error("the flag characters should be {expected}, not {found}: scan the label again")]
    Flags {
        /// 60 plus the checksum.
        expected: u8,
        /// As scanned.
        found: u8,
    },
    /// Asked to build a number from parts that do not fit.
    #[error("a donation number has a year of two digits and a sequence of six")]
    Parts,
}

impl DonationNumber {
    /// The 13 characters, as stored.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only letters and digits are ever put in")
    }

    /// The check character over the 13 characters (ISO 7064 mod 37-2): a digit, a letter or `*`.
    pub fn check_character(&self) -> char {
        CHECK_ALPHABET[self.checksum()].into()
    }

    /// The number in its printed groups with the check character: `A9999 21 123456 3`.
    pub fn with_check(&self) -> String {
        let text = self.as_str();
        format!(
            "{} {} {} {}",
            &text[..5],
            &text[5..7],
            &text[7..],
            self.check_character()
        )
    }

    /// The number of a collection facility (5 characters) with this year (two digits) and place in its sequence
    /// (six).
    pub fn generate(facility_code: &str, year: u8, sequence: u32) -> Result<Self, DonationNumberError> {
        if year > 99 || sequence > 999_999 {
            return Err(DonationNumberError::Parts);
        }
        let characters: Vec<char> = format!("{facility_code}{year:02}{sequence:06}").chars().collect();
        Self::from_characters(&characters)
    }

    fn from_characters(characters: &[char]) -> Result<Self, DonationNumberError> {
        if characters.len() != LENGTH {
            return Err(DonationNumberError::Length {
                found: characters.len(),
            });
        }
        let mut number = [0; LENGTH];
        for (index, &found) in characters.iter().enumerate() {
            let (fits, expected) = match index {
                0 => (
                    matches!(found, 'A'..='N' | 'P'..='Z' | '1'..='9'),
                    "a letter but O, or a digit from 1 to 9",
                ),
                1..5 => (
                    matches!(found, 'A'..='N' | 'P'..='Z' | '0'..='9'),
                    "a digit, or a letter but O",
                ),
                _ => (found.is_ascii_digit(), "a digit"),
            };
            if !fits {
                return Err(DonationNumberError::Character {
                    position: index + 1,
                    found,
                    expected,
                });
            }
            number[index] = found as u8;
        }
        Ok(Self(number))
    }

    /// K = (38 - sum mod 37) mod 37, the sum being value x 2^position with the rightmost position 1.
    fn checksum(&self) -> usize {
        let sum = self
            .0
            .iter()
            .fold(0, |sum, &character| (sum + value(character)) * 2 % 37);
        (38 - sum) % 37
    }

    fn verify_check_character(self, found: char) -> Result<Self, DonationNumberError> {
        let expected = self.check_character();
        if found == expected {
            Ok(self)
        } else {
            Err(DonationNumberError::CheckCharacter { expected, found })
        }
    }

    /// Flags of type 3 are 60 plus the checksum; other flags describe the container and say nothing of the number.
    fn verify_flags(self, flags: &[char]) -> Result<Self, DonationNumberError> {
        for (index, &found) in flags.iter().enumerate() {
            if !found.is_ascii_alphanumeric() {
                let expected = "a flag character, a digit or a letter";
                return Err(DonationNumberError::Character {
                    position: LENGTH + index + 1,
                    found,
                    expected,
                });
            }
        }
        let expected = 60 + self.checksum() as u8;
        match flags.iter().collect::<String>().parse::<u8>() {
            Ok(found @ 60..=96) if found != expected => Err(DonationNumberError::Flags { expected, found }),
            _ => Ok(self),
        }
    }
}

fn value(character: u8) -> usize {
    match character {
        b'0'..=b'9' => usize::from(character - b'0'),
        letter => usize::from(letter - b'A') + 10,
    }
}

/// Reads a number as typed (13 characters, 14 with the check character) or as scanned (`=`, 13 characters, 2 flag
/// characters; without `=` from scanners that drop it). Small letters, spaces and hyphens are accepted.
impl FromStr for DonationNumber {
    type Err = DonationNumberError;

    fn from_str(text: &str) -> Result<Self, DonationNumberError> {
        let (scanned, text) = match text.trim().strip_prefix('=') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let characters: Vec<char> = text
            .chars()
            .filter(|character| !character.is_whitespace() && !matches!(character, '-' | '\u{2010}'..='\u{2013}'))
            .map(|character| character.to_ascii_uppercase())
            .collect();
        match characters.len() {
            14 if !scanned => Self::from_characters(&characters[..LENGTH])?.verify_check_character(characters[LENGTH]),
            15 => Self::from_characters(&characters[..LENGTH])?.verify_flags(&characters[LENGTH..]),
            _ => Self::from_characters(&characters),
        }
    }
}

text_column!(DonationNumber);

#[cfg(test)]
#[path = "donation_number_tests.rs"]
mod tests;
