//! What may stand in a free text that others will read.

/// What is wrong with a text that somebody typed: too long, or characters that cannot be shown. Those are control
/// characters but for line breaks and tabs, what stands for broken UTF-8, and the marks with which a text could turn
/// round what stands beside it on somebody else's screen (Unicode TR36, bidirectional spoofing).
pub fn problem(text: &str, longest: usize) -> Option<String> {
    if text.chars().count() > longest {
        Some(t!("Use at most {longest} characters.", longest))
    } else if text.chars().any(is_unfit) {
        Some(t!("This holds characters that cannot be shown.").into())
    } else {
        None
    }
}

fn is_unfit(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(c, '\u{fffd}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text for a cell of a spreadsheet, which would take one that begins like a formula for one: such a text gets a `'`
/// before it (OWASP, CSV injection). Numbers are written as numbers and need no such care.
pub fn formula_safe(text: &str) -> std::borrow::Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0']) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{formula_safe, problem};

    #[test]
    fn a_text_that_a_spreadsheet_would_compute_is_marked_as_text() {
        for formula in ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\0=1"] {
            assert_eq!(formula_safe(formula), format!("'{formula}"));
        }
        assert_eq!(formula_safe("A+ red cells"), "A+ red cells");
    }

    #[test]
    fn a_text_is_refused_that_others_could_not_read_as_it_was_meant() {
        assert_eq!(
            problem("Bleeding after surgery,\r\n2 units – für Ärztin Łucja", 80),
            None
        );
        for unfit in [
            "a\0b",
            "a\u{1b}[31m",
            "\u{202e}reversed",
            "\u{2067}x",
            "\u{fffd}",
            "\u{85}",
        ] {
            assert!(problem(unfit, 80).is_some(), "{unfit:?}");
        }
        assert_eq!(problem("abc", 2).as_deref(), Some("Use at most 2 characters."));
    }
}
