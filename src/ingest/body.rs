//! JSON as it came: whether Postgres can keep it, and what it is known by. Looked at byte by byte, because every event
//! passes here and a tree of values would cost more than the rest.

use sha2::{Digest, Sha256};

/// Deeper nesting is refused.
const DEEPEST: usize = 64;
/// Longer numbers are refused.
const LONGEST_NUMBER: usize = 300;

/// Whether `jsonb` can hold it; otherwise what is wrong. The text is JSON already.
pub fn check(json: &str) -> Result<(), &'static str> {
    let bytes = json.as_bytes();
    let mut at = 0;
    let mut depth = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string(bytes, at + 1)?,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEEPEST {
                    return Err("It is nested too deeply.");
                }
            }
            b'}' | b']' => depth -= 1,
            b'-' | b'0'..=b'9' => at = number(json, at)?,
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Answers where the string ends.
fn string(bytes: &[u8], mut at: usize) -> Result<usize, &'static str> {
    let mut high = false;
    while bytes[at] != b'"' {
        let mut this_high = false;
        if bytes[at] == b'\\' {
            at += 1;
            if bytes[at] == b'u' {
                let code = std::str::from_utf8(&bytes[at + 1..at + 5]).unwrap_or_default();
                match u16::from_str_radix(code, 16).unwrap_or_default() {
                    0 => return Err("It holds a NUL, which cannot be stored."),
                    0xd800..0xdc00 if !high => this_high = true,
                    0xdc00..0xe000 if high => {}
                    0xd800..0xe000 => return Err("It holds half a character (a lone surrogate)."),
                    _ if high => return Err("It holds half a character (a lone surrogate)."),
                    _ => {}
                }
                at += 4;
                high = this_high;
                at += 1;
                continue;
            }
        }
        if high {
            return Err("It holds half a character (a lone surrogate).");
        }
        at += 1;
    }
    if high {
        return Err("It holds half a character (a lone surrogate).");
    }
    Ok(at)
}

/// Answers the last byte of the number.
fn number(json: &str, start: usize) -> Result<usize, &'static str> {
    let rest = &json[start..];
    let length = rest
        .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
        .unwrap_or(rest.len());
    let text = &rest[..length];
    let exponent = text
        .split_once(['e', 'E'])
        .map_or(Ok(0), |(_, exponent)| exponent.parse::<i32>());
    if length > LONGEST_NUMBER || !exponent.is_ok_and(|exponent| exponent.abs() <= 400) {
        return Err("It holds a number beyond all bounds.");
    }
    Ok(start + length - 1)
}

/// Feeds the JSON to a hash without the white space that carries no meaning.
pub fn feed(hash: &mut Sha256, json: &str) {
    let bytes = json.as_bytes();
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
            }
            b' ' | b'\n' | b'\r' | b'\t' => {
                hash.update(&bytes[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    hash.update(&bytes[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(json: &str) -> Vec<u8> {
        let mut hash = Sha256::new();
        feed(&mut hash, json);
        hash.finalize().to_vec()
    }

    #[test]
    fn what_postgres_cannot_keep_is_refused() {
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        let long = "9".repeat(301);
        for bad in [
            r#"{"a":"x\u0000"}"#,
            r#"["\ud800"]"#,
            r#"["\ud800x"]"#,
            r#"["\udc00"]"#,
            r#"["\ud800\n"]"#,
            "[1e999]",
            &deep,
            &long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        for good in [
            r#"{"a":"\\u0000","b":[1,-2.5e10,true,null],"c":"\ud83d\ude00 \"quoted\" []{}"}"#,
            "12",
            r#""""#,
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn white_space_between_values_makes_no_other_body() {
        assert_eq!(
            hash("{\"a\": [1,\n 2], \"b\" : \"x  y\\\" z\"}"),
            hash(r#"{"a":[1,2],"b":"x  y\" z"}"#)
        );
        assert_ne!(hash(r#"{"b":"x y"}"#), hash(r#"{"b":"xy"}"#));
    }
}
