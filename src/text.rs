//! What may stand in a free text that others will read.

/// What is wrong with a text that somebody typed: too long, or characters that cannot be shown. Those are control
/// characters but for line breaks and tabs, what stands for broken UTF-8, and the marks with which a text could turn
/// round what stands beside it on somebody else's screen (Unicode TR36, bidirectional spoofing).
pub fn problem(text: &str, longest: usize) -> Option<String> {
    if text.chars().count() > longest {
        Some(format!("Use at most {longest} characters."))
    } else if text.chars().any(is_unfit) {
        Some("This holds characters that cannot be shown.".into())
    } else {
        None
    }
}

fn is_unfit(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(c, '\u{fffd}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::problem;

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
