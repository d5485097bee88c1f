//! Numbers as people read them: thousands separators, a true minus sign, three significant digits where space is short.
//! Tiles use `number`, titles, tables and read-outs use `full`.

use crate::words::{grouped, locale};

/// A number for a tile: exact up to 9,999, beyond that three significant digits with a scale (`12.3k`, `1.20M`, `4.56G`).
/// Fractions keep three significant digits (`3.14`, `45.7`); a value that is no number is an en dash.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || size < 9_999.5 {
        return full(value);
    }
    let scales = [(1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")];
    // 999,600 would become "1000k": a scale ends where three digits round up to four
    let (unit, letter) = scales
        .into_iter()
        .find(|(unit, _)| size / unit < 999.5)
        .unwrap_or(scales[3]);
    let scaled = size / unit;
    let decimals = if scaled < 9.995 {
        2
    } else if scaled < 99.95 {
        1
    } else {
        0
    };
    signed(value, format!("{}{letter}", grouped(&format!("{scaled:.decimals$}"))))
}

/// `1 unit`, `1,234 units`.
pub fn units(number: impl Into<i64>) -> String {
    n!("{n} unit", "{n} units", number.into())
}

/// A number in full (`12,345`): whole numbers exactly, fractions with at least three significant digits, at most four decimals.
/// A value that is no number is an en dash.
pub fn full(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let size = value.abs();
    let decimals = match size {
        _ if size.fract() == 0.0 => 0,
        _ if size < 0.1 => 4,
        _ if size < 1.0 => 3,
        _ if size < 10.0 => 2,
        _ => 1,
    };
    let text = format!("{size:.decimals$}");
    let text = if decimals > 0 {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    signed(value, grouped(text))
}

/// A number with so many decimals (at most 4), or in full.
pub fn rounded(value: f64, decimals: Option<u8>) -> String {
    match decimals {
        Some(decimals) if value.is_finite() => signed(
            value,
            grouped(&format!("{:.*}", usize::from(decimals.min(4)), value.abs())),
        ),
        _ => full(value),
    }
}

/// A number on an axis: as `number`, without zeros that carry nothing (`2k`, `2.5k`).
pub(super) fn tick(value: f64) -> String {
    let text = number(value);
    let (_, before_decimals) = locale().separators();
    match text.char_indices().last() {
        Some((at, letter)) if letter.is_ascii_alphabetic() && text.contains(before_decimals) => {
            format!(
                "{}{letter}",
                text[..at].trim_end_matches('0').trim_end_matches(before_decimals)
            )
        }
        _ => text,
    }
}

fn signed(value: f64, digits: String) -> String {
    // what rounds to zero has no sign
    if value < 0.0 && digits.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        format!("\u{2212}{digits}")
    } else {
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::{full, number, tick};

    #[test]
    fn a_tile_shows_three_digits_only_beyond_9_999() {
        let shown = [
            0.0,
            412.0,
            9_999.0,
            10_000.0,
            12_345.0,
            123_456.0,
            999_600.0,
            1_204_000.0,
        ]
        .map(number);
        assert_eq!(shown, ["0", "412", "9,999", "10.0k", "12.3k", "123k", "1.00M", "1.20M"]);
    }

    #[test]
    fn a_full_number_has_separators_and_a_minus_sign() {
        let shown = [1_234_567.0, -4_321.0, -0.00001, 2.34567, 45.678, 0.5, f64::NAN].map(full);
        assert_eq!(shown, ["1,234,567", "\u{2212}4,321", "0", "2.35", "45.7", "0.5", "–"]);
    }

    #[test]
    fn a_tick_carries_no_empty_zeros() {
        assert_eq!(
            [20_000.0, 25_000.0, 12_500.0, 100.0, 0.25].map(tick),
            ["20k", "25k", "12.5k", "100", "0.25"]
        );
    }
}
