//! Recovery codes: ten texts of 50 random bits, forgiving about how they are typed.

/// Codes that somebody gets at a time.
pub const CODES: usize = 10;

/// Crockford's alphabet: no I, L, O and U, which are read as something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 10;

/// What the person types to prove that they hold their second factor.
#[derive(Debug, PartialEq, Eq)]
pub enum Proof {
    /// six digits out of the app
    App(String),
    /// ten characters, as they are hashed
    Recovery(String),
}

/// Reads what was typed; `None` when it can be neither.
pub fn proof(typed: &str) -> Option<Proof> {
    let plain: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if plain.len() == 6 && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Proof::App(plain));
    }
    let plain: String = plain
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        })
        .collect();
    let known = plain.len() == LENGTH && plain.bytes().all(|byte| ALPHABET.contains(&byte));
    known.then_some(Proof::Recovery(plain))
}

/// New codes, as they are hashed.
pub fn recovery_codes() -> [String; CODES] {
    std::array::from_fn(|_| {
        let bits: u64 = rand::random();
        let letter = |at| ALPHABET[(bits >> (5 * at)) as usize & 31] as char;
        (0..LENGTH).map(letter).collect()
    })
}

/// As it is shown: `8k2mv-x0qjt`.
pub fn shown(code: &str) -> String {
    let (left, right) = code.split_at(LENGTH / 2);
    format!("{left}-{right}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        assert_eq!(proof(" 123 456 "), Some(Proof::App("123456".into())));
        assert_eq!(proof("8K2MV-xOqjt"), Some(Proof::Recovery("8k2mvx0qjt".into())));
        assert_eq!(proof("8k2mv xlqit"), Some(Proof::Recovery("8k2mvx1q1t".into())));
        for wrong in ["", "12345", "1234567", "8k2mvx0qj", "8k2mvx0qju", "١٢٣٤٥٦"] {
            assert_eq!(proof(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn new_codes_differ_and_are_read_back_as_they_are_shown() {
        let codes = recovery_codes();

        for code in &codes {
            assert_eq!(proof(&shown(code)), Some(Proof::Recovery(code.clone())));
        }
        let different: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(different.len(), CODES);
    }
}
