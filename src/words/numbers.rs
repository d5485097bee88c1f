//! Digits grouped as the task's locale writes them.

use super::locale;

/// A whole number: `12,345`.
pub fn number(n: i64) -> String {
    let digits = grouped(&n.unsigned_abs().to_string());
    if n < 0 { format!("\u{2212}{digits}") } else { digits }
}

/// The digits of a number without a sign, with a point before the decimals if there are any: `12345.5` becomes `12,345.5`.
pub fn grouped(digits: &str) -> String {
    let (between, before_decimals) = locale().separators();
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut text = String::with_capacity(digits.len() + whole.len());
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            text.push(between);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(before_decimals);
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{Language, Locale, under};
    use super::{grouped, number};

    #[test]
    fn numbers_are_written_as_the_language_does() {
        assert_eq!([number(999), number(-1_234_567)], ["999", "\u{2212}1,234,567"]);
        under(Locale::of(Language::Fr), || {
            assert_eq!(grouped("12345.5"), "12\u{202f}345,5")
        });
        under(Locale::of(Language::Ar), || assert_eq!(grouped("12345.5"), "12,345.5"));
    }
}
